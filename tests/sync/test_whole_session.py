"""A whole session that follows a host for long: how far its beats are off, and how much its tempo steps.

`pytest tests/sync/test_whole_session.py -s` prints the table; with `--long` each row is four hours (minutes of CPU).
"""

from __future__ import annotations

import random

import pytest

from jamlink.timing.units import Ns
from tests.sync.conftest import MS, Led, jittered, period_of
from tests.sync.test_pulses import changing

SECOND = 1_000 * MS
SETTLED = 192
"""Pulses after the start: two bars."""

ROWS = [
    (0.5, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0), (5, 0, 0), (10, 0, 0),
    (1, 0.01, 0), (1, 0, 0.01), (1, 0.05, 0.05), (1, 0.2, 0), (1, 0, 0.2), (1, 0.2, 0.2), (3, 0.05, 0.05),
]  # fmt: skip


def pulses(jitter, lost, doubled, minutes, seed):
    """Moments of the pulses that come in, the first of them whole."""
    dice, period = random.Random(seed), period_of(120)
    times = jittered([SECOND + i * period for i in range(round(minutes * 60 * SECOND / period))], jitter, seed)
    came = []
    for i, at in enumerate(times):
        if i < 96 or dice.random() >= lost:
            came.append(at)
        if i >= 96 and dice.random() < doubled:
            came.append(Ns(at + dice.randrange(2 * MS)))
    return sorted(came)


@pytest.mark.parametrize(("jitter", "lost", "doubled"), ROWS)
def test_beats_stay_with_the_host_and_the_tempo_never_steps(jitter, lost, doubled, minutes):
    led, period = Led(), period_of(120)
    led.start(SECOND - 50 * MS)
    off, steps = [], []
    for i, at in enumerate(pulses(jitter, lost, doubled, minutes, 4)):
        before = led.session.timeline.tempo
        led.pulse(at)
        if i > SETTLED:
            line = led.session.timeline
            tick = line.tick_at(led.session.now)
            off.append(line.ns_at(tick) - (SECOND + tick * period / 40))
            steps.append(abs(line.tempo / before - 1))
    p99, last, step = sorted(map(abs, off))[int(0.99 * len(off))] / MS, off[-1] / MS, max(steps)
    print(
        f"{minutes:g} min, {jitter} ms, {lost:.0%} lost, {doubled:.0%} doubled: beat error p99 {p99:.2f} ms, "
        f"at the end {last:+.2f} ms, largest tempo step {step:.2%}, told {led.told} times"
    )
    assert p99 <= 3
    assert abs(last) <= 3
    assert step <= 0.02


def locked_after(start, end, ramp, jitter, seed):
    """Beats after the change until the session stays within 5 ms (more by the jitter) and 2 % of the host; and how far
    it is off at the end, in ms."""
    times, true, periods, over = changing(start, end, ramp, jitter, seed)
    led, wrong, off = Led(), over - 1, 0.0
    led.start(SECOND - 50 * MS)
    for i, at in enumerate(times[: len(periods)]):
        led.pulse(at + SECOND)
        line = led.session.timeline
        off = (line.ns_at(i * 40) - true[i] - SECOND) / MS
        if i >= over and (abs(off) > 5 + 2 * jitter or abs(line.tempo / (24 * periods[i]) - 1) > 0.02):
            wrong = i
    return (wrong + 1 - over) / 24, off


CHANGES = [(60, 180, 0), (180, 60, 0), (120, 140, 0), (100, 103, 0), (60, 180, 8), (180, 60, 8)]


@pytest.mark.parametrize(("start", "end", "ramp"), CHANGES)
@pytest.mark.parametrize("jitter", [0, 1, 2, 3])
def test_a_change_of_tempo_is_caught_up_with_and_no_pulse_is_miscounted(start, end, ramp, jitter, long):
    """Within a bar, every time up to 2 ms of jitter, and in the middle at 3."""
    runs = [locked_after(start, end, ramp, jitter, seed) for seed in range(20 if long else 5)]
    beats = sorted(run[0] for run in runs)
    print(
        f"{start} to {end} bpm over {ramp} beats, {jitter} ms: the session is locked {beats[len(beats) // 2]:.2f} beats "
        f"after it in the middle, {beats[-1]:.2f} at most"
    )
    assert jitter > 2 or max(abs(off) for _, off in runs) < 10, "no pulse was miscounted"
    assert beats[-1 if jitter <= 2 else len(beats) // 2] <= 4
