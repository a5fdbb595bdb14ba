"""What the session process and the io process say to each other, and its bytes.

Each message is a frozen value; `encode` makes one frame of it and `decode` reads it back. A frame is one byte for the
kind and a payload in network order. Both ends are jamlink itself, yet every length is checked: a frame that does not
decode raises `Fault`, it is never guessed at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.errors import Fault
from jamlink.ports.base import CLIENT_NAME, Direction, Listing, Outgoing, PortSpec
from jamlink.timing.units import Ns

# -- from the session process to the io process


@dataclass(frozen=True, slots=True)
class OpenPorts:
    """Have these ports from now on; outputs and inputs are numbered in this order.

    A port that was there before, under the same number, name and pattern, stays as it is, with what sounds on it and
    who is connected to it; every other one is silenced and let go. All that are bound are told anew.

    `system` is "auto" or the name of one MIDI system ("JACK", "ALSA", "CoreMIDI", "Windows", "rtmidi-JACK").
    """

    inputs: tuple[PortSpec, ...]
    outputs: tuple[PortSpec, ...]
    system: str = "auto"
    client: str = CLIENT_NAME


@dataclass(frozen=True, slots=True)
class Send:
    """Queue these."""

    batch: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop what is queued for `owner`; what sounds for it ends now."""

    owner: int


@dataclass(frozen=True, slots=True)
class Silence:
    """Drop everything queued; what sounds ends now, pedals go up, bends to the centre."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence, then all-sound-off, reset-controllers and all-notes-off on every channel of every output."""


@dataclass(frozen=True, slots=True)
class Thru:
    """Pass what comes in straight on to this output; None (the default state) passes nothing on."""

    output: int | None


@dataclass(frozen=True, slots=True)
class Owed:
    """Notes that an io process before this one may have left sounding: (output, channel 0 to 15, pitch)."""

    notes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Ping:
    """Answer with a `Pong` of the same number."""

    number: int


@dataclass(frozen=True, slots=True)
class Quit:
    """Silence, let the ports go, end."""


# -- from the io process to the session process


@dataclass(frozen=True, slots=True)
class IoReady:
    """The io process runs. `realtime` says whether the machine granted real-time priority; `why_not` why not."""

    realtime: bool
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class MidiSystem:
    """A MIDI system came or went; where it went, `what` and `remedy` are for the player."""

    name: str
    there: bool
    what: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class PortChanged:
    """A port we asked for was bound (`bound` is the full name it has now) or is not there (`bound` is empty).

    `peers` are the ports of others that are connected to a port of our own, where the system can tell. Where the port
    is not there, `what` and `remedy` are for the player.
    """

    direction: Direction
    port: int
    name: str
    bound: str
    peers: tuple[str, ...] = ()
    what: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class IoFault:
    """A bug of ours showed up in the io process; it went on if it could. For the log."""

    text: str


@dataclass(frozen=True, slots=True)
class PortsThere:
    """What others offer has changed; this is all there is now."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class Heard:
    """One whole MIDI message came in on input number `input` of `OpenPorts.inputs`.

    `at` is the driver's stamp; over JACK it may lie up to one period ahead of the clock (a place in the period now
    being played, on the same line that `Outgoing.due` is on).
    """

    at: Ns
    input: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """One MIDI message left at `at`; it had been wanted at `due`."""

    at: Ns
    due: Ns
    output: int
    owner: int
    data: bytes


@dataclass(frozen=True, slots=True)
class OwnerBegan:
    """The first note-on of `owner` since it last ended left at `at`."""

    owner: int
    at: Ns


@dataclass(frozen=True, slots=True)
class OwnerEnded:
    """At `at` nothing of `owner` sounds any more and nothing of it is queued; more may be sent later."""

    owner: int
    at: Ns


LATENESS_EDGES_NS = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000)
"""Upper edges of the lateness counters; the last counter has none."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the io process started. `lateness` has one counter per edge of LATENESS_EDGES_NS and one more."""

    heard: int = 0
    sent: int = 0
    too_late: int = 0
    """Note-ons dropped because their moment was long gone, after the machine slept or stood still."""
    unheard: int = 0
    """Messages for an output that was not there."""
    coalesced: int = 0
    """Controller values replaced by a newer one while the session process did not read."""
    dropouts: int = 0
    unwritten: int = 0
    oversized: int = 0
    faults: int = 0
    lateness: tuple[int, ...] = (0,) * (len(LATENESS_EDGES_NS) + 1)


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a `Ping`."""

    number: int


ToIo: TypeAlias = OpenPorts | Send | Cancel | Silence | Panic | Thru | Owed | Ping | Quit
FromIo: TypeAlias = (
    IoReady | IoFault | MidiSystem | PortChanged | PortsThere | Heard | Sent | OwnerBegan | OwnerEnded | Counters | Pong
)
Message: TypeAlias = ToIo | FromIo


_TIMED = struct.Struct("!qBIH")  # due, output, owner, length of data
_HEARD = struct.Struct("!qBH")  # at, input, length of data
_SENT = struct.Struct("!qqBIH")  # at, due, output, owner, length of data
_OWNER = struct.Struct("!I")
_OWNER_AT = struct.Struct("!Iq")
_NUMBER = struct.Struct("!I")
_COUNT = struct.Struct("!H")
_NOTE = struct.Struct("!BBB")
_FLAG = struct.Struct("!B")
_TOTALS = struct.Struct(f"!{9 + len(LATENESS_EDGES_NS) + 1}Q")

_NO_OUTPUT = 0xFF


class _Reader:
    """Takes a payload apart; raises `Fault` at its end."""

    def __init__(self, payload: memoryview) -> None:
        self._payload = payload
        self._at = 0

    def take(self, shape: struct.Struct) -> tuple[int, ...]:
        """The next fields."""
        end = self._at + shape.size
        if end > len(self._payload):
            raise Fault(f"A frame ends {end - len(self._payload)} bytes early.")
        fields = shape.unpack_from(self._payload, self._at)
        self._at = end
        return fields

    def data(self, length: int) -> bytes:
        """The next `length` bytes."""
        end = self._at + length
        if end > len(self._payload):
            raise Fault(f"A frame ends {end - len(self._payload)} bytes early.")
        taken = bytes(self._payload[self._at : end])
        self._at = end
        return taken

    def count(self) -> int:
        """A number of things that follow."""
        return self.take(_COUNT)[0]

    def text(self) -> str:
        """A piece of text."""
        return self.data(self.count()).decode("utf-8", "replace")

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.text() for _ in range(self.count()))

    def finish(self) -> None:
        """Nothing may be left."""
        if self._at != len(self._payload):
            raise Fault(f"A frame has {len(self._payload) - self._at} bytes too many.")


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")[:0xFFFF]
    return _COUNT.pack(len(data)) + data


def _texts(texts: tuple[str, ...]) -> bytes:
    return _COUNT.pack(len(texts)) + b"".join(map(_text, texts))


def _pairs(texts: Mapping[str, str]) -> bytes:
    return _texts(tuple(texts)) + _texts(tuple(texts.values()))


def _specs(specs: tuple[PortSpec, ...]) -> bytes:
    parts = [_text(spec.name) + _text(spec.pattern) + _texts(spec.peers) for spec in specs]
    return _COUNT.pack(len(specs)) + b"".join(parts)


def _read_specs(reader: _Reader) -> tuple[PortSpec, ...]:
    return tuple(PortSpec(reader.text(), reader.text(), reader.texts()) for _ in range(reader.count()))


def _pack_open(m: OpenPorts) -> bytes:
    return _specs(m.inputs) + _specs(m.outputs) + _text(m.system) + _text(m.client)


def _read_open(r: _Reader) -> OpenPorts:
    return OpenPorts(_read_specs(r), _read_specs(r), r.text(), r.text())


def _pack_send(m: Send) -> bytes:
    parts = [_TIMED.pack(t.due, t.port, t.owner, len(t.data)) + t.data for t in m.batch]
    return _COUNT.pack(len(m.batch)) + b"".join(parts)


def _read_timed(r: _Reader) -> Outgoing:
    due, output, owner, length = r.take(_TIMED)
    return Outgoing(Ns(due), output, owner, r.data(length))


def _pack_owed(m: Owed) -> bytes:
    return _COUNT.pack(len(m.notes)) + b"".join(_NOTE.pack(*note) for note in m.notes)


def _read_note(r: _Reader) -> tuple[int, int, int]:
    output, channel, pitch = r.take(_NOTE)
    return output, channel, pitch


def _pack_thru(m: Thru) -> bytes:
    return _FLAG.pack(_NO_OUTPUT if m.output is None else m.output)


def _read_thru(r: _Reader) -> Thru:
    (output,) = r.take(_FLAG)
    return Thru(None if output == _NO_OUTPUT else output)


def _pack_system(m: MidiSystem) -> bytes:
    return _text(m.name) + _FLAG.pack(m.there) + _text(m.what) + _text(m.remedy)


def _read_flag(r: _Reader) -> bool:
    return bool(r.take(_FLAG)[0])


def _pack_port(m: PortChanged) -> bytes:
    numbers = _FLAG.pack(m.direction is Direction.OUT) + _FLAG.pack(m.port)
    return numbers + _text(m.name) + _text(m.bound) + _texts(m.peers) + _text(m.what) + _text(m.remedy)


def _read_port(r: _Reader) -> PortChanged:
    direction = Direction.OUT if _read_flag(r) else Direction.IN
    return PortChanged(direction, r.take(_FLAG)[0], r.text(), r.text(), r.texts(), r.text(), r.text())


def _pack_heard(m: Heard) -> bytes:
    return _HEARD.pack(m.at, m.input, len(m.data)) + m.data


def _read_heard(r: _Reader) -> Heard:
    at, port, length = r.take(_HEARD)
    return Heard(Ns(at), port, r.data(length))


def _pack_sent(m: Sent) -> bytes:
    return _SENT.pack(m.at, m.due, m.output, m.owner, len(m.data)) + m.data


def _read_sent(r: _Reader) -> Sent:
    at, due, output, owner, length = r.take(_SENT)
    return Sent(Ns(at), Ns(due), output, owner, r.data(length))


def _read_owner_at(r: _Reader) -> tuple[int, Ns]:
    owner, at = r.take(_OWNER_AT)
    return owner, Ns(at)


def _pack_counters(m: Counters) -> bytes:
    totals = (m.heard, m.sent, m.too_late, m.unheard, m.coalesced, m.dropouts, m.unwritten, m.oversized, m.faults)
    return _TOTALS.pack(*totals, *m.lateness)


def _read_counters(r: _Reader) -> Counters:
    heard, sent, too_late, unheard, coalesced, dropouts, unwritten, oversized, faults, *lateness = r.take(_TOTALS)
    return Counters(heard, sent, too_late, unheard, coalesced, dropouts, unwritten, oversized, faults, tuple(lateness))


# One row per kind; its place is its number on the wire. Nothing is stored or sent between machines, so rows may move.
_Row: TypeAlias = tuple[type, Callable[..., bytes], Callable[[_Reader], Message]]
_ROWS: tuple[_Row, ...] = (
    (OpenPorts, _pack_open, _read_open),
    (Send, _pack_send, lambda r: Send(tuple(_read_timed(r) for _ in range(r.count())))),
    (Cancel, lambda m: _OWNER.pack(m.owner), lambda r: Cancel(r.take(_OWNER)[0])),
    (Silence, lambda m: b"", lambda r: Silence()),
    (Panic, lambda m: b"", lambda r: Panic()),
    (Thru, _pack_thru, _read_thru),
    (Owed, _pack_owed, lambda r: Owed(tuple(_read_note(r) for _ in range(r.count())))),
    (Ping, lambda m: _NUMBER.pack(m.number), lambda r: Ping(r.take(_NUMBER)[0])),
    (Quit, lambda m: b"", lambda r: Quit()),
    (IoReady, lambda m: _FLAG.pack(m.realtime) + _text(m.why_not), lambda r: IoReady(_read_flag(r), r.text())),
    (IoFault, lambda m: _text(m.text), lambda r: IoFault(r.text())),
    (MidiSystem, _pack_system, lambda r: MidiSystem(r.text(), _read_flag(r), r.text(), r.text())),
    (PortChanged, _pack_port, _read_port),
    (
        PortsThere,
        lambda m: _texts(m.listing.inputs) + _texts(m.listing.outputs) + _pairs(m.listing.programs),
        lambda r: PortsThere(Listing(r.texts(), r.texts(), dict(zip(r.texts(), r.texts(), strict=True)))),
    ),
    (Heard, _pack_heard, _read_heard),
    (Sent, _pack_sent, _read_sent),
    (OwnerBegan, lambda m: _OWNER_AT.pack(m.owner, m.at), lambda r: OwnerBegan(*_read_owner_at(r))),
    (OwnerEnded, lambda m: _OWNER_AT.pack(m.owner, m.at), lambda r: OwnerEnded(*_read_owner_at(r))),
    (Counters, _pack_counters, _read_counters),
    (Pong, lambda m: _NUMBER.pack(m.number), lambda r: Pong(r.take(_NUMBER)[0])),
)
_KIND_OF = {row[0]: kind for kind, row in enumerate(_ROWS)}


def encode(message: Message) -> bytes:
    """The frame of `message`. Raises `Fault` where a number does not fit its field."""
    kind = _KIND_OF[type(message)]
    try:
        return bytes((kind,)) + _ROWS[kind][1](message)
    except struct.error as error:
        raise Fault(f"{message} does not fit into a frame: {error}.") from None


def decode(frame: bytes | memoryview) -> Message:
    """The message of `frame`. Raises `Fault` for an unknown kind and for a payload too short or too long."""
    if not frame or frame[0] >= len(_ROWS):
        raise Fault(f"A frame of unknown kind {frame[0] if frame else 'nothing'}.")
    reader = _Reader(memoryview(frame)[1:])
    message = _ROWS[frame[0]][2](reader)
    reader.finish()
    return message


def decode_order(frame: bytes) -> ToIo:
    """What the session process said. Raises `Fault`, also for a report gone astray."""
    message = decode(frame)
    if not isinstance(message, ToIo):
        raise Fault(f"{type(message).__name__} is no order.")
    return message


def decode_report(frame: bytes) -> FromIo:
    """What the io process said. Raises `Fault`, also for an order gone astray."""
    message = decode(frame)
    if not isinstance(message, FromIo):
        raise Fault(f"{type(message).__name__} is no report.")
    return message
