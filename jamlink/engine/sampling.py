"""Which id comes next: what may come, how boldly, away from what, and with whom.

`sample` is the reference, in numpy; the native engine does the same in C, but for rounding (native/choose.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]

_MOST_IDS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """How boldly a row chooses.

    `temperature` 0 takes the likeliest id. Only the `top_k` likeliest ids are drawn (0: all), and only those that have
    at least `min_p` times the probability of the likeliest. Raises ValueError for what is none of that.
    """

    seed: int
    temperature: float = 1.0
    top_k: int = 0
    min_p: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise ValueError(f"a temperature is 0 or above, not {self.temperature}")
        if self.top_k < 0 or not 0 <= self.min_p <= 1:
            raise ValueError(f"top_k is 0 or above and min_p from 0 to 1, not {self.top_k} and {self.min_p}")


@dataclass(frozen=True, slots=True, eq=False)
class Boldness:
    """The samplings of n rows, as arrays (n,)."""

    temperature: Floats
    min_p: Floats
    top_k: Ids

    @staticmethod
    def of(samplings: Sequence[Sampling]) -> Boldness:
        """One sampling a row; their seeds are somebody else's."""
        return Boldness(
            np.array([s.temperature for s in samplings], np.float32),
            np.array([s.min_p for s in samplings], np.float32),
            np.array([min(s.top_k, _MOST_IDS) for s in samplings], np.int32),
        )

    def of_rows(self, rows: Sequence[int]) -> Boldness:
        """Of these rows alone."""
        return Boldness(self.temperature[rows], self.min_p[rows], self.top_k[rows])

    def __len__(self) -> int:
        return len(self.temperature)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What n rows choose by: where one number is drawn, and how.

    `masks` (n, V): ids that may come, at least one in each row. `draws` (n,) in [0, 1). `plain` (n, V), where given,
    are the logits of a prompt without what is wished for: choices move away from them, `pull` times (classifier-free
    guidance, Ho and Salimans 2022). `beside` (n, V), where given, are the chances of another model, which has `share`
    (n,) of the say.
    """

    masks: Mask
    bold: Boldness
    draws: npt.NDArray[np.float64]
    plain: Floats | None = None
    pull: float = 0.0
    beside: Floats | None = None
    share: Floats | None = None


def sample(logits: Floats, choice: Choice) -> tuple[Ids, Floats]:
    """Ids (n,) and their log-probabilities (n,), both of logits (n, V).

    Of what is left by mask, pull, `beside`, temperature, top-k and min-p in this order, the id where the chances,
    added up in the order of the ids, pass the draw. Log-probabilities (natural) are those of the logits at temperature
    1 among what the mask allows. Raises ValueError where a mask allows nothing, or does not fit.
    """
    if choice.masks.shape != logits.shape or choice.draws.shape != logits.shape[:1]:
        raise ValueError(f"masks {choice.masks.shape} and draws {choice.draws.shape} for logits {logits.shape}")
    own = np.where(choice.masks, logits, np.float32(-np.inf))  # (n, V)
    highest = own.max(axis=1, keepdims=True)
    if not np.isfinite(highest).all():
        raise ValueError("a mask allows nothing, or nothing that is a number")
    chances = _chances(_moved(own, choice), choice.bold)
    cumulated = chances.cumsum(axis=1, dtype=np.float64)
    total = cumulated[:, -1]
    passed = np.minimum(choice.draws * total, np.nextafter(total, 0))  # just below 1 must not round past the last id
    ids = (cumulated > passed[:, None]).argmax(axis=1).astype(np.int32)
    relative = np.take_along_axis(own - highest, ids[:, None].astype(np.int64), axis=1)[:, 0]
    return ids, relative - np.log(np.exp(own - highest).sum(axis=1))


def _moved(own: Floats, choice: Choice) -> Floats:
    """The logits that are drawn from: away from the plain ones, then mixed with the other model's chances."""
    moved = own
    if choice.plain is not None:
        allowed = choice.masks
        moved = own.copy()
        moved[allowed] += np.float32(choice.pull) * (own - choice.plain)[allowed]
    if choice.beside is None or choice.share is None:
        return moved
    chances = np.exp(moved - moved.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    share = choice.share[:, None]
    with np.errstate(divide="ignore"):  # a chance of nothing is -infinity
        return np.where(chances > 0, np.log((1 - share) * chances + share * choice.beside), np.float32(-np.inf))


def _chances(logits: Floats, bold: Boldness) -> Floats:
    """(n, V), relative to the likeliest's 1; 0 for what is not drawn."""
    relative = logits - logits.max(axis=1, keepdims=True)
    greedy = bold.temperature == 0
    heat = np.where(greedy, np.float32(1), bold.temperature)
    chances: Floats = np.exp(relative / heat[:, None])
    least = np.maximum(bold.min_p[:, None], _kth(chances, bold.top_k))
    chances[chances < least] = 0
    if greedy.any():
        best = relative[greedy].argmax(axis=1)
        chances[greedy] = np.arange(logits.shape[1]) == best[:, None]
    return chances


def _kth(chances: Floats, top_k: Ids) -> Floats:
    """The chance of each row's top_k-th id, (n, 1); 0 where there is no limit."""
    found = np.zeros((len(chances), 1), np.float32)
    for i, k in enumerate(top_k.tolist()):
        if 0 < k < chances.shape[1]:
            found[i] = np.partition(chances[i], -k)[-k]
    return found
