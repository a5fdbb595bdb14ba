"""What `jamlink eval` can do: the name of each task and where its `evaluate` is, imported only when it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from jamlink.errors import Nonsense, Unavailable

if TYPE_CHECKING:
    from jamlink.evaluation.result import Result

TASKS: Mapping[str, str] = {
    "accompany": "jamlink.evaluation.accompany:evaluate",
    "harmonise": "jamlink.evaluation.harmonise:evaluate",
    "chords": "jamlink.evaluation.chords:evaluate",
    "melody": "jamlink.evaluation.melody:evaluate",
    "frames": "jamlink.evaluation.frames:evaluate",
    "controls": "jamlink.evaluation.controls:evaluate",
    "originality": "jamlink.evaluation.originality:evaluate",
}
"""Name -> "module:function". The functions are keyword-only: data, model, seed, songs, say; see `evaluate`."""
ALL = "all"


def names_of(task: str) -> tuple[str, ...]:
    """The tasks that a word on the command line stands for. Raises `Nonsense` for a word that is none."""
    if task == ALL:
        return tuple(TASKS)
    if task not in TASKS:
        raise Nonsense(f"There is no evaluation {task!r}.", f"Choose one of {', '.join((*TASKS, ALL))}.")
    return (task,)


def evaluate(
    task: str, *, data: Path | None, model: str, seed: int = 0, songs: int = 0, say: Callable[[str], None]
) -> Result:
    """Run one task of TASKS.

    `data` is a folder of music (None: the shared set of the task), `model` a folder of models/ or a path ("": baselines
    alone), `songs` how many songs are drawn (0: all). Raises `Unavailable` where music, a model or torch is missing.
    """
    if data is not None and not data.is_dir():
        raise Nonsense(f"There is no folder {data}.", "Name a folder of MIDI, MusicXML or ABC files.")
    if songs < 0:
        raise Nonsense(f"{songs} songs cannot be drawn.", "Give a number above 0, or none for all.")
    module, _, function = TASKS[task].partition(":")
    try:
        result: Result = getattr(import_module(module), function)(
            data=data, model=model, seed=seed, songs=songs, say=say
        )
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("jamlink"):
            raise
        raise Unavailable(
            f"Evaluating {task} needs {missing.name}, which is not installed.", "Run: pip install 'jamlink[train]'"
        ) from None
    return result
