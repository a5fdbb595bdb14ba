"""A tiny random network, so that laws are checked in milliseconds."""

from __future__ import annotations

import numpy as np
import pytest

from jamlink.engine.decoder import Decoder, Floats
from jamlink.nn.config import ModelConfig

SMALL = ModelConfig(
    vocab_size=37, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=48, head_dim=8, max_position_embeddings=64,
)  # fmt: skip


def random_weights(config: ModelConfig, seed: int = 0) -> dict[str, Floats]:
    """Weights large enough that a wrong rotation, norm or mask shows in the logits."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(0, 0.3, shape) if len(shape) == 2 else rng.uniform(0.5, 1.5, shape)).astype(np.float32)
        for name, shape in config.shapes().items()
    }


@pytest.fixture
def config() -> ModelConfig:
    return SMALL


@pytest.fixture
def weights() -> dict[str, Floats]:
    return random_weights(SMALL)


@pytest.fixture
def decoder(weights: dict[str, Floats]) -> Decoder:
    return Decoder(SMALL, weights)
