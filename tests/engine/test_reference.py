"""Beside the implementation that everybody knows."""

from __future__ import annotations

import numpy as np
import pytest

from jamlink.engine.decoder import Decoder
from jamlink.nn.config import ModelConfig
from tests.engine.conftest import SMALL, random_weights

pytestmark = pytest.mark.torch

FULL = ModelConfig(vocab_size=845)


@pytest.mark.parametrize("config", [SMALL, FULL], ids=["grouped heads", "the shape that plays"])
def test_logits_equal_those_of_transformers(config: ModelConfig) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    weights = random_weights(config)
    if config is FULL:
        weights = {name: w if w.ndim == 1 else w * np.float32(0.2) for name, w in weights.items()}
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config.to_llama()))
    state = {name: torch.from_numpy(array) for name, array in weights.items()}
    llama.load_state_dict({**state, "lm_head.weight": state["model.embed_tokens.weight"]})
    prompt = np.random.default_rng(1).integers(0, config.vocab_size, 48).tolist()
    with torch.no_grad():
        expected = llama(torch.tensor([prompt])).logits[0].numpy()

    decoder = Decoder(config, weights)
    scale = np.abs(expected).max()
    assert np.abs(decoder.prefill(prompt) - expected[-1]).max() < 1e-4 * scale
    decoder.prefill(prompt[:20])
    fork = decoder.fork(2, 28)
    for i, token in enumerate(prompt[20:], 20):
        logits = fork.logits(fork.step([token, token]))
        assert np.abs(logits - expected[i]).max() < 1e-4 * scale
