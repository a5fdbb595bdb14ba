"""Readers: a few bars of each format in, the notes, bars and chords that a musician reads out of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.training import read_abc, read_charts, read_kern, read_musicxml
from jamlink.training.tune import Score, highest_line, lowest_line, tunes_of


def line(notes: list[Note]) -> str:
    """Notes as onset:pitch:length in sixteenths of a quarter note's 960 ticks (240)."""
    return " ".join(f"{n.onset / 240:g}:{n.pitch}:{n.duration / 240:g}" for n in notes)


def chart(spans: list[ChordSpan]) -> str:
    """Chords with their lengths in quarters."""
    return " ".join(f"{span.chord}*{span.duration / 960:g}" for span in spans)


# --- ABC


def abc(body: str, head: str = "M:4/4\nL:1/4\nK:C") -> Score:
    return read_abc.read_tune(f"X:1\nT:t\n{head}\n{body}".splitlines(), "t", "folk")


@pytest.mark.parametrize(
    ("body", "notes"),
    [
        ("C D E F", "0:60:4 4:62:4 8:64:4 12:65:4"),
        ("c C, c' C,,", "0:72:4 4:48:4 8:84:4 12:36:4"),
        ("C2 D/ E/ z", "0:60:8 8:62:2 10:64:2"),
        ("C3/2 D// E//", "0:60:6 6:62:1 7:64:1"),
        ("^C C =C | C", "0:61:4 4:61:4 8:60:4 12:60:4"),
        ("_B, c2", "0:58:4 4:72:8"),
        ("C>D E<F", "0:60:6 6:62:2 8:64:2 10:65:6"),
        ("(3CDE F", "0:60:2.66667 2.66667:62:2.66667 5.33333:64:2.66667 8:65:4"),
        ("C- C D-D", "0:60:8 8:62:8"),
        ("[CE]2 G", "0:64:8 8:67:4"),
        ('{g}C !trill!D "Am"E TF', "0:60:4 4:62:4 8:64:4 12:65:4"),
        ("C D E F |[1 G4 :|[2 A4 |]", "0:60:4 4:62:4 8:64:4 12:65:4 16:67:16"),
        ("C4 % a remark", "0:60:16"),
    ],
)
def test_abc_notes(body, notes):
    assert line(abc(body).melody) == notes


def test_abc_signatures_and_modes():
    assert line(abc("F C", "L:1/4\nK:D").melody) == "0:66:4 4:61:4"
    assert line(abc("B E", "L:1/4\nK:Gdor").melody) == "0:70:4 4:64:4"
    assert abc("G", "L:1/4\nK:Em").key == Key(4, True)
    assert read_abc.fifths_of("Bb") == (-2, False)
    assert read_abc.fifths_of("F#m") == (3, True)
    assert read_abc.fifths_of("HP") is None


def test_abc_chords_last_until_the_next():
    assert chart(abc('"Am"A2 "D7"B2 | "G"G4 |').chords) == "Am*2 D7*2 G*4"


def test_abc_tempo_is_counted_in_quarters():
    assert abc("C4", "M:6/8\nL:1/8\nQ:3/8=80\nK:C").bpm == 120


def test_abc_voices_give_tune_and_bass():
    score = abc("[V:1] c2 d2 |\n[V:2] C2 B,2 |")
    assert (line(score.melody), line(score.bass)) == ("0:72:8 8:74:8", "0:60:8 8:59:8")


@pytest.mark.parametrize("body", ["", "z4|", "C4 | [M:3/4] D3 |", "C4 | [K:D] D4 |"])
def test_abc_tunes_that_cannot_be_used_are_nonsense(body):
    with pytest.raises(Nonsense):
        abc(body)


# --- whole bars


def test_a_pickup_is_filled_up_and_counted_as_the_last_of_a_phrase():
    (tune,) = tunes_of(abc("G | C4 | D4 | E4 | F4 |"))
    assert tune.places == (7, 0, 1, 2, 3)
    assert line(list(tune.melody))[:15] == "12:67:4 16:60:1"


def test_two_short_bars_round_a_repeat_make_a_whole_one():
    (tune,) = tunes_of(abc("C4 | D4 | E4 | F3 :: G | A4 | B4 | c4 |"))
    assert len(tune.places) == 7
    assert line(list(tune.melody)).split()[3:5] == ["48:65:12", "60:67:4"]


def test_a_section_begins_a_new_phrase():
    (tune,) = tunes_of(abc("C4 | D4 | E4 :| F4 | G4 |"))
    assert tune.places == (0, 1, 2, 0, 1)


def test_music_off_the_meter_is_left_out():
    assert list(tunes_of(abc("C4 | D4 | E5 | F4 | G4 | A4"))) == []


def test_the_highest_line_leaves_out_what_lies_under_a_long_note():
    notes = [Note(0, 72, 960), Note(0, 60, 240), Note(480, 64, 240), Note(960, 65, 960), Note(1200, 71, 480)]
    assert line(highest_line(notes)) == "0:72:4 4:65:1 5:71:2"
    assert line(lowest_line(notes)) == "0:60:1 2:64:1 4:65:4"


# --- charts

BILLBOARD = """# title: A Song
# artist: A Band
# metre: 4/4
# tonic: A

0.0	silence
1.0	A, intro, | A:maj | E:min7 A:7/b7 |, (guitar)
5.0	| (2/4) D:maj | N | x2, voice)
9.0	B, verse, | D:sus4(b7) . A:hdim7 A:maj(9) | . |
13.0	end
"""


def test_billboard(tmp_path):
    file = tmp_path / "1" / "salami_chords.txt"
    file.parent.mkdir()
    file.write_text(BILLBOARD)
    score = read_charts.billboard(file)
    assert chart(score.chords) == "A*4 Em7*2 A7/G*2 D*2 None*4 D*2 None*4 Dsus4*1 Dsus4*1 Am7b5*1 A*1 A*4"
    assert [bar.opens for bar in score.bars] == [True, False, False, False, False, False, True, False]
    assert (score.name, score.key, score.bpm) == ("A Song / A Band", Key(9), 180.0)


@pytest.mark.parametrize("label", ["H:maj", "C:blues", "C:maj/q"])
def test_labels_that_are_not_harte_are_nonsense(label):
    with pytest.raises(Nonsense):
        read_charts.harte(label)


@pytest.mark.parametrize(
    ("label", "symbol"),
    [
        ("C-7", "Cm7"),
        ("Ebj7911#", "Ebmaj7"),
        ("Bbsus79/F", "Bbsus4/F"),
        ("C+79", "C7"),
        ("Do7", "Ddim7"),
        ("G-7b5", "Gm7b5"),
        ("NC", "None"),
        ("", "None"),
    ],
)
def test_weimar_labels(label, symbol):
    assert str(read_charts.weimar_chord(label)) == symbol


def test_progressions(tmp_path):
    file = tmp_path / "progressions.tsv"
    file.write_text("mode\tprogression\tmoods\nmajor\tI vi7 V7 bVIIM\tGlad\nminor\ti VI IM-5\tSad\n")
    good, bad = read_charts.progressions(file)
    assert isinstance(good, Score)
    assert chart(good.chords[:4]) == "C*4 Am7*4 G7*4 Bb*4"
    assert "IM-5" in str(bad)


# --- MusicXML and kern

XML = """<score-partwise><part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>2</divisions><key><fifths>-1</fifths></key>
<time><beats>2</beats><beat-type>4</beat-type></time></attributes><direction><sound tempo="90"/></direction>
<note><pitch><step>C</step><alter>1</alter><octave>4</octave></pitch><duration>2</duration></note>
<note><chord/><pitch><step>E</step><octave>4</octave></pitch><duration>2</duration></note>
<note><grace/><pitch><step>A</step><octave>5</octave></pitch></note>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>2</duration><tie type="start"/></note>
<backup><duration>4</duration></backup>
<note><pitch><step>C</step><octave>3</octave></pitch><duration>4</duration><staff>2</staff></note></measure>
<measure number="2"><note><pitch><step>G</step><octave>4</octave></pitch><duration>1</duration><tie type="stop"/></note>
<note><rest/><duration>3</duration></note></measure></part></score-partwise>"""


def test_musicxml(tmp_path):
    file = tmp_path / "a.musicxml"
    file.write_text(XML)
    sheet = read_musicxml.read_sheet(file)
    (part,) = sheet.parts
    assert line(part.staves[1]) == "0:61:4 0:64:4 4:67:6"
    assert line(part.staves[2]) == "0:48:8"
    assert [(bar.start, bar.length, str(bar.meter), bar.fifths) for bar in sheet.bars] == [
        (0, 1920, "2/4", -1),
        (1920, 1920, "2/4", -1),
    ]
    assert sheet.bpm == 90


@pytest.mark.parametrize("text", ["", "<a>", "<score-partwise/>"])
def test_xml_without_music_is_nonsense(tmp_path, text):
    file = tmp_path / "a.musicxml"
    file.write_text(text)
    with pytest.raises(Nonsense):
        read_musicxml.read_sheet(file)


def kern(tmp_path: Path, *rows: str) -> read_kern.Kern:
    file = tmp_path / "a.krn"
    file.write_text("\n".join(row.replace(" | ", "\t") for row in rows) + "\n")
    return read_kern.read_kern(file)


def test_kern(tmp_path):
    found = kern(
        tmp_path,
        "!!!OTL: a remark",
        "**kern | **dynam | **kern",
        "*M3/4 | * | *M3/4",
        "*k[b-] | * | *k[b-]",
        "*d: | * | *d:",
        "*MM96 | * | *",
        "=1 | =1 | =1",
        "4.D/ 4.FF | p | [4dd",
        ". | . | 16qe",
        ". | . | 8dd]",
        "8r | . | 8cc#",
        "* | * | *^",
        "4C | . | 4b- | 8g",
        ". | . | . | 8f",
        "= | = | = | =",
        "* | * | *v | *v",
        "2.C | . | 3%2a",
        "*- | *- | *-",
    )
    assert line(found.parts[0]) == "0:50:6 0:41:6 8:48:4 12:48:12"
    assert line(sorted(found.parts[1])) == "0:74:6 6:73:2 8:67:2 8:70:4 10:65:2 12:69:10.6667"
    assert [(bar.start, bar.length) for bar in found.bars] == [(0, 2880), (2880, 2880)]
    assert (found.key, found.bpm, found.bars[0].fifths) == (Key(2, True), 96, -1)


def test_kern_with_broken_columns_is_nonsense(tmp_path):
    with pytest.raises(Nonsense):
        kern(tmp_path, "**kern | **kern", "4c", "*- | *-")
    with pytest.raises(Nonsense):
        kern(tmp_path, "**text", "la", "*-")
