"""Key and chord from a melody as it is played: a hidden Markov model that filters beat by beat.

Hidden: the key (twelve tonics, major or minor) and the chord, by its degree in the key and one of six kinds. A chord
moves on from beat to beat by habits that depend on where in the bar the beat is, a key hardly ever; and each chord
lets the pitch classes of its beat sound as often as they do over it in songs. Everything is counted relative to the
tonic, so the twelve transpositions of a melody give the transposed answer. The prediction for a beat uses the melody of
the beats before it only, and follows a change of key within a few notes; that is why it also steadies the network.

Rabiner 1989 for the filter; Raphael and Stoddard 2004 for key and chord as one hidden state. Numpy, some 0.1 ms a beat.
Letters in shapes: M modes, C chords of a key (12 degrees x K kinds), P places in the bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.chord import Chord, Quality
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

Floats = npt.NDArray[np.float64]

KINDS = (
    Quality.MAJOR, Quality.MINOR, Quality.DOMINANT_7, Quality.MAJOR_7, Quality.MINOR_7, Quality.DIMINISHED,
)  # fmt: skip
"""Each stands for the qualities that KIND_OF folds into it."""
KIND_OF: Mapping[Quality, int] = {
    Quality.MAJOR: 0, Quality.SUS2: 0, Quality.SUS4: 0, Quality.MAJOR_6: 0, Quality.AUGMENTED: 0,
    Quality.MINOR: 1, Quality.MINOR_6: 1, Quality.MINOR_MAJOR_7: 1,
    Quality.DOMINANT_7: 2, Quality.MAJOR_7: 3, Quality.MINOR_7: 4,
    Quality.DIMINISHED: 5, Quality.HALF_DIMINISHED: 5, Quality.DIMINISHED_7: 5,
}  # fmt: skip
CHORDS = 12 * len(KINDS)
PLACES = ("phrase", "four", "two", "bar", "half", "beat")
"""Kinds of beats: on the bar line of every eighth, fourth, second, or another bar; half-way in the bar; elsewhere."""
PHRASE_BARS = 8


def place_of(cell: int, meter: Meter) -> int:
    """Which of PLACES a cell is, counted from the first bar line."""
    bar, inside = divmod(cell, vocab.cells_in_bar(meter))
    if inside:
        return 4 if 2 * inside == vocab.cells_in_bar(meter) else 5
    return 0 if bar % 8 == 0 else 1 if bar % 4 == 0 else 2 if bar % 2 == 0 else 3


def number_of(chord: Chord) -> int:
    """The number of a chord, root first."""
    return chord.root * len(KINDS) + KIND_OF[chord.quality]


def chord_of(number: int) -> Chord:
    """The plainest chord of a number."""
    return Chord(number // len(KINDS), KINDS[number % len(KINDS)])


_OF_DEGREE = (np.arange(CHORDS) + np.arange(12)[:, None] * len(KINDS)) % CHORDS
"""(12, C): the number of the chord on each degree of each tonic."""
SOUNDS = np.array([[pc in chord_of(c).pitch_classes for pc in range(12)] for c in range(CHORDS)], dtype=np.float64)
"""(C, 12): which pitch classes each chord has."""


def by_tonic(sounds: Floats) -> Floats:
    """(12,) by pitch class -> (12, 12): for each tonic, from the tonic up."""
    return np.stack([np.roll(sounds, -tonic) for tonic in range(12)])


@dataclass(frozen=True, slots=True)
class Settings:
    """How the counts are used. Chosen on the two tunebooks of the development set; see models/hmm/README.md."""

    trust: float = 1.0
    """How much a beat full of melody tells. 0.6, 1.6 and 2.4 were worse there."""
    change_of_key: float = 0.06
    """How likely a beat is to begin in a new key. From 0.003 to 0.06 nothing changes but how soon a jump is followed:
    77 % of the notes within two beats, 88 %."""
    restless: float = 1.0
    """Above 1 chords change more often than in the songs that were counted, below 1 less often."""


@dataclass(frozen=True, slots=True)
class Table:
    """What was counted: `start` (M, C), `move` (M, P, C, C) from one beat to the next, `sound` (M, C, 12)."""

    start: Floats
    move: Floats
    sound: Floats
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        shapes = (self.start.shape, self.move.shape, self.sound.shape)
        if shapes != ((2, CHORDS), (2, len(PLACES), CHORDS, CHORDS), (2, CHORDS, 12)):
            raise Nonsense(
                f"A table of shapes {shapes} does not fit.", "Fit it again, or take the one of this version."
            )


def load(path: Path) -> Table:
    """Read what jamlink.training.hmm wrote. Raises `Unavailable` where there is none, `Nonsense` if damaged."""
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name].astype(np.float64) for name in ("start", "move", "sound", "settings")}
    except FileNotFoundError:
        raise Unavailable(
            f"There is no {path}.", "Install jamlink again, or fit it: python -m jamlink.training.hmm"
        ) from None
    except (OSError, ValueError, KeyError, EOFError) as wrong:
        raise Nonsense(f"{path} cannot be read: {wrong}.", "Put the file back as it was published.") from None
    for array in (arrays["start"], arrays["move"], arrays["sound"]):
        array /= np.maximum(array.sum(axis=-1, keepdims=True), 1e-12)
    return Table(arrays["start"], arrays["move"], arrays["sound"], Settings(*map(float, arrays["settings"])))


def sounding(notes: Sequence[Note], start: int, end: int) -> Floats:
    """(12,): how long each pitch class sounds in ticks [start, end), as shares of that span."""
    found = np.zeros(12)
    for note in notes:
        span = min(note.end, end) - max(note.onset, start)
        if span > 0:
            found[note.pitch % 12] += span / (end - start)
    return found


class Listener:
    """The filter over one melody. `hear` a beat, then `expect` the next. One thread."""

    def __init__(self, table: Table, meter: Meter, settings: Settings | None = None) -> None:
        self.table, self.meter = table, meter
        self.settings = settings or table.settings
        self._log_sound = np.log(table.sound)
        self._move = _restless(table.move, self.settings.restless)
        self.belief: Floats = np.repeat(table.start[None], 12, axis=0) / 24  # (12 tonics, M, C), degrees
        self._restart = self.belief.copy()

    def move_to(self, cell: int) -> None:
        """Let a beat pass: what is believed of the beat `cell`, before it is heard."""
        place = place_of(cell, self.meter)
        moved = np.einsum("tmc,mcd->tmd", self.belief, self._move[:, place])
        change = self.settings.change_of_key
        self.belief = (1 - change) * moved + change * self._restart

    def hear(self, sounds: Floats) -> None:
        """Take in what sounded in the beat that the belief is about; (12,) as from `sounding`."""
        if sounds.sum() <= 0:
            return
        log = self._told_by(sounds) * self.settings.trust
        self.belief *= np.exp(log - log.max())
        self.belief /= self.belief.sum()

    def foresaw(self, sounds: Floats) -> float:
        """How well the belief foresaw what sounded: a log-likelihood, up to a constant of the beat."""
        return float(np.log(max(1e-300, float((self.belief * np.exp(self._told_by(sounds))).sum()))))

    def _told_by(self, sounds: Floats) -> Floats:
        """(12, M, C): the log-likelihood of what sounded in each key over each chord."""
        return np.asarray(np.einsum("mcp,tp->tmc", self._log_sound, by_tonic(sounds)))

    def weigh(self, factors: Floats) -> None:
        """Believe each chord so many times more; (C,) by `number_of`. Of the keys as much is believed as before."""
        keys = self.belief.sum(axis=2, keepdims=True)
        self.belief *= factors[_OF_DEGREE][:, None, :]
        self.belief *= keys / np.maximum(self.belief.sum(axis=2, keepdims=True), 1e-300)

    def chords(self) -> Floats:
        """(C,) probabilities of the chords by `number_of`, whatever the key."""
        return np.asarray(np.bincount(_OF_DEGREE.ravel(), self.belief.sum(axis=1).ravel(), CHORDS), np.float64)

    def expected(self) -> Floats:
        """(12,): how likely each pitch class is to sound in the beat that the belief is about."""
        by_degree = np.einsum("tmc,mcp->tp", self.belief, self.table.sound)
        return np.asarray(sum(np.roll(by_degree[tonic], tonic) for tonic in range(12)))

    def keys(self) -> Floats:
        """(12, 2) probabilities of tonic and mode."""
        return np.asarray(self.belief.sum(axis=2))


def _restless(move: Floats, factor: float) -> Floats:
    """Every chance of a change times `factor`."""
    if factor == 1:
        return move
    stay = np.diagonal(move, axis1=-2, axis2=-1)
    changed = np.clip((1 - stay) * factor, 0, 0.98)
    scaled = move * (changed / np.maximum(1 - stay, 1e-9))[..., None]
    index = np.arange(CHORDS)
    scaled[..., index, index] = 1 - changed
    return scaled
