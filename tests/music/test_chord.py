"""Chord symbols: printing and reading are inverse, and the symbols musicians write are read as they mean them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.music.chord import QUALITIES, Chord, Quality, parse_chord

chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES), st.integers(0, 11))


@given(chords, st.booleans())
def test_a_printed_chord_reads_back(chord, flats):
    assert parse_chord(chord.symbol(flats=flats)) == chord


@given(chords, st.integers(-24, 24))
def test_transposing_there_and_back_is_nothing(chord, by):
    assert chord.transposed(by).transposed(-by) == chord


@pytest.mark.parametrize(
    ("text", "root", "quality"),
    [
        ("C", 0, Quality.MAJOR),
        ("Cmin", 0, Quality.MINOR),
        ("C-7", 0, Quality.MINOR_7),
        ("Cj7", 0, Quality.MAJOR_7),
        ("CΔ", 0, Quality.MAJOR_7),
        ("CM9", 0, Quality.MAJOR_7),
        ("F#ø", 6, Quality.HALF_DIMINISHED),
        ("Bbm7b5", 10, Quality.HALF_DIMINISHED),
        ("Eo7", 4, Quality.DIMINISHED_7),
        ("G7#5", 7, Quality.DOMINANT_7),
        ("G13", 7, Quality.DOMINANT_7),
        ("G7(b9,#11)", 7, Quality.DOMINANT_7),
        ("G7alt", 7, Quality.DOMINANT_7),
        ("G9sus4", 7, Quality.SUS4),
        ("A6/9", 9, Quality.MAJOR_6),
        ("Dm(maj7)", 2, Quality.MINOR_MAJOR_7),
        ("Dadd9", 2, Quality.MAJOR),
    ],
)
def test_symbols_are_read_as_musicians_mean_them(text, root, quality):
    assert parse_chord(text) == Chord(root, quality)


@pytest.mark.parametrize("text", ["", "H", "Cfoo", "Cm7zz", "hello", "7"])
def test_what_is_no_chord_is_refused_in_a_sentence(text):
    with pytest.raises(Nonsense, match=r"is not a chord.*\. \w+"):
        parse_chord(text)


def test_no_chord_is_none():
    assert parse_chord("N.C.") is None
