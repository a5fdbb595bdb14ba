"""A page's process without a process: its pages and guard, with the session's end of the connection in the test's hand."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from jamlink.runtime.ipc import Framed
from jamlink.testing.clock import ManualClock
from jamlink.view import protocol
from jamlink.view.hub import Hub
from jamlink.web.main import serve
from jamlink.web.pages import Pages
from jamlink.web.server import about, application
from jamlink.web.slip import Door, Role, Slip, open_doors

PATIENCE_S = 20.0
"""How long a test waits for what must happen. Not a measure of anything."""
TOKEN, TABLET_TOKEN, CODE = "t" * 43, "u" * 43, "123456"
PLAYER_DOOR = Door(-1, "127.0.0.1", 5265, Role.PLAYER, TOKEN)
TABLET_DOOR = Door(-1, "192.168.1.5", 5265, Role.TABLET, TABLET_TOKEN, CODE)
WORDS = ["jamlink", f"token.{TOKEN}"]
TABLET_WORDS = ["jamlink", f"token.{TABLET_TOKEN}"]
ORIGIN = "http://127.0.0.1:5265"


class House:
    """`hub` is the session's side. `say` publishes a state; `gestures` is what reached the session."""

    def __init__(self, session: Path = Path("none.jam")) -> None:
        ours, theirs = (Framed(end) for end in socket.socketpair())
        self.clock = ManualClock()
        self.slip = Slip((PLAYER_DOOR, TABLET_DOOR), str(session))
        self.hub = Hub(ours, "page")
        self.pages = Pages(theirs, self.clock, lambda role: about(self.slip, role))
        self.app = application(self.pages, self.slip)
        self._ends = (ours, theirs)
        self.say({"key": "C"})

    def say(self, state: dict[str, Any]) -> None:
        self.hub.publish(state)
        self.pages.hear()

    def gestures(self) -> list[Any]:
        return list(self.hub.receive())

    def client(self, address: str = ORIGIN) -> TestClient:
        return TestClient(self.app, base_url=address, raise_server_exceptions=True)

    def close(self) -> None:
        for end in self._ends:
            end.close()


@contextlib.contextmanager
def open_house(session: Path = Path("none.jam"), *, lan: str = "") -> Iterator[tuple[Hub, Slip]]:
    """The same over real sockets, its loop in a thread; the session's side belongs to the test."""
    slip = Slip(open_doors(0, lan=bool(lan), address=lan), str(session))
    ours, theirs = (Framed(end) for end in socket.socketpair())
    hub = Hub(ours, "page")
    hub.publish({"key": "C"})
    thread = threading.Thread(target=lambda: asyncio.run(serve(theirs, slip)))
    thread.start()
    try:
        yield hub, slip
    finally:
        hub.goodbye()
        thread.join(timeout=PATIENCE_S)
        theirs.close()
        assert not thread.is_alive()


def gestures(hub: Hub, count: int) -> list[Any]:
    """The next `count` gestures that reach the session."""
    found: list[Any] = []
    while len(found) < count:
        assert select.select(hub.filenos(), [], [], PATIENCE_S)[0], f"only {found} came"
        found += hub.receive()
    return found


def words(door: Door) -> list[str]:
    """What a page of `door` offers as subprotocols."""
    return ["jamlink", f"token.{door.token}"]


def read(text: str | bytes) -> protocol.FromSession:
    """A message as a page gets it."""
    return protocol.decode_from_session(text.encode() if isinstance(text, str) else text)
