"""Where the data that ships with jamlink lies: trained models and controller maps.

A clone has the folders at its root; an installed wheel has them inside the package, at `jamlink/_data`.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from jamlink.errors import Unavailable

DATA_FOLDERS = ("models", "midi_maps")
MUSIC_VARIABLE = "JAMLINK_DATA"
"""The environment variable that names the folder of music to train on and to be judged by."""


def data_folder(name: str) -> Path:
    """The folder `name` of DATA_FOLDERS. Raises `Unavailable` where the installation has none.

    A clone comes before a wheel: who works in a clone means its files.
    """
    if name not in DATA_FOLDERS:
        raise ValueError(f"{name!r} is none of {', '.join(DATA_FOLDERS)}")
    package = Path(str(files("jamlink")))
    for folder in (package.parent / name, package / "_data" / name):
        if folder.is_dir() and (folder.parent == package / "_data" or _is_clone(package.parent)):
            return folder
    raise Unavailable(f"This installation has no folder {name!r}.", "Install jamlink again, from a release or a clone.")


def _is_clone(root: Path) -> bool:
    """Whether `root` is a clone of jamlink, and not a site-packages folder that happens to hold such a name."""
    return (root / "pyproject.toml").is_file()


def shared_music() -> Path:
    """The folder that holds `data` (music to train on) and `data-eval` (music to be judged by).

    It is what JAMLINK_DATA names, else the folder `shared` beside the clone. Raises `Unavailable` where there is none.
    """
    named = os.environ.get(MUSIC_VARIABLE, "")
    root = Path(str(files("jamlink"))).parent
    folder = Path(named).expanduser() if named else root.parent / "shared"
    if any((folder / part).is_dir() for part in ("data", "data-eval")) and (named or _is_clone(root)):
        return folder
    where = f"{MUSIC_VARIABLE} names {folder}, which has no folder data or data-eval."
    raise Unavailable(
        where if named else "No music lies beside jamlink.",
        f"Name your own with --data, or set {MUSIC_VARIABLE} to the folder with data and data-eval.",
    )
