"""A model on disk is trusted only whole; and it is the Llama that plain `transformers` knows."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from contextlib import suppress
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


# -- what only a closer look finds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", [{"rope_theta": 500.0}, {"rms_norm_eps": 0.5}, {"max_position_embeddings": 16},
              {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 4}], ids=str,
)  # fmt: skip
def test_sizes_that_fit_the_weights_and_are_not_those_that_were_published_are_nonsense(folder, field):
    """Nothing in the weights tells them from the right ones; the answers would just be others."""
    change(folder / "config.json", **field)
    with pytest.raises(Nonsense, match="not those that were published"):
        checkpoint.load(folder, "a-hash-of-words")


def test_a_model_from_before_its_sizes_were_hashed_is_loaded(folder):
    card = json.loads((folder / "model.json").read_text())
    del card["config_sha256"]
    (folder / "model.json").write_text(json.dumps(card))
    assert checkpoint.load(folder, "a-hash-of-words").config == SHAPE


def test_sizes_are_the_same_however_they_are_written_down(folder):
    change(folder / "config.json", rope_theta=10000, rms_norm_eps=1.0e-05, use_cache=True)
    assert checkpoint.load(folder, "a-hash-of-words").config == SHAPE


@pytest.mark.parametrize("size", [float("nan"), float("inf"), "16", None, True, [16], 16.0, 10**30])
@pytest.mark.parametrize("field", ["hidden_size", "max_position_embeddings", "rms_norm_eps"])
def test_a_size_that_is_none_is_nonsense_and_named(folder, field, size):
    if field == "rms_norm_eps" and size in (16.0, 10**30):
        size = -1.0
    change(folder / "config.json", **{field: size})
    with pytest.raises(Nonsense, match=r"hidden_size|window|max_position_embeddings|rms_norm_eps|not float32"):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("name", [None, 3, ["tiny"]])
def test_a_model_without_a_name_signs_nothing(folder, name):
    change(folder / "model.json", name=name)
    with pytest.raises(Nonsense, match="has no name"):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("file", ["config.json", "model.json"])
def test_json_without_a_bottom_is_nonsense(folder, file):
    (folder / file).write_text("[" * 100_000)
    with pytest.raises(Nonsense, match="not JSON"):
        checkpoint.load(folder, "a-hash-of-words")


def write_again(folder: Path, weights: dict) -> None:
    from safetensors.numpy import save_file

    save_file(weights, folder / "model.safetensors")
    sign_again(folder)


NORM = "model.norm.weight"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({NORM: None}, r"model\.norm\.weight is missing"),
        ({"model.layers.7.extra.weight": np.zeros(3, np.float32)}, "not of this model"),
        ({NORM: np.zeros(17, np.float32)}, r"float32 \(17,\), not float32 \(16,\)"),
        ({NORM: np.zeros((16, 1), np.float32)}, r"\(16, 1\)"),
        ({NORM: np.zeros(16, np.float16)}, "is float16"),
        ({NORM: np.zeros(16, np.float64)}, "is float64"),
        ({NORM: np.zeros(16, np.int32)}, "is int32"),
        ({NORM: np.full(16, -np.inf, np.float32)}, "not a number"),
    ],
)
def test_one_weight_that_does_not_fit_is_named(folder, changed, says):
    weights = {name: array for name, array in (random_weights() | changed).items() if array is not None}
    write_again(folder, weights)
    with pytest.raises(Nonsense, match=says):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "F16"])
def test_weights_of_another_kind_of_number_say_which(folder, kind):
    """Written by hand: numpy has no such numbers."""
    shapes, at, header = SHAPE.shapes(), 0, {}
    size = 1 if kind.startswith("F8") else 2
    for name, shape in shapes.items():
        end = at + size * int(np.prod(shape))
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at = end
    said = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(said).to_bytes(8, "little") + said + bytes(at))
    sign_again(folder)
    with pytest.raises(Nonsense, match=rf"({kind}|float16).*, not float32"):
        checkpoint.load(folder, "a-hash-of-words")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "model.json"])
def test_a_damaged_file_is_one_clear_error_or_no_damage_whatever_the_damage(folder, file):
    """Bits turned, bytes cut out and doubled, three hundred times; the weights are signed again each time, so that the
    hash is not what finds it."""
    dice, path = random.Random(file), folder / file
    whole, card = path.read_bytes(), (folder / "model.json").read_bytes()
    for _ in range(300):
        (folder / "model.json").write_bytes(card)
        path.write_bytes(damaged(whole, dice))
        if file == "model.safetensors":
            sign_again(folder)
        with suppress(JamlinkError):
            found = checkpoint.load(folder, "a-hash-of-words")
            assert found.config == SHAPE
            assert all(np.isfinite(array).all() for array in found.weights.values())


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Most of the damage at the front, where all is told."""
    found = bytearray(data)
    at = dice.randrange(min(len(data), 2000)) if dice.random() < 0.8 else dice.randrange(len(data))
    match dice.randrange(4):
        case 0:
            found[at] ^= 1 << dice.randrange(8)
        case 1:
            del found[at : at + dice.randrange(1, 20)]
        case 2:
            found[at:at] = found[at : at + dice.randrange(1, 20)]
        case _:
            found[at : at + 4] = dice.randbytes(4)
    return bytes(found)


@pytest.mark.parametrize("meters", ["4/4", 7, [7], {"4/4": 1}, None])
def test_meters_that_are_no_list_of_words_are_nonsense(folder, meters):
    change(folder / "model.json", meters=meters)
    with pytest.raises(Nonsense, match="no list of words"):
        checkpoint.load(folder, "a-hash-of-words")
