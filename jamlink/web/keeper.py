"""The session's side of the page: starts its process, and starts it again whenever it dies.

A hub with one view that it starts by itself. The session goes on whatever the page's process does: nothing here waits,
and the jam ends with the terminal it was started in, not with the last page. Session thread only; no web server is
imported here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jamlink.session.inputs import Gesture
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view.connection import Connection
from jamlink.view.hub import Hub
from jamlink.web.process import PageProcess

VIA = "page"
TROUBLE = "The page stopped; it is being started again, and the music goes on."
RESPAWN_WAITS_S = (0, 1, 5, 15)
"""Before the next start, after so many deaths on end."""
LIVED_LONG = Ns(30 * NS_PER_SECOND)
"""Whoever lived so long did not die of the same thing as the one before."""
_LAST_GRACE_S = 2.0


class Keeper(Hub):
    """See the module. `terminal` is the view that the jam ends with, `page` the process as it was started first."""

    def __init__(self, terminal: Connection, page: PageProcess, clock: Clock) -> None:
        super().__init__(terminal)
        self._terminal = terminal
        self._page = page
        self._there = True
        self._clock = clock
        self._since = clock.now()
        self._deaths = 0
        self._respawn_at: Ns | None = None
        self.add(page.pipe, VIA)

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return self._page.pid if self._there else None

    def receive(self) -> Iterable[Gesture]:
        """Gestures since the last call; the page's process is looked after on the way."""
        gestures = super().receive()
        self._look_after(self._clock.now())
        return gestures

    def publish(self, state: dict[str, Any]) -> None:
        """Show `state`, and beside its troubles that there is no page."""
        if not self._there:
            state = {**state, "trouble": [*state.get("trouble", ()), TROUBLE]}
        super().publish(state)

    def goodbye(self, why: str = "") -> None:
        """Let every view go; the page's process has a moment to say it to its pages."""
        self._respawn_at = None
        super().goodbye(why)
        if self._there:
            self._page.bury(_LAST_GRACE_S)

    @property
    def leaving(self) -> bool:
        """Whether a player asked to quit, or the terminal that the jam was started in is gone."""
        return super().leaving or self._terminal.closed

    def _look_after(self, now: Ns) -> None:
        if self._there and self._page.gone:
            self._plan_another(now)
        if self._respawn_at is not None and now >= self._respawn_at:
            self._start_another(now)

    def _plan_another(self, now: Ns) -> None:
        self._page.bury(0)
        self._there = False
        self._deaths = 1 if now - self._since > LIVED_LONG else self._deaths + 1
        wait_s = RESPAWN_WAITS_S[min(self._deaths, len(RESPAWN_WAITS_S)) - 1]
        self._respawn_at = Ns(now + wait_s * NS_PER_SECOND)

    def _start_another(self, now: Ns) -> None:
        self._respawn_at, self._since = None, now
        try:
            self._page = self._page.again()
        except OSError:
            self._respawn_at = Ns(now + RESPAWN_WAITS_S[-1] * NS_PER_SECOND)
            return
        self._there = True
        self.add(self._page.pipe, VIA)
