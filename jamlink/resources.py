"""Where the data that ships with jamlink lies: trained models and controller maps.

A clone has the folders at its root; an installed wheel has them inside the package, at `jamlink/_data`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jamlink.errors import Unavailable

DATA_FOLDERS = ("models", "midi_maps")


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
