"""The network in numpy: a Llama-style decoder that keeps what it has read.

One prompt is read once (`prefill`; what it shares with the prompt before is not read again), then many rows go on
from it (`fork`), each with a cache of its own behind the one they share. Everything is float32.

What is the same for every request is done once, here: the scale of each norm is multiplied into the matrix behind it,
the attention's 1/sqrt(D) into the queries, a half into the gate (silu(g) = g/2 (1 + tanh(g/2))), and matrices that
read the same input are one matrix.

Letters in shapes: T ids, N rows, H heads, D numbers a head, E numbers a position, F numbers inside the feed-forward,
P positions of the shared prompt, V words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

CHUNK = 32
"""Ids of a prompt that are read at once."""


class Shape(Protocol):
    """The sizes of the network, by the names that transformers' LlamaConfig gives them."""

    @property
    def vocab_size(self) -> int:
        """Words."""
        ...

    @property
    def hidden_size(self) -> int:
        """Numbers a position."""
        ...

    @property
    def num_hidden_layers(self) -> int:
        """Layers."""
        ...

    @property
    def num_attention_heads(self) -> int:
        """Heads."""
        ...

    @property
    def num_key_value_heads(self) -> int:
        """Heads with keys of their own; divides the heads."""
        ...

    @property
    def intermediate_size(self) -> int:
        """Numbers inside the feed-forward."""
        ...

    @property
    def head_dim(self) -> int:
        """Numbers a head."""
        ...

    @property
    def max_position_embeddings(self) -> int:
        """Positions."""
        ...

    @property
    def rms_norm_eps(self) -> float:
        """Added to the mean square."""
        ...

    @property
    def rope_theta(self) -> float:
        """The slowest rotation."""
        ...


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's matrices, (in, out)."""

    qkv: Floats  # (E, 3 H D)
    out: Floats  # (H D, E)
    gate_up: Floats  # (E, 2 F)
    down: Floats  # (F, E)


class Decoder:
    """The network and the cache of the last prompt. One thread at a time.

    `weights` are named as in transformers' LlamaForCausalLM, linear ones (out, in), the embedding being the output too.
    Heads that share keys get copies of them: the cache is small here and one loop fewer is worth more.
    """

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        self.heads, self.head_dim = shape.num_attention_heads, shape.head_dim
        self.limit = shape.max_position_embeddings
        """How many ids a prompt and what follows it may have together."""
        self.vocab_size = shape.vocab_size
        self._eps = np.float32(shape.rms_norm_eps)
        self._embedding = np.ascontiguousarray(weights["model.embed_tokens.weight"], np.float32)  # (V, E)
        self._output = _in_out(self._embedding * weights["model.norm.weight"])  # (E, V)
        self._layers = [_layer(shape, weights, f"model.layers.{i}.") for i in range(shape.num_hidden_layers)]
        self._cos, self._sin = _rotations(shape)  # (limit, D) each
        cache = (len(self._layers), self.heads, self.limit, self.head_dim)
        self._keys, self._values = np.zeros(cache, np.float32), np.zeros(cache, np.float32)
        self._read: list[int] = []

    def prefill(self, ids: Sequence[int]) -> Floats:
        """Read a prompt of 1 to `limit` ids; logits (V,) of what follows it. Forks made before are void.

        It is read in chunks that always begin at the same places, and whole chunks that it shares with the last prompt
        are not read again. So the answer depends on the ids alone, to the last bit: a matrix product of another height
        would round in another way.
        """
        if not 0 < len(ids) <= self.limit:
            raise ValueError(f"a prompt has 1 to {self.limit} ids, not {len(ids)}")
        kept = min(_common(self._read, ids), len(ids) - 1) // CHUNK * CHUNK
        self._read = list(ids[:kept])  # what is below is not valid until it is read
        for start in range(kept, len(ids), CHUNK):
            x = self._embedding[list(ids[start : start + CHUNK])]  # (T, E)
            for i, layer in enumerate(self._layers):
                x += self._attend(i, self._normed(x) @ layer.qkv, start) @ layer.out
                x += _feed_forward(layer, self._normed(x))
        self._read = list(ids)
        return self._normed(x[-1:])[0] @ self._output

    def _attend(self, i: int, qkv: Floats, start: int) -> Floats:
        """Causal attention of T new positions to everything read: (T, 3 H D) -> (T, H D)."""
        count = len(qkv)
        end = start + count
        q, k, v = qkv.reshape(count, 3, self.heads, self.head_dim).transpose(1, 2, 0, 3)  # (H, T, D) each
        cos, sin = self._cos[start:end], self._sin[start:end]
        keys, values = self._keys[i, :, :end], self._values[i, :, :end]
        keys[:, start:], values[:, start:] = _rotated(k, cos, sin), v
        scores = _rotated(q, cos, sin) @ keys.transpose(0, 2, 1)  # (H, T, P)
        later = np.arange(end) > np.arange(start, end)[:, None]
        scores[:, later] = -np.inf
        return (_softmax(scores) @ values).transpose(1, 0, 2).reshape(count, -1)

    def _normed(self, x: Floats) -> Floats:
        """RMSNorm without its scale, which the next matrix holds."""
        mean = np.einsum("te,te->t", x, x) / np.float32(x.shape[1])
        scaled: Floats = x * (np.float32(1) / np.sqrt(mean + self._eps))[:, None]
        return scaled

    def fork(self, rows: int, length: int) -> Fork:
        """`rows` continuations of the last prompt, up to `length` ids each (less where `limit` is nearer)."""
        if not self._read:
            raise ValueError("a fork needs a prompt")
        return Fork(self, rows, min(length, self.limit - len(self._read)))


class Fork:
    """Rows that go on from one prompt, in step. Void after the decoder's next `prefill`."""

    def __init__(self, decoder: Decoder, rows: int, length: int) -> None:
        self._decoder, self._prompt, self._done = decoder, len(decoder._read), 0
        self.rows, self.room = rows, length
        """Rows that go on; and how many more ids each can take."""
        cache = (len(decoder._layers), rows, decoder.heads, length, decoder.head_dim)
        self._keys, self._values = np.empty(cache, np.float32), np.empty(cache, np.float32)
        self._scores = np.empty((decoder.heads, rows, self._prompt + length), np.float32)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only (ascending); row i is then what rows[i] was."""
        for new, old in enumerate(rows):
            if new != old:
                for cache in (self._keys, self._values):
                    cache[:, new, :, : self._done] = cache[:, old, :, : self._done]
        self.rows = len(rows)

    def step(self, ids: Sequence[int]) -> Floats:
        """Give each row its next id; the states (N, E) to be turned into logits by `logits`."""
        if self.room < 1 or len(ids) != self.rows:
            raise ValueError(f"{len(ids)} ids for {self.rows} rows with room for {self.room}")
        decoder = self._decoder
        x = decoder._embedding[list(ids)]  # (N, E)
        for i, layer in enumerate(decoder._layers):
            x += self._attend(i, decoder._normed(x) @ layer.qkv) @ layer.out
            x += _feed_forward(layer, decoder._normed(x))
        self._done += 1
        self.room -= 1
        return decoder._normed(x)

    def logits(self, states: Floats) -> Floats:
        """(n, E) of some rows -> (n, V)."""
        return states @ self._decoder._output

    def _attend(self, i: int, qkv: Floats) -> Floats:
        """One new position a row, to the shared prompt and to the row's own past: (N, 3 H D) -> (N, H D)."""
        decoder, n, done = self._decoder, self.rows, self._done
        position = self._prompt + done
        cos, sin = decoder._cos[position], decoder._sin[position]
        split = qkv.reshape(n, 3, decoder.heads, decoder.head_dim)
        turned = _rotated(split[:, :2], cos, sin)  # (N, 2, H, D)
        keys, values = self._keys[i, :n, :, : done + 1], self._values[i, :n, :, : done + 1]  # (N, H, T, D)
        keys[:, :, done], values[:, :, done] = turned[:, 1], split[:, 2]
        q = turned[:, 0]  # (N, H, D)
        scores = self._scores[:, :n, : position + 1]  # (H, N, P + T)
        np.matmul(q.transpose(1, 0, 2), decoder._keys[i, :, : self._prompt].transpose(0, 2, 1),
                  out=scores[:, :, : self._prompt])  # fmt: skip
        own = scores[:, :, self._prompt :]
        own[:] = (keys @ q[:, :, :, None])[..., 0].transpose(1, 0, 2)
        weights = _softmax(scores)
        y = (weights[:, :, : self._prompt] @ decoder._values[i, :, : self._prompt]).transpose(1, 0, 2)  # (N, H, D)
        y = y + (weights[:, :, self._prompt :].transpose(1, 0, 2)[:, :, None] @ values)[:, :, 0]
        return y.reshape(n, -1)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with together."""
    shorter = min(len(one), len(other))
    return next((i for i in range(shorter) if one[i] != other[i]), shorter)


def _in_out(out_in: Floats) -> Floats:
    return np.ascontiguousarray(out_in.T, np.float32)


def _layer(shape: Shape, weights: Mapping[str, Floats], name: str) -> _Layer:
    def part(suffix: str) -> Floats:
        return weights[f"{name}{suffix}.weight"]

    copies, dim = shape.num_attention_heads // shape.num_key_value_heads, shape.head_dim
    keys, values = (
        np.repeat(part(f"self_attn.{which}_proj").reshape(-1, dim, shape.hidden_size), copies, axis=0)
        .reshape(-1, shape.hidden_size)
        for which in "kv"
    )  # fmt: skip
    queries = part("self_attn.q_proj") * np.float32(dim**-0.5)
    half_gate = part("mlp.gate_proj") * np.float32(0.5)
    return _Layer(
        qkv=_in_out(np.concatenate((queries, keys, values)) * part("input_layernorm")),
        out=_in_out(part("self_attn.o_proj")),
        gate_up=_in_out(np.concatenate((half_gate, part("mlp.up_proj"))) * part("post_attention_layernorm")),
        down=_in_out(part("mlp.down_proj")),
    )


def _rotations(shape: Shape) -> tuple[Floats, Floats]:
    """Cosines and signed sines of the rotary positions, (limit, D) each, for the "rotate half" layout."""
    steps = np.arange(0, shape.head_dim, 2) / shape.head_dim
    angles = np.outer(np.arange(shape.max_position_embeddings), shape.rope_theta**-steps)  # (limit, D / 2)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.hstack((cos, cos)).astype(np.float32), np.hstack((-sin, sin)).astype(np.float32)


def _rotated(x: Floats, cos: Floats, sin: Floats) -> Floats:
    """x turned by its position: the first half of a head's numbers is paired with the second."""
    half = x.shape[-1] // 2
    turned = x * cos
    turned[..., :half] += x[..., half:] * sin[..., :half]
    turned[..., half:] += x[..., :half] * sin[..., half:]
    return turned


def _softmax(scores: Floats) -> Floats:
    """In place, over the last axis."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def _feed_forward(layer: _Layer, x: Floats) -> Floats:
    """SwiGLU, (N, E) -> (N, E)."""
    both = x @ layer.gate_up
    inner = both.shape[1] // 2
    gate, up = both[:, :inner], both[:, inner:]
    gated = np.tanh(gate)
    gated += 1
    gated *= gate
    gated *= up
    return gated @ layer.down
