"""One engine in a run of `jamlink bench engine`: its process, what it should say, and how long its turns took."""

from __future__ import annotations

from collections.abc import Sequence

from jamlink.errors import Nonsense
from jamlink.runtime.bench_turns import Worker
from jamlink.runtime.bench_wire import Done
from jamlink.runtime.peers import Ids

CHECKED = 16
"""So many words of each row must be those of the reference, where an engine computes in floats."""
JUDGED_ROWS = 8
"""What computes in less may say something else, but of so many rows or more half must begin as the reference does."""
_SLOW_S, _SLOW_EVERY = 3.0, 3
"""Whoever takes longer than this for a turn has one in every third round only."""


class Entrant:
    """`seconds` are by the number of rows, 0 rows being more context; `same` counts rows that say what they should."""

    def __init__(self, worker: Worker, right: Ids, batches: Sequence[int]) -> None:
        self.worker, self.subject, self._right = worker, worker.subject, right
        self.seconds: dict[int, list[float]] = {rows: [] for rows in (*batches, 0)}
        self.waited_s: dict[int, list[float]] = {rows: [] for rows in self.seconds}
        self.same: dict[int, int] = {}
        self.warm_s = 0.0
        """What one turn of each kind took when it was warm."""
        self._every = 1

    def warm_up(self, limit_s: float) -> None:
        """Two turns of each kind, of which the first may compile. Raises as `turn`."""
        quicker = [min(self._turn(rows, limit_s).seconds for _ in range(2)) for rows in self.seconds]
        self.warm_s, self._every = sum(quicker), _SLOW_EVERY if max(quicker) > _SLOW_S else 1

    def turns_in(self, number: int) -> list[int]:
        """The turns it has in this round, from 0."""
        return list(self.seconds) if number % self._every == 0 else []

    def turn(self, rows: int, limit_s: float) -> None:
        """One that counts. Raises `Unavailable` where the engine is gone, `Nonsense` where it says something wrong."""
        done = self._turn(rows, limit_s)
        self.seconds[rows].append(done.seconds)
        self.waited_s[rows].append(done.waited_s)

    def _turn(self, rows: int, limit_s: float) -> Done:
        done = self.worker.turn(rows, limit_s)
        if rows:
            right = self._right[:rows]
            judge(self.subject.precision, done.said, right)
            pairs = zip(done.said, right, strict=True)
            self.same[rows] = sum(said[:CHECKED] == should[:CHECKED] for said, should in pairs)
        return done


def judge(precision: str, said: Ids, right: Ids) -> None:
    """Raises `Nonsense`, with the first difference, where the words are not those of the network."""
    if [len(row) for row in said] != [len(row) for row in right]:
        raise Nonsense(f"it says {len(said)} rows of {len(said[0]) if said else 0} words.")
    if precision == "fp32":
        for i, (row, should) in enumerate(zip(said, right, strict=True)):
            for k, (word, other) in enumerate(zip(row[:CHECKED], should, strict=False)):
                if word != other:
                    raise Nonsense(f"row {i + 1} of {len(right)} says {word} as word {k + 1}, where {other} is right.")
    elif len(right) >= JUDGED_ROWS:
        same = sum(row[0] == should[0] for row, should in zip(said, right, strict=True))
        if 2 * same < len(right):
            raise Nonsense(f"only {same} of {len(right)} rows begin with the right word.")
