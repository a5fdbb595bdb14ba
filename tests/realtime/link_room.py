"""In a network of its own: a real Link peer, and jamlink's Link process with a session behind it. Prints what happened.

Run by test_link_real.py as `unshare -n python link_room.py`. jamlink is there first and listens; the peer comes, changes
the tempo, starts, stops, and is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

from jamlink.midi.actions import Action
from jamlink.runtime.clocks import Clocks
from jamlink.runtime.link_peer import LinkPeer
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.session.core import Session
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.sync.follower import Follower
from jamlink.sync.link import LinkBeats
from jamlink.timing.units import Ns, tempo_of_bpm

PATIENCE_S = 30
PEER = """
import aalink, asyncio, datetime, json, sys, time
async def main():
    link = aalink.Link(97.5, asyncio.get_running_loop())
    link.start_stop_sync_enabled = link.enabled = True
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while words := (await reader.readline()).decode().split():
        if words[0] == "tempo":
            link.tempo = float(words[1])
        elif words[0] in ("start", "stop"):
            link.playing = words[0] == "start"
        before = time.monotonic_ns(); beat = link.beat; after = time.monotonic_ns()
        said = {"at": (before + after) // 2, "beat": beat, "tempo": link.tempo, "peers": link.num_peers}
        print(json.dumps(said), flush=True)
asyncio.run(main())
"""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = struct.unpack("16sh", fcntl.ioctl(sock, _SIOCGIFFLAGS, struct.pack("16sh", b"lo", 0)))[1]
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))


class Room:
    def __init__(self) -> None:
        self.session = Session(SessionSettings(tempo=tempo_of_bpm(133), count_in=0), Ns(time.monotonic_ns()))
        self.clocks = Clocks(Follower([LinkBeats()]), self.session)
        self.link = LinkPeer(MonotonicClock())
        self.peer: subprocess.Popen[str] | None = None

    def turn(self) -> None:
        select.select([self.link], [], [], 0.01)
        for beat in self.link.receive():
            news = self.clocks.hear_link(beat)
            if news is not None:
                self.session.handle(news, beat.at)
        now = Ns(time.monotonic_ns())
        news = self.clocks.look(now)
        if news is not None:
            self.session.handle(news, now)
        self.session.advance(now)

    def until(self, happened) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not happened():
            if time.monotonic() > deadline:
                raise SystemExit(f"it did not happen; {self.clock}")
            self.turn()

    def lose_our_link(self) -> dict:
        """Our Link process is killed while the music plays, and another one takes its place."""
        killed, stops = self.link.pid, []

        def is_back() -> bool:
            stops.append(not self.session.playing)
            return self.link.pid not in (None, killed) and not self.link.trouble and self.clock.bond == "locked"

        os.kill(killed, signal.SIGKILL)
        self.until(is_back)
        self.live(4)
        return {"stopped": any(stops) or not self.session.playing, "apart": self.apart()}

    def live(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)

    @property
    def clock(self):
        return self.session.snapshot().clock

    def ask(self, words: str = "look") -> dict:
        self.peer.stdin.write(words + "\n")
        self.peer.stdin.flush()
        return json.loads(self.peer.stdout.readline())

    def apart(self) -> float:
        """How far our beat is from the peer's at one moment, in beats."""
        said = self.ask()
        line = self.session.timeline
        ours = (line.tick_origin + (said["at"] - line.ns_origin) * 960 / line.tempo) / 960
        off = ours - said["beat"]
        return off - round(off)


def main() -> None:
    loopback_up()
    room, told = Room(), {}
    room.live(2)  # alone: nothing is founded
    told["alone"] = room.clock.source
    room.peer = subprocess.Popen([sys.executable, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    room.until(lambda: room.clock.bond == "locked")
    room.live(1)
    told["joined"] = {"peer": room.ask(), "ours": room.clock.bpm}
    room.session.handle(Do(Action.PLAY_STOP, "test"), Ns(time.monotonic_ns()))
    room.live(4)
    told["apart"] = [room.apart() for _ in range(40) if room.live(0.02) is None]
    room.ask("tempo 110")
    room.until(lambda: abs(room.clock.bpm - 110) < 0.01)
    room.live(4)
    told["new tempo"] = {"peer": room.ask(), "ours": room.clock.bpm, "apart": room.apart()}
    room.session.handle(Do(Action.PLAY_STOP, "test"), Ns(time.monotonic_ns()))
    room.ask("start")
    room.until(lambda: room.session.playing)
    room.live(3)
    told["started"] = {"apart": room.apart()}
    room.ask("stop")
    room.until(lambda: not room.session.playing)
    room.ask("start")
    room.until(lambda: room.session.playing)
    room.live(3)
    told["replaced"] = room.lose_our_link()
    room.peer.kill()
    room.peer.wait()
    room.until(lambda: room.clock.bond == "lost")
    told["lost"] = {"playing": room.session.playing, "words": room.clock.led}
    room.link.close()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
