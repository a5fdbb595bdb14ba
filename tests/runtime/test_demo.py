"""The demo's musician is heard when it sounds, and keeps to the session's timeline whatever the tempo does."""

from jamlink.midi.events import NoteOn, encode
from jamlink.runtime.demo import AHEAD, Demo
from jamlink.runtime.demo_tune import BPM, demo_score
from jamlink.testing.tracker import NoteTracker
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm

LINE = Timeline(tempo_of_bpm(BPM), Ticks(0), Ns(0))
ROUND = LINE.ns_at(COMMON_TIME.bar_start(8))


def played(demo, line, until, step=ms(20)):
    heard, sounding, now = [], [], 0
    while now <= until:
        heard += demo.heard(Ns(now), line)
        sounding += demo.sounding(Ns(now), line)
        now += step
    return heard, sounding


def test_what_is_heard_is_what_sounds():
    heard, sounding = played(Demo(demo_score(), COMMON_TIME, 0), LINE, ROUND - AHEAD)
    assert [(event.at, encode(event)) for event in heard] == [(out.due, out.data) for out in sounding][: len(heard)]
    assert len(heard) > 100


def test_every_note_of_a_round_ends():
    """Looked at in a rest on the last beat, no key is down."""
    tracker = NoteTracker()
    rest = Ns(2 * ROUND - ms(40))
    _, sounding = played(Demo(demo_score(), COMMON_TIME, 0), LINE, Ns(rest - AHEAD))
    for out in sounding:
        tracker.sent(out.due, out.data)
    assert tracker.stuck == []
    assert len(tracker.all_notes) == 2 * 88


def test_rounds_follow_each_other_on_the_bar_line():
    heard, _ = played(Demo(demo_score(), COMMON_TIME, 0), LINE, 2 * ROUND)
    first = [event.at for event in heard if isinstance(event, NoteOn)]
    assert first[0] + ROUND in first


def test_at_half_the_tempo_everything_comes_twice_as_late():
    slow = Timeline(tempo_of_bpm(BPM / 2), Ticks(0), Ns(0))
    fast_heard, _ = played(Demo(demo_score(), COMMON_TIME, 0), LINE, ROUND)
    slow_heard, _ = played(Demo(demo_score(), COMMON_TIME, 0), slow, 2 * ROUND)
    pairs = list(zip(fast_heard, slow_heard, strict=False))
    assert len(pairs) > 100
    assert all(abs(slow.at - 2 * fast.at) <= 1 for fast, slow in pairs)
