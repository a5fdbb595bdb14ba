"""The network's sums in torch, so written that a CUDA graph can play them again.

A graph repeats launches: what Python decided while it was recorded stays decided. So nothing here looks at a number on
the device. Where a prompt ends and which position is written come in a tensor of `controls`; caches lie where they
always lay; attention goes over as many positions as the caller says, and those that do not count are hidden.

As in `decoder`, the scale of a norm is in the matrix behind it and 1/sqrt(D) in the queries. Letters as there, and K
heads of keys, G heads that share one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jamlink.engine.decoder import Floats, Shape

CHUNK = 64
"""Ids of a prompt that are read together."""

Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]
"""Layer, queries (K, N, G, D), new keys and values (K, N, D) -> (K, N, G, D)."""


@dataclass(frozen=True, slots=True)
class Caches:
    """Keys and values of every layer, (L, K, P, D), or (L, K, N, T, D) where each row has its own."""

    keys: Tensor
    values: Tensor


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's matrices, (in, out)."""

    qkv: Tensor  # (E, (K G + 2 K) D)
    out: Tensor  # (K G D, E)
    gate_up: Tensor  # (E, 2 F)
    down: Tensor  # (F, E)


class Network:
    """The weights on a device. `weights` have passed `weights.checked`."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats], device: torch.device, numbers: torch.dtype) -> None:
        self._device, self._numbers = device, numbers
        self._heads, self._key_heads, self._head_dim = (
            shape.num_attention_heads, shape.num_key_value_heads, shape.head_dim,
        )  # fmt: skip
        self._eps, self._hidden_size, self._depth = shape.rms_norm_eps, shape.hidden_size, shape.num_hidden_layers
        embedding = weights["model.embed_tokens.weight"]
        self._embedding = self._put(embedding)  # (V, E)
        self._output = self._put((embedding * weights["model.norm.weight"]).T)  # (E, V)
        self._layers = [self._layer(weights, f"model.layers.{i}.") for i in range(self._depth)]
        self.positions = -(-shape.max_position_embeddings // CHUNK) * CHUNK
        """The limit in whole chunks: behind a prompt's end its last chunk is filled up."""
        self._cos, self._sin = map(self._put, _turns(shape, self.positions))  # (positions, 1, D)
        self._count = torch.arange(self.positions, device=device)

    def caches(self, *between: int) -> Caches:
        """Zeros (L, K, *between, D): what was never written is hidden, but must be a number."""
        size = (self._depth, self._key_heads, *between, self._head_dim)
        keys, values = (torch.zeros(size, dtype=self._numbers, device=self._device) for _ in range(2))
        return Caches(keys, values)

    def read(self, controls: Tensor, prompt: Caches, length: int) -> Tensor:
        """Read a chunk into `prompt`; logits (1, V) of what follows its last id.

        `controls` (2 + T,): position of its first id, place of its last one in it, ids. It attends to the first
        `length` positions, which must hold all that was read and the chunk.
        """
        start, last, ids = controls[:1], controls[1:2], controls[2:]
        positions = start + self._count[: len(ids)]  # (T,)
        later = self._count[:length] > positions[:, None, None]  # (T, 1, P)

        def attend(i: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            for cache, new in ((prompt.keys, keys), (prompt.values, values)):
                cache[i].index_copy_(1, positions, new)
            scores = _shared_scores(queries, prompt.keys[i, :, :length])  # (K, T, G, P)
            return _shared_sums(scores.masked_fill_(later, -torch.inf).softmax(-1), prompt.values[i, :, :length])

        return self._logits(self._through(ids, positions, attend).index_select(0, last))

    def step(self, controls: Tensor, prompt: Caches, own: Caches, length: int, past: int) -> Tensor:
        """Give every row one more id; logits (N, V) of what follows.

        `controls` (2 + N,): length of the prompt, how many ids each row has already, ids. Rows attend to the first
        `length` positions of the prompt and the first `past` of their own, which must be enough.
        """
        read, done, ids = controls[:1], controls[1:2], controls[2:]
        hidden = torch.cat((self._count[:length] >= read, self._count[:past] > done))  # (P + T,)

        def attend(i: int, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
            for cache, new in ((own.keys, keys), (own.values, values)):
                cache[i].index_copy_(2, done, new[:, :, None])
            scores = torch.cat(
                (
                    _shared_scores(queries, prompt.keys[i, :, :length]),
                    queries @ own.keys[i, :, :, :past].transpose(-1, -2),
                ),
                dim=-1,
            )  # (K, N, G, P + T)
            chances = scores.masked_fill_(hidden, -torch.inf).softmax(-1)
            sums = _shared_sums(chances[..., :length], prompt.values[i, :, :length])
            return sums.add_(chances[..., length:] @ own.values[i, :, :, :past])

        return self._logits(self._through(ids, read + done, attend))

    def _through(self, ids: Tensor, positions: Tensor, attend: Attend) -> Tensor:
        """All layers, (N, E); `positions` is one for each id, or one for all."""
        x = self._embedding.index_select(0, ids)
        cos, sin = self._cos.index_select(0, positions), self._sin.index_select(0, positions)  # (N or 1, 1, D)
        for i, layer in enumerate(self._layers):
            qkv = (self._normed(x) @ layer.qkv).view(len(ids), -1, self._head_dim)
            y = attend(i, *self._parted(qkv, cos, sin))  # (K, N, G, D)
            x.addmm_(y.transpose(0, 1).reshape(len(ids), -1), layer.out)
            gate, up = (self._normed(x) @ layer.gate_up).chunk(2, dim=-1)
            x.addmm_(F.silu(gate).mul_(up), layer.down)
        return x

    def _parted(self, qkv: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, K G + 2 K, D) -> queries (K, N, G, D), keys and values (K, N, D), the first two turned."""
        turning = qkv[:, : self._heads + self._key_heads]
        turned = torch.addcmul(turning * cos, turning.roll(self._head_dim // 2, -1), sin)
        queries = turned[:, : self._heads].unflatten(1, (self._key_heads, -1)).transpose(0, 1)
        keys, values = turned[:, self._heads :], qkv[:, self._heads + self._key_heads :]
        return queries.contiguous(), keys.transpose(0, 1), values.transpose(0, 1)

    def _logits(self, x: Tensor) -> Tensor:
        return self._normed(x) @ self._output

    def _normed(self, x: Tensor) -> Tensor:
        """RMSNorm without its scale."""
        return F.rms_norm(x, (self._hidden_size,), eps=self._eps)

    def _layer(self, weights: Mapping[str, Floats], name: str) -> _Layer:
        def scaled(parts: str, norm: str) -> Floats:
            rows = np.concatenate([weights[f"{name}{part}_proj.weight"] for part in parts.split()])
            return rows * weights[f"{name}{norm}.weight"]

        qkv = scaled("self_attn.q self_attn.k self_attn.v", "input_layernorm")
        qkv[: self._heads * self._head_dim] *= np.float32(self._head_dim**-0.5)
        return _Layer(
            qkv=self._put(qkv.T),
            out=self._put(weights[f"{name}self_attn.o_proj.weight"].T),
            gate_up=self._put(scaled("mlp.gate mlp.up", "post_attention_layernorm").T),
            down=self._put(weights[f"{name}mlp.down_proj.weight"].T),
        )

    def _put(self, array: Floats) -> Tensor:
        """A copy on the device."""
        return torch.tensor(np.ascontiguousarray(array), dtype=self._numbers, device=self._device)


def _shared_scores(queries: Tensor, keys: Tensor) -> Tensor:
    """(K, N, G, D) beside the (K, P, D) that all rows share -> (K, N, G, P)."""
    heads, rows, group, _ = queries.shape
    return (queries.view(heads, rows * group, -1) @ keys.transpose(1, 2)).view(heads, rows, group, -1)


def _shared_sums(chances: Tensor, values: Tensor) -> Tensor:
    """(K, N, G, P) of the (K, P, D) that all rows share -> (K, N, G, D)."""
    heads, rows, group, _ = chances.shape
    return (chances.reshape(heads, rows * group, -1) @ values).view(heads, rows, group, -1)


def _turns(shape: Shape, positions: int) -> tuple[Floats, Floats]:
    """Cosines, and sines whose first half is negative, each (positions, 1, D): x turns to x cos + rolled x sin."""
    steps = np.arange(0, shape.head_dim, 2) / shape.head_dim
    angles = np.outer(np.arange(positions), shape.rope_theta**-steps)[:, None]
    cos, sin = np.cos(angles), np.sin(angles)
    return np.concatenate((cos, cos), -1).astype(np.float32), np.concatenate((-sin, sin), -1).astype(np.float32)
