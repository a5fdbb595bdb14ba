"""What a training run leaves on the disk, and how it is found again: killed at any moment, or on a full disk.

    run.json         which recipe, corpus and words the run is of; written once
    recipe.toml      the recipe as it was
    state.pt         network, optimisers, where the run is: the newest
    state-before.pt  the one before

A state is written beside the others and onto the disk before it takes the place of the newest, which then becomes the
one before. So one whole state is there at every moment once there has been one.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from jamlink.errors import Nonsense, Unavailable
from jamlink.midi.files import write_whole

NEWEST, NEXT, BEFORE = "state.pt", "state-next.pt", "state-before.pt"
IDENTITY = "run.json"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is of: hashes of the recipe (as far as it decides what is learnt), the corpus and the words."""

    name: str
    recipe: str
    corpus: str
    vocabulary: str


def hash_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def claim(folder: Path, identity: Identity, recipe_text: str) -> None:
    """Make `folder` the run's own, and clear away what a kill left half written.

    Raises `Nonsense` where it belongs to another recipe, corpus or vocabulary.
    """
    path = folder / IDENTITY
    if not path.exists():
        write_whole(folder / "recipe.toml", recipe_text.encode())
        write_whole(path, (json.dumps(asdict(identity), indent=1) + "\n").encode())
        return
    try:
        found = Identity(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise Nonsense(
            f"{path} is damaged.", "Take it away if you know what the run is of, or begin another."
        ) from None
    for what in ("recipe", "corpus", "vocabulary"):
        if getattr(found, what) != getattr(identity, what):
            raise Nonsense(
                f"The run in {folder} was begun with another {what} (it is called {found.name}).",
                "Go on with what it was begun with, or name another folder with --run.",
            )
    for part in folder.glob(".*.part"):  # jamlink.midi.files.write_whole names them so
        part.unlink(missing_ok=True)


def save(folder: Path, state: Mapping[str, Any]) -> None:
    """Put a state into the folder, and keep the one before. Raises `Unavailable` where the disk refuses."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    try:
        write_whole(folder / NEXT, buffer.getvalue())
        if whole(folder / NEWEST):
            os.replace(folder / NEWEST, folder / BEFORE)
        os.replace(folder / NEXT, folder / NEWEST)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}.", "Free some space.") from None


def whole(path: Path) -> bool:
    """Whether a file is a state that was written to its end and has not changed since."""
    try:
        with zipfile.ZipFile(path) as packed:
            return packed.testzip() is None
    except (OSError, zipfile.BadZipFile, EOFError):
        return False


def newest(folder: Path, device: str, say: Callable[[str], None]) -> dict[str, Any] | None:
    """The newest whole state; None where there has been none. Damaged ones are said and passed over.

    Raises `Nonsense` where there are states and none is whole.
    """
    there = [folder / name for name in (NEWEST, NEXT, BEFORE) if (folder / name).exists()]
    found = []
    for path in there:
        state = _read(path, device)
        if state is None:
            say(f"{path} is damaged and is passed over.")
        else:
            found.append(state)
    if there and not found:
        raise Nonsense(f"No state in {folder} is whole.", "Begin again in another folder.")
    return max(found, key=lambda state: int(state["step"])) if found else None


def _read(path: Path, device: str) -> dict[str, Any] | None:
    if not whole(path):
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, UnpicklingError, OSError, EOFError, ValueError, KeyError):
        return None
    return state if isinstance(state, dict) and "step" in state else None
