"""Rows of ids drawn from the network, each under a grammar of its own.

The draws of a row come from the row's own generator, one number per choice, so the other rows have no say in them:
the same seed, prompt and grammar give the same ids whatever else is drawn beside them, to the last bit by the native
engine, in numpy up to the rounding of the matrix products (about 1e-5 in a logit, since BLAS adds up in another order
for another number of rows; that can turn a choice where a drawn number falls that near to the border between two ids,
about once in 100,000 choices).

So rows can be computed in two lanes, each in a thread of its own, that never wait for each other: what one does in
Python (the grammars) falls into the time in which the other computes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from jamlink.engine.choose import Engine
from jamlink.engine.lanes import Lanes
from jamlink.engine.sampling import Boldness, Choice, Floats, Ids, Mask, Sampling

__all__ = ["Against", "Guide", "Mask", "Row", "Sampling", "generate"]

_LOOK_UP_S = 0.001
"""How often the caller is asked whether it still wants the rows, while the other lane works alone."""


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
    most: int | None = None,
    lanes: Lanes | None = None,
) -> None:
    """Extend each row from `prompt` to its end, to `most` ids or `decoder.limit`, or until `cancelled`.

    That is asked before each step and each chunk of the prompt, in the calling thread. `lanes`, where given, has a
    second thread. Raises ValueError for a prompt that the engine cannot read, and where a guide allows nothing.
    """
    if not rows or not _read(decoder, prompt, cancelled):
        return
    if against and not _read(against.engine, against.prompt, cancelled):
        return
    began = time.perf_counter()
    helped = lanes is not None and decoder.side_by_side and lanes.helps(len(rows))
    parts = _parts(decoder, prompt, rows, 2 if helped else 1, against, decoder.limit if most is None else most)
    if lanes and helped:
        _side_by_side(parts[0], parts[1], cancelled, lanes)
    else:
        parts[0].run(cancelled)
    if lanes:
        lanes.took(len(rows), helped, sum(len(row.ids) for row in rows), time.perf_counter() - began)


def _parts(
    decoder: Engine, prompt: Sequence[int], rows: Sequence[Row], count: int, against: Against | None, length: int
) -> list[_Lane]:
    """The rows dealt out to `count` lanes, each with its first id. That choice is the decoder's, which all share."""
    first = decoder.prefill(prompt)
    plain = against.engine.prefill(against.prompt) if against else None
    parts = [_Lane(decoder, rows[i::count], length, against, plain) for i in range(count)]
    for part in parts:
        part.begin(first)
    return parts


def _side_by_side(one: _Lane, other: _Lane, cancelled: Callable[[], bool], lanes: Lanes) -> None:
    """Run `other` in the second thread, `one` here, where alone `cancelled` is asked."""
    stop = False

    def stopped() -> bool:
        return stop

    def asked() -> bool:
        nonlocal stop
        stop = stop or cancelled()
        return stop

    beside: Future[None] = lanes.beside(other.run, stopped)
    try:
        one.run(asked)
        while not beside.done() and not asked():
            wait((beside,), _LOOK_UP_S)
    finally:
        stop = stop or not beside.done()  # here only where the caller stopped, or something failed
        wait((beside,))
    beside.result()


class _Lane:
    """Some of the rows, in step. One thread at a time."""

    def __init__(
        self,
        decoder: Engine,
        rows: Sequence[Row],
        length: int,
        against: Against | None,
        plain: Floats | None,
    ) -> None:
        """`plain` (V,) are the logits that follow the prompt without the wish."""
        self._decoder, self._going = decoder, list(rows)
        self._bold = Boldness.of([row.sampling for row in rows])
        self._dice = [np.random.default_rng(row.sampling.seed) for row in rows]
        self._fork = decoder.fork(len(rows), length)
        self._pull = _Pull(against, len(rows), length, plain) if against and plain is not None else None

    def run(self, cancelled: Callable[[], bool]) -> None:
        """From `begin` to the end of every row, to the end of the room, or until `cancelled`."""
        while True:
            kept = [i for i, row in enumerate(self._going) if not row.guide.finished]
            if not kept or not self._fork.room or cancelled():
                return
            if len(kept) < len(self._going):
                self._keep(kept)
            self._step()

    def begin(self, first: Floats) -> None:
        """The first id of each row, from the logits (V,) that follow the prompt."""
        expected = [row.guide.next() for row in self._going]
        open_rows = _open(expected)
        chosen: tuple[Ids, Floats] | None = None
        if open_rows:
            logits = np.repeat(first[None], len(open_rows), axis=0)
            chosen = self._decoder.choose(logits, self._choice(expected, open_rows))
        self._say(expected, open_rows, chosen)

    def _step(self) -> None:
        said = [row.ids[-1] for row in self._going]
        if self._pull:
            self._pull.step(said)
        expected = [row.guide.next() for row in self._going]
        open_rows = _open(expected)
        if not open_rows:
            self._fork.step(said)
            self._say(expected, open_rows, None)
            return
        self._say(expected, open_rows, self._fork.advance(said, open_rows, self._choice(expected, open_rows)))

    def _choice(self, expected: Sequence[int | Mask], open_rows: Sequence[int]) -> Choice:
        return Choice(
            masks=np.array([expected[i] for i in open_rows]),
            bold=self._bold if len(open_rows) == len(self._bold) else self._bold.of_rows(open_rows),
            draws=np.array([self._dice[i].random() for i in open_rows]),
            plain=self._pull.plain(open_rows) if self._pull else None,
            pull=self._pull.weight if self._pull else 0.0,
        )

    def _say(self, expected: Sequence[int | Mask], open_rows: Sequence[int], chosen: tuple[Ids, Floats] | None) -> None:
        """Append one id to every row: the only one, or the chosen one."""
        ids = [what if isinstance(what, int) else -1 for what in expected]
        if chosen is not None:
            for i, token, log in zip(open_rows, chosen[0].tolist(), chosen[1].tolist(), strict=True):
                ids[i] = token
                self._going[i].log_probabilities.append(log)
        for row, token in zip(self._going, ids, strict=True):
            row.ids.append(token)
            row.guide.advance(token)

    def _keep(self, kept: Sequence[int]) -> None:
        self._fork.keep(kept)
        if self._pull:
            self._pull.keep(kept)
        self._going, self._dice = [self._going[i] for i in kept], [self._dice[i] for i in kept]
        self._bold = self._bold.of_rows(kept)


class _Pull:
    """The rows once more, from the prompt that they are to move away from."""

    def __init__(self, against: Against, rows: int, length: int, first: Floats) -> None:
        self.weight = against.weight
        self._fork = against.engine.fork(rows, length)
        self._first: Floats | None = first
        self._states: Floats | None = None

    def keep(self, rows: Sequence[int]) -> None:
        self._fork.keep(rows)

    def step(self, ids: Sequence[int]) -> None:
        self._first = None
        self._states = self._fork.step(ids) if self._fork.room else None

    def plain(self, open_rows: Sequence[int]) -> Floats | None:
        """(n, V) of the open rows; None where there is no more room to look."""
        if self._first is not None:
            return np.repeat(self._first[None], len(open_rows), axis=0)
        return None if self._states is None else self._fork.logits(self._states[open_rows])


def _open(expected: Sequence[int | Mask]) -> list[int]:
    """The rows that have a choice."""
    return [i for i, what in enumerate(expected) if not isinstance(what, int)]


def _read(decoder: Engine, prompt: Sequence[int], cancelled: Callable[[], bool]) -> bool:
    """Read the prompt; False where that was cancelled."""
    while not cancelled():
        if decoder.read_on(prompt):
            return True
    return False
