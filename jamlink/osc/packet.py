"""Open Sound Control packets (specification 1.0, with the common types of 1.1): bytes to messages and back.

Our own and not python-osc's (1.10.2, public domain, well kept) for two reasons, measured: it meets bad packets with
exceptions of other kinds than its own (a quarter of random ones, a RecursionError for 40 kB of nested bundles), and it
logs each type it does not know. What is needed here is small; in the tests python-osc's words are our oracle.

Everything is padded to four bytes and big-endian. Whatever comes in is bounded: a packet by `PACKET_LIMIT`, a bundle in
depth and in what it holds. A bundle's time tag is read past: its messages count as they come, in order, because every
gesture of a player is placed on its beat or bar by the session anyway. Pure; any thread.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.errors import Nonsense

PACKET_LIMIT = 8_192
"""Bytes. No message of ours or of a DAW's transport is near this long."""
DEPTH_LIMIT = 8
MESSAGES_LIMIT = 256
BUNDLE = b"#bundle\0"
_TIME_TAG = 8
AT_ONCE = (1).to_bytes(8)
"""The time tag that means "now"."""

Argument: TypeAlias = int | float | str | bytes | bool | None
_NO_ADDRESS = frozenset(" #*,?[]{}")
"""What no address holds; a pattern, which would, is never matched here."""


@dataclass(frozen=True, slots=True)
class Message:
    """An address, which begins with a slash, and what was said to it."""

    address: str
    arguments: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.address, *map(str, self.arguments)))


# -- writing ----------------------------------------------------------------------------------------------------------


def encode(message: Message) -> bytes:
    """The packet of one message. Whole numbers travel as 32 bits where they fit, else as 64; other numbers as 32-bit
    floats; truths as T and F, which carry no data."""
    parts = [_written(argument) for argument in message.arguments]
    tags = "," + "".join(tag for tag, _ in parts)
    return _text(message.address) + _text(tags) + b"".join(data for _, data in parts)


def bundle(messages: list[Message]) -> bytes:
    """One packet of several messages, to be carried out at once."""
    packets = [encode(message) for message in messages]
    return BUNDLE + AT_ONCE + b"".join(len(packet).to_bytes(4) + packet for packet in packets)


def _written(argument: Argument) -> tuple[str, bytes]:
    match argument:
        case bool():
            return ("T" if argument else "F"), b""
        case None:
            return "N", b""
        case int():
            small = -(2**31) <= argument < 2**31
            return ("i", argument.to_bytes(4, signed=True)) if small else ("h", argument.to_bytes(8, signed=True))
        case float():
            return "f", struct.pack("!f", argument)
        case str():
            return "s", _text(argument)
        case bytes():
            return "b", len(argument).to_bytes(4) + _padded(argument)


def _text(text: str) -> bytes:
    return _padded(text.encode("utf-8", "replace").replace(b"\0", b"") + b"\0")


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


# -- reading ----------------------------------------------------------------------------------------------------------


def decode(packet: bytes) -> list[Message]:
    """The messages of a packet, those of bundles in order. Raises `Nonsense` for a packet that is broken anywhere: it
    counts as a whole or not at all."""
    if len(packet) > PACKET_LIMIT:
        raise Nonsense(f"An OSC packet of {len(packet)} bytes is too long.", f"Keep it under {PACKET_LIMIT}.")
    found: list[Message] = []
    _read_packet(packet, found, DEPTH_LIMIT)
    return found


def _read_packet(packet: bytes, found: list[Message], depth: int) -> None:
    if not packet.startswith(BUNDLE):
        found.append(_message(packet))
        if len(found) > MESSAGES_LIMIT:
            raise _broken(f"it holds more than {MESSAGES_LIMIT} messages")
        return
    if depth == 0:
        raise _broken("its bundles lie too deep in one another")
    cursor = _Cursor(packet, len(BUNDLE))
    cursor.take(_TIME_TAG)
    while cursor.more:
        _read_packet(cursor.take(int.from_bytes(cursor.take(4))), found, depth - 1)


def _message(packet: bytes) -> Message:
    cursor = _Cursor(packet)
    address = cursor.text()
    if not address.startswith("/") or not address.isascii() or _NO_ADDRESS & set(address):
        raise _broken("it has no address")
    tags = cursor.text() if cursor.more else ","
    if not tags.startswith(","):
        raise _broken("it does not say what it holds")
    return Message(address, tuple(_read(tag, cursor) for tag in tags[1:]))


def _read(tag: str, cursor: _Cursor) -> Argument:
    if tag not in _READERS:
        raise _broken(f"it holds something of the unknown kind {tag!r}")
    return _READERS[tag](cursor)


class _Cursor:
    """A place in a packet."""

    __slots__ = ("_data", "_place")

    def __init__(self, data: bytes, place: int = 0) -> None:
        self._data = data
        self._place = place

    @property
    def more(self) -> bool:
        return self._place < len(self._data)

    def take(self, size: int) -> bytes:
        taken = self._data[self._place : self._place + size]
        if len(taken) < size:
            raise _broken("it is cut off")
        self._place += size
        return taken

    def padded(self, size: int) -> bytes:
        return self.take(size + -size % 4)[:size]

    def text(self) -> str:
        end = self._data.find(b"\0", self._place)
        if end < 0:
            raise _broken("it is cut off")
        size = end - self._place
        return self.padded(size + 1)[:size].decode("utf-8", "replace")


def _blob(cursor: _Cursor) -> bytes:
    return cursor.padded(int.from_bytes(cursor.take(4)))


_READERS: dict[str, Callable[[_Cursor], Argument]] = {
    "i": lambda cursor: int.from_bytes(cursor.take(4), signed=True),
    "h": lambda cursor: int.from_bytes(cursor.take(8), signed=True),
    "f": lambda cursor: float(struct.unpack("!f", cursor.take(4))[0]),
    "d": lambda cursor: float(struct.unpack("!d", cursor.take(8))[0]),
    "s": _Cursor.text,
    "S": _Cursor.text,
    "b": _blob,
    "T": lambda cursor: True,
    "F": lambda cursor: False,
    "N": lambda cursor: None,
    "I": lambda cursor: True,
    "t": lambda cursor: cursor.take(8),
    "m": lambda cursor: cursor.take(4),
    "r": lambda cursor: cursor.take(4),
    "c": lambda cursor: cursor.take(4).decode("latin-1").strip("\0"),
}
"""How each type is read: the four of 1.0 and the common rest. An impulse (I) is a press."""


def _broken(why: str) -> Nonsense:
    return Nonsense(f"An OSC packet was not understood: {why}.", "Nothing was changed.")
