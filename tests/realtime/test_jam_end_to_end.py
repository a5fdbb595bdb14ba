"""The whole instrument, as a player starts it: real processes, real MIDI ports, a real performance in real time.

A scripted musician plays a recorded pianist into "jamlink in" and takes an idea with a pad; another JACK client writes
down what comes out. What is checked is what a player would notice: the idea starts on the bar, on its own channel, every
note that the session file names was heard, and nothing goes on sounding whatever way the jam ends.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from collections import Counter
from pathlib import Path

import jack
import pytest

from jamlink.ledger.store import read, verify
from jamlink.midi.events import encode, note_on
from jamlink.midi.score import performance
from jamlink.midi.smf import read_score
from jamlink.runtime.replaying import replay
from jamlink.testing.jack import JackPlayer, JackRecorder
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

OUTPUTS = ("chords", "melody", "bass", "metronome", "preview")
ACCEPT_PAD = note_on(9, 36, 100)
PIANIST = Path(__file__).parent.parent / "data" / "mozart_k331_p04.mid"


@pytest.fixture
def recorder(jack_server):
    with JackRecorder("recorder") as recorder:
        yield recorder


def ports_of_jamlink(recorder: JackRecorder) -> set[str] | None:
    """Names of its ports; None where one went while they were counted."""
    try:
        return {port.name for port in recorder.client.get_ports("jamlink:", is_midi=True)}
    except jack.JackError:
        return None


def wire_up(running: Running, recorder: JackRecorder) -> None:
    """Connect every output of jamlink to the recorder, as soon as there are any."""
    client = recorder.client
    try:
        wait_until(lambda: ports_of_jamlink(recorder) == {f"jamlink:{name}" for name in ("in", "clock in", *OUTPUTS)})
        wait_until(lambda: running.says("started"))
    except AssertionError as waited:
        raise AssertionError(f"jamlink said only {running.lines}") from waited
    for name in OUTPUTS:
        with contextlib.suppress(jack.JackError):  # the only synth there is was found and connected already
            recorder.listen_to(f"jamlink:{name}")
        connected = client.get_all_connections(f"jamlink:{name}")
        assert recorder.port_name in {port.name for port in connected}


def notes(recorded, channel: int) -> Counter:
    return Counter(r.data for r in recorded if r.data[0] & 0xF0 in (0x80, 0x90) and r.data[0] & 0x0F == channel)


def test_an_idea_taken_with_a_pad_starts_on_the_bar_and_every_note_is_on_record(jack_server, recorder, tmp_path):
    running = Running(tmp_path, "--tempo", "132", "--bars", "2", "--seed", "7")
    try:
        wire_up(running, recorder)
        with JackPlayer("musician") as musician:
            musician.play_into("jamlink:in")
            start = musician.client.frame_time
            for event in performance(read_score(PIANIST), "piano"):
                musician.play(encode(event), start + event.at * musician.rate // 1_000_000_000)
            running.type("metronome")  # from the count-in alone to always
            wait_until(lambda: running.says("decide by"))
            with JackPlayer("pads") as pads:
                pads.play_into("jamlink:in")
                pads.play(ACCEPT_PAD)
                wait_until(lambda: running.says("saved"))
                wait_until(lambda: notes(recorder.recorded, 0))
            wait_until(lambda: running.says("bars 9–10"))  # what was taken for bars 3 to 6 is over by then
    finally:
        running.end()
    wait_until(lambda: not recorder.sounding())
    assert verify(running.session_file).whole
    assert replay(running.session_file).same
    _check_record(running.session_file, recorder)


def _check_record(file: Path, recorder: JackRecorder) -> None:
    entries = [(entry.kind, entry.value) for entry in read(file)]
    (taken,) = [value for kind, value in entries if kind == "decided" and value["verdict"] == "accepted"]
    assert taken["via"].startswith("pad"), "the decision came from the pad and is recorded so"
    sent = [value for kind, value in entries if kind == "sent" and value["owner"] == taken["proposal_id"]]
    first = min(value["at"] for value in sent)
    assert first == taken["slot"]["start"], "the first note is on the slot's own bar line"
    for channel, out in ((0, "chords"), (1, "melody"), (2, "bass")):
        ons = [_bytes(v["data"]) for v in sent if v["out"] == out and _bytes(v["data"])[0] & 0xF0 == 0x90]
        heard = notes(recorder.recorded, channel)
        assert Counter(ons) == Counter({d: n for d, n in heard.items() if d[0] & 0xF0 == 0x90}), out
    clicks = {r.frame for r in recorder.note_ons() if r.data[0] == 0x99}
    begins = min(r.frame for r in recorder.note_ons() if r.data[0] & 0x0F in (0, 1, 2))
    assert begins in clicks, "the first note sounds with the click, at the same sample"
    assert "mistake" not in file.with_suffix(".log").read_text()
    heard_from_player = [value for kind, value in entries if kind == "heard"]
    assert len(heard_from_player) > 30, "the pianist was heard"


def _bytes(data: object) -> bytes:
    import base64

    return base64.b64decode(data)


WAYS_TO_GO = [signal.SIGTERM] * 20 + [signal.SIGINT] * 2 + [signal.SIGKILL] * 3


@pytest.mark.parametrize("number", range(len(WAYS_TO_GO)))
def test_no_note_outlives_the_jam_whatever_ends_it_and_whenever(jack_server, recorder, tmp_path, number):
    """`kill -TERM` at a random time, twenty times; and Ctrl-C and `kill -9` of what the player started."""
    dice = random.Random(number)
    flags = ("--tempo", "240", "--bars", "1", "--repeat", "keep going", "--proposer", "rules", "--roles", "chords,bass")
    running = Running(tmp_path, *flags)
    try:
        wire_up(running, recorder)
        wait_until(recorder.sounding)
        threading.Event().wait(dice.uniform(0.0, 1.5))  # the random moment is what is tested
    finally:
        running.end(WAYS_TO_GO[number])
    wait_until(lambda: ports_of_jamlink(recorder) == set())
    assert recorder.note_ons()
    assert recorder.sounding() == set()
    assert verify(running.session_file).whole
