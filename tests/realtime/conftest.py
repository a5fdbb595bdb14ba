"""Real parts: a private JACK server without a sound card. Missing parts are a failure where CI=true, else a skip."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from jamlink.errors import Unavailable
from jamlink.ports.base import PortSpec
from jamlink.ports.jack_server import JackServer, private_jack_server
from jamlink.runtime.io_link import FromLink, IoLink
from jamlink.runtime.io_wire import OpenPorts, PortChanged
from jamlink.runtime.monotonic import MonotonicClock

PATIENCE_S = 20.0
"""How long a test waits for what must happen, on a machine busy with other things. Not a measure of anything."""


@contextmanager
def jack_server_or_skip(period_frames: int) -> Iterator[JackServer]:
    """A JACK server of a test's own. Where none can be had the test fails if CI=true, else it is skipped."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(private_jack_server(period_frames=period_frames))
        except Unavailable as missing:
            if os.environ.get("CI") == "true":
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        yield server


@pytest.fixture(scope="session")
def jack_server() -> Iterator[JackServer]:
    """A JACK server of this test run's own; child processes see it as theirs."""
    # Long periods: nothing here is measured, and the probes share their Python with the tests.
    with jack_server_or_skip(period_frames=1024) as server:
        yield server


def wait_until(
    happened: Callable[[], object],
    *,
    turn: Callable[[], object] = lambda: time.sleep(0.005),
    patience_s: float = PATIENCE_S,
) -> None:
    """Waits for something that must happen, giving `turn` its turns; fails after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        turn()


class Jam:
    """An io process with what it said, for a test."""

    def __init__(self, inputs: tuple[PortSpec, ...], outputs: tuple[PortSpec, ...], system: str = "JACK") -> None:
        self.clock = MonotonicClock()
        self.link = IoLink(self.clock, OpenPorts(inputs, outputs, system))
        self.said: list[FromLink] = []
        self.link.start()

    def turn(self) -> None:
        """Lets the link work for a moment."""
        select.select([self.link] if self.link.fileno() >= 0 else [], [], [], 0.01)
        self.said += self.link.receive()

    def until(self, happened: Callable[[], object]) -> None:
        wait_until(happened, turn=self.turn)

    def until_said(self, kind: type, **fields: object) -> FromLink:
        """Waits for a report with these fields, and returns it."""

        def matching() -> list[FromLink]:
            return [m for m in self.said if isinstance(m, kind) and all(getattr(m, f) == v for f, v in fields.items())]

        self.until(matching)
        return matching()[-1]

    def until_bound(self, name: str, bound: str) -> None:
        self.until_said(PortChanged, name=name, bound=bound)

    def all_said(self, kind: type) -> list:
        return [m for m in self.said if isinstance(m, kind)]


@pytest.fixture
def jam(jack_server: JackServer) -> Iterator[Callable[..., Jam]]:
    """Starts io processes, and ends them with the test."""
    jams: list[Jam] = []

    def start(*args: object, **kwargs: object) -> Jam:
        jams.append(Jam(*args, **kwargs))  # type: ignore[arg-type]
        return jams[-1]

    yield start
    for one in jams:
        one.link.close()


@pytest.fixture
def until() -> Callable[..., None]:
    """The function `wait_until`."""
    return wait_until
