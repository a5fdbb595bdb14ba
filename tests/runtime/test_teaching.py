"""A pad learned on the page works at once and for good, and nothing that worked before stops working."""

from __future__ import annotations

import pytest

from jamlink.errors import Unavailable
from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ControlChange, NoteOff, NoteOn
from jamlink.midi.map_files import read_map, read_maps
from jamlink.midi.maps import Bindings, Button, ControllerMap, Signal, Source, Turning, choose
from jamlink.runtime.teaching import Teacher, Teaching, file_stem
from jamlink.timing.units import Ns

SHIPPED = ControllerMap(
    "MPK mini 3",
    ("MPK mini 3",),
    "preset 1",
    False,
    (
        Button(Source(Signal.NOTE, 36, 9), press=Action.ACCEPT),
        Button(Source(Signal.NOTE, 37), press=Action.REJECT),
    ),
    (Turning(Source(Signal.CC, 70, 0), Knob.DRIVE),),
)
PORT = "MPK mini 3 MIDI 1"
PAD = NoteOn(Ns(0), PORT, 9, 37, 100)
TURN = ControlChange(Ns(0), PORT, 0, 70, 64)
PEDAL = ControlChange(Ns(0), PORT, 0, 66, 127)


def teaching(folder, own=None):
    return Teaching(Teacher(folder, lambda port: SHIPPED, own))


def learn(lesson, control, event):
    lesson.want(control)
    taught = lesson.hear(event.port, event)
    taught.save()
    lesson.is_saved(taught)
    return taught


def test_the_next_pad_does_it_and_the_file_says_so(tmp_path):
    lesson = teaching(tmp_path / "maps")
    learn(lesson, Action.UNDO, PAD)
    assert lesson.section() == {
        "control": "undo",
        "heard": "note 37 on channel 10 of MPK mini 3 MIDI 1",
        "saved": "mpk-mini-3-midi-1.toml",
    }
    found = read_map(tmp_path / "maps" / "mpk-mini-3-midi-1.toml")
    (fired,) = Bindings(found).read(PAD).gestures
    assert fired.action is Action.UNDO


def test_what_the_device_did_before_it_still_does_but_for_what_was_learned(tmp_path):
    lesson = teaching(tmp_path)
    learn(lesson, Action.UNDO, PAD)
    taught = learn(lesson, Knob.SURPRISE, TURN)
    found = read_map(taught.file)
    assert {button.source.number: button.press for button in found.buttons} == {36: Action.ACCEPT, 37: Action.UNDO}
    assert [turning.knob for turning in found.knobs] == [Knob.SURPRISE]
    assert choose([SHIPPED, found], PORT, SHIPPED) is found, "the player's own map wins at the next start"


def test_a_pedal_acts_on_letting_go(tmp_path):
    taught = learn(teaching(tmp_path), Action.ACCEPT, PEDAL)
    assert next(b for b in taught.map.buttons if b.source.number == 66).tap is Action.ACCEPT


def test_the_players_own_map_of_a_device_is_added_to_where_it_lies(tmp_path):
    lesson = teaching(tmp_path, {"my-mpk": SHIPPED})
    taught = learn(lesson, Action.UNDO, PAD)
    assert taught.file == tmp_path / "my-mpk.toml"
    assert taught.map.ports == SHIPPED.ports


def test_a_file_that_is_there_and_cannot_be_read_is_left_alone(tmp_path):
    (tmp_path / "mpk-mini-3-midi-1.toml").write_text("this is [no map")
    taught = learn(teaching(tmp_path), Action.UNDO, PAD)
    assert taught.file.name == "mpk-mini-3-midi-1-2.toml"
    assert (tmp_path / "mpk-mini-3-midi-1.toml").read_text() == "this is [no map"
    maps, troubles = read_maps(tmp_path)
    assert (list(maps), len(troubles)) == (["mpk-mini-3-midi-1-2"], 1)


def test_a_folder_that_cannot_be_written_is_one_sentence_and_the_pad_works_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    lesson = teaching(tmp_path / "file")
    lesson.want(Action.UNDO)
    taught = lesson.hear(PORT, PAD)
    with pytest.raises((Unavailable, OSError)):
        taught.save()
    assert lesson.section()["saved"] == ""
    assert Bindings(taught.map).read(PAD).gestures[0].action is Action.UNDO


def test_a_control_that_is_not_of_its_kind_is_waited_past(tmp_path):
    lesson = teaching(tmp_path)
    lesson.want(Knob.SURPRISE)
    assert lesson.hear(PORT, PAD) is None
    lesson.want(Action.ACCEPT)
    assert lesson.hear(PORT, NoteOff(Ns(0), PORT, 9, 37)) is None
    assert lesson.hear(PORT, ControlChange(Ns(0), PORT, 0, 70, 3)) is None
    assert lesson.section() == {"control": "accept", "heard": "", "saved": ""}


def test_nothing_is_learned_that_was_not_asked_for_or_no_longer(tmp_path):
    lesson = teaching(tmp_path)
    assert lesson.hear(PORT, PAD) is None
    lesson.want(Action.ACCEPT)
    lesson.want(None)
    assert lesson.hear(PORT, PAD) is None
    assert lesson.section() == {"control": "", "heard": "", "saved": ""}


def test_one_lesson_binds_one_pad(tmp_path):
    lesson = teaching(tmp_path)
    lesson.want(Action.ACCEPT)
    assert lesson.hear(PORT, PAD) is not None
    assert lesson.hear(PORT, NoteOn(Ns(1), PORT, 9, 38, 90)) is None


@pytest.mark.parametrize(
    ("port", "stem"), [("MPK mini 3", "mpk-mini-3"), ("../../etc/passwd", "etc-passwd"), ("夜", "controller")]
)
def test_a_ports_name_never_leads_out_of_the_folder(port, stem):
    assert file_stem(port) == stem
