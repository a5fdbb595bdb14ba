"""Which key the notes are in.

Five things are weighed: how long each pitch class sounds, how often it strikes, the steps of the top line (the leading
note going home says more than any count), the first note and the last. The weights are in `key_profiles`; adding them
up and normalising gives a probability for each of the 24 keys that is right as often as it says on tunes it was not
fitted to. `KeyTracker` runs along with the music and changes its mind only on lasting evidence.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import mul

from jamlink.music import key_profiles as profiles
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

TOGETHER = Ticks(80)
"""Onsets nearer than this are one chord: 42 ms at 120 bpm, and shorter than a 32nd note."""
_LONGEST = 2 * TICKS_PER_QUARTER
"""What sounds longer tells no more: a pedal point is not a key."""
_MOST_ONSETS = 64
_KEYS = tuple(Key(tonic, minor) for minor in (False, True) for tonic in range(12))


@dataclass(frozen=True, slots=True)
class KeyEstimate:
    """The likeliest key, how likely it is (0 to 1), and how likely all are (major from C upwards, then minor)."""

    key: Key
    confidence: float
    chances: tuple[float, ...]


def estimate_key(notes: Iterable[Note]) -> KeyEstimate | None:
    """The key of `notes`; None without notes. Causal if the notes are: it looks at nothing else."""
    ordered = sorted(notes)
    if not ordered:
        return None
    chances = _chances(ordered)
    best = max(range(24), key=chances.__getitem__)
    return KeyEstimate(_KEYS[best], chances[best], tuple(chances))


def _chances(notes: Sequence[Note]) -> list[float]:
    """Probabilities of the 24 keys (softmax)."""
    groups = together(notes)
    scores = _scores(notes, groups)
    top = max(scores)
    odds = [math.exp((score - top) / 100) for score in scores]
    total = sum(odds)
    return [odd / total for odd in odds]


def together(notes: Sequence[Note]) -> list[list[Note]]:
    """Sorted notes, gathered into chords that strike at once."""
    groups: list[list[Note]] = []
    for note in notes:
        if groups and note.onset - groups[-1][0].onset < TOGETHER:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _scores(notes: Sequence[Note], groups: Sequence[Sequence[Note]]) -> list[float]:
    """Log odds of the 24 keys, in hundredths."""
    scale = math.sqrt(min(len(groups), _MOST_ONSETS))
    lengths, counts = [0.0] * 12, [0.0] * 12
    for note in notes:
        lengths[note.pitch % 12] += min(note.duration, _LONGEST)
        counts[note.pitch % 12] += 1
    lengths = [scale * x / sum(lengths) for x in lengths]
    counts = [scale * x / len(notes) for x in counts]
    line = [max(note.pitch for note in group) % 12 for group in groups]
    steps = Counter(pairwise(line))
    each = scale / max(1, len(line) - 1)
    first, last = min(note.pitch for note in groups[0]) % 12, line[-1]
    scores = []
    for mode in (0, 1):
        weigh_length, weigh_count = profiles.LENGTH[mode], profiles.COUNT[mode]
        weigh_step = profiles.STEP[mode]
        for tonic in range(12):
            score = sum(map(mul, lengths[tonic:] + lengths[:tonic], weigh_length))
            score += sum(map(mul, counts[tonic:] + counts[:tonic], weigh_count))
            score += each * sum([n * weigh_step[(a - tonic) % 12][(b - tonic) % 12] for (a, b), n in steps.items()])
            score += profiles.FIRST[mode][(first - tonic) % 12] + profiles.LAST[mode][(last - tonic) % 12]
            scores.append(score + mode * profiles.MINOR_BIAS)
    return scores


_REMEMBERED = Ticks(32 * TICKS_PER_QUARTER)
_MOST_NOTES = 96
_FIRST_OPINION = 4
"""Fewer notes than this are in no key yet."""
_SURE = 0.55
_IN_A_ROW = 4
"""A rival key must lead for this many notes on end, and be this likely, before the key changes."""


@dataclass(frozen=True, slots=True)
class KeyTracker:
    """The key as it is heard. A value: `updated` gives a new one. Looks back eight bars of 4/4, 96 notes at most."""

    key: Key | None = None
    confidence: float = 0.0
    """How likely `key` is now, 0 to 1."""
    rival: Key | None = None
    lead: int = 0
    """For how many notes on end the rival has led."""
    recent: tuple[Note, ...] = ()

    def updated(self, note: Note) -> KeyTracker:
        """The tracker after one more note. Notes may come in the order of their ends."""
        since = note.onset - _REMEMBERED
        recent = (*(n for n in self.recent[1 - _MOST_NOTES :] if n.onset > since), note)
        if len(recent) < _FIRST_OPINION:
            return replace(self, recent=recent)
        estimate = estimate_key(recent)
        assert estimate is not None
        return self._heard(estimate, recent)

    def _heard(self, estimate: KeyEstimate, recent: tuple[Note, ...]) -> KeyTracker:
        if self.key is None or estimate.key == self.key:
            return KeyTracker(estimate.key, estimate.confidence, recent=recent)
        lead = self.lead + 1 if estimate.key == self.rival else 1
        if lead >= _IN_A_ROW and estimate.confidence >= _SURE:
            return KeyTracker(estimate.key, estimate.confidence, recent=recent)
        now = estimate.chances[_KEYS.index(self.key)]
        return KeyTracker(self.key, now, estimate.key, lead, recent)
