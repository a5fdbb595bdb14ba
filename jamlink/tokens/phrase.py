"""What words can say: bars of chords and notes on the grid, what stands above them, and what the next ones are like."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.proposal import Controls
from jamlink.timing.meter import Meter
from jamlink.timing.units import Tempo, Ticks
from jamlink.tokens import vocab
from jamlink.tokens.vocab import LEVELS, MAX_VOICES, Cell, Task

_TOGETHER = 60
"""Ticks (some 30 ms at 120 bpm): onsets within it are one chord, else an ornament and its note."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above a piece. Empty style, no tempo, no key: as it comes."""

    task: Task
    meter: Meter
    style: str = ""
    tempo: Tempo | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Steering:
    """What the next `bars` (1, 2, 4 or 8) bars are like, each 0 (little) to 4 (much); None leaves it to the music."""

    bars: int
    brightness: int | None = None
    drive: int | None = None
    density: int | None = None
    surprise: int | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Bars of music; ticks from the start of the first bar.

    `places` has one entry a bar: its place in its phrase, 0 to 15. `chords` are sorted and do not overlap; a gap is
    "no chord". `notes` are sorted by onset.
    """

    meter: Meter
    places: tuple[int, ...]
    chords: tuple[ChordSpan, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def bars(self) -> int:
        """How many bars."""
        return len(self.places)

    @property
    def length(self) -> Ticks:
        """The span in ticks."""
        return Ticks(self.bars * self.meter.bar_ticks)


def places_from(first: int, bars: int, phrase_bars: int = 8) -> tuple[int, ...]:
    """Places of `bars` bars that start at place `first` in phrases of `phrase_bars`."""
    return tuple((first + i) % phrase_bars for i in range(bars))


def steering_of(controls: Controls, bars: int) -> Steering:
    """The player's steering in words; a control in the middle says nothing."""

    def level(value: float) -> int | None:
        return None if abs(value - 0.5) < 0.1 else min(LEVELS - 1, max(0, int(value * LEVELS)))

    return Steering(
        bars, level(controls.brightness), level(controls.drive), level(controls.density), level(controls.surprise)
    )


def quantise(phrase: Phrase, task: Task) -> Phrase:
    """`phrase` as the words of `task` can say it. Quantising twice is quantising once.

    Onsets and ends go to the better of the cell's grids; simultaneous notes share the longest one's length and are
    cut off by the next onset; velocities become the default; chords go to cells and are written only on change.
    """
    chords = chord_spans(chords_by_cell(phrase), phrase.meter) if task is not Task.MELODY else ()
    return replace(phrase, chords=chords, notes=_quantised_notes(phrase) if task.has_notes else ())


def chords_by_cell(phrase: Phrase) -> list[Chord | None]:
    """The chord of each cell; a chord shorter than half a cell is lost, a later chord wins."""
    cell = vocab.cell_of(phrase.meter).ticks
    found: list[Chord | None] = [None] * (phrase.length // cell)
    for span in phrase.chords:
        for i in range(max(0, _nearest(span.onset, cell)), min(len(found), _nearest(span.end, cell))):
            found[i] = span.chord
    return found


def chord_spans(by_cell: list[Chord | None], meter: Meter) -> tuple[ChordSpan, ...]:
    """Spans that cover the cells without gaps, a new one only where the chord changes."""
    cell, spans, start = vocab.cell_of(meter).ticks, [], 0
    for i in range(1, len(by_cell) + 1):
        if i == len(by_cell) or by_cell[i] != by_cell[start]:
            spans.append(ChordSpan(Ticks(start * cell), Ticks((i - start) * cell), by_cell[start]))
            start = i
    return tuple(spans)


def _nearest(tick: int, step: int) -> int:
    return (2 * tick + step) // (2 * step)


def grids_of(phrase: Phrase) -> list[int]:
    """Slots of each cell: of the cell's grids the one that its onsets and ends fit best, ends counting a quarter."""
    cell = vocab.cell_of(phrase.meter)
    errors = [[0] * len(cell.grids) for _ in range(phrase.length // cell.ticks)]
    for tick, weight in [(n.onset, 4) for n in phrase.notes] + [(n.end, 1) for n in phrase.notes]:
        place, inside = divmod(tick, cell.ticks)
        if 0 <= place < len(errors):
            for g, slots in enumerate(cell.grids):
                slot = cell.ticks // slots
                errors[place][g] += weight * abs(inside - _nearest(inside, slot) * slot)
    return [cell.grids[row.index(min(row))] for row in errors]


def _snap(tick: int, cell: Cell, grids: list[int]) -> int:
    """`tick` on the grid of its cell; outside the phrase on the first grid."""
    place, inside = divmod(tick, cell.ticks)
    slot = cell.ticks // (grids[place] if 0 <= place < len(grids) else cell.grids[0])
    return place * cell.ticks + _nearest(inside, slot) * slot


def _next_slot(tick: int, cell: Cell, grids: list[int]) -> int:
    """The first grid point after `tick`, which is on the grid."""
    return tick + cell.ticks // grids[tick // cell.ticks]


def _quantised_notes(phrase: Phrase) -> tuple[Note, ...]:
    cell, grids = vocab.cell_of(phrase.meter), grids_of(phrase)
    together: dict[int, list[Note]] = {}
    for note in phrase.notes:
        onset = _snap(note.onset, cell, grids)
        if 0 <= onset < phrase.length:
            together.setdefault(onset, []).append(note)
    onsets = sorted(together)
    found: list[Note] = []
    for onset, limit in zip(onsets, [*onsets[1:], phrase.length], strict=False):
        kept = _one_chord(together[onset])
        end = max(_snap(max(n.end for n in kept), cell, grids), _next_slot(onset, cell, grids))
        pitches = sorted({vocab.on_piano(n.pitch) for n in kept}, reverse=True)[:MAX_VOICES]
        found += [Note(Ticks(onset), pitch, Ticks(min(end, limit) - onset)) for pitch in pitches]
    return tuple(sorted(found))


def _one_chord(notes: list[Note]) -> list[Note]:
    """Of notes that fall into one slot those that begin with the longest; the others are ornaments."""
    longest = max(notes, key=lambda n: (n.duration, n.pitch))
    return [n for n in notes if abs(n.onset - longest.onset) <= _TOGETHER]
