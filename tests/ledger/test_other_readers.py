"""What is exported, opened by programs that know nothing of jamlink: abcjs draws and plays the ABC, music21 reads ABC
and MusicXML, mido reads the MIDI. Odd meters, every kind of chord, empty takes, and titles and ports with odd signs.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree.ElementTree import fromstring

import mido
import pytest

from jamlink.app.offline import export
from jamlink.ledger.abc_tune import tune_of
from jamlink.ledger.ireal import link_of
from jamlink.ledger.sheet import sheet_from
from jamlink.ledger.story import Story, tell
from jamlink.music.chord import Quality
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, ms

ABCJS = Path(__file__).parents[2] / "jamlink" / "web" / "static" / "vendor" / "abcjs-basic-min.js"
READER = Path(__file__).with_name("abc_reader.js")
BEAT = 500_000_000
METERS = [
    Meter(2, 4),
    Meter(3, 4),
    Meter(5, 4),
    Meter(7, 4),
    Meter(2, 2),
    Meter(3, 8),
    Meter(7, 8),
    Meter(9, 8),
    Meter(12, 8),
]
EVERY_QUALITY = [
    f"{root}{quality.symbol}"
    for root, quality in zip(
        ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"] * 2, Quality, strict=False
    )
]
ODD_TITLE = 'A & B <i>"50 %" of | [it] = \\n x:y 漢字 é 😀 \x07'
ODD_PORT = 'Keys & <Pads> "é" 漢 \x01 |]'


@pytest.fixture(scope="module")
def abcjs():
    """Reads a tune as abcjs does."""
    node = shutil.which("node")
    if node is None or not ABCJS.exists():
        what = "node or abcjs is not there: make tools parts"
        pytest.fail(what) if os.environ.get("CI") == "true" else pytest.skip(what)

    def read(data: bytes):
        done = subprocess.run([node, str(READER), str(ABCJS)], input=data, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    return read


def tune(meter):
    """Notes of all lengths, short and long, over bar lines."""
    return [(Ns(ms(60) + ms(170) * i), 48 + (i * 5) % 30, ms(60 + 90 * (i % 5))) for i in range(40)]


def musicxml_of(file, folder):
    export(file, folder / "out.musicxml")
    return (folder / "out.musicxml").read_bytes()


def abc_of(file, folder):
    export(file, folder / "out.abc")
    return (folder / "out.abc").read_bytes()


def plain(symbol):
    """abcjs writes accidentals as signs."""
    return symbol.replace("♭", "b").replace("♯", "#")


@pytest.mark.parametrize("meter", METERS, ids=str)
def test_abcjs_reads_every_meter_without_a_warning_and_plays_every_pitch_in_order(jam, tmp_path, abcjs, meter):
    file = jam("C", "Am7", "F#m7b5", "G/B", meter=meter, notes=tune(meter), until=7)
    read, sheet = abcjs(abc_of(file, tmp_path)), sheet_from(tell(file))
    assert read["warnings"] == []
    assert read["meter"] == {"num": meter.numerator, "den": meter.denominator}
    wanted = [span.chord.symbol_in(sheet.key) for span in sheet.chords if span.chord]
    assert [plain(chord) for chord in read["chords"] if chord != "N.C."] == wanted
    for track, notes in zip(read["tracks"], filter(None, (sheet.player, sheet.ours)), strict=True):
        assert sorted({pitch for pitch, _, _ in track}) == sorted({note.pitch for note in notes})
        assert all(duration > 0 for _, _, duration in track)
        assert [start for _, start, _ in track] == sorted(start for _, start, _ in track)


@pytest.mark.parametrize("first", range(0, len(EVERY_QUALITY), 4))
def test_abcjs_and_music21_read_every_kind_of_chord(jam, tmp_path, abcjs, first):
    symbols = EVERY_QUALITY[first : first + 4]
    file = jam(*symbols, notes=[(Ns(ms(60)), 60, BEAT)])
    sheet = sheet_from(tell(file))
    wanted = [span.chord for span in sheet.chords if span.chord][-len(symbols) :]
    assert [chord.quality.symbol for chord in wanted] == [
        quality.symbol for quality in list(Quality)[first : first + len(symbols)]
    ]
    read = [plain(chord) for chord in abcjs(abc_of(file, tmp_path))["chords"]]
    assert read[-len(symbols) :] == [chord.symbol_in(sheet.key) for chord in wanted]
    harmony = pytest.importorskip("music21.harmony").ChordSymbol
    converter = pytest.importorskip("music21.converter")
    score = converter.parseData(musicxml_of(file, tmp_path).decode(), format="musicxml")
    found = [h for h in score.parts[0].recurse().getElementsByClass(harmony) if h.chordKind != "none"]
    assert [h.root().pitchClass for h in found][-len(symbols) :] == [chord.root for chord in wanted]
    pitches = [{(p.pitchClass - h.root().pitchClass) % 12 for p in h.pitches} for h in found][-len(symbols) :]
    for chord, heard in zip(wanted, pitches, strict=True):
        assert heard == set(chord.quality.intervals), chord


@pytest.mark.parametrize("ending", ["mid", "musicxml", "abc", "ireal", "dawproject"])
def test_an_empty_take_is_a_file_that_opens(jam, tmp_path, abcjs, ending):
    target = tmp_path / f"out.{ending}"
    export(jam("C", take=False, until=3), target)
    data = target.read_bytes()
    match ending:
        case "mid":
            assert len(mido.MidiFile(file=io.BytesIO(data)).tracks) >= 1
        case "musicxml":
            assert len(pytest.importorskip("music21.converter").parseData(data.decode(), format="musicxml").parts) == 1
        case "abc":
            assert abcjs(data)["warnings"] == []
        case "ireal":
            assert data.startswith(b"irealbook://")
        case "dawproject":
            assert fromstring(zipfile.ZipFile(io.BytesIO(data)).read("project.xml")).tag == "Project"


def test_odd_titles_and_port_names_harm_no_format(jam, tmp_path, abcjs):
    file = jam("C", "G7", notes=[(Ns(ms(60)), 60, BEAT)], wall=ODD_TITLE, port=ODD_PORT)
    for ending in ("mid", "musicxml", "abc", "ireal", "dawproject"):
        export(file, tmp_path / f"out.{ending}")
    read = abcjs((tmp_path / "out.abc").read_bytes())
    assert read["warnings"] == []
    assert read["title"].startswith('Jam A & B <i>"50')
    assert [len(track) for track in read["tracks"]] == [1, 8]
    midi = mido.MidiFile(tmp_path / "out.mid", charset="utf-8")
    assert any("Keys & <Pads>" in track.name for track in midi.tracks)
    project = fromstring(zipfile.ZipFile(tmp_path / "out.dawproject").read("project.xml"))
    assert any("Keys & <Pads>" in track.get("name") for track in project.iter("Track"))
    sheet = fromstring((tmp_path / "out.musicxml").read_bytes())
    assert sheet.findtext("work/work-title").startswith("Jam A & B")
    link = (tmp_path / "out.ireal").read_text().strip()
    assert link.count("=") == 5, "the title has no field of its own more"
    assert link.isascii()
    assert " " not in link


def test_a_story_of_nothing_is_a_tune_and_a_chart(abcjs):
    assert abcjs(tune_of(Story()))["warnings"] == []
    assert link_of(Story()).startswith("irealbook://")
