"""The MIDI server itself dies under the io process, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jamlink.ports.base import Outgoing, PortSpec
from jamlink.ports.jack_server import JackServer, start_jack_server
from jamlink.runtime.io_link import IoGone
from jamlink.runtime.io_wire import Heard, MidiSystem, PortChanged, Sent
from jamlink.timing.units import ms

pytestmark = pytest.mark.real

CHORDS = PortSpec("chords")


@pytest.fixture
def mortal_server(jack_server: JackServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackServer]:
    """Another server, which the test may kill."""
    server = start_jack_server()
    monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
    yield server
    server.stop()


def revive(server: JackServer) -> JackServer:
    server.process.wait()
    return start_jack_server(name=server.name)


def test_the_io_process_outlives_the_jack_server_and_returns_with_it(mortal_server, jam):
    session = jam((PortSpec("in"),), (CHORDS,))
    session.until_bound("chords", "jamlink:chords")
    session.link.send([Outgoing(session.clock.now(), 0, 5, bytes((0x90, 60, 80)))])
    session.until_said(Sent, owner=5)
    mortal_server.process.kill()
    gone = session.until_said(MidiSystem, name="JACK", there=False)
    assert gone.remedy
    assert session.until_said(PortChanged, name="chords", bound="").what
    session.link.cancel(5)
    session.said.clear()
    server = revive(mortal_server)
    try:
        session.until_bound("chords", "jamlink:chords")
        session.until_said(Sent, data=bytes((0x80, 60, 0)))
        assert not session.all_said(IoGone), "the same io process"
    finally:
        session.link.close()
        server.stop()


def test_a_driver_that_hangs_in_a_call_when_its_server_died_is_survived(mortal_server, jam):
    """RtMidi over JACK spins in `send_message` once its buffer is full; only a kill helps."""
    session = jam((), (CHORDS,), system="rtmidi-JACK")
    session.until_bound("chords", "jamlink chords")
    mortal_server.process.kill()
    now = session.clock.now()
    session.link.send(Outgoing(now + ms(i / 2), 0, 5, bytes((0xB0, 1, i % 128))) for i in range(4000))
    session.until_said(IoGone)
    session.said.clear()
    session.until_said(MidiSystem, name="rtmidi-JACK", there=False)
    server = revive(mortal_server)
    try:
        session.until_bound("chords", "jamlink chords")
        assert not session.all_said(Heard)
    finally:
        session.link.close()
        server.stop()
