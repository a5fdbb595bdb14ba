"""A session as ABC, as an iReal chart and as a DAWproject, each read back by somebody else or by its own rules."""

from __future__ import annotations

import io
import re
import zipfile
from urllib.parse import unquote
from xml.etree.ElementTree import fromstring

import pytest

from jamlink.app.offline import export
from jamlink.errors import Nonsense
from jamlink.ledger.abc_tune import abc_tune, tune_of
from jamlink.ledger.dawproject import dawproject, project_of
from jamlink.ledger.ireal import QUALITIES, ireal, link_of
from jamlink.ledger.story import Story
from jamlink.music.chord import Quality
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, ms

BEAT = 500_000_000


def when(bar, beat=1.0, beats=4):
    return Ns(ms(60) + round(((bar - 1) * beats + beat - 1) * BEAT))


SCALE = [(when(bar, 1 + i), 60 + step, BEAT - ms(30)) for bar in (1, 2) for i, step in enumerate((0, 2, 4, 5))]


# -- ABC --------------------------------------------------------------------------------------------------------------


def read_abc(data: bytes):
    """The tune as music21 reads it. It is of the train extra, as the tests marked torch are."""
    converter = pytest.importorskip("music21.converter")
    return converter.parse(data.decode(), format="abc")


def notes_of(part):
    """Where each played note begins (in quarters), how long it sounds with what is tied to it, and its pitch."""
    found = []
    for note in part.flatten().notes:
        if type(note).__name__ == "ChordSymbol":
            continue
        for pitch in note.pitches:
            last = next((n for n in reversed(found) if n[2] == pitch.midi), None)
            if note.tie is not None and note.tie.type in ("stop", "continue") and last:
                last[1] += float(note.quarterLength)
            else:
                found.append([float(note.offset), float(note.quarterLength), pitch.midi])
    return [tuple(note) for note in found]


def test_abc_says_the_notes_of_both_where_they_were_played(jam):
    score = read_abc(abc_tune(jam("C", "Am7", "F#m7b5", "G/B", notes=SCALE)))
    player, ours = score.parts
    assert notes_of(player) == [(float(i), 1.0, pitch) for i, pitch in enumerate((60, 62, 64, 65) * 2)]
    assert notes_of(ours)[:3] == [(8.0, 1.0, 72), (9.0, 1.0, 74), (10.0, 1.0, 76)]


def test_abc_has_title_meter_tempo_and_key(jam):
    lines = abc_tune(jam("C", notes=SCALE, take=False, until=3)).decode().splitlines()
    assert lines[:2] == ["X:1", "T:Jam 2026-01-01 10:00"]
    assert {"M:4/4", "L:1/16", "Q:1/4=120"} <= set(lines)
    assert any(line.startswith("K:") for line in lines)


def test_abc_hangs_each_chord_on_the_moment_it_begins(jam):
    text = abc_tune(jam("C", "Am7", "F#m7b5", "G/B", notes=SCALE)).decode()
    player = text.split('"Player"\n')[1].split("V:2")[0]
    bars = [bar for line in player.splitlines() for bar in line.strip(" |]").split(" | ")]
    assert bars[2:4] == ['"C"z8 "Am7"z8', '"F#m7b5"z8 "G/B"z8']


def test_abc_ties_a_note_over_the_chord_that_changes_under_it(jam):
    held = [*SCALE, (when(3), 67, 4 * BEAT - ms(20))]
    text = abc_tune(jam("C", "Am7", notes=held)).decode()
    score = read_abc(text.encode())
    assert (8.0, 4.0, 67) in notes_of(score.parts[0])


def test_abc_counts_triplets_and_accidentals_once_a_bar(jam):
    third = BEAT // 3
    triplets = [(Ns(when(1) + i * third), pitch, third - ms(20)) for i, pitch in enumerate((61, 64, 61))]
    text = abc_tune(jam("C", notes=[*triplets, *SCALE[4:]], take=False, until=3)).decode()
    assert "(3:2:3" in text
    assert notes_of(read_abc(text.encode()).parts[0])[:3] == [
        (0.0, pytest.approx(1 / 3), 61),
        (pytest.approx(1 / 3), pytest.approx(1 / 3), 64),
        (pytest.approx(2 / 3), pytest.approx(1 / 3), 61),
    ]


def test_abc_in_six_eight_beams_by_the_felt_beat(jam):
    text = abc_tune(jam("C", meter=Meter(6, 8), notes=[(when(1, 1, 2), 60, BEAT)], take=False, until=3)).decode()
    assert "M:6/8" in text


def test_a_session_without_music_is_a_tune_of_rests():
    assert b"z16" in tune_of(Story())


# -- iReal ------------------------------------------------------------------------------------------------------------

_CHORD = re.compile(r"n|[A-G][b#]?(?:\^7|-\^7|-7|-6|h7|o7|sus|[-7o+26])?(?:/[A-G][b#]?)?")


def songs(link: str):
    """Title, key and bars of each song; a bar is its cells."""
    assert link.startswith("irealbook://")
    parts = unquote(link.strip()[len("irealbook://") :]).split("=")
    assert len(parts) % 6 == 0
    for i in range(0, len(parts), 6):
        title, composer, style, key, n, chart = parts[i : i + 6]
        assert (composer, style, n) == ("jamlink", "Medium Swing", "n")
        assert chart[0] == "["
        assert chart[-1] == "Z"
        yield title, key, [cells(bar) for bar in chart[1:-1].split("|")]


def cells(bar: str):
    bar, found = re.sub(r"^T\d\d", "", bar), []
    while bar:
        match = _CHORD.match(bar) or re.match(r"[ x]", bar)
        assert match, bar
        found.append(match[0])
        bar = bar[match.end() :]
    return found


def test_a_chart_has_each_chord_on_its_beat(jam):
    ((title, key, bars),) = songs(ireal(jam("C", "Am7", "F#m7b5", "G/B", notes=SCALE)).decode())
    assert title.startswith("Jam 2026")
    assert key == "C"
    assert bars[2:4] == [["C", " ", "A-7", " "], ["F#h7", " ", "G/B", " "]]


def test_a_chart_says_a_bar_that_stays_with_one_sign(jam):
    ((_, _, bars),) = songs(ireal(jam("C", notes=SCALE)).decode())
    assert bars[2:4] == [["C", " ", " ", " "], ["x", " ", " ", " "]]


def test_a_chart_names_its_meter_and_has_a_cell_for_each_beat(jam):
    link = unquote(ireal(jam("C", "G7", meter=Meter(3, 4), notes=[(when(1, 1, 3), 60, BEAT)])).decode())
    assert "[T34" in link
    ((_, _, bars),) = songs(link)
    assert {len(bar) for bar in bars} == {3}


def test_every_quality_has_a_sign_of_its_own():
    assert set(QUALITIES) == set(Quality)
    assert len(set(QUALITIES.values())) == len(Quality)
    assert all(_CHORD.fullmatch("C" + sign) for sign in QUALITIES.values())


def test_a_long_take_goes_on_in_another_chart_and_an_empty_one_is_a_bar(jam):
    late = [*SCALE, (when(60), 60, BEAT)]
    first, second = songs(ireal(jam("C", notes=late, take=False, until=61)).decode())
    assert (len(first[2]), len(second[2])) == (48, 12)
    assert first[0].endswith("(1 of 2)")
    assert next(iter(songs(link_of(Story()))))[2] == [[" "] * 4]


# -- DAWproject -------------------------------------------------------------------------------------------------------

ORDER = {
    "Project": ["Application", "Transport", "Structure", "Arrangement", "Scenes"],
    "Transport": ["Tempo", "TimeSignature"],
    "Arrangement": ["Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation"],
    "Track": ["Channel", "Track"],
    "TempoAutomation": ["Target", "RealPoint"],
    "TimeSignatureAutomation": ["Target", "TimeSignaturePoint"],
    "MetaData": ["Title", "Artist", "Comment"],
}
NEEDED = {
    "Project": {"version"},
    "Application": {"name", "version"},
    "Tempo": {"unit"},
    "TimeSignature": {"numerator", "denominator"},
    "Note": {"time", "duration", "channel", "key"},
    "Clip": {"time"},
    "Marker": {"time"},
    "RealPoint": {"time", "value"},
    "TimeSignaturePoint": {"time", "numerator", "denominator"},
}
"""What the published schemas (Project.xsd, MetaData.xsd) ask for: the order of children, and attributes."""


def parts_of(data: bytes):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["metadata.xml", "project.xml"]
        return fromstring(archive.read("metadata.xml")), fromstring(archive.read("project.xml"))


NUMBER, WHOLE, ANY = r"-?\d+(\.\d+)?", r"\d+", r"(?s).*"
ID = r"[A-Za-z_][\w.-]*"
UNIT = "linear|normalized|percent|decibel|hertz|semitones|seconds|beats|bpm"
TIMELINE = {"id": ID, "timeUnit": "beats|seconds", "track": ID}
MAY = {
    "Project": {"version": ANY},
    "Application": {"name": ANY, "version": ANY},
    "Transport": {},
    "Structure": {},
    "Tempo": {"id": ID, "name": ANY, "unit": UNIT, "value": NUMBER, "min": NUMBER, "max": NUMBER},
    "TimeSignature": {"id": ID, "name": ANY, "numerator": WHOLE, "denominator": WHOLE},
    "Track": {
        "id": ID,
        "name": ANY,
        "loaded": "true|false",
        "contentType": r"((^| )(audio|automation|notes|video|markers|tracks))+",
    },
    "Channel": {"id": ID, "audioChannels": WHOLE, "destination": ID, "role": "regular|master|effect|submix|vca"},
    "Arrangement": {"id": ID},
    "Lanes": TIMELINE,
    "Clips": TIMELINE,
    "Notes": TIMELINE,
    "Markers": TIMELINE,
    "TempoAutomation": {**TIMELINE, "unit": UNIT},
    "TimeSignatureAutomation": {**TIMELINE, "unit": UNIT},
    "Clip": {"time": NUMBER, "duration": NUMBER, "contentTimeUnit": "beats|seconds", "playStart": NUMBER},
    "Note": {"time": NUMBER, "duration": NUMBER, "channel": WHOLE, "key": WHOLE, "vel": NUMBER},
    "Marker": {"time": NUMBER, "name": ANY},
    "Target": {"parameter": ID},
    "RealPoint": {"time": NUMBER, "value": NUMBER, "interpolation": "hold|linear"},
    "TimeSignaturePoint": {"time": NUMBER, "numerator": WHOLE, "denominator": WHOLE},
    "MetaData": {},
    "Title": {},
    "Comment": {},
}
"""Every element that the schemas know and we use, with the attributes it may have and what may stand in them."""
INSIDE = {
    "Structure": {"Track", "Channel"},
    "Lanes": {"Lanes", "Clips", "Notes"},
    "Clips": {"Clip"},
    "Clip": {"Notes"},
    "Notes": {"Note"},
    "Markers": {"Marker"},
}


def check(element):
    if element.tag in ORDER:
        places = [ORDER[element.tag].index(child.tag) for child in element]
        assert places == sorted(places), [child.tag for child in element]
    else:
        assert {child.tag for child in element} <= INSIDE.get(element.tag, set()), element.tag
    assert NEEDED.get(element.tag, set()) <= set(element.attrib), element.attrib
    for name, said in element.attrib.items():
        assert re.fullmatch(MAY[element.tag][name], said), (element.tag, name, said)
    assert element.tag != "Markers" or len(element), "the schema has no empty list of markers"
    for child in element:
        check(child)


def test_a_project_keeps_to_the_schema_and_every_reference_leads_somewhere(jam):
    metadata, project = parts_of(dawproject(jam("C", "Am7", notes=SCALE)))
    check(metadata)
    check(project)
    ids = [element.attrib["id"] for element in project.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    named = {e.attrib[a] for e in project.iter() for a in ("track", "parameter", "destination") if a in e.attrib}
    assert named <= set(ids)


def test_a_project_has_a_track_for_each_player_and_role_with_their_notes(jam):
    _, project = parts_of(dawproject(jam("C", "Am7", notes=SCALE)))
    tracks = {t.attrib["id"]: t.attrib["name"] for t in project.iter("Track")}
    assert list(tracks.values()) == ["keys", "chords", "melody", "Master"]
    lanes = {tracks[lane.attrib["track"]]: lane for lane in project.iter("Lanes") if "track" in lane.attrib}
    played = [(float(n.attrib["time"]), int(n.attrib["key"])) for n in lanes["keys"].iter("Note")]
    assert [(round(at), pitch) for at, pitch in played] == list(enumerate((60, 62, 64, 65) * 2))
    assert all(0 < float(note.attrib["vel"]) <= 1 for note in project.iter("Note"))
    assert next(float(n.attrib["time"]) for n in lanes["melody"].iter("Note")) == pytest.approx(8, abs=0.1)


def test_a_project_has_markers_tempo_and_meter(jam):
    _, project = parts_of(dawproject(jam("C", "Am7", meter=Meter(3, 4), notes=SCALE)))
    assert {"C", "Am7"} <= {marker.attrib["name"] for marker in project.iter("Marker")}
    assert project.find("Transport/Tempo").attrib["value"] == "120"
    point = project.find("Arrangement/TimeSignatureAutomation/TimeSignaturePoint")
    assert (point.attrib["numerator"], point.attrib["denominator"]) == ("3", "4")


def test_the_same_session_gives_the_same_project(jam):
    file = jam("C", notes=SCALE)
    assert dawproject(file) == dawproject(file)


def test_a_session_without_music_is_an_empty_project():
    _, project = parts_of(project_of(Story()))
    check(project)
    assert [track.attrib["name"] for track in project.iter("Track")] == ["Master"]


# -- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".abc", ".ireal", ".dawproject", ".musicxml", ".mid", ".ABC"])
def test_export_goes_by_the_ending(jam, tmp_path, ending):
    target = tmp_path / f"out{ending}"
    export(jam("C", notes=SCALE), target)
    starts = {".abc": b"X:1", ".ireal": b"irealbook://", ".dawproject": b"PK", ".musicxml": b"<?xml", ".mid": b"MThd"}
    assert target.read_bytes().startswith(starts[ending.lower()])


@pytest.mark.parametrize("make", [abc_tune, ireal, dawproject])
def test_a_file_that_is_no_session_is_one_sentence(tmp_path, make):
    (tmp_path / "x.jam").write_text("no")
    with pytest.raises(Nonsense):
        make(tmp_path / "x.jam")
