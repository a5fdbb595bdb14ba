"""A bass line under chords: from one long root to walking, as the music drives on.

The more drive, the more places of the bar are played (never fewer): the chord's start and bar lines, then the middle
of the bar, the beat before a change, every beat, and at last a push into the next bar. Chord starts have the chord's
bass; what lies between leads to the next one: fifth and octave while there is time, a step or half step into it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pulse import BAR_LINE, MID_BAR, strength
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

LOWEST, HIGHEST = 28, 52
"""E1, the low string of a bass, to E3."""
_HOME = 38
_HALVES, _APPROACHES, _WALKS, _PUSHES = 0.3, 0.5, 0.65, 0.85
"""How much drive it takes to play the middle of the bar, the beat before a change, each beat, and pushes."""


def bass_line(
    spans: Sequence[ChordSpan], meter: Meter, key: Key | None, drive: float, seed: int, previous: int = _HOME
) -> tuple[Note, ...]:
    """A line from E1 to E3 under `spans`, silent under "no chord". `previous` is the pitch it goes on from.

    `drive` from 0 to 1; the same arguments give the same line.
    """
    dice = random.Random(seed)
    scale = key.scale if key else frozenset(range(12))
    notes: list[Note] = []
    for i, span in enumerate(spans):
        if span.chord is None:
            continue
        after = next((s.chord for s in spans[i + 1 :] if s.chord), spans[0].chord) or span.chord
        for note in _under(span, span.chord, after, meter, scale, drive, previous, dice):
            notes.append(note)
            previous = note.pitch
    return tuple(notes)


def bass_on_beat(
    chord: Chord, tick: Ticks, meter: Meter, *, fresh: bool, drive: float, previous: int | None, seed: int
) -> int | None:
    """What the bass plays on the beat at `tick` under a chord whose future nobody knows; None where it goes on holding.
    `fresh` where the chord begins here."""
    home = _HOME if previous is None else previous
    if fresh or strength(tick, meter) == BAR_LINE:
        return _near(chord.bass, home)
    if not _is_played(tick, ChordSpan(tick, meter.bar_ticks, chord), meter, drive):
        return None
    return _between(chord, home, _near(chord.bass, home), tick, meter, random.Random(seed))


def _under(
    span: ChordSpan,
    chord: Chord,
    after: Chord,
    meter: Meter,
    scale: frozenset[int],
    drive: float,
    previous: int,
    dice: random.Random,
) -> Iterator[Note]:
    """The notes under one chord that leads to another."""
    onsets = list(_onsets(span, meter, drive))
    target = _near(after.bass, previous)
    for i, (onset, end) in enumerate(zip(onsets, [*onsets[1:], span.end], strict=True)):
        if i == 0:
            pitch = _near(chord.bass, previous)
        elif i == len(onsets) - 1 and drive > _APPROACHES and after.bass != chord.bass:
            pitch = _approach(previous, target, scale, dice)
        else:
            pitch = _between(chord, previous, target, onset, meter, dice)
        previous = pitch
        short = 0 if drive < _HALVES else meter.beat_ticks // 12
        velocity = 84 if strength(onset, meter) >= MID_BAR else 76
        yield Note(Ticks(onset), pitch, Ticks(max(1, end - onset - short)), velocity)


def _onsets(span: ChordSpan, meter: Meter, drive: float) -> Iterator[int]:
    """The start, and the places of the bar that the drive asks for."""
    beat = meter.beat_ticks
    yield span.onset
    step = beat // 2 if drive > _PUSHES else beat
    for tick in range(span.onset // step * step + step, span.end, step):
        if _is_played(tick, span, meter, drive):
            yield tick


def _is_played(tick: int, span: ChordSpan, meter: Meter, drive: float) -> bool:
    weight = strength(tick, meter)
    if weight == BAR_LINE:
        return True
    if tick % meter.beat_ticks:
        return drive > _PUSHES and tick + meter.beat_ticks // 2 == span.end
    if weight == MID_BAR and drive > _HALVES:
        return True
    return drive > _WALKS or (drive > _APPROACHES and tick + meter.beat_ticks == span.end)


def _near(pitch_class: int, previous: int) -> int:
    """The pitch of a class nearest to the previous one, in range; the lower where two are as near."""
    choices = range(LOWEST + (pitch_class - LOWEST) % 12, HIGHEST + 1, 12)
    return min(choices, key=lambda pitch: (abs(pitch - previous) + abs(pitch - _HOME) / 3, pitch))


def _approach(previous: int, target: int, scale: frozenset[int], dice: random.Random) -> int:
    """A note next to the target: a half step on either side, or the step of the key; from where the line comes."""
    side = 1 if previous > target else -1
    step = next(distance for distance in (1, 2) if distance == 2 or (target + side * distance) % 12 in scale)
    choice = dice.choice((side * step, side * step, side, -side))
    return target + choice if LOWEST <= target + choice <= HIGHEST else target - choice


def _between(chord: Chord, previous: int, target: int, onset: int, meter: Meter, dice: random.Random) -> int:
    """A chord note on the way: root at bar lines, the fifth in the middle, else what lies towards the target."""
    weight = strength(onset, meter)
    if weight == BAR_LINE:
        return _near(chord.bass, previous)
    if weight == MID_BAR and dice.random() < 0.6:
        return _near((chord.root + chord.quality.intervals[2]) % 12, previous)
    tones = [p for p in range(LOWEST, HIGHEST + 1) if p % 12 in chord.pitch_classes and p != previous]
    near = sorted(tones, key=lambda p: (abs(p - previous) + 0.5 * abs(p - target), p))
    return dice.choice(near[:2])
