"""The protocol: whatever is lost on the way, a resync heals; whatever comes in, no command crashes a session."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action, Knob
from jamlink.music.key import Key
from jamlink.session import inputs
from jamlink.session.proposal import Role
from jamlink.session.wishes import ChoosePorts, Teach
from jamlink.timing.meter import Meter
from jamlink.view import protocol
from jamlink.view.protocol import Applied, Delta, Hello, Mirror, Publisher, Snapshot

SECTIONS = st.sampled_from(["clock", "key", "hand", "taken", "notices"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
STATES = st.dictionaries(SECTIONS, VALUES, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def over_the_wire(message):
    return protocol.decode_from_session(protocol.encode(message))


@given(st.lists(st.tuples(STATES, st.booleans()), max_size=20), st.integers(0, 20))
def test_after_any_losses_and_a_resync_the_mirror_equals_the_last_state(published, looked_from):
    publisher, mirror, asked = Publisher(), Mirror(), False
    for number, (state, arrives) in enumerate(published):
        delta = publisher.publish(state)
        if number == looked_from:
            mirror.apply(over_the_wire(publisher.snapshot()))
        elif delta is not None and arrives:
            asked = mirror.apply(over_the_wire(delta)) is Applied.GAP or asked
    mirror.apply(over_the_wire(publisher.snapshot()))
    assert mirror.state == (published[-1][0] if published else {})


@given(st.lists(STATES, min_size=1, max_size=20))
def test_without_losses_deltas_alone_keep_the_mirror_equal_at_every_step(states):
    publisher, mirror = Publisher(), Mirror()
    mirror.apply(publisher.snapshot())
    for state in states:
        delta = publisher.publish(state)
        if delta is not None:
            assert mirror.apply(over_the_wire(delta)) is Applied.CHANGED
        assert mirror.state == state


@given(st.lists(st.tuples(STATES, st.booleans()), max_size=20))
def test_a_mirror_shows_only_states_that_were_published_whatever_is_lost(published):
    publisher, mirror, seen = Publisher(), Mirror(), [{}]
    mirror.apply(publisher.snapshot())
    for state, arrives in published:
        delta = publisher.publish(state)
        seen.append(state)
        if delta is not None and arrives:
            mirror.apply(delta)
        assert mirror.state in seen


@given(st.lists(st.tuples(STATES, st.booleans()), max_size=20))
def test_a_gap_is_told_exactly_once_until_the_next_snapshot(published):
    publisher, mirror = Publisher(), Mirror()
    mirror.apply(publisher.snapshot())
    results = []
    lost = False
    for state, arrives in published:
        delta = publisher.publish(state)
        if delta is not None and arrives:
            results.append(mirror.apply(delta))
            assert (results[-1] is Applied.CHANGED) == (not lost)
        elif delta is not None:
            lost = True
    assert results.count(Applied.GAP) == (1 if Applied.WAITING in results or Applied.GAP in results else 0)


@given(STATES)
def test_the_same_state_again_says_nothing(state):
    publisher = Publisher()
    publisher.publish(state)
    assert publisher.publish(dict(state)) is None


def test_a_delta_carries_only_the_sections_that_changed():
    publisher = Publisher()
    publisher.publish({"key": "C major", "chord": "C", "hand": None})
    assert publisher.publish({"key": "C major", "chord": "F"}) == Delta(2, {"chord": "F"}, ("hand",))


def test_a_delta_that_is_known_already_changes_nothing():
    mirror = Mirror()
    mirror.apply(Snapshot(3, {"key": "C"}))
    assert mirror.apply(Delta(3, {"key": "D"})) is Applied.OLD
    assert mirror.state == {"key": "C"}


# -- commands ---------------------------------------------------------------------------------------------------------

GESTURES = [
    (protocol.Do("accept"), inputs.Do(Action.ACCEPT, "page"), '{"kind":"do","action":"accept"}'),
    (
        protocol.Turn("surprise", 0.7),
        inputs.Turn("surprise", 0.7, "page"),
        '{"kind":"turn","control":"surprise","value":0.7}',
    ),
    (protocol.Tempo(92.0), inputs.SetTempo(92.0, "page"), '{"kind":"tempo","bpm":92.0}'),
    (protocol.Meter("6/8"), inputs.SetMeter(Meter(6, 8), "page"), '{"kind":"meter","text":"6/8"}'),
    (protocol.Bars(8), inputs.SetBars(8, "page"), '{"kind":"bars","bars":8}'),
    (
        protocol.Roles(["bass", "chords"]),
        inputs.SetRoles(frozenset({Role.CHORDS, Role.BASS}), "page"),
        '{"kind":"roles","roles":["bass","chords"]}',
    ),
    (protocol.LockKey("Gm"), inputs.LockKey(Key(7, True), "page"), '{"kind":"key","key":"Gm"}'),
    (protocol.LockKey(""), inputs.LockKey(None, "page"), '{"kind":"key","key":""}'),
    (
        protocol.Repeat("keep going"),
        inputs.SetRepeat(inputs.Repeat.ROLL, "page"),
        '{"kind":"repeat","repeat":"keep going"}',
    ),
    (protocol.Mode("trade"), inputs.SetMode(inputs.Mode.TRADE, "page"), '{"kind":"mode","mode":"trade"}'),
    (
        protocol.ReplaceChord(1, "Am7"),
        inputs.ReplaceChord(1, "Am7", "page"),
        '{"kind":"chord","index":1,"symbol":"Am7"}',
    ),
    (
        protocol.ReplaceChord(1, "Am7", 0),
        inputs.ReplaceChord(1, "Am7", "page", 0),
        '{"kind":"chord","index":1,"symbol":"Am7","idea":0}',
    ),
    (protocol.Select(31), inputs.Select(31, "page"), '{"kind":"select","index":31}'),
    (protocol.Hear(0), inputs.Hear(0, "page"), '{"kind":"hear","index":0}'),
    (protocol.Take(5), inputs.Take(5, "page"), '{"kind":"take","index":5}'),
    (protocol.BringBack(70), inputs.BringBack(70, "page"), '{"kind":"bring_back","id":70}'),
    (protocol.EditNote(1, 3, 67), inputs.EditNote(1, 3, 67, "page"), '{"kind":"note","index":1,"note":3,"pitch":67}'),
    (
        protocol.EditNote(1, 3, None),
        inputs.EditNote(1, 3, None, "page"),
        '{"kind":"note","index":1,"note":3,"pitch":null}',
    ),
    (
        protocol.MoveChord(1, -0.5),
        inputs.MoveChord(1, -0.5, "page"),
        '{"kind":"move_chord","index":1,"beats":-0.5}',
    ),
    (
        protocol.MoveChord(1, 2.0, 0),
        inputs.MoveChord(1, 2.0, "page", 0),
        '{"kind":"move_chord","index":1,"beats":2.0,"idea":0}',
    ),
    (protocol.Style("jazz"), inputs.SetStyle("jazz", "page"), '{"kind":"style","style":"jazz"}'),
    (
        protocol.Channels({"bass": 16, "chords": 1}),
        inputs.SetChannels((("bass", 15), ("chords", 0)), "page"),
        '{"kind":"channels","channels":{"bass":16,"chords":1}}',
    ),
]

WISHES = [
    (protocol.Ports("MPK", ""), ChoosePorts("MPK", ""), '{"kind":"ports","input":"MPK","output":""}'),
    (protocol.Ports(output="FLUID"), ChoosePorts(None, "FLUID"), '{"kind":"ports","output":"FLUID"}'),
    (protocol.Learn("accept"), Teach(Action.ACCEPT), '{"kind":"learn","control":"accept"}'),
    (protocol.Learn("drive"), Teach(Knob.DRIVE), '{"kind":"learn","control":"drive"}'),
    (protocol.Learn(""), Teach(None), '{"kind":"learn","control":""}'),
]


@pytest.mark.parametrize(("command", "gesture", "wire"), GESTURES)
def test_every_command_has_one_form_on_the_wire_and_one_meaning(command, gesture, wire):
    assert protocol.encode(command).decode() == wire
    assert protocol.to_gesture(protocol.decode_from_view(wire.encode()), "page") == gesture


@pytest.mark.parametrize(("request_", "wish", "wire"), WISHES)
def test_every_request_has_one_form_on_the_wire_and_one_meaning(request_, wish, wire):
    assert protocol.encode(request_).decode() == wire
    assert protocol.to_wish(protocol.decode_from_view(wire.encode())) == wish


def test_a_ping_comes_back_with_its_number():
    assert protocol.decode_from_view(b'{"kind":"ping","t":12}') == protocol.Ping(12)
    assert protocol.encode(protocol.Pong(12.5, 9)) == b'{"kind":"pong","t":12.5,"now":9}'


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        ('{"kind":"ports"}', "No port was named. Name an input or an output."),
        ('{"kind":"ports","input":7}', "The message was not understood"),
        ('{"kind":"ports","input":"%s"}' % ("x" * 999), "is no port. Choose one of the list."),
        ('{"kind":"learn","control":"dance"}', "There is no control called 'dance'."),
    ],
)
def test_a_bad_request_is_one_sentence(wire, complaint):
    with pytest.raises(Nonsense) as refused:
        protocol.to_wish(protocol.decode_from_view(wire.encode()))
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("wire", "complaint"),
    [
        ('{"kind":"select","index":-1}', "There is no idea 0. A hand has 1 to 32."),
        ('{"kind":"take","index":32}', "There is no idea 33. A hand has 1 to 32."),
        ('{"kind":"hear","index":1.5}', "The message was not understood"),
        ('{"kind":"take"}', "The message was not understood: Object missing required field `index`"),
        ('{"kind":"note","index":0,"note":-1,"pitch":60}', "There is no note 0. Count the notes from 1."),
        ('{"kind":"note","index":0,"note":0,"pitch":128}', "There is no key 128. Keys go from 0 to 127."),
        ('{"kind":"note","index":0,"note":0}', "The message was not understood"),
        ('{"kind":"move_chord","index":1,"beats":1e9}', "1e+09 beats are too far. Move it within its idea."),
        ('{"kind":"move_chord","index":99,"beats":1}', "There is no chord 100."),
        ('{"kind":"chord","index":0,"symbol":"C","idea":40}', "There is no idea 41."),
        ('{"kind":"bring_back","id":-4}', "There was no idea -4. Choose one of the history."),
        ('{"kind":"style","style":"polka"}', "There is no style called 'polka'. Use one of pop, jazz"),
        ('{"kind":"channels","channels":{}}', "No output was named."),
        ('{"kind":"channels","channels":{"drums":1}}', "There is no output called 'drums'."),
        ('{"kind":"channels","channels":{"bass":0}}', "There is no MIDI channel 0. Choose 1 to 16."),
        ('{"kind":"do","action":"dance"}', "There is no gesture called 'dance'. Use one of accept, reject"),
        ('{"kind":"dance"}', "The message was not understood: Invalid value 'dance'"),
        ('{"kind":"do"}', "The message was not understood: Object missing required field `action`"),
        ('{"kind":"do","action":7}', "The message was not understood: Expected `str`, got `int`"),
        ('{"kind":"turn","control":"style","value":0.5}', "There is no control called 'style'."),
        ('{"kind":"turn","control":"drive","value":1.5}', "1.5 is no place for a control. Choose 0 to 1."),
        ('{"kind":"tempo","bpm":1e300}', "1e+300 bpm is outside what jamlink plays. Choose 40 to 240 bpm."),
        ('{"kind":"tempo","bpm":1e999}', "The message was not understood"),
        ('{"kind":"meter","text":"4/4/4"}', "'4/4/4' is not a meter. Write it as 4/4 or 6/8."),
        ('{"kind":"meter","text":"11/8"}', "jamlink does not count 11/8."),
        ('{"kind":"bars","bars":3}', "Ideas of 3 bars are not possible. Choose 1, 2, 4 or 8 bars."),
        ('{"kind":"roles","roles":[]}', "Nothing would be played. Name chords, melody or bass."),
        ('{"kind":"roles","roles":["drums"]}', "There is no role called 'drums'."),
        ('{"kind":"key","key":"H"}', "'H' is not a key."),
        ('{"kind":"chord","index":-1,"symbol":"C"}', "There is no chord 0. Count the chords from 1."),
        ('{"kind":"chord","index":0,"symbol":"Xyz"}', "'Xyz' is not a chord."),
        ('{"kind":"repeat","repeat":"never"}', "There is no way to repeat called 'never'."),
        ('{"kind":"key","key":"%s"}' % ("G" * 99), "is too long. Use 32 letters at most."),
        ('{"kind":"key","key":"%s"}' % ("G" * 9999), "bytes is too long. Keep it under 4096 bytes."),
        ("[" * 4000, "The message was not understood"),
        ("", "The message was not understood"),
        ("\xff\x00", "The message was not understood"),
    ],
)
def test_a_bad_command_is_one_sentence(wire, complaint):
    with pytest.raises(Nonsense) as refused:
        protocol.to_gesture(protocol.decode_from_view(wire.encode("latin-1")), "page")
    assert complaint in str(refused.value)
    assert len(str(refused.value)) < 600


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_nonsense_and_nothing_else(frame):
    for decode in (protocol.decode_from_view, protocol.decode_from_session):
        try:
            decode(frame)
        except Nonsense:
            continue


@given(
    st.sampled_from(
        [
            *("do", "turn", "tempo", "meter", "bars", "roles", "key", "repeat", "mode", "style", "channels"),
            *("chord", "move_chord", "note", "select", "hear", "take", "bring_back"),
        ]
    ),
    st.dictionaries(
        st.sampled_from(
            [
                *("action", "control", "value", "bpm", "text", "bars", "roles", "key", "repeat", "mode", "style", "id"),
                *("index", "symbol", "idea", "beats", "note", "pitch", "channels"),
            ]
        ),
        JSON,
    ),
)
def test_any_fields_make_a_gesture_or_nonsense_and_nothing_else(kind, fields):
    frame = msgspec.json.encode({"kind": kind, **fields})
    try:
        gesture = protocol.to_gesture(protocol.decode_from_view(frame), "page")
    except Nonsense:
        return
    assert gesture.via == "page"


def test_another_version_is_refused_in_one_sentence():
    protocol.check_version(Hello())
    with pytest.raises(Nonsense, match=r"two versions \(2 and 1\)"):
        protocol.check_version(Hello(2))
