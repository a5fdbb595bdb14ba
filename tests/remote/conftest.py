from __future__ import annotations

import contextlib
import socket

import pytest

from jamlink.session.core import Session
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns
from tests.remote.house import House


@pytest.fixture
def house():
    """Makes houses; all are closed."""
    with contextlib.ExitStack() as closed:

        def make(*arguments, **options):
            one = House(*arguments, **options)
            closed.callback(one.close)
            return one

        yield make


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
