"""Who is plugged into what: keeps every port that was asked for bound to the port it means, as cables come and go.

It looks twice a second. A MIDI system that is absent is tried again every second; a device that is plugged in is bound
at the next look, one that is pulled is let go, one that returns is bound again. A port of our own stays in the system
it was made in. One thread, the io process's main thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jamlink.errors import Unavailable
from jamlink.ports.base import CLOCK_INPUT, Direction, Listing, PortSpec, PortSystem
from jamlink.ports.discovery import find, is_loop_cable
from jamlink.runtime.io_wire import FromIo, MidiSystem, OpenPorts, PortChanged, PortsThere
from jamlink.runtime.scheduler import Scheduler
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

LOOK_EVERY = ms(500)
TRY_EVERY = Ns(NS_PER_SECOND)


@dataclass(slots=True)
class Part:
    """A MIDI system with the queue and ledger of the outputs that live in it."""

    system: PortSystem
    queue: Scheduler = field(default_factory=Scheduler)
    up: bool = False
    next_try: Ns | None = None
    listing: Listing = field(default_factory=Listing)
    said: MidiSystem | None = None


@dataclass(slots=True)
class Line:
    """A port that was asked for, and where it is bound; `part` stays when the port is lost."""

    direction: Direction
    number: int
    spec: PortSpec
    part: Part | None = None
    bound: str = ""
    said: PortChanged | None = None

    @property
    def place(self) -> tuple[Direction, int, str, str]:
        """What makes it the same line when ports are asked for again."""
        return self.direction, self.number, self.spec.name, self.spec.pattern


class Patchbay:
    """Binds the ports that were asked for. `say` receives what changed."""

    def __init__(self, clock: Clock, systems: Sequence[PortSystem], say: Callable[[FromIo], None]) -> None:
        self.parts = [Part(system) for system in systems]
        self._clock = clock
        self._say = say
        self._there: Listing | None = None
        self._lines: list[Line] = []
        self._homes: dict[int, Line] = {}

    def ask(self, ports: OpenPorts) -> None:
        """Have these ports from the next look on. What was asked for before, in the same words, stays as it is."""
        wanted = [Line(Direction.IN, number, spec) for number, spec in enumerate(ports.inputs)]
        wanted += [Line(Direction.OUT, number, spec) for number, spec in enumerate(ports.outputs)]
        kept = {line.place: line for line in self._lines if line.place in {other.place for other in wanted}}
        self._retire([line for line in self._lines if line.place not in kept])
        self._lines = [kept.get(line.place, line) for line in wanted]
        self._homes = {line.number: line for line in self._lines if line.direction is Direction.OUT}
        for line in self._lines:
            if line.place in kept:
                line.said = None
            elif line.direction is Direction.OUT:
                self._lose(line.number, self.parts[0])
        for line in self._lines:
            if line.bound:
                self._tell_bound(line)

    def _retire(self, lines: list[Line]) -> None:
        """Ends what sounds on these lines, and lets them go."""
        bound = [(line, line.part) for line in lines if line.part is not None and line.bound]
        for line, part in bound:
            if line.direction is Direction.OUT:
                with part.system.lock:
                    part.queue.farewell(self._clock.now(), {line.number})
        for part in self.parts:
            if part.up and any(line.direction is Direction.OUT and home is part for line, home in bound):
                part.system.flush()
        for line, part in bound:
            if line.direction is Direction.OUT:
                self._lose(line.number, part)
            part.system.release(line.direction, line.number)

    def _lose(self, output: int, part: Part) -> None:
        with part.system.lock:
            part.queue.lost(output)

    def home(self, output: int) -> Part | None:
        """The part whose queue sends for this output; None for a number nobody asked for."""
        line = self._homes.get(output)
        return None if line is None else line.part or self.parts[0]

    def outputs_of(self, part: Part) -> list[int]:
        """The outputs at home in `part`."""
        return [number for number in self._homes if self.home(number) is part]

    def listens(self, part: Part) -> bool:
        """Whether any input is bound in `part`."""
        return any(line.part is part and line.bound for line in self._lines if line.direction is Direction.IN)

    def look(self) -> None:
        """Starts what can be started, and brings every line up to date with what is there."""
        for part in self.parts:
            self._wake_up(part)
            self._list(part)
        self._tell_what_is_there()
        for line in self._lines:
            self._check(line)
        for line in self._lines:
            if not line.bound:
                self._try_to_bind(line)
            elif not line.spec.pattern:
                self._tell_bound(line)  # its peers may have changed

    # -- systems

    def _wake_up(self, part: Part) -> None:
        now = self._clock.now()
        if part.up or (part.next_try is not None and now < part.next_try):
            return
        part.next_try = Ns(now + TRY_EVERY)
        try:
            part.system.start(part.queue)
        except Unavailable as gone:
            self._tell_system(part, MidiSystem(part.system.name, False, gone.what, gone.remedy))
        else:
            part.up = True
            self._tell_system(part, MidiSystem(part.system.name, True))

    def _list(self, part: Part) -> None:
        if not part.up:
            return
        try:
            part.listing = part.system.listing()
        except Unavailable as gone:
            part.up, part.listing = False, Listing()
            self._tell_system(part, MidiSystem(part.system.name, False, gone.what, gone.remedy))

    def _tell_system(self, part: Part, news: MidiSystem) -> None:
        if part.said != news:
            part.said = news
            self._say(news)

    def _tell_what_is_there(self) -> None:
        up = [part.listing for part in self.parts if part.up]
        there = Listing(
            tuple(dict.fromkeys(name for listing in up for name in listing.inputs)),
            tuple(dict.fromkeys(name for listing in up for name in listing.outputs)),
            {name: program for listing in up for name, program in listing.programs.items()},
        )
        if there != self._there:
            self._there = there
            self._say(PortsThere(there))

    # -- lines

    def _check(self, line: Line) -> None:
        """Lets go of a line whose far end has gone."""
        if not line.bound or line.part is None:
            return
        pulled = line.spec.pattern and line.bound not in line.part.listing.of(line.direction)
        if pulled or not line.part.up:
            self._let_go(line, line.part)

    def _let_go(self, line: Line, part: Part) -> None:
        if line.direction is Direction.OUT:
            self._lose(line.number, part)
        part.system.release(line.direction, line.number)
        gone, line.bound = line.bound, ""
        self._tell_missing(line, f'"{gone}" is gone.', "Plug it in or start it again; it is taken up by itself.")

    def _try_to_bind(self, line: Line) -> None:
        parts = [line.part] if line.part and not line.spec.pattern else self.parts
        up = [part for part in parts if part.up]
        if not up:
            return  # the systems themselves said that they are absent
        usable = [part for part in up if part.system.own_ports or line.spec.pattern] or up
        try:
            if not any(self._bind_in(line, part) for part in usable):
                self._tell_no_match(line)
        except Unavailable as gone:
            self._tell_missing(line, gone.what, gone.remedy)

    def _bind_in(self, line: Line, part: Part) -> bool:
        """Binds `line` in `part`; False where nothing there matches. Raises `Unavailable`."""
        if not line.spec.pattern:
            bound = part.system.open_own(line.direction, line.number, line.spec)
        else:
            target = find(line.spec.pattern, part.listing.of(line.direction), self._taken(line, part))
            if target is None:
                return False
            part.system.bind(line.direction, line.number, line.spec, target)
            bound = target
        line.part, line.bound = part, bound
        if line.direction is Direction.OUT:
            with part.system.lock:
                part.queue.back(line.number, self._clock.now())
        self._tell_bound(line)
        return True

    def _taken(self, line: Line, part: Part) -> set[str]:
        """Names that `line` must not take: another input's, and the other end of a cable that leads back to us. A clock
        may come from where notes come from: neither input takes what is the other's."""
        others = [other for other in self._lines if other is not line and other.part is part and other.bound]
        inputs = {other.bound for other in others if _both_for_notes(line, other)}
        loops = {o.bound for o in others if o.direction is not line.direction and is_loop_cable(o.bound)}
        return inputs | loops

    def _tell_bound(self, line: Line) -> None:
        assert line.part is not None
        peers = line.part.system.peers(line.direction, line.number)
        self._tell(line, PortChanged(line.direction, line.number, line.spec.name, line.bound, peers))

    def _tell_no_match(self, line: Line) -> None:
        if not line.spec.pattern or (line.said is not None and not line.said.bound):
            return  # said once
        way = "input" if line.direction is Direction.IN else "output"
        what = f'No MIDI {way} is called "{line.spec.pattern}".'
        self._tell_missing(line, what, "Plug it in, or choose one that `jamlink ports` lists.")

    def _tell_missing(self, line: Line, what: str, remedy: str) -> None:
        self._tell(line, PortChanged(line.direction, line.number, line.spec.name, "", (), what, remedy))

    def _tell(self, line: Line, news: PortChanged) -> None:
        if line.said != news:
            line.said = news
            self._say(news)


def _both_for_notes(line: Line, other: Line) -> bool:
    is_input = line.direction is other.direction is Direction.IN
    return is_input and CLOCK_INPUT not in (line.spec.name, other.spec.name)
