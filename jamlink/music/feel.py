"""The player's feel: how loud, how accented, how swung; and lending it to what jamlink plays.

`Feel.of` measures it from a few bars of heard notes; `humanise` plays plain notes with it. With nothing heard the feel
is a calm, even one. What is borrowed is bounded, so a single wild bar does not run away with the band.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, pstdev

from jamlink.music.note import Note
from jamlink.timing.meter import COMMON_TIME, Meter
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

QUIETEST, LOUDEST = 20, 120
EVEN = 0.5
HARDEST_SWING = 0.75
_ENOUGH = 4
"""Fewer heard notes than this tell nothing."""
_SPREAD_LIMITS = (2.0, 14.0)
_ACCENT_LIMITS = (0.0, 20.0)
_ONE_LIMITS = (-10.0, 16.0)
_SHOWN_NONE = 6.0
"""The accent of a player who plays on the beats alone."""


@dataclass(frozen=True, slots=True)
class Feel:
    """`level` is the typical velocity, `spread` how much it varies, `accent` how much louder the beats are than what
    lies between, `one` how much louder the first beat of the bar is than the others, `swing` where the off-beat eighth
    falls in its beat (0.5 even, 0.67 triplet), `busy` onsets a beat, `late` how far behind the grid the player sits, in
    ticks (negative ahead), `beat` and `bar` the felt beat and the bar in ticks."""

    level: float = 76.0
    spread: float = 5.0
    accent: float = 6.0
    swing: float = EVEN
    busy: float = 1.0
    late: float = 0.0
    beat: Ticks = TICKS_PER_QUARTER
    one: float = 0.0
    bar: Ticks = COMMON_TIME.bar_ticks

    @staticmethod
    def of(notes: Sequence[Note], meter: Meter) -> Feel:
        """The feel of `notes` (sorted by onset, in ticks whose bar lines are multiples of the bar)."""
        beat = meter.beat_ticks
        if len(notes) < _ENOUGH:
            return Feel(beat=beat, bar=meter.bar_ticks)
        velocities = [note.velocity for note in notes]
        on = [n.velocity for n in notes if _on_beat(n, beat)]
        off = [n.velocity for n in notes if not _on_beat(n, beat)]
        accent = fmean(on) - fmean(off) if on and off else _SHOWN_NONE
        span = max(beat, notes[-1].onset - notes[0].onset)
        return Feel(
            level=median(velocities),
            spread=_held(pstdev(velocities) * 0.6, *_SPREAD_LIMITS),
            accent=_held(accent, *_ACCENT_LIMITS),
            swing=_swing(notes, meter),
            busy=len({note.onset // (beat // 8 or 1) for note in notes}) * beat / span,
            late=_lateness(notes, beat),
            beat=beat,
            one=_first_beat(notes, meter),
            bar=meter.bar_ticks,
        )


def humanise(notes: Sequence[Note], feel: Feel, seed: int) -> tuple[Note, ...]:
    """`notes` with the player's dynamics and swing; written velocities (80 is plain) shade around the player's level.

    Onsets move at most a sixth of a beat and never before tick 0; the same seed gives the same notes.
    """
    dice = random.Random(seed)
    return tuple(_played(note, feel, dice) for note in notes)


def _played(note: Note, feel: Feel, dice: random.Random) -> Note:
    on_beat = note.onset % feel.beat == 0
    shade = (note.velocity - 80) * 0.5 + (feel.accent if on_beat else -feel.accent) / 2
    if note.onset % feel.bar == 0:
        shade += feel.one
    velocity = round(_held(feel.level + shade + dice.gauss(0, feel.spread / 2), QUIETEST, LOUDEST))
    move = _swung(note.onset, feel) + round(dice.gauss(0, feel.beat / 400))
    if not on_beat:
        move += round(_held(feel.late, -feel.beat / 30, feel.beat / 30))
    onset = Ticks(max(0, note.onset + move)) if not on_beat else note.onset
    return replace(note, onset=onset, duration=Ticks(max(1, note.end - onset)), velocity=velocity)


def _swung(onset: Ticks, feel: Feel) -> int:
    """How far the straight off-beat eighth moves; sixteenths around it move half as far."""
    inside = onset % feel.beat
    full = (feel.swing - EVEN) * feel.beat
    if inside == feel.beat // 2:
        return round(full)
    return round(full / 2) if inside > feel.beat // 2 else 0


def _on_beat(note: Note, beat: Ticks) -> bool:
    """Whether an onset belongs to a beat: nearer to it than an eighth of a beat."""
    return (note.onset + beat // 8) % beat <= beat // 4


def _first_beat(notes: Sequence[Note], meter: Meter) -> float:
    """How much louder the first beats are than the other beats, where both were played often enough."""
    beat, bar = meter.beat_ticks, meter.bar_ticks
    on = [note for note in notes if _on_beat(note, beat)]
    ones = [n.velocity for n in on if (n.onset + beat // 8) % bar <= beat // 4]
    others = [n.velocity for n in on if (n.onset + beat // 8) % bar > beat // 4]
    if len(ones) < _ENOUGH or len(others) < _ENOUGH:
        return 0.0
    return _held(fmean(ones) - fmean(others), *_ONE_LIMITS)


def _swing(notes: Sequence[Note], meter: Meter) -> float:
    """Where the notes between the beats fall, where they are off-beat eighths; compound meters do not swing."""
    if meter.compound:
        return EVEN
    beat = meter.beat_ticks
    places = [note.onset % beat / beat for note in notes]
    eighths = [place for place in places if 0.42 <= place <= 0.71]
    return _held(median(eighths), EVEN, HARDEST_SWING) if len(eighths) >= _ENOUGH else EVEN


def _lateness(notes: Sequence[Note], beat: Ticks) -> float:
    """The median distance of down-beat notes from the grid."""
    distances = [(note.onset + beat // 2) % beat - beat // 2 for note in notes if _on_beat(note, beat)]
    return float(median(distances)) if len(distances) >= _ENOUGH else 0.0


def _held(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
