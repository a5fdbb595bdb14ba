"""Zones as the specification has them, and a pedal that holds all fingers of its zone and nobody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.events import SUSTAIN, ControlChange, NoteOff, NoteOn
from jamlink.midi.held import HeldNotes
from jamlink.midi.mpe import LOWER, UPPER, Zones
from jamlink.timing.units import Ns


def control(channel, number, value, at=0, port="keys"):
    return ControlChange(Ns(at), port, channel, number, value)


def zone(master, count, port="keys"):
    return [
        control(master, 101, 0, port=port),
        control(master, 100, 6, port=port),
        control(master, 6, count, port=port),
    ]


def zones(*said):
    found = Zones()
    for master, count in said:
        for event in zone(master, count):
            found.hear(event)
    return found


@pytest.mark.parametrize(
    ("said", "lower", "upper"),
    [
        ([], [], []),
        ([(LOWER, 7)], [1, 2, 3, 4, 5, 6, 7], []),
        ([(UPPER, 3)], [], [12, 13, 14]),
        ([(LOWER, 15)], list(range(1, 16)), []),
        ([(LOWER, 7), (UPPER, 7)], list(range(1, 8)), list(range(8, 15))),
        ([(LOWER, 10), (UPPER, 7)], list(range(1, 8)), list(range(8, 15))),
        ([(LOWER, 5), (LOWER, 0)], [], []),
    ],
)
def test_each_finger_has_the_master_that_was_said_last(said, lower, upper):
    found = zones(*said)
    assert [channel for channel in range(16) if found.master(channel) == LOWER and channel != LOWER] == lower
    assert [channel for channel in range(16) if found.master(channel) == UPPER and channel != UPPER] == upper


@given(st.lists(st.tuples(st.sampled_from([LOWER, UPPER]), st.integers(0, 127)), max_size=6))
def test_every_channel_is_spoken_for_by_one_and_no_zone_runs_into_the_other(said):
    found = zones(*said)
    owners = [master for master in range(16) for channel in found.members(master)[1:]]
    assert set(owners) <= {LOWER, UPPER}
    assert sum(len(found.members(channel)) for channel in range(16) if found.master(channel) == channel) == 16


@pytest.mark.parametrize("event", [control(0, 6, 5), control(3, 101, 0), control(0, 101, 0)])
def test_other_controllers_and_other_parameters_make_no_zone(event):
    found = Zones()
    for number in (101, 100):
        found.hear(control(0, number, 0))
    found.hear(event)
    assert found.master(1) == 1


def held(*events):
    notes, ended = HeldNotes(), []
    for event in events:
        ended += notes.hear(event)
    return notes, ended


def on(channel, pitch, at=0):
    return NoteOn(Ns(at), "keys", channel, pitch, 90)


def off(channel, pitch, at=10):
    return NoteOff(Ns(at), "keys", channel, pitch)


def test_the_zones_pedal_holds_the_notes_of_all_its_fingers_and_lets_them_go_together():
    chord = [(1, 60), (2, 64), (3, 67)]
    down = [*zone(LOWER, 5), control(0, SUSTAIN, 127), *(on(*key) for key in chord), *(off(*key) for key in chord)]
    notes, ended = held(*down)
    assert (notes.sounding, notes.keys_down, ended) == ({60, 64, 67}, set(), [])
    ended = notes.hear(control(0, SUSTAIN, 0, at=30))
    assert sorted((note.pitch, note.key_up, note.end) for note in ended) == [(60, 10, 30), (64, 10, 30), (67, 10, 30)]
    assert notes.sounding == frozenset()


def test_a_key_that_is_still_down_and_a_finger_outside_the_zone_are_not_the_pedals():
    notes, _ = held(*zone(LOWER, 3), control(0, SUSTAIN, 127), on(1, 60), on(9, 72), off(9, 72))
    assert notes.sounding == {60}, "channel 10 is no finger of this zone"
    assert notes.hear(control(0, SUSTAIN, 0)) == ()
    assert notes.sounding == {60}


def test_without_a_word_about_zones_a_pedal_is_its_channels_alone():
    notes, _ = held(control(0, SUSTAIN, 127), on(1, 60), off(1, 60))
    assert notes.sounding == frozenset()
