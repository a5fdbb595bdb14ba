"""What the melody benchmark is compared with: n-grams that know the chord and the place in the bar, and memory.

A system answers, before each note, with a probability for every pitch and, once the pitch is known, for every duration.
It knows the notes before, where in the bar the note begins, and the chord there, as the network does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from jamlink.evaluation.counting import Interpolated, Ints, Values, fit_weights, memory
from jamlink.nn.melody import DURATIONS, NONE, PITCHES, NoteFields

LONGEST = 8
"""Notes of a run that a tune remembers."""
_STEPS = 2 * PITCHES
_NO_STEP = _STEPS
Contexts = tuple[tuple[int, ...], ...]
Shares = tuple[Values, Values]
"""(notes, PITCHES) and (notes, durations): each row sums to 1 (a memory's to 0 where it has none)."""


class Ngram:
    """Witten-Bell n-grams by height, by step and, `with_chords`, by chord and bar; their mixture is fitted on `valid`.

    Heights: up to three notes before. Steps: up to four steps before. Chords: the last note over the root, the chord's
    quality, the place in the bar, the last step. Durations: up to three before, with the place in the bar.
    """

    def __init__(self, train: Sequence[Ints], valid: Sequence[Ints], *, with_chords: bool) -> None:
        self.ways = 3 if with_chords else 2
        self.tables = [Interpolated() for _ in range(self.ways)]
        self.times = Interpolated()
        self.with_bar = with_chords
        for song in train:
            for i in range(len(song)):
                for way, table in enumerate(self.tables):
                    table.add(_contexts(song, i, way), _word(song, i, way))
                self.times.add(self._time_contexts(song, i), int(song[i, NoteFields.DURATION]))
        self.weights = np.full((1, self.ways), 1 / self.ways)
        shares = [
            np.stack([ways[:, pitch] for pitch, ways in zip(song[:, 0], self._each(song), strict=True)])
            for song in valid
        ]
        self.weights = fit_weights(shares)

    def pitch(self, song: Ints, i: int) -> Values:
        """(PITCHES,) probabilities of note i; only what is known before it is looked at."""
        return np.asarray(self.weights[0] @ self._ways(song, i))

    def shares(self, song: Ints) -> Shares:
        """See Shares."""
        pitches = np.stack([self.pitch(song, i) for i in range(len(song))])
        times = [self.times.all(self._time_contexts(song, i), len(DURATIONS)) for i in range(len(song))]
        return pitches, np.stack(times)

    def _each(self, song: Ints) -> list[Values]:
        return [self._ways(song, i) for i in range(len(song))]

    def _ways(self, song: Ints, i: int) -> Values:
        """(ways, PITCHES)."""
        found = []
        last = int(song[i - 1, NoteFields.PITCH]) if i else PITCHES // 2
        for way, table in enumerate(self.tables):
            if way == 0:
                found.append(table.all(_contexts(song, i, way), PITCHES))
            else:
                steps = table.all(_contexts(song, i, way), _STEPS)[PITCHES - last : 2 * PITCHES - last]
                found.append(steps / steps.sum())
        return np.stack(found)

    def _time_contexts(self, song: Ints, i: int) -> Contexts:
        before = [int(d) for d in song[max(0, i - 3) : i, NoteFields.DURATION][::-1]] + [-1] * max(0, 3 - i)
        bar = (int(song[i, NoteFields.PLACE]), int(song[i, NoteFields.METER])) if self.with_bar else ()
        return ((), (before[0],), (before[0], *bar), (*before[:2], *bar), (*before, *bar))


class NotesAlone:
    """How often each pitch and each duration occurs (add one half), whatever is before."""

    def __init__(self, train: Sequence[Ints]) -> None:
        notes = np.concatenate(train)
        pitches = np.bincount(notes[:, NoteFields.PITCH], minlength=PITCHES) + 0.5
        times = np.bincount(notes[:, NoteFields.DURATION], minlength=len(DURATIONS)) + 0.5
        self.pitch_shares, self.time_shares = pitches / pitches.sum(), times / times.sum()

    def shares(self, song: Ints) -> Shares:
        """See Shares."""
        return np.tile(self.pitch_shares, (len(song), 1)), np.tile(self.time_shares, (len(song), 1))


def _word(song: Ints, i: int, way: int) -> int:
    """The pitch itself, or its step from the note before (from the middle of the range at the beginning)."""
    pitch = int(song[i, NoteFields.PITCH])
    last = int(song[i - 1, NoteFields.PITCH]) if i else PITCHES // 2
    return pitch if way == 0 else pitch - last + PITCHES


def _contexts(song: Ints, i: int, way: int) -> Contexts:
    heights = [int(p) for p in song[max(0, i - 5) : i, NoteFields.PITCH][::-1]]
    if way == 0:
        heights = (heights + [NONE] * 3)[:3]
        return tuple(tuple(heights[:n]) for n in range(4))
    steps = [a - b for a, b in pairwise(heights)]
    steps = (steps + [_NO_STEP] * 4)[:4]
    if way == 1:
        return tuple(tuple(steps[:n]) for n in range(5))
    fields = [int(field) for field in song[i]]
    root, quality = fields[NoteFields.ROOT], fields[NoteFields.QUALITY]
    over = (heights[0] - root) % 12 if heights and root < 12 else 12
    place = (fields[NoteFields.PLACE], fields[NoteFields.METER])
    return ((over,), (over, quality), (over, quality, steps[0]), (over, quality, steps[0], *place))


def remembered(song: Ints) -> tuple[Shares, Ints]:
    """What the tune says of itself: shares of what followed its latest notes before, and groups by length of the run.

    A group is twice the run's length (0 .. LONGEST), one more where all its earlier occurrences agree.
    """
    notes = [(int(pitch), int(duration)) for pitch, duration in song[:, :2]]
    seen, lengths = memory(notes, LONGEST)
    pitches, times = np.zeros((len(song), PITCHES)), np.zeros((len(song), len(DURATIONS)))
    for i, here in enumerate(seen):
        for (pitch, duration), count in here.items():
            pitches[i, pitch] += count / here.total()
            times[i, duration] += count / here.total()
    agree = np.array([len(here) == 1 for here in seen])
    return (pitches, times), 2 * lengths + agree
