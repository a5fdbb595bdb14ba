"""Letters for two metres: every chord word has them, they fit, and promised and provisional differ by shape."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.chord import NO_CHORD, QUALITIES, Chord
from jamlink.view.big import big_chord

CHORDS = [Chord(root, quality) for root in range(12) for quality in QUALITIES]
SYMBOLS = [NO_CHORD, *(chord.symbol(flats=flats) for chord in CHORDS for flats in (True, False))]
SLASHED = [f"{symbol}/{bass}" for symbol in SYMBOLS[1:] for bass in ("C", "F#", "Bb")]

AT_80_COLUMNS = (33, 7)
"""What the next chord gets on the smallest stage."""


def is_drawn(lines):
    return set("".join(lines)) <= set(" ▀▄█⠛⣤⣿")


def test_every_chord_word_is_drawn_in_letters_on_the_smallest_stage():
    assert [s for s in SYMBOLS + SLASHED if not is_drawn(big_chord(s, *AT_80_COLUMNS, solid=True))] == []


def test_different_chords_look_different():
    drawn = {big_chord(symbol, *AT_80_COLUMNS, solid=True) for symbol in SYMBOLS + SLASHED}
    assert len(drawn) == len(set(SYMBOLS + SLASHED))


@given(st.sampled_from(SYMBOLS + SLASHED) | st.text(max_size=12), st.integers(1, 80), st.integers(1, 20), st.booleans())
def test_letters_fit_whatever_room_there_is(symbol, width, rows, solid):
    lines = big_chord(symbol, width, rows, solid=solid)
    assert len(lines) == rows
    assert max(map(len, lines)) <= width


@given(st.sampled_from(SYMBOLS + SLASHED), st.integers(5, 100), st.integers(2, 20))
def test_more_room_never_makes_letters_lower(symbol, width, rows):
    def height(width, rows):
        lines = big_chord(symbol, width, rows, solid=True)
        return sum(bool(line.strip()) for line in lines) if is_drawn(lines) else 0

    assert height(width, rows) <= height(width + 10, rows) <= height(width + 10, rows + 3)


@given(st.sampled_from(SYMBOLS + SLASHED))
def test_an_idea_has_the_shape_of_a_promise_in_dots(symbol):
    solid, dotted = (big_chord(symbol, *AT_80_COLUMNS, solid=solid) for solid in (True, False))
    assert tuple(line.translate(str.maketrans("▀▄█", "⠛⣤⣿")) for line in solid) == dotted


def test_what_has_no_letters_is_written_plainly_and_in_brackets_while_it_is_an_idea():
    assert [line.strip() for line in big_chord("H7", 20, 3, solid=True)] == ["", "H7", ""]
    assert [line.strip() for line in big_chord("H7", 20, 3, solid=False)] == ["", "(H7)", ""]


def test_a_lead_sheet_symbol_has_its_quality_above_and_its_bass_below():
    assert [line.rstrip() for line in big_chord("F#m7b5/C", 33, 7, solid=True)] == [
        "██████████   █ █   ▄▄▄▀ ▀▀▀█",
        "██          ▀█▀█▀ █ █ █   ▄▀",
        "██          ▀█▀█▀ ▄▀▀▀   ▄▀",
        "████████     ▀ █  ▄▄▄    ▀",
        "██            ▄▀ █   ▀",
        "██           ▄▀  █",
        "██          █    ▀▄▄▄▀",
    ]
