"""A second thread for half of the rows, used as far as it pays.

On two cores that are free it nearly halves the time. Where other programs want the cores, two threads that need the
interpreter in turn hold each other up, and one alone is quicker. Nobody can say beforehand which it is: so both ways
are timed as they are used, and the quicker one is taken, until the other, tried now and then, turns out to be it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import ParamSpec, TypeVar

FEWEST_ROWS = 8
"""Fewer are not shared: they read the weights as often as many."""
_TRY_AGAIN = 12
"""After so many times one way the other is tried."""
_NEW = 0.35
"""How much the newest time counts against those before."""


P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class _Ways:
    """What a word took, in seconds, alone and with help; None where that was not tried."""

    alone: float | None = None
    helped: float | None = None
    since: int = 0
    """Times since the other way was tried."""


class Lanes:
    """Owns the second thread. `begin` runs in it first. One thread at a time asks and tells."""

    def __init__(self, begin: Callable[[], None] | None = None) -> None:
        self._pool = ThreadPoolExecutor(1, "lane", self._started, (begin,))
        self._thread: int | None = None
        self._ways: dict[int, _Ways] = {}

    def _started(self, begin: Callable[[], None] | None) -> None:
        self._thread = threading.get_native_id()
        if begin:
            begin()

    def beside(self, work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> Future[R]:
        """Have the second thread do it, on another core than the one that asks."""
        if self._thread is not None:
            _send_away(self._thread)
        return self._pool.submit(work, *arguments, **named)

    def helps(self, rows: int) -> bool:
        """Whether so many rows are to be shared with the second thread now."""
        if rows < FEWEST_ROWS:
            return False
        ways = self._ways.setdefault(rows.bit_length(), _Ways())
        if ways.helped is None or ways.alone is None:
            return ways.helped is None
        better = ways.helped <= ways.alone
        ways.since += 1
        if ways.since > _TRY_AGAIN:
            ways.since = 0
            return not better
        return better

    def took(self, rows: int, helped: bool, words: int, seconds: float) -> None:
        """`words` of so many rows took so long, with help or alone."""
        if rows < FEWEST_ROWS or not words:
            return
        ways = self._ways.setdefault(rows.bit_length(), _Ways())
        each = seconds / words
        if helped:
            ways.helped = each if ways.helped is None else (1 - _NEW) * ways.helped + _NEW * each
        else:
            ways.alone = each if ways.alone is None else (1 - _NEW) * ways.alone + _NEW * each

    def close(self) -> None:
        """Let the thread go, when it is done."""
        self._pool.shutdown()


def _send_away(thread: int) -> None:
    """Keep a thread of this process off the core that this one is on.

    A thread that is woken tends to start where it was woken, and both share that core for as long as the system takes
    to notice: 10 ms, most of what there is to do (16 ideas: 28 ms so, 17 on two cores, 31 alone).
    """
    if sys.platform != "linux":
        return
    others = os.sched_getaffinity(0) - {_system_library().sched_getcpu()}
    if others:
        os.sched_setaffinity(thread, others)


@cache
def _system_library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
