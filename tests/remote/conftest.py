from __future__ import annotations

import importlib.util
import socket
from pathlib import Path

import pytest

from jamlink.session.core import Session
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns

_spec = importlib.util.spec_from_file_location("fake_daw", Path(__file__).parent / "fake_daw.py")
_fake_daw = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_fake_daw)


@pytest.fixture
def fake_live():
    """Makes fake Lives that answer to a port; all are closed."""
    made = []

    def make(*arguments, **options):
        made.append(_fake_daw.FakeLive(*arguments, **options))
        return made[-1]

    yield make
    for daw in made:
        daw.close()


@pytest.fixture
def surface():
    """A socket that is a control surface."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        yield sock


@pytest.fixture
def state():
    """A session's state as a view gets it."""
    return {
        **Session(SessionSettings(count_in=0), Ns(0)).state(),
        "trouble": [],
        "clips": {"written": "", "newest": {}},
    }
