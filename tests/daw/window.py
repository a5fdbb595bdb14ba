"""Ardour with its window, on a screen of its own that nobody sees (Xvfb), with OSC switched on.

It opens a session that is on disk already. What would otherwise ask something at the first start is answered in files.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from jamlink.bridges.base import PositionIs
from jamlink.errors import Unavailable
from jamlink.osc.packet import Message, decode, encode
from tests.daw.ardour import BPM, PATIENCE_S, RATE
from tests.daw.take import BEATS_PER_BAR
from tests.realtime.conftest import wait_until

PROGRAM = "ardour"
OSC_PORT, REPLY_PORT = 3819, 8000
PLAYHEAD = PositionIs(bar=3, beat=1)
"""Where the session was left; see `leave_the_playhead`."""
_STATE = (
    '<State backend="JACK" driver="" device="" input-device="" output-device="" sample-rate="48000" buffer-size="256" '
    'n-periods="0" input-latency="0" output-latency="0" lm-input="" lm-output="" active="1" use-buffered-io="0" '
    'midi-option="" lru="1"><MIDIDevices/></State>'
)
_CONFIG = (
    '<Ardour><Config><Option name="try-autostart-engine" value="1"/><Option name="send-midi-clock" value="1"/></Config><Extra><AudioMIDISetup><EngineStates>'
    f"{_STATE}</EngineStates></AudioMIDISetup></Extra></Ardour>"
)


def leave_the_playhead(session: Path) -> None:
    """At `PLAYHEAD`, in the editor's own memory, a file beside the session's.

    OSC answers and rolls well before the editor is up, which then stops and goes to where the playhead was left, and
    the surfaces are not told of the stop. Only a place other than the beginning shows that this is over.
    """
    frame = (PLAYHEAD.bar - 1) * BEATS_PER_BAR * 60 * RATE // BPM
    (session / "instant.xml").write_text(f'<instant><Editor playhead="{frame}"/></instant>')


def switch_osc_on(session: Path) -> None:
    """In the session's file, which has the last word."""
    file = session / "take.ardour"
    words = file.read_text()
    off = '<Protocol name="Open Sound Control (OSC)" active="0"'
    assert off in words or off.replace('"0"', '"1"') in words, "the session says nothing of OSC"
    file.write_text(words.replace(off, off.replace('"0"', '"1"')))


class Window:
    """One Ardour on one screen. It says what it says to `REPLY_PORT`, or to whoever greeted it."""

    def __init__(self, folder: Path, session: Path, quiet_jack: Path) -> None:
        for program in (PROGRAM, "Xvfb", "import"):
            if shutil.which(program) is None:
                raise Unavailable(f"{program} is missing.", "Run: make tools")
        settings = folder / "config" / "ardour7"
        settings.mkdir(parents=True)
        (settings / ".a7").touch()
        (settings / "instant.xml").write_text("<instant><no-memory-warning/></instant>")
        (settings / "config").write_text(_CONFIG)
        switch_osc_on(session)
        leave_the_playhead(session)
        self._log = (folder / "window.log").open("w")
        self._display, self._screen = self._a_screen()
        places = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "LD_LIBRARY_PATH": str(quiet_jack)}
        self._process = subprocess.Popen(
            [PROGRAM, "-a", "-n", "-d", str(session / "take.ardour")],
            env={**os.environ, **places, "DISPLAY": self.display},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )

    def _a_screen(self) -> tuple[str, subprocess.Popen[bytes]]:
        """A free display, which Xvfb itself chooses and names on a pipe."""
        reading, writing = os.pipe()
        with os.fdopen(reading) as said:
            screen = subprocess.Popen(
                ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
                pass_fds=(writing,),
                stdout=self._log,
                stderr=self._log,
            )
            os.close(writing)
            return f":{said.readline().strip()}", screen

    @property
    def display(self) -> str:
        """As X's programs name it."""
        return self._display

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def picture(self, file: Path) -> None:
        """What is on the screen now."""
        subprocess.run(["import", "-display", self.display, "-window", "root", str(file)], check=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._process, self._screen):
            process.kill()
            process.wait()
        self._log.close()


class Surface:
    """An OSC socket that greets the window and hears what it says."""

    def __init__(self, port: int = REPLY_PORT) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(("127.0.0.1", port))
        self.heard: list[Message] = []

    def say(self, messages: list[Message]) -> None:
        """Sends them."""
        for message in messages:
            self._socket.sendto(encode(message), ("127.0.0.1", OSC_PORT))

    def listen(self) -> None:
        """Takes in what has come."""
        while True:
            try:
                packet = self._socket.recv(65_536)
            except BlockingIOError:
                return
            except OSError:
                continue  # the answer to a greeting that nobody heard yet
            self.heard += decode(packet)

    def close(self) -> None:
        """Lets the port go."""
        self._socket.close()

    def greet(self, messages: list[Message]) -> None:
        """Says them once a second until its heart is heard: a window that comes up hears nothing yet."""
        said = 0.0

        def it_answers() -> bool:
            nonlocal said
            if time.monotonic() > said + 1:
                said = time.monotonic()
                self.say(messages)
            self.listen()
            return any(message.address == "/heartbeat" for message in self.heard)

        wait_until(it_answers, patience_s=PATIENCE_S)
