"""What a model learns from, and how it is taught."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jamlink.errors import Nonsense, Unavailable
from jamlink.resources import shared_music

if TYPE_CHECKING:
    from jamlink.training.corpus import Wanted


def build_corpus(wanted: Wanted, out: Path, workers: int, say: Callable[[str], None]) -> list[dict[str, object]]:
    """The packed corpus that training reads; -> what came in, by source. With no music named, the shared music."""
    from jamlink.training.corpus import build

    if wanted.data is None and not wanted.music:
        wanted = replace(wanted, data=shared_music() / "data")
    return build(wanted, out, workers=workers, say=say)


def index_corpus(corpus: Path, out: Path, say: Callable[[str], None]) -> Path:
    """The index of what a corpus teaches, which tells how near an idea comes to it; -> the file."""
    from jamlink.proposers.originality import FILE
    from jamlink.training.examples import Corpus
    from jamlink.training.originality_index import build

    if out.suffix == ".npz" and out.name != FILE:
        raise Nonsense(f"An index is called {FILE}, and {out} is not.", "Name its folder with --out.")
    path = corpus / "corpus.npz" if corpus.is_dir() else corpus
    try:
        found = Corpus(path)
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
        raise Nonsense(f"{path} is damaged.", "Build the corpus again: jamlink corpus build.") from None
    folder = out.parent if out.suffix == ".npz" else out
    try:
        return build(found, folder, unpacked=path.parent / "unpacked", say=say)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}.", "Name another folder with --out.") from None


def train(recipe: Path, corpus: Path | None, run: Path | None, minutes: float | None, device: str) -> None:
    """Train, or go on training, and export the model beside the run's state; a benchmark's recipe needs no corpus."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: spinning threads starve each other
    try:
        from jamlink.training.benchmarks import default_run, is_benchmark, train_benchmark
        from jamlink.training.loop import train as teach
    except ModuleNotFoundError as missing:
        raise Unavailable(
            f"Training needs {missing.name}, which is not installed.", "Run: pip install 'jamlink[train]'"
        ) from None
    if is_benchmark(recipe):
        train_benchmark(recipe, None, run or default_run(recipe.resolve().parent.name), minutes or 0.0, print)
        return
    if corpus is None or run is None:
        raise Nonsense("There is no corpus or no run folder.", "Name both: --corpus FOLDER --run FOLDER.")
    teach(recipe, corpus, run, minutes=minutes or 0.0, device=device)
