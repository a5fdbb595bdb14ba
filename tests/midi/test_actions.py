from dataclasses import fields

from jamlink.midi.actions import ACTION_OF_KEY, GESTURE_OF, GESTURES, KNOBS, Action, Knob
from jamlink.session.proposal import Controls


def test_every_action_is_in_the_table_once_in_the_order_of_the_enum():
    assert [gesture.action for gesture in GESTURES] == list(Action)
    assert list(GESTURE_OF) == list(Action)


def test_no_two_actions_share_a_key():
    assert len(ACTION_OF_KEY) == len(GESTURES)


def test_descriptions_are_for_musicians():
    words = " ".join(gesture.does for gesture in GESTURES).lower()
    assert not any(word in words for word in ("token", "logit", "temperature", "proposal", "candidate", "session"))


def test_every_knob_moves_a_control_that_exists():
    assert set(KNOBS) == set(Knob)
    assert {knob.value for knob in Knob} <= {field.name for field in fields(Controls)}
