"""The tempo of what somebody plays: several guesses at the beat go along with the notes, and the best one speaks.

Each guess is a beat and a place; notes near where it expects a beat confirm it and pull it a little, notes at its
halves and thirds are no harm, long silence weakens all. New guesses come from the gaps between recent notes. The idea
of many agents that compete is S. Dixon's ("Automatic extraction of tempo and beat from expressive performances", 2001).
Whether the beat is felt in quarters or in halves no clock can know: `doubled` and `halved` settle it with one touch.

It says nothing of where bars are, and little of tempo in free playing; it is followed only where it was asked for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from math import exp, log2

from jamlink.midi.events import MidiEvent, NoteOn
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.sync.base import Own
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import FASTEST_BPM, NS_PER_SECOND, SLOWEST_BPM, TICKS_PER_QUARTER, Ns, Tempo, Ticks, ms

_REMEMBERED = 12
_TOGETHER = ms(45)
"""Notes nearer than this are one onset: a chord."""
_GUESSES = 12
_NEAR = 0.09
"""A note is on a beat within this part of it."""
_PULL_PLACE, _PULL_BEAT = 0.35, 0.12
_FORGET = 0.9
_SURE = 3.5
_BETTER = 1.15
"""Another guess speaks when it is so much better."""
_LIKELY_BPM, _WIDTH = 105.0, 0.9
"""Where people tap along, in bpm, and how far from it in octaves."""
_FASTEST_BEAT = 60 * NS_PER_SECOND / FASTEST_BPM
_SLOWEST_BEAT = 60 * NS_PER_SECOND / SLOWEST_BPM


@dataclass(frozen=True, slots=True)
class Guess:
    """A beat of `beat` ns, one of them at `at`; it is number `number` of them."""

    beat: float
    at: float
    number: int
    score: float = 0.0

    def heard(self, at: float) -> Guess:
        """With one more onset."""
        beats = (at - self.at) / self.beat
        nearest = round(beats)
        off = beats - nearest
        kept = self.score * _FORGET ** max(0.25, min(beats, 4.0))
        if abs(off) > _NEAR:
            between = min(abs(abs(off) - part) for part in (1 / 4, 1 / 3, 1 / 2))
            return replace(self, score=kept + (0.15 if between < _NEAR / 2 else -0.5))
        place = self.at + nearest * self.beat + _PULL_PLACE * off * self.beat
        beat = self.beat * (1 + _PULL_BEAT * off / max(1, nearest)) if nearest else self.beat
        return Guess(beat, place, self.number + nearest, kept + 1 - 4 * abs(off))

    @property
    def bpm(self) -> float:
        """Beats a minute."""
        return 60 * NS_PER_SECOND / self.beat

    def worth(self, likely: float) -> float:
        """Its score, the more the nearer its beat is to the `likely` one, in beats a minute."""
        octaves = log2(self.bpm / likely)
        return self.score * exp(-0.5 * (octaves / _WIDTH) ** 2)


class Playing:
    """Listens to onsets. One thread."""

    source = Source.PLAYING

    def __init__(self) -> None:
        self._onsets: deque[Ns] = deque(maxlen=_REMEMBERED)
        self._guesses: list[Guess] = []
        self._best: Guess | None = None
        self._likely = _LIKELY_BPM
        """Where this player feels the beat, in beats a minute, as far as that was said."""

    def hear(self, event: MidiEvent, own: Own) -> None:
        """See `ClockSource`."""
        if not isinstance(event, NoteOn) or (self._onsets and event.at - self._onsets[-1] < _TOGETHER):
            return
        self._guesses = [guess.heard(event.at) for guess in self._guesses]
        self._guesses += [Guess(beat, event.at, 0, 0.5) for beat in self._gaps(event.at)]
        self._onsets.append(event.at)
        self._keep_the_best()

    def doubled(self) -> None:
        """The beat is half as long."""
        self._scale(0.5)

    def halved(self) -> None:
        """The beat is twice as long."""
        self._scale(2.0)

    def reading(self, now: Ns, own: Own) -> Followed | None:
        """See `ClockSource`. Nothing is known of starts and stops."""
        best = self._best
        if best is None or not self._onsets:
            return None
        silent = now - self._onsets[-1]
        bond = Bond.LOCKED if best.score >= _SURE else Bond.SEEKING
        if silent > 2 * best.beat:
            bond = Bond.LOST if silent > own.two_bars else Bond.BRIDGED
        tick = Ticks(best.number * TICKS_PER_QUARTER)
        return Followed(self.source, bond, None, Timeline(Tempo(round(best.beat)), tick, Ns(round(best.at))))

    def _gaps(self, at: Ns) -> list[float]:
        """Beats that the gaps to recent onsets may be: themselves, halves and doubles."""
        gaps = [float(at - before) for before in self._onsets]
        return [
            gap * factor for gap in gaps for factor in (0.5, 1.0, 2.0) if _FASTEST_BEAT <= gap * factor <= _SLOWEST_BEAT
        ]

    def _keep_the_best(self) -> None:
        kept: list[Guess] = []
        for guess in sorted(self._guesses, key=lambda guess: -guess.worth(self._likely)):
            if _FASTEST_BEAT <= guess.beat <= _SLOWEST_BEAT and not any(_alike(guess, other) for other in kept):
                kept.append(guess)
        self._guesses = kept[:_GUESSES]
        speaks = next((guess for guess in kept if self._best and _alike(guess, self._best)), None)
        first = kept[0] if kept else None
        if speaks is None or (first is not None and first.worth(self._likely) > _BETTER * speaks.worth(self._likely)):
            speaks = self._numbered(first) if first and first.score >= _SURE else speaks
        if speaks is not None:
            self._best = self._numbered(speaks)

    def _numbered(self, guess: Guess) -> Guess:
        """Counted on from the guess that spoke before, so that beats stay whole."""
        old = self._best
        if old is None:
            return guess
        return replace(guess, number=old.number + round((guess.at - old.at) / old.beat))

    def _scale(self, factor: float) -> None:
        if self._best is None or not _FASTEST_BEAT <= self._best.beat * factor <= _SLOWEST_BEAT:
            return
        best = replace(self._best, beat=self._best.beat * factor, score=self._best.score + _SURE)
        self._best, self._likely = best, best.bpm
        self._guesses = [best, *self._guesses[: _GUESSES - 1]]


def _alike(guess: Guess, other: Guess) -> bool:
    """Whether two guesses are about the same beat in the same place."""
    if abs(guess.beat / other.beat - 1) > 0.04:
        return False
    off = (guess.at - other.at) / other.beat
    return abs(off - round(off)) < _NEAR
