"""What an accompaniment is worth: chords, decided one a cell, against the melody and against a person's chords.

Time is counted in frames of a sixteenth; a song is judged by its first 256. All measures are defined where they are
computed, and each comes as one value a song (or one histogram a song), so that intervals can be drawn by song.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jamlink.evaluation.result import RESAMPLES
from jamlink.evaluation.songs import Song
from jamlink.music.chord import QUALITIES, Chord, Quality
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

Values = npt.NDArray[np.float64]
Chords = Sequence[Chord | None]
"""One for each cell."""

FRAME, FRAMES = 240, 256
"""Ticks of a frame, and how many of them are judged."""
SHIFTS = (2, 3, 5)
"""Bars by which chords are moved round for coupling; the first is the one that counts."""
LONGEST = 33
"""Chords longer than so many frames are counted together."""
_CLASS_OF = {
    Quality.SUS2: Quality.MAJOR, Quality.SUS4: Quality.MAJOR, Quality.MAJOR_6: Quality.MAJOR,
    Quality.MINOR_6: Quality.MINOR, Quality.MINOR_MAJOR_7: Quality.MINOR, Quality.DIMINISHED_7: Quality.DIMINISHED,
}  # fmt: skip
"""Fourteen qualities as eight: with twelve roots the 96 classes of `exact`."""


def cells_judged(song: Song) -> int:
    """How many cells begin in the frames that count."""
    return min(song.cells, -(-FRAMES * FRAME // vocab.cell_of(song.meter).ticks))


def frames_judged(song: Song) -> int:
    """How many frames count."""
    return min(FRAMES, song.length // FRAME)


def melody_frames(notes: Sequence[Note], frames: int) -> npt.NDArray[np.int64]:
    """(frames,): the pitch class that sounds at the start of each frame, -1 for none."""
    found = np.full(frames, -1)
    for note in notes:
        found[max(0, -(-note.onset // FRAME)) : max(0, -(-note.end // FRAME))] = note.pitch % 12
    return found


def chord_frames(chords: Chords, meter: Meter, frames: int) -> Values:
    """(frames, 12): which pitch classes the accompaniment has in each frame; zeros where it is silent."""
    cell = vocab.cell_of(meter).ticks
    sounding = np.array(
        [[c is not None and pc in c.pitch_classes for pc in range(12)] for c in chords], dtype=np.float64
    )
    return np.asarray(sounding[np.minimum(np.arange(frames) * FRAME // cell, len(chords) - 1)])


def note_in_chord(melody: npt.NDArray[np.int64], chords: Values, first: int = 0, last: int = FRAMES) -> float:
    """NiC: the share of frames whose melody note is in the chord, of those where both sound; NaN for none."""
    melody, chords = melody[first:last], chords[first:last]
    both = (melody >= 0) & (chords.sum(axis=1) > 0)
    if not both.any():
        return float("nan")
    return float(chords[both, melody[both]].mean())


def coupling(melody: npt.NDArray[np.int64], chords: Values, bar_frames: int) -> tuple[float, float]:
    """NiC less the NiC of the same chords moved round by 2 bars; and the mean of that over 2, 3 and 5 bars."""
    true = note_in_chord(melody, chords)
    moved = [true - note_in_chord(melody, np.roll(chords, bars * bar_frames, axis=0)) for bars in SHIFTS]
    return moved[0], float(np.mean(moved))


def agreement(chords: Chords, truth: Chords) -> tuple[float, float]:
    """Of the cells where the person has a chord: how many have its root, and how many its root and class."""
    pairs = [(ours, theirs) for ours, theirs in zip(chords, truth, strict=False) if theirs]
    if not pairs:
        return float("nan"), float("nan")
    roots = [ours is not None and ours.root == theirs.root for ours, theirs in pairs]
    exact = [same and _class(ours) == _class(theirs) for same, (ours, theirs) in zip(roots, pairs, strict=True)]
    return float(np.mean(roots)), float(np.mean(exact))


def _class(chord: Chord | None) -> Quality | None:
    return _CLASS_OF.get(chord.quality, chord.quality) if chord else None


def runs(chords: Chords) -> list[tuple[Chord, int]]:
    """The chords one after another, each with the cells that it lasts; silence left out."""
    found: list[tuple[Chord | None, int]] = []
    for chord in chords:
        if found and found[-1][0] == chord:
            found[-1] = (chord, found[-1][1] + 1)
        else:
            found.append((chord, 1))
    return [(chord, cells) for chord, cells in found if chord]


def lengths(chords: Chords, meter: Meter) -> Values:
    """(LONGEST + 2,): how many chords last 0, 1 ... LONGEST frames, and longer."""
    counts = np.zeros(LONGEST + 2)
    for _, cells in runs(chords):
        counts[min(cells * vocab.cell_of(meter).ticks // FRAME, LONGEST + 1)] += 1
    return counts


def words(chords: Chords) -> Values:
    """(168,): how often each root and quality is played."""
    counts = np.zeros(12 * len(QUALITIES))
    for chord, _ in runs(chords):
        counts[chord.root * len(QUALITIES) + QUALITIES.index(chord.quality)] += 1
    return counts


def sizes(chords: Chords) -> float:
    """Mean pitch classes of the chords played."""
    found = [len(chord.pitch_classes) for chord, _ in runs(chords)]
    return float(np.mean(found)) if found else float("nan")


def entropy(counts: Values) -> Values:
    """Nats, over the last axis."""
    p = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1e-12)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=-1))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure over all songs, with its 95 % interval."""

    value: float
    interval: tuple[float, float]


def _draws(songs: int, seed: int) -> Values:
    """(RESAMPLES, songs): how often each song is in each drawn set."""
    drawn = np.random.default_rng(seed).integers(songs, size=(RESAMPLES, songs))
    return np.stack([np.bincount(row, minlength=songs) for row in drawn]).astype(np.float64)


def _interval(values: Values) -> tuple[float, float]:
    return float(np.nanquantile(values, 0.025)), float(np.nanquantile(values, 0.975))


def of_histograms(by_song: Sequence[Values], seed: int) -> Estimate:
    """The entropy of all songs' histograms together."""
    counts = np.stack(by_song)
    return Estimate(float(entropy(counts.sum(axis=0))), _interval(entropy(_draws(len(counts), seed) @ counts)))


def of_ratio(over: Sequence[float], under: Sequence[float], seed: int) -> Estimate:
    """The mean of one measure over the mean of another, in the songs that have both."""
    a, b = np.array(over), np.array(under)
    kept = np.isfinite(a) & np.isfinite(b)
    a, b = a[kept], b[kept]
    if not len(a) or b.sum() == 0:
        return Estimate(float("nan"), (float("nan"), float("nan")))
    draws = _draws(len(a), seed)
    return Estimate(float(a.sum() / b.sum()), _interval((draws @ a) / np.maximum(draws @ b, 1e-12)))
