"""The bass plays the chords' bass, leads from one to the next, and walks when driven."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.bassline import HIGHEST, LOWEST, bass_line
from jamlink.music.chord import QUALITIES, Chord, ChordSpan, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES))
meters = st.sampled_from(KNOWN_METERS).map(lambda numbers: Meter(*numbers))
keys = st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.booleans()))
C = parse_key("C")


def spans_of(found, meter=COMMON_TIME):
    return [ChordSpan(meter.bar_start(i), meter.bar_ticks, chord) for i, chord in enumerate(found)]


def played(*symbols, drive, seed=1):
    return bass_line(spans_of(map(parse_chord, symbols)), COMMON_TIME, C, drive, seed)


@given(
    st.lists(st.one_of(chords, st.none()), min_size=1, max_size=6), meters, keys, st.floats(0, 1), st.integers(0, 99)
)
def test_a_bass_is_one_line_under_its_chords(found, meter, key, drive, seed):
    spans = spans_of(found, meter)
    line = bass_line(spans, meter, key, drive, seed)
    assert line == bass_line(spans, meter, key, drive, seed)
    assert all(a.end <= b.onset for a, b in pairwise(line))
    assert all(LOWEST <= n.pitch <= HIGHEST and n.duration > 0 for n in line)
    starts = {n.onset: n.pitch % 12 for n in line}
    for span in spans:
        inside = [n for n in line if span.onset <= n.onset < span.end]
        assert all(n.end <= span.end for n in inside)
        if span.chord is None:
            assert inside == []
        else:
            assert starts[span.onset] == span.chord.bass


@given(st.lists(chords, min_size=1, max_size=4), meters, st.integers(0, 9))
def test_more_drive_never_plays_less(found, meter, seed):
    counts = [len(bass_line(spans_of(found, meter), meter, C, drive / 10, seed)) for drive in range(11)]
    assert counts == sorted(counts)
    if meter.beats > 1:
        assert counts[-1] > counts[0]


def test_calm_holds_roots():
    assert [(n.onset, n.pitch % 12, n.duration) for n in played("C", "F", drive=0.0)] == [(0, 0, 3840), (3840, 5, 3840)]


def test_driving_walks_in_quarters_and_steps_into_the_next_chord():
    for seed in range(10):
        line = played("C", "F", "G", "C", drive=0.8, seed=seed)
        assert [n.onset for n in line] == [i * 960 for i in range(16)]
        for last, first in ((line[3], line[4]), (line[7], line[8]), (line[11], line[12])):
            assert 1 <= abs(last.pitch - first.pitch) <= 2 or abs(abs(last.pitch - first.pitch) - 12) <= 2


def test_the_line_goes_on_from_where_it_was():
    low = bass_line(spans_of([parse_chord("E")]), COMMON_TIME, C, 0.0, 1, previous=28)
    high = bass_line(spans_of([parse_chord("E")]), COMMON_TIME, C, 0.0, 1, previous=52)
    assert low[0].pitch < high[0].pitch


def test_a_long_chord_is_struck_again_at_the_bar_line():
    span = [ChordSpan(Ticks(0), Ticks(2 * 3840), parse_chord("C"))]
    assert [n.onset for n in bass_line(span, COMMON_TIME, C, 0.0, 1)] == [0, 3840]
