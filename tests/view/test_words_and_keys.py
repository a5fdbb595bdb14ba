"""One table of gestures: said in words or pressed on the keyboard, each reaches the session as itself."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.keys import _character_to_key

from jamlink.errors import Nonsense
from jamlink.midi.actions import GESTURES, Action
from jamlink.session import inputs
from jamlink.view import protocol
from jamlink.view.keys import ALSO, action_of, all_keys, cap, hints
from jamlink.view.words import read_words

# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gesture", GESTURES, ids=lambda g: g.action.value)
def test_every_gesture_is_understood_by_its_name_however_it_is_joined_and_by_its_key(gesture):
    name = gesture.action.value
    for words in (name, name.replace("-", "_"), name.replace("-", " "), name.upper(), f"  {name} ", gesture.key):
        assert read_words(words) == protocol.Do(name)


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("tempo 92", protocol.Tempo(92.0)),
        ("tempo 92.5", protocol.Tempo(92.5)),
        ("meter 6/8", protocol.Meter("6/8")),
        ("bars 8", protocol.Bars(8)),
        ("roles chords, bass", protocol.Roles(["chords", "bass"])),
        ("roles Melody", protocol.Roles(["melody"])),
        ("key G minor", protocol.LockKey("G minor")),
        ("key", protocol.LockKey("")),
        ("key off", protocol.LockKey("")),
        ("repeat keep going", protocol.Repeat("keep going")),
        ("mode trade", protocol.Mode("trade")),
        ("surprise 0.7", protocol.Turn("surprise", 0.7)),
        ("drive 1", protocol.Turn("drive", 1.0)),
        ("chord 2 Am7", protocol.ReplaceChord(1, "Am7")),
        ("quit", protocol.Quit()),
        ("q", protocol.Quit()),
    ],
)
def test_what_no_key_can_say_is_said_in_words(words, command):
    assert read_words(words) == command


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("louder", "'louder' is nothing that can be asked for. Try accept, play-stop, tempo 92 or quit."),
        ("tempo", "'' is not a number. Say it like: tempo 92, or surprise 0.7."),
        ("tempo fast", "'fast' is not a number."),
        ("tempo 300", "300 bpm is outside what jamlink plays. Choose 40 to 240 bpm."),
        ("tempo nan", "nan bpm is outside"),
        ("meter 5/3", "does not count 5/3"),
        ("meter ²/4", "'²/4' is not a meter."),
        ("bars 3", "Ideas of 3 bars are not possible."),
        ("bars -1", "'-1' is not a whole number."),
        ("roles drums", "There is no role called 'drums'."),
        ("roles", "Nothing would be played."),
        ("key H", "'H' is not a key."),
        ("surprise 2", "Choose 0 to 1."),
        ("chord 2", "Which chord, and what instead? Say it like: chord 2 Am7."),
        ("chord 0 Am7", "There is no chord 0."),
        ("chord 1 Zz", "'Zz' is not a chord."),
    ],
)
def test_what_is_not_understood_gets_a_sentence_with_a_way_out(words, complaint):
    with pytest.raises(Nonsense) as refused:
        read_words(words)
    assert complaint in str(refused.value)


@given(
    st.text(max_size=80)
    | st.builds(
        "{} {}".format, st.sampled_from(["tempo", "chord", "bars", "key", "meter", "roles"]), st.text(max_size=30)
    )
)
def test_any_words_are_a_gesture_or_nonsense_and_nothing_else(words):
    with contextlib.suppress(Nonsense):
        assert isinstance(read_words(words), protocol.FromView)


# -- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gesture", GESTURES, ids=lambda g: g.action.value)
def test_every_key_of_the_table_reaches_its_gesture_as_the_toolkit_names_it(gesture):
    if len(gesture.key) == 1:
        assert action_of(_character_to_key(gesture.key), gesture.key) is gesture.action
    else:
        printed = {"space": " ", "enter": "\r", "tab": "\t", "escape": "\x1b", "backspace": "\x7f"}[gesture.key]
        assert action_of(gesture.key, printed) is gesture.action
        assert action_of(gesture.key, None) is gesture.action


def test_capitals_and_strange_keys_are_no_gestures():
    assert [action_of(key, character) for key, character in (("P", "P"), ("f5", None), ("up", None), ("é", "é"))] == [
        None
    ] * 4


def test_hands_find_undo_and_panic_where_they_reach_for_them():
    assert ALSO == {"ctrl+z": Action.UNDO, "f12": Action.PANIC}
    assert action_of("ctrl+z", None) is Action.UNDO


def test_the_list_of_all_keys_has_every_gesture_with_its_words():
    assert set(all_keys()) >= {(cap(gesture.action), gesture.does) for gesture in GESTURES}


def test_the_line_of_keys_names_every_gesture_once_except_picks_and_knobs():
    caps = [key for key, _ in hints()]
    assert len(caps) == len(set(caps))
    knobs = {cap(a) for a in Action if a.value.split("-")[0] in ("surprise", "density", "brightness", "drive")}
    picks = {cap(a) for a in (Action.PICK_1, Action.PICK_2, Action.PICK_3, Action.PICK_4)}
    assert set(caps) - {"1–4"} == {cap(a) for a in Action} - knobs - picks


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [("look-ahead 6", "look_ahead", 6), ("commit 0", "commit", 0), ("listen 16", "listen", 16), ("rest 1", "rest", 1)],
)
def test_how_an_accompaniment_follows_is_said_in_words(words, name, value):
    assert protocol.to_gesture(read_words(words), "plain") == inputs.SetAccompany(name, value, "plain")


@pytest.mark.parametrize("words", ["commit 17", "listen 99", "rest 40", "commit x"])
def test_what_an_accompaniment_cannot_be_is_refused_with_what_fits(words):
    with pytest.raises(Nonsense, match=r"Choose 0 to|whole number"):
        read_words(words)
