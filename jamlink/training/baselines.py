"""N-grams with Witten-Bell interpolation, to stand beside the network.

The word n-gram counts rows of ids, as the network reads them. The chord n-gram counts root motions and qualities, so it
knows every key at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from jamlink.tokens import vocab
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus, Ints, Rows


class WordNgram:
    """Interpolated n-gram over rows of ids, orders 0 to `order`; only learnt words are predicted."""

    def __init__(self, rows: Rows, order: int) -> None:
        self.tables = []
        for n in range(order + 1):
            contexts, words = _windows(rows, n)
            pairs, pair_counts = np.unique(contexts * vocab.SIZE + words, return_counts=True)
            seen, first, kinds = np.unique(pairs // vocab.SIZE, return_index=True, return_counts=True)
            totals = np.add.reduceat(pair_counts, first)
            self.tables.append((pairs, pair_counts, seen, totals, kinds))

    def nats(self, rows: Rows) -> list[float]:
        """Mean -ln p of the learnt words of `rows`, by order; all orders judge the same words."""
        longest = len(self.tables) - 1
        found, p = [], None
        for n, (pairs, pair_counts, seen, totals, kinds) in enumerate(self.tables):
            contexts, words = _windows(rows, n, longest)
            counts = _look_up(pairs, pair_counts, contexts * vocab.SIZE + words)
            total, kind = _look_up(seen, totals, contexts), _look_up(seen, kinds, contexts)
            if p is None:
                p = (counts + 1) / (total + vocab.SIZE)
            else:
                p = np.where(total > 0, (counts + kind * p) / np.maximum(total + kind, 1), p)
            found.append(float(-np.log(p).mean()))
        return found


def _windows(rows: Rows, n: int, skip: int | None = None) -> tuple[Ints, Ints]:
    """(contexts of n words as one number, next words) where the next word is learnt; the first `skip` are left out."""
    start = n if skip is None else skip
    words, length = rows.ids[:, start:], rows.ids.shape[1]
    contexts = np.zeros_like(words)
    for back in range(n, 0, -1):
        contexts = contexts * vocab.SIZE + rows.ids[:, start - back : length - back]
    kept = rows.learnt[:, start:]
    return contexts[kept], words[kept]


def _look_up(keys: Ints, values: Ints, wanted: Ints) -> Ints:
    """values[key] for each wanted key, 0 where it was never seen."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


class ChordNgram:
    """Interpolated n-gram over chord changes as (root motion, quality), up to `order` changes back."""

    def __init__(self, charts: Iterable[Sequence[int]], order: int) -> None:
        self.order = order
        self.counts: dict[tuple[tuple[int, int], ...], Counter[tuple[int, int]]] = defaultdict(Counter)
        for chart in charts:
            steps = _steps(chart)
            for i, step in enumerate(steps):
                for n in range(min(order, i) + 1):
                    self.counts[tuple(steps[i - n : i])][step] += 1

    def best(self, before: Sequence[int]) -> int:
        """The likeliest next chord id after the chord ids `before` (at least one)."""
        p = self._shares(_steps(before))
        motion, quality = max(p, key=lambda step: (p[step], step))
        return _chord(before[-1], motion, quality)

    def nats(self, chart: Sequence[int]) -> float:
        """Mean -ln p of the changes of a chart after its first; one never seen counts as 1 in 10,000."""
        steps = _steps(chart)
        p = [self._shares(steps[:i]).get(steps[i], 1e-4) for i in range(1, len(steps))]
        return float(-np.log(p).mean()) if p else 0.0

    def _shares(self, history: Sequence[tuple[int, int]]) -> dict[tuple[int, int], float]:
        """Step -> probability after `history`."""
        p: dict[tuple[int, int], float] = {}
        for n in range(min(self.order, len(history)) + 1):
            seen = self.counts.get(tuple(history[len(history) - n :]))
            if seen:
                total, kinds = seen.total(), len(seen)
                p = {s: (seen[s] + kinds * p.get(s, 0.0)) / (total + kinds) for s in {*p, *seen}}
        return p


def _steps(chart: Sequence[int]) -> list[tuple[int, int]]:
    """Chord ids as steps from the chord before: (semitones up, quality); "no chord" is quality -1."""
    start, qualities = vocab.RANGES["CHORD"].start, 14
    steps, root = [], 0
    for token in chart:
        place = token - start - 1
        if place < 0:
            steps.append((0, -1))
        else:
            steps.append(((place // qualities - root) % 12, place % qualities))
            root = place // qualities
    return steps


def _chord(before: int, motion: int, quality: int) -> int:
    start, place = vocab.RANGES["CHORD"].start, max(0, before - vocab.RANGES["CHORD"].start - 1)
    return start if quality < 0 else start + 1 + (place // 14 + motion) % 12 * 14 + quality


def charts_of(corpus: Corpus, sources: Sequence[str], held_out: bool) -> list[tuple[int, int, Ints]]:
    """(style id, meter id, ids) of the chord streams of some sources, whole."""
    found = []
    for tune, kind, first, bars in corpus.streams:
        row = corpus.tunes[tune]
        if STREAMS[kind] == "chords" and corpus.sources[row[0]] in sources and row[5] == int(held_out):
            found.append((int(row[1]), int(row[2]), corpus.ids[corpus.bar_at[first] : corpus.bar_at[first + bars]]))
    return found


def changes_of(ids: Ints) -> list[int]:
    """The chord ids of a chart in order."""
    chords = vocab.RANGES["CHORD"]
    return [int(i) for i in ids if i in chords]
