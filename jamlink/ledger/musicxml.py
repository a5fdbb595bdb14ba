"""A session as a lead sheet in MusicXML 4.0: what the player played, what jamlink's melody played, chords above.

A staff for each of the two, since who made which note must be seen. The chords are those that we sounded; where we
sounded none, those that are heard in what the player played. Notes are written as `jamlink.music.notation` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jamlink import __version__
from jamlink.ledger.sheet import Sheet, fifths, sheet_from
from jamlink.ledger.story import Story, tell
from jamlink.midi.score import TempoMark
from jamlink.music.chord import Chord, Quality
from jamlink.music.key import Key
from jamlink.music.notation import Bar, Sign, written
from jamlink.music.note import Note
from jamlink.timing.units import TICKS_PER_QUARTER, bpm_of_tempo

DIVISIONS = 12
"""Of a quarter: sixteenths and triplets are whole numbers of them."""
_TICKS = TICKS_PER_QUARTER // DIVISIONS
_BASS_CLEF_BELOW = 55
"""A staff whose notes lie below this in the middle gets a bass clef."""

KINDS: dict[Quality, str] = {
    Quality.MAJOR: "major",
    Quality.MINOR: "minor",
    Quality.DIMINISHED: "diminished",
    Quality.AUGMENTED: "augmented",
    Quality.SUS2: "suspended-second",
    Quality.SUS4: "suspended-fourth",
    Quality.MAJOR_6: "major-sixth",
    Quality.MINOR_6: "minor-sixth",
    Quality.DOMINANT_7: "dominant",
    Quality.MAJOR_7: "major-seventh",
    Quality.MINOR_7: "minor-seventh",
    Quality.MINOR_MAJOR_7: "major-minor",
    Quality.HALF_DIMINISHED: "half-diminished",
    Quality.DIMINISHED_7: "diminished-seventh",
}
"""MusicXML's own names (its type kind-value)."""


def musicxml(path: Path, title: str = "") -> bytes:
    """The lead sheet of the session at `path`, which may still be going on, named `title` or by its day. Any thread;
    takes as long as the session is. Raises `Nonsense` for a file that is no session."""
    return sheet_of(tell(path), title)


def sheet_of(story: Story, title: str = "") -> bytes:
    """The lead sheet of a story."""
    sheet = sheet_from(story, title)
    player, ours = sheet.player, sheet.ours
    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = sheet.title
    SubElement(SubElement(SubElement(root, "identification"), "encoding"), "software").text = f"jamlink {__version__}"
    parts = [("P1", "Player", player), *([("P2", "jamlink", ours)] if ours else [])]
    names = SubElement(root, "part-list")
    for number, name, _ in parts:
        SubElement(SubElement(names, "score-part", id=number), "part-name").text = name
    for number, _, notes in parts:
        root.append(_part(number, notes, sheet, leads=number == "P1"))
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="utf-8") + b"\n"


# -- elements ---------------------------------------------------------------------------------------------------------


def _part(number: str, notes: Sequence[Note], sheet: Sheet, *, leads: bool) -> Element:
    """A staff; the one that leads has the chords and the tempo."""
    part = Element("part", id=number)
    low = bool(notes) and sorted(note.pitch for note in notes)[len(notes) // 2] < _BASS_CLEF_BELOW
    for index, (bar, signs) in enumerate(zip(sheet.bars, written(notes, sheet.bars), strict=True)):
        measure = SubElement(part, "measure", number=str(index + 1))
        before = sheet.bars[index - 1] if index else None
        if before is None or before.meter != bar.meter:
            measure.append(_attributes(bar, sheet.key, low, first=before is None))
        marks = list(_marks(bar, sheet)) if leads else []
        for element in _measure(bar, signs, marks, sheet.key):
            measure.append(element)
    return part


def _attributes(bar: Bar, key: Key, low: bool, *, first: bool) -> Element:
    attributes = Element("attributes")
    if first:
        SubElement(attributes, "divisions").text = str(DIVISIONS)
        signature = SubElement(attributes, "key")
        SubElement(signature, "fifths").text = str(fifths(key))
        SubElement(signature, "mode").text = "minor" if key.minor else "major"
    time = SubElement(attributes, "time")
    SubElement(time, "beats").text = str(bar.meter.numerator)
    SubElement(time, "beat-type").text = str(bar.meter.denominator)
    if first:
        clef = SubElement(attributes, "clef")
        SubElement(clef, "sign").text, line = ("F", 4) if low else ("G", 2)
        SubElement(clef, "line").text = str(line)
    return attributes


def _marks(bar: Bar, sheet: Sheet) -> Iterator[tuple[int, Element]]:
    """What stands above the staff in a bar, with its tick from the bar's start; ready for an offset."""
    for mark in sheet.tempos:
        if bar.start <= mark.at < bar.end:
            yield mark.at - bar.start, _tempo(mark)
    for span in sheet.chords:
        if bar.start <= span.onset < bar.end:
            yield span.onset - bar.start, _harmony(span.chord, sheet.key)


def _measure(bar: Bar, signs: Sequence[Sign], marks: Sequence[tuple[int, Element]], key: Key) -> Iterator[Element]:
    """The bar's notes, each mark before the sign in whose time it falls."""
    left = sorted(marks, key=lambda mark: mark[0])
    for sign in signs:
        while left and left[0][0] < sign.onset + sign.ticks:
            at, element = left.pop(0)
            yield _with_offset(element, (at - sign.onset) // _TICKS)
        yield from _notes(sign, key, whole=sign.ticks == bar.meter.bar_ticks)


def _with_offset(element: Element, divisions: int) -> Element:
    """A mark that stands inside the time of the next note. The order of its children is MusicXML's."""
    if divisions > 0:
        offset = Element("offset")
        offset.text = str(divisions)
        sound = [child.tag for child in element].index("sound") if element.tag == "direction" else len(element)
        element.insert(sound, offset)
    return element


def _tempo(mark: TempoMark) -> Element:
    bpm = f"{bpm_of_tempo(mark.tempo):.2f}".rstrip("0").rstrip(".")
    direction = Element("direction", placement="above")
    metronome = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(metronome, "beat-unit").text = "quarter"
    SubElement(metronome, "per-minute").text = bpm
    SubElement(direction, "sound", tempo=bpm)
    return direction


def _harmony(chord: Chord | None, key: Key) -> Element:
    harmony = Element("harmony")
    if chord is None:
        _named(SubElement(harmony, "root"), "root", "C")
        SubElement(harmony, "kind", text="N.C.").text = "none"
        return harmony
    _named(SubElement(harmony, "root"), "root", key.name(chord.root))
    SubElement(harmony, "kind", text=chord.quality.symbol).text = KINDS[chord.quality]
    if chord.bass != chord.root:
        _named(SubElement(harmony, "bass"), "bass", key.name(chord.bass))
    return harmony


def _named(parent: Element, what: str, name: str) -> None:
    """A step and, where there is one, its accidental: "Bb" is B and -1."""
    SubElement(parent, f"{what}-step").text = name[0]
    if name[1:]:
        SubElement(parent, f"{what}-alter").text = str(_ALTERS[name[1:]])


_ALTERS = {"b": -1, "#": 1}


def _notes(sign: Sign, key: Key, *, whole: bool) -> Iterator[Element]:
    """One `note` element for each pitch, or for the rest."""
    for index, pitch in enumerate(sign.pitches or (None,)):
        note = Element("note")
        if index:
            SubElement(note, "chord")
        if pitch is None:
            SubElement(note, "rest", {"measure": "yes"} if whole else {})
        else:
            _pitch(note, pitch, key)
        SubElement(note, "duration").text = str(sign.ticks // _TICKS)
        _ties(note, sign, "tie")
        SubElement(note, "voice").text = "1"
        if not (whole and pitch is None):
            _value(note, sign)
        _notations(note, sign, begins=index == 0)
        yield note


def _pitch(note: Element, pitch: int, key: Key) -> None:
    element = SubElement(note, "pitch")
    name = key.name(pitch % 12)
    SubElement(element, "step").text = name[0]
    if name[1:]:
        SubElement(element, "alter").text = str(_ALTERS[name[1:]])
    SubElement(element, "octave").text = str(pitch // 12 - 1)


def _ties(parent: Element, sign: Sign, tag: str) -> None:
    for there, kind in ((sign.tied_from, "stop"), (sign.tied_to, "start")):
        if there and sign.pitches:
            SubElement(parent, tag, type=kind)


def _value(note: Element, sign: Sign) -> None:
    SubElement(note, "type").text = sign.name
    for _ in range(sign.dots):
        SubElement(note, "dot")
    if sign.triplet:
        three = SubElement(note, "time-modification")
        SubElement(three, "actual-notes").text = "3"
        SubElement(three, "normal-notes").text = "2"


def _notations(note: Element, sign: Sign, *, begins: bool) -> None:
    tuplet = [kind for there, kind in ((sign.first, "start"), (sign.last, "stop")) if there and begins]
    if not (tuplet or (sign.pitches and (sign.tied_from or sign.tied_to))):
        return
    notations = SubElement(note, "notations")
    _ties(notations, sign, "tied")
    for kind in tuplet:
        SubElement(notations, "tuplet", type=kind)
