"""Uncompressed MusicXML (partwise): parts, bars, tempo, key; no layout, no repeats written out, no grace notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from jamlink.errors import Nonsense
from jamlink.music.note import Note
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ticks
from jamlink.training.tune import Bar

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUARTER = 960


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
                case "barline":
                    closes |= child.findtext("bar-style") in ("light-light", "light-heavy")
            self.furthest = max(self.furthest, self.at)
        length = int((self.furthest - self.start) * _QUARTER)
        self.bars.append(Bar(int(self.start * _QUARTER), length, self.meter, self.fifths, self.minor, self.opens))
        self.opens, self.start = closes, self.furthest

    def _duration(self, element: ElementTree.Element) -> Fraction:
        return Fraction(element.findtext("duration") or "0") / self.divisions

    def _tempo(self, element: ElementTree.Element) -> None:
        sound = element if element.tag == "sound" else element.find("sound")
        if sound is not None and self.bpm is None and sound.get("tempo"):
            self.bpm = float(sound.get("tempo") or 0) or None

    def _attributes(self, element: ElementTree.Element) -> None:
        self.divisions = int(element.findtext("divisions") or self.divisions)
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


def _pitch(pitch: ElementTree.Element) -> int:
    alter = int(float(pitch.findtext("alter") or 0))
    return 12 * (int(pitch.findtext("octave") or 4) + 1) + _STEPS[pitch.findtext("step") or "C"] + alter


def _meter(time: ElementTree.Element) -> Meter | None:
    top, bottom = time.findtext("beats") or "", time.findtext("beat-type") or ""
    if top.isdigit() and bottom.isdigit() and (int(top), int(bottom)) in KNOWN_METERS:
        return Meter(int(top), int(bottom))
    return None


def read_sheet(path: Path) -> Sheet:
    """Raises `Nonsense` for a file that is not partwise MusicXML with parts of one length."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as wrong:
        raise Nonsense(f"{path.name} is not XML: {wrong}.") from None
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
    return Sheet([reader.part for reader in readers], readers[0].bars, bpm)
