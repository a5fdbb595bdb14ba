"""A MIDI system made of lists, for tests: cables are plugged and pulled by hand and every message is kept."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from jamlink.errors import Unavailable
from jamlink.ports.base import (
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
from jamlink.ports.discovery import no_own_ports
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns


class Arrived(NamedTuple):
    """A message that reached the far end of an output."""

    at: Ns
    port: str
    data: bytes


class LoopbackPorts:
    """See `PortSystem`. The far ends of its cables are the methods at the end of this class. One thread."""

    polled = True

    def __init__(self, clock: Clock, name: str = "loopback", own_ports: bool = True) -> None:
        self.name = name
        self.own_ports = own_ports
        self.losses = Losses()
        self.lock: AbstractContextManager[object] = nullcontext()
        self.running = True
        """Set to False: the system's server died."""
        self.arrived: list[Arrived] = []
        self._clock = clock
        self._queue: Queue | None = None
        self._there = Listing()
        self._held: dict[tuple[Direction, int], str] = {}
        self._through: int | None = None
        self._heard: list[HeardBytes] = []
        self._written: list[Written] = []

    def start(self, queue: Queue) -> None:
        """Begins; raises `Unavailable` while not `running`."""
        self._must_run()
        self._held.clear()
        self._queue = queue

    def _must_run(self) -> None:
        if not self.running:
            raise Unavailable(f"The MIDI system {self.name} does not run.", "Start it.")

    def listing(self) -> Listing:
        """What was plugged in by hand."""
        self._must_run()
        return self._there

    def open_own(self, direction: Direction, port: int, spec: PortSpec) -> str:
        """A port of our own, named "jamlink NAME"; refused where the system has none, as Windows does."""
        self._must_run()
        if not self.own_ports:
            raise no_own_ports(direction, spec)
        self._held[direction, port] = f"jamlink {spec.name}"
        return self._held[direction, port]

    def bind(self, direction: Direction, port: int, spec: PortSpec, target: str) -> None:
        """Ties the port to a plugged-in one."""
        self._must_run()
        if target not in self._there.of(direction):
            raise Unavailable(f'The port "{target}" is gone.', "Plug it in again.")
        self._held[direction, port] = target

    def release(self, direction: Direction, port: int) -> None:
        """Lets go."""
        self._held.pop((direction, port), None)

    def peers(self, direction: Direction, port: int) -> tuple[str, ...]:
        """Nobody can be told."""
        return ()

    def through_to(self, output: int | None) -> None:
        """Where to pass on what comes in."""
        self._through = output

    def pump(self, now: Ns) -> None:
        """Writes what is due, at `now`."""
        if self._queue is None or not self.running:
            return
        for message in self._queue.take_due(Ns(now + 1)):
            port = self._held.get((Direction.OUT, message.port))
            if port is None:
                self.losses.unwritten += 1
                continue
            self.arrived.append(Arrived(now, port, message.data))
            self._written.append(Written(now, message))

    def heard(self) -> list[HeardBytes]:
        """What `play` put in."""
        heard, self._heard = self._heard, []
        return heard

    def written(self) -> list[Written]:
        """What `pump` wrote."""
        written, self._written = self._written, []
        return written

    def flush(self) -> None:
        """Writes what is due."""
        self.pump(self._clock.now())

    def stop(self) -> None:
        """Writes what is due and lets go."""
        self.flush()
        self._held.clear()
        self._queue = None

    # -- the far ends

    def plug(self, direction: Direction, *names: str) -> None:
        """These ports are there now, after those that were."""
        inputs, outputs = self._there.inputs, self._there.outputs
        if direction is Direction.IN:
            self._there = Listing((*inputs, *names), outputs)
        else:
            self._there = Listing(inputs, (*outputs, *names))

    def pull(self, *names: str) -> None:
        """These ports are gone; what is written to them reaches nobody."""
        keep = Listing(
            tuple(n for n in self._there.inputs if n not in names),
            tuple(n for n in self._there.outputs if n not in names),
        )
        self._there = keep

    def play(self, port: str, data: bytes) -> None:
        """A message comes in on `port`, by the name it is held under; on one that nobody holds it is not heard."""
        for (direction, number), name in self._held.items():
            if direction is Direction.IN and name == port:
                now = self._clock.now()
                self._heard.append(HeardBytes(now, number, data))
                if self._through is not None and self._queue is not None and data[0] < 0xF0:
                    self._queue.push([Outgoing(now, self._through, HOUSE, data)])
