"""The top line is one note at a time, on the grid, and straight where the player swings."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.line import on_grid, top_line, turns
from jamlink.music.note import Note
from jamlink.music.pulse import BAR_LINE, BEAT, MID_BAR, OFF_BEAT, WEAK, strength
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter, parse_meter
from jamlink.timing.units import Ticks

notes = st.lists(
    st.builds(Note, st.integers(0, 15_000).map(Ticks), st.integers(21, 108), st.integers(1, 4_000).map(Ticks)),
    max_size=40,
)
meters = st.sampled_from(KNOWN_METERS).map(lambda numbers: Meter(*numbers))


@given(notes)
def test_a_line_is_one_note_at_a_time_of_those_played(found):
    line = top_line(found)
    assert all(a.end <= b.onset for a, b in pairwise(line))
    assert all(any((n.onset, n.pitch) == (f.onset, f.pitch) and n.duration <= f.duration for f in found) for n in line)
    assert bool(line) == bool(found)


@given(notes, meters)
def test_on_the_grid_everything_is_on_sixteenths_and_stays_there(found, meter):
    line = on_grid(top_line(found), meter)
    assert all(n.onset % 240 == 0 and n.duration > 0 for n in line)
    assert all(a.end <= b.onset for a, b in pairwise(line))
    assert on_grid(line, meter) == line


def test_the_melody_is_what_lies_above_the_chords():
    left = [Note(Ticks(bar * 3840), pitch, Ticks(3840)) for bar in range(2) for pitch in (48, 52, 55)]
    right = [Note(Ticks(i * 960 + 7), 72 + i, Ticks(900)) for i in range(8)]
    assert [n.pitch for n in top_line([*left, *right])] == [72 + i for i in range(8)]


def test_a_bass_solo_is_a_line_too():
    assert [n.pitch for n in top_line([Note(Ticks(i * 960), 40 + i, Ticks(900)) for i in range(4)])] == [40, 41, 42, 43]


def test_swung_eighths_are_written_straight():
    swung = [Note(Ticks(beat * 960 + place), 72, Ticks(300)) for beat in range(8) for place in (0, 640)]
    assert [n.onset for n in on_grid(swung, COMMON_TIME)] == [i * 480 for i in range(16)]


def test_a_sixteenth_of_a_straight_player_stays_one():
    straight = [Note(Ticks(beat * 960 + place), 72, Ticks(200)) for beat in range(8) for place in (0, 480, 720)]
    assert [n.onset % 960 for n in on_grid(straight, COMMON_TIME)] == [0, 480, 720] * 8


@given(st.integers(-12, 12))
def test_a_motif_is_known_again_in_another_place(up):
    line = [Note(Ticks(i * 480), p, Ticks(400)) for i, p in enumerate((60, 64, 62, 67, 65))]
    assert list(turns([n.transposed(up).shifted(Ticks(3840)) for n in line])) == list(turns(line))


@pytest.mark.parametrize(
    ("meter", "strengths"),
    [
        ("4/4", [BAR_LINE, WEAK, OFF_BEAT, WEAK, BEAT, WEAK, OFF_BEAT, WEAK, MID_BAR]),
        ("3/4", [BAR_LINE, WEAK, OFF_BEAT, WEAK, BEAT, WEAK, OFF_BEAT, WEAK, BEAT]),
        ("6/8", [BAR_LINE, WEAK, OFF_BEAT, WEAK, OFF_BEAT, WEAK, MID_BAR, WEAK, OFF_BEAT]),
    ],
)
def test_the_bar_has_its_weights(meter, strengths):
    assert [strength(i * 240, parse_meter(meter)) for i in range(len(strengths))] == strengths
