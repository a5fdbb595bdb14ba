"""The weights with all done once that can be, for peers whose arithmetic is written here: torch and the ONNX graphs.

A norm's gain is multiplied into the matrix behind it and 1 / sqrt(D) into the queries; queries, keys and values are one
matrix, gate and up another. Heads that share keys get copies of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from jamlink.engine.decoder import Floats
from jamlink.nn.config import ModelConfig


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer's matrices, (in, out)."""

    qkv: Floats  # (E, 3 H D)
    out: Floats  # (H D, E)
    gate_up: Floats  # (E, 2 F)
    down: Floats  # (F, E)


@dataclass(frozen=True, slots=True)
class Folded:
    """The network. A head turns by `x * cosine + halves of x changed places * sine`, both (positions, D)."""

    config: ModelConfig
    embedding: Floats  # (V, E)
    layers: tuple[Layer, ...]
    output: Floats  # (E, V)
    cosine: Floats
    sine: Floats


def fold(config: ModelConfig, weights: Mapping[str, Floats]) -> Folded:
    """From weights named as in transformers' LlamaForCausalLM."""
    embedding = weights["model.embed_tokens.weight"]
    layers = tuple(_layer(config, weights, f"model.layers.{i}.") for i in range(config.num_hidden_layers))
    output = _in_out(embedding * weights["model.norm.weight"])
    return Folded(config, embedding, layers, output, *_turns(config))


def _layer(config: ModelConfig, weights: Mapping[str, Floats], name: str) -> Layer:
    queries, keys, values, out, gate, up, down = (
        weights[f"{name}{part}.weight"]
        for part in (*(f"self_attn.{x}_proj" for x in "qkvo"), *(f"mlp.{x}_proj" for x in ("gate", "up", "down")))
    )
    copies = config.num_attention_heads // config.num_key_value_heads
    by_head = (config.num_key_value_heads, config.head_dim, config.hidden_size)
    keys, values = (np.repeat(x.reshape(by_head), copies, 0).reshape(queries.shape) for x in (keys, values))
    before, behind = weights[f"{name}input_layernorm.weight"], weights[f"{name}post_attention_layernorm.weight"]
    qkv = np.concatenate((queries * np.float32(config.head_dim**-0.5), keys, values)) * before
    return Layer(_in_out(qkv), _in_out(out), _in_out(np.concatenate((gate, up)) * behind), _in_out(down))


def _turns(config: ModelConfig) -> tuple[Floats, Floats]:
    steps = np.arange(0, config.head_dim, 2) / config.head_dim
    angles = np.outer(np.arange(config.max_position_embeddings), config.rope_theta**-steps)
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.hstack((cosine, cosine)).astype(np.float32), np.hstack((-sine, sine)).astype(np.float32)


def _in_out(matrix: Floats) -> Floats:
    return np.ascontiguousarray(matrix.T, np.float32)
