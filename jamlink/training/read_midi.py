"""MIDI files as scores: which part is the tune, which the bass, and where the bars are.

A MIDI file says its meter and seldom where its first bar line falls; `jamlink.training.pickup` finds that. A file whose
notes keep to no beat (a performance recorded without a click) or whose bar lines cannot be told is `Nonsense`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from jamlink.errors import Nonsense
from jamlink.midi.score import Marker, MeterMark, MidiScore, Part
from jamlink.midi.smf import read_score
from jamlink.music.chord import Chord, ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks, bpm_of_tempo
from jamlink.training import pickup
from jamlink.training.tune import Bar, Score, highest_line, lowest_line

_DRUMS = 9
_GRIDS = (240, 320, 480, 960)
"""Sixteenths, triplets, eighths, quarters: ticks."""
_KEEPS_TIME = 0.4
"""How strongly onsets must lie on one of the grids, 0 (anywhere) to 1. Played to a click, 20 ms off: 0.6."""
_SURE = 0.7
"""A pickup that is less sure makes the bar lines unknown."""
_FEWEST_NOTES = 12
_LONGEST = 100_000 * 960
"""Ticks. Two bytes of a broken file can say a thousand million bars."""
_UNSAID_BPM = (60.0, 120.0)
"""What programs write where nobody said a tempo."""
_TUNE = re.compile(r"melod|lead|vocal|voice|sopran|cantus|tune|sing|solo|flute|violin\b", re.IGNORECASE)
_BASS = re.compile(r"\bbass\b|contrabass|bassus|pedal", re.IGNORECASE)
_BASS_PROGRAMS = range(32, 40)


def read_midi(path: Path, name: str, style: str, *, from_zero: bool = False) -> Score:
    """One file. Raises `Nonsense` where there is no music in bars.

    `from_zero`: where the notes do not show the bar lines they are counted from tick 0, as a sequencer does.
    """
    found = read_score(path)
    parts = [part for part in found.parts if part.channel != _DRUMS and part.notes]
    if not parts:
        raise Nonsense(f"{name} holds drums only.")
    notes = _from_zero([note for part in parts for note in part.notes])
    if len(notes) < _FEWEST_NOTES:
        raise Nonsense(f"{name} holds {len(notes)} notes, which is no piece.")
    if notes[-1].onset > _LONGEST:
        raise Nonsense(f"{name} is gigantic: {notes[-1].onset // 960} quarters long.", "Cut it, or check its length.")
    if keeping_time(notes) < _KEEPS_TIME:
        raise Nonsense(f"{name} keeps to no beat.", "Play to a click, or set the tempo by hand.")
    return _score(found, parts, notes, name, style, from_zero)


def keeping_time(notes: Sequence[Note]) -> float:
    """How strongly onsets lie on a grid: the length of the mean of their phases, the best of _GRIDS, 0 to 1."""
    onsets = np.array([note.onset for note in notes], dtype=np.float64)
    return max(float(np.abs(np.exp(2j * math.pi * onsets / grid).mean())) for grid in _GRIDS)


def _score(
    found: MidiScore, parts: Sequence[Part], everything: list[Note], name: str, style: str, from_zero: bool
) -> Score:
    score = Score(name, style, _bars(found, everything, from_zero, name), everything=everything)
    tune = _tune(parts)
    score.melody = highest_line(_from_zero(tune.notes))
    score.bass = _bass(parts, tune)
    score.chords = _chords(found)
    bpm = bpm_of_tempo(found.tempos[0].tempo)
    score.bpm = None if round(bpm, 2) in _UNSAID_BPM else bpm
    return score


def _from_zero(notes: Sequence[Note]) -> list[Note]:
    """Sorted, and put on the tick where a program begins some ticks after its beats."""
    lag = min((note.onset % 120 for note in notes), default=0)
    lag = lag if lag <= 4 else 0
    return sorted(note.shifted(Ticks(-lag)) for note in notes) if lag else sorted(notes)


def _tune(parts: Sequence[Part]) -> Part:
    """The part named as the tune, else the highest of those that have a fair share of the notes."""
    named = [part for part in parts if _TUNE.search(part.name) and not _BASS.search(part.name)]
    if named:
        return named[0]
    most = max(len(part.notes) for part in parts)
    return max((part for part in parts if len(part.notes) * 4 >= most), key=_height)


def _height(part: Part) -> float:
    return float(np.mean([note.pitch for note in part.notes]))


def _bass(parts: Sequence[Part], tune: Part) -> list[Note]:
    """The line of the part that is the bass; of a single part, its lowest notes where it has several at once."""
    named = [part for part in parts if _BASS.search(part.name) or part.program in _BASS_PROGRAMS]
    lowest = named[0] if named else min(parts, key=_height)
    line = lowest_line(_from_zero(lowest.notes))
    if lowest is tune and highest_line(_from_zero(tune.notes)) == line:
        return []
    return line


def _chords(found: MidiScore) -> list[ChordSpan]:
    """The markers that are chord symbols, else the texts and lyrics that are, each up to the next."""
    marks = _symbols(found.markers) or _symbols(found.texts)
    if not marks:
        return []
    ends = [*(at for at, _ in marks[1:]), max(found.end, marks[-1][0] + 1)]
    return [ChordSpan(at, Ticks(end - at), chord) for (at, chord), end in zip(marks, ends, strict=True) if end > at]


def _symbols(markers: Sequence[Marker]) -> list[tuple[Ticks, Chord | None]]:
    """The markers that are chord symbols; none unless most of them are, nor where they are the letters of sections."""
    marks = []
    for marker in markers:
        try:
            marks.append((marker.at, parse_chord(marker.text.strip())))
        except Nonsense:
            continue
    few = len(marks) < 2 or len(marks) * 2 < len(markers)
    return [] if few or _sections([marker.text.strip() for marker in markers]) else marks


def _sections(texts: Sequence[str]) -> bool:
    """Whether the single letters among the texts go on as sections do, A A B B C: no song's chords do that."""
    letters = [text for text in texts if re.fullmatch("[A-Z]", text)]
    chords = [text for text in texts if re.fullmatch("[A-G][#b]?(m|7|maj|dim|sus|/).*", text)]
    return len(letters) >= 2 and not chords and all(0 <= ord(b) - ord(a) <= 1 for a, b in pairwise(letters))


def _bars(found: MidiScore, notes: Sequence[Note], from_zero: bool, name: str) -> list[Bar]:
    """The bars of each meter in turn; the first bar is short where there is a pickup."""
    end = max(note.end for note in notes)
    marks = [mark for mark in found.meters if mark.at < end]
    edges = [*(mark.at for mark in marks), end]
    bars: list[Bar] = []
    for i, (mark, (start, stop)) in enumerate(zip(marks, pairwise(edges), strict=True)):
        meter = _known(mark)
        fifths = _fifths(found, start)
        if meter is None:
            bars.append(Bar(start, stop - start, None))
            continue
        short = None if i else _pickup(notes, meter, stop, last=len(marks) == 1)
        if i == 0 and short is None and not from_zero:
            raise Nonsense(f"{name} does not show where its bars begin.")
        cuts = [start, *range(start + (short or meter.bar_ticks), stop, meter.bar_ticks), stop]
        if len(marks) == i + 1 and cuts[-1] - cuts[-2] < meter.bar_ticks:
            cuts[-1] = cuts[-2] + meter.bar_ticks  # the last note is seldom held to the end of its bar
        bars += [Bar(a, b - a, meter, fifths) for a, b in pairwise(cuts)]
    return bars


def _known(mark: MeterMark) -> Meter | None:
    try:
        return mark.meter
    except Nonsense:
        return None


def _pickup(notes: Sequence[Note], meter: Meter, stop: int, *, last: bool) -> int | None:
    """Ticks before the first bar line, if they can be told. Where the meter changes later, a bar line falls there."""
    whole = meter.bar_ticks
    allowed = () if last or stop % pickup.EIGHTH else tuple({stop % whole})
    found = pickup.guess([note for note in notes if note.onset < stop], meter, stop, allowed)
    return found.ticks if found.sure >= _SURE else None


def _fifths(found: MidiScore, at: int) -> int | None:
    """Sharps (flats negative) of the signature at `at`; None for none, or only C, which programs write unasked."""
    if all(mark.key.tonic == 0 and not mark.key.minor for mark in found.keys):
        return None
    key = next((mark.key for mark in reversed(found.keys) if mark.at <= at), found.keys[0].key)
    major = (key.tonic + 3) % 12 if key.minor else key.tonic
    return (major * 7 + 5) % 12 - 5
