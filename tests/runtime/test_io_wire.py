"""What the two processes say to each other survives the pipe, and nonsense never passes for a message."""

from __future__ import annotations

import contextlib

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jamlink.errors import Fault
from jamlink.ports.base import Direction, Listing, Outgoing, PortSpec
from jamlink.runtime import io_wire as wire

moments = st.integers(0, 2**62)
owners = st.integers(0, 2**32 - 1)
numbers = st.integers(0, 254)
names = st.text(st.characters(codec="utf-8"), max_size=20)
name_lists = st.lists(names, max_size=4).map(tuple)
payloads = st.binary(max_size=300)
totals = st.integers(0, 2**64 - 1)
specs = st.lists(st.builds(PortSpec, names, names, name_lists), max_size=4).map(tuple)
outgoing = st.builds(Outgoing, moments, numbers, owners, payloads)
notes = st.tuples(numbers, st.integers(0, 15), st.integers(0, 127))
lateness = st.tuples(*[totals] * (len(wire.LATENESS_EDGES_NS) + 1))

messages = st.one_of(
    st.builds(wire.OpenPorts, specs, specs, names, names),
    st.builds(wire.Send, st.lists(outgoing, max_size=5).map(tuple)),
    st.builds(wire.Cancel, owners),
    st.just(wire.Silence()),
    st.just(wire.Panic()),
    st.builds(wire.Thru, st.none() | numbers),
    st.builds(wire.Owed, st.lists(notes, max_size=5).map(tuple)),
    st.builds(wire.Ping, owners),
    st.just(wire.Quit()),
    st.builds(wire.IoReady, st.booleans(), names),
    st.builds(wire.MidiSystem, names, st.booleans(), names, names),
    st.builds(wire.PortChanged, st.sampled_from(Direction), numbers, names, names, name_lists, names, names),
    st.builds(wire.IoFault, names),
    st.builds(wire.PortsThere, st.builds(Listing, name_lists, name_lists, st.dictionaries(names, names))),
    st.builds(wire.Heard, moments, numbers, payloads),
    st.builds(wire.Sent, moments, moments, numbers, owners, payloads),
    st.builds(wire.OwnerBegan, owners, moments),
    st.builds(wire.OwnerEnded, owners, moments),
    st.builds(wire.Counters, *[totals] * 9, lateness),
    st.builds(wire.Pong, owners),
)


@given(messages)
def test_decoding_gives_back_what_was_encoded(message):
    assert wire.decode(wire.encode(message)) == message


@given(messages, st.data())
def test_a_frame_cut_short_or_too_long_is_a_fault(message, data):
    frame = wire.encode(message)
    with pytest.raises(Fault, match="too many"):
        wire.decode(frame + b"\0")
    if len(frame) > 1:
        with pytest.raises(Fault):
            wire.decode(frame[: data.draw(st.integers(1, len(frame) - 1))])


@given(st.binary(max_size=60))
def test_rubbish_gives_a_message_or_a_fault_and_nothing_else(frame):
    with contextlib.suppress(Fault):
        wire.decode(frame)


def test_a_number_too_big_for_its_field_is_a_fault_that_names_the_message():
    with pytest.raises(Fault, match="Cancel"):
        wire.encode(wire.Cancel(2**32))
