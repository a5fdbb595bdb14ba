"""Edits keep an idea whole: same span, no gaps, the bass under its chord."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.music.chord import QUALITIES, Chord, ChordSpan, parse_chord
from jamlink.music.edit import Content, invert, simplify, transpose, with_chord
from jamlink.music.note import Note
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks

BAR = 3840


@st.composite
def contents(draw):
    chords = draw(st.lists(st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES)), min_size=1, max_size=8))
    length = BAR * 4 // len(chords)
    spans = tuple(ChordSpan(Ticks(i * length), Ticks(length), c) for i, c in enumerate(chords))
    bass = tuple(Note(s.onset, 36 + s.chord.bass, s.duration) for s in spans)
    onsets = draw(st.lists(st.integers(0, 63), unique=True, max_size=30))
    melody = tuple(Note(Ticks(o * 240), draw(st.integers(55, 85)), Ticks(240)) for o in sorted(onsets))
    return Content(spans, melody, bass)


@given(contents(), st.integers(-11, 11))
def test_transposing_there_and_back_is_nothing(content, by):
    assert transpose(transpose(content, by), -by) == content


@given(contents())
def test_turning_a_chord_over_comes_round(content):
    turned = content
    for _ in range(12):
        turned = invert(turned)
    assert turned.chords == content.chords


@given(contents())
def test_the_bass_line_plays_the_bass_of_the_inversion(content):
    turned = invert(content)
    for span, note in zip(turned.chords, turned.bass, strict=True):
        assert note.pitch % 12 == span.chord.bass
        assert abs(note.pitch - (36 + 6)) <= 18


@given(contents())
def test_simplifying_covers_the_same_bars_with_less(content):
    plain = simplify(content, COMMON_TIME)
    assert plain.chords[0].onset == content.chords[0].onset
    assert plain.chords[-1].end == content.chords[-1].end
    assert all(a.end == b.onset for a, b in zip(plain.chords, plain.chords[1:], strict=False))
    assert len(plain.melody) <= len(content.melody)
    assert len(plain.bass) <= len(content.bass)
    assert all(len(span.chord.quality.intervals) == 3 for span in plain.chords)
    assert simplify(plain, COMMON_TIME).chords == plain.chords


@given(contents(), st.data())
def test_a_chord_is_replaced_in_its_place_alone(content, data):
    index = data.draw(st.integers(0, len(content.chords) - 1))
    new = with_chord(content, index, parse_chord("F#m7"))
    for i, (before, after) in enumerate(zip(content.chords, new.chords, strict=True)):
        assert after.chord == (parse_chord("F#m7") if i == index else before.chord)
        assert (after.onset, after.duration) == (before.onset, before.duration)


@given(contents())
def test_a_melody_alone_is_turned_upside_down_in_its_rhythm(content):
    melody = content.melody
    turned = invert(Content((), melody, ())).melody
    assert [(n.onset, n.duration, n.velocity) for n in turned] == [(n.onset, n.duration, n.velocity) for n in melody]
    for (a, b), (x, y) in zip(pairwise(melody), pairwise(turned), strict=True):
        assert (b.pitch - a.pitch) * (y.pitch - x.pitch) <= 0
        assert abs(abs(b.pitch - a.pitch) - abs(y.pitch - x.pitch)) <= 3


def test_a_scale_upside_down_is_the_scale_downwards():
    scale = tuple(Note(Ticks(i * 480), p, Ticks(480)) for i, p in enumerate((60, 62, 64, 65, 67, 69, 71, 72)))
    assert [n.pitch for n in invert(Content((), scale, ())).melody] == [72, 71, 69, 67, 65, 64, 62, 60]


def test_a_place_that_is_not_there_is_said():
    content = Content((ChordSpan(Ticks(0), Ticks(BAR), parse_chord("C")),), (), ())
    with pytest.raises(Nonsense, match=r"no chord 3.*Choose 1 to 1"):
        with_chord(content, 2, None)
