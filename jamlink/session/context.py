"""What a proposer may see, and nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Tempo, Ticks


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """The recent past, in ticks of the session's timeline.

    `start` is a bar line; everything lies in [start, end). `heard` is what the player played, quantised by nobody yet,
    sorted by onset. `chords` is the harmony as it was: accepted chords where there were any, else chords heard; sorted,
    not overlapping. `melody` is what jamlink's own melody role sounded. `key` is the key heard or locked.
    """

    start: Ticks
    end: Ticks
    meter: Meter
    tempo: Tempo
    key: Key | None
    heard: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]
    melody: tuple[Note, ...] = ()

    @property
    def fingerprint(self) -> str:
        """A hash of everything a proposer can see; equal windows have equal fingerprints on every machine."""
        text = repr(self)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
