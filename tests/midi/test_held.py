from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.events import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    RESET_CONTROLLERS,
    SUSTAIN,
    ClockPulse,
    ControlChange,
    MidiEvent,
    NoteOff,
    NoteOn,
    encode,
)
from jamlink.midi.held import HeardNote, HeldNotes
from jamlink.music.note import Note
from jamlink.testing.tracker import NoteTracker
from jamlink.timing.units import Ns, Ticks

P = "keys"


def on(at: int, pitch: int, velocity: int = 80, channel: int = 0) -> NoteOn:
    return NoteOn(Ns(at), P, channel, pitch, velocity)


def off(at: int, pitch: int, channel: int = 0) -> NoteOff:
    return NoteOff(Ns(at), P, channel, pitch)


def control(at: int, number: int, value: int, channel: int = 0) -> ControlChange:
    return ControlChange(Ns(at), P, channel, number, value)


def pedal(at: int, value: int, channel: int = 0) -> ControlChange:
    return control(at, SUSTAIN, value, channel)


def heard(pitch: int, onset: int, key_up: int, end: int, velocity: int = 80, channel: int = 0) -> HeardNote:
    return HeardNote(P, channel, pitch, velocity, Ns(onset), Ns(key_up), Ns(end))


def hear(*events: MidiEvent) -> tuple[list[HeardNote], HeldNotes]:
    held = HeldNotes()
    return [note for event in events for note in held.hear(event)], held


def test_a_key_down_and_up_is_a_note():
    notes, held = hear(on(1, 60), off(5, 60))
    assert notes == [heard(60, 1, 5, 5)]
    assert held.sounding == frozenset()


def test_the_pedal_lengthens_the_sound_and_not_the_key():
    notes, _ = hear(on(1, 60), pedal(2, 127), off(5, 60), pedal(9, 0))
    assert notes == [heard(60, 1, 5, 9)]


def test_half_way_down_is_down_and_just_below_is_up():
    notes, _ = hear(pedal(0, 64), on(1, 60), off(5, 60), pedal(9, 63))
    assert notes == [heard(60, 1, 5, 9)]


def test_a_key_still_down_outlasts_the_pedal():
    notes, held = hear(pedal(0, 127), on(1, 60), pedal(2, 0))
    assert notes == []
    assert held.keys_down == held.sounding == {60}


def test_a_pedal_holds_only_its_own_channel():
    notes, _ = hear(pedal(0, 127, channel=1), on(1, 60), off(2, 60))
    assert notes == [heard(60, 1, 2, 2)]


def test_striking_a_pedalled_note_again_ends_the_first_there():
    notes, held = hear(pedal(0, 127), on(1, 60), off(2, 60), on(4, 60, 90))
    assert notes == [heard(60, 1, 2, 4)]
    assert held.keys_down == {60}


def test_a_doubled_note_on_needs_both_note_offs():
    notes, held = hear(on(1, 60), on(3, 60, 90), off(4, 60))
    assert notes == [heard(60, 1, 3, 3)]
    assert held.sounding == {60}
    assert held.hear(off(7, 60)) == (heard(60, 3, 7, 7, 90),)


def test_all_notes_off_lets_go_of_keys_but_not_of_the_pedal():
    """MIDI 1.0, "All Notes Off": a receiver whose hold pedal is down keeps sounding."""
    notes, held = hear(pedal(0, 127), on(1, 60), control(3, ALL_NOTES_OFF, 0))
    assert (notes, held.sounding, held.keys_down) == ([], {60}, set())
    assert held.hear(pedal(6, 0)) == (heard(60, 1, 3, 6),)


def test_all_sound_off_ends_even_what_the_pedal_holds():
    notes, _ = hear(pedal(0, 127), on(1, 60), off(2, 60), control(3, ALL_SOUND_OFF, 0), on(3, 70, channel=2))
    assert notes == [heard(60, 1, 2, 3)]


def test_resetting_the_controllers_lifts_the_pedal():
    notes, _ = hear(pedal(0, 127), on(1, 60), off(2, 60), control(3, RESET_CONTROLLERS, 0))
    assert notes == [heard(60, 1, 2, 3)]


def test_what_still_sounds_can_be_seen_and_is_not_ended_by_looking():
    _, held = hear(on(1, 64), on(1, 60), pedal(2, 127), off(3, 60))
    seen = (heard(60, 1, 3, 8), heard(64, 1, 8, 8))
    assert held.so_far(Ns(8)) == held.so_far(Ns(8)) == seen


def test_a_pulled_cable_lets_go_of_its_own_notes_only():
    held = HeldNotes()
    held.hear(on(1, 60))
    held.hear(pedal(1, 127))
    held.hear(NoteOn(Ns(2), "other", 0, 62, 80))
    assert held.let_go(Ns(5), P) == (heard(60, 1, 5, 5),)
    assert held.sounding == {62}
    assert [held.hear(e) for e in (on(6, 60), off(7, 60))] == [(), (heard(60, 6, 7, 7),)], "the pedal is forgotten too"


def test_other_messages_end_nothing():
    _, held = hear(on(1, 60))
    assert held.hear(ClockPulse(Ns(2), P)) == held.hear(control(3, 7, 0)) == held.hear(off(4, 61)) == ()


def test_a_heard_note_becomes_music_by_sound_or_by_key():
    note = heard(60, 1000, 3000, 9000, 70)
    assert note.note(lambda ns: Ticks(ns // 1000)) == Note(Ticks(1), 60, Ticks(8), 70)
    assert note.note(lambda ns: Ticks(ns // 1000), pedalled=False) == Note(Ticks(1), 60, Ticks(2), 70)
    assert note.note(lambda ns: Ticks(0)).duration == 1, "a note is never empty"


channels = st.integers(0, 1)
pitches = st.integers(60, 63)
moves = st.one_of(
    st.tuples(st.just("on"), channels, pitches, st.integers(1, 127)),
    st.tuples(st.just("off"), channels, pitches, st.just(0)),
    st.tuples(st.just("pedal"), channels, st.just(0), st.sampled_from([0, 63, 64, 127])),
)


def performance(script: list[tuple[str, int, int, int]]) -> list[MidiEvent]:
    make = {
        "on": lambda at, c, p, v: on(at, p, v, c),
        "off": lambda at, c, p, v: off(at, p, c),
        "pedal": lambda at, c, p, v: pedal(at, v, c),
    }
    return [make[kind](at, c, p, v) for at, (kind, c, p, v) in enumerate(script)]


@given(st.lists(moves, max_size=60))
def test_every_note_on_is_heard_exactly_once(script):
    events = performance(script)
    notes, held = hear(*events)
    notes += held.let_go(Ns(len(events)))
    struck = Counter((e.at, e.channel, e.pitch, e.velocity) for e in events if isinstance(e, NoteOn))
    assert Counter((n.onset, n.channel, n.pitch, n.velocity) for n in notes) == struck
    assert all(n.onset <= n.key_up <= n.end for n in notes)
    assert held.sounding == frozenset()


@given(st.lists(moves, max_size=60))
def test_notes_of_one_pitch_never_overlap(script):
    events = performance(script)
    notes, held = hear(*events)
    notes += held.let_go(Ns(len(events)))
    for key in {(n.channel, n.pitch) for n in notes}:
        row = sorted((n for n in notes if (n.channel, n.pitch) == key), key=lambda n: n.onset)
        assert all(a.end <= b.onset for a, b in pairwise(row))


@given(st.lists(moves, max_size=60))
def test_the_keys_that_are_down_are_those_a_strict_synthesizer_has_sounding(script):
    events, tracker = performance(script), NoteTracker()
    for event in events:
        tracker.sent(event.at, encode(event))
    _, held = hear(*events)
    assert held.keys_down == {note.pitch for note in tracker.stuck}


@given(st.permutations([(1, 100), (2, 200), (3, 300)]))
def test_one_pitch_on_several_channels_of_an_mpe_keyboard_is_several_notes(ends):
    """MPE gives each finger a channel of its own: none of them ends another's note."""
    held = HeldNotes()
    for channel in (1, 2, 3):
        held.hear(on(channel, 60, 80, channel))
    notes = [note for channel, at in sorted(ends, key=lambda e: e[1]) for note in held.hear(off(at, 60, channel))]
    assert {(note.channel, note.onset, note.key_up) for note in notes} == {(c, c, at) for c, at in ends}
    assert held.sounding == frozenset()


def test_the_pedal_of_an_mpe_keyboard_holds_only_its_own_channel():
    held = HeldNotes()
    held.hear(control(0, SUSTAIN, 127, 1))
    for channel in (1, 2):
        held.hear(on(1, 60, 80, channel))
    ended = [*held.hear(off(2, 60, 1)), *held.hear(off(2, 60, 2))]
    assert [note.channel for note in ended] == [2]
