"""ALSA, CoreMIDI and Windows (and JACK, where nothing better is installed), through RtMidi.

Only ever polled: RtMidi's callback takes Python's lock in the driver's thread, and closing a port while messages come
in then deadlocks or crashes. Polled once a millisecond from a thread with real-time priority it is as fast as the
callback. The system is always named; RtMidi's own choice tries ALSA first and complains on the screen where there is
none.

`send_message` over JACK spins for ever when the server has died and its buffer is full, and nothing tells that it died.
So this part belongs into a process that can be killed: the session process does so when it stops answering.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from jamlink.errors import Unavailable
from jamlink.ports.base import (
    HOUSE,
    MAX_MESSAGE,
    Direction,
    HeardBytes,
    Listing,
    Losses,
    Outgoing,
    PortSpec,
    Queue,
    Written,
)
from jamlink.ports.discovery import (
    NameBook,
    is_ours,
    no_own_ports,
    offered_without_own_ports,
    plain_alsa,
    plain_jack,
    plain_windows,
    program_alsa,
)
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns

_SYSTEM = 0xF0
_INPUT_QUEUE = 16_384
"""Messages that RtMidi keeps until we poll: over five seconds of a full DIN cable."""
_MOST_PER_PUMP = 1024
"""Messages taken from one input before the outputs get their turn."""


@dataclass(frozen=True, slots=True)
class _System:
    """What RtMidi needs to know about a MIDI system, and what a player should do where it is absent."""

    api: str
    plain: Any
    own_ports: bool
    remedy: str
    program: Callable[[str], str] = lambda own: ""
    """The program behind a port, where the port's own name tells; empty for a device, and where it does not."""


RTMIDI_SYSTEMS = {
    "ALSA": _System("API_LINUX_ALSA", plain_alsa, True, "Load the kernel module snd-seq, or start JACK.", program_alsa),
    "rtmidi-JACK": _System("API_UNIX_JACK", plain_jack, True, "Start JACK, or use another MIDI system."),
    "CoreMIDI": _System("API_MACOSX_CORE", str.strip, True, "Restart the MIDI server of this Mac."),
    "Windows": _System("API_WINDOWS_MM", plain_windows, False, "Plug in a MIDI device, or make a port with loopMIDI."),
}


class StampLine:
    """Turns RtMidi's deltas (seconds since the message before) into moments of our clock. One input, one thread.

    The driver's clock may drift from ours, so its deltas only say where between two polls a message came.
    """

    def __init__(self, now: Ns) -> None:
        self._last = now
        self._emptied = now

    def stamp(self, delta_s: float, now: Ns) -> Ns:
        """The moment of a message read at `now`: after the input was last seen empty, not after `now`, in order."""
        at = self._last + round(delta_s * NS_PER_SECOND)
        self._last = Ns(min(max(at, self._emptied), now))
        return self._last

    def empty(self, now: Ns) -> None:
        """At `now` there was nothing more to read."""
        self._emptied = now


def _rtmidi() -> ModuleType:
    try:
        import rtmidi
    except ImportError:
        raise Unavailable("python-rtmidi is not installed.", "Install jamlink again.") from None
    return rtmidi


@contextlib.contextmanager
def _mute_stderr() -> Iterator[None]:
    """Keeps the C libraries' complaints about absent systems off the screen; ours are better. Main thread only."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


class RtMidiPorts:
    """See `PortSystem`. `name` is a key of RTMIDI_SYSTEMS."""

    polled = True

    def __init__(self, name: str, client_name: str, clock: Clock) -> None:
        self.name = name
        self.own_ports = RTMIDI_SYSTEMS[name].own_ports
        self.losses = Losses()
        self.lock: AbstractContextManager[object] = nullcontext()
        self._system = RTMIDI_SYSTEMS[name]
        self._client_name = client_name
        self._clock = clock
        self._queue: Queue | None = None
        self._scouts: dict[Direction, Any] = {}
        self._held: dict[tuple[Direction, int], Any] = {}
        self._stamps: dict[int, StampLine] = {}
        self._through: int | None = None
        self._heard: list[HeardBytes] = []
        self._written: list[Written] = []
        self._raw: dict[Direction, dict[str, str]] = {way: {} for way in Direction}
        self._books = {way: NameBook() for way in Direction}

    # -- the system

    def start(self, queue: Queue) -> None:
        """Joins the system. Raises `Unavailable` where it is absent."""
        self.stop()
        self._scouts = {way: self._make(way) for way in Direction}
        self._queue = queue

    def _make(self, direction: Direction) -> Any:
        rtmidi = _rtmidi()
        api = getattr(rtmidi, self._system.api)
        if api not in rtmidi.get_compiled_api():
            raise self._absent("is not built into python-rtmidi")
        if self.name == "ALSA" and not os.path.exists("/dev/snd/seq"):
            raise self._absent("has no sequencer on this machine")
        try:
            with _mute_stderr():
                if direction is Direction.OUT:
                    return rtmidi.MidiOut(api, name=self._client_name)
                return rtmidi.MidiIn(api, name=self._client_name, queue_size_limit=_INPUT_QUEUE)
        except OSError:  # every error of RtMidi's is one
            raise self._absent("does not answer") from None

    def _absent(self, what: str) -> Unavailable:
        return Unavailable(f"{self.name} {what}.", self._system.remedy)

    def stop(self) -> None:
        """Writes what is due and closes everything."""
        self.flush()
        self._queue = None
        for direction, port in list(self._held):
            self.release(direction, port)
        for scout in self._scouts.values():
            scout.delete()
        self._scouts = {}

    # -- the ports

    def listing(self) -> Listing:
        """Ports of other programs and devices."""
        for direction in Direction:
            own_names = self._own_names(direction)
            offered = [name for name in own_names if self._is_offered(name, direction)]
            self._raw[direction] = self._books[direction].assign([(n, self._system.plain(n)) for n in offered])
        raw = (self._raw[Direction.IN] | self._raw[Direction.OUT]).items()
        programs = {name: program for name, own in raw if (program := self._system.program(own))}
        return Listing(tuple(self._raw[Direction.IN]), tuple(self._raw[Direction.OUT]), programs)

    def _own_names(self, direction: Direction) -> list[str]:
        scout = self._scouts.get(direction)
        if scout is None:
            raise self._absent("was not started")
        try:
            return list(scout.get_ports())
        except OSError:
            raise self._absent("went away") from None

    def _is_offered(self, name: str, direction: Direction) -> bool:
        if self.own_ports:
            return not is_ours(name, self._client_name)
        return offered_without_own_ports(name, direction)

    def open_own(self, direction: Direction, port: int, spec: PortSpec) -> str:
        """A port called "jamlink NAME" that others connect to; RtMidi cannot connect it to peers itself."""
        if not self.own_ports:
            raise no_own_ports(direction, spec)
        name = f"{self._client_name} {spec.name}"
        self._open(direction, port, lambda opened: opened.open_virtual_port(name), name)
        return name

    def bind(self, direction: Direction, port: int, spec: PortSpec, target: str) -> None:
        """Opens the device or program `target` of the last listing."""
        raw = self._raw[direction].get(target)
        own_names = self._own_names(direction)
        if raw not in own_names:
            raise Unavailable(f'The port "{target}" is gone.', "Plug it in again.")
        # Ports of the very same own name follow one another in the listing as in the system.
        twins = [name for name, own in self._raw[direction].items() if own == raw]
        index = [i for i, own in enumerate(own_names) if own == raw][twins.index(target) :][:1]
        if not index:
            raise Unavailable(f'The port "{target}" is gone.', "Plug it in again.")
        self._open(
            direction, port, lambda opened: opened.open_port(index[0], f"{self._client_name} {spec.name}"), target
        )

    def _open(self, direction: Direction, port: int, how: Any, name: str) -> None:
        self.release(direction, port)
        opened = self._make(direction)
        try:
            how(opened)
        except (OSError, ValueError, NotImplementedError):
            opened.delete()
            raise Unavailable(f'The port "{name}" is busy or gone.', "Close the program that holds it.") from None
        if direction is Direction.IN:
            opened.ignore_types(sysex=False, timing=False, active_sense=True)
            self._stamps[port] = StampLine(self._clock.now())
        self._held[direction, port] = opened

    def release(self, direction: Direction, port: int) -> None:
        """Closes the port."""
        opened = self._held.pop((direction, port), None)
        if opened is not None:
            opened.close_port()
            opened.delete()

    def peers(self, direction: Direction, port: int) -> tuple[str, ...]:
        """RtMidi cannot tell."""
        return ()

    def through_to(self, output: int | None) -> None:
        """Notes pass on in the pump that reads them."""
        self._through = output

    # -- the notes

    def pump(self, now: Ns) -> None:
        """Reads what came in, then writes what is due."""
        if self._queue is None:
            return
        for (direction, number), opened in self._held.items():
            if direction is Direction.IN:
                self._read(number, opened)
        for message in self._queue.take_due(Ns(now + 1)):
            self._write(message)

    def _read(self, number: int, opened: Any) -> None:
        for _ in range(_MOST_PER_PUMP):
            came = opened.get_message()
            if came is None:
                self._stamps[number].empty(self._clock.now())
                return
            data, delta_s = came
            at = self._stamps[number].stamp(delta_s, self._clock.now())
            if len(data) > MAX_MESSAGE:
                self.losses.oversized += 1
            elif data:
                self._take_in(HeardBytes(at, number, bytes(data)))

    def _take_in(self, heard: HeardBytes) -> None:
        self._heard.append(heard)
        if self._through is not None and self._queue is not None and heard.data[0] < _SYSTEM:
            self._queue.push((Outgoing(heard.at, self._through, HOUSE, heard.data),))

    def _write(self, message: Outgoing) -> None:
        opened = self._held.get((Direction.OUT, message.port))
        try:
            if opened is None:
                raise OSError
            opened.send_message(message.data)
        except (OSError, ValueError):
            self.losses.unwritten += 1
            return
        self._written.append(Written(self._clock.now(), message))

    def flush(self) -> None:
        """Writes what is due; RtMidi hands it to the system at once."""
        self.pump(self._clock.now())

    def heard(self) -> list[HeardBytes]:
        """What came in."""
        heard, self._heard = self._heard, []
        return heard

    def written(self) -> list[Written]:
        """What went out, stamped when RtMidi took it; over JACK it leaves with the next period."""
        written, self._written = self._written, []
        return written
