"""A model on disk: a folder with its weights and all that is needed to trust them.

    model.safetensors   the weights, float32, under the names of transformers' LlamaForCausalLM
    config.json         the shape, as transformers writes it
    vocab.json          the words and their hash
    model.json          name, hashes of the weights, the shape and the words, what it was trained on, figures, and the
                        meters that it plays in, where it does not play in all
    recipe.toml         how to train it again
    README.md           the card

`load` checks all of it and needs no torch: the live path calls it. A safetensors file holds numbers only, no code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load as numbers_of
from safetensors.numpy import save as bytes_of

from jamlink.errors import Nonsense, Unavailable
from jamlink.nn.config import ModelConfig

Weights = dict[str, npt.NDArray[np.float32]]

_REMEDY = "Put the model's folder back as it was published, or choose another model."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that passed every check. `card` is model.json."""

    config: ModelConfig
    weights: Weights
    card: dict[str, Any]


def save(
    folder: Path, config: ModelConfig, weights: Mapping[str, Any], words: Mapping[str, Any], card: dict[str, Any]
) -> None:
    """Write weights (arrays by name), config.json, vocab.json and model.json.

    `words` has "names" and "hash". `card` gains the hashes and the number of parameters. What is already in the folder
    under other names (recipe, README) stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in weights.items()}
    _check_weights(arrays, config)
    data = bytes_of(arrays, metadata={"format": "pt"})
    full = {
        **card,
        "weights_sha256": hashlib.sha256(data).hexdigest(),
        "config_sha256": config.digest,
        "vocabulary_sha256": words["hash"],
        "parameters": int(sum(array.size for array in arrays.values())),
    }
    (folder / "model.safetensors").write_bytes(data)
    for name, content in (("config.json", config.to_llama()), ("vocab.json", dict(words)), ("model.json", full)):
        (folder / name).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def load(folder: Path, vocabulary_hash: str) -> Checkpoint:
    """Read and check a model; `vocabulary_hash` is that of the words in use.

    Raises `Unavailable` where a file is missing, `Nonsense` where one is damaged or does not fit.
    """
    config = ModelConfig.from_llama(_json(folder / "config.json"))
    card = _json(folder / "model.json")
    data = _bytes(folder / "model.safetensors")
    if hashlib.sha256(data).hexdigest() != card.get("weights_sha256"):
        raise Nonsense(f"The weights in {folder} are not those that were published (damaged or cut off).", _REMEDY)
    if card.get("vocabulary_sha256") != vocabulary_hash:
        raise Nonsense(
            f"The model in {folder} speaks other words than this jamlink.", "Take the model of this version."
        )
    weights = _numbers(data, folder)
    _check_weights(weights, config)
    _check_card(card, config, folder)
    return Checkpoint(config, weights, card)


def _check_card(card: Mapping[str, Any], config: ModelConfig, folder: Path) -> None:
    """Raises `Nonsense` for a card without a name, of another shape, or with a list of meters that is none; the first
    cards said nothing of the shape."""
    if not isinstance(card.get("name"), str):
        raise Nonsense(f"The model in {folder} has no name.", _REMEDY)
    meters = card.get("meters", [])
    if not isinstance(meters, list) or not all(isinstance(meter, str) for meter in meters):
        raise Nonsense(f"The meters in {folder / 'model.json'} are no list of words.", _REMEDY)
    if card.get("config_sha256", config.digest) != config.digest:
        raise Nonsense(f"The sizes in {folder / 'config.json'} are not those that were published.", _REMEDY)


def _numbers(data: bytes, folder: Path) -> Weights:
    """The weights of a file. Raises `Nonsense` for one that is none, or has a type of numbers that numpy has not."""
    try:
        return numbers_of(data)
    except KeyError as kind:
        raise Nonsense(f"The weights in {folder} are {kind.args[0]}, not float32.", _REMEDY) from None
    except (SafetensorError, ValueError):
        raise Nonsense(f"The weights in {folder} cannot be read.", _REMEDY) from None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise Unavailable(f"The model file {path} is not there.", _REMEDY) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(path))
    except (ValueError, RecursionError):
        raise Nonsense(f"{path} is not JSON.", _REMEDY) from None
    if not isinstance(found, dict):
        raise Nonsense(f"{path} does not describe a model.", _REMEDY)
    return found


def _check_weights(weights: Mapping[str, npt.NDArray[np.float32]], config: ModelConfig) -> None:
    """Raises `Nonsense` for a weight that is missing, unknown, of another shape or type, or not a number."""
    shapes = config.shapes()
    for name in shapes.keys() ^ weights.keys():
        raise Nonsense(f"The weight {name} is {'missing' if name in shapes else 'not of this model'}.", _REMEDY)
    for name, shape in shapes.items():
        array = weights[name]
        if array.shape != shape or array.dtype != np.float32:
            raise Nonsense(f"The weight {name} is {array.dtype} {array.shape}, not float32 {shape}.", _REMEDY)
        if not np.isfinite(array).all():
            raise Nonsense(f"The weight {name} holds something that is not a number.", _REMEDY)
