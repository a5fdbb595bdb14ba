"""The evaluation music, as far as training must know it: the fingerprints and titles of what it must not contain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from jamlink.errors import JamlinkError, Nonsense
from jamlink.training import read_abc
from jamlink.training.fingerprint import Print, fingerprint
from jamlink.training.read_musicxml import read_sheet
from jamlink.training.sources import unpack
from jamlink.training.tune import highest_line

_SETS = ("openewld-pd", "nottingham", "jsb-chorales")
"""Weimar solos are not here: improvised lines, judged by no task here."""


def evaluation_prints(root: Path, scratch: Path) -> dict[str, Print]:
    """Name -> fingerprint of every evaluation piece with a melody. Raises `Nonsense` where a set is missing."""
    found: dict[str, Print] = {}
    for name in _SETS:
        folder = _unpacked(root, name, scratch)
        for piece, pitches in _READERS[name](folder):
            found[f"{name}:{piece}"] = fingerprint(pitches)
    return found


def evaluation_titles(prints: dict[str, Print]) -> frozenset[str]:
    """The titles of the songs, as `title_key` writes them: charts without a melody are known by nothing else."""
    names = (name.split(":", 1)[1] for name in prints if name.startswith("openewld-pd:"))
    return frozenset(key for name in names if len(key := title_key(name.split("--")[0])) >= 6)


def title_key(title: str) -> str:
    """Letters and digits alone, in small letters, so that spelling matters little."""
    return re.sub(r"[^a-z0-9]", "", title.lower())


def _unpacked(root: Path, name: str, scratch: Path) -> Path:
    archive, folder = root / name / f"{name}.tar.xz", scratch / f"evaluation-{name}"
    if not archive.is_file():
        raise Nonsense(
            f"There is no {archive}, so nothing can be kept apart from it.",
            "Name the folder of evaluation music with --evaluation.",
        )
    unpack(archive, folder)
    return folder


def _songs(folder: Path) -> Iterator[tuple[str, list[int]]]:
    for file in sorted(folder.rglob("*.musicxml")):
        sheet = read_sheet(file)
        yield file.stem, [note.pitch for note in highest_line(sheet.parts[0].notes)]


def _tunes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    for file in sorted(folder.rglob("*.abc")):
        for i, lines in enumerate(read_abc.tunes_in(file)):
            try:
                yield f"{file.stem} {i}", [note.pitch for note in read_abc.read_tune(lines, file.stem, "folk").melody]
            except (JamlinkError, ValueError, KeyError, IndexError):
                continue


def _chorales(folder: Path) -> Iterator[tuple[str, list[int]]]:
    parts = json.loads((folder / "jsb-chorales-16th.json").read_text())
    for part in ("valid", "test"):
        for i, chorale in enumerate(parts[part]):
            tops = [max(frame) for frame in chorale if frame]
            yield f"{part} {i}", [p for j, p in enumerate(tops) if j == 0 or p != tops[j - 1]]


_READERS = {"openewld-pd": _songs, "nottingham": _tunes, "jsb-chorales": _chorales}
