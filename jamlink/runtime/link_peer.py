"""The session's end of the Link process: beats as they come in. A process that dies is replaced.

In between Link is silent, which the follower bridges as it does any silence. A process that lived for ten seconds is
replaced at once, others after growing waits: where Link cannot run at all, a start every half a minute costs nobody
anything.
"""

from __future__ import annotations

from importlib.util import find_spec

import msgspec

from jamlink.errors import Unavailable
from jamlink.runtime.ipc import spawn
from jamlink.runtime.one_process import OneProcess
from jamlink.sync.link import LinkBeat
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

MODULE = "jamlink.runtime.link_main"
WAITS = (Ns(0), ms(500), *(Ns(s * NS_PER_SECOND) for s in (1, 2, 4, 8, 16, 30)))
"""Before the first, second, ... in a row is started again; the last one for all others."""
LIVED_LONG = Ns(10 * NS_PER_SECOND)
GONE = "Ableton Link stopped; it is being started again."
_LAST_GRACE_S = 2.0

_decode = msgspec.json.Decoder(LinkBeat).decode


def look_for_link() -> None:
    """Raises `Unavailable` where Link was not installed."""
    if find_spec("aalink") is None:
        raise Unavailable("Ableton Link is not installed.", "Run: pip install 'jamlink[link]' (it is under the GPL).")


class LinkPeer(OneProcess):
    """Owns one Link process at a time, starting now. One thread; no method waits, except `close` (two seconds).

    Call `receive` whenever `fileno` is readable and at least every 100 ms: it also watches and replaces. `fileno`
    changes when the process is replaced.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._deaths = 0
        self._since = Ns(0)
        self._start_at: Ns | None = None
        self.trouble = ""
        """One sentence while there is no process, or one that has yet to show that it lives."""
        self._start(clock.now())

    def receive(self) -> list[LinkBeat]:
        """Beats since the last call, oldest first."""
        now = self._clock.now()
        beats = [_decode(frame) for frame in self._pipe.receive()] if self._pipe else []
        self._watch(now, alive=bool(beats))
        if self._start_at is not None and now >= self._start_at:
            self._start(now)
        return beats

    def close(self) -> None:
        """Let it go; it says goodbye to its peers."""
        self._start_at = None
        self._let_go(_LAST_GRACE_S)

    def _watch(self, now: Ns, alive: bool) -> None:
        self._forget_the_dead()
        if self._child is None or self._pipe is None:
            return
        lived_long = now - self._since > LIVED_LONG
        if lived_long or alive:
            self.trouble = ""
        if self._pipe.closed or self._child.poll() is not None:
            self._bury()
            self._deaths = 1 if lived_long else self._deaths + 1
            self._start_later(now)

    def _start_later(self, now: Ns) -> None:
        self.trouble = GONE
        self._start_at = Ns(now + WAITS[min(self._deaths, len(WAITS)) - 1])

    def _start(self, now: Ns) -> None:
        self._start_at, self._since = None, now
        try:
            self._child, self._pipe = spawn(MODULE)
        except OSError:
            self._deaths += 1
            self._start_later(now)
