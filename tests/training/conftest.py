"""The tiny recipe and corpus, written anew for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tiny import RECIPE, write_corpus


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def corpus_folder(tmp_path: Path) -> Path:
    """Forty charts that turn round ii V I; every fourth is held out."""
    return write_corpus(tmp_path, "Dm7 G7 Cmaj7 Am7")
