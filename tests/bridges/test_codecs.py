"""Every bridge from a table: orders to messages, messages to reports."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.bridges import base
from jamlink.bridges.ardour import Ardour
from jamlink.bridges.base import Can
from jamlink.bridges.bitwig import Bitwig
from jamlink.bridges.live import Live
from jamlink.bridges.reaper import Reaper
from jamlink.errors import Nonsense
from jamlink.music.note import Note
from jamlink.osc.packet import Message, decode, encode
from jamlink.timing.units import Ticks

BRIDGES = (Ardour(), Live(), Reaper(), Bitwig())
NOTE = Note(Ticks(480), 60, Ticks(960), 90)

ORDERS = [
    (Ardour(), base.Play(True), [Message("/transport_play")]),
    (Ardour(), base.Play(False), [Message("/transport_stop")]),
    (Ardour(), base.ToggleRecord(), [Message("/rec_enable_toggle")]),
    (Ardour(), base.ToggleLoop(), [Message("/loop_toggle")]),
    (Ardour(), base.Undo(), [Message("/undo")]),
    (Ardour(), base.Marker("Am7"), [Message("/add_marker", ("Am7",))]),
    (Ardour(), base.Marker(""), [Message("/add_marker")]),
    (Live(), base.Play(True), [Message("/live/song/start_playing")]),
    (Live(), base.Play(False), [Message("/live/song/stop_playing")]),
    (Live(), base.ToggleRecord(), [Message("/live/song/trigger_session_record")]),
    (Live(), base.SetTempo(92), [Message("/live/song/set/tempo", (92.0,))]),
    (Live(), base.Undo(), [Message("/live/song/undo")]),
    (Live(), base.AskSlot(2, 5), [Message("/live/clip_slot/get/has_clip", (2, 5))]),
    (Live(), base.MakeClip(2, 5, 16), [Message("/live/clip_slot/create_clip", (2, 5, 16.0))]),
    (
        Live(),
        base.FillClip(2, 5, "Am7", (NOTE,)),
        [Message("/live/clip/set/name", (2, 5, "Am7")), Message("/live/clip/add/notes", (2, 5, 60, 0.5, 1.0, 90, 0))],
    ),
    (Live(), base.AskNotes(2, 5), [Message("/live/clip/get/notes", (2, 5))]),
    (Live(), base.FireClip(2, 5), [Message("/live/clip_slot/fire", (2, 5))]),
    (Reaper(), base.Play(True), [Message("/play", (1.0,))]),
    (Reaper(), base.Play(False), [Message("/stop", (1.0,))]),
    (Reaper(), base.ToggleRecord(), [Message("/record", (1.0,))]),
    (Reaper(), base.SetTempo(92.5), [Message("/tempo/raw", (92.5,))]),
    (Reaper(), base.ToggleLoop(), [Message("/repeat", (1.0,))]),
    (Reaper(), base.Undo(), [Message("/action", (40029,))]),
    (Reaper(), base.Marker("x"), [Message("/action", (40157,))]),
    (Bitwig(), base.Play(True), [Message("/play", (1,))]),
    (Bitwig(), base.Play(False), [Message("/play", (0,))]),
    (Bitwig(), base.ToggleRecord(), [Message("/record")]),
    (Bitwig(), base.SetTempo(140), [Message("/tempo/raw", (140.0,))]),
    (Bitwig(), base.ToggleLoop(), [Message("/repeat")]),
    (Bitwig(), base.Undo(), [Message("/undo")]),
]

REPORTS = [
    (Ardour(), Message("/heartbeat", (1.0,)), base.Alive()),
    (Ardour(), Message("/transport_play", (1.0,)), base.Playing(True)),
    (Ardour(), Message("/transport_play", (0.0,)), None),
    (Ardour(), Message("/transport_stop", (1,)), base.Playing(False)),
    (Ardour(), Message("/transport_stop", (0,)), None),
    (Ardour(), Message("/rec_enable_toggle", (1,)), base.Recording(True)),
    (Ardour(), Message("/position/bbt", ("003|02|0480",)), base.PositionIs(3, 2)),
    (Ardour(), Message("/position/bbt", (" ",)), None),
    (Ardour(), Message("/master/name", ("Master",)), None),
    (Live(), Message("/live/test", ("ok",)), base.Alive()),
    (Live(), Message("/live/startup"), base.Alive(again=True)),
    (Live(), Message("/live/error", ("no clip\n",)), base.Refused("no clip")),
    (Live(), Message("/live/song/get/is_playing", (True,)), base.Playing(True)),
    (Live(), Message("/live/song/get/is_playing", (0,)), base.Playing(False)),
    (Live(), Message("/live/song/get/tempo", (92.0,)), base.TempoIs(92.0)),
    (Live(), Message("/live/clip_slot/get/has_clip", (2, 5, 1)), base.SlotIs(2, 5, True)),
    (Live(), Message("/live/clip/get/notes", (2, 5)), base.NotesAre(2, 5, 0)),
    (Live(), Message("/live/clip/get/notes", (2, 5, 60, 0.5, 1.0, 90, False)), base.NotesAre(2, 5, 1)),
    (Live(), Message("/live/song/get/metronome", (1,)), None),
    (Reaper(), Message("/play", (1.0,)), base.Playing(True)),
    (Reaper(), Message("/play", (0.0,)), base.Playing(False)),
    (Reaper(), Message("/stop", (1.0,)), base.Playing(False)),
    (Reaper(), Message("/stop", (0.0,)), base.Alive()),
    (Reaper(), Message("/record", (0.0,)), base.Recording(False)),
    (Reaper(), Message("/tempo/raw", (120.0,)), base.TempoIs(120.0)),
    (Reaper(), Message("/beat/str", ("12.3.45",)), base.PositionIs(12, 3)),
    (Reaper(), Message("/track/1/vu", (0.1,)), base.Alive()),
    (Bitwig(), Message("/play", (1,)), base.Playing(True)),
    (Bitwig(), Message("/record", (1,)), base.Recording(True)),
    (Bitwig(), Message("/tempo/raw", (110.0,)), base.TempoIs(110.0)),
    (Bitwig(), Message("/beat/str", ("5.1.1:00",)), base.PositionIs(5, 1)),
    (Bitwig(), Message("/project/name", ("x",)), base.Alive()),
]

ODD = [
    (Ardour(), Message("/position/bbt", ("here",))),
    (Ardour(), Message("/position/bbt", (3,))),
    (Ardour(), Message("/transport_play", ("yes",))),
    (Ardour(), Message("/transport_play")),
    (Live(), Message("/live/song/get/tempo", ("fast",))),
    (Live(), Message("/live/song/get/tempo", (math.nan,))),
    (Live(), Message("/live/song/get/tempo", (0.0,))),
    (Live(), Message("/live/song/get/tempo", (True,))),
    (Live(), Message("/live/clip_slot/get/has_clip", (0.5, 0, 1))),
    (Live(), Message("/live/clip_slot/get/has_clip", (0,))),
    (Live(), Message("/live/clip/get/notes", (0, 0, 60, 0.5))),
    (Reaper(), Message("/beat/str", ("12",))),
    (Bitwig(), Message("/beat/str", ("",))),
    (Bitwig(), Message("/tempo/raw", (1e9,))),
]


@pytest.mark.parametrize(("bridge", "order", "messages"), ORDERS)
def test_each_order_is_what_the_program_documents(bridge, order, messages):
    assert bridge.encode(order) == messages


@pytest.mark.parametrize(("bridge", "message", "report"), REPORTS)
def test_each_message_is_one_report_or_none(bridge, message, report):
    assert bridge.decode(message) == report


@pytest.mark.parametrize(("bridge", "message"), ODD)
def test_what_makes_no_sense_is_one_sentence(bridge, message):
    with pytest.raises(Nonsense):
        bridge.decode(message)


EVERY_ORDER = [
    base.Play(True),
    base.ToggleRecord(),
    base.SetTempo(92),
    base.ToggleLoop(),
    base.Undo(),
    base.Marker("Am7"),
    base.AskSlot(0, 0),
    base.MakeClip(0, 0, 4),
    base.FillClip(0, 0, "a", (NOTE,)),
    base.AskNotes(0, 0),
    base.FireClip(0, 0),
]


@pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge.name)
@pytest.mark.parametrize("order", EVERY_ORDER, ids=lambda order: type(order).__name__)
def test_a_bridge_can_what_it_says_and_refuses_the_rest_in_words(bridge, order):
    if base.NEEDS[type(order)] in bridge.can:
        assert bridge.encode(order)
    else:
        with pytest.raises(Nonsense, match=bridge.name):
            bridge.encode(order)


@pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge.name)
def test_what_a_bridge_says_it_is_told_it_reads(bridge):
    told = {type(report) for other, _, report in REPORTS if type(other) is type(bridge)}
    means = {
        Can.TELLS_PLAYING: base.Playing,
        Can.TELLS_TEMPO: base.TempoIs,
        Can.TELLS_POSITION: base.PositionIs,
        Can.ANSWERS: base.Alive,
    }
    assert {can for can, kind in means.items() if kind in told} == bridge.can & set(means)


@pytest.mark.parametrize("bridge", BRIDGES, ids=lambda bridge: bridge.name)
def test_every_message_travels(bridge):
    said = [*bridge.greet(), *bridge.ask()]
    said += [m for order in EVERY_ORDER if base.NEEDS[type(order)] in bridge.can for m in bridge.encode(order)]
    assert [decode(encode(message)) for message in said] == [[message] for message in said]


def test_a_long_clip_goes_over_in_messages_that_fit_a_packet():
    notes = tuple(Note(Ticks(240 * i), 60, Ticks(240)) for i in range(450))
    messages = Live().encode(base.FillClip(0, 0, "long", notes))
    assert len(messages) == 6
    assert sum(len(m.arguments) - 2 for m in messages[1:]) == 5 * len(notes)
    assert all(len(encode(m)) < 8192 for m in messages)


arguments = st.one_of(st.integers(-(2**31), 2**31 - 1), st.floats(width=32), st.text(max_size=9), st.booleans())
addresses = st.sampled_from(sorted({message.address for _, message, _ in REPORTS}))


@given(st.sampled_from(BRIDGES), addresses, st.lists(arguments, max_size=8))
def test_whatever_a_program_says_is_a_report_nothing_or_nonsense(bridge, address, values):
    with contextlib.suppress(Nonsense):
        bridge.decode(Message(address, tuple(values)))
