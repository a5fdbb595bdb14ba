"""Which ports a jam has, whoever says so."""

from __future__ import annotations

import pytest

from jamlink.errors import Nonsense
from jamlink.ports.base import Listing
from jamlink.runtime.io_link import standard_ports
from jamlink.runtime.port_choice import PortChoice
from jamlink.session.wishes import ChoosePorts

TWO = Listing(("MPK mini 3", "Launchkey"), ("FLUID Synth", "Midi Through Port-0"))


def test_the_only_device_is_taken_without_a_word_and_a_loop_cable_is_none():
    choice = PortChoice("", "", "auto")
    assert choice.look(TWO) == standard_ports("", "FLUID Synth", "auto")
    assert choice.look(TWO) is None, "nothing changed"


def test_what_was_named_is_had_whatever_is_there():
    choice = PortChoice("mpk", "moog", "JACK")
    assert choice.look(Listing()) == standard_ports("mpk", "moog", "JACK")
    assert choice.chosen(TWO) == {"input": "MPK mini 3", "output": "moog"}


def test_a_choice_holds_even_where_it_is_a_port_of_our_own():
    choice = PortChoice("", "", "auto")
    choice.choose(ChoosePorts("Launchkey", ""), TWO)
    assert choice.look(TWO) == standard_ports("Launchkey", "", "auto")
    assert choice.look(TWO) is None, "the only synth is not taken after the player said otherwise"


def test_a_port_that_is_left_out_stays():
    choice = PortChoice("mpk", "fluid", "auto")
    choice.choose(ChoosePorts(None, ""), TWO)
    assert choice.look(TWO) == standard_ports("mpk", "", "auto")


def test_a_port_that_is_not_there_changes_nothing():
    choice = PortChoice("mpk", "", "auto")
    with pytest.raises(Nonsense, match="no port called 'Moog' now"):
        choice.choose(ChoosePorts("Launchkey", "Moog"), TWO)
    assert (choice.input, choice.output) == ("mpk", "")


def test_the_port_that_is_chosen_may_be_said_again_while_it_is_unplugged():
    choice = PortChoice("moog", "", "auto")
    choice.choose(ChoosePorts("moog", "FLUID Synth"), TWO)
    assert choice.look(TWO) == standard_ports("moog", "FLUID Synth", "auto")


def test_the_choice_is_remembered_by_name():
    kept = []
    choice = PortChoice("", "", "auto", kept.append)
    choice.choose(ChoosePorts("Launchkey", None), TWO)
    choice.remember()
    assert kept == [{"input": "Launchkey", "output": ""}]


DAW = {"ardour:MIDI 1/midi_out": "ardour", "ardour:MIDI 1/midi_in": "ardour"}
ONE_TRACK = Listing(("ardour:MIDI 1/midi_out",), ("ardour:MIDI 1/midi_in",), DAW)


def test_of_a_program_with_two_ends_one_is_taken_and_neither_click_nor_previews_reach_it():
    ports = PortChoice("", "", "auto").look(ONE_TRACK)
    assert {spec.name: spec.pattern for spec in ports.outputs} == {
        **dict.fromkeys(("chords", "melody", "bass"), "ardour:MIDI 1/midi_in"), "metronome": "", "preview": ""
    }  # fmt: skip
    assert [spec.pattern for spec in ports.inputs] == [""], "what is played into the track would come back"


def test_a_program_that_only_listens_is_a_synth_and_gets_everything():
    synth = Listing((), ("fluidsynth:midi_00",), {"fluidsynth:midi_00": "fluidsynth"})
    assert PortChoice("", "", "auto").look(synth) == standard_ports("", "fluidsynth:midi_00", "auto")


def test_who_hears_a_program_does_not_play_into_it_by_itself():
    choice = PortChoice("ardour", "", "auto")
    assert choice.look(ONE_TRACK) == standard_ports("ardour", "", "auto")


def test_a_keyboard_that_is_plugged_in_later_is_taken_beside_the_track():
    choice = PortChoice("", "", "auto")
    choice.look(ONE_TRACK)
    assert choice.look(Listing(("MPK mini 3",), ONE_TRACK.outputs, DAW)).inputs == standard_ports("MPK mini 3").inputs


def test_a_program_that_is_named_gets_everything_and_so_does_a_device_that_is_found():
    choice = PortChoice("", "", "auto")
    choice.look(ONE_TRACK)
    choice.choose(ChoosePorts(None, "ardour:MIDI 1/midi_in"), ONE_TRACK)
    assert choice.look(ONE_TRACK) == standard_ports("", "ardour:MIDI 1/midi_in", "auto")
    piano = Listing(("CP88",), ("CP88",))
    assert PortChoice("", "", "auto").look(piano) == standard_ports("CP88", "CP88", "auto"), "a piano is both"
