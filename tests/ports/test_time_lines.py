"""Drivers' own ways of counting time, turned into moments of our clock."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jamlink.ports.jack_ports import FrameClock
from jamlink.ports.rtmidi_ports import StampLine
from jamlink.timing.units import Ns, ms

RATE = 48_000
FRAME_NS = 1_000_000_000 / RATE
PERIOD = 128


def run(clock: FrameClock, first: int, periods: int, origin_ns: float, late: dict[int, float]) -> None:
    """Periods in which our clock is read at once, or `late` ns after the frame that JACK names."""
    for n in range(periods):
        frame = first + n * PERIOD
        clock.observe(frame, Ns(round(origin_ns + (frame + 0.5) * FRAME_NS + late.get(n, 0.0))))


@given(st.integers(0, 2**40), st.integers(0, 2**55), st.integers(-5000, 5000))
def test_a_moment_belongs_to_the_first_frame_that_is_not_before_it(first, origin, span_us):
    clock = FrameClock(RATE, PERIOD)
    run(clock, first, 9, origin, {})
    moment = Ns(clock.ns_of(first) + span_us * 1000)
    frame = clock.frame_of(moment)
    assert clock.ns_of(frame) >= moment - 16  # floats hold a year of nanoseconds to within 16
    assert clock.ns_of(frame - 1) < moment + 16


# Later than a period is a stall of the server, which moves the line at once; see below.
@given(st.sets(st.integers(0, 6), max_size=3), st.floats(0, 0.99 * PERIOD * FRAME_NS))
def test_periods_that_wake_late_do_not_move_the_line(late_ones, by_ns):
    clock, steady = FrameClock(RATE, PERIOD), FrameClock(RATE, PERIOD)
    run(clock, 0, 7, 1e12, dict.fromkeys(late_ones, by_ns))
    run(steady, 0, 7, 1e12, {})
    assert clock.ns_of(1000) == pytest.approx(steady.ns_of(1000), abs=2)


@pytest.mark.parametrize(("stall", "periods"), [(ms(36), 1), (-ms(36), 1), (ms(1), 4), (-ms(1), 4)])
def test_a_stall_is_followed_at_once_and_a_small_shift_within_four_periods(stall, periods):
    clock = FrameClock(RATE, PERIOD)
    run(clock, 0, 20, 1e12, {})
    before = clock.ns_of(0)
    run(clock, 20 * PERIOD, periods, 1e12 + stall, {})
    assert clock.ns_of(0) - before == pytest.approx(stall, abs=2)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 2**30), max_size=20))
def test_the_counter_may_wrap_and_frames_go_on(first, steps):
    clock, frame = FrameClock(RATE, PERIOD), 0
    origin = clock.unwrap(first)
    for step in steps:
        frame += step
        assert clock.unwrap((first + frame) % 2**32) - origin == frame


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 5_000_000), st.booleans()), max_size=30))
def test_stamps_are_in_order_never_in_the_future_and_never_before_the_input_was_seen_empty(messages):
    line, now, emptied, last = StampLine(Ns(0)), 0, 0, 0
    for delta_s, wait, empty in messages:
        now += wait
        at = line.stamp(delta_s, Ns(now))
        assert max(emptied, last) <= at <= now
        last = at
        if empty:
            line.empty(Ns(now))
            emptied = now


@pytest.mark.parametrize("drift", [0.9995, 1.0005])
def test_a_driver_whose_clock_drifts_does_not_lead_the_stamps_astray(drift):
    line = StampLine(Ns(0))
    for pulse in range(1, 5000):  # clock pulses, 20 ms apart, polled within a millisecond
        played = pulse * ms(20)
        line.empty(Ns(played - ms(0.5)))
        assert abs(line.stamp(0.02 * drift, Ns(played + ms(0.5))) - played) <= ms(0.5)


def test_messages_of_one_poll_keep_their_distance():
    line = StampLine(Ns(0))
    line.empty(ms(10))
    line.stamp(0.011, ms(20))
    assert line.stamp(0.003, ms(20)) == ms(14)
