"""The bridge to Ardour with Ardour itself: its window on a hidden screen, its OSC surface switched on.

The two ports of OSC are fixed, so one run at a time.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jamlink.bridges import base
from jamlink.bridges.ardour import Ardour as Bridge
from jamlink.errors import Unavailable
from jamlink.osc.packet import Message
from jamlink.ports.jack_server import private_jack_server
from jamlink.testing.jack import JackRecorder
from tests.daw.ardour import PATIENCE_S, started
from tests.daw.conftest import without
from tests.daw.take import connect
from tests.daw.window import PLAYHEAD, Surface, Window
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

BRIDGE = Bridge()
START, CONTINUE, STOP = b"\xfa", b"\xfb", b"\xfc"


@dataclass
class Desk:
    """An Ardour with a window, and what its MIDI clock says."""

    window: Window
    session: Path
    clock: JackRecorder

    @property
    def rolls(self) -> bool:
        """By its MIDI clock, which is not what the bridge goes by."""
        said = [r.data for r in self.clock.recorded if r.data in (START, CONTINUE, STOP)]
        return bool(said) and said[-1] != STOP


@pytest.fixture(scope="module")
def desk(quiet_jack, tmp_path_factory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with contextlib.ExitStack() as things:
        try:
            things.enter_context(private_jack_server(period_frames=256))
            made = things.enter_context(started(folder, quiet_jack, ("musician",)))
            made.quit()
            window = things.enter_context(Window(folder / "window", made.session, quiet_jack))
        except Unavailable as missing:
            without(missing)
            raise
        clock = things.enter_context(JackRecorder("clock"))
        with greeted() as surface:
            wait_until(lambda: PLAYHEAD in reports(surface), patience_s=PATIENCE_S)
        connect(clock.client, "ardour:MIDI Clock out", clock.port_name)
        yield Desk(window, made.session, clock)


@contextlib.contextmanager
def greeted() -> Iterator[Surface]:
    """A surface that Ardour has answered."""
    surface = Surface()
    try:
        surface.greet(BRIDGE.greet())
        yield surface
    finally:
        surface.close()


def reports(surface: Surface) -> list[base.Report]:
    surface.listen()
    return [report for message in surface.heard if (report := BRIDGE.decode(message)) is not None]


def ask(surface: Surface, order: base.Order, answered: Callable[[base.Report], bool]) -> None:
    """Asks once and waits for the answer."""
    surface.heard.clear()
    surface.say(BRIDGE.encode(order))
    wait_until(lambda: any(answered(report) for report in reports(surface)))


def test_it_rolls_and_stops_when_it_is_asked_and_says_so_and_where_it_is(desk):
    with greeted() as surface:
        ask(surface, base.Play(True), lambda said: said == base.Playing(True))
        wait_until(lambda: desk.rolls)
        wait_until(
            lambda: any(isinstance(said, base.PositionIs) and said.bar > PLAYHEAD.bar for said in reports(surface))
        )
        ask(surface, base.Play(False), lambda said: said == base.Playing(False))
        wait_until(lambda: not desk.rolls)


def test_recording_is_armed_and_disarmed(desk):
    with greeted() as surface:
        for armed in (True, False):
            ask(surface, base.ToggleRecord(), lambda said, armed=armed: said == base.Recording(armed))


def test_a_marker_is_put_with_its_name(desk):
    file = desk.session / "take.ardour"
    with greeted() as surface:
        surface.say([*BRIDGE.encode(base.Marker("jamlink here")), Message("/save_state")])
        wait_until(lambda: 'name="jamlink here"' in file.read_text())


@pytest.fixture
def jam(desk, tmp_path, monkeypatch):
    """Starts a jam that follows or leads."""
    with contextlib.ExitStack() as ended:

        def start(transport: str) -> Running:
            monkeypatch.setenv("JAMLINK_BRIDGE_TRANSPORT", transport)
            monkeypatch.setenv("JAMLINK_SYNC_SOURCE", "internal")
            running = Running(tmp_path, "--daw", "ardour", "--count-in", "0", play=False)
            ended.callback(running.end)
            wait_until(lambda: running.says("ready"))
            return running

        yield start


def test_jamlink_starts_and_stops_with_ardour(desk, jam):
    running = jam("follow")
    surface = Surface(port=0)
    try:
        surface.say(BRIDGE.encode(base.Play(True)))
        wait_until(lambda: running.says("started"))
        surface.say(BRIDGE.encode(base.Play(False)))
        wait_until(lambda: running.says("stopped"))
    finally:
        surface.close()


def test_ardour_starts_and_stops_with_jamlink(desk, jam):
    running = jam("lead")
    wait_until(lambda: not desk.rolls)
    running.type("play-stop")
    wait_until(lambda: desk.rolls)
    running.type("play-stop")
    wait_until(lambda: not desk.rolls)


def test_its_window_shows_the_session(desk):
    picture = desk.session.parent / "window.png"
    desk.window.picture(picture)
    assert desk.window.runs
    assert os.path.getsize(picture) > 10_000, "an empty screen is a thousand bytes"
