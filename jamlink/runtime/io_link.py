"""The session process's side of the io process: orders go down, reports come up, and a dead io process is replaced.

Nobody can promise anything about a driver: RtMidi may hang in a call for ever, a port system may crash. So the io
process is watched (it answers a ping within a second or is killed), and a new one is told which notes the dead one may
have left sounding. Which they are is known here without its help: every note-on handed over or reported, until its end
is reported. What was queued in the dead process is lost; `IoBack` says so, and whoever scheduled it sends it again.
"""

from __future__ import annotations

import dataclasses
import select
import signal
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.errors import Unavailable
from jamlink.ports.base import Direction, Outgoing, PortSpec
from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_wire import FromIo, OpenPorts, ToIo
from jamlink.runtime.ipc import Framed, spawn
from jamlink.runtime.scheduler import Key, is_note_off, is_note_on, key_of
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

MODULE = "jamlink.runtime.io_main"
PING_EVERY = ms(250)
SILENT_TOO_LONG = Ns(NS_PER_SECOND)
"""An io process that does not answer for this long hangs in its driver."""
FIRST_ANSWER = Ns(10 * NS_PER_SECOND)
"""Starting Python and joining the MIDI system may take this long on a busy machine."""
_RESPAWN_WAITS = (Ns(0), ms(200), ms(500), ms(1000), ms(2000))
"""Before the first, second, ... respawn; the last one for all others. A process that lived for 10 s starts over."""
_LIVED_LONG = Ns(10 * NS_PER_SECOND)
_BATCH = 512
_GRACE = Ns(NS_PER_SECOND)
_LAST_GRACE_S = 0.2
"""Between closing its pipe and being gone, a process may take this long."""
_AHEAD = ms(100)
"""A port system writes up to one of its periods ahead of the clock, and no period in use is this long."""

OUTPUT_NAMES = ("chords", "melody", "bass", "metronome", "preview")
"""The outputs of `standard_ports`, in order, where each has one of its own."""
_ROLES = OUTPUT_NAMES[:3]
TOGETHER = "out"
"""The port of our own that carries all roles, told apart by their channels, where the player wants only one."""
APART = ("metronome", "preview")
"""What has a port of its own even then: whoever records everything that comes out of `TOGETHER` records no preview."""


@dataclass(frozen=True, slots=True)
class IoGone:
    """The io process died or hung; a new one is started by itself."""

    what: str


@dataclass(frozen=True, slots=True)
class IoBack:
    """A new io process runs and was told what to silence. What was queued in the dead one is lost: send it again."""


FromLink: TypeAlias = FromIo | IoGone | IoBack


def standard_ports(
    inputs: str = "", output: str = "", system: str = "auto", *, together: bool = False, apart: bool = False
) -> OpenPorts:
    """The ports of an ordinary jam: one input, and one output per role.

    Empty patterns make ports of our own; with `together` those of the roles are a single one. With `output` all roles
    go to that one device, but with `apart` click and previews have ports of their own even then. On one port they are
    told apart by their channels.
    """
    names = (TOGETHER, *APART) if together and not output else OUTPUT_NAMES
    outputs = tuple(PortSpec(name, "" if apart and name in APART else output) for name in names)
    return OpenPorts((PortSpec("in", inputs),), outputs, system)


def output_number(names: Sequence[str], role: str) -> int:
    """Which of the outputs called `names` plays `role`; one that nobody has where there is none for it."""
    if role in names:
        return names.index(role)
    return names.index(TOGETHER) if TOGETHER in names and role in _ROLES else len(names)


class Ledger:
    """Which notes an io process may have left sounding. Errs on the side of one note-off too many. One thread.

    A note-on counts from the moment it was handed over or reported; a reported note-off clears its key, unless an onset
    of that key was handed over that is not before it.
    """

    def __init__(self) -> None:
        self._onsets: dict[Key, tuple[Ns, Ns]] = {}  # the first and the last that are not known to have ended

    def handed_over(self, message: Outgoing) -> None:
        """A message was given to the io process."""
        if is_note_on(message.data):
            key, due = key_of(message), message.due
            first, last = self._onsets.get(key, (due, due))
            self._onsets[key] = min(first, due), max(last, due)

    def reported(self, sent: wire.Sent) -> None:
        """The io process says that a message left."""
        message = Outgoing(sent.due, sent.output, sent.owner, sent.data)
        self.handed_over(message)
        if is_note_off(sent.data) and self._onsets.get(key_of(message), (0, 0))[1] < sent.due:
            self._onsets.pop(key_of(message), None)

    def may_sound(self, until: Ns) -> tuple[Key, ...]:
        """The keys with an onset due by `until` that are not known to have ended."""
        return tuple(key for key, (first, _) in self._onsets.items() if first <= until)

    def clear(self) -> None:
        """All is silent, or was told to somebody else."""
        self._onsets.clear()


class IoLink:
    """Owns one io process at a time. One thread; no method waits, except `start` (some ms) and `close` (a second).

    Call `receive` whenever `fileno` is readable and at least every 100 ms: it also pings, watches and replaces.
    `fileno` changes when the process is replaced, so ask for it each time (as `select.select([link], ...)` does).
    """

    def __init__(self, clock: Clock, ports: OpenPorts) -> None:
        self._clock = clock
        self._ports = ports
        self._thru: int | None = None
        self._ledger = Ledger()
        self._peers: dict[tuple[Direction, int], tuple[str, ...]] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Framed | None = None
        self._born = self._next_ping = Ns(0)
        self._answered = False
        self._asked: Ns | None = None  # since when an answer is outstanding
        self._pings = 0
        self._deaths = 0
        self._respawn_at: Ns | None = None
        self._news: list[FromLink] = []

    # -- the process

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return self._child.pid if self._child else None

    def fileno(self) -> int:
        """For select; -1 while there is no process."""
        return self._pipe.fileno() if self._pipe else -1

    def start(self) -> None:
        """Starts the process. Raises `Unavailable` where the machine does not let us."""
        now = self._clock.now()
        try:
            self._child, self._pipe = spawn(MODULE)
        except OSError as error:
            raise Unavailable(f"The MIDI process cannot be started ({error}).", "Close other programs.") from None
        self._born, self._next_ping, self._respawn_at = now, now, None
        self._answered, self._asked = False, now
        self._order(self._ports_with_peers())
        self._order(wire.Thru(self._thru))

    def close(self) -> list[FromLink]:
        """Silence, then the end, and the last reports. Kills it after a second."""
        if self._child is None or self._pipe is None:
            return []
        self._read(self._pipe)
        self._order(wire.Quit())
        deadline = self._clock.now() + _GRACE
        while not self._pipe.closed and self._clock.now() < deadline:
            select.select([self._pipe], [], [], _GRACE / NS_PER_SECOND)
            self._read(self._pipe)
        self._bury(self._child, self._pipe)
        news, self._news = self._news, []
        return news

    def _bury(self, child: subprocess.Popen[bytes], pipe: Framed | None) -> None:
        try:
            child.wait(_LAST_GRACE_S if pipe is not None and pipe.closed else 0)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if pipe is not None:
            pipe.close()
        self._child = self._pipe = None

    # -- orders

    def send(self, batch: Iterable[Outgoing]) -> None:
        """Queues messages, best 150 ms or more before they are due. Nothing is sent early."""
        messages = tuple(batch)
        for message in messages:
            self._ledger.handed_over(message)
        for start in range(0, len(messages), _BATCH):
            self._order(wire.Send(messages[start : start + _BATCH]))

    def cancel(self, owner: int) -> None:
        """Drops what is queued for `owner` and ends what sounds for it, now."""
        self._order(wire.Cancel(owner))

    def silence(self) -> None:
        """Drops everything queued and ends everything, now."""
        self._order(wire.Silence())

    def panic(self) -> None:
        """Silence, and every channel of every output told to be quiet."""
        self._order(wire.Panic())

    def thru(self, output: int | None) -> None:
        """Passes what is played straight on to this output, without coming through here; None passes nothing."""
        self._thru = output
        self._order(wire.Thru(output))

    def open(self, ports: OpenPorts) -> None:
        """Lets the old ports go, silenced, and takes these."""
        self._ports = ports
        self._peers.clear()
        self._order(ports)

    def _order(self, order: ToIo) -> None:
        if self._pipe is not None:
            self._pipe.send(wire.encode(order))

    def _ports_with_peers(self) -> OpenPorts:
        """The ports as asked for, and connected as the dead process's own ports were."""

        def again(direction: Direction, specs: tuple[PortSpec, ...]) -> tuple[PortSpec, ...]:
            return tuple(
                dataclasses.replace(spec, peers=self._peers.get((direction, number), spec.peers))
                for number, spec in enumerate(specs)
            )

        inputs, outputs = again(Direction.IN, self._ports.inputs), again(Direction.OUT, self._ports.outputs)
        return dataclasses.replace(self._ports, inputs=inputs, outputs=outputs)

    # -- reports

    def receive(self) -> list[FromLink]:
        """What the io process said since the last call, and what became of it."""
        now = self._clock.now()
        if self._pipe is not None:
            self._read(self._pipe)
        self._watch(now)
        if self._respawn_at is not None and now >= self._respawn_at:
            self._respawn(now)
        news, self._news = self._news, []
        return news

    def _read(self, pipe: Framed) -> None:
        for frame in pipe.receive():
            self._take(wire.decode_report(frame))

    def _take(self, report: FromIo) -> None:
        self._answered, self._asked = True, None
        match report:
            case wire.Pong():
                return
            case wire.Sent():
                self._ledger.reported(report)
            case wire.PortChanged() if report.bound:
                self._peers[report.direction, report.port] = report.peers
        self._news.append(report)

    def _watch(self, now: Ns) -> None:
        if self._child is None or self._pipe is None:
            return
        if self._pipe.closed or self._child.poll() is not None:
            self._replace(self._cause_of_death(self._child), now)
        elif self._asked is not None and now - self._asked > (SILENT_TOO_LONG if self._answered else FIRST_ANSWER):
            self._replace("The MIDI process hung.", now)
        elif now >= self._next_ping:
            self._ping(now)

    def _ping(self, now: Ns) -> None:
        self._next_ping = Ns(now + PING_EVERY)
        self._asked = now if self._asked is None else self._asked
        self._pings += 1
        self._order(wire.Ping(self._pings))

    def _cause_of_death(self, child: subprocess.Popen[bytes]) -> str:
        try:
            code = child.wait(0.05)
        except subprocess.TimeoutExpired:
            return "The MIDI process closed its pipe."
        return f"The MIDI process ended ({signal.Signals(-code).name if code < 0 else code})."

    def _replace(self, what: str, now: Ns) -> None:
        assert self._child is not None
        self._bury(self._child, self._pipe)
        self._deaths = 1 if now - self._born > _LIVED_LONG else self._deaths + 1
        wait = _RESPAWN_WAITS[min(self._deaths, len(_RESPAWN_WAITS)) - 1]
        self._respawn_at = Ns(now + wait)
        self._news.append(IoGone(what))

    def _respawn(self, now: Ns) -> None:
        try:
            self.start()
        except Unavailable:
            self._respawn_at = Ns(now + _RESPAWN_WAITS[-1])
            return
        self._order(wire.Owed(self._ledger.may_sound(Ns(now + _AHEAD))))
        self._ledger.clear()
        self._news.append(IoBack())
