"""A real DAW under a private JACK server. Missing parts are a failure where CI=true, else a skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jamlink.errors import Unavailable
from tests.daw.ardour import build_quiet_jack


def without(missing: Unavailable) -> None:
    """There is no going on without it."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(missing))
    pytest.skip(str(missing))


@pytest.fixture(scope="session")
def quiet_jack(tmp_path_factory) -> Path:
    """The folder of the libjack that Ardour needs."""
    try:
        return build_quiet_jack(tmp_path_factory.mktemp("quiet-jack"))
    except Unavailable as missing:
        without(missing)
        raise
