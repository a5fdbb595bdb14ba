"""ONNX Runtime on our graphs: the context's keys and values bound once, a row's own fed back without a copy.

int8 is its dynamic quantisation as it comes: a matrix is bytes with one scale, what meets it is made bytes at every
product. (A scale for each output is no nearer to the words that floats say here, and slower.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import QuantType, quantize_dynamic

from jamlink.runtime.peers import Ids, Order
from jamlink.runtime.peers.folded import fold
from jamlink.runtime.peers.step_graph import Cache, hidden, read_graph, step_graph

Pairs = list[tuple[Any, Any]]
"""Keys and values of each layer, where the runtime keeps them."""


class OnnxRuntime:
    """Two sessions: one reads, one steps."""

    def __init__(self, order: Order) -> None:
        net = fold(order.config, order.weights)
        self._shape = net.config
        self._reader = _session(read_graph(net), order)
        self._stepper = _session(step_graph(net), order)
        self._caches = [Cache(i) for i in range(len(net.layers))]

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        heads, dim = self._shape.num_attention_heads, self._shape.head_dim
        empty = _value(np.empty((heads, dim, 0), np.float32)), _value(np.empty((heads, 0, dim), np.float32))
        self._read, self._shared = 0, [empty] * len(self._caches)
        self.append(context)

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        binding = self._bound(self._reader, self._shared, "shared")
        binding.bind_cpu_input("ids", np.array(ids, np.int64))
        binding.bind_cpu_input("positions", np.arange(self._read, self._read + len(ids)))
        binding.bind_cpu_input("hidden", hidden(self._read, len(ids)))
        self._shared, _ = _run(self._reader, binding)
        self._read += len(ids)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens = np.array(firsts, np.int64), tokens
        empty = np.empty((self._shape.num_attention_heads, len(firsts), 0, self._shape.head_dim), np.float32)
        self._own = [(_value(empty), _value(empty))] * len(self._caches)
        self._binding = self._bound(self._stepper, self._shared, "shared")

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        binding, own, ids, said = self._binding, self._own, _value(self._firsts), []
        for i in range(self._tokens):
            binding.bind_ortvalue_input("ids", ids)
            binding.bind_cpu_input("positions", np.array([self._read + i]))
            self._bind(binding, own, "own")
            own, ids = _run(self._stepper, binding)
            said.append(ids.numpy())
        found: Ids = np.stack(said, axis=1).tolist()
        return found

    def _bound(self, session: Any, pairs: Pairs, what: str) -> Any:
        binding = session.io_binding()
        self._bind(binding, pairs, what)
        return binding

    def _bind(self, binding: Any, pairs: Pairs, what: str) -> None:
        for cache, pair in zip(self._caches, pairs, strict=True):
            for name, value in zip(cache.named(what), pair, strict=True):
                binding.bind_ortvalue_input(name, value)


def _run(session: Any, binding: Any) -> tuple[Pairs, Any]:
    """The caches, grown, and the likeliest ids; each wherever the runtime likes."""
    for output in session.get_outputs():
        binding.bind_output(output.name)
    session.run_with_iobinding(binding)
    *longer, likeliest = binding.get_outputs()
    return list(zip(longer[::2], longer[1::2], strict=True)), likeliest


def _value(array: Any) -> Any:
    return ort.OrtValue.ortvalue_from_numpy(array)


def _session(model: onnx.ModelProto, order: Order) -> Any:
    """A session on as many threads as were ordered."""
    path = order.scratch / "graph.onnx"
    onnx.save(model, path)
    options: Any = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = order.threads, 1
    chosen = _quantised(path) if order.precision == "int8" else path
    return ort.InferenceSession(str(chosen), options, providers=["CPUExecutionProvider"])


def _quantised(path: Path) -> Path:
    target = path.with_suffix(".int8.onnx")
    quantize_dynamic(path, target, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8)
    return target


def make(order: Order) -> OnnxRuntime:
    """See `Peer`."""
    return OnnxRuntime(order)
