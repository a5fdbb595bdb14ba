"""Pitches and their names. A pitch is a MIDI note number, 0 to 127; middle C is 60 and is written C4."""

from __future__ import annotations

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

LOWEST_PIANO_PITCH = 21
HIGHEST_PIANO_PITCH = 108

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "♯": 1, "b": -1, "♭": -1, "x": 2, "𝄪": 2}


def pitch_class_name(pitch_class: int, *, flats: bool = True) -> str:
    """The name of pitch class 0 to 11."""
    return (FLAT_NAMES if flats else SHARP_NAMES)[pitch_class % 12]


def pitch_name(pitch: int, *, flats: bool = True) -> str:
    """The name of a pitch with its octave: 60 is C4."""
    return f"{pitch_class_name(pitch, flats=flats)}{pitch // 12 - 1}"


def parse_pitch_class(text: str) -> tuple[int, str] | None:
    """Read a note name at the start of `text`: its pitch class and what follows, or None if there is none."""
    if not text or text[0].upper() not in _LETTERS:
        return None
    value, rest = _LETTERS[text[0].upper()], text[1:]
    while rest and rest[0] in _ACCIDENTALS:
        value += _ACCIDENTALS[rest[0]]
        rest = rest[1:]
    return value % 12, rest
