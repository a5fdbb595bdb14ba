"""ABC tunes: one voice, or the four of a hymn. Repeats are not written out; second endings are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pitch import parse_pitch_class
from jamlink.timing.meter import Meter, parse_meter
from jamlink.timing.units import Ticks
from jamlink.training.tune import Bar, Score, highest_line, lowest_line

_WHOLE = 960 * 4
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "mix": -1,
    "dor": -2,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "phr": -4,
    "loc": -5,
    "lyd": 1,
}
_SHARPS, _FLATS = "FCGDAEB", "BEADGCF"
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_TOKEN = re.compile(
    r"""(?P<chord>"[^"]*")|(?P<field>\[[A-Za-z]:[^\]]*\])|(?P<deco>![^!]*!|\+[a-z]+\+)|(?P<grace>\{[^}]*\})"""
    r"""|(?P<bar>:*\|[\]|:]*|:{2}|\[\|)(?P<ending>\s*\[?[0-9][0-9,\-.]*)?|(?P<ending2>\[[0-9][0-9,\-]*)"""
    r"""|\((?P<tuplet>[2-9])(?P<tupletrest>(?::[0-9]*){0,2})"""
    r"""|(?P<stack>\[[^\]\|]*\])(?P<stacklen>[0-9/]*)"""
    r"""|(?P<note>[_^=]*[A-Ga-g][,']*)(?P<len>[0-9/]*)|(?P<rest>[zxZ])(?P<restlen>[0-9/]*)"""
    r"""|(?P<tie>-)|(?P<broken>>+|<+)"""
)  # fmt: skip
_SINGLE = re.compile(r"([_^=]*)([A-Ga-g])([,']*)([0-9/]*)")


def fifths_of(text: str) -> tuple[int, bool] | None:
    """Sharps (flats negative) of a K: field, and whether it is minor (or dorian: a minor third); None for no key."""
    text = text.split("%")[0].strip()
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not match or text.startswith(("HP", "Hp", "none")):
        return None
    mode = match.group(3).lower()[:3]
    mode = mode if mode in _MODES else ""
    at = "FCGDAEB".index(match.group(1)) - 1 + 7 * ((match.group(2) == "#") - (match.group(2) == "b"))
    return at + _MODES[mode], mode in ("m", "min", "aeo", "dor", "phr")


@dataclass(slots=True)
class _Voice:
    """Where one voice is."""

    at: Fraction = Fraction(0)
    notes: list[list[Fraction | int]] = field(default_factory=list)
    """[onset, pitch, duration] in whole notes."""
    bars: list[tuple[Fraction, bool]] = field(default_factory=list)
    """Bar lines: where, and whether a section opens there."""
    chords: list[tuple[Fraction, str]] = field(default_factory=list)
    accidentals: dict[tuple[str, int], int] = field(default_factory=dict)
    tied: bool = False
    last: list[int] = field(default_factory=list)
    """Which notes the last note or stack made, for ties and broken rhythm."""
    scale_next: Fraction = Fraction(1)
    tuplet_left: int = 0
    tuplet_scale: Fraction = Fraction(1)
    skipping: bool = False


class _Reader:
    """One tune being read."""

    def __init__(self) -> None:
        self.meter: Meter | None = Meter(4, 4)
        self.unit = Fraction(1, 8)
        self.unit_said = False
        self.fifths: tuple[int, bool] | None = None
        self.key_text = ""
        self.bpm: float | None = None
        self.title = ""
        self.voices: dict[str, _Voice] = {}
        self.voice = ""
        self.changed = False

    def now(self) -> _Voice:
        return self.voices.setdefault(self.voice, _Voice())

    def head(self, letter: str, value: str) -> None:
        value = value.split("%")[0].strip()
        if letter == "M":
            self._meter(value)
        elif letter == "L":
            if not re.fullmatch(r"\d{1,3}(/0*[1-9]\d{0,3})?", value):
                raise Nonsense(f"{value!r} is no length of a note.")
            self.unit, self.unit_said = Fraction(value), True
        elif letter == "K":
            self.changed |= bool(self.key_text) and value != self.key_text and any(v.at for v in self.voices.values())
            self.fifths, self.key_text = fifths_of(value), value
        elif letter == "Q":
            self._tempo(value)
        elif letter == "V":
            self.voice = value.split()[0]
        elif letter == "T" and not self.title:
            self.title = value

    def _meter(self, value: str) -> None:
        text = {"C": "4/4", "C|": "2/2"}.get(value, value)
        self.changed |= any(v.at for v in self.voices.values()) and str(self.meter) != text
        try:
            self.meter = parse_meter(text)
        except Nonsense:
            self.meter = None
        if self.meter and not self.unit_said:
            short = Fraction(self.meter.numerator, self.meter.denominator) < Fraction(3, 4)
            self.unit = Fraction(1, 16) if short else Fraction(1, 8)

    def _tempo(self, value: str) -> None:
        match = re.search(r"(\d+)/(\d+)\s*=\s*(\d+)", value)
        if match:
            self.bpm = float(match.group(3)) * float(match.group(1)) / float(match.group(2)) * 4

    def music(self, line: str) -> None:
        for match in _TOKEN.finditer(line.split("%")[0]):
            if match["field"]:
                letter, _, value = match["field"][1:-1].partition(":")
                self.head(letter.strip(), value)
            else:
                self._token(match, self.now())

    def _token(self, match: re.Match[str], voice: _Voice) -> None:
        if match["bar"] or match["ending2"]:
            self._bar(match["bar"] or "", (match["ending"] or match["ending2"] or "").strip(" ["), voice)
        elif voice.skipping:
            return
        elif match["chord"]:
            voice.chords.append((voice.at, match["chord"].strip('"')))
        elif match["tuplet"]:
            count = int(match["tuplet"])
            into = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(count, 3 if self.meter and self.meter.compound else 2)
            voice.tuplet_scale, voice.tuplet_left = Fraction(into, count), count
        elif match["note"]:
            self._notes([(match["note"], "")], match["len"], voice)
        elif match["stack"]:
            singles = ["".join(part[:3]) for part in _SINGLE.findall(match["stack"])]
            lengths = [part[3] for part in _SINGLE.findall(match["stack"])]
            if singles:
                self._notes(list(zip(singles, lengths, strict=True)), match["stacklen"], voice)
        elif match["rest"]:
            self._rest(match["rest"], match["restlen"], voice)
        elif match["tie"]:
            voice.tied = True
        elif match["broken"]:
            self._broken(match["broken"], voice)

    def _bar(self, bar: str, ending: str, voice: _Voice) -> None:
        if ending.startswith("2"):
            voice.skipping = True
        elif bar and voice.skipping and (bar.startswith(":") or bar.endswith(":") or "||" in bar or "]" in bar):
            voice.skipping = False
        if bar and not (voice.skipping or ending.startswith("2")):
            voice.accidentals.clear()
        if bar:
            voice.bars.append((voice.at, ":" in bar or "||" in bar or "]" in bar))

    def _length(self, text: str) -> Fraction:
        if not text:
            return Fraction(1)
        top, slash, bottom = text.partition("/")
        if not slash:
            return Fraction(int(top))
        halves = text.count("/")
        if halves > 1:
            return Fraction(int(top or 1), 2**halves)
        return Fraction(int(top or 1), int(bottom or 2))

    def _advance(self, length: Fraction, voice: _Voice) -> Fraction:
        length *= voice.scale_next
        voice.scale_next = Fraction(1)
        if voice.tuplet_left:
            voice.tuplet_left -= 1
            length *= voice.tuplet_scale
        voice.at += length
        return length

    def _notes(self, singles: list[tuple[str, str]], text: str, voice: _Voice) -> None:
        start = voice.at
        inner = self._length(singles[0][1])
        length = self._advance(self.unit * self._length(text) * inner, voice)
        made = []
        for single, _ in singles:
            pitch = self._pitch(single, voice)
            before = [i for i in voice.last if voice.notes[i][1] == pitch] if voice.tied else []
            if before:
                voice.notes[before[0]][2] += length
                made.append(before[0])
            else:
                voice.notes.append([start, pitch, length])
                made.append(len(voice.notes) - 1)
        voice.last, voice.tied = made, False

    def _rest(self, kind: str, text: str, voice: _Voice) -> None:
        length = self.unit * self._length(text)
        if kind == "Z" and self.meter:
            length = self._length(text) * Fraction(self.meter.numerator, self.meter.denominator)
        self._advance(length, voice)
        voice.last, voice.tied = [], False

    def _pitch(self, single: str, voice: _Voice) -> int:
        match = _SINGLE.fullmatch(single)
        assert match
        sign, letter, octaves, _ = match.groups()
        octave = 5 + letter.islower() + octaves.count("'") - octaves.count(",")
        name = letter.upper()
        if sign:
            voice.accidentals[name, octave] = sign.count("^") - sign.count("_")
        shift = voice.accidentals.get((name, octave), self._signature(name))
        return 12 * octave + _STEPS[name] + shift

    def _signature(self, name: str) -> int:
        fifths = self.fifths[0] if self.fifths else (2 if self.key_text.startswith(("HP", "Hp")) else 0)
        if fifths > 0:
            return sum(1 for i in range(fifths) if _SHARPS[i % 7] == name)
        return -sum(1 for i in range(-fifths) if _FLATS[i % 7] == name)

    def _broken(self, sign: str, voice: _Voice) -> None:
        """ "a>b": the first gains what the second loses."""
        shift = 1 - Fraction(1, 2 ** len(sign))
        first, second = (1 + shift, 1 - shift) if sign[0] == ">" else (1 - shift, 1 + shift)
        for i in voice.last:
            gained = voice.notes[i][2] * (first - 1)
            voice.notes[i][2] += gained
        if voice.last:
            voice.at += gained
        voice.scale_next = Fraction(second)


def tunes_in(path: Path) -> Iterator[list[str]]:
    """The lines of each tune of a file."""
    lines: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("X:") and lines:
            yield lines
            lines = []
        lines.append(line)
    if any(line.startswith("K:") for line in lines):
        yield lines


def read_tune(lines: list[str], name: str, style: str) -> Score:
    """One tune. Raises `Nonsense` for one without notes, or that changes key or meter on the way."""
    reader, in_body = _Reader(), False
    for line in lines:
        line = re.sub(r"\\$", "", line.rstrip())
        if re.match(r"[A-Za-z]:", line) and not line.startswith("|:"):
            reader.head(line[0], line[2:])
            in_body |= line[0] == "K"
        elif in_body and not line.startswith("%"):
            reader.music(line)
    voices = [v for v in reader.voices.values() if v.notes]
    if not voices or reader.meter is None:
        raise Nonsense(f"{name} has no notes in a meter we count.")
    if reader.changed:
        raise Nonsense(f"{name} changes key or meter on the way.")
    return _score(reader, voices, name, style)


def _score(reader: _Reader, voices: list[_Voice], name: str, style: str) -> Score:
    bars = _bars(voices[0], reader)
    score = Score(name, style, bars, bpm=reader.bpm)
    lines = [_line(voice) for voice in voices]
    score.everything = sorted(note for line in lines for note in line)
    score.melody = highest_line(lines[0])
    score.bass = lowest_line(lines[-1]) if len(lines) > 1 else []
    score.chords = _chords(voices[0])
    parsed = parse_pitch_class(reader.key_text)
    score.key = Key(parsed[0], reader.fifths[1]) if parsed and reader.fifths else None
    return score


def _bars(voice: _Voice, reader: _Reader) -> list[Bar]:
    edges = [(Fraction(0), True), *voice.bars]
    if voice.bars and voice.bars[-1][0] < voice.at:
        edges.append((voice.at, False))
    fifths, minor = reader.fifths or (None, None)
    bars = []
    for (start, opens), (end, _) in pairwise(edges):
        if end > start:
            bars.append(Bar(int(start * _WHOLE), int((end - start) * _WHOLE), reader.meter, fifths, minor, opens))
    return bars


def _line(voice: _Voice) -> list[Note]:
    found = [(int(on * _WHOLE), int(pitch), int(length * _WHOLE)) for on, pitch, length in voice.notes]
    return [Note(Ticks(on), pitch, Ticks(length)) for on, pitch, length in found if 0 < pitch < 128 and length > 0]


def _chords(voice: _Voice) -> list[ChordSpan]:
    """The chord symbols over a voice, each up to the next."""
    found = []
    for at, text in voice.chords:
        if re.match(r"[A-G]", text):
            try:
                found.append((at, parse_chord(re.split(r"[\s(]", text)[0])))
            except Nonsense:
                continue
    ends = [*(at for at, _ in found[1:]), voice.at][: len(found)]
    return [
        ChordSpan(Ticks(int(at * _WHOLE)), Ticks(int((end - at) * _WHOLE)), chord)
        for (at, chord), end in zip(found, ends, strict=True)
        if end > at
    ]
