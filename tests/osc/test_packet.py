"""Packets both ways from one table, with python-osc's words as an oracle, and everything that is no packet."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.osc.packet import BUNDLE, MESSAGES_LIMIT, PACKET_LIMIT, Message, bundle, decode, encode

TABLE = [
    (Message("/jamlink/do/accept"), b"/jamlink/do/accept\0\0,\0\0\0"),
    (Message("/oscillator/4/frequency", (440.0,)), b"/oscillator/4/frequency\0,f\0\0\x43\xdc\0\0"),
    (
        Message("/foo", (1000, -1, "hello", 1.234000, 5.678)),
        b"/foo\0\0\0\0,iisff\0\0\0\0\3\xe8\xff\xff\xff\xffhello\0\0\0\x3f\x9d\xf3\xb6\x40\xb5\xb2\x2d",
    ),
    (Message("/on", (True, False, None)), b"/on\0,TFN\0\0\0\0"),
    (Message("/b", (b"12345",)), b"/b\0\0,b\0\0\0\0\0\x0512345\0\0\0"),
    (Message("/big", (2**40,)), b"/big\0\0\0\0,h\0\0\0\0\1\0\0\0\0\0"),
    (Message("/é".replace("é", "e"), ("Ä",)), b"/e\0\0,s\0\0\xc3\x84\0\0"),
]
"""The second and third are the examples of the specification itself."""


def close(message):
    return [pytest.approx(a, rel=1e-6) if isinstance(a, float) else a for a in message.arguments]


@pytest.mark.parametrize(("message", "packet"), TABLE, ids=lambda item: str(item)[:20])
def test_each_message_has_one_packet_and_the_packet_says_that_message(message, packet):
    assert encode(message) == packet
    (read,) = decode(packet)
    assert (read.address, list(read.arguments)) == (message.address, close(message))


def test_a_bundle_is_its_messages_in_order_however_deep_they_lie():
    first, second = Message("/a", (1,)), Message("/b", ("x",))
    inner = bundle([second])
    packet = bundle([first]) + len(inner).to_bytes(4) + inner
    assert decode(packet) == [first, second]
    assert decode(bundle([])) == []


def test_a_time_tag_is_read_past():
    late = BUNDLE + (2**63).to_bytes(8) + bundle([Message("/a")])[16:]
    assert decode(late) == [Message("/a")]


def test_a_message_of_old_programs_without_types_has_no_arguments():
    assert decode(b"/old\0\0\0\0") == [Message("/old")]


NESTED = bundle([])
for _ in range(9):
    NESTED = BUNDLE + bytes(7) + b"\1" + len(NESTED).to_bytes(4) + NESTED

BROKEN = {
    "nothing": b"",
    "no address": b"abc\0,\0\0\0",
    "an address that never ends": b"/abc",
    "a pattern": encode(Message("/jamlink/do/*")),
    "types that are none": b"/a\0\0xi\0\0\0\0\0\0",
    "an unknown type": b"/a\0\0,?\0\0\0\0\0\0",
    "a number cut off": b"/a\0\0,i\0\0\0\0",
    "a blob longer than the packet": b"/a\0\0,b\0\0\xff\xff\xff\xffabcd",
    "a text without its end": b"/a\0\0,s\0\0abcd",
    "a bundle cut off": BUNDLE + b"\0\0",
    "an element that is longer than its bundle": BUNDLE + bytes(8) + b"\0\0\xff\0/a\0\0,\0\0\0",
    "bundles nine deep": NESTED,
    "more than a packet may be": encode(Message("/a", (b"x" * PACKET_LIMIT,))),
    "more messages than a packet may hold": bundle([Message("/a")] * (MESSAGES_LIMIT + 1)),
}


@pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_packet_is_one_sentence(packet):
    with pytest.raises(Nonsense):
        decode(packet)


@given(st.binary(max_size=300))
def test_any_bytes_are_messages_or_nonsense(data):
    with contextlib.suppress(Nonsense):
        decode(data)


@given(st.binary(max_size=80), st.integers(0, 60))
def test_a_good_packet_with_rubbish_in_it_is_messages_or_nonsense(rubbish, place):
    good = encode(Message("/foo", (1, "hello", 2.5, b"abc")))
    with contextlib.suppress(Nonsense):
        decode(good[:place] + rubbish + good[place:])


arguments = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.binary(max_size=12),
    st.booleans(),
    st.none(),
)


@given(st.lists(arguments, max_size=6))
def test_reading_undoes_writing(values):
    message = Message("/x/y", tuple(values))
    assert decode(encode(message)) == [message]
    assert len(encode(message)) % 4 == 0


def test_another_program_reads_what_is_written():
    osc_message = pytest.importorskip("pythonosc.osc_message")
    for message, _ in TABLE:
        read = osc_message.OscMessage(encode(message))
        assert (read.address, read.params) == (message.address, close(message))


def test_numbers_that_are_none_are_read_as_such():
    (nan,) = decode(b"/a\0\0,f\0\0" + struct.pack("!f", float("nan")))
    assert nan.arguments[0] != nan.arguments[0]
