"""What was taken and captured, kept as clips: made and written by the errands' thread. One thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jamlink.errors import Nonsense
from jamlink.runtime.clips import Clips
from jamlink.runtime.errands import Errands
from jamlink.runtime.screen import Screen
from jamlink.session import effects as fx
from jamlink.timing.units import Ns


class Keeping:
    """`clips` is None where none are wanted; what came of a capture is said with `tell`."""

    def __init__(self, clips: Clips | None, errands: Errands, screen: Screen, tell: Callable[[str], None]) -> None:
        self._clips, self._errands, self._screen, self._tell = clips, errands, screen, tell

    def remember(self, entry: fx.Record) -> None:
        """The last records are what a capture is made of."""
        if self._clips is not None:
            self._clips.keep(entry.at, entry.value)

    def idea(self, taken: fx.Taken) -> None:
        """Keep an idea that was taken."""
        work = self._clips.idea(taken) if self._clips else None
        if work is not None:
            self._errands.run(work, lambda trouble: self._screen.trouble("clips", trouble))

    def capture(self, now: Ns) -> None:
        """Keep the bars that were played last."""
        clips = self._clips
        if clips is None:
            return
        try:
            work = clips.capture(now)
        except Nonsense as refused:
            self._tell(str(refused))
        else:
            self._errands.run(work, lambda trouble: self._tell(trouble or f"Kept as {clips.written}."))

    def sections(self) -> dict[str, Any]:
        """What a view shows."""
        clips = self._clips
        return {} if clips is None else {"clips": {"written": clips.written, "newest": clips.newest}}
