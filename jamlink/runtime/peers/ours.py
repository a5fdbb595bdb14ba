"""jamlink's own engines, asked in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from jamlink.engine.choose import Engine, Rows
from jamlink.engine.decoder import Decoder
from jamlink.engine.native import Level, NativeDecoder, Precision
from jamlink.runtime.peers import Ids, Order

PRECISIONS = {"fp32": Precision.FLOATS, "int8": Precision.BYTES}


class Ours:
    """Any engine of ours."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        self._engine.prefill(context)
        self._context = list(context)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens = list(firsts), tokens
        self._rows = self._engine.fork(len(firsts), tokens)

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        return _likeliest(self._rows, self._firsts, self._tokens)

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        self._engine.prefill([*self._context, *ids])


def native(order: Order) -> Ours:
    """`order.engine` ends with the level's name. One thread, which is all there is."""
    level = Level[order.engine.split()[-1].upper()]
    return Ours(NativeDecoder(order.config, order.weights, PRECISIONS[order.precision], level))


def numpy(order: Order) -> Ours:
    """The decoder in numpy."""
    return Ours(Decoder(order.config, order.weights))


def _likeliest(rows: Rows, ids: list[int], tokens: int) -> Ids:
    said = []
    for _ in range(tokens):
        ids = rows.logits(rows.step(ids)).argmax(axis=1).tolist()
        said.append(ids)
    return [list(row) for row in zip(*said, strict=True)]
