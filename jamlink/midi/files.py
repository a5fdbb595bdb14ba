"""Whole files in, whole files out: read with a limit, written so that a crash leaves the old file or the new one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from jamlink.errors import Nonsense, Unavailable


def read_whole(path: Path, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes. Raises `Nonsense` for a missing, unreadable or larger one."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        why = (error.strerror or "it cannot be read").lower()
        raise Nonsense(f"{path} cannot be read: {why}.", "Check the name and that you may read it.") from None
    if len(data) > limit:
        size = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 2**10} kB"
        raise Nonsense(f"{path} is larger than {size}.", "Choose a smaller file.")
    return data


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` in place of what is at `path`: beside it first, onto the disk, then renamed over it.

    Blocks until the disk has it. Raises `Unavailable` where the folder cannot be written; the old file is then intact.
    """
    try:
        _replace(path, data)
    except OSError as error:
        why = (error.strerror or "the disk refused").lower()
        raise Unavailable(f"{path} cannot be written: {why}.", "Free some space or choose another folder.") from None


def _replace(path: Path, data: bytes) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644)  # mkstemp makes files that only their owner may read
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable; systems that cannot open a folder (Windows) do it by themselves."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
