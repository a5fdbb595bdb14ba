"""A model on disk is trusted only whole; and it is the Llama that plain `transformers` knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jamlink.errors import JamlinkError, Nonsense, Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig

SHAPE = ModelConfig(
    vocab_size=31, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=24, head_dim=8, max_position_embeddings=32,
)  # fmt: skip
WORDS = {"hash": "a-hash-of-words", "names": [str(i) for i in range(31)]}


def random_weights(seed: int = 0) -> checkpoint.Weights:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0.0, 0.1, shape).astype(np.float32) for name, shape in SHAPE.shapes().items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path, SHAPE, random_weights(), WORDS, {"name": "tiny"})
    return tmp_path


def test_what_was_saved_is_loaded(folder):
    found = checkpoint.load(folder, "a-hash-of-words")
    assert found.config == SHAPE
    assert found.card["name"] == "tiny"
    assert found.card["parameters"] == sum(array.size for array in random_weights().values())
    assert all(np.array_equal(found.weights[name], array) for name, array in random_weights().items())


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "model.json"])
def test_a_missing_file_is_unavailable_and_says_which(folder, name):
    (folder / name).unlink()
    with pytest.raises(Unavailable, match=name):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("kept", [0, 7, 100, -1])
def test_truncated_weights_are_nonsense(folder, kept):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Nonsense, match="damaged"):
        checkpoint.load(folder, "a-hash-of-words")


def test_one_flipped_bit_is_nonsense(folder):
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-5] ^= 1
    file.write_bytes(data)
    with pytest.raises(Nonsense, match="damaged"):
        checkpoint.load(folder, "a-hash-of-words")


def test_other_words_do_not_fit(folder):
    with pytest.raises(Nonsense, match="other words"):
        checkpoint.load(folder, "another hash")


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"hidden_size": 17}, "not float32"),
        ({"num_hidden_layers": 3}, "missing"),
        ({"num_hidden_layers": 1}, "not of this model"),
        ({"hidden_size": -1}, "above 0"),
        ({"head_dim": 7}, "fit together"),
        ({"model_type": "gpt2"}, "Llama"),
    ],
)
def test_a_shape_that_is_not_that_of_the_weights_is_nonsense(folder, fields, says):
    change(folder / "config.json", **fields)
    with pytest.raises(Nonsense, match=says):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_config_that_is_no_config_is_nonsense(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(Nonsense):
        checkpoint.load(folder, "a-hash-of-words")


def sign_again(folder: Path) -> None:
    """Give damaged weights a right hash, so that only the look inside can find the damage."""
    import hashlib

    change(
        folder / "model.json", weights_sha256=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_numbers_are_nonsense(folder, bad):
    from safetensors.numpy import save_file

    weights = random_weights()
    weights["model.norm.weight"][3] = bad
    save_file(weights, folder / "model.safetensors")
    sign_again(folder)
    with pytest.raises(Nonsense, match=r"model\.norm\.weight"):
        checkpoint.load(folder, "a-hash-of-words")
    with pytest.raises(Nonsense, match="not a number"):
        checkpoint.save(folder, SHAPE, weights, WORDS, {})


def test_weights_that_are_no_safetensors_are_nonsense(folder):
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)
    sign_again(folder)
    with pytest.raises(Nonsense, match="cannot be read"):
        checkpoint.load(folder, "a-hash-of-words")


def test_every_refusal_names_a_remedy(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(JamlinkError) as refusal:
        checkpoint.load(folder, "a-hash-of-words")
    assert refusal.value.remedy.endswith(".")


def test_loading_needs_no_torch():
    code = "import sys, jamlink.nn.checkpoint; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
