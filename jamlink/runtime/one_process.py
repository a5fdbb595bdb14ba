"""A process of ours that is replaced when it dies: what every owner of one needs, whatever goes through the pipe."""

from __future__ import annotations

import subprocess
from contextlib import suppress

from jamlink.runtime.ipc import Framed


class OneProcess:
    """Owns one process at a time and our end of its pipe. One thread; nothing waits but `_let_go`.

    `fileno` changes when the process is replaced. When to start one, and what with, is for who owns it to say.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Framed | None = None
        self._going: list[subprocess.Popen[bytes]] = []
        """Killed, and not yet seen dead: nobody waits for one that hangs in the kernel."""

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return self._child.pid if self._child else None

    def fileno(self) -> int:
        """For select; -1 while there is no process."""
        return self._pipe.fileno() if self._pipe else -1

    def _bury(self) -> None:
        """End it now."""
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            self._child.kill()
            self._going.append(self._child)
        self._child = self._pipe = None

    def _forget_the_dead(self) -> None:
        self._going = [child for child in self._going if child.poll() is None]

    def _let_go(self, grace_s: float) -> None:
        """Close the pipe, which tells it to go, and end it after `grace_s`; then see those that were killed gone, each
        within as long."""
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            _wait_for(self._child, grace_s)
        self._bury()
        for child in self._going:
            _wait_for(child, grace_s)


def _wait_for(child: subprocess.Popen[bytes], grace_s: float) -> None:
    """Until it is gone, or has had its grace."""
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace_s)
