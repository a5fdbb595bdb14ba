"""Whatever was played is written so that every bar is full and every sign is one that a musician can read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.notation import SIXTEENTH, TRIPLET, TRIPLET_VALUES, VALUES, bars_until, written
from jamlink.music.note import Note
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

FOUR = Meter(4, 4)
NOTES = st.lists(
    st.builds(
        lambda onset, pitch, length: Note(Ticks(onset), pitch, Ticks(length)),
        st.integers(0, 20_000),
        st.integers(40, 80),
        st.integers(1, 9_000),
    ),
    max_size=40,
)


def write(*notes, meter=FOUR, bars=1):
    page = bars_until(Ticks(bars * meter.bar_ticks), [(Ticks(0), meter)])
    return written([Note(Ticks(onset), pitch, Ticks(length)) for onset, pitch, length in notes], page)


def said(signs):
    """ "quarter." for a dotted quarter, "-" in front of a rest, "~" behind what is tied to the next, "3" for triplets."""
    return [
        f"{'' if s.pitches else '-'}{s.name}{'.' * s.dots}{'3' if s.triplet else ''}{'~' if s.tied_to else ''}"
        for s in signs
    ]


@given(NOTES, st.sampled_from(KNOWN_METERS))
def test_every_bar_is_full_of_signs_that_can_be_written(notes, meter):
    bars = bars_until(Ticks(30_000), [(Ticks(0), Meter(*meter))])
    for bar, signs in zip(bars, written(notes, bars), strict=True):
        assert signs[0].onset == 0
        assert all(a.onset + a.ticks == b.onset for a, b in pairwise(signs))
        assert signs[-1].onset + signs[-1].ticks == bar.meter.bar_ticks
        for sign in signs:
            values = TRIPLET_VALUES if sign.triplet else VALUES
            whole_rest = not sign.pitches and len(signs) == 1
            assert whole_rest or values[sign.ticks] == (sign.name, sign.dots)


@given(NOTES, st.sampled_from(KNOWN_METERS))
def test_a_tie_leads_to_the_same_notes_and_only_there(notes, meter):
    bars = bars_until(Ticks(40_000), [(Ticks(0), Meter(*meter))])
    signs = [sign for bar in written(notes, bars) for sign in bar]
    for a, b in pairwise(signs):
        assert a.tied_to == b.tied_from
        assert not a.tied_to or a.pitches == b.pitches


@given(NOTES, st.sampled_from(KNOWN_METERS))
def test_every_pitch_that_was_played_is_written_within_a_step_of_where_it_was_played(notes, meter):
    bars = bars_until(Ticks(40_000), [(Ticks(0), Meter(*meter))])
    begun = {
        (bar.start + sign.onset, pitch)
        for bar, signs in zip(bars, written(notes, bars), strict=True)
        for sign in signs
        if not sign.tied_from
        for pitch in sign.pitches
    }
    for note in notes:
        assert any(pitch == note.pitch and abs(at - note.onset) <= TRIPLET // 2 for at, pitch in begun)


@given(NOTES)
def test_the_signs_of_a_triplet_beat_fill_it_from_first_to_last(notes):
    bars = bars_until(Ticks(30_000), [(Ticks(0), FOUR)])
    for signs in written(notes, bars):
        inside = False
        for sign in signs:
            assert inside == (sign.triplet and not sign.first)
            inside = sign.triplet and not sign.last
        assert not inside


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([(0, 60, 960), (960, 62, 960), (1920, 64, 1920)], ["quarter", "quarter", "half"]),
        ([(0, 60, 3840)], ["whole"]),
        ([(0, 60, 1440), (1440, 62, 480), (1920, 64, 1900)], ["quarter~", "eighth", "eighth", "half"]),
        ([(0, 60, 300), (320, 62, 300), (640, 64, 300), (960, 60, 2880)], ["eighth3", "eighth3", "eighth3", "half."]),
        ([(0, 60, 640), (640, 62, 320), (960, 64, 2880)], ["quarter3", "eighth3", "half."]),
        ([(5, 60, 200), (243, 62, 230), (470, 64, 250), (730, 65, 200)], ["16th"] * 4 + ["-half."]),
        ([(960, 60, 900)], ["-quarter", "quarter", "-half"]),
        ([], ["-whole"]),
    ],
)
def test_what_is_played_reads_as_a_musician_would_write_it(notes, expected):
    (signs,) = write(*notes)
    assert said(signs) == expected


def test_what_begins_together_is_a_chord_and_what_is_held_under_the_next_ends_there():
    (signs,) = write((0, 60, 3800), (12, 64, 1900), (1920, 67, 1920))
    assert [(sign.pitches, sign.name) for sign in signs] == [((60, 64), "half"), ((67,), "half")]


def test_a_note_over_the_bar_line_is_tied():
    first, second = write((2880, 60, 1920), bars=2)
    assert said(first) == ["-half.", "quarter~"]
    assert said(second)[0] == "quarter"
    assert second[0].tied_from


def test_a_compound_beat_is_a_dotted_quarter():
    (signs,) = write((0, 60, 1440), (1440, 62, 1440), meter=Meter(6, 8))
    assert said(signs) == ["quarter.", "quarter."]


def test_a_short_gap_is_the_way_it_was_played_and_no_rest():
    (signs,) = write((0, 60, 500), (960, 62, 600), (1920, 64, 1100))
    assert said(signs) == ["quarter", "quarter", "quarter", "-quarter"]


def test_the_page_follows_its_meters():
    bars = bars_until(Ticks(8_000), [(Ticks(0), FOUR), (Ticks(3840), Meter(3, 4))])
    assert [(bar.start, str(bar.meter)) for bar in bars] == [(0, "4/4"), (3840, "3/4"), (6720, "3/4")]
    assert bars[0].end == SIXTEENTH * 16
