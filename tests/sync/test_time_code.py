"""A tape's time code: where it is, that it stands, and every rate."""

from __future__ import annotations

import pytest

from jamlink.errors import Nonsense
from jamlink.midi.events import FullFrame, QuarterFrame
from jamlink.session.settings import SessionSettings
from jamlink.sync.follower import Follower
from jamlink.sync.time_code import RATES, Code, TimeCode, read_start
from jamlink.timing.units import Ns, tempo_of_bpm
from tests.sync.conftest import MS, PORT, Led, jittered

SECOND = 1_000 * MS
BAR = 3840


def tape(start=(0, 0, 0, 0), bpm=120.0):
    settings = SessionSettings(tempo=tempo_of_bpm(bpm), count_in=0)
    return Led(settings, Follower([TimeCode(start)]))


def pieces(rate, hours, minutes, seconds, frames):
    whole = (frames, seconds, minutes, hours | rate << 5)
    return [(2 * i + half, whole[i] >> 4 * half & 0x0F) for i in range(4) for half in (0, 1)]


def counted(rate, frame):
    """The time of frame number `frame`; not for drop frame."""
    nominal = round(RATES[rate])
    return frame // nominal // 3600, frame // nominal // 60 % 60, frame // nominal % 60, frame % nominal


def roll(led, rate, first, at, count, jitter=0.0, speed=1.0):
    """`count` times of two frames each, from frame `first`, which passes the head at `at`; -> the moment after."""
    quarter = SECOND / (4 * float(RATES[rate])) / speed
    said = [piece for n in range(count) for piece in pieces(rate, *counted(rate, first + 2 * n))]
    times = jittered([at + i * quarter for i in range(len(said))], jitter, 3)
    for moment, (piece, value) in zip(times, said, strict=True):
        led.hear(QuarterFrame(moment, PORT, piece, value))
    return at + len(said) * quarter


@pytest.mark.parametrize("rate", [0, 1, 3])
@pytest.mark.parametrize("jitter", [0, 1])
def test_a_rolling_tape_takes_us_to_the_bar_of_its_time(rate, jitter):
    led = tape()
    first = round(RATES[rate]) * 10  # ten seconds: bar 6 at 120 bpm
    at = roll(led, rate, first, 5 * SECOND, 50, jitter)
    assert led.session.playing
    seconds = 10 + (at - 5 * SECOND) / SECOND
    assert led.session.timeline.tick_at(Ns(round(at))) / BAR == pytest.approx(seconds / 2, abs=0.004)
    clock = led.session.snapshot().clock
    assert (clock.source, clock.bond) == ("time code", "locked")
    assert clock.bpm == pytest.approx(120, abs=0.05 if jitter == 0 else 0.5)


def test_bars_are_counted_from_the_time_that_was_said():
    led = tape(start=(1, 0, 0, 0))
    at = roll(led, 1, 3_600 * 25 + 50, SECOND, 20)
    assert led.session.timeline.tick_at(Ns(round(at))) / BAR == pytest.approx(1 + (at - SECOND) / 2 / SECOND, abs=0.004)


def test_a_tape_that_runs_a_little_fast_plays_a_little_fast():
    led = tape()
    roll(led, 1, 0, SECOND, 100, speed=1.02)
    assert led.session.snapshot().clock.bpm == pytest.approx(120 * 1.02, abs=0.05)
    assert led.session.own_tempo == tempo_of_bpm(120)


def test_a_tape_that_says_nothing_for_half_a_second_stands_and_is_lost_after_two_bars():
    led = tape()
    at = roll(led, 1, 0, SECOND, 20)
    led.wait(Ns(round(at + 400 * MS)))
    assert led.session.playing
    led.wait(Ns(round(at + 700 * MS)))
    assert not led.session.playing
    led.wait(Ns(round(at + 5 * SECOND)))
    assert led.session.snapshot().clock.bond == "lost"


def test_a_tape_that_was_wound_is_followed_to_its_new_place():
    led = tape()
    at = roll(led, 1, 0, SECOND, 20)
    led.hear(FullFrame(Ns(round(at)), PORT, 1 << 5, 1, 0, 0))
    at = roll(led, 1, 60 * 25, at + SECOND, 20)
    assert led.session.playing
    assert led.session.timeline.tick_at(Ns(round(at))) / BAR == pytest.approx(30 + 20 * 2 / 25 / 2, abs=0.01)


def test_frames_are_numbered_as_they_are_counted():
    assert Code(1, 1, 0, 0, 0).frame == 3_600 * 25
    assert Code(2, 0, 1, 0, 2).frame == Code(2, 0, 0, 59, 29).frame + 1, "two numbers are dropped at the minute"
    assert Code(2, 0, 10, 0, 0).frame == Code(2, 0, 9, 59, 29).frame + 1, "but not at the tenth"
    assert Code(2, 1, 0, 0, 0).frame == 107_892


@pytest.mark.parametrize("text", ["", "1:2:3", "24:00:00:00", "00:60:00:00", "00:00:00:30", "a:b:c:d"])
def test_what_is_no_time_code_is_refused_with_the_way_to_write_it(text):
    with pytest.raises(Nonsense, match="01:00:00:00"):
        read_start(text)
