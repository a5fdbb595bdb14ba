"""How well chords fit a melody, by the measures of Yeh and others (2021): chords in themselves, and with the melody.

A melody here is a list of notes with the chord that sounds when each begins; chords are runs as in
`accompany_metrics.runs`. Tonal centroids are those of Harte and others (2006), radii 1, 1 and 1/2 for fifths, minor
thirds and major thirds. Three public programs compute these measures in three ways; these are the formulas of the
paper: intervals upward modulo 12, and a non-chord tone is resolved by any note within two semitones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from jamlink.evaluation.accompany_metrics import Chords, entropy, runs, words
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

Values = npt.NDArray[np.float64]

_ANGLES = np.pi * np.array([7 / 6, 3 / 2, 2 / 3])
_RADII = (1.0, 1.0, 0.5)
_CONSONANT, _NEUTRAL = (0, 3, 4, 7, 8, 9), (5,)
_SCORES = np.array([1.0 if i in _CONSONANT else 0.0 if i in _NEUTRAL else -1.0 for i in range(12)])


def centroid(pitch_classes: Iterable[int]) -> Values:
    """(6,): the mean place of some pitch classes on the circles of fifths, minor thirds and major thirds."""
    angles = np.outer(sorted(pitch_classes), _ANGLES)  # (notes, 3)
    both = np.stack((np.sin(angles), np.cos(angles)), axis=-1) * np.array(_RADII)[:, None]
    return np.asarray(both.reshape(len(angles), 6).mean(axis=0))


def of_chords(chords: Chords) -> dict[str, float]:
    """CHE (entropy of the chords, nats), CC (different chords), CTD (mean distance of neighbours' centroids)."""
    found = [chord for chord, _ in runs(chords)]
    places = [centroid(chord.pitch_classes) for chord in found]
    steps = [float(np.linalg.norm(a - b)) for a, b in pairwise(places)]
    counts = words(chords)
    return {
        "che": float(entropy(counts)),
        "cc": float((counts > 0).sum()),
        "ctd": float(np.mean(steps)) if steps else float("nan"),
    }


def with_melody(notes: Sequence[Note], chords: Chords, meter: Meter) -> dict[str, float]:
    """CTnCTR, PCS and MCTD of a melody (sorted) over chords; NaN where no note has a chord."""
    over = [(note, chord) for note in notes if (chord := _at(chords, note.onset, meter))]
    if not over:
        return {"ctnctr": float("nan"), "pcs_score": float("nan"), "mctd": float("nan")}
    return {"ctnctr": _resolved(notes, over), "pcs_score": _consonance(over), "mctd": _distance(over)}


def _at(chords: Chords, tick: int, meter: Meter) -> Chord | None:
    cell = tick // vocab.cell_of(meter).ticks
    return chords[cell] if cell < len(chords) else None


def _resolved(notes: Sequence[Note], over: Sequence[tuple[Note, Chord]]) -> float:
    """(chord tones + non-chord tones that step on) / all: to the next note of another pitch, two semitones at most."""
    good = 0
    for note, chord in over:
        later = next((n for n in notes if n.onset > note.onset and n.pitch != note.pitch), None)
        steps_on = later is not None and abs(later.pitch - note.pitch) <= 2
        good += note.pitch % 12 in chord.pitch_classes or steps_on
    return good / len(over)


def _consonance(over: Sequence[tuple[Note, Chord]]) -> float:
    """Mean score of the intervals from each chord note up to the melody, weighted by the notes' lengths."""
    scores = [np.mean([_SCORES[(note.pitch - pc) % 12] for pc in chord.pitch_classes]) for note, chord in over]
    return float(np.average(scores, weights=[note.duration for note, _ in over]))


def _distance(over: Sequence[tuple[Note, Chord]]) -> float:
    """Mean distance of a note's centroid and its chord's, weighted by the notes' lengths."""
    far = [np.linalg.norm(centroid([n.pitch % 12]) - centroid(chord.pitch_classes)) for n, chord in over]
    return float(np.average(far, weights=[note.duration for note, _ in over]))
