"""A player's own folder of music: MIDI, MusicXML and ABC files, whatever else lies among them.

A file is read by what it holds, and refused in one line where its name says something else: it may be damaged, and a
wrong label is a reason to look. Nothing that a file holds stops the others from being read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.midi.smf import BYTES_LIMIT
from jamlink.training import read_abc
from jamlink.training.read_midi import read_midi
from jamlink.training.read_musicxml import Sheet, read_sheet
from jamlink.training.tune import Score, highest_line, lowest_line

Found = tuple[str, Score | str]
"""A piece's name and the piece, or why it cannot be read."""

KINDS = {
    ".mid": "MIDI", ".midi": "MIDI", ".smf": "MIDI", ".kar": "MIDI", ".abc": "ABC", ".xml": "MusicXML",
    ".musicxml": "MusicXML", ".mxl": "MusicXML",
}  # fmt: skip
BARS_LIMIT, NOTES_LIMIT = 20_000, 400_000
"""Of one piece: some ten hours of music."""


def files(folder: Path) -> list[Path]:
    """Every file of the folder and of the folders in it, by name; hidden ones are passed over."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(where) / name for name in sorted(names) if not name.startswith(".")]
    return found


def read(folder: Path, file: Path, style: str = "") -> Iterator[Found]:
    """The pieces of one file; `style` is a word of jamlink.tokens.vocab.STYLES, or "" where nothing is said of it."""
    name = str(file.relative_to(folder))
    try:
        kind = kind_of(file)
        yield from {"MIDI": _midi, "ABC": _abc, "MusicXML": _sheet}[kind](file, name, style)
    except (Nonsense, OSError) as wrong:
        yield name, _without(str(wrong), name, file)


def kind_of(file: Path) -> str:
    """A kind of KINDS, by name and content. Raises `Nonsense` where they differ or are none."""
    named = KINDS.get(file.suffix.lower())
    if not file.is_file():
        raise Nonsense("is no plain file.")
    if file.stat().st_size == 0:
        raise Nonsense("is empty.")
    with file.open("rb") as opened:
        held = _kind_of_bytes(opened.read(4096))
    if named is None:
        raise Nonsense(f"is called neither MIDI, MusicXML nor ABC{f', but holds {held}' if held else ''}.")
    if held != named and not (held is None and named == "ABC"):
        raise Nonsense(f"is called {named}, but holds {held or 'something else'}.")
    return named


def _kind_of_bytes(head: bytes) -> str | None:
    if head.startswith(b"MThd"):
        return "MIDI"
    if head.startswith(b"PK\x03\x04"):
        return "MusicXML"
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")
    if text.lstrip("\ufeff \r\n\t").startswith("<"):
        return "MusicXML"
    return "ABC" if re.search(r"^(X:\s*\d|K:)", text, re.MULTILINE) else None


def guarded(name: str, file: Path, make: Callable[[], Score]) -> Found:
    """A piece, or one line that says what is wrong. A mistake of ours in one file must not lose the others."""
    try:
        score = make()
    except (Nonsense, OSError) as wrong:
        return name, _without(str(wrong), name, file)
    except Exception as wrong:
        return name, _without(f"cannot be read ({type(wrong).__name__}: {wrong}).", name, file)
    if len(score.bars) > BARS_LIMIT or len(score.everything) > NOTES_LIMIT:
        return name, f"is gigantic: {len(score.bars)} bars, {len(score.everything)} notes."
    return name, score


def _without(said: str, name: str, file: Path) -> str:
    """One line, without the name of the file, which stands before it in the report."""
    for shown in (str(file), name, file.name):
        said = said.removeprefix(shown).lstrip()
    return " ".join(said.split())[:160]


def _midi(file: Path, name: str, style: str) -> Iterator[Found]:
    yield guarded(name, file, lambda: read_midi(file, name, style, from_zero=True))


def _abc(file: Path, name: str, style: str) -> Iterator[Found]:
    if file.stat().st_size > BYTES_LIMIT:
        raise Nonsense(f"is larger than {BYTES_LIMIT >> 20} MiB.")
    tunes = [lines for lines in read_abc.tunes_in(file) if any(line[:2] in ("X:", "K:") for line in lines)]
    for i, lines in enumerate(tunes):
        number = next((line[2:].strip() for line in lines if line.startswith("X:")), str(i + 1))
        tune = name + (f"#{number}" if len(tunes) > 1 else "")
        yield guarded(tune, file, lambda lines=lines, tune=tune: read_abc.read_tune(lines, tune, style))  # type: ignore[misc]
    if not tunes:
        yield name, "holds no tune with a K: line."


def _sheet(file: Path, name: str, style: str) -> Iterator[Found]:
    yield guarded(name, file, lambda: _score(read_sheet(file), name, style))


def _score(sheet: Sheet, name: str, style: str) -> Score:
    """The first part is the tune; the lowest staff of the last part the bass, where there is more than one staff."""
    tune, last = sheet.parts[0], sheet.parts[-1]
    score = Score(name, style, sheet.bars, bpm=sheet.bpm, chords=sheet.chords)
    upper = tune.staves[min(tune.staves)] if tune.staves else []
    score.melody = highest_line(upper)
    lower = last.staves[max(last.staves)] if last.staves else []
    score.bass = [] if lower is upper else lowest_line(lower)
    score.everything = [note for part in sheet.parts for note in part.notes]
    return score
