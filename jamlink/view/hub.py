"""The session's side of its views: gestures in, pictures out, and nobody who is slow can hold anybody up.

Policy for a view that does not read: up to BACKLOG bytes wait for it; beyond that it gets nothing at all until it has
read them, and then one fresh snapshot instead of everything it missed. The music never waits for a view.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from jamlink.errors import Nonsense
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.session.inputs import Gesture
from jamlink.session.wishes import Tell, Wish
from jamlink.timing.units import Ns
from jamlink.view import protocol
from jamlink.view.connection import Connection
from jamlink.view.protocol import (
    FromSession,
    FromView,
    Goodbye,
    Hello,
    Learn,
    Notice,
    Ping,
    Play,
    Ports,
    Publisher,
    Quit,
    Report,
    Resync,
)

BACKLOG = 256 * 1024
"""Some seconds of dense playing; a snapshot of a long session is about 100 kB."""
PLAYED_WAITING = 256
"""Notes played on views that nobody has fetched; beyond that the oldest go."""


@dataclass(slots=True, eq=False)
class _Client:
    """A view, or a `helper` that looks for itself and not for a player. `behind` says that it missed something and
    needs a snapshot as soon as it reads again; `holding` are the pitches whose keys are down on it."""

    connection: Connection
    via: str
    helper: bool = False
    behind: bool = True
    holding: set[int] = field(default_factory=set)

    def say(self, message: FromSession) -> None:
        """Send it, or note that it could not be sent."""
        if self.connection.waiting > BACKLOG or not self.connection.send(protocol.encode(message)):
            self.behind = True


class Hub:
    """The views of one session. One thread; nothing waits."""

    def __init__(self, connection: Connection, via: str = "terminal") -> None:
        self._publisher = Publisher()
        self._published = False
        self._clients: list[_Client] = []
        self._played: deque[tuple[Play, str]] = deque(maxlen=PLAYED_WAITING)
        self._wishes: list[tuple[Wish, str]] = []
        self._quit = False
        self._spoke: _Client | None = None
        """Who spoke last is answered first: whom we write to may run at once in our place."""
        self.add(connection, via)

    def add(self, connection: Connection, via: str, *, helper: bool = False) -> None:
        """Somebody else looks; `via` is written beside what they do. A second view of that name is "page 2". A `helper`
        is one of our own processes: it may tell of its troubles, and the session does not stay for it alone."""
        client = _Client(connection, self._free_name(via), helper)
        client.say(Hello())
        self._clients.append(client)
        self._catch_up(client)

    def _free_name(self, via: str) -> str:
        """The views of one name are told apart, so that a key held on one is not let go on another."""
        taken = {client.via for client in self._clients}
        names = (via if number == 1 else f"{via} {number}" for number in count(1))
        return next(name for name in names if name not in taken)

    def filenos(self) -> Sequence[int]:
        """What to wait on for gestures."""
        return [client.connection.fileno() for client in self._clients]

    def receive(self) -> Iterable[Gesture]:
        """Gestures since the last call, in the order of the views. A bad one is answered, not raised."""
        gestures: list[Gesture] = []
        for client in list(self._clients):
            for frame in client.connection.receive():
                gestures += self._take(client, frame)
            self._catch_up(client)
        for gone in [client for client in self._clients if client.connection.closed]:
            self._let_go(gone)
        return gestures

    def wishes(self) -> list[tuple[Wish, str]]:
        """What views asked of the session's process since the last call, in order, each with the view's name."""
        wishes, self._wishes = self._wishes, []
        return wishes

    def tell(self, via: str, sentence: str) -> None:
        """One sentence for the view of that name alone, such as why its wish was not granted."""
        for client in self._clients:
            if client.via == via:
                client.say(Notice(sentence))

    def played(self, at: Ns) -> list[NoteOn | NoteOff]:
        """Notes played on views since the last call, as heard at `at` on a port with the view's name."""
        notes, self._played = list(self._played), deque(maxlen=PLAYED_WAITING)
        return [protocol.to_event(note, at, via) for note, via in notes]

    def publish(self, state: dict[str, Any]) -> None:
        """Show `state`, which must not be changed afterwards, to everybody who keeps up."""
        delta = self._publisher.publish(state)
        self._published = True
        for client in sorted(self._clients, key=lambda client: client is not self._spoke):
            if client.behind:
                self._catch_up(client)
            elif delta is not None:
                client.say(delta)

    @property
    def leaving(self) -> bool:
        """Whether a player asked to quit, or the last view is gone."""
        return self._quit or all(client.helper for client in self._clients)

    def _take(self, client: _Client, frame: bytes) -> list[Gesture]:
        try:
            message = protocol.decode_from_view(frame)
            if not isinstance(message, Ping):
                self._spoke = client
            return self._understood(client, message)
        except Nonsense as refused:
            client.say(Notice(str(refused)))
            return []

    def _understood(self, client: _Client, message: FromView) -> list[Gesture]:
        match message:
            case Quit():
                self._quit = True
            case Play():
                self._play(client, message)
            case Ports() | Learn():
                self._wishes.append((protocol.to_wish(message), client.via))
            case Report(part, sentence):
                self._wishes += [(Tell(part, sentence), client.via)] if client.helper else []
            case Ping():
                pass  # the web process answers it, nearer to the page
            case Resync():
                client.behind = True
            case Hello():
                self._greet(client, message)
            case _:
                return [protocol.to_gesture(message, client.via)]
        return []

    def _play(self, client: _Client, note: Play) -> None:
        protocol.to_event(note, Ns(0), client.via)
        if note.on and note.velocity:
            client.holding.add(note.pitch)
        else:
            client.holding.discard(note.pitch)
        self._played.append((note, client.via))

    def _let_go(self, gone: _Client) -> None:
        """A view is gone, and with it the fingers on its keys."""
        self._clients.remove(gone)
        self._spoke = None if self._spoke is gone else self._spoke
        self._played += [(Play(False, pitch), gone.via) for pitch in sorted(gone.holding)]

    def _greet(self, client: _Client, hello: Hello) -> None:
        try:
            protocol.check_version(hello)
        except Nonsense as stranger:
            client.say(Goodbye(str(stranger)))
            client.connection.close()

    def goodbye(self, why: str = "") -> None:
        """Everything is silent and saved (or `why` not, in a sentence): tell every view and let go."""
        for client in self._clients:
            client.say(Goodbye(why))
            client.connection.close()

    def _catch_up(self, client: _Client) -> None:
        """A fresh snapshot for a view that needs one and has read everything before it."""
        if client.behind and self._published and not client.connection.waiting:
            client.behind = False
            client.say(self._publisher.snapshot())
