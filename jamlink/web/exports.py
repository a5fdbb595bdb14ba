"""What can be taken home from the page, made from the session file by the page's process: the session is not asked.

The session file is read while it is written; what is not on the disk yet is not in it. Every function here may be
called from any thread, and takes as long as the session is. What reads a session is imported when it is asked for: the
page is there sooner.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense, Unavailable

LONGEST_NAME = 64
_NAME = re.compile(r"\w(?:[\w .()'&+-]*[\w)'])?", re.UNICODE)
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that mean a device on Windows, whatever comes after a dot."""


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of file: `ending` of its name, its media type, and what makes it of a session file and the title that the
    player gave, which may be empty."""

    ending: str
    media_type: str
    make: Callable[[Path, str], bytes]


def plain_name(name: str, fallback: str) -> str:
    """`name` where it is a plain one, of letters, digits, spaces and a few signs; `fallback` for an empty one.

    Raises `Nonsense` for a path, a device, or what a disk could misread.
    """
    name = name.strip() or fallback
    if len(name) > LONGEST_NAME:
        raise Nonsense("That name is too long.", f"Use {LONGEST_NAME} letters at most.")
    if _DEVICES.fullmatch(name):
        raise Nonsense("That name is a device's on Windows, no plain name.", "Choose another one.")
    if not _NAME.fullmatch(name) or ".." in name:
        raise Nonsense("That is not a plain name.", "Use letters, digits and spaces, and no path.")
    return name


def midi(session: Path, title: str) -> bytes:
    """Both players, a track for each role, tempo, meter and chord markers."""
    from jamlink.ledger.export import score_of
    from jamlink.ledger.story import tell
    from jamlink.midi.smf import score_bytes

    return score_bytes(score_of(tell(session), title))


def lead_sheet(session: Path, title: str) -> bytes:
    """MusicXML: a staff for each player, with chords."""
    from jamlink.ledger.musicxml import musicxml

    return musicxml(session, title)


def whole_session(session: Path, title: str) -> bytes:
    """The session file as it stands on the disk, whole although it is still being written; it has no title. Raises
    `Unavailable`."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.jam"
        try:
            with (
                closing(sqlite3.connect(f"{session.resolve().as_uri()}?mode=ro", uri=True)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
        except sqlite3.Error as trouble:
            raise Unavailable(f"The session file cannot be read now: {trouble}.", "Try again.") from None
        return copy.read_bytes()


EXPORTS: dict[str, Export] = {
    "midi": Export(".mid", "audio/midi", midi),
    "musicxml": Export(".musicxml", "application/vnd.recordare.musicxml+xml", lead_sheet),
    "session": Export(".jam", "application/octet-stream", whole_session),
}


def history(session: Path, before: int) -> dict[str, Any]:
    """Ideas that were offered before the one with the id `before`, newest first, as the state's history has them."""
    from jamlink.ledger.ideas import older

    return older(session, before)
