"""The session's end of the Link process: beats as they come in. It may die at any time; then Link has fallen silent."""

from __future__ import annotations

import subprocess
from importlib.util import find_spec

import msgspec

from jamlink.errors import Unavailable
from jamlink.runtime.ipc import Framed, spawn
from jamlink.sync.link import LinkBeat

_decode = msgspec.json.Decoder(LinkBeat).decode


def look_for_link() -> None:
    """Raises `Unavailable` where Link was not installed."""
    if find_spec("aalink") is None:
        raise Unavailable("Ableton Link is not installed.", "Run: pip install 'jamlink[link]' (it is under the GPL).")


class LinkPeer:
    """One thread. No method waits."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes]
        self._connection: Framed
        self._process, self._connection = spawn("jamlink.runtime.link_main")

    def fileno(self) -> int:
        """For select; -1 once it is gone."""
        return self._connection.fileno()

    def receive(self) -> list[LinkBeat]:
        """Beats since the last call, oldest first."""
        return [_decode(frame) for frame in self._connection.receive()]

    def close(self) -> None:
        """Let it go; it says goodbye to its peers."""
        self._connection.close()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
