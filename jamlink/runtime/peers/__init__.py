"""Whom `jamlink bench engine` asks: jamlink's engines and those that others made, a file each, on the same weights.

A peer lives in a process of its own (`bench_worker`), so it may set how many threads its library has, and may die. It
reads a context once for all rows wherever its library can; who cannot says so in its file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jamlink.engine.decoder import Floats
from jamlink.nn.config import ModelConfig

Ids = list[list[int]]
"""Rows of ids."""


class Peer(Protocol):
    """One engine with one network. Rows go on from what was read last, each with the id that is likeliest."""

    def read(self, context: Sequence[int]) -> None:
        """Read a context, and forget what was read behind it. Not timed."""
        ...

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """Make ready a row for each first id, for so many steps. Not timed."""
        ...

    def decode(self) -> Ids:
        """Give each row its first id and then what it says itself; what each says, (rows, tokens). Timed."""
        ...

    def append(self, ids: Sequence[int]) -> None:
        """Read on behind the context, as far as to know what follows. Timed."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """What a peer is made of. `folder` is the checkpoint as transformers reads it; `scratch` is there to write in."""

    engine: str
    precision: str
    threads: int
    folder: Path
    scratch: Path
    config: ModelConfig
    weights: Mapping[str, Floats]
