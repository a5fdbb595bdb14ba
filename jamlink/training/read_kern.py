"""Humdrum **kern: spines that split and join, durations with dots and ratios, ties; no grace notes, repeats as written.

Parts stand from the bottom of the score to the top. Pitches are concert pitch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pitch import parse_pitch_class
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ticks
from jamlink.training.tune import Bar

_WHOLE = 960 * 4
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE = re.compile(r"([\[_\]]?).*?(\d+(?:%\d+)?)(\.*)[^a-gA-Gr]*(?:(r)|([a-g]+|[A-G]+)([#\-n]*))")


@dataclass(slots=True)
class Kern:
    """A file as read: notes by part, bottom first."""

    parts: list[list[Note]] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    bpm: float | None = None
    key: Key | None = None


@dataclass(slots=True)
class _Spine:
    """A column: its part (None: not **kern) and how far its music goes, in whole notes."""

    part: int | None
    until: Fraction = Fraction(0)


class KernReader:
    """Reads line by line; `kern` is what was read so far, `now` where the last line stands, in whole notes."""

    def __init__(self) -> None:
        self.kern = Kern()
        self.spines: list[_Spine] = []
        self.now = Fraction(0)
        self.end = Fraction(0)
        self.meter: Meter | None = None
        self.fifths: int | None = None
        self.bar_start = Fraction(0)
        self.opens = True
        self.tied: dict[tuple[int, int], int] = {}

    def line(self, line: str) -> None:
        """Read one line of the file. Raises `Nonsense` for one with another number of columns."""
        if not line or line.startswith("!"):
            return
        tokens = line.split("\t")
        if line.startswith("**"):
            kerns = [token == "**kern" for token in tokens]
            self.spines = [_Spine(sum(kerns[:i]) if kern else None) for i, kern in enumerate(kerns)]
            self.kern.parts = [[] for _ in range(sum(kerns))]
        elif len(tokens) != len(self.spines):
            raise Nonsense("A line has another number of columns than the file has spines.")
        elif line.startswith("*"):
            self._interpretations(tokens)
        elif line.startswith("="):
            self.bar_line(tokens[0])
        else:
            self._data(tokens)

    def _interpretations(self, tokens: list[str]) -> None:
        for token, spine in zip(tokens, self.spines, strict=True):
            if spine.part is not None:
                self._interpretation(token)
        if any(token in ("*^", "*v", "*-", "*+", "*x") for token in tokens):
            self._paths(tokens)

    def _interpretation(self, token: str) -> None:
        if match := re.fullmatch(r"\*M(\d+)/(\d+)", token):
            pair = int(match.group(1)), int(match.group(2))
            self.meter = Meter(*pair) if pair in KNOWN_METERS else None
        elif match := re.fullmatch(r"\*k\[([a-g#\-n]*)\]", token):
            self.fifths = match.group(1).count("#") - match.group(1).count("-")
        elif match := re.fullmatch(r"\*MM(\d+(?:\.\d+)?)", token):
            self.kern.bpm = self.kern.bpm or float(match.group(1))
        elif (match := re.fullmatch(r"\*([A-Ga-g][#\-]?):", token)) and self.kern.key is None:
            name = match.group(1)
            parsed = parse_pitch_class(name.replace("-", "b"))
            self.kern.key = Key(parsed[0], name[0].islower()) if parsed else None

    def _paths(self, tokens: list[str]) -> None:
        """Split, join, end and exchange columns."""
        found: list[_Spine] = []
        joining = False
        for token, spine in zip(tokens, self.spines, strict=True):
            if token == "*v" and joining and found[-1].part == spine.part:
                found[-1].until = max(found[-1].until, spine.until)
                continue
            joining = token == "*v"
            if token == "*-":
                continue
            found.append(spine)
            if token == "*^":
                found.append(_Spine(spine.part, spine.until))
            elif token == "*+":
                found.append(_Spine(None, self.now))
        self.spines = found

    def bar_line(self, token: str) -> None:
        """End a bar where the music has come to; nothing where it has not moved."""
        at = max((spine.until for spine in self.spines if spine.part is not None), default=self.end)
        if at > self.bar_start:
            length = int((at - self.bar_start) * _WHOLE)
            self.kern.bars.append(Bar(int(self.bar_start * _WHOLE), length, self.meter, self.fifths, None, self.opens))
            self.bar_start, self.opens = at, False
        self.opens |= "||" in token or ":" in token or token.startswith("==")

    def _data(self, tokens: list[str]) -> None:
        speaking = [
            (token, spine)
            for token, spine in zip(tokens, self.spines, strict=True)
            if spine.part is not None and token != "." and "q" not in token
        ]
        if not speaking:
            return
        self.now = max(spine.until for _, spine in speaking)
        for token, spine in speaking:
            spine.until = self.now + max(self._note(part, spine.part or 0) for part in token.split(" "))
            self.end = max(self.end, spine.until)

    def _note(self, text: str, part: int) -> Fraction:
        """Add one note; its length."""
        match = _NOTE.search(text)
        if not match:
            return Fraction(0)
        length = _length(match.group(2), match.group(3))
        if match.group(4) or "yy" in text:
            return length
        pitch = _pitch(match.group(5), match.group(6))
        on, end = int(self.now * _WHOLE), int((self.now + length) * _WHOLE)
        notes = self.kern.parts[part]
        before = self.tied.pop((part, pitch), None)
        if before is not None and ("_" in text or "]" in text) and notes[before].end == on:
            notes[before] = Note(notes[before].onset, pitch, Ticks(end - notes[before].onset))
        else:
            before = len(notes)
            notes.append(Note(Ticks(on), pitch, Ticks(max(1, end - on))))
        if "[" in text or "_" in text:
            self.tied[part, pitch] = before
        return length


def _length(number: str, dots: str) -> Fraction:
    """ "4" is a quarter, "3%2" two thirds of a whole, "0" two wholes; each dot adds half of what was added last."""
    top, _, bottom = number.partition("%")
    base = Fraction(2 ** len(number)) if set(number) == {"0"} else Fraction(int(bottom or 1), int(top))
    return base * (2 - Fraction(1, 2 ** len(dots)))


def _pitch(letters: str, signs: str) -> int:
    """ "c" is 60, "cc" 72, "C" 48, "CC" 36."""
    octave = 4 + len(letters) if letters.islower() else 5 - len(letters)
    return 12 * octave + _STEPS[letters[0].lower()] + signs.count("#") - signs.count("-")


def read_kern(path: Path) -> Kern:
    """Raises `Nonsense` for a file without notes or with broken columns."""
    reader = KernReader()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        reader.line(line)
    reader.bar_line("=")
    if not any(reader.kern.parts):
        raise Nonsense("There are no notes.")
    return reader.kern
