"""What the readers give (a Score) and what the corpus is made of (Tunes).

A score has bars of any length and meter. A tune is a run of whole bars in one meter; a short bar before it is its
pickup, and two short bars that make a whole one (round a repeat sign) are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

PHRASE_BARS = 8
"""Bars are counted in phrases of eight where the source marks none: the commonest length in song and dance."""
_FEWEST_BARS = 4


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as it stands in the score, which need not be whole. `opens` marks the first bar of a section."""

    start: int
    length: int
    meter: Meter | None
    fifths: int | None = None
    minor: bool | None = None
    opens: bool = False


@dataclass(slots=True)
class Score:
    """One file as read. `melody` and `bass` are lines, `everything` all notes; ticks from the first bar."""

    name: str
    style: str
    bars: list[Bar]
    melody: list[Note] = field(default_factory=list)
    bass: list[Note] = field(default_factory=list)
    everything: list[Note] = field(default_factory=list)
    chords: list[ChordSpan] = field(default_factory=list)
    bpm: float | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Tune:
    """Whole bars in one meter; ticks from the first bar. `places` as in jamlink.tokens.phrase.Phrase."""

    name: str
    style: str
    meter: Meter
    places: tuple[int, ...]
    melody: tuple[Note, ...]
    bass: tuple[Note, ...]
    everything: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]
    bpm: float | None
    fifths: int | None
    key: Key | None


def tunes_of(score: Score) -> Iterator[Tune]:
    """The runs of at least four whole bars."""
    for run in _runs(score.bars):
        if len(run) >= _FEWEST_BARS:
            yield _tune(score, run)


def _runs(bars: Sequence[Bar]) -> list[list[Bar]]:
    runs: list[list[Bar]] = [[]]
    waiting: Bar | None = None
    for bar in bars:
        whole = bar.meter.bar_ticks if bar.meter else 0
        if waiting and waiting.meter == bar.meter and waiting.length + bar.length == whole:
            bar = Bar(waiting.start, whole, bar.meter, waiting.fifths, waiting.minor)
            waiting = None
        elif waiting:
            runs.append([])
            if bar.length == whole and waiting.meter == bar.meter:
                runs[-1].append(_pickup(waiting, whole))
            waiting = None
        if bar.length == whole and whole:
            if runs[-1] and runs[-1][-1].meter != bar.meter:
                runs.append([])
            runs[-1].append(bar)
        elif whole and 0 < bar.length < whole:
            waiting = bar
        else:
            runs.append([])
    return runs


def _pickup(short: Bar, whole: int) -> Bar:
    """A short bar filled up with silence before it."""
    return Bar(short.start + short.length - whole, whole, short.meter, short.fifths, short.minor)


def _places(run: Sequence[Bar], pickup: bool) -> tuple[int, ...]:
    places, place = [], -1 if pickup else 0
    for i, bar in enumerate(run):
        if bar.opens and i > pickup:
            place = 0
        places.append(place % PHRASE_BARS)
        place += 1
    return tuple(places)


def _tune(score: Score, run: Sequence[Bar]) -> Tune:
    start, end = run[0].start, run[-1].start + run[-1].length
    pickup = any(bar.start < run[1].start and bar.start > start for bar in score.bars)

    def inside(notes: Sequence[Note]) -> tuple[Note, ...]:
        return tuple(n.shifted(Ticks(-start)) for n in notes if start <= n.onset < end)

    spans = tuple(s.shifted(Ticks(-start)) for s in score.chords if s.end > start and s.onset < end)
    meter, fifths = run[0].meter, run[-1].fifths
    assert meter is not None
    return Tune(
        score.name, score.style, meter, _places(run, pickup), inside(score.melody), inside(score.bass),
        inside(score.everything), spans, score.bpm, fifths, score.key,
    )  # fmt: skip


def highest_line(notes: Sequence[Note]) -> list[Note]:
    """The tune in a texture: at each onset the highest note, unless a higher one still sounds; cut by the next."""
    line: list[Note] = []
    for note in sorted(notes, key=lambda n: (n.onset, -n.pitch)):
        if line and (line[-1].onset == note.onset or (line[-1].end > note.onset and line[-1].pitch > note.pitch)):
            continue
        line.append(note)
    return _cut(line)


def lowest_line(notes: Sequence[Note]) -> list[Note]:
    """The bass in a texture: at each onset the lowest note, unless a lower one still sounds; cut by the next."""
    line: list[Note] = []
    for note in sorted(notes, key=lambda n: (n.onset, n.pitch)):
        if line and (line[-1].onset == note.onset or (line[-1].end > note.onset and line[-1].pitch < note.pitch)):
            continue
        line.append(note)
    return _cut(line)


def _cut(line: list[Note]) -> list[Note]:
    limits = [*(n.onset for n in line[1:]), 1 << 60]
    return [Note(n.onset, n.pitch, Ticks(min(n.end, limit) - n.onset)) for n, limit in zip(line, limits, strict=False)]
