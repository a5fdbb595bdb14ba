"""The address table: every row, both kinds of nonsense, and the page that is made from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.osc.packet import Message
from jamlink.remote.addresses import TABLE, Subscribe, Unsubscribe, read
from jamlink.remote.feedback import SENT, beat, changes, shown
from jamlink.timing.units import Ns
from jamlink.view import protocol

PAGE = Path(__file__).parents[2] / "docs" / "osc.md"


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_an_address_that_a_button_can_press(action):
    address = f"/jamlink/do/{action.value}"
    assert read(Message(address)) == protocol.Do(action.value)
    assert read(Message(address, (1.0,))) == protocol.Do(action.value)
    assert read(Message(address, (True,))) == protocol.Do(action.value)
    assert read(Message(address, (0.0,))) is None, "the button comes up"


ROWS = [
    (Message("/jamlink/turn/surprise", (0.25,)), protocol.Turn("surprise", 0.25)),
    (Message("/jamlink/tempo", (92,)), protocol.Tempo(92.0)),
    (Message("/jamlink/meter", ("6/8",)), protocol.Meter("6/8")),
    (Message("/jamlink/bars", (8.0,)), protocol.Bars(8)),
    (Message("/jamlink/key", ("G minor",)), protocol.LockKey("G minor")),
    (Message("/jamlink/key"), protocol.LockKey("")),
    (Message("/jamlink/roles", ("chords", "bass")), protocol.Roles(["chords", "bass"])),
    (Message("/jamlink/repeat", ("loop",)), protocol.Repeat("loop")),
    (Message("/jamlink/mode", ("trade",)), protocol.Mode("trade")),
    (Message("/jamlink/style", ("",)), protocol.Style("")),
    (Message("/jamlink/take", (1,)), protocol.Take(0)),
    (Message("/jamlink/select", (3,)), protocol.Select(2)),
    (Message("/jamlink/hear", (2,)), protocol.Hear(1)),
    (Message("/jamlink/chord", (2, "Am7")), protocol.ReplaceChord(1, "Am7")),
    (Message("/jamlink/hello"), Subscribe(None)),
    (Message("/jamlink/hello", (9000,)), Subscribe(9000)),
    (Message("/jamlink/bye"), Unsubscribe()),
]


@pytest.mark.parametrize(("message", "said"), ROWS, ids=lambda item: str(item)[:30])
def test_each_address_says_its_command(message, said):
    assert read(message) == said


@pytest.mark.parametrize(
    "message",
    [
        Message("/jamlink/do/explode"),
        Message("/other"),
        Message("/jamlink/tempo"),
        Message("/jamlink/tempo", ("fast",)),
        Message("/jamlink/tempo", (1000.0,)),
        Message("/jamlink/tempo", (float("nan"),)),
        Message("/jamlink/turn/surprise", (2.0,)),
        Message("/jamlink/turn/surprise", (True,)),
        Message("/jamlink/bars", (3,)),
        Message("/jamlink/bars", (float("inf"),)),
        Message("/jamlink/take", (0,)),
        Message("/jamlink/take", (1.5,)),
        Message("/jamlink/meter", (4,)),
        Message("/jamlink/chord", (2, "H9x")),
        Message("/jamlink/roles"),
        Message("/jamlink/hello", (99999,)),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_one_sentence(message):
    with pytest.raises(Nonsense):
        read(message)


values = st.one_of(
    st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=50), st.booleans(), st.binary(max_size=4)
)


@given(st.sampled_from(TABLE), st.lists(values, max_size=4))
def test_whatever_stands_behind_an_address_is_a_command_or_nonsense(row, arguments):
    try:
        said = read(Message(row.path, tuple(arguments)))
    except Nonsense:
        return
    assert said is None or isinstance(said, Subscribe | Unsubscribe) or protocol.to_gesture(said, "OSC")


def test_the_page_lists_every_address_as_it_is():
    page = PAGE.read_text()
    for row in TABLE:
        assert f"| `{row.path}` | {row.takes} | {row.does} |" in page
    for name, takes, means in SENT:
        assert f"| `/jamlink/{name}` | {takes} | {means} |" in page


# -- what is sent back ------------------------------------------------------------------------------------------------


def test_everything_that_is_shown_is_in_the_table_of_what_is_sent(state):
    listed = {f"/jamlink/{name}" for name, _, _ in SENT}
    for address in shown(state):
        plain = address.replace("/hand/2", "/hand/1") if address.count("/") == 4 else address
        group = address.startswith(("/jamlink/turn/", "/jamlink/hand/"))
        assert plain in listed or group, address


def test_only_what_changed_is_said_again(state):
    first = shown(state)
    assert {m.address for m in changes({}, first)} == set(first)
    assert changes(first, first) == []
    faster = shown({**state, "clock": {**state["clock"], "bpm": 132.0}})
    assert changes(first, faster) == [Message("/jamlink/tempo", (132.0,))]


CLOCK = {
    "playing": True,
    "tempo_ns": 500_000_000,
    "tick_origin": -3840,
    "ns_origin": 1_000,
    "beat_ticks": 960,
    "bar_ticks": 3840,
}


@pytest.mark.parametrize(("beats", "bar", "beat_"), [(0, 0, 1), (3, 0, 4), (4, 1, 1), (9, 2, 2)])
def test_the_beat_is_told_as_counted_with_the_moment_of_the_next(beats, bar, beat_):
    at = 1_000 + beats * 500_000_000
    for inside in (0, 1, 499_999_999):
        assert beat(CLOCK, Ns(at + inside)) == (Message("/jamlink/beat", (bar, beat_)), at + 500_000_000)


def test_nothing_is_counted_while_nothing_plays():
    assert beat({**CLOCK, "playing": False}, Ns(0)) is None
