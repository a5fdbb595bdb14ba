"""Making a process prompt: no garbage collection, short turns, and real-time priority where the machine grants it."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from dataclasses import dataclass

SWITCH_INTERVAL_S = 0.0005
"""How long a Python thread may keep the lock from another that wants it; Python's own 5 ms is two JACK periods."""
PRIORITY = 5
"""SCHED_FIFO, above every ordinary process and below JACK's own threads (10 and up) and the kernel's."""
LONGEST_RUN_US = 1_000_000
"""A thread with real-time priority that runs this long without waiting is stuck; the kernel then ends the process."""


@dataclass(frozen=True, slots=True)
class Promptness:
    """What the machine granted. `why_not` is for the player and empty where all was granted."""

    realtime: bool
    why_not: str = ""


def prepare(priority: int = PRIORITY) -> Promptness:
    """Call once, after all imports and before the first note, in the thread that has to be prompt."""
    never_pause()
    return _ask_for_priority(priority)


def never_pause() -> None:
    """No garbage collection from now on, and no thread keeps the others waiting for long; for the whole process."""
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _ask_for_priority(priority: int) -> Promptness:
    if not hasattr(os, "sched_setscheduler"):
        return Promptness(False, "This system gives real-time priority only to audio drivers.")
    try:
        _limit_stuck_threads()
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    except OSError:
        return Promptness(False, 'Not allowed: add yourself to the group "audio" (or "realtime") and log in again.')
    return Promptness(True)


def _limit_stuck_threads() -> None:
    """Keeps a driver call that spins for ever from freezing the machine; the parent then starts a new process."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_RTTIME, (LONGEST_RUN_US, 2 * LONGEST_RUN_US))
