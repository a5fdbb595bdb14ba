"""Tap tempo: from the fourth tap on, the median of the last intervals is a beat."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, Ns, Tempo, bpm_of_tempo, ms

TAPS_NEEDED = 4
_REMEMBERED = 8
_FORGET_AFTER = ms(2_000)
"""A longer pause than this starts a new count: the slowest beat, 40 bpm, lasts 1.5 s."""


@dataclass(frozen=True, slots=True)
class Taps:
    """The moments tapped so far, oldest first."""

    moments: tuple[Ns, ...] = ()

    def tapped(self, at: Ns) -> Taps:
        """These taps and one more; a long pause forgets the old ones."""
        kept = self.moments if self.moments and at - self.moments[-1] <= _FORGET_AFTER else ()
        return Taps((*kept, at)[-_REMEMBERED:])

    @property
    def beat(self) -> Tempo | None:
        """The length of a beat in ns; None before the fourth tap or outside 40 to 240 bpm."""
        if len(self.moments) < TAPS_NEEDED:
            return None
        gaps = [b - a for a, b in zip(self.moments, self.moments[1:], strict=False)]
        beat = Tempo(round(median(gaps)))
        return beat if SLOWEST_BPM <= bpm_of_tempo(beat) <= FASTEST_BPM else None
