"""Mistakes of ours, while the music plays: each is written to the log, and the jam goes on.

A mistake that comes again and again must not fill the disk or hold up the loop: of each place in the code the first few
are written down whole, and after that one line in ten seconds says how many there were. One thread.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable

from jamlink.timing.units import NS_PER_SECOND, Ns

WHOLE = 3
"""How often one place is written down with all that led to it."""
LINE_EVERY = Ns(10 * NS_PER_SECOND)


class Faults:
    """`write` takes text for the log."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._seen: Counter[str] = Counter()
        self._next_line = Ns(0)

    @property
    def count(self) -> int:
        """How many there were."""
        return self._seen.total()

    def note(self, bug: BaseException, doing: str, now: Ns) -> str:
        """Write `bug` down; -> what it is and where, in a few words."""
        where = brief(bug)
        self._seen[where] += 1
        if self._seen[where] <= WHOLE:
            whole = "".join(traceback.format_exception(bug))
            self._write(f"A mistake in jamlink while {doing}; the jam goes on.\n{whole}")
        elif now >= self._next_line:
            self._next_line = Ns(now + LINE_EVERY)
            self._write(f"Mistakes so far: {self.count}. The last, while {doing}: {where}\n")
        return where


def brief(bug: BaseException) -> str:
    """ "KeyError in stand.py, line 12"."""
    steps = traceback.extract_tb(bug.__traceback__)
    place = f" in {steps[-1].filename.rpartition('/')[2]}, line {steps[-1].lineno}" if steps else ""
    return f"{type(bug).__name__}{place}"
