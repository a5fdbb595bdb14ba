"""Keys name notes as they are written in them."""

import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import parse_chord
from jamlink.music.key import Key, parse_key


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("C", "C Db D Eb E F F# G Ab A Bb B"),
        ("G", "C C# D Eb E F F# G Ab A Bb B"),
        ("Eb", "C Db D Eb E F Gb G Ab A Bb B"),
        ("Em", "C C# D D# E F F# G G# A A# B"),
        ("Am", "C C# D D# E F F# G G# A Bb B"),
    ],
)
def test_a_key_spells_the_twelve_notes(key, names):
    spelled = [parse_key(key).name(pitch_class) for pitch_class in range(12)]
    assert spelled == names.split()


def test_borrowed_chords_are_written_as_musicians_write_them():
    assert parse_chord("D#maj7").symbol_in(Key(7)) == "Ebmaj7"
    assert parse_chord("B/Eb").symbol_in(Key(4, minor=True)) == "B/D#"


@pytest.mark.parametrize("text", ["G", "Gm", "g minor", "Bb major", "f#m"])
def test_a_printed_key_reads_back(text):
    key = parse_key(text)
    assert parse_key(str(key)) == key


@pytest.mark.parametrize("text", ["", "H", "G dorian", "7"])
def test_what_is_no_key_is_refused_in_a_sentence(text):
    with pytest.raises(Nonsense, match="is not a key"):
        parse_key(text)
