"""The network as ONNX graphs, for the runtimes that take them: one reads a context, one takes a step of all rows.

The context's keys and values are inputs of their own, so they are there once for all rows, and a product with them is
one product of matrices. What a row has said comes in and goes out longer by one. Both graphs end in the likeliest id.

Letters in shapes: N ids of a context or rows, H heads, D numbers a head, E numbers a position, P positions of the
context, T positions of a row's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from jamlink.engine.decoder import Floats
from jamlink.runtime.peers.folded import Folded, Layer

_OPSET = 18
_IR_VERSION = 10
"""Old enough for every runtime that is asked."""
_FLOATS, _WHOLE = TensorProto.FLOAT, TensorProto.INT64


@dataclass(frozen=True, slots=True)
class Cache:
    """Names of one layer's keys and values as a graph has them: what comes in and what goes out."""

    layer: int

    def named(self, what: str) -> tuple[str, str]:
        """`what`: shared, own, longer."""
        return f"{what}_keys.{self.layer}", f"{what}_values.{self.layer}"


class _Graph:
    """Nodes in order, each named by what it makes."""

    def __init__(self, net: Folded) -> None:
        self.net, self.heads, self.dim = net, net.config.num_attention_heads, net.config.head_dim
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.lengths = ""
        """How many positions the context has and each row, once there are caches: the same in every layer."""

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """One node; the name of what it makes."""
        name = name or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def split(self, x: str, axis: int, sizes: str, parts: int) -> list[str]:
        """Parts of these sizes along an axis."""
        names = [f"n{len(self.nodes)}.{i}" for i in range(parts)]
        self.nodes.append(helper.make_node("Split", [x, sizes], names, axis=axis))
        return names

    def constant(self, array: Any) -> str:
        """A constant; the name of it."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def whole(self, *numbers: int) -> str:
        """Whole numbers as a constant."""
        return self.constant(np.array(numbers, np.int64))

    def input(self, name: str, kind: int, shape: Sequence[int | str]) -> str:
        """What is given."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, kind: int, shape: Sequence[int | str]) -> None:
        """What comes out."""
        self.outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def model(self) -> onnx.ModelProto:
        """All of it, checked."""
        graph = helper.make_graph(self.nodes, "jamlink", self.inputs, self.outputs, self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(made)
        return made


_Attend = Callable[[_Graph, Cache, str, str, str], str]
"""Queries, keys and values (H, N, D) -> (H, N, D)."""


def read_graph(net: Folded) -> onnx.ModelProto:
    """ids (N,), positions (N,), hidden (N, P + N), shared_* (H, D, P) and (H, P, D) -> next (1,), longer_*.

    `hidden` is added to the scores: 0 for what an id may see, very little for what comes after it.
    """
    graph = _Graph(net)
    graph.input("hidden", _FLOATS, ("N", "P+N"))
    x = _layers(graph, _attend_context)
    _answer(graph, graph.op("Gather", x, graph.whole(-1), axis=0))
    return graph.model()


def step_graph(net: Folded) -> onnx.ModelProto:
    """ids (N,), positions (1,), shared_* as above, own_* (H, N, T, D) -> next (N,), longer_* (H, N, T + 1, D)."""
    graph = _Graph(net)
    _answer(graph, _layers(graph, _attend_row))
    return graph.model()


def hidden(read: int, count: int) -> Floats:
    """For `read_graph`: so many new ids behind what is read."""
    later = np.arange(read + count) > np.arange(read, read + count)[:, None]
    return np.where(later, np.float32(-1e9), np.float32(0))


def _layers(graph: _Graph, attend: _Attend) -> str:
    """(N, E), behind the last layer."""
    net = graph.net
    ids, positions = graph.input("ids", _WHOLE, ("N",)), graph.input("positions", _WHOLE, ("M",))
    x = graph.op("Gather", graph.constant(net.embedding), ids)
    turns = tuple(graph.op("Gather", graph.constant(table), positions) for table in (net.cosine, net.sine))
    for i, layer in enumerate(net.layers):
        queries, keys, values = _heads(graph, layer, x, turns)
        y = graph.op("Transpose", attend(graph, Cache(i), queries, keys, values), perm=(1, 0, 2))
        y = graph.op("Reshape", y, graph.whole(-1, graph.heads * graph.dim))
        x = graph.op("Add", x, graph.op("MatMul", y, graph.constant(layer.out)))
        x = graph.op("Add", x, _feed_forward(graph, layer, x))
    return x


def _normed(graph: _Graph, x: str) -> str:
    """RMSNorm. Its gain is in the next matrix; the 1 here is what runtimes know a norm by, which they make one step."""
    mean = graph.op("ReduceMean", graph.op("Pow", x, graph.constant(np.float32(2))), graph.whole(-1), keepdims=1)
    config = graph.net.config
    eps, gain = graph.constant(np.float32(config.rms_norm_eps)), graph.constant(np.ones(config.hidden_size, np.float32))
    return graph.op("Mul", graph.op("Div", x, graph.op("Sqrt", graph.op("Add", mean, eps))), gain)


def _heads(graph: _Graph, layer: Layer, x: str, turns: tuple[str, ...]) -> list[str]:
    """(N, E) -> queries, keys and values (H, N, D)."""
    heads, half = graph.heads, graph.dim // 2
    qkv = graph.op("MatMul", _normed(graph, x), graph.constant(layer.qkv))
    qkv = graph.op("Reshape", qkv, graph.whole(-1, 3 * heads, graph.dim))
    qkv = graph.op("Transpose", qkv, perm=(1, 0, 2))
    both, values = graph.split(qkv, 0, graph.whole(2 * heads, heads), 2)
    first, second = graph.split(both, 2, graph.whole(half, half), 2)
    swapped = graph.op("Concat", second, first, axis=2)
    turned = graph.op("Add", graph.op("Mul", both, turns[0]), graph.op("Mul", swapped, turns[1]))
    return [*graph.split(turned, 0, graph.whole(heads, heads), 2), values]


def _feed_forward(graph: _Graph, layer: Layer, x: str) -> str:
    """SwiGLU."""
    inner = layer.down.shape[0]
    both = graph.op("MatMul", _normed(graph, x), graph.constant(layer.gate_up))
    gate, up = graph.split(both, 1, graph.whole(inner, inner), 2)
    gated = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
    return graph.op("MatMul", gated, graph.constant(layer.down))


def _answer(graph: _Graph, x: str) -> None:
    """(N, E) -> next (N,)."""
    logits = graph.op("MatMul", _normed(graph, x), graph.constant(graph.net.output))
    graph.output(graph.op("ArgMax", logits, name="next", axis=1, keepdims=0), _WHOLE, ("N",))


def _shared(graph: _Graph, cache: Cache) -> tuple[str, str]:
    keys, values = cache.named("shared")
    heads, dim = graph.heads, graph.dim
    return graph.input(keys, _FLOATS, (heads, dim, "P")), graph.input(values, _FLOATS, (heads, "P", dim))


def _attend_context(graph: _Graph, cache: Cache, queries: str, keys: str, values: str) -> str:
    """New ids of the context: its keys and values grow."""
    heads, dim, longer = graph.heads, graph.dim, cache.named("longer")
    old_keys, old_values = _shared(graph, cache)
    new = graph.op("Transpose", keys, perm=(0, 2, 1))
    graph.output(graph.op("Concat", old_keys, new, name=longer[0], axis=2), _FLOATS, (heads, dim, "P+N"))
    graph.output(graph.op("Concat", old_values, values, name=longer[1], axis=1), _FLOATS, (heads, "P+N", dim))
    scores = graph.op("Add", graph.op("MatMul", queries, longer[0]), "hidden")
    return graph.op("MatMul", graph.op("Softmax", scores, axis=-1), longer[1])


def _attend_row(graph: _Graph, cache: Cache, queries: str, keys: str, values: str) -> str:
    """One new id of each row, which sees the context and what the row said: the row's own keys and values grow."""
    heads, dim, last, third = graph.heads, graph.dim, graph.whole(3), graph.whole(2)
    shared_keys, shared_values = _shared(graph, cache)
    grown = []
    for name, longer, new in zip(cache.named("own"), cache.named("longer"), (keys, values), strict=True):
        old = graph.input(name, _FLOATS, (heads, "N", "T", dim))
        grown.append(graph.op("Concat", old, graph.op("Unsqueeze", new, third), name=longer, axis=2))
        graph.output(longer, _FLOATS, (heads, "N", "T+1", dim))
    own = graph.op("MatMul", grown[0], graph.op("Unsqueeze", queries, last))  # (H, N, T + 1, 1)
    scores = (graph.op("MatMul", queries, shared_keys), graph.op("Squeeze", own, last))
    if not graph.lengths:
        both = (graph.op("Shape", part, start=2, end=3) for part in (shared_keys, grown[0]))
        graph.lengths = graph.op("Concat", *both, axis=0)
    weights = graph.op("Softmax", graph.op("Concat", *scores, axis=2), axis=-1)
    theirs, ours = graph.split(weights, 2, graph.lengths, 2)
    from_row = graph.op("Squeeze", graph.op("MatMul", graph.op("Unsqueeze", ours, third), grown[1]), third)
    return graph.op("Add", graph.op("MatMul", theirs, shared_values), from_row)
