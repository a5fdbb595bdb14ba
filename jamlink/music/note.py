"""A note, as music: no channel, no port, no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamlink.timing.units import Ticks


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """`onset` and `duration` in ticks (duration above 0), `pitch` 0 to 127, `velocity` 1 to 127."""

    onset: Ticks
    pitch: int
    duration: Ticks
    velocity: int = 80

    @property
    def end(self) -> Ticks:
        """Where the note ends."""
        return Ticks(self.onset + self.duration)

    def shifted(self, by: Ticks) -> Note:
        """The same note `by` ticks later."""
        return replace(self, onset=Ticks(self.onset + by))

    def transposed(self, semitones: int) -> Note:
        """The note `semitones` higher, moved by octaves where it would leave 0 to 127."""
        pitch = self.pitch + semitones
        while pitch > 127:
            pitch -= 12
        while pitch < 0:
            pitch += 12
        return replace(self, pitch=pitch)
