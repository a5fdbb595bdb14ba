"""`python -m jamlink.remote.main --fd N --config JSON`: the OSC process. Ends when the session's process does.

One loop over three things to read: the session (as a view reads it), the remote's socket, the DAW's socket. The session
is never waited for and never made to wait. Bad packets are counted, and once a second at most one sentence about them
goes to the log. Who may send is decided by the sender's address alone: this machine, and those in the settings.
"""

from __future__ import annotations

import argparse
import contextlib
import select
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jamlink.bridges.ardour import Ardour
from jamlink.bridges.base import Bridge
from jamlink.bridges.bitwig import Bitwig
from jamlink.bridges.live import Live
from jamlink.bridges.reaper import Reaper
from jamlink.errors import Nonsense, Unavailable
from jamlink.osc.packet import PACKET_LIMIT, Argument, Message, decode, encode
from jamlink.remote.addresses import Subscribe, Unsubscribe, read
from jamlink.remote.daw import DawLink, Spoken
from jamlink.remote.feedback import beat, changes, shown
from jamlink.remote.rate import SENTENCE, Bucket, Rate
from jamlink.remote.settings import BridgeTable, OscTable, RemoteConfig
from jamlink.runtime.ipc import inherited
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms
from jamlink.view import protocol
from jamlink.view.connection import Connection
from jamlink.view.protocol import Applied, Command, FromView, Mirror

BRIDGES: dict[str, Bridge] = {"live": Live(), "reaper": Reaper(), "bitwig": Bitwig(), "ardour": Ardour()}
HERE = "127.0.0.1"
MOST_SUBSCRIBERS = 8
GREETINGS_AT_ONCE, GREETINGS_A_SECOND = 2 * MOST_SUBSCRIBERS, 2
PACKETS_AT_ONCE = 64
LONGEST_WAIT = ms(200)
LOG_EVERY = Ns(NS_PER_SECOND)


def open_socket(address: str, port: int, what: str) -> socket.socket:
    """A socket that listens there and never waits. Raises `Unavailable` with the setting to change."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.bind((address, port))
    except (OSError, OverflowError) as refused:
        sock.close()
        why = (getattr(refused, "strerror", None) or "there is no such port").lower()
        raise Unavailable(f"OSC cannot listen on {address}, port {port}: {why}.", f"Choose another {what}.") from None
    return sock


def sockets(config: RemoteConfig) -> tuple[socket.socket | None, socket.socket | None]:
    """The remote's and the DAW's socket, as far as they are wanted. Raises `Unavailable`."""
    osc, bridge = config.osc, config.bridge
    remote = open_socket(osc.address, osc.port, "port under [osc]") if osc.on else None
    try:
        reply = bridge.reply_port or (BRIDGES[bridge.daw].reply_port if bridge.daw else 0)
        daw = open_socket(HERE, reply, "reply_port under [bridge]") if bridge.daw else None
    except Unavailable:
        if remote is not None:
            remote.close()
        raise
    return remote, daw


@dataclass(slots=True)
class Refusals:
    """Counts what was not understood, and says so at most once a second."""

    count: int = 0
    _said: int = 0
    _last: str = ""
    _next: Ns | None = None

    def add(self, why: str) -> None:
        """One more."""
        self.count, self._last = self.count + 1, why

    def sentence(self, now: Ns) -> str:
        """What to write into the log now; empty for nothing new or too soon."""
        new = self.count - self._said
        if not new or (self._next is not None and now < self._next):
            return ""
        self._said, self._next = self.count, Ns(now + LOG_EVERY)
        packets = "1 packet was" if new == 1 else f"{new} packets were"
        return f"OSC: {packets} refused, {self.count} in all. The last: {self._last}"


Place = tuple[str, int]


@dataclass(slots=True)
class _Surface:
    """Somebody who wants to see; `knows` is what was sent."""

    knows: dict[str, tuple[Argument, ...]] = field(default_factory=dict)


class Remote:
    """The remote control: packets in, packets out. One thread; owns its socket."""

    def __init__(self, sock: socket.socket, table: OscTable, now: Ns) -> None:
        self._socket = sock
        self._allowed = {HERE, *table.senders}
        self._surfaces: dict[Place, _Surface] = {}
        self._shown: dict[str, tuple[Argument, ...]] = {}
        self._clock: dict[str, Any] | None = None
        self._next_beat: Ns | None = None
        self._greetings = Bucket(GREETINGS_AT_ONCE, GREETINGS_A_SECOND, now)
        self.refusals = Refusals()

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    @property
    def next_deadline(self) -> Ns | None:
        """When `tick` must be called next."""
        return self._next_beat if self._surfaces else None

    def receive(self, now: Ns) -> list[Command]:
        """The commands that came in."""
        commands: list[Command] = []
        for data, place in packets(self._socket):
            if place[0] not in self._allowed:
                self.refusals.add(f"{place[0]} may not control jamlink; allow it in the settings under [osc].")
                continue
            try:
                for message in decode(data):
                    commands += self._take(message, place, now)
            except Nonsense as refused:
                self.refusals.add(str(refused))
        return commands

    def show(self, state: dict[str, Any], now: Ns) -> None:
        """The session's state is this now: whoever looks gets what has changed."""
        self._shown = shown(state)
        if self._clock != state["clock"]:
            self._clock, self._next_beat = state["clock"], now
        for place, surface in self._surfaces.items():
            self._bring_up_to_date(place, surface)

    def tick(self, now: Ns) -> None:
        """Tell the beat, where a new one has begun."""
        if self._next_beat is None or now < self._next_beat:
            return
        found = beat(self._clock, now) if self._clock else None
        self._next_beat = found[1] if found else None
        for place in self._surfaces:
            if found:
                self._send(found[0], place)

    def _take(self, message: Message, place: Place, now: Ns) -> Iterable[Command]:
        said = read(message)
        match said:
            case Subscribe(port):
                if not self._greetings.take(now):  # each is answered with everything there is
                    raise Nonsense("Too many surfaces said hello at once.", "Say it once.")
                self._subscribe((place[0], port or place[1]))
            case Unsubscribe():
                self._surfaces.pop(place, None)
            case None:
                pass
            case _:
                return [said]
        return []

    def _subscribe(self, place: Place) -> None:
        """The newest few stay."""
        self._surfaces.pop(place, None)
        while len(self._surfaces) >= MOST_SUBSCRIBERS:
            del self._surfaces[next(iter(self._surfaces))]
        self._surfaces[place] = _Surface()
        self._bring_up_to_date(place, self._surfaces[place])

    def _bring_up_to_date(self, place: Place, surface: _Surface) -> None:
        for message in changes(surface.knows, self._shown):
            self._send(message, place)
        surface.knows = self._shown

    def _send(self, message: Message, place: Place) -> None:
        with contextlib.suppress(OSError):  # whoever is gone says nothing
            self._socket.sendto(encode(message), place)


class Daw:
    """The bridge's socket around its link. One thread."""

    def __init__(self, sock: socket.socket, table: BridgeTable, now: Ns) -> None:
        bridge = BRIDGES[table.daw]
        self._socket = sock
        self._place = (HERE, table.port or bridge.port)
        self.link = DawLink(bridge, table, now)
        self.refusals = Refusals()

    def fileno(self) -> int:
        """For select."""
        return self._socket.fileno()

    def receive(self, now: Ns) -> list[Command]:
        """The commands that follow from what the DAW said. Only this machine is listened to."""
        commands: list[Command] = []
        for data, place in packets(self._socket):
            try:
                messages = decode(data) if place[0] == HERE else []
            except Nonsense as refused:
                self.refusals.add(str(refused))
                continue
            for message in messages:
                commands += self._say(self.link.hear(message, now))
        return commands

    def show(self, state: dict[str, Any]) -> list[Command]:
        """The session's state is this now."""
        return self._say(self.link.show(state))

    def tick(self, now: Ns) -> list[Command]:
        """What falls due by itself."""
        return self._say(self.link.tick(now))

    def _say(self, spoken: Spoken) -> list[Command]:
        for message in spoken.messages:
            with contextlib.suppress(OSError):
                self._socket.sendto(encode(message), self._place)
        return list(spoken.commands)


def packets(sock: socket.socket) -> list[tuple[bytes, Place]]:
    """What has come in, a bounded number at once, so that a flood leaves time for everything else."""
    found: list[tuple[bytes, Place]] = []
    with contextlib.suppress(OSError):  # nothing more, or somebody is gone
        while len(found) < PACKETS_AT_ONCE:
            found.append(sock.recvfrom(PACKET_LIMIT + 1))
    return found


class Loop:
    """Everything together. One thread."""

    def __init__(self, connection: Connection, remote: Remote | None, daw: Daw | None, clock: Clock) -> None:
        self._connection, self._remote, self._daw, self._clock = connection, remote, daw, clock
        self._mirror = Mirror()
        self._sentence = ""
        self._rates = {part: Rate(clock.now()) for part in (remote, daw) if part is not None}

    def run(self) -> None:
        """Until the session is gone."""
        self._say(protocol.Hello())
        while not self._connection.closed:
            self._wait()
            self.turn()

    def turn(self) -> None:
        """Whatever there is to do now."""
        now = self._clock.now()
        by_daw = self._daw.receive(now) if self._daw else []
        for frame in self._connection.receive():
            by_daw += self._from_session(frame, now)
        by_daw += self._daw.tick(now) if self._daw else []
        self._pass_on(self._daw, by_daw, now)
        if self._remote:
            self._pass_on(self._remote, self._remote.receive(now), now)
            self._remote.tick(now)
        self._report(now)

    def _pass_on(self, part: Remote | Daw | None, commands: list[Command], now: Ns) -> None:
        """To the session, as far as its rate allows."""
        if part is None:
            return
        passed = self._rates[part].passed(commands, now)
        for command in passed.commands:
            self._say(command)
        for _ in range(passed.refused):
            part.refusals.add(SENTENCE)

    def _wait(self) -> None:
        now = self._clock.now()
        deadlines = [Ns(now + LONGEST_WAIT), self._remote.next_deadline if self._remote else None]
        deadlines.append(self._daw.link.next_deadline(now) if self._daw else None)
        deadlines += [rate.next_deadline for rate in self._rates.values()]
        until = min(due for due in deadlines if due is not None)
        readers = [part for part in (self._connection, self._remote, self._daw) if part is not None]
        select.select(readers, [], [], max(0, until - now) / NS_PER_SECOND)

    def _from_session(self, frame: bytes, now: Ns) -> list[Command]:
        message = protocol.decode_from_session(frame)
        if isinstance(message, protocol.Goodbye):
            self._connection.close()
        if not isinstance(message, protocol.Snapshot | protocol.Delta):
            return []
        applied = self._mirror.apply(message)
        if applied is Applied.GAP:
            self._say(protocol.Resync())
        if applied is not Applied.CHANGED or self._mirror.state is None:
            return []
        if self._remote:
            self._remote.show(self._mirror.state, now)
        return self._daw.show(self._mirror.state) if self._daw else []

    def _report(self, now: Ns) -> None:
        for part in (self._remote, self._daw):
            if part is not None and (sentence := part.refusals.sentence(now)):
                print(sentence, file=sys.stderr)  # the log beside the session file
        wrong = self._daw.link.sentence(now) if self._daw else ""
        if wrong != self._sentence:
            self._sentence = wrong
            self._say(protocol.Report("DAW", wrong))

    def _say(self, message: FromView) -> None:
        self._connection.send(protocol.encode(message))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    config = msgspec.json.decode(arguments.config, type=RemoteConfig)
    clock = MonotonicClock()
    connection = inherited(arguments.fd)
    try:
        listening, talking = sockets(config)
    except Unavailable as taken:  # since it was looked at before the start
        connection.send(protocol.encode(protocol.Report("OSC", str(taken))))
        return
    remote = Remote(listening, config.osc, clock.now()) if listening else None
    daw = Daw(talking, config.bridge, clock.now()) if talking else None
    Loop(connection, remote, daw, clock).run()


if __name__ == "__main__":
    main()
