"""HUI from its published facts, bytes in and gestures out; on no device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ControlChange, NoteOff, NoteOn
from jamlink.midi.hui import PORTS, ZONES, Hui
from jamlink.midi.map_files import map_text, parse_map, read_map
from jamlink.midi.maps import GENERIC, Bindings, Fired, KnobMoved, Protocol, choose
from jamlink.midi.wire import Parser
from jamlink.resources import data_folder
from jamlink.timing.units import Ns

HUI = read_map(data_folder("midi_maps") / "hui.toml")


def press(zone, port):
    """The bytes of a switch that goes down and comes up, as the protocol's description has them."""
    return bytes((0xB0, 0x0F, zone, 0xB0, 0x2F, 0x40 | port)), bytes((0xB0, 0x0F, zone, 0xB0, 0x2F, port))


def gestures(*packets, of=HUI):
    bindings, parser, found = Bindings(of), Parser(), []
    for at, packet in enumerate(packets):
        for event in parser.feed(packet, Ns(at), "HUI"):
            meant = bindings.translated(event)
            if meant is not None:
                reading = bindings.read(meant)
                assert reading.consumed, "nothing that a surface says is music"
                found += reading.gestures
    return found


SWITCHES = [
    ("rewind", 0x0E, 1, Action.UNDO),
    ("fast forward", 0x0E, 2, Action.NEXT_HAND),
    ("stop", 0x0E, 3, Action.STOP),
    ("play", 0x0E, 4, Action.START),
    ("talkback", 0x0E, 0, Action.PANIC),
    ("record", 0x0E, 5, Action.CAPTURE),
    ("loop", 0x0F, 3, Action.LOOP),
    ("undo", 0x08, 3, Action.UNDO),
    ("F1", 0x1B, 0, Action.PICK_1),
    ("F8", 0x1B, 7, Action.REJECT),
]


@pytest.mark.parametrize(("name", "zone", "port", "action"), SWITCHES)
def test_each_switch_acts_once_when_it_goes_down(name, zone, port, action):
    assert [g.action for g in gestures(*press(zone, port)) if isinstance(g, Fired)] == [action]


def test_a_zone_holds_for_the_switches_that_follow_and_each_comes_up_by_itself():
    hui = Hui()
    said = [
        hui.read(ControlChange(Ns(0), "HUI", 0, control, value))
        for control, value in ((15, 14), (47, 0x44), (47, 0x43), (47, 0x04), (47, 0x03))
    ]
    assert said == [
        None,
        NoteOn(Ns(0), "HUI", 0, 116, 127),
        NoteOn(Ns(0), "HUI", 0, 115, 127),
        NoteOff(Ns(0), "HUI", 0, 116),
        NoteOff(Ns(0), "HUI", 0, 115),
    ]


def test_every_switch_of_every_zone_is_a_note_of_its_own():
    seen = set()
    for zone in range(ZONES):
        for port in range(PORTS):
            hui = Hui()
            hui.read(ControlChange(Ns(0), "", 0, 15, zone))
            note = hui.read(ControlChange(Ns(0), "", 0, 47, 0x40 | port))
            seen.add((note.channel, note.pitch))
    assert len(seen) == ZONES * PORTS


@pytest.mark.parametrize(("raw", "way"), [(0x41, 1), (0x43, 3), (0x01, -1), (0x05, -5)])
def test_a_pot_turned_clockwise_goes_up_and_is_no_sustain_pedal(raw, way):
    (moved,) = gestures(bytes((0xB0, 0x40, raw)))
    assert isinstance(moved, KnobMoved)
    assert (moved.knob, moved.value) == (Knob.SURPRISE, pytest.approx(0.5 + way / 64))


@pytest.mark.parametrize(
    "packet",
    [
        b"\xb0\x2f\x44",  # a port before any zone
        b"\xb0\x0f\x7f\xb0\x2f\x44",  # a zone that there is not
        b"\xb0\x0f\x0e\xb0\x2f\x48",  # port 8
        b"\xb1\x0f\x0e\xb1\x2f\x44",  # another channel
        b"\xb0\x00\x40\xb0\x20\x00",  # a fader
        b"\x90\x00\x7f",  # the answer to a ping
        b"\xb0\x40\x40",  # a pot that was turned by nothing
        b"\xb0\x0d\x41",  # the jog wheel
    ],
)
def test_what_is_no_switch_does_nothing_and_the_next_switch_works(packet):
    assert [g.action for g in gestures(packet, *press(0x0E, 4))] == [Action.START]


@given(st.binary(max_size=200))
def test_any_bytes_are_survived_and_none_is_music(data):
    gestures(data)


def test_the_port_is_known_by_its_name_and_the_map_reads_back_as_it_is():
    maps = {path.stem: read_map(path) for path in data_folder("midi_maps").glob("*.toml")}
    assert choose(list(maps.values()), "Surface HUI 1", maps[GENERIC]) == HUI
    assert HUI.protocol is Protocol.HUI
    assert parse_map(map_text(HUI), "again") == HUI
