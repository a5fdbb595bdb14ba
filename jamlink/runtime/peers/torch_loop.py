"""The network written by hand in torch: what a careful person gets without leaving it.

Caches have their room from the start; the context is kept once for all rows. (B, ...) are rows, (H, ...) heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from jamlink.runtime.peers import Ids, Order
from jamlink.runtime.peers.folded import Folded, fold

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class TorchLoop:
    """Every product is one call of torch."""

    def __init__(self, net: Folded, dtype: torch.dtype) -> None:
        def kept(array: Any) -> torch.Tensor:
            return torch.from_numpy(array).to(dtype)

        self._heads, self._dim, self._eps = net.config.num_attention_heads, net.config.head_dim, net.config.rms_norm_eps
        self._embedding, self._cosine, self._sine = kept(net.embedding), kept(net.cosine), kept(net.sine)
        self._output = kept(net.output.T.copy())  # (out, in), which is what torch multiplies with fastest
        self._layers = [
            tuple(kept(matrix.T.copy()) for matrix in (layer.qkv, layer.out, layer.gate_up, layer.down))
            for layer in net.layers
        ]
        room = (len(self._layers), 2, self._heads, net.config.max_position_embeddings, self._dim)
        self._shared = torch.zeros(room, dtype=dtype)  # (layers, keys and values, H, P, D)
        self._own = self._shared[:, :, :, None, :0]  # (layers, keys and values, H, B, T, D)
        self._read = self._done = 0

    @torch.inference_mode()
    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        self._read = 0
        self._read_on(context)

    @torch.inference_mode()
    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        self._read_on(ids)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens, self._done = torch.tensor(firsts), tokens, 0
        room = (len(self._layers), 2, self._heads, len(firsts), tokens, self._dim)
        self._own = torch.zeros(room, dtype=self._shared.dtype)

    @torch.inference_mode()
    def decode(self) -> Ids:
        """As `Peer.decode`."""
        ids, said = self._firsts, []
        for _ in range(self._tokens):
            ids = self._forward(ids, self._read + self._done, 1, self._step).argmax(dim=1)
            self._done += 1
            said.append(ids)
        found: Ids = torch.stack(said, dim=1).tolist()
        return found

    def _read_on(self, ids: Sequence[int]) -> None:
        self._forward(torch.tensor(ids), self._read, len(ids), self._chunk)[-1].argmax()
        self._read += len(ids)

    def _forward(self, ids: torch.Tensor, place: int, places: int, attend: Any) -> torch.Tensor:
        """(N,) ids at so many places -> logits (N, V)."""
        x = self._embedding[ids]
        cosine, sine = self._cosine[place : place + places], self._sine[place : place + places]
        for i, (qkv, out, gate_up, down) in enumerate(self._layers):
            heads = (self._normed(x) @ qkv.T).view(len(ids), 3 * self._heads, self._dim).transpose(0, 1)
            turned, values = heads[: 2 * self._heads], heads[2 * self._heads :]
            turned = turned * cosine + turned.roll(self._dim // 2, -1) * sine
            y = attend(i, turned[: self._heads], turned[self._heads :], values)  # (H, N, D)
            x = x + y.transpose(0, 1).reshape(len(ids), -1) @ out.T
            gate, up = (self._normed(x) @ gate_up.T).chunk(2, dim=-1)
            x = x + (torch.nn.functional.silu(gate) * up) @ down.T
        return self._normed(x) @ self._output.T

    def _normed(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.rms_norm(x, x.shape[-1:], eps=self._eps)

    def _chunk(self, i: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """New ids of the context, each after those before it."""
        end = self._read + keys.shape[1]
        self._shared[i, 0, :, self._read : end], self._shared[i, 1, :, self._read : end] = keys, values
        seen = torch.ones(keys.shape[1], end, dtype=torch.bool).tril(self._read)
        keys, values = self._shared[i, 0, :, :end], self._shared[i, 1, :, :end]
        return torch.nn.functional.scaled_dot_product_attention(queries, keys, values, seen, scale=1.0)

    def _step(self, i: int, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """One id of each row, after the context and the row's own past."""
        own_keys, own_values = self._own[i, :, :, :, : self._done + 1]  # (H, B, T, D)
        own_keys[:, :, -1], own_values[:, :, -1] = keys, values
        shared = queries @ self._shared[i, 0, :, : self._read].mT  # (H, B, P)
        own = (own_keys @ queries[..., None])[..., 0]  # (H, B, T)
        weights = torch.cat((shared, own), dim=-1).softmax(dim=-1)
        theirs = weights[..., : self._read] @ self._shared[i, 1, :, : self._read]
        return theirs + (weights[:, :, None, self._read :] @ own_values)[:, :, 0]


def make(order: Order) -> TorchLoop:
    """See `Peer`."""
    torch.set_num_threads(order.threads)
    return TorchLoop(fold(order.config, order.weights), _TYPES[order.precision])
