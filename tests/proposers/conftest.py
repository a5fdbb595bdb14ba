"""A random network that speaks our words: what it says is nonsense, how it says it must be right."""

from __future__ import annotations

import numpy as np
import pytest

from jamlink.nn.checkpoint import Checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.proposers.transformer import TransformerProposer
from jamlink.tokens import vocab

TINY = ModelConfig(vocab.SIZE, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
                   intermediate_size=32, head_dim=16)  # fmt: skip


@pytest.fixture(scope="session")
def checkpoint() -> Checkpoint:
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in TINY.shapes().items()}
    return Checkpoint(TINY, weights, {"name": "tiny"})


@pytest.fixture
def proposer(checkpoint: Checkpoint) -> TransformerProposer:
    return TransformerProposer(checkpoint)
