"""A recorded pianist is accompanied in real time, over real ports: every beat has its chord in time, none is silent.

The same recording for everybody; what is judged is the record that the jam itself kept, held against what another JACK
client heard. No number of milliseconds is asserted: "late" is what came after its moment had begun.
"""

from __future__ import annotations

import pytest

from jamlink.ledger.store import read, verify
from jamlink.midi.events import ALL_NOTES_OFF, SUSTAIN, ControlChange, encode
from jamlink.midi.score import performance
from jamlink.midi.smf import read_score
from jamlink.runtime.replaying import replay
from jamlink.testing.jack import JackPlayer, JackRecorder
from jamlink.timing.units import Ns
from tests.realtime.conftest import wait_until
from tests.realtime.test_jam_end_to_end import PIANIST, Running, wire_up

PLAYED = Ns(14_000_000_000)
"""So much of the recording: 28 beats."""
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]


@pytest.fixture
def recorder(jack_server):
    with JackRecorder("recorder") as recorder:
        yield recorder


def test_a_pianist_is_accompanied_beat_by_beat_and_none_is_silent(jack_server, recorder, tmp_path):
    flags = ("--tempo", "120", "--mode", "accompany", "--commit", "2", "--listen", "4", "--rest", "1", "--seed", "7")
    running = Running(tmp_path, *flags)
    try:
        wire_up(running, recorder)
        with JackPlayer("musician") as musician:
            musician.play_into("jamlink:in")
            start = musician.client.frame_time
            played = [event for event in performance(read_score(PIANIST), "piano") if event.at < PLAYED]
            hands_off = (ControlChange(PLAYED, "piano", 0, control, 0) for control in (SUSTAIN, ALL_NOTES_OFF))
            for event in (*played, *hands_off):
                musician.play(encode(event), start + event.at * musician.rate // 1_000_000_000)
            wait_until(lambda: running.says("Follows you"))
            wait_until(lambda: running.says("Waits for you"))
            running.type("play-stop")
            wait_until(lambda: running.says("stopped"))
    finally:
        running.end()
    wait_until(lambda: not recorder.sounding())
    assert verify(running.session_file).whole
    assert replay(running.session_file).same
    _check_record(running, recorder)


def _check_record(running: Running, recorder: JackRecorder) -> None:
    entries = [(entry.at, entry.kind, entry.value) for entry in read(running.session_file)]
    chorded = [(at, value) for at, kind, value in entries if kind == "chorded" and value["chord"]]
    first = next(value["at"] for _, value in chorded)
    assert [value["at"] for _, value in chorded] == [first + 960 * i for i in range(len(chorded))], (
        "every beat has its chord"
    )
    assert len(chorded) > 20
    clocked = [(at, value["timeline"]) for at, kind, value in entries if kind == "clocked" and value["playing"]]
    line = clocked[0][1]
    late = [
        value["at"] for at, value in chorded
        if line["ns_origin"] + (value["at"] - line["tick_origin"]) * line["tempo"] // 960 <= at
    ]  # fmt: skip
    assert not late
    by_network = sum(not value["stand_in"] for _, value in chorded)
    assert by_network > len(chorded) / 2, "the network decides, and the stand-in where it is late"
    assert any(value["made_by"] == "jam-s" for _, value in chorded)
    sent = [value for _, kind, value in entries if kind == "sent" and value["out"] in ("chords", "bass")]
    owners = {value["proposal_id"] for _, value in chorded}
    assert {value["owner"] for value in sent} <= owners, "every note has its author"
    struck = [r for r in recorder.note_ons() if r.data[0] & 0x0F in (0, 2)]
    assert len(struck) == sum(_is_on(value["data"]) for value in sent), "and every one was heard"


def _is_on(data: str) -> bool:
    import base64

    return base64.b64decode(data)[0] & 0xF0 == 0x90
