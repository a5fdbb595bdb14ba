"""A DAW with one armed track, before anybody has said which ports to take: what is only being heard stays out of it."""

from __future__ import annotations

import jack
import pytest

from tests.realtime.conftest import wait_until
from tests.realtime.running import Running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]


@pytest.fixture
def daw(jack_server):
    """A client with a track of one input and one output, as a DAW has it."""
    client = jack.Client("daw", servername=jack_server.name, no_start_server=True)
    client.midi_inports.register("MIDI 1/midi_in 1")
    client.midi_outports.register("MIDI 1/midi_out 1")
    client.activate()
    yield client
    client.deactivate()
    client.close()


def test_a_track_that_is_found_gets_no_previews_no_click_and_no_way_back(daw, tmp_path):
    running = Running(tmp_path, "--proposer", "rules", play=False)
    try:
        wait_until(lambda: len(_fed(daw, "daw:MIDI 1/midi_in 1")) >= 3)
        wait_until(lambda: daw.get_ports("jamlink:preview", is_midi=True))
        assert _fed(daw, "daw:MIDI 1/midi_in 1") == {"jamlink:chords", "jamlink:melody", "jamlink:bass"}
        assert _fed(daw, "daw:MIDI 1/midi_out 1") == set()
        assert _fed(daw, "jamlink:preview") == _fed(daw, "jamlink:metronome") == set()
    finally:
        running.end()


def _fed(client, port: str) -> set[str]:
    """Who is connected to a port."""
    return {other.name for other in client.get_all_connections(port)}
