"""Clips: an accepted idea, or the bars that were played last, as a small MIDI file with a name that says what it is.

Pure: scores and names; whoever has a folder writes them. A clip begins on a bar line at tick 0, with its tempo, its
meter, its key where it has one, and its chords as markers. A name is good on every system: letters, digits, spaces and
few signs, no more than `LONGEST_NAME` of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeVar

from jamlink.errors import Nonsense
from jamlink.ledger.export import score_of
from jamlink.ledger.story import Story
from jamlink.midi.score import Bend, Control, KeyMark, Marker, MeterMark, MidiScore, Part, TempoMark
from jamlink.music.chord import NO_CHORD, Chord
from jamlink.music.key import Key
from jamlink.music.key_estimate import estimate_key
from jamlink.music.note import Note
from jamlink.session.effects import Taken
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

EARLY = Ticks(TICKS_PER_QUARTER // 4)
"""A note that was played so little before the first bar line belongs to the bar."""
LONGEST_NAME = 80
CHORDS_IN_NAME = 8

_M = TypeVar("_M", TempoMark, MeterMark)


@dataclass(frozen=True, slots=True)
class Clip:
    """`name` is the file's, without its ending; `length` is whole bars."""

    name: str
    score: MidiScore
    length: Ticks


def idea_clip(taken: Taken, programs: Mapping[str, int] | None = None) -> Clip:
    """The clip of an accepted idea: a track for each role that plays. `programs` are General MIDI programs (from 0) by
    role, where the player asked for them."""
    parts = tuple(
        Part(out.value, channel, notes, program=(programs or {}).get(out.value))
        for out, channel, notes in taken.notes
        if notes
    )
    symbols = [(span.onset, _symbol(span.chord, taken.key)) for span in taken.chords]
    first = taken.slot.start // taken.slot.bar_ticks + 1
    name = clip_name(_bars(first, taken.slot.bars), taken.key, [symbol for _, symbol in symbols])
    score = MidiScore(
        parts,
        (TempoMark(Ticks(0), taken.tempo),),
        (MeterMark(Ticks(0), taken.meter.numerator, taken.meter.denominator),),
        (KeyMark(Ticks(0), taken.key),) if taken.key else (),
        tuple(Marker(onset, symbol) for onset, symbol in symbols),
        name,
    )
    return Clip(name, score, taken.slot.length)


def captured(story: Story, bars: int, first_bar: int | None) -> Clip:
    """The last `bars` bars in which anything was played, from their first bar line; `first_bar` is what the player
    counted there, None for what was played outside the clock. Raises `Nonsense` where nothing was played."""
    score = score_of(story)
    last = max((note.onset for part in score.parts for note in part.notes), default=None)
    if last is None:
        raise Nonsense("Nothing was played in the last bars.", "Play, then capture.")
    meter = _at(score.meters, last)
    bar_ticks = meter.meter.bar_ticks
    end = Ticks(meter.at + ((last - meter.at) // bar_ticks + 1) * bar_ticks)
    start = Ticks(max(0, end - bars * bar_ticks))
    cut = window(score, start, end)
    estimate = estimate_key(sorted(note for part in cut.parts for note in part.notes))
    key = estimate.key if estimate else None
    where = "free" if first_bar is None else _bars(first_bar, bars)
    name = clip_name(where, key, [marker.text for marker in cut.markers])
    keys = (KeyMark(Ticks(0), key),) if key else ()
    return Clip(name, replace(cut, keys=keys, name=name), Ticks(end - start))


def window(score: MidiScore, start: Ticks, end: Ticks) -> MidiScore:
    """What begins in [start, end) of `score`, from tick 0, with the tempo, meter and chord that hold at its start."""
    parts = tuple(part for part in (_cut_part(part, start, end) for part in score.parts) if part.notes)
    markers = [marker for marker in score.markers if marker.at < end]
    before = [replace(markers[i], at=start) for i in range(len(markers)) if markers[i].at <= start][-1:]
    inside = [marker for marker in markers if marker.at > start]
    return MidiScore(
        parts,
        tuple(_marks(score.tempos, start, end)),
        tuple(_marks(score.meters, start, end)),
        (),
        tuple(replace(marker, at=Ticks(marker.at - start)) for marker in (*before, *inside)),
    )


def _cut_part(part: Part, start: Ticks, end: Ticks) -> Part:
    notes = (note for note in part.notes if start - EARLY <= note.onset < end)
    moved = tuple(sorted(_moved(note, start) for note in notes))
    controls = tuple(Control(Ticks(c.at - start), c.control, c.value) for c in part.controls if start <= c.at < end)
    return replace(part, notes=moved, controls=controls, bends=tuple(_bends(part.bends, start, end)))


def _bends(bends: Sequence[Bend], start: Ticks, end: Ticks) -> Iterator[Bend]:
    """Those inside, and first where the wheel stands at `start`, unless it rests."""
    standing = [bend.value for bend in bends if bend.at < start][-1:]
    yield from (Bend(Ticks(0), value) for value in standing if value)
    yield from (replace(bend, at=Ticks(bend.at - start)) for bend in bends if start <= bend.at < end)


def _moved(note: Note, start: Ticks) -> Note:
    onset = Ticks(max(0, note.onset - start))
    return replace(note, onset=onset, duration=Ticks(max(1, note.end - start - onset)))


def _marks(marks: Sequence[_M], start: Ticks, end: Ticks) -> Iterator[_M]:
    yield replace(_at(marks, start), at=Ticks(0))
    yield from (replace(mark, at=Ticks(mark.at - start)) for mark in marks if start < mark.at < end)


def _at(marks: Sequence[_M], tick: Ticks) -> _M:
    """The mark that holds at `tick`."""
    return [mark for mark in marks if mark.at <= tick][-1]


# -- names ------------------------------------------------------------------------------------------------------------

_UNSAFE = re.compile(r"[^A-Za-z0-9 #+()_,.-]+")


def clip_name(bars: str, key: Key | None, symbols: Iterable[str]) -> str:
    """ "bar 009 in G major - Am7 D7 Gmaj7": safe as a file's name on every system. Chords that stay are named once,
    "C/E" is "C-E", and what there is no room for is left out."""
    head = f"{bars} in {key}" if key else bars
    words = [symbol for symbol, _ in groupby(symbols) if symbol][:CHORDS_IN_NAME]
    while words and len(f"{head} - {' '.join(words)}") > LONGEST_NAME:
        words.pop()
    return safe_name(f"{head} - {' '.join(words)}" if words else head)


def safe_name(text: str) -> str:
    """`text` as a file's name on every system: no sign that any of them keeps for itself, no space or full stop at its
    ends, not too long, never empty."""
    plain = _UNSAFE.sub("-", text.replace("/", "-").replace("♯", "#").replace("♭", "b"))
    return plain[:LONGEST_NAME].strip(" .-") or "clip"


def _bars(first: int, bars: int) -> str:
    return f"bar {first:03d}" if bars == 1 else f"bars {first:03d}-{first + bars - 1:03d}"


def _symbol(chord: Chord | None, key: Key | None) -> str:
    if chord is None:
        return NO_CHORD
    return chord.symbol_in(key) if key else chord.symbol()
