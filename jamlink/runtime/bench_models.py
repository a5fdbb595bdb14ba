"""The networks that engines are measured on: a trained one, and beside it larger ones that know nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jamlink.engine.decoder import Floats
from jamlink.errors import Nonsense
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.tokens import vocab

_SHAPES = {
    3: {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 704},
    10: {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6, "intermediate_size": 1024},
    25: {"hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8, "intermediate_size": 1408},
}
SIZES = tuple(_SHAPES)
"""Millions of weights, about."""


def shape_of(millions: int) -> ModelConfig:
    """One of SIZES as a network of the words in use."""
    sizes = _SHAPES[millions]
    return ModelConfig(len(vocab.NAMES), num_key_value_heads=sizes["num_attention_heads"], **sizes)


def random_weights(config: ModelConfig, seed: int = 0) -> Mapping[str, Floats]:
    """Numbers of about 1 at every place, so that likeliest words stand out from rounding; a seed says which."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(0, shape[-1] ** -0.5, shape) if len(shape) == 2 else np.ones(shape)).astype(np.float32)
        for name, shape in config.shapes().items()
    }


def write_random(folder: Path, config: ModelConfig) -> Path:
    """A checkpoint like any other; its folder."""
    words = {"names": list(vocab.NAMES), "hash": vocab.HASH}
    checkpoint.save(folder, config, random_weights(config), words, {"name": folder.name})
    return folder


def sizes_of(text: str) -> list[int]:
    """Sizes as somebody types them, "3,10"; nothing for none. Raises `Nonsense`."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [part for part in named if part not in map(str, SIZES)]:
        raise Nonsense(f"There is no network of size {unknown[0]}.", f"Sizes are {', '.join(map(str, SIZES))}.")
    return [int(part) for part in named]
