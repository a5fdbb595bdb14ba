"""How alike two ideas sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jamlink.music.note import Note
from jamlink.music.pulse import SIXTEENTH
from jamlink.session.proposal import Candidate, ProposalRequest

Points = frozenset[tuple[int, int]]
"""(sixteenth, pitch) of each note."""

_CHORDS, _MELODY, _BASS = 3.0, 1.5, 0.5
"""What each part counts. Chords are what is read on the stand; a bass line under the same chords is no new idea."""


@dataclass(frozen=True, slots=True)
class Look:
    """An idea cut into beats and sixteenths, ready to be compared."""

    chords: tuple[tuple[int, str] | None, ...]
    """Root and quality, beat by beat."""
    melody: Points
    bass: Points

    @staticmethod
    def at(idea: Candidate, request: ProposalRequest) -> Look:
        """The look of `idea`, an answer to `request` or to an earlier one of the same meter."""
        beat = request.context.meter.beat_ticks
        chords: list[tuple[int, str] | None] = [None] * (request.slot.length // beat)
        for span in idea.chords:
            if span.chord:
                for i in range(span.onset // beat, min(len(chords), -(-span.end // beat))):
                    chords[i] = (span.chord.root, span.chord.quality.symbol)
        return Look(tuple(chords), _points(idea.melody), _points(idea.bass))

    def likeness(self, other: Look) -> float:
        """0 (nothing in common) to 1 (the same), over the parts that both have; 0 where there is none."""
        total = weight = 0.0
        if any(self.chords) and any(other.chords):
            total, weight = total + _CHORDS * _shared(self.chords, other.chords), weight + _CHORDS
        if self.melody and other.melody:
            total, weight = total + _MELODY * _overlap(self.melody, other.melody), weight + _MELODY
        if self.bass and other.bass:
            total, weight = total + _BASS * _overlap(self.bass, other.bass), weight + _BASS
        return total / weight if weight else 0.0


def likeness(a: Candidate, b: Candidate, request: ProposalRequest) -> float:
    """How alike two ideas for one slot sound, 0 to 1."""
    return Look.at(a, request).likeness(Look.at(b, request))


def _points(notes: Sequence[Note]) -> Points:
    return frozenset((round(note.onset / SIXTEENTH), note.pitch) for note in notes)


def _shared(a: Sequence[tuple[int, str] | None], b: Sequence[tuple[int, str] | None]) -> float:
    """Share of beats with one chord; half a point where only the quality differs."""
    points = 0.0
    for x, y in zip(a, b, strict=False):
        points += 1.0 if x == y else 0.5 if x and y and x[0] == y[0] else 0.0
    return points / max(len(a), len(b))


def _overlap(a: Points, b: Points) -> float:
    return 2 * len(a & b) / (len(a) + len(b))
