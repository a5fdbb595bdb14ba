"""Chords under a melody as it is played, one beat after another, without a look at the beat to come.

Two that know different things listen together:

- the key-and-chord model (`key_chord_hmm`) knows within a beat or two where the harmony is, and nothing of the song;
- the network knows the song so far and how songs go on, but believes what it is told of the past. Told its own guesses
  it holds on to them for ever. So it is not told what was played but what in *hindsight* the harmony was, anew each
  beat: for each of the likeliest chords of the beat that is over the best path that leads there (Viterbi). What it
  foresees after each counts as much as that chord is likely: a filter whose step from beat to beat is the network's.

What both expect of the next beat goes back into the key-and-chord model, which weighs it against what then sounds.

No clock here: the caller says which cell (see jamlink.tokens.vocab) comes next and what was heard before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jamlink.engine.decoder import Decoder
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.proposers import key_chord_hmm as hmm
from jamlink.proposers.key_chord_hmm import CHORDS, KINDS, Floats, Listener, Settings, Table, place_of, sounding
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.encode import chord_words, encode_heading, words_of_notes
from jamlink.tokens.phrase import Heading, Phrase, places_from, quantise
from jamlink.tokens.vocab import Task

Past = tuple[list[int], float]
"""The chords of the cells that are over, by their places in ALL, and how likely they are."""

ALL = tuple(chord for i in vocab.RANGES["CHORD"] if (chord := vocab.chord_of(i)))
"""The 168 chords, in the order of their words."""
_KIND = np.array([hmm.number_of(chord) for chord in ALL])
_SOUNDS = np.array([[pc in chord.pitch_classes for pc in range(12)] for chord in ALL], dtype=np.float64)
_SHARE = {
    "": 0.90, "sus2": 0.01, "sus4": 0.03, "6": 0.04, "aug": 0.02, "m": 0.94, "m6": 0.04, "mMaj7": 0.02,
    "7": 1.0, "maj7": 1.0, "m7": 1.0, "dim": 0.3, "m7b5": 0.35, "dim7": 0.35,
}  # fmt: skip
"""How often a kind of the key-and-chord model is which quality, roughly as on lead sheets. Set by hand."""
_SHARES = np.array([_SHARE[chord.quality.symbol] for chord in ALL])
_CHORD_WORDS = slice(vocab.RANGES["CHORD"].start + 1, vocab.RANGES["CHORD"].stop)
_RHYTHM_WORDS = slice(vocab.RANGES["RHYTHM"].start, vocab.RANGES["RHYTHM"].stop)
"""A rhythm where a chord might stand means that the chord before goes on."""
_LEAST = 1e-6
_PHRASE_BARS = 8
_BARS_DROPPED = 4
"""So many of the oldest bars at once, where the song has more words than the network reads: it reads anew each time."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How the two are weighed. Tuned on the tunebooks by `python -m jamlink.evaluation.tune_accompany`.

    The figures beside each are note-in-chord + coupling + root there, on every third of 147 tunes.
    """

    network: float = 1.3
    """The power that the network's shares are raised to: 1.0 gave 1.285, 1.3 1.312, 1.5 1.313."""
    habits: float = 0.0
    """The power of the key-and-chord model's, where there is a network: 0.3 lost 0.016. It has its say in `told`."""
    told: float = 0.5
    """How far the key-and-chord model goes along with what both expect: 0 gave 1.249, 0.5 1.276, 1 1.261."""
    pasts: int = 3
    """How many pasts the network is told of: 1 gave 1.186, 3 1.238, 6 1.241, at a network's reading each."""
    trust: float = 2.2
    """How much a beat of melody tells, see `key_chord_hmm.Settings`: 1.0 gave 1.248, 1.7 1.300, 2.2 1.285."""
    change_of_key: float = 0.06
    """As in `key_chord_hmm.Settings`: 0.003 follows a jump of key in 77 % within two beats, 0.06 in 88 %."""
    stay: float = 0.0
    """Added to the log odds of the chord that sounds already; below 0 chords change more often."""
    consonance: float = 0.0
    """How much it counts that the expected notes lie in the chord, beside being right: 0.3 lost 0.01."""
    temperature: float = 0.0
    """0: the best each time; above it chords are drawn, the more evenly the higher."""
    hindsight: bool = True
    """Whether the network is told the harmony in hindsight, and not what was played."""


class LiveChords:
    """The chords of one song. `decide` for cells 0, 1, 2 ... in turn, about 15 ms each with a network. One thread."""

    def __init__(
        self, network: Decoder | None, table: Table, meter: Meter, settings: LiveSettings | None = None, seed: int = 0
    ) -> None:
        self.meter, self.settings = meter, settings or LiveSettings()
        own = self.settings
        heard = Settings(own.trust, own.change_of_key, table.settings.restless) if network else table.settings
        self.listener = Listener(table, meter, heard)
        self._network, self._table = network, table
        self._log_sound, self._log_move = np.log(table.sound), np.log(np.maximum(table.move, 1e-9))
        self._dice = np.random.default_rng(seed)
        self._sounds: list[Floats] = []
        self._keys: list[tuple[int, int]] = []
        self._words: list[list[int]] = []
        self._last = self.listener.chords()  # (C,): of the cell that is over
        self._played: list[int] = []  # in ALL

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """The chord of `cell`; `heard` is the melody before it, notes that still sound cut off there."""
        if cell:
            self._listen(cell, heard)
        chances = self._habits()
        if self._network is not None:
            chances = chances * np.maximum(self._foreseen(self._network, cell), _LEAST) ** self.settings.network
            chances /= chances.sum()
            self._tell(chances)
        self._played.append(self._chosen(chances))
        return ALL[self._played[-1]]

    # -- what was heard ---------------------------------------------------------------------------------------------

    def _listen(self, cell: int, heard: Sequence[Note]) -> None:
        ticks = vocab.cell_of(self.meter).ticks
        sounds = sounding(heard, (cell - 1) * ticks, cell * ticks)
        self.listener.hear(sounds)
        self._sounds.append(sounds)
        tonic, mode = divmod(int(self.listener.keys().argmax()), 2)
        self._keys.append((tonic, mode))
        self._words.append(self._last_words(cell, heard))
        self._last = self.listener.chords()
        self.listener.move_to(cell)

    def _last_words(self, cell: int, heard: Sequence[Note]) -> list[int]:
        """The words of the cell that is over, as they stand in the whole song."""
        start = max(0, (cell - 1) // vocab.cells_in_bar(self.meter) - 1)
        begin = start * self.meter.bar_ticks
        bars = -(-cell // vocab.cells_in_bar(self.meter)) - start
        notes = tuple(n.shifted(Ticks(-begin)) for n in heard if n.onset >= begin)
        phrase = quantise(Phrase(self.meter, places_from(0, bars), (), notes), Task.LEAD)
        return words_of_notes(phrase)[cell - 1 - start * vocab.cells_in_bar(self.meter)]

    # -- what it may be ---------------------------------------------------------------------------------------------

    def _habits(self) -> Floats:
        """(168,): the key-and-chord model's opinion."""
        power = self.settings.habits if self._network else 1.0
        chances = np.maximum(self.listener.chords()[_KIND] * _SHARES, _LEAST) ** power
        return np.asarray(chances / chances.sum())

    def _foreseen(self, network: Decoder, cell: int) -> Floats:
        """(168,): the network's opinion, over what the harmony may have been."""
        found = np.zeros(len(ALL))
        for past, weight in self._pasts():
            logits = network.prefill(self._prompt(network, cell, past)).astype(np.float64)
            shares = np.exp(logits - logits.max())
            chances = shares[_CHORD_WORDS].copy()
            if past:
                chances[past[-1]] += shares[_RHYTHM_WORDS].sum()
            found += weight * chances / chances.sum()
        return found

    def _pasts(self) -> list[Past]:
        """What the harmony may have been: chords in ALL."""
        if not self._sounds or not self.settings.hindsight:
            return [(self._played, 1.0)]
        back = self._steps_back()
        ends = np.argsort(-self._last)[: self.settings.pasts]
        weights = self._last[ends] / self._last[ends].sum()
        return [(_path(back, int(end)), float(weight)) for end, weight in zip(ends, weights, strict=True)]

    def _steps_back(self) -> npt.NDArray[np.int64]:
        """(cells over, C): from each chord of each cell the chord before it on the best path (Viterbi)."""
        kinds, trust = len(KINDS), self.listener.settings.trust
        back = np.zeros((len(self._sounds), CHORDS), dtype=np.int64)
        best = np.zeros(CHORDS)
        for i, (sounds, (tonic, mode)) in enumerate(zip(self._sounds, self._keys, strict=True)):
            from_tonic = np.roll(best, -tonic * kinds)
            if i:
                reach = from_tonic[:, None] + self._log_move[mode, place_of(i, self.meter)]
                back[i] = np.roll((reach.argmax(axis=0) + tonic * kinds) % CHORDS, tonic * kinds)
                from_tonic = reach.max(axis=0)
            else:
                from_tonic = np.log(self._table.start[mode])
            told = trust * (self._log_sound[mode] @ np.roll(sounds, -tonic))
            best = np.roll(from_tonic + told, tonic * kinds)
        return back

    def _tell(self, chances: Floats) -> None:
        """Let the key-and-chord model know what both together expect."""
        kinds = np.bincount(_KIND, weights=chances, minlength=CHORDS)
        self.listener.weigh((kinds / np.maximum(self.listener.chords(), 1e-9)) ** self.settings.told)

    def _prompt(self, network: Decoder, cell: int, past: Sequence[int]) -> list[int]:
        """The words up to where the chord of `cell` stands; the first bars are left out where all are too many."""
        cells = vocab.cells_in_bar(self.meter)
        heading = [vocab.BOS, *encode_heading(Heading(Task.LEAD, self.meter))]
        bars = [[vocab.bar_id(bar % _PHRASE_BARS)] for bar in range(cell // cells + 1)]
        for i in range(cell):
            if i == 0 or past[i] != past[i - 1]:
                bars[i // cells] += chord_words(ALL[past[i]])
            bars[i // cells] += self._words[i]
        first = 0
        while sum(map(len, bars[first:])) > network.limit - len(heading) - 1:
            first += _BARS_DROPPED
        if first:
            opening = [] if past[first * cells] != past[first * cells - 1] else chord_words(ALL[past[first * cells]])
            bars[first][1:1] = opening
        return heading + [word for bar in bars[first:] for word in bar]

    # -- what it shall be -------------------------------------------------------------------------------------------

    def _chosen(self, chances: Floats) -> int:
        """Which of ALL is played."""
        settings = self.settings
        odds = np.log(np.maximum(chances, 1e-12))
        if self._played:
            odds[self._played[-1]] += settings.stay
        value = np.exp((odds - odds.max()) / (settings.temperature or 1.0))
        value /= value.sum()
        if settings.temperature:
            return int(self._dice.choice(len(ALL), p=value))
        return int((value + settings.consonance * (_SOUNDS @ self.listener.expected())).argmax())


def _path(back: npt.NDArray[np.int64], end: int) -> list[int]:
    """The best path to a chord of the last cell, as chords in ALL."""
    path = [end]
    for i in range(len(back) - 1, 0, -1):
        path.append(int(back[i][path[-1]]))
    return [_PLAIN[number] for number in reversed(path)]


_PLAIN = [vocab.chord_id(hmm.chord_of(number)) - _CHORD_WORDS.start for number in range(CHORDS)]
"""Where the plainest chord of each number stands in ALL."""
