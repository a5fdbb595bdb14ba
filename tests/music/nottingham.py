"""The Nottingham tunes with their chords and the key in their headers. For measuring only; nothing is fitted to them."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.training.read_abc import read_tune

ARCHIVE = Path(__file__).parents[2].parent / "shared" / "data-eval" / "nottingham" / "nottingham.tar.xz"

needs_nottingham = pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"the Nottingham tunes are not at {ARCHIVE}")


@dataclass(frozen=True)
class LeadSheet:
    """Melody and chords in ticks, bar 1 at tick bar_ticks (a pickup lies before it)."""

    name: str
    meter: Meter
    key: Key
    melody: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]


@cache
def lead_sheets() -> tuple[LeadSheet, ...]:
    """All tunes, each up to its first change of key or meter."""
    with tarfile.open(ARCHIVE) as archive:
        books = [m for m in archive.getmembers() if "ABC" in m.name and m.name.endswith(".abc")]
        texts = [(Path(m.name).stem, archive.extractfile(m).read().decode("utf-8", "replace")) for m in books]
    return tuple(sheet for stem, text in sorted(texts) for sheet in _tunes(stem, text))


def _tunes(stem: str, text: str) -> Iterator[LeadSheet]:
    for number, part in enumerate(re.split(r"(?m)^(?=X:)", text)[1:]):
        try:
            sheet = _sheet(f"{stem} {number}", _until_a_change(part.splitlines()))
        except Nonsense:
            continue
        if sheet:
            yield sheet


def _until_a_change(lines: list[str]) -> list[str]:
    """The tune's lines up to another key or meter after the first notes."""
    kept, notes = [], False
    for line in lines:
        field = re.match(r"[A-Za-z]:", line)
        if notes and re.match(r"[KM]:", line):
            break
        inline = re.search(r"\[[KM]:", line)
        kept.append(line[: inline.start()] if inline and not field else line)
        if inline and not field:
            break
        notes |= not field and not line.startswith("%") and "|" in line
    return kept


def _sheet(name: str, lines: list[str]) -> LeadSheet | None:
    score = read_tune(lines, name, "folk")
    first = score.bars[0]
    if score.key is None or first.meter is None:
        return None
    whole = first.meter.bar_ticks
    one = first.start if first.length >= whole else first.start + first.length
    shift = Ticks(whole - one)
    melody = tuple(sorted(note.shifted(shift) for note in score.melody))
    return LeadSheet(name, first.meter, score.key, melody, tuple(span.shifted(shift) for span in score.chords))
