"""Where in the bar a tick lies, as weight: what musicians call strong and weak."""

from __future__ import annotations

from functools import cache

from jamlink.timing.meter import Meter
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

SIXTEENTH = Ticks(TICKS_PER_QUARTER // 4)
BAR_LINE, MID_BAR, BEAT, OFF_BEAT, WEAK = 4, 3, 2, 1, 0
"""Strengths: the first beat, the middle of an even bar, a felt beat, half a beat (an eighth of a dotted one), less."""


def strength(tick: int, meter: Meter) -> int:
    """How strong the place of `tick` is, BAR_LINE to WEAK; ticks count from a bar line."""
    bar, beat, middle, half = _measures(meter)
    inside = tick % bar
    if inside == 0:
        return BAR_LINE
    if inside == middle:
        return MID_BAR
    if inside % beat == 0:
        return BEAT
    return OFF_BEAT if inside % half == 0 else WEAK


@cache
def _measures(meter: Meter) -> tuple[int, int, int, int]:
    """Ticks of the bar, the felt beat, the middle of an even bar (else -1), and half a beat or an eighth of three."""
    middle = meter.bar_ticks // 2 if meter.beats % 2 == 0 else -1
    return meter.bar_ticks, meter.beat_ticks, middle, meter.beat_ticks // (3 if meter.compound else 2)
