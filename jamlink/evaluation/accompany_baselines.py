"""Players without a network, for the live task: once a beat, from the melody of the beats before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from jamlink.music.chord import Chord, Quality
from jamlink.music.note import Note
from jamlink.proposers.key_chord_hmm import (
    CHORDS,
    Floats,
    Listener,
    Table,
    chord_of,
    place_of,
    sounding,
)  # fmt: skip
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

# Temperley, Music and Probability (2007), table 6.1, after Kostka and Payne's corpus.
_PROFILES = np.array([
    [0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400],
    [0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330],
])  # fmt: skip
_TRIADS = [Chord(root, quality) for quality in (Quality.MAJOR, Quality.MINOR) for root in range(12)]
_IN_TRIAD = np.array([[pc in chord.pitch_classes for pc in range(12)] for chord in _TRIADS], dtype=np.float64)
_TETRADS = [
    Chord(root, quality)
    for root in range(12)
    for quality in (Quality.DOMINANT_7, Quality.MAJOR_7, Quality.MINOR_7, Quality.HALF_DIMINISHED, Quality.DIMINISHED_7)
]
_IN_TETRAD = np.array([[pc in chord.pitch_classes for pc in range(12)] for chord in _TETRADS], dtype=np.float64)
_HALF_LIFE = 4
"""Beats after which a note counts half in the decayed histogram."""
_BACK = 4
"""Bars after which the repetition comes round."""


class Player(Protocol):
    """Decides the chord of one cell after another of one song."""

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """The chord of `cell`, given what sounded before it began; called for 0, 1, 2 ... in turn."""
        ...


def last_cell(cell: int, heard: Sequence[Note], meter: Meter) -> Floats:
    """(12,): what sounded in the cell before `cell`."""
    ticks = vocab.cell_of(meter).ticks
    return sounding(heard, (cell - 1) * ticks, cell * ticks)


@dataclass(slots=True)
class RandomTriads:
    """A new one each beat."""

    seed: int
    dice: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        return _TRIADS[self.dice.integers(len(_TRIADS))]


@dataclass(slots=True)
class RunningTonic:
    """The tonic triad of the key of all that was heard (Temperley's profiles)."""

    meter: Meter
    heard: Floats = field(default_factory=lambda: np.zeros(12))

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        self.heard += last_cell(cell, heard, self.meter)
        return _TRIADS[int((_key_scores(self.heard)).argmax())] if self.heard.any() else _TRIADS[0]


def _key_scores(heard: Floats) -> Floats:
    """(24,): how well each major, then each minor key explains a histogram."""
    logs = np.log(_PROFILES / _PROFILES.sum(axis=1, keepdims=True))
    return np.array([float(np.roll(logs[mode], tonic) @ heard) for mode in (0, 1) for tonic in range(12)])


@dataclass(slots=True)
class HistogramTriad:
    """The triad that most of what was heard of late lies on."""

    meter: Meter
    heard: Floats = field(default_factory=lambda: np.zeros(12))

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        self.heard = self.heard * 0.5 ** (1 / _HALF_LIFE) + last_cell(cell, heard, self.meter)
        return _TRIADS[int((_IN_TRIAD @ self.heard).argmax())]


@dataclass(slots=True)
class Repetition:
    """What would have fitted four bars ago, in hindsight; the histogram's triad until there is such a bar."""

    meter: Meter
    now: HistogramTriad = field(init=False)
    fitted: list[Chord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = HistogramTriad(self.meter)

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        best = self.now.decide(cell, heard)
        back = _BACK * vocab.cells_in_bar(self.meter)
        if cell < back:
            return best
        ticks = vocab.cell_of(self.meter).ticks
        then = sounding(heard, (cell - back - 1) * ticks, (cell - back + 3) * ticks)
        return _TRIADS[int((_IN_TRIAD @ then).argmax())]


@dataclass(slots=True)
class Habit:
    """Chord after chord as songs go (a bigram by place in the bar), drawn, in the running key; else deaf."""

    table: Table
    meter: Meter
    seed: int
    heard: Floats = field(default_factory=lambda: np.zeros(12))
    chord: int = -1
    dice: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.dice = np.random.default_rng(self.seed)

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        self.heard += last_cell(cell, heard, self.meter)
        mode, tonic = divmod(int(_key_scores(self.heard).argmax()), 12)
        place = place_of(cell, self.meter)
        table = self.table
        p = table.start[mode] if self.chord < 0 else table.move[mode, place, self.chord]
        self.chord = int(self.dice.choice(CHORDS, p=p / p.sum()))
        return chord_of(self.chord).transposed(tonic)


@dataclass(slots=True)
class Filter:
    """The key-and-chord model alone. `how`: "likeliest", "drawn", or "consonant" (the most notes it can expect)."""

    table: Table
    meter: Meter
    how: str = "likeliest"
    seed: int = 0
    listener: Listener = field(init=False)
    dice: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.listener, self.dice = Listener(self.table, self.meter), np.random.default_rng(self.seed)

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """As `Player.decide`."""
        if cell:
            self.listener.hear(last_cell(cell, heard, self.meter))
            self.listener.move_to(cell)
        if self.how == "consonant":
            return _TETRADS[int((_IN_TETRAD @ self.listener.expected()).argmax())]
        chances = self.listener.chords()
        if self.how == "drawn":
            return chord_of(int(self.dice.choice(CHORDS, p=chances / chances.sum())))
        return chord_of(int(chances.argmax()))
