"""How near an idea comes to the music that the network learnt from, and to which piece.

A line is told as *steps*: how far to the next note (semitones) and how long until it (ticks). Key and place are left
out, so a tune in another key is the same tune. For every line of the training music `Index` keeps where each of its
steps stands among all in the order of what follows it (a suffix array), so that the longest run that an idea shares
with any of them is found by looking twenty times for each note.

Melodies are compared with melodies, bass lines with bass lines. Chords are not: a loop of four chords is everybody's,
and the same changes lie under thousands of songs; nothing is kept back for its chords.

How much is too much is measured on people: the *band* of a style is what of a hundred human windows of WINDOW steps,
from pieces that nothing was learnt from, ninety-nine keep within. Pure numpy, no thread, no clock.
"""

from __future__ import annotations

import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.note import Note
from jamlink.proposers.scene import Scene
from jamlink.resources import data_folder
from jamlink.session.proposal import Candidate, Role

FILE = "originality.npz"
PUBLISHED = "originality"
"""The folder of models/ with the index of the published models' music."""
FORMAT = 1
PARTS = (Role.MELODY, Role.BASS)
WINDOW = 16
"""Steps of a window on which bands are measured."""
VERBATIM = 24
"""A run of so many steps is a quotation, whatever the style."""
NOTABLE = 10
"""Steps from which on a player is told: nineteen of twenty human windows share fewer."""
SORTED = 64
"""Steps by which runs are told apart: a longer one is found too, but its length may be that of another place."""
UNIT = 80
"""Ticks: the finest grid that words can say, a twelfth of a quarter."""
LONGEST_WAIT = 255
"""Units, some five bars: a rest beyond it parts two lines."""
WIDEST = 24
"""Semitones: a wider leap counts as this."""
ANY_STYLE = ""

Codes = npt.NDArray[np.uint16]
Bands = Mapping[tuple[Role, str], int]
"""(part, style) -> the most steps of a run that ninety-nine of a hundred human windows share."""


@dataclass(frozen=True, slots=True)
class Match:
    """The longest run of steps that a line shares with one of the training music. `bar` counts from 1."""

    steps: int
    title: str
    source: str
    bar: int

    @property
    def notes(self) -> int:
        """Notes of the run: one more than steps."""
        return self.steps + 1


def code_of(semitones: int, ticks: int) -> int:
    """A step as a number from 1; steps that no line has (longer waits, no wait at all) count as the nearest."""
    wait = min(LONGEST_WAIT, max(1, round(ticks / UNIT)))
    return (min(WIDEST, max(-WIDEST, semitones)) + WIDEST) * (LONGEST_WAIT + 1) + wait


def steps_of(notes: Sequence[Note]) -> list[int]:
    """The steps of the highest line of `notes`, one fewer than it has onsets."""
    tops: dict[int, int] = {}
    for note in notes:
        tops[note.onset] = max(note.pitch, tops.get(note.onset, 0))
    line = sorted(tops.items())
    return [code_of(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(line)]


@dataclass(frozen=True, slots=True)
class Lines:
    """All lines of one part, one behind the other, each closed by a 0.

    `order` (places,) int32 are places in `steps` (n,) in the order of what stands from there on; of places with the
    same SORTED steps it has one. A line is at `starts` (lines,), of the tune `tunes`, and begins at `begins` (in UNITs
    from the tune's start); `bars` is how long a bar of it is, likewise.
    """

    steps: Codes
    order: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int32]
    tunes: npt.NDArray[np.int32]
    begins: npt.NDArray[np.int32]
    bars: npt.NDArray[np.int16]


class Index:
    """See the module. Any thread; what it keeps changes no answer."""

    def __init__(self, parts: Mapping[Role, Lines], names: Sequence[str], bands: Bands) -> None:
        """`names` are "source<tab>title" of each tune; `bands` have ANY_STYLE for styles that they do not name."""
        self._parts, self._names, self.bands = dict(parts), list(names), dict(bands)
        self._text = {role: lines.steps.astype(">u2").tobytes() for role, lines in self._parts.items()}
        self._places: dict[tuple[Role, bytes], tuple[int, int]] = {}
        self._order = {role: memoryview(lines.order.tobytes()).cast("i") for role, lines in self._parts.items()}

    @staticmethod
    def load(folder: Path) -> Index:
        """The index of a folder. Raises `Unavailable` where there is none, `Nonsense` where it is damaged."""
        path = folder / FILE
        try:
            with path.open("rb") as file, np.load(file) as found:
                return _read(found)
        except FileNotFoundError:
            raise Unavailable(f"There is no {path}.", "Make it with: jamlink corpus index") from None
        except (KeyError, ValueError, EOFError, OSError, zlib.error, zipfile.BadZipFile) as bad:
            raise Nonsense(f"{path} is damaged ({bad}).", "Make it again with: jamlink corpus index") from None

    def save(self, folder: Path) -> Path:
        """Write it; -> the file."""
        arrays: dict[str, Any] = {"format": np.array(FORMAT)}
        for role, lines in self._parts.items():
            for name in _FIELDS:
                arrays[f"{role}_{name}"] = getattr(lines, name)
        arrays["names"] = _bytes("\n".join(self._names))
        arrays["bands"] = _bytes("\n".join(f"{r}\t{style}\t{most}" for (r, style), most in self.bands.items()))
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / FILE, **arrays)
        return folder / FILE

    def size(self, role: Role) -> int:
        """Steps of a part."""
        return int((self._parts[role].steps > 0).sum())

    def lines(self, role: Role) -> int:
        """How many lines a part has."""
        return len(self._parts[role].starts)

    def line(self, role: Role, number: int) -> tuple[int, int, list[int]]:
        """A line: where it begins and how long a bar is, in UNITs, and its steps."""
        lines = self._parts[role]
        ends = [*lines.starts[number + 1 : number + 2].tolist(), len(lines.steps)]
        steps = lines.steps[lines.starts[number] : ends[0] - 1]
        return int(lines.begins[number]), int(lines.bars[number]), [int(step) for step in steps]

    def closest(self, notes: Sequence[Note], role: Role = Role.MELODY) -> Match | None:
        """The longest run of `notes` that is in the training music; None where there is nothing to share."""
        return self.closest_run(steps_of(notes), role)

    def closest_run(self, steps: Sequence[int], role: Role) -> Match | None:
        """As `closest`, of steps."""
        best, at = 0, -1
        text = np.array(steps, ">u2").tobytes()
        for i in range(len(steps)):
            if len(steps) - i <= best:
                break
            length, place = self._longest_from(text[2 * i :], role)
            if length > best:
                best, at = length, place
        return self._match(best, at, role) if best else None

    def going_on(self, steps: Sequence[int], role: Role, count: int) -> list[int]:
        """The next `count` steps where the longest end of `steps` stood that goes on so long: how one would copy."""
        lines, text = self._parts[role], np.array(steps, ">u2").tobytes()
        for i in range(len(steps)):
            length, place = self._longest_from(text[2 * i :], role)
            after = lines.steps[place + length : place + length + count].tolist()
            if length == len(steps) - i and len(after) == count and 0 not in after:
                return [int(step) for step in after]
        return []

    def band(self, role: Role, style: str) -> int:
        """The most steps of a run that an idea in a style may share."""
        return self.bands.get((role, style), self.bands[role, ANY_STYLE])

    def _longest_from(self, steps: bytes, role: Role) -> tuple[int, int]:
        """How many of the first of `steps` stand somewhere, and where: beside the place that they would have."""
        text, order, wanted = self._text[role], self._order[role], steps[: 2 * SORTED]
        low, high = self._places_of(steps[:2], role)
        i = bisect_left(order, wanted, low, high, key=lambda place: text[2 * place : 2 * place + 2 * SORTED])
        best, at = 0, -1
        for neighbour in (i - 1, i):
            if low <= neighbour < high:
                place = order[neighbour]
                length = _shared(steps, text[2 * place : 2 * place + len(steps)])
                if length > best:
                    best, at = length, place
        return best, at

    def _places_of(self, step: bytes, role: Role) -> tuple[int, int]:
        """Where the places that begin with a step lie in the order; looked up once, since to count all takes as long
        as to load the rest."""
        if (role, step) not in self._places:
            text, order = self._text[role], self._order[role]
            low = bisect_left(order, step, key=lambda place: text[2 * place : 2 * place + 2])
            high = bisect_right(order, step, low, key=lambda place: text[2 * place : 2 * place + 2])
            self._places[role, step] = low, high
        return self._places[role, step]

    def _match(self, steps: int, place: int, role: Role) -> Match:
        lines = self._parts[role]
        line = bisect_right(lines.starts, place) - 1
        gone = lines.steps[lines.starts[line] : place] % (LONGEST_WAIT + 1)
        bar = (int(lines.begins[line]) + int(gone.sum(dtype=np.int64))) // int(lines.bars[line])
        source, _, title = self._names[lines.tunes[line]].partition("\t")
        return Match(steps, title, source, bar + 1)


def index_for(model: Path) -> Index | None:
    """The index of the music that a model learnt from: in its own folder, else the published one; None without any.

    Raises `Nonsense` for one that is damaged.
    """
    with suppress(Unavailable):
        return Index.load(model)
    with suppress(Unavailable):
        return Index.load(data_folder("models") / PUBLISHED)
    return None


class Guard:
    """Keeps back what quotes the training music, and says what the rest comes near to. One thread at a time.

    `judged` and `kept_back` count lines with notes; nothing else changes, so the same lines get the same answers.
    Without an index everything passes.
    """

    def __init__(self, index: Index | None) -> None:
        self._index = index
        self._closest = lru_cache(maxsize=256)(index.closest) if index else lambda notes, role: None
        self.judged = self.kept_back = 0

    def passes(self, notes: Sequence[Note], role: Role, style: str) -> bool:
        """Whether a line keeps within the band of its style, and is no quotation."""
        match = self._closest(tuple(notes), role)
        self.judged += bool(notes)
        if self._index is None or match is None or match.steps < min(VERBATIM, self._index.band(role, style) + 1):
            return True
        self.kept_back += 1
        return False

    def nearness(self, idea: Candidate, scene: Scene) -> float:
        """A judgement for the critics: how much of its style's band the melody's longest known run takes, 0 to 1."""
        match = self._closest(idea.melody, Role.MELODY)
        if self._index is None or match is None:
            return 0.0
        return min(1.0, match.steps / max(1, self._index.band(Role.MELODY, scene.request.controls.style)))

    def named(self, idea: Candidate) -> Candidate:
        """The idea with what its melody comes near to; unchanged where that is not worth a word.

        A bass line says nothing of the kind: a dozen roots and fifths in a row are everybody's.
        """
        match = self._closest(idea.melody, Role.MELODY)
        if match is None or match.steps < NOTABLE:
            return idea
        return replace(idea, closest=f"{match.title}, {match.notes} notes")


def _shared(a: bytes, b: bytes) -> int:
    """Steps that two runs begin with together."""
    most = min(len(a), len(b)) // 2
    for i in range(most):
        if a[2 * i : 2 * i + 2] != b[2 * i : 2 * i + 2]:
            return i
    return most


_FIELDS = ("steps", "order", "starts", "tunes", "begins", "bars")


def _bytes(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


def _text(found: Any) -> list[str]:
    return str(found.tobytes().decode()).split("\n")


def _read(found: Mapping[str, Any]) -> Index:
    if int(found["format"]) != FORMAT:
        raise ValueError(f"format {found['format']}")
    parts = {role: Lines(*(found[f"{role}_{name}"] for name in _FIELDS)) for role in PARTS}
    rows = [row.split("\t") for row in _text(found["bands"])]
    return Index(parts, _text(found["names"]), {(Role(r), style): int(most) for r, style, most in rows})
