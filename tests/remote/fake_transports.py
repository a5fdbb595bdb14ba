"""Fakes of the DAWs that hand no clips over: a transport with a tempo, as far as each program's documentation goes.

As `fake_daw`: UDP, nothing waits, and they delay, drop, restart and talk nonsense. What differs from program to program
is one table each: what it hears, and what it says of itself.
"""

from __future__ import annotations

import random
import socket

from jamlink.osc.packet import Message, decode, encode

BEATS = 20
"""Pumps from one heart beat of Ardour's to the next."""


class FakeTransport:
    """Ardour, REAPER or Bitwig, by its name in the settings."""

    def __init__(self, kind: str, reply_to: int, seed: int = 1, drop: float = 0.0, delay: int = 0) -> None:
        self.kind, self.dice, self.drop, self.delay = kind, random.Random(seed), drop, delay
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._reply_to = ("127.0.0.1", reply_to)
        self._late: list[tuple[int, bytes]] = []
        self._turn = 0
        self.deaf = False
        self.heard: list[Message] = []
        self.restart()

    def close(self) -> None:
        self._socket.close()

    def restart(self) -> None:
        """It stands still, and knows nobody."""
        self.playing, self.tempo, self.asked = False, 120.0, False
        self._late.clear()

    def play(self, on: bool) -> None:
        """Somebody presses its own button."""
        self.playing = on
        self._tell()

    def set_tempo(self, bpm: float) -> None:
        self.tempo = bpm
        self._tell()

    def babble(self, count: int) -> None:
        """Rubbish, and what it knows with rubbish in it."""
        for _ in range(count):
            address = self.dice.choice([message.address for message in self._state()])
            odd = encode(Message(address, (self.dice.choice(["x", float("nan"), -1e9, None, ""]),)))
            self._socket.sendto(self.dice.choice([self.dice.randbytes(30), odd]), self._reply_to)

    def pump(self) -> None:
        self._turn += 1
        while True:
            try:
                data = self._socket.recv(65_536)
            except BlockingIOError:
                break
            for message in decode(data) if not self.deaf and self.dice.random() >= self.drop else []:
                self.heard.append(message)
                self._take(message.address, message.arguments)
        if self.kind == "ardour" and self.asked and self._turn % BEATS == 0:
            self._say(Message("/heartbeat", (1.0,)))
        due = [data for turn, data in self._late if turn <= self._turn]
        self._late = [(turn, data) for turn, data in self._late if turn > self._turn]
        for data in due if not self.deaf else []:
            self._socket.sendto(data, self._reply_to)

    def _say(self, message: Message) -> None:
        if self.dice.random() >= self.drop:
            self._late.append((self._turn + self.dice.randint(0, self.delay), encode(message)))

    def _tell(self) -> None:
        if self.asked or self.kind != "ardour":
            for message in self._state():
                self._say(message)

    def _state(self) -> list[Message]:
        on, off = float(self.playing), float(not self.playing)
        if self.kind == "ardour":
            return [
                Message("/transport_play", (on,)),
                Message("/transport_stop", (off,)),
                Message("/position/bbt", ("001|01|0000",)),
            ]
        if self.kind == "reaper":
            return [
                Message("/play", (on,)),
                Message("/stop", (off,)),
                Message("/tempo/raw", (self.tempo,)),
                Message("/beat/str", ("1.1.00",)),
            ]
        return [
            Message("/play", (int(self.playing),)),
            Message("/tempo/raw", (self.tempo,)),
            Message("/beat/str", ("1.1.1:00",)),
        ]

    def _take(self, address: str, arguments: tuple) -> None:
        match self.kind, address:
            case ("ardour", "/set_surface") | ("reaper", "/action") | ("bitwig", "/refresh"):
                self.asked = True
                self._tell()
            case ("ardour", "/transport_play"):
                self.play(True)
            case ("ardour", "/transport_stop") | ("reaper", "/stop"):
                self.play(False)
            case ("reaper", "/play"):
                self.play(True)
            case ("bitwig", "/play"):
                self.play(bool(arguments[0]))
            case ("reaper" | "bitwig", "/tempo/raw"):
                self.set_tempo(arguments[0])
