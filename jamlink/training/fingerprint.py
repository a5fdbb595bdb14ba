"""Which tunes are one family: the same melody in another key, edition or ornament.

A tune's fingerprint is the set of its runs of eight notes, as the seven intervals between them; rhythm and key are
left out. Runs that very many tunes have (scales, repeated notes) say nothing and are not counted. Two tunes are
*relatives* where they share a fair part of the shorter one's runs, and *doubles* where they share most of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

NOTES = 8
"""Notes of a run."""
COMMON = 40
"""A run in more tunes than this says nothing about any of them."""
RELATIVE_RUNS, RELATIVE_SHARE = 4, 0.20
DOUBLE_RUNS, DOUBLE_SHARE = 8, 0.60

Run = tuple[int, ...]
Print = frozenset[Run]


def fingerprint(pitches: Sequence[int]) -> Print:
    """The runs of a melody; empty for fewer than eight notes."""
    steps = [b - a for a, b in pairwise(pitches)]
    return frozenset(tuple(steps[i : i + NOTES - 1]) for i in range(len(steps) - NOTES + 2))


def relative(shared: int, shorter: int) -> bool:
    """Whether `shared` runs of the `shorter` tune's are more than chance."""
    return shared >= RELATIVE_RUNS and shared >= RELATIVE_SHARE * shorter


def double(shared: int, shorter: int) -> bool:
    """Whether they are the same tune."""
    return shared >= DOUBLE_RUNS and shared >= DOUBLE_SHARE * shorter


class Register:
    """The fingerprints of many tunes, to be asked who shares how much. Tunes are named by any text."""

    def __init__(self, tunes: Mapping[str, Print]) -> None:
        seen = Counter(run for runs in tunes.values() for run in runs)
        self.size = {name: sum(seen[run] <= COMMON for run in runs) for name, runs in tunes.items()}
        self.owners: dict[Run, list[str]] = defaultdict(list)
        for name, runs in tunes.items():
            for run in runs:
                if seen[run] <= COMMON:
                    self.owners[run].append(name)

    def sharing(self, runs: Print) -> Counter[str]:
        """Name -> how many of `runs` that tune has."""
        return Counter(name for run in runs for name in self.owners.get(run, ()))

    def relatives(self, runs: Print) -> Iterator[tuple[str, int]]:
        """Tunes that are relatives of one that is not in the register, with the number of runs shared."""
        known = sum(run in self.owners for run in runs)
        for name, shared in self.sharing(runs).items():
            if relative(shared, min(self.size[name], max(known, len(runs) // 2))):
                yield name, shared

    def pairs(self) -> Iterator[tuple[str, str, int]]:
        """Every pair of tunes of the register that shares enough runs to be relatives, once, with their number."""
        shared: Counter[tuple[str, str]] = Counter()
        for owners in self.owners.values():
            names = sorted(owners)
            shared.update((one, other) for i, one in enumerate(names) for other in names[i + 1 :])
        for (one, other), count in shared.items():
            if relative(count, min(self.size[one], self.size[other])):
                yield one, other, count

    def is_double(self, one: str, other: str, shared: int) -> bool:
        """Whether a pair is the same tune."""
        return double(shared, min(self.size[one], self.size[other]))


class Families:
    """Names joined into families; a family goes by the first of its names in order of the alphabet."""

    def __init__(self, names: Iterable[str]) -> None:
        self._above = {name: name for name in names}

    def join(self, one: str, other: str) -> None:
        """Make the families of two names one."""
        first, second = sorted((self.of(one), self.of(other)))
        self._above[second] = first

    def of(self, name: str) -> str:
        """The family of a name."""
        while self._above[name] != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name
