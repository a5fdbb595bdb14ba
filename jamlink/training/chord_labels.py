"""Chords and keys of written-out music, by our own analyser.

Each cell (see jamlink.tokens) gets a histogram of its pitch classes by sounding length, the bass counted apart. A
chord explains a cell as far as the sound lies on its notes; a path through the cells is then found that explains them
all while changing seldom, and rather on strong beats (Viterbi). Agreement with human analyses is measured by
`python -m jamlink.training.chord_labels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.phrase import chord_spans

Floats = npt.NDArray[np.float64]

_HABIT = {
    Quality.MAJOR: 0.0,
    Quality.MINOR: -0.02,
    Quality.DOMINANT_7: -0.10,
    Quality.DIMINISHED: -0.20,
    Quality.MINOR_7: -0.22,
    Quality.DIMINISHED_7: -0.22,
    Quality.HALF_DIMINISHED: -0.24,
    Quality.MAJOR_7: -0.28,
    Quality.AUGMENTED: -0.32,
    Quality.SUS4: -0.32,
}
"""How much better the rarer quality must explain a cell, in shares of its sound. Set by hand."""
_OUTSIDE = 1.1
"""What sound outside the chord costs, beside the 1 that sound inside it earns."""
_ROOT_MISSING, _THIRD_MISSING = 0.25, 0.15
_BASS_IS_ROOT, _BASS_IN_CHORD = 0.22, 0.06
_CHANGE, _CHANGE_OFF_BEAT = 0.45, 0.35
"""What a change costs on a bar line, and how much more elsewhere."""
_STATES = [(root, quality) for root in range(12) for quality in _HABIT]

# Temperley's profiles after Kostka and Payne's corpus (Music and Probability, 2007, table 6.1).
_MAJOR = np.array([0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400])
_MINOR = np.array([0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330])


def histograms(notes: Sequence[Note], cells: int, cell_ticks: int) -> Floats:
    """Sounding ticks by (cell, pitch class)."""
    found = np.zeros((cells, 12))
    for note in notes:
        for cell in range(max(0, note.onset // cell_ticks), min(cells, (note.end - 1) // cell_ticks + 1)):
            span = min(note.end, (cell + 1) * cell_ticks) - max(note.onset, cell * cell_ticks)
            found[cell, note.pitch % 12] += span
    return found


def lowest(notes: Sequence[Note], cells: int, cell_ticks: int) -> list[int | None]:
    """The pitch class of the lowest note in each cell."""
    found: list[int | None] = [None] * cells
    for note in notes:
        for cell in range(max(0, note.onset // cell_ticks), min(cells, (note.end - 1) // cell_ticks + 1)):
            before = found[cell]
            found[cell] = note.pitch if before is None else min(before, note.pitch)
    return [None if pitch is None else pitch % 12 for pitch in found]


def _scores(sound: Floats, bass: Sequence[int | None]) -> Floats:
    """How well each state explains each cell: (cells, states); a silent cell says nothing."""
    share = sound / np.maximum(sound.sum(axis=1, keepdims=True), 1e-9)
    members = np.zeros((12, len(_STATES)))
    fixed = np.zeros(len(_STATES))
    for s, (root, quality) in enumerate(_STATES):
        members[[(root + i) % 12 for i in quality.intervals], s] = 1
        fixed[s] = _HABIT[quality]
    roots = np.array([root for root, _ in _STATES])
    thirds = np.array([(root + quality.intervals[1]) % 12 for root, quality in _STATES])
    inside = share @ members
    scores = inside - _OUTSIDE * (1 - inside) + fixed
    scores -= _ROOT_MISSING * (share[:, roots] == 0) + _THIRD_MISSING * (share[:, thirds] == 0)
    for cell, low in enumerate(bass):
        if low is not None:
            scores[cell] += _BASS_IS_ROOT * (roots == low) + _BASS_IN_CHORD * members[low]
    scores[sound.sum(axis=1) == 0] = 0
    return scores


def _best_path(scores: Floats, cells_in_bar: int) -> list[int]:
    """Viterbi over staying (free) and changing (dear, dearer off the bar line)."""
    best, back = scores[0].copy(), np.zeros(scores.shape, dtype=np.int32)
    stay = np.arange(scores.shape[1])
    half = cells_in_bar // 2 if cells_in_bar % 2 == 0 else 0
    for cell in range(1, len(scores)):
        place = cell % cells_in_bar
        cost = _CHANGE + (0 if place == 0 else _CHANGE_OFF_BEAT * (0.5 if place == half else 1))
        top = int(best.argmax())
        change = best[top] - cost > best
        back[cell] = np.where(change, top, stay)
        best = np.where(change, best[top] - cost, best) + scores[cell]
    path = [int(best.argmax())]
    for cell in range(len(scores) - 1, 0, -1):
        path.append(int(back[cell, path[-1]]))
    return path[::-1]


def label(notes: Sequence[Note], meter: Meter, bars: int) -> tuple[ChordSpan, ...]:
    """Chords for polyphonic music; ticks from the first bar. "No chord" where nothing sounds for a whole bar."""
    cell_ticks, in_bar = vocab.cell_of(meter).ticks, vocab.cells_in_bar(meter)
    cells = bars * in_bar
    sound, bass = histograms(notes, cells, cell_ticks), lowest(notes, cells, cell_ticks)
    path = _best_path(_scores(sound, bass), in_bar)
    silent = sound.reshape(bars, -1).sum(axis=1) == 0
    chords: list[Chord | None] = []
    start = 0
    for cell in range(1, cells + 1):
        if cell == cells or path[cell] != path[start]:
            root, quality = _STATES[path[start]]
            chords += [Chord(root, quality, _bass_of(root, quality, bass[start:cell]))] * (cell - start)
            start = cell
    return chord_spans([None if silent[i // in_bar] else chord for i, chord in enumerate(chords)], meter)


def _bass_of(root: int, quality: Quality, bass: Sequence[int | None]) -> int:
    """The inversion: the chord's note that begins its span in the bass, else the root."""
    first = next((low for low in bass if low is not None), root)
    return first if (first - root) % 12 in quality.intervals else root


def key_of(notes: Sequence[Note], fifths: int | None) -> Key | None:
    """The key of a tune; a signature leaves its major and its relative minor to choose from."""
    sound = histograms([n.shifted(Ticks(-n.onset)) for n in notes], 1, 1 << 40)[0]
    if not sound.any():
        return None
    fits = {}
    for tonic in range(12):
        for minor, profile in ((False, _MAJOR), (True, _MINOR)):
            fits[Key(tonic, minor)] = float(np.corrcoef(np.roll(profile, tonic), sound)[0, 1])
    if fifths is not None:
        major = Key(7 * fifths % 12)
        fits = {key: fits[key] for key in (major, Key((major.tonic + 9) % 12, True))}
    return max(fits, key=lambda key: fits[key])
