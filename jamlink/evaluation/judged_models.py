"""The models that are judged, by name or path."""

from __future__ import annotations

from pathlib import Path

from jamlink.nn import checkpoint
from jamlink.nn.checkpoint import Checkpoint
from jamlink.resources import data_folder
from jamlink.tokens import vocab

SHIPPED = "jam-s"


def folder_of(model: str) -> Path:
    """A folder of models/ by name, or any folder by path; the shipped model's for ""."""
    name = model or SHIPPED
    return Path(name) if len(Path(name).parts) > 1 else data_folder("models") / name


def read_model(model: str) -> Checkpoint:
    """The checkpoint in it. Raises `Nonsense` or `Unavailable` as `checkpoint.load`."""
    return checkpoint.load(folder_of(model), vocab.HASH)
