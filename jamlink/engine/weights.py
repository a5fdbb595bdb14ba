"""The weights as an engine that keeps them elsewhere wants them: all there, of the right shape, and numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from jamlink.engine.decoder import Floats, Shape

_PER_LAYER = (
    "input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
    "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
)  # fmt: skip


def checked(shape: Shape, weights: Mapping[str, Floats]) -> dict[str, Floats]:
    """By name, contiguous: embedding, last norm, then layer by layer in the order of _PER_LAYER.

    Raises ValueError, naming the tensor, for one that is missing, has another shape or holds what is no number.
    """
    found = {}
    for name, size in _sizes(shape).items():
        if name not in weights:
            raise ValueError(f"{name} is missing")
        array = np.ascontiguousarray(weights[name], np.float32)
        if array.shape != size:
            raise ValueError(f"{name} is {array.shape}, not {size}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds what is no number")
        found[name] = array
    return found


def _sizes(shape: Shape) -> dict[str, tuple[int, ...]]:
    """What each tensor's shape must be; a linear one is (out, in)."""
    heads, kv = shape.num_attention_heads * shape.head_dim, shape.num_key_value_heads * shape.head_dim
    e, f = shape.hidden_size, shape.intermediate_size
    per_layer = ((e,), (heads, e), (kv, e), (kv, e), (e, heads), (e,), (f, e), (f, e), (e, f))
    wanted: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (shape.vocab_size, e), "model.norm.weight": (e,)}
    for i in range(shape.num_hidden_layers):
        wanted |= {f"model.layers.{i}.{part}.weight": size for part, size in zip(_PER_LAYER, per_layer, strict=True)}
    return wanted
