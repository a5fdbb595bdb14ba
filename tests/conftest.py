"""What holds for all tests."""

import os
import signal
from pathlib import Path

import hypothesis
import pytest

from jamlink.errors import Unavailable
from jamlink.plugin.build import BUNDLE, build

# Other programs share the machine: how long an example takes says nothing of it.
hypothesis.settings.register_profile("jamlink", deadline=None)
hypothesis.settings.load_profile("jamlink")

# A shell's background jobs are deaf to Ctrl-C and so is all that they start; what is tested here must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plug-in's LV2 bundle, built from these sources. Missing tools are a failure where CI=true, else a skip."""
    try:
        return build(tmp_path_factory.mktemp("lv2") / BUNDLE)
    except Unavailable as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home of one's own, with an empty configuration."""
    for name, folder in (("HOME", "."), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / "home" / folder))
    return tmp_path / "home"
