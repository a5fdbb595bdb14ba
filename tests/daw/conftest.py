"""A real DAW under a private JACK server. Missing parts are a failure where CI=true, else a skip."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from jamlink.errors import Unavailable
from jamlink.ports.jack_server import JackServer, private_jack_server
from tests.daw.ardour import build_quiet_jack


def without(missing: Unavailable) -> None:
    """There is no going on without it."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(missing))
    pytest.skip(str(missing))


@pytest.fixture(scope="module")
def studio() -> Iterator[JackServer]:
    """A JACK server of these tests' own; child processes see it as theirs."""
    try:
        server_context = private_jack_server(period_frames=256)
        server = server_context.__enter__()
    except Unavailable as missing:
        without(missing)
    yield server
    server_context.__exit__(None, None, None)


@pytest.fixture(scope="session")
def quiet_jack(tmp_path_factory) -> Path:
    """The folder of the libjack that Ardour needs."""
    try:
        return build_quiet_jack(tmp_path_factory.mktemp("quiet-jack"))
    except Unavailable as missing:
        without(missing)
        raise
