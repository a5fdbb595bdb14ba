"""What the io process does, without the process: orders in, reports out, ports behind an interface, a clock handed in.

The desk keeps the patchbay, hands messages to the queue of the MIDI system they leave through, and reports what was
heard and sent. `say` receives every report at once and in order. One thread, the io process's main thread.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from jamlink.ports.base import HOUSE, HeardBytes, Outgoing, PortSystem, Written
from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_wire import LATENESS_EDGES_NS, FromIo, ToIo
from jamlink.runtime.patchbay import LOOK_EVERY, Part, Patchbay
from jamlink.runtime.scheduler import is_note_on
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

POLL_EVERY = ms(1)
"""How often inputs of a polled system are read: with real-time priority as fast as a callback, measured."""
COUNT_EVERY = Ns(NS_PER_SECOND)
_PUSH_AT_ONCE = 64
"""Messages pushed per holding of a system's lock, about 0.1 ms: JACK's thread waits for it."""
_SAY_AGAIN_EVERY = ms(100)
"""On a machine that misses period after period, ends are said again at most this often."""

MakeSystems = Callable[[str, str], Sequence[PortSystem]]
"""(choice, client name) -> MIDI systems, best first."""


class Desk:
    """See the module. `leave` must be called on every way out."""

    def __init__(self, clock: Clock, make_systems: MakeSystems, say: Callable[[FromIo], None]) -> None:
        self._clock = clock
        self._make_systems = make_systems
        self._say = say
        self._patchbay: Patchbay | None = None
        self._joined = ("", "")
        self._thru: int | None = None
        self._next_look = Ns(0)
        self._next_count = Ns(0)
        self._active: dict[int, Ns] = {}  # owner -> when its newest message left, between its begin and its end
        self._dropouts_answered: dict[str, tuple[int, Ns]] = {}
        self._heard = self._sent = self._unheard = 0
        self._lateness = [0] * (len(LATENESS_EDGES_NS) + 1)
        self._counted = wire.Counters()
        self.coalesced = 0
        self.done = False
        """True after `Quit`: whoever runs the desk should let it leave."""

    @property
    def _parts(self) -> list[Part]:
        return self._patchbay.parts if self._patchbay else []

    # -- orders

    def handle(self, order: ToIo) -> None:
        """Carries out one order."""
        now = self._clock.now()
        match order:
            case wire.Send(batch):
                self._send(batch)
            case wire.Cancel(owner):
                self._everywhere(lambda part: part.queue.cancel(owner, now))
            case wire.Silence():
                self._everywhere(lambda part: part.queue.silence(now))
            case wire.Panic():
                self._everywhere(lambda part: part.queue.panic(now, self._outputs_of(part)))
            case wire.Thru(output):
                self._thru = output
                self._lay_thru()
            case wire.Ping(number):
                self._say(wire.Pong(number))
            case wire.OpenPorts():
                self._open(order)
            case wire.Owed(notes):
                self._take_over(notes)
            case wire.Quit():
                self.done = True

    def _send(self, batch: Iterable[Outgoing]) -> None:
        for output, messages in groupby(batch, key=lambda message: message.port):
            part = self._patchbay.home(output) if self._patchbay else None
            queue = list(messages)
            if part is None:
                self._unheard += len(queue)
                continue
            for start in range(0, len(queue), _PUSH_AT_ONCE):
                with part.system.lock:
                    part.queue.push(queue[start : start + _PUSH_AT_ONCE])

    def _everywhere(self, change: Callable[[Part], None]) -> None:
        for part in self._parts:
            with part.system.lock:
                change(part)

    def _outputs_of(self, part: Part) -> list[int]:
        return self._patchbay.outputs_of(part) if self._patchbay else []

    def _open(self, ports: wire.OpenPorts) -> None:
        if self._patchbay is None or self._joined != (ports.system, ports.client):
            self._close_ports()
            self._joined = (ports.system, ports.client)
            self._patchbay = Patchbay(self._clock, self._make_systems(*self._joined), self._say)
        self._patchbay.ask(ports)
        self._look()

    def _take_over(self, notes: Iterable[tuple[int, int, int]]) -> None:
        if self._patchbay is None:
            return
        for note in notes:
            part = self._patchbay.home(note[0])
            if part is not None:
                with part.system.lock:
                    part.queue.owed_by_another([note], self._clock.now())

    def _lay_thru(self) -> None:
        """Within one system notes pass straight; what comes in elsewhere is carried over in `turn`."""
        for part in self._parts:
            here = self._thru is not None and self._patchbay is not None and self._patchbay.home(self._thru) is part
            part.system.through_to(self._thru if here else None)

    # -- the turn

    def wait(self) -> Ns:
        """How long the next `turn` may wait, unless an order comes or a system wakes us."""
        if self._patchbay is None:
            return LOOK_EVERY
        now = self._clock.now()
        wait = self._next_look - now
        for part in self._parts:
            if not (part.up and part.system.polled):
                continue
            due = part.queue.next_due()
            wait = min(wait, wait if due is None else due - now, POLL_EVERY if self._listens(part) else wait)
        return Ns(max(wait, 0))

    def _listens(self, part: Part) -> bool:
        return self._patchbay is not None and self._patchbay.listens(part)

    def turn(self) -> None:
        """Moves messages, reports them, and looks after the ports when it is time."""
        for part in self._parts:
            if part.up:
                part.system.pump(self._clock.now())
            else:  # nobody takes what is due, yet time goes on: onsets pass unheard, ends are remembered
                part.queue.take_due(self._clock.now())
            self._report(part)
            self._answer_dropouts(part)
        now = self._clock.now()
        if now >= self._next_look and self._patchbay is not None:
            self._look()
        if now >= self._next_count:
            self._next_count = Ns(now + COUNT_EVERY)
            self._count()

    def _look(self) -> None:
        assert self._patchbay is not None
        self._patchbay.look()
        self._lay_thru()
        self._next_look = Ns(self._clock.now() + LOOK_EVERY)

    def _report(self, part: Part) -> None:
        with part.system.lock:
            heard, written = part.system.heard(), part.system.written()
            idle = [owner for owner in {*self._active, *_beginners(written)} if self._is_idle(owner)]
        for message in heard:
            self._report_heard(message, part)
        for writing in written:
            self._report_sent(writing)
        for owner in idle:
            self._say(wire.OwnerEnded(owner, self._active.pop(owner)))

    def _is_idle(self, owner: int) -> bool:
        return all(part.queue.is_idle(owner) for part in self._parts)

    def _report_heard(self, heard: HeardBytes, part: Part) -> None:
        self._heard += 1
        self._say(wire.Heard(heard.at, heard.port, heard.data))
        home = self._patchbay.home(self._thru) if self._patchbay and self._thru is not None else None
        if home is not None and home is not part and heard.data[0] < 0xF0:
            with home.system.lock:
                home.queue.push([Outgoing(heard.at, self._thru or 0, HOUSE, heard.data)])

    def _report_sent(self, writing: Written) -> None:
        at, message = writing
        self._sent += 1
        self._say(wire.Sent(at, message.due, message.port, message.owner, message.data))
        if message.owner == HOUSE:
            return
        self._lateness[bisect_left(LATENESS_EDGES_NS, at - message.due)] += 1
        if is_note_on(message.data) and message.owner not in self._active:
            self._say(wire.OwnerBegan(message.owner, at))
            self._active[message.owner] = at
        elif message.owner in self._active:
            self._active[message.owner] = at

    def _answer_dropouts(self, part: Part) -> None:
        seen, answered = self._dropouts_answered.get(part.system.name, (0, Ns(0)))
        now, dropouts = self._clock.now(), part.system.losses.dropouts
        if dropouts != seen and now - answered >= _SAY_AGAIN_EVERY:
            self._dropouts_answered[part.system.name] = (dropouts, now)
            with part.system.lock:
                part.queue.dropout(now)

    def _count(self) -> None:
        losses = [part.system.losses for part in self._parts]
        dropped = [part.queue.dropped for part in self._parts]
        counters = wire.Counters(
            heard=self._heard,
            sent=self._sent,
            too_late=sum(d.too_late for d in dropped),
            unheard=self._unheard + sum(d.unheard for d in dropped),
            coalesced=self.coalesced,
            dropouts=sum(loss.dropouts for loss in losses),
            unwritten=sum(loss.unwritten for loss in losses) + sum(d.refused for d in dropped),
            oversized=sum(loss.oversized for loss in losses),
            faults=sum(loss.faults for loss in losses),
            lateness=tuple(self._lateness),
        )
        if counters != self._counted:
            self._counted = counters
            self._say(counters)

    # -- the way out

    def leave(self) -> None:
        """Ends what sounds, says so, lets the ports go. May be called twice."""
        self._close_ports()
        self._patchbay = None

    def _close_ports(self) -> None:
        for part in self._parts:
            with part.system.lock:
                part.queue.farewell(self._clock.now())
            part.system.stop()
            self._report(part)


def _beginners(written: Iterable[Written]) -> set[int]:
    return {w.message.owner for w in written if w.message.owner != HOUSE and is_note_on(w.message.data)}
