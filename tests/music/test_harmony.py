"""Progressions stay in their key until they are coloured, end in a cadence, and keep their time whatever is done to them."""

import itertools
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, Quality, parse_chord
from jamlink.music.harmony import (
    CADENCES,
    COLOURS,
    MAJOR_DEGREES,
    MAJOR_MOVES,
    MINOR_DEGREES,
    MINOR_MOVES,
    coloured,
    joined,
    laid_out,
    progression,
    with_sevenths,
)
from jamlink.music.key import Key, parse_key
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

keys = st.builds(Key, st.integers(0, 11), st.booleans())
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
meters = st.sampled_from(KNOWN_METERS).map(lambda numbers: Meter(*numbers))
shares = st.floats(0, 1)
BAR = COMMON_TIME.bar_ticks
C = parse_key("C")


def anything(i, chord):
    return 1.0


def spans_of(found, meter=COMMON_TIME):
    return [ChordSpan(meter.bar_start(i), meter.bar_ticks, chord) for i, chord in enumerate(found)]


def assert_covers(spans, start, end):
    assert (spans[0].onset, spans[-1].end) == (start, end)
    assert all(a.end == b.onset and a.duration > 0 for a, b in itertools.pairwise(spans))


@given(keys, st.integers(1, 16), st.one_of(st.none(), chords), shares, shares, st.integers(0, 999))
def test_a_plain_progression_has_chords_of_the_key_alone(key, count, last, boldness, brightness, seed):
    found = progression(key, count, last, boldness, brightness, anything, random.Random(seed))
    leading = {(key.tonic + 11) % 12} if key.minor else set()
    assert len(found) == count
    assert all(chord.pitch_classes <= key.scale | leading for chord in found)
    assert found == progression(key, count, last, boldness, brightness, anything, random.Random(seed))


@given(keys, st.integers(3, 8), st.integers(0, 99))
def test_a_progression_ends_in_a_cadence(key, count, seed):
    found = progression(key, count, None, 0.0, 0.5, anything, random.Random(seed))
    degrees = MINOR_DEGREES if key.minor else MAJOR_DEGREES
    ends = [[Chord((key.tonic + degrees[n][0]) % 12, degrees[n][1]) for n in both[key.minor]] for both, _ in CADENCES]
    assert found[-2:] in ends


def test_a_dominant_wants_to_go_home():
    firsts = [progression(C, 4, parse_chord("G"), 0.0, 0.5, anything, random.Random(s))[0] for s in range(200)]
    assert fmean(chord == parse_chord("C") for chord in firsts) > 0.35


def test_what_suits_the_player_is_chosen_more_often():
    def likes_minor(i, chord):
        return 8.0 if chord == parse_chord("Am") else 1.0

    def share(fit):
        found = [progression(C, 4, None, 0.0, 0.5, fit, random.Random(s))[:2] for s in range(100)]
        return fmean(parse_chord("Am") in chords for chords in found)

    assert share(likes_minor) > share(anything) + 0.3


@pytest.mark.parametrize(("moves", "degrees"), [(MAJOR_MOVES, MAJOR_DEGREES), (MINOR_MOVES, MINOR_DEGREES)])
def test_every_degree_leads_somewhere_and_somewhere_known(moves, degrees):
    assert set(moves) == set(degrees)
    assert all(targets and set(targets) <= set(degrees) for targets in moves.values())


@given(st.lists(chords, min_size=1, max_size=8), keys, meters, shares, shares, st.integers(0, 99))
def test_colours_keep_the_time(found, key, meter, boldness, brightness, seed):
    spans = spans_of(found, meter)
    after = coloured(spans, key, meter, boldness, brightness, random.Random(seed))
    assert_covers(after, spans[0].onset, spans[-1].end)
    assert all(span.onset % meter.beat_ticks == 0 for span in after)


@given(st.lists(chords, min_size=1, max_size=8), keys)
def test_without_boldness_nothing_is_coloured(found, key):
    spans = spans_of(found)
    assert coloured(spans, key, COMMON_TIME, 0.0, 0.5, random.Random(1)) == spans


def changed(name, i=0, symbols=("Dm", "C", "F", "G"), key="C"):
    colour = next(c for c in COLOURS if c.name == name)
    found = colour.change(spans_of([parse_chord(s) for s in symbols]), i, parse_key(key), COMMON_TIME)
    return None if found is None else [(str(span.chord), span.duration / BAR) for span in found]


@pytest.mark.parametrize(
    ("name", "i", "becomes"),
    [
        ("relative", 1, [("Am", 1)]),
        ("suspended", 3, [("Gsus4", 1)]),
        ("suspended", 0, None),
        ("dominant", 0, [("G7", 1)]),
        ("dominant", 3, [("A7", 1)]),
        ("two-five", 0, [("Dm7", 0.5), ("G7", 0.5)]),
        ("two-five", 3, [("Em7b5", 0.5), ("A7", 0.5)]),
        ("borrowed", 2, [("Fm", 1)]),
        ("diminished", 2, [("F", 0.5), ("Gbdim7", 0.5)]),
        ("tritone", 0, [("Db7", 1)]),
        ("mediant", 1, [("Emaj7", 1)]),
    ],
)
def test_each_colour_is_what_the_book_says(name, i, becomes):
    assert changed(name, i) == becomes


def test_colours_go_from_the_usual_to_the_far():
    assert [c.boldness for c in COLOURS] == sorted(c.boldness for c in COLOURS)
    assert all(0 < c.boldness < 1 for c in COLOURS)


def test_sevenths_are_those_of_the_key():
    found = with_sevenths(spans_of([parse_chord(s) for s in ("C", "Dm", "G", "Bdim", "Fsus4")]), C)
    assert [str(span.chord) for span in found] == ["Cmaj7", "Dm7", "G7", "Bm7b5", "Fsus4"]
    minor = with_sevenths(spans_of([parse_chord(s) for s in ("Am", "E", "F")]), parse_key("Am"))
    assert [str(span.chord) for span in minor] == ["Am7", "E7", "Fmaj7"]


@given(st.lists(st.sampled_from([None, parse_chord("C"), Chord(0, Quality.MINOR)]), min_size=1, max_size=9))
def test_joined_spans_cover_the_same_time_without_repeating(found):
    spans = joined(spans_of(found))
    assert_covers(spans, 0, len(found) * BAR)
    assert all(a.chord != b.chord for a, b in itertools.pairwise(spans))
    assert joined(spans) == spans


@given(meters, st.sampled_from([1, 2, 4, 8]), st.floats(0.2, 4))
def test_places_for_chords_fill_the_bars_on_beats(meter, bars, per_bar):
    places = laid_out(meter, bars, per_bar)
    assert_covers([ChordSpan(on, length, None) for on, length in places], 0, Ticks(bars * meter.bar_ticks))
    assert all(on % meter.beat_ticks == 0 for on, _ in places)
    assert len(places) <= len(laid_out(meter, bars, 4.0))
