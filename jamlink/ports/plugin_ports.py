"""jamlink's plug-in in a DAW: what the DAW's track plays comes in, what was taken goes out, at the sample.

The plug-in (`jamlink/plugin/native`) runs inside the DAW, once on every track that has it, and connects to a socket
that we hold. Each instance plays one part: everything taken, chords, melody, bass, click, preview, or nothing. A
message goes to all instances whose part it belongs to. Nobody listens to a part that no instance plays, as nobody
listens to an unconnected port; so click and preview stay off the tracks unless they are wanted there.

Messages leave here AHEAD of their moment and wait in the plug-in, which alone knows the DAW's frames; it says when each
was written. What is within that time can be ended and no longer taken back, and an end waits behind it: up to 50 ms.
The DAW's clock comes in as MIDI clock and song position, from the first instance alone: at the input for clocks where
that is bound to the plug-in, else with the notes.

There is one listener per user. It is there before the first instance is, so that a DAW may be started at any time; an
instance that finds nobody looks four times a second.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from jamlink.errors import Unavailable
from jamlink.ports.base import (
    CLOCK_INPUT,
    HOUSE,
    Direction,
    HeardBytes,
    Listing,
    Losses,
    Outgoing,
    PortSpec,
    Queue,
    Written,
)
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, ms

NAME = "DAW plug-in"
"""What the port is called, in both directions."""
VERSION = 2
SOCKET_VARIABLE = "JAMLINK_PLUGIN"
PARTS = (("chords", "melody", "bass", "out"), ("chords",), ("melody",), ("bass",), ("metronome",), ("preview",), ())
"""The outputs of each part, by its number in the plug-in."""
AHEAD = ms(40)
"""On top of two of the DAW's blocks. The plug-in's own thread has no real-time priority and may be kept waiting."""

_RECORD = struct.Struct("=BBHIq16s")
_POSITION = struct.Struct("=ifff")
_HELLO, _HEARD, _WRITTEN, _TRANSPORT, _BLOCK, _PART, _LOST = range(1, 8)
_TELL_HELLO, _TELL_PLAY, _TELL_WHERE = 1, 2, 3
_DATA_MOST = 16
_COUNTER_SIZE = 1 << 32
_SYSTEM, _CLOCKS = 0xF0, (0xF2, 0xF8, 0xFA, 0xFB, 0xFC)
_UNSENT_MOST = 64 * 1024
"""Bytes; an instance that takes nothing for this long has hung."""
_LONGEST_LEAVE = ms(400)
_REMEDY = "Put it on a track; see docs/daws.md."


@dataclass(frozen=True, slots=True)
class HostTransport:
    """Where a DAW is: at `at`, `beat` beats (from 0) into bar `bar` (from 0). `bpm` counts beats of 1/`unit`."""

    at: Ns
    rolls: bool
    bar: int
    beat: float
    beats_per_bar: float
    unit: int
    bpm: float


def socket_path() -> Path:
    """Where the plug-in looks for us; the same rule as in link.c."""
    if named := os.environ.get(SOCKET_VARIABLE, ""):
        return Path(named)
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(runtime) / "jamlink" / "plug-in" if runtime else Path(f"/tmp/jamlink-{os.getuid()}/plug-in")


@dataclass(slots=True, eq=False)
class _Instance:
    """A plug-in on one track."""

    link: socket.socket
    part: int = 0
    block_ns: int = 0
    lost: int = 0
    unread: bytes = b""
    unsent: bytearray = field(default_factory=bytearray)
    greeted: bool = False
    """Whether it has said hello: others only look whether somebody listens."""
    there: bool = True
    begun: set[tuple[int, int, int]] = field(default_factory=set)
    """Output, channel and key of what it was told to begin and not yet to end."""

    def plays(self, output: str) -> bool:
        return self.greeted and output in PARTS[self.part if self.part < len(PARTS) else 0]

    def records(self) -> Iterator[tuple[int, int, int, int, Ns, bytes]]:
        """The whole records that came in; `there` is False when it has gone."""
        with contextlib.suppress(BlockingIOError):
            while chunk := self._read():
                self.unread += chunk
        whole = len(self.unread) - len(self.unread) % _RECORD.size
        taken, self.unread = self.unread[:whole], self.unread[whole:]
        yield from _RECORD.iter_unpack(taken)

    def _read(self) -> bytes:
        try:
            chunk = self.link.recv(65_536)
        except ConnectionError:
            chunk = b""
        self.there = bool(chunk)
        return chunk

    def tell(self, kind: int, number: int = 0, at: int = 0, data: bytes = b"") -> None:
        self.unsent += _RECORD.pack(kind, len(data), 0, number, at, data)

    def send(self) -> None:
        """As much as it takes now."""
        try:
            while self.unsent and (sent := self.link.send(self.unsent)):
                del self.unsent[:sent]
        except BlockingIOError:
            self.there = len(self.unsent) <= _UNSENT_MOST
        except OSError:
            self.there = False


class PluginPorts:
    """See `PortSystem`. It is there as soon as an instance is, and gone with the last one."""

    name = "plug-in"
    own_ports = False
    polled = True

    def __init__(self, clock: Clock) -> None:
        self.losses = Losses()
        self.lock: AbstractContextManager[object] = nullcontext()
        self.transport: HostTransport | None = None
        """What the DAW said last."""
        self._clock = clock
        self._queue: Queue | None = None
        self._listener: socket.socket | None = None
        self._instances: list[_Instance] = []
        self._inputs: dict[int, str] = {}
        self._outputs: dict[int, str] = {}
        self._through: int | None = None
        self._leader: _Instance | None = None
        """Whose clock was asked where it is; None while nobody listens."""
        self._numbers = 0
        self._under_way: dict[int, tuple[_Instance, Outgoing]] = {}
        self._heard: list[HeardBytes] = []
        self._written: list[Written] = []

    # -- the DAW

    def start(self, queue: Queue) -> None:
        """Listens, if it does not yet. Raises `Unavailable` while no DAW has the plug-in."""
        self._queue = queue
        if self._listener is None:
            self._listener = _listen(socket_path())
        self._look_who_is_there()
        self._read()
        self._must_be_there()

    def _must_be_there(self) -> None:
        if not any(instance.greeted for instance in self._instances):
            raise Unavailable("No DAW has jamlink's plug-in on a track.", _REMEDY)

    def _look_who_is_there(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                link, _ = self._listener.accept()
                link.setblocking(False)
                self._instances.append(_Instance(link))
                self._instances[-1].tell(_TELL_HELLO, VERSION)

    def _drop_the_gone(self) -> None:
        for instance in [instance for instance in self._instances if not instance.there]:
            instance.link.close()
            self._instances.remove(instance)
            lost = [number for number, (by, _) in self._under_way.items() if by is instance]
            for number in lost:
                del self._under_way[number]
            self.losses.unwritten += len(lost)

    def stop(self) -> None:
        """Lets what was sent ahead be written, then goes."""
        self.flush()
        for instance in self._instances:
            instance.link.close()
        self._instances.clear()
        self._under_way.clear()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._listener.getsockname())
            self._listener.close()
            self._listener = None

    def flush(self) -> None:
        """Waits until the plug-in has written what is due now: a block or two where the DAW runs."""
        deadline = self._clock.now() + _LONGEST_LEAVE
        self.pump(self._clock.now())
        while self._under_way and self._clock.now() < deadline:
            time.sleep(0.001)
            self.pump(self._clock.now())

    # -- the ports

    def listing(self) -> Listing:
        """One name, both ways."""
        self._must_be_there()
        return Listing((NAME,), (NAME,))

    def open_own(self, direction: Direction, port: int, spec: PortSpec) -> str:
        """Where there is no other MIDI system, the plug-in is every port."""
        self.bind(direction, port, spec, NAME)
        return NAME

    def bind(self, direction: Direction, port: int, spec: PortSpec, target: str) -> None:
        """The port's name says which part of the plug-in it is."""
        self._must_be_there()
        if direction is Direction.IN:
            self._inputs[port] = spec.name
            self._leader = None
        else:
            self._outputs[port] = spec.name

    def release(self, direction: Direction, port: int) -> None:
        """Forgets it."""
        if direction is Direction.IN:
            self._inputs.pop(port, None)
        else:
            self._outputs.pop(port, None)

    def peers(self, direction: Direction, port: int) -> tuple[str, ...]:
        """A DAW does not say what its tracks go to."""
        return ()

    def through_to(self, output: int | None) -> None:
        """Notes pass on in the pump that reads them. (The plug-in's own input passes to its output in any case.)"""
        self._through = output

    # -- the notes

    def pump(self, now: Ns) -> None:
        """Reads what came in, then sends ahead what is due soon."""
        if self._listener is None or self._queue is None:
            return
        self._look_who_is_there()
        self._read()
        self._ask_where_it_is()
        if any(instance.greeted for instance in self._instances):
            ahead = AHEAD + 2 * max(instance.block_ns for instance in self._instances)
            for message in self._queue.take_due(Ns(now + ahead)):
                self._send(message)
        for instance in self._instances:
            instance.send()
        self._drop_the_gone()

    def _ask_where_it_is(self) -> None:
        """A clock that rolled before we listened has said its start to nobody."""
        leader = self._clock_of_all()
        if self._inputs and leader is not self._leader:
            self._leader = leader
            if leader is not None:
                leader.tell(_TELL_WHERE)

    def _clock_of_all(self) -> _Instance | None:
        return next((instance for instance in self._instances if instance.greeted), None)

    def _read(self) -> None:
        for instance in self._instances:
            for kind, size, aux, number, at, data in instance.records():
                self._take(instance, kind, aux, number, Ns(at), data[:size])
        self._drop_the_gone()

    def _take(self, instance: _Instance, kind: int, aux: int, number: int, at: Ns, data: bytes) -> None:
        if kind == _HEARD and data:
            self._take_in(instance, at, data)
        elif kind == _WRITTEN:
            self._take_written(instance, number, at)
        elif kind == _TRANSPORT and len(data) == _POSITION.size:
            bar, beat, per_bar, bpm = _POSITION.unpack(data)
            self.transport = HostTransport(at, bool(aux), bar, beat, per_bar, number, bpm)
        elif kind == _BLOCK:
            instance.block_ns = at
        elif kind == _PART:
            instance.part = number
        elif kind == _LOST:
            self.losses.dropouts += (number - instance.lost) % _COUNTER_SIZE
            instance.lost = number
        elif kind == _HELLO:
            instance.greeted = instance.there = number == VERSION

    def _take_in(self, instance: _Instance, at: Ns, data: bytes) -> None:
        is_clock = data[0] in _CLOCKS
        if is_clock and instance is not self._clock_of_all():
            return
        for_clocks = is_clock and CLOCK_INPUT in self._inputs.values()
        ports = [port for port, name in self._inputs.items() if (name == CLOCK_INPUT) == for_clocks]
        self._heard += [HeardBytes(at, port, data) for port in sorted(ports)]
        if self._through is not None and data[0] < _SYSTEM and self._queue is not None:
            self._queue.push((Outgoing(at, self._through, HOUSE, data),))

    def _take_written(self, instance: _Instance, number: int, at: Ns) -> None:
        by, message = self._under_way.get(number, (None, None))
        if message is None or by is not instance:
            return
        del self._under_way[number]
        if at:
            self._written.append(Written(at, message))
        else:
            self.losses.unwritten += 1  # the DAW stood still, and its moment was long gone

    def _send(self, message: Outgoing) -> None:
        output = self._outputs.get(message.port)
        if output is None or len(message.data) > _DATA_MOST:
            self.losses.unwritten += 1
            return
        players = [instance for instance in self._instances if instance.plays(output) or _ends(message, instance)]
        if not players:
            self._written.append(Written(message.due, message))
            return
        self._numbers = (self._numbers + 1) % _COUNTER_SIZE
        self._under_way[self._numbers] = players[0], message
        for instance in players:
            instance.tell(_TELL_PLAY, self._numbers, message.due, message.data)
            _keep(message, instance)

    def heard(self) -> list[HeardBytes]:
        """What came in."""
        heard, self._heard = self._heard, []
        return heard

    def written(self) -> list[Written]:
        """What went out, at the moments of its frames."""
        written, self._written = self._written, []
        return written


def _key(message: Outgoing) -> tuple[int, int, int]:
    return message.port, message.data[0] & 0x0F, message.data[1] if len(message.data) > 1 else 0


def _ends(message: Outgoing, instance: _Instance) -> bool:
    """Whether it ends what this instance has begun: it does so even if the instance plays another part by now."""
    is_off = message.data[0] & 0xF0 == 0x80 or (message.data[0] & 0xF0 == 0x90 and message.data[2] == 0)
    return is_off and _key(message) in instance.begun


def _keep(message: Outgoing, instance: _Instance) -> None:
    if message.data[0] & 0xF0 == 0x90 and message.data[2]:
        instance.begun.add(_key(message))
    elif message.data[0] & 0xF0 in (0x80, 0x90):
        instance.begun.discard(_key(message))


def _listen(path: Path) -> socket.socket:
    """The one listener of this user. Raises `Unavailable` where another jamlink has it, or the folder is not ours."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = path.parent.stat()
        if about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o022:
            raise Unavailable(f"Others may write to {path.parent}.", "Delete that folder.")
        if _somebody_listens(path):
            raise Unavailable("Another jamlink has the DAW's plug-in.", "End that one.")
        path.unlink(missing_ok=True)
        made.bind(str(path))
        made.listen()
    except OSError as trouble:
        made.close()
        why = (trouble.strerror or str(trouble)).lower()
        raise Unavailable(f"The DAW's plug-in cannot be waited for at {path} ({why}).", "Delete that file.") from None
    except Unavailable:
        made.close()
        raise
    made.setblocking(False)
    return made


def _somebody_listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as looking:
        try:
            looking.connect(str(path))
        except OSError:
            return False
        return True
