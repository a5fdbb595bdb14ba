"""A bridge, its fake DAW, and a session that does what it is told. The clock is moved by hand."""

from __future__ import annotations

import socket

from jamlink.remote.main import Daw
from jamlink.remote.settings import BridgeTable
from jamlink.timing.units import Ns, ms
from jamlink.view import protocol
from tests.remote.fake_daw import FakeLive
from tests.remote.fake_transports import FakeTransport


class House:
    """`table` are the bridge's settings. `poor_line` is the seed of a line that loses a fifth and delivers late."""

    def __init__(self, kind="live", *, poor_line=None, **table):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        reply_to = self.socket.getsockname()[1]
        line = {} if poor_line is None else {"seed": poor_line, "drop": 0.2, "delay": 3}
        self.fake = FakeLive(reply_to, **line) if kind == "live" else FakeTransport(kind, reply_to, **line)
        self.now = Ns(0)
        self.daw = Daw(self.socket, BridgeTable(daw=kind, port=self.fake.port, **table), self.now)
        self.playing, self.bpm, self.newest, self.commands = False, 100.0, {}, []
        self.show()

    def close(self):
        self.fake.close()
        self.socket.close()

    def show(self):
        clock = {"playing": self.playing, "bpm": self.bpm}
        self._obey(self.daw.show({"clock": clock, "clips": {"newest": self.newest}}))

    def _obey(self, commands):
        for command in commands:
            self.commands.append(command)
            if isinstance(command, protocol.Do):
                self.playing = command.action == "start"
            else:
                self.bpm = command.bpm
            self.show()

    def run(self, seconds):
        for _ in range(round(seconds * 20)):
            self.fake.pump()
            self._obey(self.daw.receive(self.now))
            self._obey(self.daw.tick(self.now))
            self.now = Ns(self.now + ms(50))
