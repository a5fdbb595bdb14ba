"""jamlink's own engines, asked in the same way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jamlink.engine.choose import Engine, Rows
from jamlink.engine.decoder import Decoder
from jamlink.engine.lanes import Lanes
from jamlink.engine.native import Level, NativeDecoder, Precision
from jamlink.engine.sampling import Boldness, Choice, Sampling
from jamlink.runtime.peers import Ids, Order

PRECISIONS = {"fp32": Precision.FLOATS, "int8": Precision.BYTES}


class Ours:
    """Any engine of ours. Two threads share the rows, as in `jamlink.engine.generate`."""

    def __init__(self, engine: Engine, threads: int = 1) -> None:
        self._engine, self._threads = engine, threads
        self._lanes = Lanes()

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        self._engine.prefill(context)
        self._context = list(context)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        lanes = min(self._threads, len(firsts))
        parts = [list(firsts[i::lanes]) for i in range(lanes)]
        self._tokens, self._parts = (
            tokens,
            [(self._engine.fork(len(part), tokens), self._engine.vocab_size, part) for part in parts],
        )

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        one, *others = self._parts
        futures = [self._lanes.beside(_likeliest, *other, self._tokens) for other in others]
        said = [_likeliest(*one, self._tokens), *(future.result() for future in futures)]
        return [said[i % len(said)][i // len(said)] for i in range(sum(map(len, said)))]

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        self._engine.prefill([*self._context, *ids])


def native(order: Order) -> Ours:
    """`order.engine` ends with the level's name."""
    level = Level[order.engine.split()[-1].upper()]
    return Ours(NativeDecoder(order.config, order.weights, PRECISIONS[order.precision], level), order.threads)


def numpy(order: Order) -> Ours:
    """The decoder in numpy."""
    return Ours(Decoder(order.config, order.weights))


def _likeliest(rows: Rows, vocab_size: int, ids: list[int], tokens: int) -> Ids:
    everything = np.ones((rows.rows, vocab_size), bool)
    choice = Choice(everything, Boldness.of([Sampling(0, temperature=0)] * rows.rows), np.zeros(rows.rows))
    places, said = range(rows.rows), []
    for _ in range(tokens):
        ids = rows.advance(ids, places, choice)[0].tolist()
        said.append(ids)
    return [list(row) for row in zip(*said, strict=True)]
