"""Rows of ids drawn from the network, each under a grammar of its own.

The draws of a row come from the row's own generator, one number per choice, so the other rows have no say in them:
the same seed, prompt and grammar give the same ids whatever else is drawn beside them, up to the rounding of the
matrix products (about 1e-5 in a logit, since BLAS adds up in another order for another number of rows). Rounding can
turn a choice only where a drawn number falls that near to the border between two ids, about once in 100,000 choices.
The same call, rows and all, gives the same ids bit for bit on the same machine, whatever was asked before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from jamlink.engine.choose import Engine
from jamlink.engine.decoder import Floats

Mask = npt.NDArray[np.bool_]


class Guide(Protocol):
    """What may come next in a row, and when it ends."""

    @property
    def finished(self) -> bool:
        """Whether the row has ended."""
        ...

    def next(self) -> int | Mask:
        """The only id that may follow, or a mask (V,) of those that may."""
        ...

    def advance(self, token: int) -> None:
        """`token` follows."""
        ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """How boldly a row chooses.

    `temperature` is above 0. Only the `top_k` likeliest ids are drawn (0: all), and only those that have at least
    `min_p` times the probability of the likeliest.
    """

    seed: int
    temperature: float = 1.0
    top_k: int = 0
    min_p: float = 0.0


@dataclass(slots=True)
class Row:
    """One continuation. `ids` and `log_probabilities` grow; the latter has one number per choice.

    A log-probability (natural, 0 or less) is the network's own at temperature 1 among the ids the guide allowed, so
    that rows drawn at different temperatures can be compared.
    """

    guide: Guide
    sampling: Sampling
    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether the guide saw the end; False for a row that ran out of room or was stopped."""
        return self.guide.finished


@dataclass(frozen=True, slots=True)
class Against:
    """What the choices are to move away from (classifier-free guidance, Ho and Salimans 2022).

    `engine` has the same weights as the one that is guided and a cache of its own; `prompt` is the prompt without what
    is wished for. Odds are multiplied by how much likelier the wish makes each id, to the power `weight`.
    """

    engine: Engine
    prompt: Sequence[int]
    weight: float


def generate(
    decoder: Engine,
    prompt: Sequence[int],
    rows: Sequence[Row],
    cancelled: Callable[[], bool],
    against: Against | None = None,
) -> None:
    """Extend each row from `prompt` to its end, to `decoder.limit`, or until `cancelled`.

    That is asked before each step and each chunk of the prompt.
    """
    if not rows or not _read(decoder, prompt, cancelled):
        return
    if against and not _read(against.engine, against.prompt, cancelled):
        return
    logits = np.repeat(decoder.prefill(prompt)[None], len(rows), axis=0)
    fork = decoder.fork(len(rows), decoder.limit)
    pull = _Pull(against, len(rows)) if against else None
    generators = {id(row): np.random.default_rng(row.sampling.seed) for row in rows}
    going = list(rows)
    expected = [row.guide.next() for row in going]
    open_rows = [i for i, what in enumerate(expected) if not isinstance(what, int)]
    logits = logits[open_rows]
    while True:
        _choose(going, expected, open_rows, logits, pull.pulled(logits, open_rows) if pull else logits, generators)
        kept = [i for i, row in enumerate(going) if not row.guide.finished]
        if not kept or not fork.room or cancelled():
            return
        if len(kept) < len(going):
            fork.keep(kept)
            if pull:
                pull.keep(kept)
            going = [going[i] for i in kept]
        said = [row.ids[-1] for row in going]
        states = fork.step(said)
        if pull:
            pull.step(said)
        expected = [row.guide.next() for row in going]
        open_rows = [i for i, what in enumerate(expected) if not isinstance(what, int)]
        logits = fork.logits(states[open_rows])


class _Pull:
    """The rows once more, from the prompt that they are to move away from."""

    def __init__(self, against: Against, rows: int) -> None:
        self._weight = np.float32(against.weight)
        logits = against.engine.prefill(against.prompt)
        self._fork = against.engine.fork(rows, against.engine.limit)
        self._states: Floats | None = None
        self._first = np.repeat(logits[None], rows, axis=0)

    def keep(self, rows: Sequence[int]) -> None:
        self._fork.keep(rows)

    def step(self, ids: Sequence[int]) -> None:
        self._states = self._fork.step(ids) if self._fork.room else None

    def pulled(self, logits: Floats, open_rows: Sequence[int]) -> Floats:
        """(n, V) of the open rows, moved away; as they are where there is no more room to look."""
        if self._states is None:
            plain = self._first[open_rows] if len(self._first) else logits
            self._first = self._first[:0]
        else:
            plain = self._fork.logits(self._states[open_rows])
        return logits + self._weight * (logits - plain)


def _read(decoder: Engine, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
    """Read the prompt; False where that was cancelled."""
    while not cancelled():
        if decoder.read_on(prompt):
            return True
    return False


def _choose(
    going: Sequence[Row],
    expected: Sequence[int | Mask],
    open_rows: Sequence[int],
    logits: Floats,
    pulled: Floats,
    generators: dict[int, np.random.Generator],
) -> None:
    """Append one id to every row. `logits` (n, V) are those of the open rows, which have a choice; `pulled` choose."""
    chosen = {i: int(what) for i, what in enumerate(expected) if isinstance(what, int)}
    if open_rows:
        masks = np.stack([expected[i] for i in open_rows])
        draws = np.array([generators[id(going[i])].random() for i in open_rows])
        ids, logs = sample(pulled, masks, [going[i].sampling for i in open_rows], draws)
        if pulled is not logits:
            logs = _log_probabilities(logits, masks, ids)
        for i, token, log in zip(open_rows, ids, logs, strict=True):
            chosen[i] = int(token)
            going[i].log_probabilities.append(float(log))
    for i, row in enumerate(going):
        row.ids.append(chosen[i])
        row.guide.advance(chosen[i])


def sample(
    logits: Floats, masks: Mask, samplings: Sequence[Sampling], draws: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], Floats]:
    """One id per row, (n,), and its log-probability before temperature, top-k and min-p. `draws` lie in [0, 1).

    The id is where the cumulated probability passes the draw.
    """
    relative = np.where(masks, logits, np.float32(-np.inf))  # (n, V)
    relative -= relative.max(axis=1, keepdims=True)
    likely = np.exp(relative / np.array([[s.temperature] for s in samplings], np.float32))  # the best one's is 1
    least = np.maximum(np.array([[s.min_p] for s in samplings], np.float32), _kth(likely, samplings))
    likely[likely < least] = 0
    cumulated = likely.cumsum(axis=1, dtype=np.float64)
    total = cumulated[:, -1]
    passed = np.minimum(draws * total, np.nextafter(total, 0))  # a draw just below 1 must not round past the last id
    ids = (cumulated > passed[:, None]).argmax(axis=1)
    return ids, _chosen(relative, ids)


def _log_probabilities(logits: Floats, masks: Mask, ids: npt.NDArray[np.int64]) -> Floats:
    """(n,): of `ids` among what the masks allow."""
    relative = np.where(masks, logits, np.float32(-np.inf))
    relative -= relative.max(axis=1, keepdims=True)
    return _chosen(relative, ids)


def _chosen(relative: Floats, ids: npt.NDArray[np.int64]) -> Floats:
    """(n,): log-probabilities of `ids`, from logits less their largest."""
    chosen: Floats = np.take_along_axis(relative, ids[:, None], axis=1)[:, 0]
    return chosen - np.log(np.exp(relative).sum(axis=1))


def _kth(likely: Floats, samplings: Sequence[Sampling]) -> Floats:
    """The likelihood of each row's top_k-th id, (n, 1); 0 where there is no limit."""
    found = np.zeros((len(likely), 1), np.float32)
    for i, sampling in enumerate(samplings):
        if 0 < sampling.top_k < likely.shape[1]:
            found[i] = np.partition(likely[i], -sampling.top_k)[-sampling.top_k]
    return found
