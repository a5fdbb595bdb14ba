"""Baselines that count: interpolated n-grams, the memory of a piece for itself, weights fitted to a held-out part."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Word = TypeVar("Word", bound=Hashable)


class Interpolated:
    """Witten-Bell interpolation over a chain of contexts, each more exact than the one before.

    The share of a context seen n times with k different words after it is n / (n + k); the rest is the context's before
    it, down to a share that the caller gives.
    """

    def __init__(self) -> None:
        self._counts: dict[Hashable, Counter[Any]] = defaultdict(Counter)
        self._totals: Counter[Hashable] = Counter()

    def add(self, contexts: Sequence[Hashable], word: Hashable) -> None:
        """Count `word` after each of its contexts, the plainest first."""
        for context in enumerate(contexts):
            self._counts[context][word] += 1
            self._totals[context] += 1

    def p(self, contexts: Sequence[Hashable], word: Hashable, least: float) -> float:
        """The probability of `word`; `least` is what it would be without any counts."""
        for context in enumerate(contexts):
            total = self._totals.get(context, 0)
            if not total:
                break
            counts = self._counts[context]
            least = (counts.get(word, 0) + len(counts) * least) / (total + len(counts))
        return least

    def all(self, contexts: Sequence[Hashable], words: int) -> Values:
        """(words,) probabilities of the words 0 .. words - 1; they sum to 1."""
        p = np.full(words, 1 / words)
        for context in enumerate(contexts):
            total = self._totals.get(context, 0)
            if not total:
                break
            counts = self._counts[context]
            p *= len(counts)
            for word, count in counts.items():
                p[word] += count
            p /= total + len(counts)
        return p


def memory(words: Sequence[Word], longest: int) -> tuple[list[Counter[Word]], Ints]:
    """What a piece says of itself: before each word, what followed where it last went as it goes now.

    For each place: how often each word followed the longest run of the latest words (up to `longest`) that occurred
    before in the piece, and how long that run is; an empty counter and 0 where not even the latest word did.
    """
    followed: list[dict[tuple[Word, ...], Counter[Word]]] = [defaultdict(Counter) for _ in range(longest + 1)]
    found: list[Counter[Word]] = []
    lengths = np.zeros(len(words), dtype=np.int64)
    for i, word in enumerate(words):
        here: Counter[Word] = Counter()
        for length in range(min(longest, i), 0, -1):
            seen = followed[length].get(tuple(words[i - length : i]))
            if seen:
                here, lengths[i] = seen.copy(), length
                break
        found.append(here)
        for length in range(1, min(longest, i) + 1):
            followed[length][tuple(words[i - length : i])][word] += 1
    return found, lengths


def fit_weights(shares: Sequence[Values], groups: Sequence[Ints] | None = None, rounds: int = 60) -> Values:
    """Weights of a mixture that make a held-out part likeliest (EM), one set of weights for each group.

    shares: pieces of (places, systems), the probability that each system gave to what came; groups: pieces of (places,)
    numbers. -> (groups, systems); a group without places keeps equal weights.
    """
    p = np.concatenate(shares)
    group = np.zeros(len(p), dtype=np.int64) if groups is None else np.concatenate(groups)
    weights = np.full((int(group.max(initial=0)) + 1, p.shape[1]), 1 / p.shape[1])
    for number in np.unique(group):
        here = p[group == number]
        w = weights[number]
        for _ in range(rounds):
            owed = here * w
            w = (owed / np.maximum(owed.sum(axis=1, keepdims=True), 1e-300)).mean(axis=0)
        # Half a place for every system, so that none that may yet be right is ruled out.
        weights[number] = (w * len(here) + 0.5) / (len(here) + 0.5 * p.shape[1])
    return weights


def mixed(shares: Sequence[Values], weights: Values, groups: Sequence[Ints] | None = None) -> list[Values]:
    """(places,) probabilities of the mixture for each piece; a group beyond those fitted takes the last weights."""
    if groups is None:
        return [piece @ weights[0] for piece in shares]
    return [
        (piece * weights[np.minimum(group, len(weights) - 1)]).sum(axis=1)
        for piece, group in zip(shares, groups, strict=True)
    ]
