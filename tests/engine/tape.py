"""What a CUDA graph does, on any device: it notes every operation of one run and repeats them on the same tensors.

As with a graph, what Python decided while it was noted stays decided, nothing may be read off a tensor meanwhile, and
what was made on the way lies in memory that the next graph uses: after each run it is spoilt, so who looks sees.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from jamlink.engine.torch_decoder import Work


class Tape(TorchDispatchMode):
    """A recorder. `recorded` counts the works that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded = 0
        self._calls: list[tuple[Any, Any, Any, list[Tensor]]] = []

    def __call__(self, work: Work) -> Work:
        self.recorded += 1
        self._calls = calls = []
        with self:
            work()
        return lambda: _play(calls)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        assert all(isinstance(one, Tensor) for one in _flat(found)), f"{function} reads a number off the device"
        self._calls.append((function, args, kwargs or {}, _flat(found)))
        return found


def _flat(found: Any) -> list[Any]:
    return [one for one in found if one is not None] if isinstance(found, tuple | list) else [found]


def _play(calls: list[tuple[Any, Any, Any, list[Tensor]]]) -> None:
    made = []
    for function, args, kwargs, before in calls:
        for old, new in zip(before, _flat(function(*args, **kwargs)), strict=True):
            if old.data_ptr() != new.data_ptr():  # neither a view nor written in place
                old.copy_(new)
                made.append(old)
    for old in made:
        old.fill_(torch.nan if old.is_floating_point() else 10**6 if old.dtype is torch.int64 else True)
