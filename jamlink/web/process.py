"""The page's process from outside: started, looked at, buried. Session thread only; imports little."""

from __future__ import annotations

import contextlib
import subprocess

from jamlink.runtime.ipc import spawn
from jamlink.web.slip import read_slip

MODULE = "jamlink.web.main"


class PageProcess:
    """One start of it. `slip` is the descriptor that it reads what it needs to know from. Raises OSError."""

    def __init__(self, slip: int) -> None:
        self._slip = slip
        keep = (slip, *read_slip(slip).descriptors)
        self._child, self.pipe = spawn(MODULE, "--slip", str(slip), keep=keep)

    def again(self) -> PageProcess:
        """Another start."""
        return PageProcess(self._slip)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._child.pid

    @property
    def gone(self) -> bool:
        """Whether it has ended, or let go of its pipe."""
        return self.pipe.closed or self._child.poll() is not None

    def bury(self, grace_s: float) -> None:
        """See it end within `grace_s`, or end it."""
        self.pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(grace_s)
            return
        self._child.kill()
        self._child.wait()
