"""Played notes as written ones: onto a grid, into bars, with ties over what no single note can say.

One voice: what begins together is a chord, and what is held under the next onset ends there. Each beat is counted in
sixteenths or, where that fits the playing better, in eighth-note triplets. Pure; ticks in, ticks out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

SIXTEENTH = Ticks(TICKS_PER_QUARTER // 4)
TRIPLET = Ticks(TICKS_PER_QUARTER // 3)
_EIGHTH = Ticks(TICKS_PER_QUARTER // 2)
_TRIPLET_DOUBT = Ticks(15)
"""Triplets must fit better by so much a note; straight playing is the rule."""
_BREATH = _EIGHTH
"""A gap no longer than this is the way a note was played, not a rest."""

VALUES: dict[int, tuple[str, int]] = {
    7680: ("breve", 0),
    5760: ("whole", 1),
    3840: ("whole", 0),
    2880: ("half", 1),
    1920: ("half", 0),
    1440: ("quarter", 1),
    960: ("quarter", 0),
    720: ("eighth", 1),
    480: ("eighth", 0),
    240: ("16th", 0),
}
"""The lengths that one sign can have: its name in MusicXML, and its dots. Longest first."""
TRIPLET_VALUES: dict[int, tuple[str, int]] = {2 * TRIPLET: ("quarter", 0), TRIPLET: ("eighth", 0)}
"""Inside a beat of triplets: three in the time of two."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of the page, from `start`."""

    start: Ticks
    meter: Meter

    @property
    def end(self) -> Ticks:
        """The next bar line."""
        return Ticks(self.start + self.meter.bar_ticks)


@dataclass(frozen=True, slots=True)
class Sign:
    """One written note, chord or (without pitches) rest. `onset` counts from its bar's start. `triplet` marks the signs
    of a beat in triplets; `first` and `last` those at its ends."""

    onset: Ticks
    ticks: Ticks
    pitches: tuple[int, ...]
    name: str
    dots: int = 0
    tied_from: bool = False
    tied_to: bool = False
    triplet: bool = False
    first: bool = False
    last: bool = False


def bars_until(end: Ticks, meters: Sequence[tuple[Ticks, Meter]]) -> list[Bar]:
    """The bars of a page up to `end`, at least one; `meters` from tick 0, each from a bar line on."""
    bars: list[Bar] = []
    at = Ticks(0)
    while at < end or not bars:
        place = bisect_right([start for start, _ in meters], at) - 1
        bars.append(Bar(at, meters[max(0, place)][1]))
        at = bars[-1].end
    return bars


def written(notes: Iterable[Note], bars: Sequence[Bar]) -> list[list[Sign]]:
    """Each bar's signs, which fill it without a gap."""
    played = sorted(notes)
    grid = _Grid(played, bars)
    chords = _one_voice(played, grid)
    return [_bar(bar, chords, grid) for bar in bars]


@dataclass(frozen=True, slots=True)
class _Chord:
    onset: Ticks
    end: Ticks
    pitches: tuple[int, ...]


class _Grid:
    """Where a moment is written: how each beat is counted."""

    def __init__(self, played: Sequence[Note], bars: Sequence[Bar]) -> None:
        self._bars = bars
        self._starts = [bar.start for bar in bars]
        onsets: dict[Ticks, list[int]] = {}
        for note in played:
            beat, length = self.beat(note.onset)
            if length == TICKS_PER_QUARTER:
                onsets.setdefault(beat, []).append(note.onset - beat)
        self._triplets = {beat for beat, inside in onsets.items() if _is_triplet(inside)}

    def beat(self, tick: Ticks) -> tuple[Ticks, Ticks]:
        """The start and the length of the beat that `tick` is in."""
        bar = self._bars[min(max(0, bisect_right(self._starts, tick) - 1), len(self._bars) - 1)]
        length = bar.meter.beat_ticks
        return Ticks(bar.start + (tick - bar.start) // length * length), length

    def in_triplets(self, beat: Ticks) -> bool:
        """Whether the beat that starts there is counted in triplets."""
        return beat in self._triplets

    def step(self, tick: Ticks) -> Ticks:
        """How long a step of the grid is at `tick`."""
        return TRIPLET if self.in_triplets(self.beat(tick)[0]) else SIXTEENTH

    def nearest(self, tick: Ticks) -> Ticks:
        """Where `tick` is written."""
        beat, _ = self.beat(tick)
        step = self.step(tick)
        return Ticks(beat + (tick - beat + step // 2) // step * step)

    def nearest_end(self, tick: Ticks, onset: Ticks) -> Ticks:
        """Where a note that is let go at `tick` is written to end: in eighths where it is long enough for that, since
        fingers are let go less exactly than they fall."""
        beat, _ = self.beat(tick)
        if self.in_triplets(beat) or tick - onset < _EIGHTH:
            return Ticks(max(self.nearest(tick), onset + self.step(onset)))
        return Ticks(max(beat + (tick - beat + _EIGHTH // 2) // _EIGHTH * _EIGHTH, onset + self.step(onset)))


def _is_triplet(onsets: Sequence[int]) -> bool:
    def off(step: int) -> int:
        return sum(abs(onset - (onset + step // 2) // step * step) for onset in onsets)

    return off(TRIPLET) + _TRIPLET_DOUBT * len(onsets) < off(SIXTEENTH)


def _one_voice(played: Sequence[Note], grid: _Grid) -> list[_Chord]:
    together: dict[Ticks, list[Note]] = {}
    for note in played:
        together.setdefault(grid.nearest(note.onset), []).append(note)
    onsets = sorted(together)
    following = [*onsets[1:], None][: len(onsets)]
    return [_chord(onset, together[onset], after, grid) for onset, after in zip(onsets, following, strict=True)]


def _chord(onset: Ticks, notes: Sequence[Note], after: Ticks | None, grid: _Grid) -> _Chord:
    end = grid.nearest_end(max(note.end for note in notes), onset)
    if after is not None and (after < end or after - end <= _BREATH):
        end = after
    return _Chord(onset, end, tuple(sorted({note.pitch for note in notes})))


def _bar(bar: Bar, chords: Sequence[_Chord], grid: _Grid) -> list[Sign]:
    inside = [chord for chord in chords if chord.onset < bar.end and chord.end > bar.start]
    if not inside:
        return [Sign(Ticks(0), bar.meter.bar_ticks, (), "whole")]
    signs: list[Sign] = []
    at = bar.start
    for chord in inside:
        onset, end = Ticks(max(at, chord.onset)), Ticks(min(bar.end, chord.end))
        signs += _signs(bar, at, onset, None, grid)
        signs += _signs(bar, onset, end, chord, grid)
        at = max(at, end)
    return [*signs, *_signs(bar, at, bar.end, None, grid)]


def _signs(bar: Bar, start: Ticks, end: Ticks, chord: _Chord | None, grid: _Grid) -> Iterator[Sign]:
    """The span as signs, tied where it is a chord's; nothing for an empty span."""
    edges = [start, *_cuts(start, end, grid)]
    for a, b in pairwise(edges):
        beat, length = grid.beat(a)
        triplet = grid.in_triplets(beat) and b - a < length
        name, dots = (TRIPLET_VALUES if triplet else VALUES)[b - a]
        yield Sign(
            onset=Ticks(a - bar.start),
            ticks=Ticks(b - a),
            pitches=chord.pitches if chord else (),
            name=name,
            dots=dots,
            tied_from=chord is not None and a > chord.onset,
            tied_to=chord is not None and b < chord.end,
            triplet=triplet,
            first=triplet and a == beat,
            last=triplet and b == beat + length,
        )


def _cuts(start: Ticks, end: Ticks, grid: _Grid) -> Iterator[Ticks]:
    """Where the signs of a span end: whole beats together as far as one sign can say them, the rest beat by beat."""
    at = start
    while at < end:
        beat, length = grid.beat(at)
        left = Ticks(min(end, beat + length) - at)
        if at == beat and end - at >= length:
            ticks = _longest_of_beats(at, end, length, grid)
        elif grid.in_triplets(beat):
            ticks = left
        else:
            ticks = next(value for value in VALUES if value <= left)
        at = Ticks(at + ticks)
        yield at


def _longest_of_beats(start: Ticks, end: Ticks, beat: Ticks, grid: _Grid) -> int:
    """The longest sign of whole beats; a beat that is no sign of its own is begun with its longest part."""
    whole = (end - start) // beat * beat
    return next((value for value in VALUES if value <= whole and value % beat == 0), None) or next(
        value for value in VALUES if value <= beat
    )
