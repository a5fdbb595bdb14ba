"""A host's clock over real cables: JACK carries its pulses in, and what jamlink plays is looked for on the host's bars.

The host is a JACK client that writes start, song position and pulses at exact frames. Beside jamlink a bare client plays
the same beats at their frames; both are heard by recorders on the same server, and everything is counted in its frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

import pytest

from jamlink.ledger.store import read
from jamlink.midi.events import CLOCK, CONTINUE, START, STOP, note_on, song_position
from jamlink.runtime.replaying import replay
from jamlink.session.planner import FIRST_CLICK
from jamlink.testing.jack import JackPlayer, JackRecorder
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running
from tests.realtime.test_jam_end_to_end import ports_of_jamlink

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

CLICK = note_on(9, 37, 100)
BEAT_PULSES, BAR_PULSES = 24, 96


@dataclass
class Score:
    """What a host sends, laid out from a frame on; `beats` are the frames of its quarters, also of silent ones."""

    frame: float
    rate: int
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)

    def say(self, *messages: bytes) -> None:
        """Just before the next pulse."""
        self.messages += [(round(self.frame) - self.rate // 500, data) for data in messages]

    def play(self, bars: int, bpm: float, silent: bool = False) -> None:
        for pulse in range(bars * BAR_PULSES):
            if pulse % BEAT_PULSES == 0:
                self.beats.append(self.frame)
            if not silent:
                self.messages.append((round(self.frame), CLOCK))
            self.frame += self.rate * 60 / bpm / BEAT_PULSES


def spread(off: list[float]) -> float:
    """Between the twentieth of the earliest and of the latest."""
    ordered = sorted(off)
    cut = len(ordered) // 20
    return ordered[-1 - cut] - ordered[cut]


def offs(heard: list[int], beats: list[float], beat: float) -> list[float]:
    """How far each beat's nearest onset is from it, in beats; every beat must have one within half a beat."""
    found = [min((frame - at for frame in heard), key=abs) / beat for at in beats]
    assert all(abs(off) < 0.5 for off in found)
    return found


@pytest.fixture
def running(jack_server, tmp_path):
    started = []

    def start(*flags, play):
        started.append(Running(tmp_path, "--proposer", "rules", *flags, play=play))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_clicks_fall_on_the_host_s_bars_through_a_new_tempo_and_a_silence(running):
    with JackRecorder("heard") as heard, JackRecorder("bare-heard") as bare_heard, JackPlayer("host") as host:
        jam = running("--tempo", "100", play=False)
        wait_until(lambda: {"jamlink:clock in", "jamlink:metronome"} <= (ports_of_jamlink(heard) or set()))
        heard.listen_to("jamlink:metronome")
        host.play_into("jamlink:clock in")
        jam.type("metronome")  # from the count-in alone to always
        score = Score(host.client.frame_time + host.rate, host.rate)
        score.say(song_position(8 * 16), CONTINUE)
        score.play(4, 120)
        score.play(3, 150)
        score.play(1, 150, silent=True)
        score.play(2, 150)
        score.say(STOP)
        with JackPlayer("bare") as bare:
            bare.client.connect(bare.port_name, bare_heard.port_name)
            for frame, data in score.messages:
                host.play(data, frame)
            for beat in score.beats:
                bare.play(CLICK, round(beat))
            wait_until(lambda: jam.says("started"))
            wait_until(lambda: host.idle and bare.idle)
            wait_until(lambda: jam.says("stopped"))
    assert jam.says("tempo from MIDI clock")
    clicks = [r.frame for r in heard.note_ons()]
    bars = [r.frame for r in heard.note_ons() if r.data[1] == FIRST_CLICK[0]]
    settled = score.beats[4:16] + score.beats[20:]  # without the bar of each tempo in which it is found
    beat = host.rate * 60 / 150
    ours, theirs = offs(clicks, settled, beat), offs([r.frame for r in bare_heard.note_ons()], settled, beat)
    print(f"off the host's beat, in beats: jamlink {median(ours):+.4f}, spread {spread(ours):.4f}; "
          f"a bare client {median(theirs):+.4f}, spread {spread(theirs):.4f}")  # fmt: skip
    pulse = 1 / BEAT_PULSES
    assert spread(ours) <= spread(theirs) + pulse / 2
    assert abs(median(ours) - median(theirs)) <= pulse, "a constant delay of the cable, which has a setting"
    firsts = [beat for i, beat in enumerate(score.beats) if i % 4 == 0][1:]
    assert all(min(abs(bar - first) for bar in bars) < beat / 2 for first in firsts), "its first beats are our first"
    jam.end()
    entries = [(entry.kind, entry.value) for entry in read(jam.session_file)]
    first = next(value for kind, value in entries if kind == "clocked" and value["playing"])
    assert abs(first["timeline"]["tick_origin"] - 8 * 4 * 960) <= 40, "bar 9, as it was told"
    assert {value["bond"] for kind, value in entries if kind == "followed"} >= {"locked", "holding"}
    assert replay(jam.session_file).same


def test_another_client_follows_our_clock(running):
    with JackRecorder("follower") as follower:
        jam = running("--tempo", "132", "--send-clock", play=False)
        wait_until(lambda: "jamlink:clock" in (ports_of_jamlink(follower) or set()))
        follower.listen_to("jamlink:clock")
        jam.type("play-stop")
        wait_until(lambda: sum(r.data == CLOCK for r in list(follower.recorded)) > 4 * BAR_PULSES)
        jam.type("play-stop")
        wait_until(lambda: any(r.data == STOP for r in list(follower.recorded)))
        rate = follower.rate
    (start,) = [r.frame for r in follower.recorded if r.data == START]
    pulses = [r.frame for r in follower.recorded if r.data == CLOCK]
    before = [frame for frame in pulses if frame < start]
    assert len(before) == BAR_PULSES, "the count-in"
    period = median(b - a for a, b in zip(pulses, pulses[BEAT_PULSES:], strict=False)) / BEAT_PULSES
    off = [frame - pulses[0] - i * period for i, frame in enumerate(pulses)]
    print(f"{60 * rate / period / 24:.3f} bpm; pulses' spread about their line {spread(off) / rate * 1000:.3f} ms")
    assert 60 * rate / period / 24 == pytest.approx(132, rel=0.001)
    assert spread(off) < period / 2, "pulses are nearer to their own places than to others'"
