"""What the network is told of the past is what was heard and decided, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.proposers.prompting import (
    chords_in_slot,
    highest_line,
    last_bars,
    phrase_before,
    range_around,
    words_before,
)
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.vocab import Task

BAR = COMMON_TIME.bar_ticks


def at(bar: float) -> Ticks:
    return Ticks(int(bar * BAR))


def span(start: float, end: float, name: str) -> ChordSpan:
    return ChordSpan(at(start), at(end - start), parse_chord(name))


def request(now: float, slot: float, *chords: ChordSpan, heard: tuple[Note, ...] = (), start: float = 0, **more):
    context = ContextWindow(at(start), at(now), COMMON_TIME, tempo_of_bpm(90), None, heard, chords, **more)
    bars = Slot(at(slot), 4, BAR)
    return ProposalRequest(1, bars, frozenset(Role), context, Controls(), 1, 4, Ns(0))


def shown(chords: tuple[ChordSpan, ...]) -> str:
    return " ".join(f"{c.chord}:{c.onset / BAR:g}-{c.end / BAR:g}" for c in chords)


def test_the_past_ends_where_the_slot_begins() -> None:
    phrase = phrase_before(request(4, 4, span(0, 2, "C"), span(2, 4, "F")))
    assert (phrase.places, shown(phrase.chords)) == ((0, 1, 2, 3), "C:0-2 F:2-4")


def test_a_bar_that_is_half_known_counts_and_its_chord_lasts() -> None:
    phrase = phrase_before(request(3.6, 4, span(0, 2, "C"), span(2, 3.6, "F")))
    assert (phrase.bars, shown(phrase.chords)) == (4, "C:0-2 F:2-4")
    assert phrase_before(request(3.4, 4, span(0, 2, "C"), span(2, 3.4, "F"))).bars == 3


def test_bars_of_which_nothing_is_known_are_left_out_but_places_still_count_from_the_start() -> None:
    asked = request(4, 8, span(0, 4, "C"))
    assert phrase_before(asked).places == (0, 1, 2, 3)
    words = [vocab.NAMES[i] for i in words_before(asked, Task.CHORDS, phrase_before(asked), 400)]
    assert [word for word in words if word.startswith("BAR")] == ["BAR 0", "BAR 1", "BAR 2", "BAR 3", "BAR 0"]


def test_chords_decided_up_to_the_slot_are_known_and_what_lies_beyond_is_not_the_past() -> None:
    asked = request(4, 8, span(0, 4, "C"), span(4, 10, "F"))
    assert shown(phrase_before(asked).chords) == "C:0-4 F:4-8"
    assert chords_in_slot(asked) == ()


def test_a_melody_that_breaks_off_bars_before_the_slot_is_not_told_as_a_rest() -> None:
    heard = (Note(at(0), 72, Ticks(960)), Note(at(3), 74, Ticks(960)))
    assert phrase_before(request(4, 8, span(0, 8, "C"), heard=heard)).notes == ()
    assert phrase_before(request(7.5, 8, span(0, 8, "C"), heard=heard)).notes == heard
    ours = (*heard, Note(at(7), 76, Ticks(960)))
    assert phrase_before(request(4, 8, span(0, 8, "C"), melody=ours)).notes == ours


def test_chords_that_cover_the_slot_are_known_for_it() -> None:
    assert shown(chords_in_slot(request(4, 4, span(0, 6, "C"), span(6, 12, "F")))) == "C:0-2 F:2-4"


def test_the_last_bars_are_those_nearest_to_the_slot() -> None:
    notes = tuple(Note(at(bar), 60 + bar, Ticks(100)) for bar in range(16))
    phrase = phrase_before(request(16, 16, span(0, 16, "C"), heard=notes), 4)
    assert [note.pitch for note in phrase.notes] == [72, 73, 74, 75]
    assert [note.onset for note in phrase.notes] == [at(0), at(1), at(2), at(3)]
    assert phrase.places == (4, 5, 6, 7)
    assert last_bars(phrase, 2) == phrase_before(request(16, 16, span(0, 16, "C"), heard=notes), 2)


def test_nothing_before_the_start_of_the_window_is_made_up() -> None:
    assert phrase_before(request(6, 6, span(4, 6, "C"), start=4)).places == (4, 5)
    assert phrase_before(request(0, 0)).bars == 0


def test_our_own_melody_goes_on_where_there_is_one() -> None:
    ours = (Note(at(1), 80, Ticks(960)),)
    heard = (Note(at(0), 60, Ticks(960)),)
    assert phrase_before(request(4, 4, heard=heard, melody=ours)).notes == ours
    assert phrase_before(request(4, 4, heard=heard)).notes == heard


def test_a_long_past_is_shortened_until_it_fits() -> None:
    notes = tuple(Note(Ticks(i * 240), 60 + i % 12, Ticks(240)) for i in range(12 * 16))
    asked = request(12, 12, span(0, 12, "C"), heard=notes)
    phrase = phrase_before(asked)
    whole = words_before(asked, Task.LEAD, phrase, 1000)
    fitting = words_before(asked, Task.LEAD, phrase, 200)
    assert len(fitting) <= 200 < len(whole)
    tail = [i for i in fitting if vocab.group_of(i) in ("BAR", "PITCH", "RHYTHM")]
    assert [i for i in whole if vocab.group_of(i) in ("BAR", "PITCH", "RHYTHM")][-len(tail) :] == tail


@pytest.mark.parametrize(("bars", "word"), [(1, "SLOT 1"), (3, "SLOT 4"), (5, "SLOT 8"), (8, "SLOT 8")])
def test_a_slot_of_any_length_is_steered_by_the_nearest_longer_word(bars: int, word: str) -> None:
    asked = replace(request(4, 4), slot=Slot(at(4), bars, BAR))
    words = [vocab.NAMES[i] for i in words_before(asked, Task.CHORDS, phrase_before(asked), 400)]
    assert words[-2:] == [word, "DENSITY 2"], "density is always said: left unsaid, silence is answered with silence"


# -- the melody in what was heard -------------------------------------------------------------------------------------


def test_the_highest_of_notes_played_together_is_the_melody() -> None:
    chord = (Note(Ticks(0), 60, Ticks(900)), Note(Ticks(8), 64, Ticks(900)), Note(Ticks(15), 72, Ticks(900)))
    assert highest_line(chord) == (chord[2],)


def test_what_is_played_under_a_note_that_sounds_is_accompaniment() -> None:
    tune = Note(Ticks(0), 76, Ticks(3800))
    assert highest_line((tune, Note(Ticks(960), 60, Ticks(900)), Note(Ticks(1920), 64, Ticks(900)))) == (tune,)


def test_the_left_hand_is_no_melody_in_the_rests_of_the_right() -> None:
    right, left = Note(Ticks(0), 72, Ticks(400)), Note(Ticks(960), 40, Ticks(900))
    assert highest_line((right, left)) == (right,)
    assert highest_line((left,)) == (left,)


notes = st.lists(
    st.builds(Note, st.integers(0, 8000).map(Ticks), st.integers(21, 108), st.integers(1, 2000).map(Ticks)), max_size=20
)


@given(notes)
def test_the_highest_line_is_a_line_of_notes_that_were_played(played: list[Note]) -> None:
    line = highest_line(sorted(played))
    assert set(line) <= set(played)
    assert bool(line) == bool(played)
    onsets = [note.onset for note in line]
    assert onsets == sorted(onsets)


@given(notes)
def test_ideas_stay_near_what_was_heard_and_inside_a_playable_octave_at_least(played: list[Note]) -> None:
    low, high = range_around(request(4, 4, heard=tuple(sorted(played))).context, (52, 88))
    assert 48 <= low <= high - 12
    assert high <= 93
