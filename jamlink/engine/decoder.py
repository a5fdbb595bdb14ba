"""The network in numpy: a Llama-style decoder that keeps what it has read.

One prompt is read once (`prefill`; what it shares with the prompt before is not read again), then many rows go on
from it (`fork`), each with a cache of its own behind the one they share. Everything is float32.

What is the same for every request is done once, here:
- the scale of each norm is multiplied into the matrix behind it, the attention's 1/sqrt(D) into the queries, a half
  into the gate (silu(g) = g/2 (1 + tanh(g/2)));
- the numbers of a head are reordered so that those which rotate together are neighbours, one complex number: a rotation
  is then one multiplication, and scores do not change when queries and keys are reordered alike;
- matrices are cut into blocks, a head each for queries, keys and values. BLAS repacks a matrix at every product, which
  for a dozen rows costs more than the product; small blocks are spared (measured: 39 -> 26 us for 12 x 192 x 576,
  80 -> 52 for 12 x 192 x 1024), and what comes out is already in the order that attention wants.

Letters in shapes: T ids, N rows, H heads, D numbers a head, E numbers a position, F numbers inside the feed-forward,
B blocks of it, P positions of the shared prompt, V words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from operator import index
from typing import Protocol

import numpy as np
import numpy.typing as npt

from jamlink.engine.sampling import Choice, Floats, Ids, sample

CHUNK = 32
"""Ids of a prompt that are read together: few enough to stop soon (3 ms), enough to use each weight well."""
_LARGEST_BLOCK = 256
"""Numbers across: a dozen rows times 192 times this is about what OpenBLAS multiplies without repacking."""


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


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids two sequences begin with together."""
    shorter = min(len(one), len(other))
    return next((i for i in range(shorter) if one[i] != other[i]), shorter)


def check_fork(whole: bool, rows: int, length: int) -> None:
    """Raises ValueError for a fork of no prompt, of no rows or of less than no length."""
    if not whole:
        raise ValueError("a fork needs a prompt")
    if rows < 1 or length < 0:
        raise ValueError(f"a fork has rows and a length, not {rows} and {length}")


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's matrices, blocks of (in, out)."""

    qkv: Floats  # (3 H, E, D)
    out: Floats  # (H D, E)
    gate_up: Floats  # (2 B, E, F / B)
    down: Floats  # (B, F / B, E)


class Decoder:
    """The network and the cache of the last prompt. One thread at a time.

    `weights` are named as in transformers' LlamaForCausalLM, linear ones (out, in), the embedding being the output too.
    Heads that share keys get copies of them: the cache is small here and one loop fewer is worth more.
    """

    side_by_side = False
    """Another number of rows rounds otherwise."""

    def __init__(self, shape: Shape, weights: Mapping[str, Floats]) -> None:
        self.heads, self.head_dim = shape.num_attention_heads, shape.head_dim
        self.limit = shape.max_position_embeddings
        """How many ids a prompt and what follows it may have together."""
        self.vocab_size = shape.vocab_size
        self._shares = np.full((shape.hidden_size, 1), 1 / shape.hidden_size, np.float32)
        self._eps = np.float32(shape.rms_norm_eps)
        self._embedding = np.ascontiguousarray(weights["model.embed_tokens.weight"], np.float32)  # (V, E)
        self._output = _in_out(self._embedding * weights["model.norm.weight"])  # (E, V)
        self._layers = [_layer(shape, weights, f"model.layers.{i}.") for i in range(shape.num_hidden_layers)]
        self._turns = _turns(shape)  # (limit, D / 2) complex
        self._begin()

    def _begin(self) -> None:
        """Nothing is read yet."""
        cache = (len(self._layers), self.heads, self.limit, self.head_dim)
        self._keys, self._values = np.zeros(cache, np.float32), np.zeros(cache, np.float32)
        self._read: list[int] = []
        self._state = np.zeros(len(self._shares), np.float32)
        self._whole = False  # whether _state is what follows _read

    def beside(self) -> Decoder:
        """The same weights, kept once, with a prompt of its own."""
        other = copy(self)
        other._begin()
        return other

    @property
    def name(self) -> str:
        """What computes."""
        return "numpy fp32"

    def prefill(self, ids: Sequence[int]) -> Floats:
        """Read a prompt of 1 to `limit` ids; logits (V,) of what follows it. Forks made before are void.

        Bit for bit the same whatever was read before. Raises ValueError for a prompt that does not fit.
        """
        while not self.read_on(ids):
            pass
        return self._state @ self._output

    def read_on(self, ids: Sequence[int]) -> bool:
        """Read one more chunk of a prompt, for who wants to look up between chunks; True when all of it is read.

        The whole chunks that it shares with what was read last are kept. Chunks begin at multiples of CHUNK, so the
        products behind a prompt's numbers, and their rounding, depend on the prompt alone.
        """
        self._check(ids)
        if self._whole and self._read == list(ids):
            return True
        kept = min(common_length(self._read, ids), len(ids) - 1) // CHUNK * CHUNK
        self._whole = False
        del self._read[kept:]  # what is behind is not valid until it is read
        chunk = list(ids[kept : kept + CHUNK])
        x = self._embedding[chunk]  # (T, E)
        for i, layer in enumerate(self._layers):
            x += self._attend(i, self._normed(x) @ layer.qkv, kept) @ layer.out
            x += _feed_forward(layer, self._normed(x))
        self._read += chunk
        self._state = self._normed(x[-1:])[0]  # (E,)
        self._whole = len(self._read) == len(ids)
        return self._whole

    def _check(self, ids: Sequence[int]) -> None:
        if not 0 < len(ids) <= self.limit:
            raise ValueError(f"a prompt has 1 to {self.limit} ids, not {len(ids)}")
        self._known(ids)

    def _known(self, ids: Sequence[int]) -> list[int]:
        """The ids. Raises ValueError for one that there is not, TypeError for what is no whole number."""
        found = [index(i) for i in ids]
        if min(found) < 0 or max(found) >= self.vocab_size:
            raise ValueError(f"an id is 0 to {self.vocab_size - 1}, not {min(found)} or {max(found)}")
        return found

    def _attend(self, i: int, qkv: Floats, start: int) -> Floats:
        """Causal attention of T new positions to everything read: (3 H, T, D) -> (T, H D)."""
        heads, count = self.heads, qkv.shape[1]
        end = start + count
        _turn(qkv[: 2 * heads], self._turns[start:end])
        keys, values = self._keys[i, :, :end], self._values[i, :, :end]
        keys[:, start:], values[:, start:] = qkv[heads : 2 * heads], qkv[2 * heads :]
        scores: Floats = qkv[:heads] @ keys.transpose(0, 2, 1)  # (H, T, P)
        later = np.arange(end) > np.arange(start, end)[:, None]
        scores[:, later] = -np.inf
        total = _exponentials(scores)
        y = scores @ values
        y /= total
        return _side_by_side(y)

    def _normed(self, x: Floats) -> Floats:
        """RMSNorm without its scale, which the next matrix holds."""
        mean = np.square(x) @ self._shares  # (T, 1)
        mean += self._eps
        np.sqrt(mean, out=mean)
        return x / mean

    def fork(self, rows: int, length: int) -> Fork:
        """`rows` continuations of the last prompt, up to `length` ids each (less where `limit` is nearer)."""
        check_fork(self._whole, rows, length)
        return Fork(self, rows, min(length, self.limit - len(self._read)))

    def choose(self, logits: Floats, choice: Choice) -> tuple[Ids, Floats]:
        """An id and its log-probability for each row of logits (n, V); see `sampling.sample`."""
        return sample(logits, choice)


class Fork:
    """Rows that go on from one prompt, in step. Void after the decoder's next `prefill`."""

    def __init__(self, decoder: Decoder, rows: int, length: int) -> None:
        self._decoder, self._prompt, self._done = decoder, len(decoder._read), 0
        self._of = list(decoder._read)
        self.rows, self.room = rows, length
        """Rows that go on; and how many more ids each can take."""
        cache = (len(decoder._layers), decoder.heads, rows, length, decoder.head_dim)
        self._keys, self._values = np.empty(cache, np.float32), np.empty(cache, np.float32)
        self._scores = np.empty((decoder.heads, rows, self._prompt + length), np.float32)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with these rows only (ascending); row i is then what rows[i] was. Raises ValueError for others."""
        if list(rows) != sorted({row for row in rows if 0 <= row < self.rows}):
            raise ValueError(f"rows {list(rows)} of {self.rows} cannot be kept")
        for new, old in enumerate(rows):
            if new != old:
                for cache in (self._keys, self._values):
                    cache[:, :, new, : self._done] = cache[:, :, old, : self._done]
        self.rows = len(rows)

    def step(self, ids: Sequence[int]) -> Floats:
        """Give each row its next id; the states (N, E) to be turned into logits by `logits`.

        Raises ValueError for ids that do not fit, and where the prompt was given up.
        """
        if self.room < 1 or len(ids) != self.rows:
            raise ValueError(f"{len(ids)} ids for {self.rows} rows with room for {self.room}")
        decoder = self._decoder
        if decoder._read[: self._prompt] != self._of:
            raise ValueError("the prompt of this fork was given up")
        x = decoder._embedding[decoder._known(ids)]  # (N, E)
        for i, layer in enumerate(decoder._layers):
            x += self._attend(i, _heads(layer, decoder._normed(x))) @ layer.out
            x += _feed_forward(layer, decoder._normed(x))
        self._done += 1
        self.room -= 1
        return decoder._normed(x)

    def logits(self, states: Floats) -> Floats:
        """(n, E) of some rows -> (n, V)."""
        return states @ self._decoder._output

    def advance(self, ids: Sequence[int], rows: Sequence[int], choice: Choice) -> tuple[Ids, Floats]:
        """A step, then an id and its log-probability for each of `rows`; see `sampling.sample`."""
        return sample(self.logits(self.step(ids)[list(rows)]), choice)

    def _attend(self, i: int, qkv: Floats) -> Floats:
        """One new position a row, to the shared prompt and to the row's own past: (3 H, N, D) -> (N, H D)."""
        decoder, n, prompt = self._decoder, self.rows, self._prompt
        heads, past = decoder.heads, self._done + 1
        _turn(qkv[: 2 * heads], decoder._turns[prompt + self._done])
        keys, values = self._keys[i, :, :n, :past], self._values[i, :, :n, :past]  # (H, N, T, D)
        keys[:, :, -1], values[:, :, -1] = qkv[heads : 2 * heads], qkv[2 * heads :]
        queries = qkv[:heads]
        scores = self._scores[:, :n, : prompt + past]  # (H, N, P + T)
        shared, own = scores[:, :, :prompt], scores[:, :, prompt:]
        np.matmul(queries, decoder._keys[i, :, :prompt].transpose(0, 2, 1), out=shared)
        own[:] = (keys @ queries[..., None])[..., 0]
        total = _exponentials(scores)
        y = shared @ decoder._values[i, :, :prompt]  # (H, N, D)
        y += (own[:, :, None] @ values)[:, :, 0]
        y /= total
        return _side_by_side(y)


def _in_out(out_in: Floats) -> Floats:
    return np.ascontiguousarray(out_in.T, np.float32)


def _blocks(out_in: Floats, size: int) -> Floats:
    """(out, in) -> (out / size, in, size)."""
    out, inputs = out_in.shape
    return np.ascontiguousarray(out_in.reshape(out // size, size, inputs).transpose(0, 2, 1), np.float32)


def _block_size(length: int) -> int:
    """The largest divisor of `length` that BLAS need not repack for."""
    return max(size for size in range(1, _LARGEST_BLOCK + 1) if length % size == 0)


def _layer(shape: Shape, weights: Mapping[str, Floats], name: str) -> _Layer:
    def part(suffix: str) -> Floats:
        return weights[f"{name}{suffix}.weight"]

    size = _block_size(shape.intermediate_size)
    half_gate, down = part("mlp.gate_proj") * np.float32(0.5), part("mlp.down_proj")
    return _Layer(
        qkv=_blocks(_queries_keys_values(shape, part) * part("input_layernorm"), shape.head_dim),
        out=_in_out(part("self_attn.o_proj")),
        gate_up=_blocks(np.concatenate((half_gate, part("mlp.up_proj"))) * part("post_attention_layernorm"), size),
        down=_in_out(down).reshape(-1, size, shape.hidden_size),
    )


def _queries_keys_values(shape: Shape, part: Callable[[str], Floats]) -> Floats:
    """All heads' matrices, (3 H D, E): queries scaled, keys and values once a head, what rotates together adjacent."""
    by_head = (-1, shape.head_dim, shape.hidden_size)
    copies = shape.num_attention_heads // shape.num_key_value_heads
    queries, keys, values = (part(f"self_attn.{which}_proj").reshape(by_head) for which in "qkv")
    pairs = np.arange(shape.head_dim).reshape(2, -1).T.ravel()  # 0, D / 2, 1, D / 2 + 1, ...
    heads = (
        queries[:, pairs] * np.float32(shape.head_dim**-0.5),
        np.repeat(keys[:, pairs], copies, axis=0),
        np.repeat(values, copies, axis=0),
    )
    return np.concatenate(heads).reshape(-1, shape.hidden_size)


def _turns(shape: Shape) -> npt.NDArray[np.complex64]:
    """The rotation of each pair of numbers at each position, (limit, D / 2)."""
    steps = np.arange(0, shape.head_dim, 2) / shape.head_dim
    angles = np.outer(np.arange(shape.max_position_embeddings), shape.rope_theta**-steps)
    return np.exp(1j * angles).astype(np.complex64)


def _turn(heads: Floats, turns: npt.NDArray[np.complex64]) -> None:
    """Rotate (H, T, D) in place; `turns` is (T, D / 2), or (D / 2,) for all."""
    pairs = heads.view(np.complex64)
    pairs *= turns


def _heads(layer: _Layer, x: Floats) -> Floats:
    """Queries, keys and values, (T, E) -> (3 H, T, D)."""
    return x @ layer.qkv


def _side_by_side(y: Floats) -> Floats:
    """(H, T, D) -> (T, H D)."""
    return y.transpose(1, 0, 2).reshape(y.shape[1], -1)


def _exponentials(scores: Floats) -> Floats:
    """exp in place, scaled so that none overflows; their totals over the last axis, kept as an axis of 1."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    total: Floats = scores.sum(axis=-1, keepdims=True)
    return total


def _feed_forward(layer: _Layer, x: Floats) -> Floats:
    """SwiGLU, (N, E) -> (N, E)."""
    both = x @ layer.gate_up  # (2 B, N, F / B)
    gate, up = both[: len(layer.down)], both[len(layer.down) :]
    gated = np.tanh(gate)
    gated += 1
    gated *= gate
    gated *= up
    total: Floats = (gated @ layer.down).sum(axis=0)
    return total
