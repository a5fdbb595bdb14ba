"""Which engine computes: the native one where its library is built and the processor can, else numpy.

`JAMLINK_ENGINE` chooses: numpy, or a level of `native.Level`; cuda, torch on a GPU; torch, that on the processor.
Torch is loaded where it is named and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from jamlink.engine.decoder import Decoder, Floats, Shape
from jamlink.engine.native import LEVEL_SETTING, Level, NativeDecoder, Precision, best_level
from jamlink.engine.sampling import Choice, Ids
from jamlink.errors import Unavailable

_TORCH_DEVICES = {"cuda": "cuda", "torch": "cpu"}


class Rows(Protocol):
    """Rows that go on from one prompt, in step; see `decoder.Fork`."""

    rows: int
    room: int

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only (ascending)."""
        ...

    def step(self, ids: Sequence[int]) -> Floats:
        """Give each row its next id; their states (N, E), where E is the engine's affair."""
        ...

    def logits(self, states: Floats) -> Floats:
        """(n, E) of some rows -> (n, V)."""
        ...

    def advance(self, ids: Sequence[int], rows: Sequence[int], choice: Choice) -> tuple[Ids, Floats]:
        """A step, then an id and its log-probability for each of `rows`; see `sampling.sample`."""
        ...


class Engine(Protocol):
    """The network and the cache of the last prompt; see `decoder.Decoder`. One thread at a time."""

    limit: int
    vocab_size: int
    side_by_side: bool
    """Whether forks of one prompt may go on in several threads, each in its own, and say the same as in one."""

    @property
    def name(self) -> str:
        """What computes, in a word or two."""
        ...

    def prefill(self, ids: Sequence[int]) -> Floats:
        """Read a prompt; logits (V,) of what follows it. Forks made before are void."""
        ...

    def read_on(self, ids: Sequence[int]) -> bool:
        """Read one more chunk of a prompt; True when all of it is read."""
        ...

    def fork(self, rows: int, length: int) -> Rows:
        """`rows` continuations of the last prompt, up to `length` ids each."""
        ...

    def choose(self, logits: Floats, choice: Choice) -> tuple[Ids, Floats]:
        """An id and its log-probability for each row of logits (n, V); see `sampling.sample`."""
        ...

    def beside(self) -> Engine:
        """The same weights, kept once, with a prompt of its own."""
        ...


def engine_for(shape: Shape, weights: Mapping[str, Floats], precision: Precision | None = None) -> Engine:
    """The fastest engine that there is here. Raises `Unavailable` where the environment names one that is not."""
    named = os.environ.get(LEVEL_SETTING, "")
    if named == "numpy":
        return Decoder(shape, weights)
    if named in _TORCH_DEVICES:
        return _torch(_TORCH_DEVICES[named], shape, weights)
    try:
        if not named and best_level() is Level.GENERIC:
            return Decoder(shape, weights)  # whose BLAS knows the processor: three times as fast for 16 rows
        return NativeDecoder(shape, weights, precision)
    except Unavailable:
        if named:
            raise
        return Decoder(shape, weights)


def _torch(device: str, shape: Shape, weights: Mapping[str, Floats]) -> Engine:
    try:
        from jamlink.engine.torch_decoder import TorchDecoder
    except ImportError:
        raise Unavailable("This needs torch, which is not installed.", "Run: pip install 'jamlink[train]'") from None
    return TorchDecoder(shape, weights, device)
