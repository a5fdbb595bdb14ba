"""OpenVINO on our graphs: the context's keys and values given once, a row's own fed back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino as ov

from jamlink.runtime.peers import Ids, Order
from jamlink.runtime.peers.folded import fold
from jamlink.runtime.peers.step_graph import Cache, hidden, read_graph, step_graph

Pairs = list[tuple[Any, ...]]
"""Keys and values of each layer, as tensors."""
_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenVino:
    """Two compiled graphs: one reads; one steps, in two requests in turn, each reading what the other made."""

    def __init__(self, order: Order) -> None:
        net = fold(order.config, order.weights)
        self._shape = net.config
        self._reader = _compiled(read_graph(net), order).create_infer_request()
        stepper = _compiled(step_graph(net), order)
        self._steppers = [stepper.create_infer_request() for _ in range(2)]
        self._caches = [Cache(i) for i in range(len(net.layers))]

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        heads, dim = self._shape.num_attention_heads, self._shape.head_dim
        empty = _tensor(np.empty((heads, dim, 0), np.float32)), _tensor(np.empty((heads, 0, dim), np.float32))
        self._read, self._shared = 0, [empty] * len(self._caches)
        self.append(context)
        made = self._made(self._reader)  # which is written over when it reads again
        self._shared = [tuple(_tensor(tensor.data.copy()) for tensor in pair) for pair in made]
        self._read = len(context)

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`; the context itself stays as it is."""
        count = len(ids)
        places = np.arange(self._read, self._read + count)
        self._given = [_tensor(x) for x in (np.array(ids), places, hidden(self._read, count))]
        for name, tensor in zip(("ids", "positions", "hidden"), self._given, strict=True):
            self._reader.set_tensor(name, tensor)
        self._give(self._reader, "shared", self._shared)
        self._reader.infer()

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens = _tensor(np.array(firsts)), tokens
        for request in self._steppers:
            self._give(request, "shared", self._shared)
        shape = (self._shape.num_attention_heads, len(firsts), 0, self._shape.head_dim)
        self._own: Pairs = [(_tensor(np.empty(shape, np.float32)),) * 2] * len(self._caches)

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        ids, own, said = self._firsts, self._own, []
        for i in range(self._tokens):
            request, place = self._steppers[i % 2], _tensor(np.array([self._read + i]))
            request.set_tensor("ids", ids)
            request.set_tensor("positions", place)
            self._give(request, "own", own)
            request.infer()
            ids, own = request.get_tensor("next"), self._made(request)
            said.append(ids.data.copy())
        found: Ids = np.stack(said, axis=1).tolist()
        return found

    def _made(self, request: Any) -> Pairs:
        return [tuple(request.get_tensor(name) for name in cache.named("longer")) for cache in self._caches]

    def _give(self, request: Any, what: str, pairs: Pairs) -> None:
        for cache, pair in zip(self._caches, pairs, strict=True):
            for name, tensor in zip(cache.named(what), pair, strict=True):
                request.set_tensor(name, tensor)


def _tensor(array: Any) -> Any:
    """Of the array's own memory, which it keeps."""
    return ov.Tensor(array, shared_memory=True)


def _compiled(graph: Any, order: Order) -> Any:
    core = ov.Core()
    settings = {
        "INFERENCE_NUM_THREADS": order.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": _HINTS[order.precision],
    }
    return core.compile_model(core.read_model(graph.SerializeToString()), "CPU", settings)


def make(order: Order) -> OpenVino:
    """See `Peer`."""
    return OpenVino(order)
