"""Roman numerals of people become the chords they sound as, where they sound."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import parse_chord
from jamlink.music.key import parse_key
from jamlink.training.read_analysis import chart_of, numeral, read_analysis, read_harm, spans_on
from jamlink.training.tune import Bar

NUMERALS = [
    ("I", "C", "C"), ("V7", "C", "G7"), ("V65", "C", "G7/B"), ("V43", "C", "G7/D"), ("V42", "C", "G7/F"),
    ("V2", "C", "G7/F"), ("ii6", "C", "Dm/F"), ("I64", "C", "C/G"), ("IV7", "C", "Fmaj7"), ("vi7", "C", "Am7"),
    ("viio7", "Am", "G#dim7"), ("viio6", "C", "Bdim/D"), ("iiø65", "Cm", "Dm7b5/F"), ("viiø7/V", "C", "F#m7b5"),
    ("V7/ii", "C", "A7"), ("V65/V", "Eb", "F7/A"), ("VI", "Am", "F"), ("bVI", "Am", "F"), ("#viio7", "Am", "G#dim7"),
    ("VII", "Am", "G"), ("VII7", "Am", "G7"), ("III+6", "Am", "Caug/E"), ("bII6", "C", "Db/F"), ("N6", "Am", "Bb/D"),
    ("Ger65", "C", "Ab7"), ("It6", "Am", "F7"), ("Cad64", "F", "F/C"), ("V54", "C", "Gsus4"), ("V9", "C", "G7"),
    ("V[no3]", "C", "G"), ("i7", "Am", "Am7"), ("V7/bVI", "C", "Eb7"), ("V6/4", "C", "G/D"),
    # **harm: letters are inversions, D7 and m7 the sevenths of diminished triads
    ("iib", "C", "Dm/F"), ("V7d", "C", "G7/F"), ("Ic", "C", "C/G"), ("viioD7", "Am", "G#dim7"), ("Cc", "C", "C/G"),
    ("viiom7b", "C", "Bm7b5/D"), ("V7c/IV", "C", "C7/G"), ("-VI", "C", "Ab"), ("Cc/V", "C", "G/D"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "key", "chord"), NUMERALS)
def test_a_numeral_is_the_chord_it_sounds_as(text, key, chord):
    assert numeral(text, parse_key(key)) == parse_chord(chord)


@pytest.mark.parametrize("text", ["", "=", "o7", "H7", "8", "VIIII", "V/", "||"])
def test_what_is_no_numeral_is_nonsense(text):
    with pytest.raises(Nonsense, match="no Roman numeral"):
        numeral(text, parse_key("C"))


SONG = """Composer: Nobody
Time Signature: 6/8

m0 b2 G: V
m1 I b2.66 V65
m2 I || b2 D: IV
Form: Verse
m4 V7 b2 NC
m5-6 = m1-2
Time Signature: 2/4
m7 e: i b1.5 V7
m7var1 VI
"""


def test_measures_beats_keys_copies_and_silences_are_read(tmp_path):
    path = tmp_path / "analysis.txt"
    path.write_text(SONG)
    found = read_analysis(path)
    said = [
        (c.measure, found.tick_in_bar(c), str(c.chord) if c.chord else "-", str(c.key).split()[0])
        for c in found.changes
    ]
    assert said == [
        (0, 1440, "D", "G"), (1, 0, "G", "G"), (1, 2400, "D7/Gb", "G"), (2, 0, "G", "G"), (2, 1440, "G", "D"),
        (4, 0, "A7", "D"), (4, 1440, "-", "D"), (5, 0, "G", "G"), (5, 2400, "D7/Gb", "G"), (6, 0, "G", "G"),
        (6, 1440, "G", "D"), (7, 0, "Em", "E"), (7, 480, "B7", "E"),
    ]  # fmt: skip
    assert (found.last, str(found.meter_at(6)), str(found.meter_at(7))) == (7, "6/8", "2/4")


def test_chords_lie_on_the_bars_of_the_score_from_its_pickup_on(tmp_path):
    path = tmp_path / "analysis.txt"
    path.write_text(SONG)
    found = read_analysis(path)
    meter = found.meter_at(1)
    bars = [Bar(0, 1440, meter), *(Bar(1440 + i * 2880, 2880, meter) for i in range(6))]
    spans = spans_on(found, bars)
    assert [(span.onset, str(span.chord)) for span in spans[:3]] == [(0, "D"), (1440, "G"), (3840, "D7/Gb")]
    assert spans[-1].end == bars[-1].start + bars[-1].length
    assert all(a.end == b.onset for a, b in pairwise(spans))


def test_an_analysis_alone_is_a_chart(tmp_path):
    path = tmp_path / "analysis.txt"
    path.write_text(SONG)
    score = chart_of(read_analysis(path), "song", "song")
    assert [bar.length for bar in score.bars] == [2880] * 6 + [1920]
    assert (str(score.chords[0].chord), score.chords[0].onset) == ("G", 0)
    assert score.chords[-1].end == 6 * 2880 + 1920


@pytest.mark.parametrize("text", ["", "Composer: me\n", "Time Signature: 11/16\nm1 C: I\n", "m1 C: what\n"])
def test_a_file_without_numerals_is_nonsense(tmp_path, text):
    path = tmp_path / "analysis.txt"
    path.write_text(text)
    with pytest.raises(Nonsense):
        read_analysis(path)


HARM = """**function\t**harm\t**kern\t**kern
*M2/4\t*M2/4\t*M2/4\t*M2/4
*C:\t*C:\t*C:\t*C:
=1\t=1\t=1\t=1
2T\t2I\t2C\t4e 4g
.\t.\t.\t4g
=2\t=2\t=2\t=2
4D\t4V7b\t4BB\t4g
*\t*\t*\t*^
*a:\t*a:\t*a:\t*a:\t*a:
4T\t4i\t4AA\t4a\t4c
=3\t=3\t=3\t=3\t=3
4T\t4?\t4AA\t4a\t4c
4T\t4r\t4AA\t4a\t4c
*-\t*-\t*-\t*-\t*-
"""


def test_numerals_beside_notes_are_read_with_their_moments(tmp_path):
    path = tmp_path / "a.krn"
    path.write_text(HARM)
    kern, spans = read_harm(path)
    assert [(span.onset, str(span.chord)) for span in spans] == [
        (0, "C"), (1920, "G7/B"), (2880, "Am"), (3840, "None"), (4800, "None")
    ]  # fmt: skip
    assert [bar.length for bar in kern.bars] == [1920] * 3
    assert len(kern.parts) == 2


def test_no_damage_to_an_analysis_is_anything_but_nonsense(tmp_path):
    rng = random.Random(7)
    for i in range(200):
        for text, read, name in ((SONG, read_analysis, "a.txt"), (HARM, read_harm, "a.krn")):
            letters = list(text)
            for _ in range(rng.randrange(1, 6)):
                letters[rng.randrange(len(letters))] = chr(rng.randrange(32, 256))
            path: Path = tmp_path / f"{i}{name}"
            path.write_text("".join(letters))
            try:
                read(path)
            except Nonsense:
                continue
