"""MusicXML (partwise, plain or compressed): parts, bars, tempo, key, chord symbols; no layout, no repeats written out,
no grace notes.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.music.pitch import SHARP_NAMES
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ticks
from jamlink.training.tune import Bar

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUARTER = 960
BYTES_LIMIT = 64 * 2**20
_KINDS = {
    "major": "", "minor": "m", "augmented": "aug", "diminished": "dim", "dominant": "7", "major-seventh": "maj7",
    "minor-seventh": "m7", "diminished-seventh": "dim7", "augmented-seventh": "7", "half-diminished": "m7b5",
    "major-minor": "mMaj7", "major-sixth": "6", "minor-sixth": "m6", "dominant-ninth": "7", "major-ninth": "maj7",
    "minor-ninth": "m7", "dominant-11th": "11", "major-11th": "maj7", "minor-11th": "m7", "dominant-13th": "7",
    "major-13th": "maj7", "minor-13th": "m7", "suspended-second": "sus2", "suspended-fourth": "sus4", "power": "",
}  # fmt: skip
"""The kinds of a <harmony> (MusicXML 4.0, kind-value) as the symbols of jamlink.music.chord."""


@dataclass(slots=True)
class Part:
    """One part: its name and its notes by staff."""

    name: str
    staves: dict[int, list[Note]] = field(default_factory=dict)

    @property
    def notes(self) -> list[Note]:
        """All its notes."""
        return [note for staff in self.staves.values() for note in staff]


@dataclass(slots=True)
class Sheet:
    """A file as read: bars from the first part."""

    parts: list[Part]
    bars: list[Bar]
    bpm: float | None
    chords: list[ChordSpan] = field(default_factory=list)


class _PartReader:
    """Reads one part, measure by measure."""

    def __init__(self, name: str) -> None:
        self.part = Part(name)
        self.bars: list[Bar] = []
        self.bpm: float | None = None
        self.divisions = 1
        self.shift = 0
        self.meter: Meter | None = None
        self.fifths: int | None = None
        self.minor: bool | None = None
        self.start = Fraction(0)
        self.at = Fraction(0)
        self.furthest = Fraction(0)
        self.chord_at = Fraction(0)
        self.tied: dict[tuple[int, int], int] = {}
        self.opens = False
        self.harmonies: list[tuple[int, Chord | None]] = []

    def measure(self, measure: ElementTree.Element) -> None:
        self.at = self.furthest = self.start
        closes = False
        for child in measure:
            match child.tag:
                case "attributes":
                    self._attributes(child)
                case "note":
                    self._note(child)
                case "backup":
                    self.at -= self._duration(child)
                case "forward":
                    self.at += self._duration(child)
                case "direction" | "sound":
                    self._tempo(child)
                case "harmony":
                    self._harmony(child)
                case "barline":
                    closes |= child.findtext("bar-style") in ("light-light", "light-heavy")
            self.furthest = max(self.furthest, self.at)
        length = int((self.furthest - self.start) * _QUARTER)
        self.bars.append(Bar(int(self.start * _QUARTER), length, self.meter, self.fifths, self.minor, self.opens))
        self.opens, self.start = closes, self.furthest

    def _duration(self, element: ElementTree.Element) -> Fraction:
        return _number(element.findtext("duration")) / self.divisions

    def _harmony(self, element: ElementTree.Element) -> None:
        """A chord symbol where the music stands, or its offset later; a kind we do not know is passed over."""
        kind = element.findtext("kind") or ""
        at = self.at + _number(element.findtext("offset")) / self.divisions
        if kind == "none":
            self.harmonies.append((int(at * _QUARTER), None))
        elif kind in _KINDS and (root := _pitch_class(element, "root")) is not None:
            chord = parse_chord(SHARP_NAMES[root] + _KINDS[kind])
            bass = _pitch_class(element, "bass")
            if chord is not None:
                chord = Chord(chord.root, chord.quality, chord.root if bass is None else bass)
                self.harmonies.append((int(at * _QUARTER), chord))

    def _tempo(self, element: ElementTree.Element) -> None:
        sound = element if element.tag == "sound" else element.find("sound")
        if sound is not None and self.bpm is None and sound.get("tempo"):
            self.bpm = float(sound.get("tempo") or 0) or None

    def _attributes(self, element: ElementTree.Element) -> None:
        self.divisions = max(1, int(element.findtext("divisions") or self.divisions))
        if (key := element.find("key")) is not None and key.findtext("fifths"):
            self.fifths = int(key.findtext("fifths") or 0)
            mode = key.findtext("mode")
            self.minor = None if mode is None else mode == "minor"
        if (time := element.find("time")) is not None:
            self.meter = _meter(time)
        if (transpose := element.find("transpose")) is not None:
            octaves = int(transpose.findtext("octave-change") or 0)
            self.shift = int(float(transpose.findtext("chromatic") or 0)) + 12 * octaves

    def _note(self, note: ElementTree.Element) -> None:
        if note.find("grace") is not None:
            return
        length = self._duration(note)
        onset = self.chord_at if note.find("chord") is not None else self.at
        if note.find("chord") is None:
            self.chord_at, self.at = self.at, self.at + length
        pitch = note.find("pitch")
        if pitch is not None and length > 0 and note.find("cue") is None:
            self._sounding(note, _pitch(pitch) + self.shift, onset, length)

    def _sounding(self, note: ElementTree.Element, pitch: int, onset: Fraction, length: Fraction) -> None:
        if not 0 <= pitch < 128:
            return
        staff = int(note.findtext("staff") or 1)
        ties = {tie.get("type") for tie in note.findall("tie")}
        notes = self.part.staves.setdefault(staff, [])
        on, end = int(onset * _QUARTER), int((onset + length) * _QUARTER)
        before = self.tied.pop((staff, pitch), None)
        if before is not None and "stop" in ties and notes[before].end >= on - 1:
            first = notes[before]
            notes[before] = Note(first.onset, pitch, Ticks(end - first.onset))
        else:
            before = len(notes)
            notes.append(Note(Ticks(on), pitch, Ticks(max(1, end - on))))
        if "start" in ties:
            self.tied[staff, pitch] = before


def _number(text: str | None) -> Fraction:
    """A plain number; anything else (an exponent would be worked out for minutes) is 0."""
    text = (text or "").strip()
    return Fraction(text) if re.fullmatch(r"-?\d{1,12}(\.\d{1,12})?", text) else Fraction(0)


def _pitch_class(harmony: ElementTree.Element, name: str) -> int | None:
    step = harmony.findtext(f"{name}/{name}-step")
    if step not in _STEPS:
        return None
    return (_STEPS[step] + int(_number(harmony.findtext(f"{name}/{name}-alter")))) % 12


def _pitch(pitch: ElementTree.Element) -> int:
    alter = int(float(pitch.findtext("alter") or 0))
    return 12 * (int(pitch.findtext("octave") or 4) + 1) + _STEPS[pitch.findtext("step") or "C"] + alter


def _meter(time: ElementTree.Element) -> Meter | None:
    top, bottom = time.findtext("beats") or "", time.findtext("beat-type") or ""
    if top.isdigit() and bottom.isdigit() and (int(top), int(bottom)) in KNOWN_METERS:
        return Meter(int(top), int(bottom))
    return None


def _root(path: Path) -> ElementTree.Element:
    """The outermost element of a plain or a compressed file. Raises `Nonsense` for what is neither."""
    try:
        if not zipfile.is_zipfile(path):
            if path.stat().st_size > BYTES_LIMIT:
                raise Nonsense(f"{path.name} is larger than {BYTES_LIMIT >> 20} MiB.")
            return ElementTree.parse(path).getroot()
        with zipfile.ZipFile(path) as packed:
            inner = [i for i in packed.infolist() if i.filename.endswith(("xml", "musicxml"))]
            scores = [i for i in inner if not i.filename.startswith("META-INF/")]
            if not scores or scores[0].file_size > BYTES_LIMIT:
                raise Nonsense(f"{path.name} holds no score of a size that can be read.")
            with packed.open(scores[0]) as file:
                return ElementTree.fromstring(file.read(BYTES_LIMIT))
    except (ElementTree.ParseError, LookupError, UnicodeError) as wrong:
        raise Nonsense(f"{path.name} is not XML: {wrong}.") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as wrong:
        raise Nonsense(f"{path.name} cannot be read: {wrong}.") from None


def read_sheet(path: Path) -> Sheet:
    """Raises `Nonsense` for a file that is not partwise MusicXML with parts of one length."""
    root = _root(path)
    names = {part.get("id"): part.findtext("part-name") or "" for part in root.iter("score-part")}
    readers = []
    for part in root.findall("part"):
        reader = _PartReader(names.get(part.get("id"), ""))
        for measure in part.findall("measure"):
            reader.measure(measure)
        readers.append(reader)
    if not readers or not any(reader.part.staves for reader in readers):
        raise Nonsense(f"{path.name} has no notes.")
    if len({reader.start for reader in readers}) > 1:
        raise Nonsense(f"{path.name} has parts of different lengths.")
    bpm = next((reader.bpm for reader in readers if reader.bpm), None)
    return Sheet([reader.part for reader in readers], readers[0].bars, bpm, _chords(readers))


def _chords(readers: list[_PartReader]) -> list[ChordSpan]:
    """The symbols over the first part that has some, each up to the next."""
    marks = sorted(next((r.harmonies for r in readers if r.harmonies), []), key=lambda mark: mark[0])
    end = int(readers[0].start * _QUARTER)
    return [
        ChordSpan(Ticks(at), Ticks(until - at), chord)
        for (at, chord), (until, _) in pairwise([*marks, (end, None)])
        if until > at
    ]
