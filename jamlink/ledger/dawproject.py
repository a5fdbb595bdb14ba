"""A session as a DAWproject file (github.com/bitwig/dawproject, version 1.0): what Bitwig, Studio One and Cubase open.

A zip of project.xml and metadata.xml in the order of elements that its schema asks for: a track for each instrument the
player used and for each role, one clip of notes on each, chords as markers, tempo and meter with their changes. Times
are quarters; velocities go from 0 to 1. No sounds and no devices: which instrument plays is the DAW's business.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jamlink import __version__
from jamlink.ledger.export import score_of
from jamlink.ledger.story import Story, tell
from jamlink.midi.score import MidiScore, Part
from jamlink.timing.units import TICKS_PER_QUARTER, bpm_of_tempo

VERSION = "1.0"
MASTER, TEMPO, METER = "master", "tempo", "meter"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can name: the same session gives the same file."""


def dawproject(path: Path) -> bytes:
    """The project of the session at `path`. Any thread. Raises `Nonsense` for a file that is no session."""
    return project_of(tell(path))


def project_of(story: Story) -> bytes:
    """The project of a story."""
    score = score_of(story)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in (("metadata.xml", _metadata(score)), ("project.xml", _project(score))):
            indent(root)
            data = b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="utf-8") + b"\n"
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _metadata(score: MidiScore) -> Element:
    root = Element("MetaData")
    SubElement(root, "Title").text = score.name or "jamlink"
    SubElement(root, "Comment").text = "Exported by jamlink; the tracks say who played what."
    return root


def _project(score: MidiScore) -> Element:
    root = Element("Project", version=VERSION)
    SubElement(root, "Application", name="jamlink", version=__version__)
    root.append(_transport(score))
    structure = SubElement(root, "Structure")
    for number, part in enumerate(score.parts):
        structure.append(_track(number, part))
    structure.append(_master())
    root.append(_arrangement(score))
    return root


def _transport(score: MidiScore) -> Element:
    transport = Element("Transport")
    bpm = _number(bpm_of_tempo(score.tempos[0].tempo))
    SubElement(transport, "Tempo", id=TEMPO, name="Tempo", unit="bpm", value=bpm, min="20", max="666")
    meter = score.meters[0]
    numbers = {"numerator": str(meter.numerator), "denominator": str(meter.denominator)}
    SubElement(transport, "TimeSignature", numbers, id=METER, name="Time signature")
    return transport


def _track(number: int, part: Part) -> Element:
    track = Element("Track", id=f"track{number}", name=_name(part), contentType="notes", loaded="true")
    channel = {"id": f"channel{number}", "role": "regular", "audioChannels": "2", "destination": MASTER}
    SubElement(track, "Channel", channel)
    return track


def _name(part: Part) -> str:
    return "".join(c for c in part.name if c.isprintable()) or "notes"


def _master() -> Element:
    track = Element("Track", id="track-master", name="Master", contentType="audio notes", loaded="true")
    SubElement(track, "Channel", id=MASTER, role="master", audioChannels="2")
    return track


def _arrangement(score: MidiScore) -> Element:
    arrangement = Element("Arrangement", id="arrangement")
    lanes = SubElement(arrangement, "Lanes", id="lanes", timeUnit="beats")
    for number, part in enumerate(score.parts):
        lane = SubElement(lanes, "Lanes", id=f"lane{number}", track=f"track{number}")
        clips = SubElement(lane, "Clips", id=f"clips{number}")
        clip = SubElement(
            clips, "Clip", time="0", duration=_quarters(score.end), contentTimeUnit="beats", playStart="0"
        )
        clip.append(_notes(number, part))
    if score.markers:
        markers = SubElement(arrangement, "Markers", id="markers", timeUnit="beats")
        for marker in score.markers:
            SubElement(markers, "Marker", time=_quarters(marker.at), name=marker.text)
    arrangement.append(_points("TempoAutomation", TEMPO, _tempos(score), "bpm"))
    arrangement.append(_points("TimeSignatureAutomation", METER, _meters(score)))
    return arrangement


def _notes(number: int, part: Part) -> Element:
    notes = Element("Notes", id=f"notes{number}")
    for note in part.notes:
        values = {"time": _quarters(note.onset), "duration": _quarters(note.duration)}
        where = {"channel": str(part.channel), "key": str(note.pitch), "vel": _number(note.velocity / 127)}
        SubElement(notes, "Note", {**values, **where})
    return notes


def _points(tag: str, parameter: str, points: Sequence[Element], unit: str = "") -> Element:
    lane = Element(tag, {"id": f"{parameter}-changes", "timeUnit": "beats", **({"unit": unit} if unit else {})})
    SubElement(lane, "Target", parameter=parameter)
    lane.extend(points)
    return lane


def _tempos(score: MidiScore) -> list[Element]:
    return [
        Element("RealPoint", time=_quarters(mark.at), value=_number(bpm_of_tempo(mark.tempo)), interpolation="hold")
        for mark in score.tempos
    ]


def _meters(score: MidiScore) -> list[Element]:
    return [
        Element(
            "TimeSignaturePoint",
            time=_quarters(mark.at),
            numerator=str(mark.numerator),
            denominator=str(mark.denominator),
        )
        for mark in score.meters
    ]


def _quarters(ticks: int) -> str:
    return _number(ticks / TICKS_PER_QUARTER)


def _number(value: float) -> str:
    """Without noise behind the point."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
