"""A session as a lead sheet in ABC (abcnotation.com, standard 2.1): what abcjs, EasyABC and others draw and play.

A voice for what the player played and one for jamlink's melody, chords above the first. A chord that changes while a
note is held is written over a tied part of that note, since ABC hangs chords on notes. Lengths count sixteenths.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from jamlink.ledger.sheet import Sheet, fifths, sheet_from
from jamlink.ledger.story import Story, tell
from jamlink.music.chord import NO_CHORD, ChordSpan
from jamlink.music.key import Key
from jamlink.music.notation import SIXTEENTH, TRIPLET, VALUES, Bar, Sign, written
from jamlink.music.note import Note
from jamlink.timing.units import Ticks, bpm_of_tempo

BARS_IN_A_LINE = 4
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_SIGNS = {1: "^", 0: "=", -1: "_"}
_ALTERS = {"": 0, "#": 1, "b": -1}


def abc_tune(path: Path) -> bytes:
    """The tune of the session at `path`, which may still be going on. Any thread. Raises `Nonsense` for a file that is
    no session."""
    return tune_of(tell(path))


def tune_of(story: Story) -> bytes:
    """The tune of a story."""
    sheet = sheet_from(story)
    voices = [("Player", sheet.player, sheet.chords), *([("jamlink", sheet.ours, [])] if sheet.ours else [])]
    lines = list(_head(sheet))
    for number, (name, notes, chords) in enumerate(voices, 1):
        head = [f'V:{number} name="{name}"'] if len(voices) > 1 else []
        lines += [*head, *_voice(notes, chords, sheet)]
    return "\n".join(lines).encode() + b"\n"


def _head(sheet: Sheet) -> Iterator[str]:
    meter = sheet.bars[0].meter
    yield from ("X:1", f"T:{_line(sheet.title)}", f"M:{meter}", "L:1/16")
    yield f"Q:1/4={bpm_of_tempo(sheet.tempos[0].tempo):.0f}" if sheet.tempos else "Q:1/4=120"
    yield f"K:{sheet.key.name(sheet.key.tonic)}{'m' if sheet.key.minor else ''}"


def _line(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).replace("%", "")


def _voice(notes: Sequence[Note], chords: Sequence[ChordSpan], sheet: Sheet) -> Iterator[str]:
    """The lines of a voice."""
    bars = [
        _bar(bar, signs, chords, sheet.key) for bar, signs in zip(sheet.bars, written(notes, sheet.bars), strict=True)
    ]
    for index in range(1, len(bars)):
        if sheet.bars[index].meter != sheet.bars[index - 1].meter:
            bars[index] = f"[M:{sheet.bars[index].meter}] {bars[index]}"
    for start in range(0, len(bars), BARS_IN_A_LINE):
        last = start + BARS_IN_A_LINE >= len(bars)
        yield " | ".join(bars[start : start + BARS_IN_A_LINE]) + (" |]" if last else " |")


def _bar(bar: Bar, signs: Iterable[Sign], chords: Sequence[ChordSpan], key: Key) -> str:
    """The notes of a bar with the chords that begin in it."""
    waiting = [(span.onset - bar.start, _symbol(span, key)) for span in chords if bar.start <= span.onset < bar.end]
    cuts = [Ticks(at // SIXTEENTH * SIXTEENTH) for at, _ in waiting]
    accidentals = _Accidentals(key)
    words: list[str] = []
    pieces = [piece for sign in signs for piece in _cut(sign, cuts)]
    for index, piece in enumerate(pieces):
        while waiting and waiting[0][0] < piece.onset + piece.ticks:
            words.append(f'"{waiting.pop(0)[1]}"')
        if piece.first:
            words.append(f"(3:2:{_group(pieces[index:])}")
        words.append(_note(piece, key, accidentals) + _after(piece, bar))
    return "".join(words).strip()


def _group(pieces: Sequence[Sign]) -> int:
    """How many signs the group of triplets that begins here has."""
    return next(count for count, piece in enumerate(pieces, 1) if piece.last)


def _after(piece: Sign, bar: Bar) -> str:
    """A space where a beat ends: what stands together is beamed."""
    return " " if (piece.onset + piece.ticks) % bar.meter.beat_ticks == 0 else ""


def _cut(sign: Sign, cuts: Sequence[Ticks]) -> Iterator[Sign]:
    """A sign in the pieces that single signs can say, ended at each of `cuts`; tied where it is a note."""
    if sign.triplet:
        yield sign
        return
    end = Ticks(sign.onset + sign.ticks)
    edges = sorted({sign.onset, end, *(cut for cut in cuts if sign.onset < cut < end)})
    spans = [part for a, b in itertools.pairwise(edges) for part in _values(a, b)]
    for onset, ticks in spans:
        tied = sign.tied_to or onset + ticks < end
        yield replace(sign, onset=onset, ticks=ticks, tied_to=bool(sign.pitches) and tied)


def _values(start: Ticks, end: Ticks) -> Iterator[tuple[Ticks, Ticks]]:
    at = start
    while at < end:
        ticks = next(Ticks(value) for value in VALUES if value <= end - at)
        yield at, ticks
        at = Ticks(at + ticks)


def _note(piece: Sign, key: Key, accidentals: _Accidentals) -> str:
    length = _length(piece)
    if not piece.pitches:
        return f"z{length}"
    names = [_pitch(pitch, key, accidentals) for pitch in piece.pitches]
    tie = "-" if piece.tied_to else ""
    return f"{names[0]}{length}{tie}" if len(names) == 1 else f"[{''.join(names)}]{length}{tie}"


def _length(piece: Sign) -> str:
    """In sixteenths; inside a triplet, what is written and not what is heard."""
    count = piece.ticks * 2 // TRIPLET if piece.triplet else piece.ticks // SIXTEENTH
    return "" if count == 1 else str(count)


def _pitch(pitch: int, key: Key, accidentals: _Accidentals) -> str:
    name = key.name(pitch % 12)
    letter, alter, octave = name[0], _ALTERS[name[1:]], pitch // 12 - 1
    written_as = letter.lower() + "'" * (octave - 5) if octave >= 5 else letter + "," * (4 - octave)
    return (_SIGNS[alter] if accidentals.needed(letter, written_as, alter) else "") + written_as


class _Accidentals:
    """What a bar's notes have to say beside the signature: an accidental where the signature says another, and on every
    note of a line or space that has had one in the bar, since readers differ in how long it lasts."""

    def __init__(self, key: Key) -> None:
        count = fifths(key)
        altered = _SHARPS[:count] if count > 0 else _FLATS[:-count]
        self._signature = dict.fromkeys(altered, 1 if count > 0 else -1)
        self._said: set[str] = set()

    def needed(self, letter: str, place: str, alter: int) -> bool:
        """Whether the note of `letter` at `place` of the staff needs its accidental."""
        if alter != self._signature.get(letter, 0):
            self._said.add(place)
        return place in self._said


def _symbol(span: ChordSpan, key: Key) -> str:
    return span.chord.symbol_in(key) if span.chord else NO_CHORD
