"""The page's process may die at any time: it comes back at the same address, and the session never notices."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.sync.client import connect

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.runtime.ipc import Framed
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.session.inputs import Do
from jamlink.timing.units import Ns
from jamlink.view.protocol import Snapshot
from jamlink.web.keeper import TROUBLE, Keeper
from jamlink.web.process import PageProcess
from jamlink.web.slip import Slip, close_doors, open_doors, read_slip, write_slip
from tests.web.house import PATIENCE_S, read, words


class Kept:
    """A keeper with its page, as the session process has it."""

    def __init__(self) -> None:
        ours, self.terminal = (Framed(end) for end in socket.socketpair())
        self.slip = Slip(open_doors(0), "none.jam")
        self._written = write_slip(self.slip)
        self.keeper = Keeper(ours, PageProcess(self._written), MonotonicClock())
        self.gestures: list[object] = []
        self.keeper.publish({"trouble": []})

    def turn(self) -> None:
        select.select([n for n in self.keeper.filenos() if n >= 0], [], [], 0.02)
        self.gestures += self.keeper.receive()

    def until(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < deadline, "it did not happen"
            self.turn()

    def page(self):
        """A page, as soon as somebody answers: the door is open even while nobody does."""
        (door,) = self.slip.doors
        origin = door.address.rstrip("/")
        return connect(
            f"ws{origin[4:]}/ws", origin=origin, subprotocols=words(door), open_timeout=PATIENCE_S, proxy=None
        )

    def close(self) -> None:
        self.keeper.goodbye()
        self.terminal.close()
        os.close(self._written)
        close_doors(self.slip.doors)


@pytest.fixture
def kept() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    kept.close()


def snapshot(socket) -> dict:
    while not isinstance(message := read(socket.recv(PATIENCE_S)), Snapshot):
        pass
    return message.state


def test_a_slip_can_be_read_again_and_again():
    slip = Slip(open_doors(0), "x.jam")
    written = write_slip(slip)
    assert read_slip(written) == read_slip(written) == slip
    os.close(written)
    close_doors(slip.doors)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_page_process_that_dies_comes_back_at_the_same_address(kept, how):
    with kept.page() as page:
        snapshot(page)
        page.send('{"kind":"play","on":true,"pitch":60}')
        played = []
        kept.until(lambda: played.extend(kept.keeper.played(Ns(1))) or played)
        first = kept.keeper.pid
        os.kill(first, how)
        kept.until(lambda: kept.keeper.pid not in (None, first))
    let_go = kept.keeper.played(Ns(2))
    assert isinstance(played[0], NoteOn)
    assert [type(event) for event in let_go] == [NoteOff], "no key stays down behind it"
    kept.keeper.publish({"trouble": [], "key": "G"})
    with kept.page() as page:
        assert snapshot(page)["key"] == "G"
        page.send('{"kind":"do","action":"accept"}')
        kept.until(lambda: kept.gestures)
    assert kept.gestures == [Do(Action.ACCEPT, "page")]
    assert not kept.keeper.leaving


def test_while_there_is_no_page_the_other_views_say_so(kept):
    first, seen = kept.keeper.pid, []
    os.kill(first, signal.SIGKILL)
    kept.until(lambda: kept.keeper.pid not in (None, first))
    os.kill(kept.keeper.pid, signal.SIGKILL)  # the second waits a little, so that a broken page is not all we do

    def told() -> bool:
        kept.keeper.publish({"trouble": []})
        seen.extend(read(frame) for frame in kept.terminal.receive())
        return any(TROUBLE in getattr(message, "changes", {}).get("trouble", ()) for message in seen)

    kept.until(told)


def test_the_jam_ends_with_its_terminal_and_not_with_its_pages(kept):
    with kept.page() as page:
        snapshot(page)
    kept.turn()
    assert not kept.keeper.leaving
    kept.terminal.close()
    kept.until(lambda: kept.keeper.leaving)


def test_the_process_goes_when_the_session_goes(kept):
    pid = kept.keeper.pid
    with kept.page() as page:
        snapshot(page)
    kept.keeper.goodbye()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
