"""The pages that look, and what each is told: one connection to the session in, any number of pages out.

Policy for a page that does not read: BACKLOG bytes wait for it; what more comes is dropped, and when it reads again it
gets one snapshot of how things stand then. Policy for a page that talks too much: its connection is closed with a
sentence. The session sees one view, whoever comes and goes.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from jamlink.errors import Nonsense
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view import protocol
from jamlink.view.client import LOST
from jamlink.view.connection import Connection
from jamlink.view.protocol import (
    Applied,
    Delta,
    Do,
    Goodbye,
    Hear,
    Hello,
    Mirror,
    Notice,
    Ping,
    Play,
    Pong,
    Quit,
    Resync,
    Select,
    Snapshot,
    Take,
)
from jamlink.web.access import Refusal
from jamlink.web.slip import Role

MOST_PAGES = 20
BACKLOG = 256 * 1024
"""Bytes that wait for one page: about a second of everything changing at once."""
NOTICES_WAITING = 16
RATE = 200
"""Messages a second; both hands on the screen and a slider make half of that."""
BURST = 400
VIA = "page"
"""How gestures and notes of pages are written in the record."""

TABLET_MAY = frozenset(
    {
        "accept",
        "reject",
        "select",
        "next-hand",
        "preview",
        "undo",
        "let-pass",
        "panic",
        *(f"pick-{place}" for place in range(1, 5)),
    }
)
"""Names of actions that a tablet in the network may ask for."""
TABLET_SAYS = Hello | Resync | Ping | Select | Hear | Take
"""Messages that it may send beside these."""
NOT_A_TABLET = "A tablet can choose, hear, take, refuse, take back and silence; for the rest go to the computer."


class Bucket:
    """RATE messages a second, BURST at once."""

    def __init__(self, now: Ns) -> None:
        self._left = float(BURST)
        self._at = now

    def take(self, now: Ns) -> bool:
        """One more at `now`; False where it is too many."""
        self._left = min(BURST, self._left + (now - self._at) * RATE / NS_PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Page:
    """One open page: what waits for it, and the keys that it holds down."""

    def __init__(self, role: Role, about: dict[str, Any], snapshot: Callable[[Page], str | None], now: Ns) -> None:
        self.role = role
        self.about = about
        """The section "page" of its state: what only this page needs to know."""
        self.bucket = Bucket(now)
        self.held: set[int] = set()
        self.news = asyncio.Event()
        self._snapshot = snapshot
        self._behind = True
        self._deltas: deque[str] = deque()
        self._waiting = 0
        self._said: deque[str] = deque(maxlen=NOTICES_WAITING)
        self.ended = False
        """Whether its last words were spoken; it hears nothing after them."""
        self.say(Hello())

    def say(self, message: protocol.FromSession) -> None:
        """Something for this page alone."""
        if not self.ended:
            self._said.append(protocol.encode(message).decode())
            self.news.set()

    def show(self, delta: str) -> None:
        """What has changed for everybody, unless it has missed something already."""
        if self._behind or self.ended:
            return
        self._waiting += len(delta)
        if self._waiting > BACKLOG:
            self.start_over()
        else:
            self._deltas.append(delta)
            self.news.set()

    def start_over(self) -> None:
        """What waits is worth nothing any more; a snapshot is next."""
        self._deltas.clear()
        self._waiting, self._behind = 0, True
        self.news.set()

    def end(self, why: str) -> None:
        """The last words. What waits before them does not matter any more."""
        if not self.ended:
            self._said.clear()
            self.start_over()
            self.say(Goodbye(why))
            self.ended = True

    def fetch(self) -> Iterator[str]:
        """Everything to send now, one after the other; what comes while one is sent is among it."""
        self.news.clear()
        while True:
            if self._said:
                yield self._said.popleft()
            elif self._behind and not self.ended and (snapshot := self._snapshot(self)) is not None:
                self._behind = False
                yield snapshot
            elif self._deltas:
                delta = self._deltas.popleft()
                self._waiting -= len(delta)
                yield delta
            else:
                return


class Pages:
    """Everybody who looks. One thread, the event loop's; no method waits."""

    def __init__(self, hub: Connection, clock: Clock, about: Callable[[Role], dict[str, Any]]) -> None:
        self._hub = hub
        self._clock = clock
        self._about = about
        self._mirror = Mirror()
        self._rev = -1
        self._open: set[Page] = set()
        self.over = False
        """Whether the session has said goodbye, or is gone."""
        hub.send(protocol.encode(Hello()))

    # -- from the session ---------------------------------------------------------------------------------------------

    def hear(self) -> None:
        """Take in what the session has said."""
        for frame in self._hub.receive():
            self._take(frame)
        if self._hub.closed and not self.over:
            self._end(LOST)

    def _take(self, frame: bytes) -> None:
        match protocol.decode_from_session(frame):
            case Snapshot() | Delta() as message:
                self._apply(message, frame)
            case Notice() as notice:
                for page in self._open:
                    page.say(notice)
            case Goodbye(why):
                self._end(why)

    def _apply(self, message: Snapshot | Delta, frame: bytes) -> None:
        applied = self._mirror.apply(message)
        if applied is Applied.GAP:
            self._hub.send(protocol.encode(Resync()))
        if applied is not Applied.CHANGED:
            return
        self._rev = message.rev
        text = frame.decode() if isinstance(message, Delta) else ""
        for page in self._open:
            if text:
                page.show(text)
            else:
                page.start_over()

    def _end(self, why: str) -> None:
        self.over = True
        for page in self._open:
            page.end(why)

    # -- from a page --------------------------------------------------------------------------------------------------

    def open(self, role: Role) -> Page:
        """Somebody looks. Raises `Refusal` where too many do, or there is nothing to see any more."""
        if self.over:
            raise Refusal(503, LOST)
        if len(self._open) >= MOST_PAGES:
            raise Refusal(503, f"{MOST_PAGES} pages are open; close one of them first.")
        page = Page(role, self._about(role), self._snapshot, self._clock.now())
        self._open.add(page)
        return page

    def close(self, page: Page) -> None:
        """It is gone; no key stays down behind it."""
        self._open.discard(page)
        for pitch in sorted(page.held):
            self._hub.send(protocol.encode(Play(False, pitch)))
        page.held.clear()

    def said(self, page: Page, text: str) -> None:
        """A message of a page. What is wrong with it is answered to that page alone; too many end it."""
        if not page.bucket.take(self._clock.now()):
            page.end("This page sent more than a player can; open it again.")
            return
        try:
            self._understood(page, text.encode(errors="replace"))
        except Nonsense as refused:
            page.say(Notice(str(refused)))

    def _understood(self, page: Page, frame: bytes) -> None:
        message = protocol.decode_from_view(frame)
        if page.role is Role.TABLET and not _tablet_may(message):
            raise Nonsense(NOT_A_TABLET)
        match message:
            case Ping(t):
                page.say(Pong(t, self._clock.now()))
            case Hello():
                protocol.check_version(message)
            case Resync():
                page.start_over()
            case protocol.Report():
                raise Nonsense("Only jamlink's own helpers report.", "Nothing was changed.")
            case _:
                self._check(page, message)
                self._pass_on(page, frame)

    def _check(self, page: Page, message: Quit | Play | protocol.Request | protocol.Command) -> None:
        """Raises `Nonsense` for what the session would refuse in any state, so that only this page hears of it."""
        match message:
            case Quit():
                pass
            case Play():
                protocol.to_event(message, Ns(0), VIA)
                (page.held.add if message.on else page.held.discard)(message.pitch)
            case protocol.Ports() | protocol.Learn():
                protocol.to_wish(message)
            case _:
                protocol.to_gesture(message, VIA)

    def _pass_on(self, page: Page, frame: bytes) -> None:
        if not self._hub.send(frame):
            page.say(Notice("The session does not answer; that gesture was not heard."))

    def _snapshot(self, page: Page) -> str | None:
        if self._mirror.state is None:
            return None
        return protocol.encode(Snapshot(self._rev, {**self._mirror.state, "page": page.about})).decode()


def _tablet_may(message: protocol.FromView) -> bool:
    return message.action in TABLET_MAY if isinstance(message, Do) else isinstance(message, TABLET_SAYS)
