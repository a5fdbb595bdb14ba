from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ClockPulse, ControlChange, MidiEvent, NoteOff, NoteOn, PitchBend, ProgramChange
from jamlink.midi.maps import (
    HOLD,
    LONG_HOLD,
    Bindings,
    Button,
    ControllerMap,
    Fired,
    KnobMoved,
    Reading,
    Relative,
    Signal,
    Source,
    Takeover,
    Turning,
    choose,
)
from jamlink.timing.units import Ns, ms

P = "MPK mini 3"
PAD = Source(Signal.NOTE, 36, 9)
PEDAL = Source(Signal.CC, 66)
DIAL = Source(Signal.CC, 70)


def bindings(*buttons: Button, knobs: tuple[Turning, ...] = ()) -> Bindings:
    return Bindings(ControllerMap("test", ("test",), buttons=buttons, knobs=knobs))


def pad(at: float, velocity: int = 100, note: int = 36, channel: int = 9) -> MidiEvent:
    return NoteOn(ms(at), P, channel, note, velocity) if velocity else NoteOff(ms(at), P, channel, note)


def cc(at: float, value: int, number: int = 66, channel: int = 0) -> ControlChange:
    return ControlChange(ms(at), P, channel, number, value)


def actions(machine: Bindings, *events: MidiEvent) -> list[tuple[float, Action]]:
    """Milliseconds and actions; after the last event everything that holding comes to has happened."""
    fired = [gesture for event in events for gesture in machine.read(event).gestures]
    fired += machine.tick(ms(1e6))
    return [(gesture.at / 1e6, gesture.action) for gesture in fired if isinstance(gesture, Fired)]


# -- choosing ---------------------------------------------------------------------------------------------------------

ANY = ControllerMap("any", ())
MAPS = [
    ControllerMap("MPK", ("mpk mini",)),
    ControllerMap("MPK 3", ("MPK mini 3", "mpk*3")),
    ControllerMap("KeyLab", ("keylab*midi",)),
]


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("MPK mini 3:MPK mini 3 MIDI 1 20:0", "MPK 3"),
        ("MPK MINI MK2 24:0", "MPK"),
        ("Arturia KeyLab mkII 61 MIDI", "KeyLab"),
        ("Arturia KeyLab mkII 61 DAW", "any"),
        ("MIDI of a KeyLab", "any"),
        ("Roland FP-30X", "any"),
        ("", "any"),
    ],
)
def test_the_longest_pattern_found_in_a_port_name_decides_and_no_device_is_dead(port, name):
    assert choose(MAPS, port, ANY).name == name


def test_of_equal_fits_the_last_wins_so_that_a_players_own_map_does():
    mine = ControllerMap("mine", ("mpk mini",))
    assert choose([*MAPS, mine], "MPK mini mk2", ANY) == mine


words = st.text("abcXYZ 3:()[]?", min_size=1, max_size=6)


@given(st.text("-_.", max_size=5), st.lists(words, min_size=1, max_size=4))
def test_a_pattern_is_found_where_its_pieces_stand_in_order(between, pieces):
    name = between.join(["", *pieces, ""]).swapcase()
    assert ControllerMap("x", ("*".join(pieces),)).fit(name) == len("".join(pieces))


def test_a_pattern_full_of_stars_is_quick():
    assert ControllerMap("x", ("*a" * 5000,)).fit("a" * 4999) == 0


# -- pads and pedals --------------------------------------------------------------------------------------------------


def test_a_press_acts_at_once_and_neither_end_of_the_pad_is_music():
    machine = bindings(Button(PAD, press=Action.ACCEPT))
    down, up = machine.read(pad(1)), machine.read(pad(2, 0))
    assert down.gestures == (Fired(ms(1), Action.ACCEPT, "pad: test"),)
    assert (up.gestures, down.consumed, up.consumed) == ((), True, True)


@pytest.mark.parametrize(
    "event", [pad(1, note=37), pad(1, channel=0), cc(1, 127), PitchBend(ms(1), P, 9, 0), ClockPulse(ms(1), P)]
)
def test_what_is_not_bound_stays_music(event):
    assert bindings(Button(PAD, press=Action.ACCEPT)).read(event) == Reading((), consumed=False)


def test_a_binding_without_a_channel_is_for_every_channel_and_one_with_a_channel_goes_first():
    machine = bindings(Button(Source(Signal.NOTE, 36), press=Action.REJECT), Button(PAD, press=Action.ACCEPT))
    assert actions(machine, pad(1, channel=4), pad(2, channel=9)) == [(1, Action.REJECT), (2, Action.ACCEPT)]


def test_press_and_release_are_two_gestures():
    machine = bindings(Button(PAD, press=Action.PREVIEW, release=Action.UNDO))
    assert actions(machine, pad(1), pad(5, 0)) == [(1, Action.PREVIEW), (5, Action.UNDO)]


def test_a_program_change_is_a_press():
    machine = bindings(Button(Source(Signal.PROGRAM, 3), press=Action.PICK_2))
    events = [ProgramChange(ms(t), P, 9, 3) for t in (1, 2)]
    assert actions(machine, *events) == [(1, Action.PICK_2), (2, Action.PICK_2)]


def test_a_pedal_in_motion_is_pressed_once():
    machine = bindings(Button(PEDAL, press=Action.ACCEPT))
    assert actions(machine, cc(1, 63), cc(2, 64), cc(3, 90), cc(4, 127), cc(5, 64), cc(6, 0), cc(7, 127)) == [
        (2, Action.ACCEPT),
        (7, Action.ACCEPT),
    ]


def test_a_pad_whose_release_was_lost_can_be_pressed_again():
    assert actions(bindings(Button(PAD, press=Action.TAP)), pad(1), pad(2)) == [(1, Action.TAP), (2, Action.TAP)]


SWITCH = Button(PEDAL, tap=Action.ACCEPT, hold=Action.UNDO, long_hold=Action.CLEAR)


@pytest.mark.parametrize(
    ("up", "expected"),
    [
        (999, [(999, Action.ACCEPT)]),
        (1000, [(1000, Action.UNDO)]),
        (2499, [(1000, Action.UNDO)]),
        (2500, [(1000, Action.UNDO), (2500, Action.CLEAR)]),
        (9000, [(1000, Action.UNDO), (2500, Action.CLEAR)]),
    ],
)
def test_a_foot_switch_is_tapped_held_or_held_long(up, expected):
    assert actions(bindings(SWITCH), cc(0, 127), cc(up, 0)) == expected


def test_a_hold_acts_while_the_foot_is_still_down():
    machine = bindings(SWITCH)
    assert machine.next_deadline() is None
    machine.read(cc(5, 127))
    assert machine.next_deadline() == ms(5) + HOLD
    assert machine.tick(Ns(ms(5) + HOLD - 1)) == ()
    assert [g.action for g in machine.tick(Ns(ms(5) + HOLD)) if isinstance(g, Fired)] == [Action.UNDO]
    assert machine.next_deadline() == ms(5) + LONG_HOLD
    machine.read(cc(1500, 0))
    assert machine.next_deadline() is None


def test_only_a_long_hold_leaves_a_tap_until_then():
    switch = Button(PEDAL, tap=Action.NEXT_HAND, long_hold=Action.CLEAR)
    assert actions(bindings(switch), cc(0, 127), cc(2000, 0)) == [(2000, Action.NEXT_HAND)]


def test_an_early_tap_acts_on_the_way_down_and_a_hold_takes_it_back():
    switch = Button(PEDAL, tap=Action.ACCEPT, hold=Action.UNDO, early=True)
    assert actions(bindings(switch), cc(0, 127), cc(300, 0)) == [(0, Action.ACCEPT)]
    assert actions(bindings(switch), cc(0, 127), cc(1300, 0)) == [(0, Action.ACCEPT), (1000, Action.UNDO)]


def test_a_pulled_cable_turns_no_held_pedal_into_a_clear():
    machine = bindings(SWITCH)
    machine.read(cc(0, 127))
    machine.let_go()
    assert machine.next_deadline() is None
    assert actions(machine, cc(9000, 127), cc(9100, 0)) == [(9100, Action.ACCEPT)]


moments = st.lists(st.integers(0, 8000), max_size=12).map(sorted)
switches = st.builds(
    Button,
    st.just(PEDAL),
    tap=st.sampled_from([None, Action.ACCEPT]),
    hold=st.sampled_from([None, Action.UNDO]),
    long_hold=st.sampled_from([None, Action.CLEAR]),
)


@given(switches, moments, st.lists(st.integers(0, 9000), max_size=20))
def test_what_comes_of_it_does_not_depend_on_how_often_time_is_told(switch, times, looks):
    events = [cc(t, 127 if i % 2 == 0 else 0) for i, t in enumerate(times)]
    watched, fired = bindings(switch), []
    for moment in sorted(
        [*[(e.at, e) for e in events], *[(ms(t), None) for t in looks]], key=lambda m: (m[0], m[1] is None)
    ):
        fired += watched.read(moment[1]).gestures if moment[1] is not None else watched.tick(moment[0])
    fired += watched.tick(ms(1e6))
    assert [(g.at / 1e6, g.action) for g in fired if isinstance(g, Fired)] == actions(bindings(switch), *events)


@given(switches, moments)
def test_a_foot_that_comes_down_once_gives_at_most_one_tap_or_holds_in_order(switch, times):
    for down, up in zip(times[::2], times[1::2], strict=False):
        found = [action for _, action in actions(bindings(switch), cc(down, 127), cc(up, 0))]
        assert found in ([], [Action.ACCEPT], [Action.UNDO], [Action.CLEAR], [Action.UNDO, Action.CLEAR])


# -- knobs ------------------------------------------------------------------------------------------------------------


def turn(machine: Bindings, *raw: int) -> list[float]:
    gestures = [g for i, value in enumerate(raw) for g in machine.read(cc(i, value, 70)).gestures]
    return [round(g.value, 3) for g in gestures if isinstance(g, KnobMoved)]


def dial(takeover: Takeover = Takeover.PICK_UP, relative: Relative | None = None) -> Bindings:
    return bindings(knobs=(Turning(DIAL, Knob.SURPRISE, takeover, relative),))


def test_a_knob_is_no_music_even_while_it_moves_nothing():
    assert dial().read(cc(0, 5, 70)).consumed


def test_without_takeover_the_control_jumps_to_the_knob():
    assert turn(dial(Takeover.NONE), 127, 0) == [1.0, 0.0]


def test_picking_up_waits_until_the_knob_passes_the_control():
    """The control stands at 0.5, which is 63.5 of 127."""
    assert turn(dial(), 0, 40, 90, 100) == [round(90 / 127, 3), round(100 / 127, 3)]
    assert turn(dial(), 127, 100, 64, 63) == [round(64 / 127, 3), round(63 / 127, 3)]


def test_a_control_that_was_moved_elsewhere_must_be_picked_up_again():
    machine = dial()
    assert turn(machine, 64, 70) == [round(64 / 127, 3), round(70 / 127, 3)]
    machine.controls_are({Knob.SURPRISE: 0.1})
    assert turn(machine, 71, 60, 13) == [round(13 / 127, 3)]


def test_a_knob_keeps_its_control_when_told_what_it_did_itself():
    machine = dial()
    (value,) = turn(machine, 64)
    machine.controls_are({Knob.SURPRISE: 64 / 127})
    assert turn(machine, 120) == [round(120 / 127, 3)]
    assert value == round(64 / 127, 3)


def test_scaling_brings_knob_and_control_to_the_ends_together():
    assert turn(dial(Takeover.SCALE), 0, 127) == [1.0]
    assert turn(dial(Takeover.SCALE), 127, 0) == [0.0]
    assert turn(dial(Takeover.SCALE), 0) == []


@given(st.sampled_from(list(Takeover)), st.lists(st.integers(0, 127), max_size=30), st.floats(0, 1))
def test_a_control_never_leaves_its_range_and_a_takeover_never_goes_against_the_hand(takeover, raws, start):
    machine = dial(takeover)
    machine.controls_are({Knob.SURPRISE: start})
    current, before = start, None
    for raw in raws:
        for gesture in machine.read(cc(0, raw, 70)).gestures:
            assert isinstance(gesture, KnobMoved)
            assert 0 <= gesture.value <= 1
            if takeover is Takeover.SCALE:
                assert (gesture.value - current) * (raw - before) >= 0
            current = gesture.value
        before = raw


@pytest.mark.parametrize(
    ("way", "up", "down"), [(Relative.OFFSET, 66, 62), (Relative.TWOS, 2, 126), (Relative.SIGN, 2, 66)]
)
def test_endless_knobs_count_steps_in_three_ways(way, up, down):
    assert turn(dial(relative=way), up) == [round(0.5 + 2 / 64, 3)]
    assert turn(dial(relative=way), down) == [round(0.5 - 2 / 64, 3)]


@given(st.sampled_from(list(Relative)), st.lists(st.integers(0, 127), max_size=30))
def test_an_endless_knob_stops_at_the_ends(way, raws):
    assert all(0 <= value <= 1 for value in turn(dial(relative=way), *raws))
