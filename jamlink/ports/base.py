"""What every MIDI system looks like from above, whatever the machine calls it.

A port that jamlink plays through is asked for with a `PortSpec`. Without a pattern it is a port of our own that other
programs connect to; with one it is bound to the first port whose name matches, whenever that port is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from jamlink.timing.units import Ns

CLIENT_NAME = "jamlink"
"""What we are called in the list of every other program; everything under this name is ours."""


HOUSE = 0
"""The owner of what nobody asked for in particular: notes passing through, pedals up, panic. Owners count from 1."""


class Direction(Enum):
    """Which way notes go, seen from jamlink."""

    IN = "in"
    OUT = "out"


CLOCK_INPUT = "clock in"
"""The name of the input that a clock comes in at."""


@dataclass(frozen=True, slots=True)
class PortSpec:
    """A port to have. `name` is short and unique in its direction ("in", "chords"); the world sees "jamlink chords".

    An empty `pattern` makes a port of our own. Else it is a part of a port's name, or a glob with * and ?, in any case.
    `peers` are the full names of ports to connect our own port to as soon as it exists; ports that are not there are
    passed over.
    """

    name: str
    pattern: str = ""
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The ports of other programs and devices that can be had now, by their stable names, in the system's order."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    programs: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The program behind each port that is known to be no device's."""

    def of(self, direction: Direction) -> tuple[str, ...]:
        """The names in one direction."""
        return self.inputs if direction is Direction.IN else self.outputs


class HeardBytes(NamedTuple):
    """One whole message that came in on input number `port`."""

    at: Ns
    port: int
    data: bytes


class Outgoing(NamedTuple):
    """One whole message to write to output number `port` at the moment `due`.

    `owner` is who will answer for it (HOUSE, or a number from 1 to 2**32 - 1); it travels along so that the report can
    name it.
    """

    due: Ns
    port: int
    owner: int
    data: bytes


class Written(NamedTuple):
    """What became of an `Outgoing`: the moment it really went out, on the system's own time line."""

    at: Ns
    message: Outgoing


class Queue(Protocol):
    """Where a port system takes from what has to go out, and puts what passes straight through.

    Called only under the port system's own `lock`, since JACK calls from its own thread.
    """

    def take_due(self, until: Ns) -> Sequence[Outgoing]:
        """Everything due before `until`, in order; it counts as written from here on. Short, never waits."""
        ...

    def push(self, messages: Iterable[Outgoing]) -> None:
        """Queues what came in and passes straight on."""
        ...


@dataclass(slots=True)
class Losses:
    """Counts of what a port system could not do since it was made; for the screen, never a reason to stop."""

    dropouts: int = 0
    """Periods the system missed (JACK calls them xruns); messages may have been lost with each."""
    unwritten: int = 0
    """Messages the system refused to write."""
    oversized: int = 0
    """Incoming messages longer than MAX_MESSAGE, passed over."""
    faults: int = 0
    """Exceptions of our own inside a driver's callback."""


MAX_MESSAGE = 4096
"""Bytes. Longer than any message jamlink has a use for; a dump of samples or firmware is longer."""


class PortSystem(Protocol):
    """One MIDI system of this machine (JACK, ALSA, CoreMIDI, WinMM, or lists in a test).

    All methods belong to one thread, the io process's main thread. None of them waits longer than the system takes to
    answer (below 10 ms), except `start`, `flush` and `stop` (below 2 s). Ports are numbered by the caller, each
    direction from 0.
    """

    name: str
    """How people call the system: "JACK", "ALSA", "CoreMIDI", "Windows"."""
    own_ports: bool
    """Whether it can make ports of our own that other programs connect to."""
    polled: bool
    """Whether `pump` does the work, so that it has to be called every millisecond; else a thread of the system does."""
    losses: Losses

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held for as long as the system takes from its queue and notes what it wrote.

        Whoever touches the queue, or wants queue and report to agree, holds it too. Nothing under it may wait.
        """
        ...

    def start(self, queue: Queue) -> None:
        """Connects to the system. Raises `Unavailable` where it is absent or its server does not run."""
        ...

    def listing(self) -> Listing:
        """What is there now, without ports of our own. Raises `Unavailable` where the system went away."""
        ...

    def open_own(self, direction: Direction, port: int, spec: PortSpec) -> str:
        """Makes a port of our own, connects it to its peers and returns its full name. Raises `Unavailable`."""
        ...

    def bind(self, direction: Direction, port: int, spec: PortSpec, target: str) -> None:
        """Binds to the port `target` of the listing. Raises `Unavailable` where it vanished meanwhile or is busy."""
        ...

    def release(self, direction: Direction, port: int) -> None:
        """Lets go of a port; of one that is not held, nothing happens."""
        ...

    def peers(self, direction: Direction, port: int) -> tuple[str, ...]:
        """Who is connected to a port of our own, as far as the system tells; empty where it does not."""
        ...

    def through_to(self, output: int | None) -> None:
        """Sends everything that comes in straight on to this output too; None ends that."""
        ...

    def pump(self, now: Ns) -> None:
        """Writes what is due and reads what came in, where the system does not do so by itself."""
        ...

    def heard(self) -> list[HeardBytes]:
        """What came in since the last call, in order; call with `lock` held. `at` may be one period ahead of now."""
        ...

    def written(self) -> list[Written]:
        """What went out since the last call, in order; call with `lock` held."""
        ...

    def flush(self) -> None:
        """Waits until what is due now was written and has left: some periods over JACK, at most 0.4 s."""
        ...

    def stop(self) -> None:
        """Flushes, closes all ports and lets the system go. Never raises."""
        ...
