"""What of ours has been laid out in this run, as music: harmony and melody, for whoever is asked for more.

Bounded; ticks are those of the run.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from jamlink.music.chord import ChordSpan
from jamlink.music.note import Note
from jamlink.session.effects import Chorded
from jamlink.session.proposal import Candidate
from jamlink.timing.units import Ticks

REMEMBERED_SPANS = 256
_REMEMBERED_NOTES = REMEMBERED_SPANS * 8


class Ours:
    """One owner: the session. `chords` and `melody` are in the order in which they were laid out."""

    def __init__(self) -> None:
        self.chords: deque[ChordSpan] = deque(maxlen=REMEMBERED_SPANS)
        self.melody: deque[Note] = deque(maxlen=_REMEMBERED_NOTES)

    def placed(self, content: Candidate, start: Ticks) -> None:
        """An idea is laid out from `start` on."""
        self.chords.extend(span.shifted(start) for span in content.chords)
        self.melody.extend(note.shifted(start) for note in content.melody)

    def settled(self, beat: Chorded) -> None:
        """A beat of the accompaniment has its chord; where that goes on, it is one chord that lasts."""
        if beat.chord is None:
            return
        last = self.chords[-1] if self.chords else None
        if last is not None and last.chord == beat.chord and last.end == beat.at:
            self.chords[-1] = replace(last, duration=Ticks(last.duration + beat.duration))
        else:
            self.chords.append(ChordSpan(beat.at, beat.duration, beat.chord))

    def forget_from(self, tick: Ticks) -> None:
        """What begins at `tick` or later will not sound after all."""
        self.chords = deque((span for span in self.chords if span.onset < tick), maxlen=self.chords.maxlen)
        self.melody = deque((note for note in self.melody if note.onset < tick), maxlen=self.melody.maxlen)

    def clear(self) -> None:
        """Another run, or another place in the song."""
        self.chords.clear()
        self.melody.clear()
