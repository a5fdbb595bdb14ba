"""What must not meet does not, over real JACK: a preview and a recorded track, what we play and what we hear.

Real processes on a private JACK server. "Tracks" is a client that is connected as an armed track would be.
"""

from __future__ import annotations

import contextlib

import jack
import pytest

from jamlink.ledger.store import read, verify
from jamlink.midi.events import note_off, note_on
from jamlink.testing.jack import JackPlayer, JackRecorder
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running
from tests.realtime.test_jam_end_to_end import ports_of_jamlink

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

LAYOUTS = {"roles": ("chords", "melody", "bass"), "one": ("out",)}


@pytest.fixture
def two(jack_server):
    """Two recorders, so that neither is the only synth there is and taken by itself."""
    with JackRecorder("tracks") as tracks, JackRecorder("ears") as ears:
        yield tracks, ears


def connect(recorder, name):
    with contextlib.suppress(jack.JackError):
        recorder.listen_to(f"jamlink:{name}")
    assert recorder.port_name in {p.name for p in recorder.client.get_all_connections(f"jamlink:{name}")}


@pytest.mark.parametrize("own", LAYOUTS)
def test_a_preview_is_heard_and_reaches_no_track_and_what_is_taken_reaches_the_tracks_alone(
    two, tmp_path, monkeypatch, own
):
    tracks, ears = two
    monkeypatch.setenv("JAMLINK_PORTS_OWN", own)
    running = Running(tmp_path, "--tempo", "180", "--bars", "2", "--proposer", "rules", "--click", "on")
    try:
        names = (*LAYOUTS[own], "metronome", "preview")
        wait_until(lambda: ports_of_jamlink(tracks) == {f"jamlink:{name}" for name in ("in", "clock in", *names)})
        for name in LAYOUTS[own]:
            connect(tracks, name)
        connect(ears, "preview")
        wait_until(lambda: running.says("decide by"))
        running.type("preview")
        wait_until(lambda: ears.note_ons() and not ears.sounding())
        assert {onset.data[0] for onset in ears.note_ons()} == {0x9F}
        previewed = len(ears.note_ons())
        assert tracks.recorded == [], "no track heard the preview, nor the click"
        running.type("accept")
        wait_until(lambda: tracks.note_ons() and not tracks.sounding())
    finally:
        running.end()
    assert {onset.data[0] & 0x0F for onset in tracks.note_ons()} == {0, 1, 2}, "each role on its channel"
    assert len(ears.note_ons()) == previewed
    sent = [entry.value for entry in read(running.session_file) if entry.kind == "sent"]
    assert {value["out"] for value in sent if value["owner"] == 2} == {"preview"}
    assert verify(running.session_file).whole


def test_our_output_in_our_input_is_noticed_said_and_not_amplified_and_the_player_is_still_heard(two, tmp_path):
    tracks, _ = two
    flags = ("--tempo", "160", "--bars", "1", "--repeat", "keep going", "--proposer", "rules")
    running = Running(tmp_path, *flags)
    try:
        wait_until(lambda: "jamlink:bass" in (ports_of_jamlink(tracks) or ()))
        for name in LAYOUTS["roles"]:
            connect(tracks, name)
            tracks.client.connect(f"jamlink:{name}", "jamlink:in")
        wait_until(lambda: running.says("comes back into its input"))
        noticed = len(tracks.note_ons())
        wait_until(lambda: len(tracks.note_ons()) > noticed + 40)
        with JackPlayer("musician") as musician:
            musician.play_into("jamlink:in")
            for pitch in (61, 66, 70):
                musician.play(note_on(4, pitch, 100))
                musician.play(note_off(4, pitch))
            wait_until(lambda: musician.idle)
            wait_until(lambda: len(tracks.note_ons()) > noticed + 80)
    finally:
        running.end()
    entries = list(read(running.session_file))
    heard = [bytes.fromhex(entry.value["bytes"]) for entry in entries if entry.kind == "heard"]
    played = [data for data in heard if data[0] & 0xF0 in (0x80, 0x90)]
    assert [data[1] for data in played if data[0] & 0x0F == 4] == [61, 61, 66, 66, 70, 70], "the player is heard"
    assert [data for data in played if data[0] & 0x0F != 4] == [], "and of what came back, nothing"
    assert not tracks.sounding()
    assert "mistake" not in running.session_file.with_suffix(".log").read_text()
