"""Voicings: from chord names to what two hands would play, and how they keep time with it.

`voice` searches, over a whole progression at once, for the smoothest path through playable voicings: the dynamic
programme minimises how far the hands move, and pays for parallel fifths, muddy low intervals, a lost top line and
leaving the middle of the keyboard. `comp` turns chords and voicings into a rhythm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, product

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.feel import Feel
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

LOWEST, HIGHEST = 48, 79
"""C3 to G5: where comping is clear and leaves room for a bass below and a melody above."""
WIDEST = 16
"""A tenth, the widest span between the outer notes."""
_MIDDLE = 62
_MUDDY_BELOW = 55
"""Below G3 a third or less between neighbours sounds thick."""

Voicing = tuple[int, ...]


def voice_beside(chord: Chord, previous: Voicing, others: tuple[int, int] | None) -> Voicing:
    """One voicing, near to `previous` and out of the way of what lies between two pitches, somebody else's register."""
    choices = _voicings(chord)
    return min(choices, key=lambda v: (_alone(v) + (_step(previous, v) if previous else 0) + _crowd(v, others), v))


def _crowd(voicing: Voicing, others: tuple[int, int] | None) -> float:
    """What it costs to play where somebody else does, or above."""
    if others is None:
        return 0.0
    low, high = others
    return sum(0.0 if pitch < low - 1 else 2.5 if pitch <= high + 1 else 1.5 for pitch in voicing)


def is_struck_again(tick: Ticks, meter: Meter, feel: Feel, density: float) -> bool:
    """Whether a chord that goes on is struck again on the beat at `tick`; as in `comp`."""
    return _is_struck(tick, meter, _activity(feel, density))


def voice(chords: Sequence[Chord | None], previous: Voicing = ()) -> list[Voicing]:
    """A voicing for each chord, low to high; an empty one for no chord. `previous` is what the hands hold now."""
    sounding = [chord for chord in chords if chord is not None]
    path = iter(_smoothest([_voicings(chord) for chord in sounding], previous))
    return [next(path) if chord is not None else () for chord in chords]


def comp(
    spans: Sequence[ChordSpan], voicings: Sequence[Voicing], feel: Feel, meter: Meter, density: float
) -> tuple[Note, ...]:
    """The chords in rhythm: held, on the beats or pushed, by `density` (0 to 1) and how busy the player is.

    A busy player gets long chords; a sparse one more rhythm. Notes lie inside their span; velocity 80 is plain.
    """
    notes = []
    for span, voicing in zip(spans, voicings, strict=True):
        for onset, duration, velocity in _strokes(span, meter, _activity(feel, density)):
            notes += [Note(onset, pitch, duration, velocity) for pitch in voicing]
    return tuple(sorted(notes))


def _activity(feel: Feel, density: float) -> float:
    """How much the comping moves, 0 to 1: what is wanted, less what the player fills already."""
    return min(1.0, max(0.0, density + 0.15 - 0.1 * min(feel.busy, 4.0)))


def _strokes(span: ChordSpan, meter: Meter, activity: float) -> Iterator[tuple[Ticks, Ticks, int]]:
    """Onset, duration and velocity of each stroke in a span: always one at its start."""
    beat = meter.beat_ticks
    beats = range(span.onset // beat * beat + beat, span.end, beat)
    onsets = [span.onset, *(tick for tick in beats if _is_struck(tick, meter, activity))]
    if activity > 0.75:
        push = beat // (3 if meter.compound else 2)
        onsets += [t - push for t in onsets if t - push > span.onset]
    onsets = sorted(set(onsets))
    for onset, after in zip(onsets, [*onsets[1:], span.end], strict=True):
        sounding = (after - onset) * (95 if activity < 0.5 else 80) // 100
        accent = 82 if onset == span.onset else 72
        yield Ticks(onset), Ticks(max(1, sounding)), accent


def _is_struck(tick: int, meter: Meter, activity: float) -> bool:
    """Whether the comping strikes again on this beat: bar lines first, then the middle of the bar, then every beat."""
    beat_in_bar = tick % meter.bar_ticks // meter.beat_ticks
    if beat_in_bar == 0:
        return activity > 0.15
    if meter.beats % 2 == 0 and beat_in_bar == meter.beats // 2:
        return activity > 0.45
    return activity > 0.6


@lru_cache(maxsize=2048)
def _voicings(chord: Chord) -> tuple[Voicing, ...]:
    """Every playable voicing of a chord: its notes in each order and octave, within a tenth, in the register.

    Four-note chords may leave out the fifth, as players do. An inversion has its bass lowest, so that it is heard
    without a bass player too; a bass note that is foreign to the chord is left to one.
    """
    full = [(chord.root + i) % 12 for i in chord.quality.intervals]
    shapes = [full] + ([[p for p in full if p != (chord.root + 7) % 12]] if len(full) == 4 else [])
    found = {voicing for shape in shapes for voicing in _placed(shape)}
    inverted = chord.bass != chord.root and chord.bass in chord.pitch_classes
    return tuple(sorted(v for v in found if not inverted or v[0] % 12 == chord.bass))


def _placed(pitch_classes: Sequence[int]) -> Iterator[Voicing]:
    choices = [[p for p in range(LOWEST, HIGHEST + 1) if p % 12 == pc] for pc in pitch_classes]
    for pitches in product(*choices):
        low, high = min(pitches), max(pitches)
        if high - low <= WIDEST:
            yield tuple(sorted(pitches))


def _smoothest(columns: Sequence[Sequence[Voicing]], previous: Voicing) -> list[Voicing]:
    """The cheapest path, one voicing of each column. Ties go to the lower voicing, so the result is the same always."""
    if not columns:
        return []
    costs = [_alone(v) + (_step(previous, v) if previous else 0.0) for v in columns[0]]
    back: list[list[int]] = []
    for before, column in pairwise(columns):
        arrived = [
            min((c + _step(u, v), i) for i, (c, u) in enumerate(zip(costs, before, strict=True))) for v in column
        ]
        back.append([i for _, i in arrived])
        costs = [cost + _alone(v) for (cost, _), v in zip(arrived, column, strict=True)]
    at = costs.index(min(costs))
    path = [columns[-1][at]]
    for column, links in zip(reversed(columns[:-1]), reversed(back), strict=True):
        at = links[at]
        path.append(column[at])
    return path[::-1]


@lru_cache(maxsize=65_536)
def _alone(voicing: Voicing) -> float:
    """What a voicing costs by itself: far from the middle, thick low down, a hole in the middle, a rub on top."""
    gaps = [b - a for a, b in pairwise(voicing)]
    middle = sum(voicing) / len(voicing)
    muddy = sum(4 - gap for low, gap in zip(voicing, gaps, strict=False) if low < _MUDDY_BELOW and gap < 4)
    holes = sum(gap - 8 for gap in gaps if gap > 8)
    rub = 3 if gaps and gaps[-1] == 1 else 0
    few = 2 * (4 - len(voicing)) if len(voicing) < 4 else 0
    return 0.35 * abs(middle - _MIDDLE) + 2.0 * muddy + 1.5 * holes + rub + 0.5 * few


@lru_cache(maxsize=32_768)
def _step(before: Voicing, after: Voicing) -> float:
    """What moving from one voicing to the next costs: voices to their nearest, the top line, parallel fifths."""
    moved = sum(min(abs(p - q) for q in before) for p in after)
    top = abs(after[-1] - before[-1])
    parallel = sum(
        4
        for low, high in ((0, 1), (1, 2), (0, 2))
        if len(before) > high
        and len(after) > high
        and before[high] - before[low] == after[high] - after[low] == 7
        and before[low] != after[low]
    )
    return moved + 0.8 * top + parallel
