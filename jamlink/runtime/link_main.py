"""`python -m jamlink.runtime.link_main --fd N`: the process that talks Ableton Link. Ends when the session's does.

It first only listens: Link peers say their tempo to a multicast group, in packets of a header and entries of a key, a
length and a value. Only when one is heard does it join, at that tempo, so that joining never changes anybody's; when
the last peer has gone it leaves and listens again, so that it never founds a session that others would find older than
theirs. It never sets a tempo. `aalink` (GPL) is the player's own choice to install, and is imported here alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import socket
import struct
import time
from typing import Any

import msgspec

from jamlink.runtime.ipc import Framed, inherited
from jamlink.sync.link import LinkBeat
from jamlink.timing.units import NS_PER_SECOND, Ns, Tempo

GROUP, PORT = "224.76.78.75", 20_808
_MAGIC, _HEADER = b"_asdp_v\x01", 20
_ALIVE = (1, 2)
LOOK_EVERY_S = 0.02
GIVE_UP_AFTER = Ns(5 * NS_PER_SECOND)
"""Without peers for so long it leaves the session."""
_TOO_LONG = Ns(1_000_000)
"""A reading that took longer says too little about when it was."""


def tempo_said(packet: bytes) -> float | None:
    """The tempo in bpm that a Link peer says in `packet`; None where it is none or says none."""
    if len(packet) < _HEADER or packet[:8] != _MAGIC or packet[8] not in _ALIVE:
        return None
    at = _HEADER
    while at + 8 <= len(packet):
        key, length = packet[at : at + 4], int.from_bytes(packet[at + 4 : at + 8], "big")
        value = packet[at + 8 : at + 8 + length]
        if key == b"tmln" and len(value) >= 8:
            micros = int.from_bytes(value[:8], "big", signed=True)
            return 60e6 / micros if micros > 0 else None
        at += 8 + length
    return None


def ear() -> socket.socket:
    """A socket that hears Link peers on every interface, and never waits."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("", PORT))
    sock.setblocking(False)
    for number, _ in socket.if_nameindex():
        with contextlib.suppress(OSError):  # an interface without multicast
            where = struct.pack("4s4si", socket.inet_aton(GROUP), bytes(4), number)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, where)
    return sock


def heard(sock: socket.socket) -> float | None:
    """The tempo that was said last, of all that came in since the last call."""
    found = None
    while True:
        try:
            packet = sock.recv(2048)
        except OSError:
            return found
        found = tempo_said(packet) or found


class Member:
    """Our membership in a Link session."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self._joined = self._met = Ns(time.monotonic_ns())
        self._alone_so_far = True
        link.quantum = 4
        link.start_stop_sync_enabled = True
        link.enabled = True

    def look(self) -> LinkBeat | None:
        """Where the session is now; None before anybody was met, and where it could not be read at one moment."""
        before = time.monotonic_ns()
        beat = self._link.beat
        after = Ns(time.monotonic_ns())
        peers = self._link.num_peers
        if peers:
            self._met, self._alone_so_far = after, False
        if self._alone_so_far or after - before > _TOO_LONG:
            return None
        tempo = Tempo(round(60 * NS_PER_SECOND / self._link.tempo))
        return LinkBeat(Ns((before + after) // 2), beat, tempo, peers, bool(self._link.playing), self._joined)

    @property
    def alone(self) -> bool:
        """Whether everybody else has gone."""
        return time.monotonic_ns() - self._met > GIVE_UP_AFTER

    def leave(self) -> None:
        """Say goodbye."""
        self._link.enabled = False


async def serve(session: Framed) -> None:
    """Until the session's process goes."""
    aalink = importlib.import_module("aalink")
    member: Member | None = None
    with ear() as sock:
        while not session.closed:
            session.receive()
            if member is None:
                bpm = heard(sock)
                if bpm is not None:
                    member = Member(aalink.Link(bpm, asyncio.get_running_loop()))
            else:
                beat = member.look()
                if beat is not None:
                    session.send(msgspec.json.encode(beat))
                if member.alone:
                    member.leave()
                    heard(sock)  # what was said before we left is old
                    member = None
            await asyncio.sleep(LOOK_EVERY_S)
    if member is not None:
        member.leave()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    asyncio.run(serve(inherited(parser.parse_args().fd)))


if __name__ == "__main__":
    main()
