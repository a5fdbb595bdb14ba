"""A Link process that dies is replaced: at once where it had lived, later and later where it never does."""

from __future__ import annotations

import socket
import subprocess
from types import SimpleNamespace

import msgspec
import pytest

from jamlink.runtime import link_peer
from jamlink.runtime.ipc import Framed
from jamlink.runtime.link_peer import GONE, LIVED_LONG, WAITS, LinkPeer
from jamlink.sync.link import LinkBeat
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, tempo_of_bpm

BEAT = LinkBeat(Ns(5), 1.5, tempo_of_bpm(97.5), 1)


class Process:
    """A Link process that is a pipe and a word on whether it lives."""

    def __init__(self, number):
        self.pid, self.code = number, None
        ours, self.pipe = socket.socketpair()
        self.session_end, self.end = Framed(ours), Framed(self.pipe)

    def says(self, beat):
        self.end.send(msgspec.json.encode(beat))

    def dies(self):
        self.code = 1
        self.end.close()

    def poll(self):
        return self.code

    def kill(self):
        self.code = -9

    def wait(self, timeout=None):
        assert self.session_end.closed, "it goes when its pipe is closed"
        self.code = self.code or 0


@pytest.fixture
def link(monkeypatch):
    """A link, its clock, the processes that were started, and whether the machine lets it start any."""
    house = SimpleNamespace(clock=ManualClock(), started=[], allowed=True)

    def spawn(module):
        if not house.allowed:
            raise OSError("no more processes")
        house.started.append(Process(len(house.started) + 1))
        return house.started[-1], house.started[-1].session_end

    monkeypatch.setattr(link_peer, "spawn", spawn)
    house.peer = LinkPeer(house.clock)
    yield house
    house.peer.close()
    for process in house.started:
        process.end.close()


def test_beats_come_from_whichever_process_there_is(link):
    link.started[0].says(BEAT)
    assert link.peer.receive() == [BEAT]
    link.started[0].dies()
    assert link.peer.receive() == []
    assert (len(link.started), link.peer.pid, link.peer.trouble) == (2, 2, GONE)
    assert link.peer.fileno() == link.started[1].session_end.fileno()
    link.started[1].says(BEAT)
    assert (link.peer.receive(), link.peer.trouble) == ([BEAT], "")


def test_what_it_said_before_it_died_is_heard(link):
    link.started[0].says(BEAT)
    link.started[0].dies()
    assert link.peer.receive() == [BEAT]
    assert len(link.started) == 2


@pytest.mark.parametrize("how", ["it dies", "it cannot be started"])
def test_where_link_cannot_live_it_is_tried_later_and_later(link, how):
    link.allowed = how == "it dies"
    tries = []
    link.started[0].dies()
    for wait in (*WAITS, WAITS[-1]):
        link.peer.receive()
        link.clock.advance(Ns(max(0, wait - 1)))
        before = len(link.started)
        link.peer.receive()
        tries.append(len(link.started) - before if wait else 0)
        link.clock.advance(Ns(1))
        link.peer.receive()
        if link.allowed:
            link.started[-1].dies()
    assert not any(tries), "never before its time"
    assert link.peer.trouble == GONE
    assert len(link.started) == (len(WAITS) + 2 if link.allowed else 1)
    assert link.peer.fileno() == -1 or link.allowed


def test_one_that_lived_long_is_replaced_at_once_however_many_had_died(link):
    for wait in WAITS:
        link.started[-1].dies()
        link.peer.receive()
        link.clock.advance(wait)
        link.peer.receive()
    link.clock.advance(Ns(LIVED_LONG + 1))
    link.peer.receive()
    assert link.peer.trouble == "", "nobody is there to say a beat, and it lives"
    before = len(link.started)
    link.started[-1].dies()
    link.peer.receive()
    assert len(link.started) == before + 1


def test_a_closed_link_starts_nothing_any_more(link):
    link.peer.close()
    link.clock.advance(Ns(LIVED_LONG + 1))
    assert (link.peer.receive(), len(link.started), link.peer.fileno()) == ([], 1, -1)


def test_leaving_waits_for_nobody_who_does_not_die(link, monkeypatch):
    stuck = link.started[0]
    monkeypatch.setattr(
        stuck, "wait", lambda timeout: (_ for _ in ()).throw(subprocess.TimeoutExpired("link", timeout))
    )
    link.peer.close()
    assert stuck.code == -9
