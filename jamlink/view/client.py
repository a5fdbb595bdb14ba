"""The view's end of the conversation: keeps the picture up to date, sends gestures, notices the end. Never waits.

The connection is handed in: anything with whole frames in and out (`Connection`).
"""

from __future__ import annotations

from enum import Enum

from jamlink.errors import Nonsense
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, ms
from jamlink.view import protocol
from jamlink.view.connection import Connection
from jamlink.view.picture import Picture, picture_of
from jamlink.view.protocol import Applied, Command, Delta, Goodbye, Hello, Mirror, Notice, Quit, Resync, Snapshot

GOODBYE_WAIT = ms(2_000)
"""How long a view that leaves waits for the session to be silent and saved."""

LOST = "The session has stopped by itself; nothing sounds any more and what was played is kept. Start jamlink again."


class End(Enum):
    """How the conversation ended, as an exit code of the view."""

    GOODBYE = 0
    LOST = 1


class Client:
    """One view. One thread; no method waits."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._mirror = Mirror()
        self._leaving_since: Ns | None = None
        self.picture: Picture | None = None
        self.end: End | None = None
        self.last_words = ""
        """One sentence about the end, where there is something to say."""
        self._notices: list[str] = []
        connection.send(protocol.encode(Hello()))

    def poll(self) -> bool:
        """Take in what has come. True where the picture or the end is news."""
        if self.end is not None:
            return False
        before, frames = self.picture, self._connection.receive()
        taken = [self._take(frame) for frame in frames]
        if Applied.GAP in taken:
            self._connection.send(protocol.encode(Resync()))
        self._look_at_the_end()
        return self.picture is not before or self.end is not None

    def notices(self) -> list[str]:
        """Sentences for this view alone since the last call."""
        said, self._notices = self._notices, []
        return said

    def send(self, command: Command) -> None:
        """A gesture. One that cannot be sent is said to be so, and nothing else happens."""
        if self.end is None and not self._connection.send(protocol.encode(command)):
            self._notices.append("The session does not answer; that gesture was not heard.")

    def leave(self) -> None:
        """Ask the session to end in order; `end` follows within `GOODBYE_WAIT`, if `poll` is called."""
        if self._leaving_since is None:
            self._leaving_since = self._clock.now()
            self._connection.send(protocol.encode(Quit()))

    @property
    def leaving(self) -> bool:
        """Whether the player has asked to leave."""
        return self._leaving_since is not None

    def _look_at_the_end(self) -> None:
        if self.end is not None:
            return
        if self._connection.closed:
            self._ended(End.GOODBYE if self.leaving else End.LOST, "" if self.leaving else LOST)
        elif self._leaving_since is not None and self._clock.now() - self._leaving_since >= GOODBYE_WAIT:
            self._ended(End.GOODBYE, "The session took long to say goodbye; it is ended now.")

    def _ended(self, end: End, words: str) -> None:
        self.end, self.last_words = end, words

    def _take(self, frame: bytes) -> Applied | None:
        try:
            return self._apply(protocol.decode_from_session(frame))
        except Nonsense as bad:
            self._ended(End.LOST, str(bad))
            return None

    def _apply(self, message: protocol.FromSession) -> Applied | None:
        match message:
            case Hello():
                protocol.check_version(message)
            case Snapshot() | Delta():
                applied = self._mirror.apply(message)
                if applied is Applied.CHANGED and self._mirror.state is not None:
                    self.picture = picture_of(self._mirror.state)
                return applied
            case Notice():
                self._notices.append(message.text)
            case Goodbye():
                self._ended(End.GOODBYE if self.leaving or not message.why else End.LOST, message.why)
        return None
