"""A DAW that is a UDP server: it has a transport and clip slots, and it delays, drops, restarts and talks nonsense.

Nothing here waits: a datagram on this machine lies in the other's queue as soon as it was sent, and time is a count of
calls.
"""

from __future__ import annotations

import random
import socket

from jamlink.osc.packet import Message, decode, encode


class FakeLive:
    """Ableton Live with AbletonOSC, as far as its README goes."""

    def __init__(self, reply_to: int, seed: int = 1, drop: float = 0.0, delay: int = 0) -> None:
        self.dice, self.drop, self.delay = random.Random(seed), drop, delay
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._reply_to = ("127.0.0.1", reply_to)
        self._late: list[tuple[int, bytes]] = []
        self._turn = 0
        self.deaf = False
        self.heard: list[Message] = []
        self.restart(quiet=True)

    def close(self) -> None:
        self._socket.close()

    def restart(self, *, quiet: bool = False) -> None:
        """Everything that it was asked to tell is forgotten."""
        self.listened: set[str] = set()
        self.playing, self.tempo = False, 120.0
        self.clips: dict[tuple[int, int], list[tuple[float, ...]]] = {}
        self.names: dict[tuple[int, int], str] = {}
        self.fired: list[tuple[int, int]] = []
        self._late.clear()
        if not quiet:
            self.say("/live/startup")

    def say(self, address: str, *arguments: object) -> None:
        if self.dice.random() >= self.drop:
            self._late.append((self._turn + self.dice.randint(0, self.delay), encode(Message(address, arguments))))

    def babble(self, count: int) -> None:
        """Packets of rubbish, and packets whose arguments are rubbish."""
        for _ in range(count):
            noise = self.dice.randbytes(self.dice.randint(0, 60))
            address = self.dice.choice(["/live/song/get/tempo", "/live/song/get/is_playing", "/live/clip/get/notes"])
            odd = encode(Message(address, (self.dice.choice(["x", float("nan"), -1e9, None]),)))
            self._socket.sendto(self.dice.choice([noise, odd]), self._reply_to)

    def play(self, on: bool) -> None:
        """Somebody presses its own button."""
        self.playing = on
        self._tell("is_playing", on)

    def set_tempo(self, bpm: float) -> None:
        self.tempo = bpm
        self._tell("tempo", bpm)

    def pump(self) -> None:
        """Read what came, and send what is due."""
        self._turn += 1
        while True:
            try:
                data = self._socket.recv(65_536)
            except BlockingIOError:
                break
            for message in decode(data) if not self.deaf and self.dice.random() >= self.drop else []:
                self.heard.append(message)
                self._take(message.address, message.arguments)
        due = [data for turn, data in self._late if turn <= self._turn]
        self._late = [(turn, data) for turn, data in self._late if turn > self._turn]
        for data in due if not self.deaf else []:
            self._socket.sendto(data, self._reply_to)

    def _tell(self, what: str, value: object) -> None:
        if what in self.listened:
            self.say(f"/live/song/get/{what}", value)

    def _take(self, address: str, arguments: tuple) -> None:
        where = arguments[:2]
        match address:
            case "/live/test":
                self.say("/live/test", "ok")
            case "/live/song/start_listen/is_playing":
                self.listened.add("is_playing")
                self._tell("is_playing", self.playing)
            case "/live/song/start_listen/tempo":
                self.listened.add("tempo")
                self._tell("tempo", self.tempo)
            case "/live/song/start_playing" | "/live/song/stop_playing":
                self.play(address.endswith("start_playing"))
            case "/live/song/set/tempo":
                self.set_tempo(arguments[0])
            case "/live/clip_slot/get/has_clip":
                self.say(address, *where, int(where in self.clips))
            case "/live/clip_slot/create_clip":
                if where in self.clips:
                    self.say("/live/error", "there is a clip already")
                self.clips.setdefault(where, [])
            case "/live/clip/set/name":
                self.names[where] = arguments[2]
            case "/live/clip/add/notes":
                rows = [tuple(arguments[i : i + 5]) for i in range(2, len(arguments), 5)]
                if where in self.clips:
                    self.clips[where] += [row for row in rows if row not in self.clips[where]]
            case "/live/clip/get/notes":
                self.say(address, *where, *(value for row in self.clips.get(where, []) for value in row))
            case "/live/clip_slot/fire":
                self.fired.append(where)
