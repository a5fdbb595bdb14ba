"""Files that are written: whether they can be, and how a session file begins."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jamlink import __version__
from jamlink.errors import Nonsense, Unavailable
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header
from jamlink.timing.units import Ns


def new_header(setup: SessionSettings, started: Ns) -> Any:
    """The first entry of a session file; no other entry holds wall time."""
    return header(setup, started, __version__, datetime.now(UTC).isoformat(timespec="seconds"))


def check_target(target: Path, source: Path) -> None:
    """Whether a file can go to `target` and harms nothing there.

    Raises `Nonsense` for a target that would overwrite what is read or a session, `Unavailable` where nothing can be
    written.
    """
    if target.is_dir():
        raise Nonsense(f"{target} is a folder.", f"Name the file to write, like {target / 'out.mid'}.")
    if target.suffix == ".jam" or (target.exists() and source.exists() and target.samefile(source)):
        raise Nonsense(f"Writing to {target} would overwrite a recording.", "Choose another name, ending in .mid.")
    check_folder(target)


def check_folder(target: Path, *, ours: bool = False) -> None:
    """Raises `Unavailable` where nothing can be written beside `target`. A folder of jamlink's own is made."""
    try:
        if ours:
            target.parent.mkdir(parents=True, exist_ok=True)
        elif not target.parent.is_dir():
            what = f"{target} cannot be written: there is no folder {target.parent}."
            raise Unavailable(what, "Make it, or choose another folder.")
        with tempfile.TemporaryFile(dir=target.parent):
            return
    except OSError as trouble:
        what = f"{target} cannot be written: {(trouble.strerror or 'the disk refuses').lower()}."
        raise Unavailable(what, "Choose another folder.") from None
