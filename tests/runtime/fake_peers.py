"""Engines that are right, wrong or gone, for the benchmark to notice; they run in its child processes."""

from __future__ import annotations

import os
from collections.abc import Sequence

from jamlink.engine.decoder import Decoder
from jamlink.runtime.peers import Ids, Order
from jamlink.runtime.peers.ours import Ours


def right(order: Order) -> Ours:
    return Ours(Decoder(order.config, order.weights))


class _Wrong(Ours):
    """The fifth word of the last row is another."""

    def decode(self) -> Ids:
        said = super().decode()
        said[-1][4] = (said[-1][4] + 1) % self._engine.vocab_size
        return said


def wrong(order: Order) -> Ours:
    return _Wrong(Decoder(order.config, order.weights))


class _Dying(Ours):
    """Is gone, without a word, at the third turn of its kind: the first that counts."""

    left = 3

    def append(self, ids: Sequence[int]) -> None:
        self.left -= 1
        if not self.left:
            print("the last words", flush=True)
            os._exit(3)


def dying(order: Order) -> Ours:
    return _Dying(Decoder(order.config, order.weights))


def still_born(order: Order) -> Ours:
    raise OSError("no such instruction\nand more")
