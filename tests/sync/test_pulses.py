"""The line through a host's pulses. Every figure is printed; `--long` runs four hours of each jitter (minutes of CPU)."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from jamlink.sync.pulses import Pulses
from jamlink.timing.units import NS_PER_SECOND
from tests.sync.conftest import MS, jittered, period_of

MINUTE = 60 * NS_PER_SECOND


def heard(times, expected=None):
    """Where the line has the newest pulse after each pulse, in pulses, and its period."""
    pulses, lines = Pulses(expected), []
    for at in times:
        pulses.hear(at)
        lines.append(pulses.line)
    return pulses, lines


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@pytest.mark.parametrize(
    ("jitter_ms", "shape"),
    [(0, "gauss"), (0.5, "gauss"), (1, "gauss"), (2, "gauss"), (5, "gauss"), (10, "gauss"), (5, "even"), (10, "even")],
)
def test_a_steady_clock_is_known_within_three_milliseconds(jitter_ms, shape, minutes):
    period = period_of(120)
    count = int(minutes * MINUTE / period)
    _, lines = heard(jittered([i * period for i in range(count)], jitter_ms, 1, shape), period)
    # A jitter of half a pulse hides which pulse is which at the very start, until a start or a position says so.
    slip = lines[96].nearest(96 * period) - 96
    off = [line.moment(i + slip) - i * period for i, line in enumerate(lines) if i >= 96]
    p99, worst, drift = percentile(map(abs, off), 0.99) / MS, max(map(abs, off)) / MS, off[-1] / MS
    print(
        f"{minutes:g} min, {jitter_ms} ms {shape}: beat error p99 {p99:.3f} ms, most {worst:.2f}, at the end {drift:+.3f}"
    )
    assert p99 <= 3
    assert abs(drift) <= 3


@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("fate", ["lost", "doubled", "both"])
def test_lost_and_doubled_pulses_are_no_tempo_step(share, fate):
    period, dice = period_of(120), random.Random(7)
    times = []
    for at in jittered([i * period for i in range(24 * 240)], 1, 3):
        if fate == "doubled" or dice.random() >= share:
            times.append(at)
            if fate != "lost" and dice.random() < share:
                times.append(at + dice.randrange(2 * MS))
    _, lines = heard(sorted(times), period)
    tempos = [line.period for line in lines[96:]]
    step = max(abs(b / a - 1) for a, b in pairwise(tempos))
    off = max(abs(line.moment(line.number) - period * round(line.moment(line.number) / period)) for line in lines[96:])
    print(f"{share:.0%} {fate}: largest tempo step {step:.4%}, largest beat error {off / MS:.2f} ms")
    assert step <= 0.02
    assert off <= 3 * MS


def changing(start_bpm, end_bpm, ramp_beats, jitter_ms, seed):
    """Pulses of 16 beats, a change, and 16 beats; -> moments, true moments, true periods, the pulse where it is over."""
    change, periods, times = 16 * 24, [], [0.0]
    for i in range(change + (ramp_beats + 16) * 24):
        part = min(1.0, max(0.0, (i - change) / (24 * ramp_beats))) if ramp_beats else float(i >= change)
        periods.append(period_of(start_bpm + (end_bpm - start_bpm) * part))
        times.append(times[-1] + periods[-1])
    return jittered(times, jitter_ms, seed), times, periods, change + 24 * ramp_beats


CHANGES = [
    (60, 180, 0), (180, 60, 0), (60, 120, 0), (120, 60, 0), (120, 180, 0), (180, 120, 0), (90, 120, 0), (100, 103, 0),
    (60, 180, 4), (180, 60, 8), (60, 180, 8), (120, 60, 2),
]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "ramp"), CHANGES)
@pytest.mark.parametrize("jitter_ms", [0, 0.5, 1])
def test_a_change_of_tempo_is_followed_within_a_bar_at_the_right_pulse(start, end, ramp, jitter_ms):
    beats = []
    for seed in range(3):
        times, true, periods, over = changing(start, end, ramp, jitter_ms, seed)
        _, lines = heard(times, periods[0])
        wrong = [
            i
            for i in range(over, len(periods))
            if abs(lines[i].moment(i) - true[i]) > 5 * MS or abs(lines[i].period / periods[i] - 1) > 0.02
        ]
        beats.append((max(wrong, default=over - 1) + 1 - over) / 24)
    print(f"{start} to {end} bpm over {ramp} beats, {jitter_ms} ms: locked {max(beats):.2f} beats after it")
    assert max(beats) <= 4


def test_a_hiccup_of_the_host_moves_the_line_and_not_the_count():
    period = period_of(120)
    times = [round(i * period) for i in range(200)] + [round(i * period + 9 * MS) for i in range(200, 400)]
    pulses, lines = heard(times)
    assert pulses.last == 399
    assert lines[-1].moment(399) == pytest.approx(times[-1], abs=MS)


def test_single_late_pulses_do_not_move_the_line():
    period, dice = period_of(120), random.Random(2)
    times = sorted(round(i * period + (12 * MS if dice.random() < 0.02 else 0)) for i in range(2_000))
    _, lines = heard(times)
    assert max(abs(line.moment(i) - i * period) for i, line in enumerate(lines) if i > 96) < 0.2 * MS


def test_nonsense_never_raises_and_never_makes_a_line_that_no_music_has():
    dice = random.Random(5)
    for _ in range(50):
        at, pulses = 0, Pulses()
        for _ in range(400):
            at += dice.choice([0, 1, 1000, dice.randrange(5 * MS), dice.randrange(400 * MS), 20_833_333])
            pulses.hear(at)
            assert pulses.line is None or 4 * MS <= pulses.line.period <= 250 * MS
