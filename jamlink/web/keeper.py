"""The session's side of the page: starts its process, and starts it again whenever it dies.

A hub with one view that it starts by itself. The session goes on whatever the page's process does: nothing here waits,
and the jam ends with the terminal it was started in, not with the last page. Session thread only; no web server is
imported here.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterable
from typing import Any

from jamlink.runtime.ipc import Framed, spawn
from jamlink.session.inputs import Gesture
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view.connection import Connection
from jamlink.view.hub import Hub
from jamlink.web.slip import read_slip

MODULE = "jamlink.web.main"
VIA = "page"
TROUBLE = "The page stopped; it is being started again, and the music goes on."
RESPAWN_WAITS_S = (0, 1, 5, 15)
"""Before the next start, after so many deaths on end."""
LIVED_LONG = Ns(30 * NS_PER_SECOND)
"""Whoever lived so long did not die of the same thing as the one before."""
_LAST_GRACE_S = 2.0


class Keeper(Hub):
    """See the module. `terminal` is the view that the jam ends with; `slip` the descriptor that the page's process
    reads what it needs to know from."""

    def __init__(self, terminal: Connection, slip: int, clock: Clock) -> None:
        super().__init__(terminal)
        self._terminal = terminal
        self._slip = slip
        self._descriptors = read_slip(slip).descriptors
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Framed | None = None
        self._since = clock.now()
        self._deaths = 0
        self._respawn_at: Ns | None = None
        self._start()

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return self._child.pid if self._child else None

    def receive(self) -> Iterable[Gesture]:
        """Gestures since the last call; the page's process is looked after on the way."""
        gestures = super().receive()
        self._look_after(self._clock.now())
        return gestures

    def publish(self, state: dict[str, Any]) -> None:
        """Show `state`, and beside its troubles that there is no page."""
        if self._pipe is None:
            state = {**state, "trouble": [*state.get("trouble", ()), TROUBLE]}
        super().publish(state)

    def goodbye(self, why: str = "") -> None:
        """Let every view go; the page's process has a moment to say it to its pages."""
        self._respawn_at = None
        super().goodbye(why)
        if self._child is not None:
            _bury(self._child, _LAST_GRACE_S)

    @property
    def leaving(self) -> bool:
        """Whether a player asked to quit, or the terminal that the jam was started in is gone."""
        return super().leaving or self._terminal.closed

    def _look_after(self, now: Ns) -> None:
        gone = self._child is not None and (self._child.poll() is not None or self._pipe is None or self._pipe.closed)
        if gone:
            self._replace(now)
        if self._respawn_at is not None and now >= self._respawn_at:
            self._start()

    def _replace(self, now: Ns) -> None:
        """Bury what is left, and plan the next one."""
        self._deaths = 1 if now - self._since > LIVED_LONG else self._deaths + 1
        if self._pipe is not None:
            self._pipe.close()
        if self._child is not None:
            _bury(self._child, 0)
        self._child = self._pipe = None
        wait_s = RESPAWN_WAITS_S[min(self._deaths, len(RESPAWN_WAITS_S)) - 1]
        self._respawn_at = Ns(now + wait_s * NS_PER_SECOND)

    def _start(self) -> None:
        now = self._clock.now()
        self._respawn_at, self._since = None, now
        try:
            child, pipe = spawn(MODULE, "--slip", str(self._slip), keep=(self._slip, *self._descriptors))
        except OSError:
            self._respawn_at = Ns(now + RESPAWN_WAITS_S[-1] * NS_PER_SECOND)
            return
        self._child, self._pipe = child, pipe
        self.add(pipe, VIA)


def _bury(child: subprocess.Popen[bytes], grace_s: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_s)
        return
    child.kill()
    child.wait()
