"""JACK: notes to the exact sample, in JACK's own thread.

JACK calls `_process` once per period, in a thread of its own with real-time priority. There we copy what came in,
stamp it, take what is due within this period from the queue and write it at its frame. Everything in this process is
kept small so that the callback gets Python's lock at once: with a model in a thread beside it, 38 % of the messages
were lost.

Time. JACK counts frames, and its microseconds run on CLOCK_MONOTONIC_RAW, which drifts from the clock that jamlink
uses (by 249 ms on one machine, as time servers slew one and not the other). Its estimate of the current frame is a
slow control loop: after a stall (a client that died, a machine out of breath) it was measured 36 to 80 ms wrong, for
seconds. So no time of JACK's is used, only how many frames of this period have passed, which it knows from the
period's very start: each period pairs that frame with our own clock, read at once. The median of the last few takes
out periods that woke late; what is off by more than a period is no late waking but a stall, and is followed at once.
It is good to 10 microseconds on a quiet machine. A message heard or written at frame f is stamped with the moment of
frame f on this line, which is also the line on which every other JACK program sees it. Frames of the period being
played lie up to one period ahead of now.

A missed period (xrun) loses messages without a word; it is counted in `losses.dropouts`, and whoever owns the sounding
notes says their ends again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
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
from jamlink.ports.discovery import NameBook, is_ours, plain_jack
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

_ACTIVE_SENSING = 0xFE
_SYSTEM = 0xF0
_COUNTER_SIZE = 1 << 32
_REMEMBERED = 7
"""Periods whose median ties frames to moments: up to three that woke late do not count."""
_AT_ONCE = ms(0.1)
"""Two readings that took longer than this were not made at once: another thread came between."""
_PERIODS_TO_LEAVE = 4
_LONGEST_LEAVE = ms(400)


class FrameClock:
    """Converts between frames of a JACK server and moments of our clock. One thread."""

    def __init__(self, rate: int, period_frames: int) -> None:
        self._rate = rate
        self._stall = period_frames * NS_PER_SECOND / rate
        self._newest = 0
        self._origins: deque[float] = deque(maxlen=_REMEMBERED)
        self._origin = 0.0  # the moment of frame 0, in ns

    def unwrap(self, counter: int) -> int:
        """The frame for a reading of JACK's 32-bit counter, which wraps once a day at 48 kHz."""
        ahead = (counter - self._newest + _COUNTER_SIZE // 2) % _COUNTER_SIZE - _COUNTER_SIZE // 2
        self._newest += ahead
        return self._newest

    def observe(self, frame: int, now: Ns) -> None:
        """Frame number `frame` is being played at `now`."""
        origin = now - (frame + 0.5) * NS_PER_SECOND / self._rate  # half: JACK counts whole frames
        if abs(origin - self._origin) > self._stall:
            self._origins.clear()
        self._origins.append(origin)
        self._origin = sorted(self._origins)[len(self._origins) // 2]

    def ns_of(self, frame: int) -> Ns:
        """The moment of a frame."""
        return Ns(round(self._origin + frame * NS_PER_SECOND / self._rate))

    def frame_of(self, moment: Ns) -> int:
        """The first frame that is not before `moment`."""
        return -int(((self._origin - moment) * self._rate) // NS_PER_SECOND)


@lru_cache(maxsize=1)
def load_jack() -> ModuleType:
    """The library, loaded when it is first wanted: a machine without JACK has none. Raises `Unavailable`."""
    try:
        import jack
    except (ImportError, OSError):
        raise Unavailable("JACK is not installed.", "Install jackd2 or PipeWire's JACK to use it.") from None
    jack.set_error_function(lambda message: None)
    jack.set_info_function(lambda message: None)
    return jack


class JackPorts:
    """See `PortSystem`. `wake` is called in JACK's thread after a period in which something came in or went out."""

    name = "JACK"
    own_ports = True
    polled = False

    def __init__(self, client_name: str, clock: Clock, wake: Callable[[], None] | None = None) -> None:
        self.losses = Losses()
        self.lock = threading.Lock()
        self._client_name = client_name
        self._clock = clock
        self._wake = wake or (lambda: None)
        self._client: Any = None
        self._gone = ""
        self._inputs: dict[int, Any] = {}
        self._outputs: dict[int, Any] = {}
        self._through: int | None = None
        self._heard: list[HeardBytes] = []
        self._written: list[Written] = []
        self._carried: deque[Outgoing] = deque()
        self._periods = 0
        self._raw: dict[Direction, dict[str, str]] = {way: {} for way in Direction}
        self._books = {way: NameBook() for way in Direction}

    # -- the server

    def start(self, queue: Queue) -> None:
        """Joins the server that runs; never starts one. Raises `Unavailable` where none answers."""
        jack = load_jack()
        self.stop()
        try:
            client = jack.Client(self._client_name, no_start_server=True)
        except jack.JackError:
            raise Unavailable("No JACK server answers.", "Start JACK or PipeWire.") from None
        self._gone = ""
        self._queue = queue
        self._frames = FrameClock(client.samplerate, client.blocksize)
        self.period = Ns(round(client.blocksize * NS_PER_SECOND / client.samplerate))
        client.set_process_callback(self._process)
        client.set_xrun_callback(self._missed)
        client.set_shutdown_callback(self._shut_down)
        self._client = client
        client.activate()

    def _missed(self, _delay_usecs: float) -> None:
        self.losses.dropouts += 1

    def _shut_down(self, _status: object, reason: str) -> None:
        self._gone = reason or "it ended"
        self._wake()

    def _must_run(self) -> Any:
        if self._client is None or self._gone:
            raise Unavailable(f"The JACK server is gone ({self._gone or 'not started'}).", "Start it again.")
        return self._client

    def stop(self) -> None:
        """Lets what is queued for now leave, then goes."""
        client = self._client
        if client is None:
            return
        self.flush()
        self._client = None
        with contextlib.suppress(Exception):  # a server that died meanwhile cannot be left politely
            client.deactivate()
        with contextlib.suppress(Exception):
            client.close()
        with self.lock:
            self._inputs, self._outputs = {}, {}
            self._carried.clear()

    def flush(self) -> None:
        """Waits until some whole periods have passed: one to write, the others for the readers to read."""
        if self._client is None:
            return
        enough, deadline = self._periods + _PERIODS_TO_LEAVE, self._clock.now() + _LONGEST_LEAVE
        while (self._periods < enough or self._carried) and self._clock.now() < deadline and not self._gone:
            time.sleep(0.001)

    # -- the ports

    def listing(self) -> Listing:
        """MIDI ports of other programs and devices."""
        client = self._must_run()
        programs = self._look(client, Direction.IN, client.get_ports(is_midi=True, is_output=True))
        programs |= self._look(client, Direction.OUT, client.get_ports(is_midi=True, is_input=True))
        return Listing(tuple(self._raw[Direction.IN]), tuple(self._raw[Direction.OUT]), programs)

    def _look(self, client: Any, direction: Direction, ports: list[Any]) -> dict[str, str]:
        """Takes down the ports of one direction, and returns the program behind each that is no device's."""
        named = [(port.name, plain_jack(_speaking_name(port))) for port in ports]
        others = [(own, plain) for own, plain in named if not client.owns(own) and not is_ours(own, self._client_name)]
        self._raw[direction] = self._books[direction].assign(others)
        devices = {port.name for port in ports if port.is_physical}
        return {name: own.partition(":")[0] for name, own in self._raw[direction].items() if own not in devices}

    def open_own(self, direction: Direction, port: int, spec: PortSpec) -> str:
        """Registers "jamlink:NAME" and connects it to those of its peers that are there."""
        own = self._register(direction, port, spec)
        for peer in spec.peers:
            with contextlib.suppress(load_jack().JackError):
                self._connect(direction, own, peer)
        return str(own.name)

    def bind(self, direction: Direction, port: int, spec: PortSpec, target: str) -> None:
        """A port of our own, connected to `target`."""
        self._must_run()
        raw = self._raw[direction].get(target)
        if raw is None:
            raise Unavailable(f'The port "{target}" is gone.', "Plug it in again.")
        own = self._register(direction, port, spec)
        try:
            self._connect(direction, own, raw)
        except load_jack().JackError as error:
            self.release(direction, port)
            raise Unavailable(f'JACK does not connect to "{target}" ({error}).', "Choose another port.") from None

    def _register(self, direction: Direction, port: int, spec: PortSpec) -> Any:
        client, held = self._must_run(), self._held(direction)
        if port in held:
            return held[port]
        kind = client.midi_inports if direction is Direction.IN else client.midi_outports
        try:
            own = kind.register(spec.name)
        except load_jack().JackError as error:
            raise Unavailable(f'JACK gives no port "{spec.name}" ({error}).', "Restart JACK with more ports.") from None
        with self.lock:
            held[port] = own
        return own

    def _connect(self, direction: Direction, own: Any, peer: str) -> None:
        client = self._must_run()
        if not own.is_connected_to(peer):
            client.connect(*((peer, own) if direction is Direction.IN else (own, peer)))

    def _held(self, direction: Direction) -> dict[int, Any]:
        return self._inputs if direction is Direction.IN else self._outputs

    def release(self, direction: Direction, port: int) -> None:
        """Unregisters the port."""
        with self.lock:
            own = self._held(direction).pop(port, None)
        if own is not None and not self._gone:
            with contextlib.suppress(load_jack().JackError):
                own.unregister()

    def peers(self, direction: Direction, port: int) -> tuple[str, ...]:
        """Full names of the connected ports."""
        own = self._held(direction).get(port)
        if own is None or self._gone:
            return ()
        return tuple(peer.name for peer in own.connections)

    def through_to(self, output: int | None) -> None:
        """Notes pass straight within the same period, at the frame they came in."""
        self._through = output

    # -- the notes

    def pump(self, now: Ns) -> None:
        """Nothing to do: JACK's thread does it."""

    def heard(self) -> list[HeardBytes]:
        """What came in, in order; call it with `lock` held."""
        heard, self._heard = self._heard, []
        return heard

    def written(self) -> list[Written]:
        """What went out, in order; call it with `lock` held."""
        written, self._written = self._written, []
        return written

    def _process(self, frames: int) -> None:
        """One period, in JACK's thread. Must not raise: JACK would never call again."""
        try:
            with self.lock:
                self._period(frames)
        except Exception:
            self.losses.faults += 1
        if self._heard or self._written:
            self._wake()

    def _period(self, frames: int) -> None:
        client, clock = self._client, self._frames
        if client is None:
            return
        start = clock.unwrap(client.last_frame_time)
        self._look_at_the_clock(client, start)
        for number, port in self._inputs.items():
            for offset, data in port.incoming_midi_events():
                self._take_in(number, clock.ns_of(start + offset), data)
        for port in self._outputs.values():
            port.clear_buffer()
        last = clock.ns_of(start + frames - 1)  # what is due after it leaves at the first frame of the next period
        due = [*self._carried, *self._queue.take_due(Ns(last + 1))]
        self._carried.clear()
        self._write(due, start, frames)
        self._periods += 1

    def _look_at_the_clock(self, client: Any, start: int) -> None:
        before = self._clock.now()
        frame = start + client.frames_since_cycle_start
        after = self._clock.now()
        if after - before <= _AT_ONCE:
            self._frames.observe(frame, after)

    def _take_in(self, number: int, at: Ns, data: Any) -> None:
        if len(data) > MAX_MESSAGE:
            self.losses.oversized += 1
            return
        message = bytes(data)
        if not message or message[0] == _ACTIVE_SENSING:
            return
        self._heard.append(HeardBytes(at, number, message))
        if self._through is not None and message[0] < _SYSTEM:
            self._queue.push((Outgoing(at, self._through, HOUSE, message),))

    def _write(self, due: list[Outgoing], start: int, frames: int) -> None:
        """Writes in order; JACK refuses frames that go back, so what is late joins the newest frame of its port."""
        newest: dict[int, int] = {}
        for message in due:
            port = self._outputs.get(message.port)
            if port is None:
                self.losses.unwritten += 1
                continue
            offset = max(self._frames.frame_of(message.due) - start, newest.get(message.port, 0))
            offset = min(offset, frames - 1)
            newest[message.port] = offset
            try:
                port.write_midi_event(offset, message.data)
            except load_jack().JackError:  # the port's buffer for this period is full
                self._carried.append(message)
                continue
            self._written.append(Written(self._frames.ns_of(start + offset), message))


def _speaking_name(port: Any) -> str:
    """The alias of a hardware port: "system:midi_capture_1" says nothing to a player."""
    name = str(port.name)
    if name.startswith("system:"):
        return next(iter(port.aliases), name)
    return name
