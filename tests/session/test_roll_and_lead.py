"""What a session remembers of the music: the roll of both players, and the take bar by bar."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.actions import Action
from jamlink.midi.events import ALL_SOUND_OFF, ControlChange, NoteOff, NoteOn
from jamlink.session.effects import Out, Sent
from jamlink.session.inputs import EditNote, Heard, Repeat
from jamlink.session.roll import MOST, Roll
from jamlink.timing.units import Ns, Ticks, ms
from tests.session.test_scenarios import BASS, do, when

BAR = 3840


def play(offline, at, pitch, until):
    offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 90)))
    offline.at(until, Heard(NoteOff(until, "keys", 0, pitch)))


def notes(offline):
    return [(n["pitch"], n["tick"], n["end"], n["who"], n["role"]) for n in offline.session.state()["notes"]]


def lead(offline):
    return offline.session.state()["lead"]


# -- the roll ---------------------------------------------------------------------------------------------------------


def test_the_roll_has_both_players_with_who_made_each_note(jam):
    offline = jam(**BASS)
    play(offline, when(1, 2), 60, when(1, 3))
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.run_until(when(5))
    assert notes(offline) == [
        (60, 960, 1920, "player", ""),
        (36, 2 * BAR, 4 * BAR, "jamlink", "bass"),
    ]


def test_a_held_note_has_no_end_yet(jam):
    offline = jam()
    offline.at(when(1, 2), Heard(NoteOn(when(1, 2), "keys", 0, 60, 90)))
    offline.run_until(when(1, 3))
    assert notes(offline) == [(60, 960, None, "player", "")]


def test_an_idea_that_the_player_changed_is_marked(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), EditNote(0, 0, 40, "page"))
    offline.at(when(2, 3), do(Action.ACCEPT))
    offline.run_until(when(5))
    assert notes(offline) == [(40, 2 * BAR, 4 * BAR, "edited", "bass")]


def test_what_is_undone_ends_where_it_was_cut(jam):
    offline = jam(**BASS)
    offline.at(when(2, 2), do(Action.ACCEPT))
    offline.at(when(3, 3), do(Action.UNDO))
    offline.run_until(when(4))
    assert notes(offline) == [(36, 2 * BAR, 2 * BAR + 1920, "jamlink", "bass")]


def test_clicks_and_previews_are_not_in_the_roll(jam):
    offline = jam(count_in=1, **BASS)
    offline.at(when(2, 2), do(Action.PREVIEW))
    offline.run_until(when(4))
    assert notes(offline) == []


def test_what_is_older_than_eight_bars_is_gone(jam):
    offline = jam()
    play(offline, when(1, 2), 60, when(1, 3))
    play(offline, when(5, 2), 62, when(5, 3))
    offline.run_until(when(10))
    assert [note[0] for note in notes(offline)] == [62]


def test_a_new_run_begins_an_empty_roll_and_the_old_one_stays_until_then(jam):
    offline = jam()
    play(offline, when(1, 2), 60, when(1, 3))
    offline.at(when(2), do(Action.PLAY_STOP))
    offline.run_until(when(3))
    assert len(notes(offline)) == 1
    offline.at(when(4), do(Action.PLAY_STOP))
    offline.run_until(when(5))
    assert notes(offline) == []


def test_a_pulled_cable_ends_its_notes(jam):
    offline = jam()
    offline.at(when(1, 2), Heard(NoteOn(when(1, 2), "keys", 0, 60, 90)))
    offline.at(when(1, 3), Heard(ControlChange(when(1, 3), "keys", 0, ALL_SOUND_OFF, 0)))
    offline.run_until(when(1, 4))
    assert notes(offline) == [(60, 960, 1920, "player", "")]


def test_as_long_as_nothing_changes_every_section_is_the_same_object(jam):
    offline = jam()
    play(offline, when(1, 2), 60, when(1, 3))
    offline.run_until(when(2, 2))
    before = offline.session.state()
    offline.run_until(when(2, 3))
    after = offline.session.state()
    assert all(after[name] is before[name] for name in ("history", "notes", "lead", "hand"))


MESSAGES = st.lists(
    st.tuples(st.sampled_from(["on", "off", "sent on", "sent off", "cut", "cut all"]), st.integers(60, 63)),
    max_size=80,
)


@given(MESSAGES)
def test_every_note_of_the_roll_ends_after_it_began_and_one_pitch_of_one_hand_never_overlaps(messages):
    roll = Roll()
    for number, (what, pitch) in enumerate(messages):
        tick, at = Ticks(10 * number), Ns(number)
        match what:
            case "on":
                roll.heard(NoteOn(at, "keys", 0, pitch, 80), tick)
            case "off":
                roll.heard(NoteOff(at, "keys", 0, pitch), tick)
            case "sent on":
                roll.sent(Sent(at, tick, bytes([0x90, pitch, 80]), Out.BASS, 16), False)
            case "sent off":
                roll.sent(Sent(at, tick, bytes([0x80, pitch, 0]), Out.BASS, 16), False)
            case _:
                roll.cut(16 if what == "cut" else None, tick)
    found = roll.section(Ticks(-1))
    assert all(note["end"] is None or note["end"] > note["tick"] for note in found)
    for who in ("player", "jamlink"):
        for pitch in range(60, 64):
            line = [note for note in found if (note["who"], note["pitch"]) == (who, pitch)]
            assert all(a["end"] is not None and a["end"] <= b["tick"] for a, b in pairwise(line))


def test_the_roll_is_bounded_however_many_notes_are_held():
    roll = Roll()
    for number in range(3 * MOST):
        roll.heard(NoteOn(Ns(number), f"keys {number}", 0, 60, 80), Ticks(number))
    assert len(roll.section(Ticks(-1))) == MOST
    assert len(roll._held) == MOST


# -- the take ---------------------------------------------------------------------------------------------------------


def test_a_bar_that_is_over_has_our_chords_and_the_notes_of_both(jam):
    offline = jam(repeat=Repeat.ONCE)
    offline.at(when(2, 2), do(Action.ACCEPT))
    play(offline, when(3, 2), 67, when(3, 3))
    offline.run_until(when(4))
    bar = lead(offline)[2]
    assert bar == {
        "bar": 3,
        "chords": [{"beat": 1, "symbol": "C"}],
        "notes": [
            {"tick": 0, "ticks": 960, "pitch": 72, "who": "jamlink"},
            {"tick": 960, "ticks": 960, "pitch": 67, "who": "player"},
            {"tick": 960, "ticks": 480, "pitch": 74, "who": "jamlink"},
        ],
    }


def test_where_we_sounded_no_chord_the_players_own_are_written(jam):
    offline = jam()
    for pitch in (57, 60, 64):
        play(offline, when(1), pitch, Ns(when(2) - ms(50)))
    offline.run_until(when(2, 2))
    assert [chord["symbol"] for chord in lead(offline)[0]["chords"]] == ["Am"]


def test_a_note_over_the_bar_line_goes_on_in_the_next_bar(jam):
    offline = jam()
    play(offline, when(1, 4), 60, when(2, 3))
    offline.run_until(when(3))
    assert [bar["notes"] for bar in lead(offline)] == [
        [{"tick": 2880, "ticks": 960, "pitch": 60, "who": "player"}],
        [{"tick": 0, "ticks": 1920, "pitch": 60, "who": "player", "tied": True}],
    ]


def test_the_last_bar_counts_as_far_as_it_was_played_and_an_empty_one_does_not(jam):
    offline = jam()
    play(offline, when(1, 2), 60, when(1, 3))
    offline.at(when(1, 4), do(Action.PLAY_STOP))
    offline.run_until(when(2))
    assert [bar["bar"] for bar in lead(offline)] == [1]


def test_the_count_in_is_no_bar_of_the_take(jam):
    offline = jam(count_in=1)
    play(offline, when(1, 2), 60, when(1, 3))
    offline.run_until(when(2, 2))
    assert lead(offline) == []
    offline.run_until(when(3))
    assert [bar["bar"] for bar in lead(offline)] == [1]


def test_the_take_is_as_long_as_sixty_four_bars_and_whoever_looks_late_gets_the_newest(jam):
    offline = jam(roles=BASS["roles"])
    offline.run_until(when(100, 2))
    assert [bar["bar"] for bar in lead(offline)][::63] == [36, 99]
