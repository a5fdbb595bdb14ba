"""Work that may wait for the disk, on a thread of its own, so that the session thread never does.

One errand after the other, in the order they were given. Whoever gave one hears of its end in `finished`, on its own
thread.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeAlias

from jamlink.errors import JamlinkError

Done: TypeAlias = Callable[[str], None]
"""Called with what went wrong, in one sentence; empty where all is well."""


class Errands:
    """`run`, `finished` and `close` belong to one thread."""

    def __init__(self) -> None:
        self._given: SimpleQueue[tuple[Callable[[], object], Done] | None] = SimpleQueue()
        self._ended: SimpleQueue[tuple[Done, str]] = SimpleQueue()
        self._runner: threading.Thread | None = None

    def run(self, work: Callable[[], object], done: Done) -> None:
        """Have `work` done; never waits. The thread begins with the first errand."""
        if self._runner is None:
            self._runner = threading.Thread(target=self._work, name="errands", daemon=True)
            self._runner.start()
        self._given.put((work, done))

    def finished(self) -> bool:
        """Tell whoever gave an errand that has ended since the last call; whether there was any. Never waits."""
        any_ended = False
        while True:
            try:
                done, trouble = self._ended.get_nowait()
            except Empty:
                return any_ended
            any_ended = True
            done(trouble)

    def close(self, timeout_s: float = 2.0) -> None:
        """Let the errands that were given come to their end, within `timeout_s`."""
        if self._runner is not None:
            self._given.put(None)
            self._runner.join(timeout_s)
            self.finished()

    def _work(self) -> None:
        while (errand := self._given.get()) is not None:
            work, done = errand
            self._ended.put((done, _trouble_in(work)))


def _trouble_in(work: Callable[[], object]) -> str:
    try:
        work()
    except JamlinkError as refused:
        return str(refused)
    except Exception as bug:
        traceback.print_exc()  # into the log beside the session file
        return f"That could not be done ({type(bug).__name__}). Try again."
    return ""
