"""Where clips go: a folder that a DAW's browser can watch, with one folder inside for each jam.

The session's thread only gathers; scores are made and files written by the errands' thread, each file whole or not at
all (a part of one is hidden and renamed at the end). Names that are taken get a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense, Unavailable
from jamlink.ledger.clips import Clip, captured, idea_clip
from jamlink.ledger.tape import Tape
from jamlink.midi.smf import write_score
from jamlink.session.effects import Clocked, Recorded, Taken
from jamlink.timing.meter import parse_meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import TICKS_PER_QUARTER, Ns

Work = Callable[[], object]
"""For the errands' thread."""
MOST_OF_A_NAME = 1_000


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """`folder` is this jam's own, None for no clips; `bars` how far "capture" reaches back; `programs` General MIDI
    programs (from 0) by role, where the player asked for them."""

    folder: Path | None
    bars: int = 8
    programs: Mapping[str, int] | None = None


class Clips:
    """One owner: the session's thread; what it returns as work is run elsewhere."""

    def __init__(self, settings: ClipSettings, began: Ns, timeline: Timeline, meter: str) -> None:
        self._settings = settings
        self._tape = Tape.of(began, timeline, meter)
        self._written = ""
        self._newest: dict[str, Any] = {}

    @property
    def newest(self) -> dict[str, Any]:
        """The idea that was taken last, as plain data that must not be changed: for bridges that hand clips over."""
        return self._newest

    @property
    def written(self) -> str:
        """The name of the file that was written last; empty before the first."""
        return self._written

    def keep(self, at: Ns, value: Recorded) -> None:
        """The session wrote this down."""
        self._tape.keep(at, value)

    def idea(self, taken: Taken) -> Work | None:
        """An idea was accepted: the work of writing it, None where no clips are kept."""
        clip = idea_clip(taken, self._settings.programs)
        self._newest = _plain(taken.proposal_id, clip)
        return self._writing(lambda: clip)

    def capture(self, now: Ns) -> Work:
        """The work of writing down the last bars. Raises `Nonsense` where that cannot be."""
        last, bars = self._tape.last, self._settings.bars
        if self._settings.folder is None:
            raise Nonsense("Clips are switched off.", "Name a folder for them in the settings, under [clips].")
        if last is None:
            raise Nonsense("Nothing was played yet.", "Play, then capture.")
        story = self._tape.since(self._tape.reach(bars + 1, last), max(now, last))
        first, bars = _counted(self._tape.clock(last), last, bars)
        work = self._writing(lambda: captured(story(), bars, first))
        assert work is not None
        return work

    def _writing(self, make: Callable[[], Clip]) -> Work | None:
        folder = self._settings.folder
        if folder is None:
            return None

        def write() -> None:
            clip = make()
            path = free_path(folder, clip.name)
            write_score(clip.score, path)
            self._written = path.name

        return write


def free_path(folder: Path, name: str) -> Path:
    """Where `name` can be written in `folder`, which is made where it is missing. Raises `Unavailable`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        why = (refused.strerror or "the disk refuses").lower()
        raise Unavailable(f"Clips cannot be kept in {folder}: {why}.", "Choose another folder.") from None
    for number in count(1):
        path = folder / (f"{name}.mid" if number == 1 else f"{name} ({number}).mid")
        if not path.exists():
            return path
        if number > MOST_OF_A_NAME:
            raise Unavailable(f"{folder} is full of clips called {name}.", "Move them elsewhere.")
    raise AssertionError


def _counted(clock: Clocked, last: Ns, bars: int) -> tuple[int | None, int]:
    """Of the `bars` bars that end with the one of `last`: the number of the first, from 1, and how many there are since
    the clock began to run; None and all of them outside the clock."""
    last_bar = parse_meter(clock.meter).at(clock.timeline.tick_at(last)).bar + 1
    if not clock.playing or last_bar < 1:
        return None, bars
    first = max(1, last_bar + 1 - bars)
    return first, last_bar + 1 - first


def _plain(number: int, clip: Clip) -> dict[str, Any]:
    notes = [
        [part.name, note.onset, note.duration, note.pitch, note.velocity]
        for part in clip.score.parts
        for note in part.notes
    ]
    return {"id": number, "name": clip.name, "quarters": clip.length / TICKS_PER_QUARTER, "notes": notes}
