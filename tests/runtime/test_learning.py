"""A map is made of what was pressed, each control once, and reads back."""

import pytest

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ControlChange, NoteOff, NoteOn
from jamlink.midi.map_files import map_text, parse_map
from jamlink.midi.maps import Bindings
from jamlink.runtime.learning import Lesson
from jamlink.timing.units import Ns

PAD = NoteOn(Ns(0), "box", 9, 40, 100)
OTHER_PAD = NoteOn(Ns(0), "box", 9, 41, 100)
TURN = ControlChange(Ns(0), "box", 0, 21, 64)


def test_a_pressed_pad_does_what_it_was_shown_for():
    lesson = Lesson()
    assert lesson.take(PAD, Action.ACCEPT)
    made = parse_map(map_text(lesson.map_for("box")), "box.toml")
    (fired,) = Bindings(made).read(PAD).gestures
    assert fired.action is Action.ACCEPT


def test_a_pad_is_not_bound_twice():
    lesson = Lesson()
    lesson.take(PAD, Action.ACCEPT)
    assert not lesson.take(PAD, Action.REJECT)
    assert lesson.take(OTHER_PAD, Action.REJECT)


def test_letting_go_shows_nothing():
    assert not Lesson().take(NoteOff(Ns(0), "box", 9, 40), Action.ACCEPT)


def test_a_turned_knob_moves_its_control():
    lesson = Lesson()
    assert lesson.take(TURN, Knob.SURPRISE)
    assert [turning.knob for turning in lesson.map_for("box").knobs] == [Knob.SURPRISE]


def test_nothing_pressed_is_no_map():
    with pytest.raises(Nonsense, match="Nothing was pressed"):
        Lesson().map_for("box")
