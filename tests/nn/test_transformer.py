"""The decoder: causal, and equal to the Llama of `transformers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")

from jamlink.nn import checkpoint  # noqa: E402  (after the check for torch)
from jamlink.nn.config import ModelConfig  # noqa: E402
from jamlink.nn.transformer import Transformer  # noqa: E402

SHAPES = [
    ModelConfig(31, 16, 2, 4, 2, 24, 8, 32),
    ModelConfig(20, 24, 1, 3, 3, 40, 4, 16, rms_norm_eps=1e-3, rope_theta=500.0),
]
MODELS = Path(__file__).parents[2] / "models"


def network(shape: ModelConfig) -> Transformer:
    torch.manual_seed(1)
    net = Transformer(shape).eval()
    for weight in net.parameters():
        torch.nn.init.normal_(weight, 1.0 if weight.dim() == 1 else 0.0, 0.3)
    return net


def weights_of(net: Transformer) -> dict[str, np.ndarray]:
    return {name: weight.numpy() for name, weight in net.state_dict().items()}


@pytest.mark.parametrize("shape", SHAPES)
def test_its_weights_have_the_names_and_shapes_of_the_config(shape):
    assert {name: array.shape for name, array in weights_of(network(shape)).items()} == shape.shapes()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_later_word_changes_nothing_before_it(shape):
    net = network(shape)
    ids = torch.randint(0, shape.vocab_size, (2, 12))
    other = ids.clone()
    other[:, 7] = (other[:, 7] + 1) % shape.vocab_size
    with torch.no_grad():
        before, after = net(ids), net(other)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])


@pytest.mark.parametrize("shape", SHAPES)
def test_transformers_loads_the_folder_and_gives_equal_logits(shape, tmp_path):
    net = network(shape)
    checkpoint.save(tmp_path, shape, weights_of(net), {"hash": "h", "names": []}, {"name": "tiny"})
    same_logits(net, tmp_path, shape)


@pytest.mark.parametrize("folder", sorted(p.parent for p in MODELS.glob("*/model.safetensors")), ids=lambda p: p.name)
def test_transformers_loads_each_published_model_and_gives_equal_logits(folder):
    from jamlink.tokens import vocab

    found = checkpoint.load(folder, vocab.HASH)
    net = Transformer(found.config).eval()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in found.weights.items()})
    same_logits(net, folder, found.config)


def same_logits(net: Transformer, folder: Path, shape: ModelConfig) -> None:
    transformers = pytest.importorskip("transformers", reason="training needs the train extra")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.randint(0, shape.vocab_size, (2, 14))
    with torch.no_grad():
        torch.testing.assert_close(net(ids), theirs(ids).logits, rtol=1e-4, atol=1e-4)
