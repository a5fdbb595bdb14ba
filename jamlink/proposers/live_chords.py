"""Chords under a melody as it is played, one beat after another, without a look at the beat to come.

Two that know different things listen together:

- the key-and-chord model (`key_chord_hmm`) knows within a beat or two where the harmony is, and nothing of the song;
- the network knows the song so far and how songs go on, but believes what it is told of the past. Told its own guesses
  it holds on to them for ever. So it is not told what was played but what in *hindsight* the harmony was, anew each
  beat: for each of the likeliest chords of the beat that is over the best path that leads there (Viterbi). What it
  foresees after each counts as much as that chord is likely: a filter whose step from beat to beat is the network's.
  And where hindsight finds that the key has leapt, the song so far is told as if it had stood in the new key.

What both expect of the next beat goes back into the key-and-chord model, which weighs it against what then sounds. That
makes it slow to give up a key, so a second one listens that is told nothing: as far as what the network foresees does
not come true, it is the second one that is played and believed.

No clock here: the caller says which cell (see jamlink.tokens.vocab) comes next and what was heard before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jamlink.engine.choose import Engine
from jamlink.engine.sampling import Boldness, Choice, Sampling, sample
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.proposers import key_chord_hmm as hmm
from jamlink.proposers.hindsight import Hindsight, Path
from jamlink.proposers.key_chord_hmm import CHORDS, Floats, Listener, Settings, Table, sounding
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.encode import chord_words, encode_heading, words_of_notes
from jamlink.tokens.phrase import Heading, Phrase, places_from, quantise
from jamlink.tokens.vocab import Task

ALL = tuple(chord for i in vocab.RANGES["CHORD"] if (chord := vocab.chord_of(i)))
"""The 168 chords, in the order of their words."""
_KIND = np.array([hmm.number_of(chord) for chord in ALL])
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
_CREDIT = 6.0
"""The most log odds for or against the network."""
_PHRASE_BARS = 8
_BARS_DROPPED = 4
"""So many of the oldest bars at once, where the song has more words than the network reads: it reads anew each time."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """How they are weighed. Tuned on the tunebooks by `python -m jamlink.evaluation.tune_accompany`.

    The figures are note-in-chord + coupling + root there (every third or second of 147 tunes, so not all comparable),
    and what is kept of the notes in beats 2 and 3, and 4 to 7, after a jump of a tritone.
    """

    network: float = 1.3
    """The power that the network's shares are raised to: 1.0 gave 1.256, 1.3 1.267."""
    told: float = 0.2
    """How far the key-and-chord model goes along with what both expect: 0.2 1.251, 91, 89 %; 0.5 1.271, 82, 82 %."""
    pasts: int = 3
    """How many pasts the network is told of: 1 gave 1.186, 3 1.238, 6 1.241, at a network's reading each."""
    trust: float = 2.2
    """How much a beat of melody tells, see `key_chord_hmm.Settings`: 1.5 gave 1.243, 2.2 1.267."""
    change_of_key: float = 0.06
    """As in `key_chord_hmm.Settings`; 0.12 was no quicker."""
    change_in_hindsight: float = 0.06
    """The same for the paths: 0.02 was two hundredths slower."""
    remote: int = 2
    """From so many fifths on a change of key carries the past along: 82 % after 4 beats; never: 79 %."""
    memory: float = 0.7
    """How much of the network's credit is left after a beat."""
    strict: float = 5.0
    """How much credit it gains or loses by what comes true: 0 (always believed) gave 1.261, 5 1.267."""
    temperature: float = 0.0
    """0: the best each time; above it chords are drawn, the more evenly the higher."""
    hindsight: bool = True
    """Whether the network is told the harmony in hindsight, and not what was played."""


class LiveChords:
    """The chords of one song. `decide` for cells 0, 1, 2 ... in turn, about 15 ms each with a network. One thread."""

    def __init__(
        self, network: Engine | None, table: Table, meter: Meter, settings: LiveSettings | None = None, seed: int = 0
    ) -> None:
        self.meter, self.settings = meter, settings or LiveSettings()
        own = self.settings
        heard = Settings(own.trust, own.change_of_key, table.settings.restless) if network else table.settings
        self.listener = Listener(table, meter, heard)
        self.sober = Listener(table, meter)
        """Hears the same, and is told nothing of what the network foresees."""
        self._credit = 0.0
        self._network = network
        self._hindsight = Hindsight(table, meter, own.trust, own.change_in_hindsight, own.remote)
        self._dice = np.random.default_rng(seed)
        self._words: list[list[int]] = []
        self._last = self.listener.chords()  # (C,): of the cell that is over
        self._played: list[int] = []  # in ALL

    def decide(self, cell: int, heard: Sequence[Note]) -> Chord | None:
        """The chord of `cell`; `heard` is the melody before it, notes that still sound cut off there."""
        if cell:
            self._listen(cell, heard)
        chances, known = self._habits(self.sober), 0.0
        both = chances
        if self._network is not None:
            both = np.maximum(self._foreseen(self._network, cell), _LEAST) ** self.settings.network
            both /= both.sum()
            self._tell(both)
            known = self._known()
        self._played.append(self._chosen(both, chances, 1 - known))
        return ALL[self._played[-1]]

    def follow(self, cell: int, heard: Sequence[Note]) -> None:
        """Listen on to `cell` where its chord is not asked for; then the next one is decided as if all had been."""
        if cell:
            self._listen(cell, heard)
        self._played.append(int(self._habits(self.sober).argmax()))

    # -- what was heard ---------------------------------------------------------------------------------------------

    def _listen(self, cell: int, heard: Sequence[Note]) -> None:
        ticks = vocab.cell_of(self.meter).ticks
        sounds = sounding(heard, (cell - 1) * ticks, cell * ticks)
        self._judge(sounds)
        self.listener.hear(sounds)
        self.sober.hear(sounds)
        self._meet()
        self._hindsight.hear(sounds)
        self._words.append(self._last_words(cell, heard))
        self._last = self.listener.chords()
        self.listener.move_to(cell)
        self.sober.move_to(cell)

    def _judge(self, sounds: Floats) -> None:
        """Has what the network foresaw come true? Odds that it knows where the music is, from the last beats."""
        gain = self.listener.foresaw(sounds) - self.sober.foresaw(sounds)
        credit = self.settings.memory * self._credit + self.settings.strict * gain
        self._credit = float(np.clip(credit, -_CREDIT, _CREDIT))

    def _known(self) -> float:
        """How far the network is believed, 0 to 1."""
        return float(1 / (1 + np.exp(-self._credit))) if self.settings.strict else 1.0

    def _meet(self) -> None:
        """What was believed because of the network is believed as far as the network is."""
        known = self._known()
        self.listener.belief = known * self.listener.belief + (1 - known) * self.sober.belief

    def _last_words(self, cell: int, heard: Sequence[Note]) -> list[int]:
        """The words of the cell that is over, as they stand in the whole song."""
        start = max(0, (cell - 1) // vocab.cells_in_bar(self.meter) - 1)
        begin = start * self.meter.bar_ticks
        bars = -(-cell // vocab.cells_in_bar(self.meter)) - start
        notes = tuple(n.shifted(Ticks(-begin)) for n in heard if n.onset >= begin)
        phrase = quantise(Phrase(self.meter, places_from(0, bars), (), notes), Task.LEAD)
        return words_of_notes(phrase)[cell - 1 - start * vocab.cells_in_bar(self.meter)]

    # -- what it may be ---------------------------------------------------------------------------------------------

    def _habits(self, listener: Listener) -> Floats:
        """(168,): a key-and-chord model's opinion."""
        chances = np.maximum(listener.chords()[_KIND] * _SHARES, _LEAST)
        return np.asarray(chances / chances.sum())

    def _foreseen(self, network: Engine, cell: int) -> Floats:
        """(168,): the network's opinion, over what the harmony may have been."""
        found = np.zeros(len(ALL))
        for past, weight in self._pasts():
            logits = network.prefill(self._prompt(network, cell, past)).astype(np.float64)
            shares = np.exp(logits - logits.max())
            chances = shares[_CHORD_WORDS].copy()
            if past.chords:
                chances[past.chords[-1]] += shares[_RHYTHM_WORDS].sum()
            found += weight * chances / chances.sum()
        return found

    def _pasts(self) -> list[tuple[Path, float]]:
        """What the harmony may have been (chords by their places in ALL), and how likely that is."""
        if not self._words or not self.settings.hindsight:
            return [(Path(self._played, [0] * len(self._played)), 1.0)]
        ends = np.argsort(-self._last)[: self.settings.pasts]
        weights = self._last[ends] / self._last[ends].sum()
        return [(self._past(int(end)), float(weight)) for end, weight in zip(ends, weights, strict=True)]

    def _past(self, end: int) -> Path:
        """The best path to a chord of the last cell, as chords in ALL."""
        path = self._hindsight.path(end)
        return Path([_PLAIN[number] for number in path.chords], path.shifts)

    def _tell(self, chances: Floats) -> None:
        """Let the key-and-chord model know what both together expect."""
        kinds = np.bincount(_KIND, weights=chances, minlength=CHORDS)
        self.listener.weigh((kinds / np.maximum(self.listener.chords(), 1e-9)) ** self.settings.told)

    def _prompt(self, network: Engine, cell: int, past: Path) -> list[int]:
        """The words up to where the chord of `cell` stands; the first bars are left out where all are too many."""
        cells = vocab.cells_in_bar(self.meter)
        heading = [vocab.BOS, *encode_heading(Heading(Task.LEAD, self.meter))]
        bars = [[vocab.bar_id(bar % _PHRASE_BARS)] for bar in range(cell // cells + 1)]
        chords = past.chords
        for i in range(cell):
            if i == 0 or chords[i] != chords[i - 1]:
                bars[i // cells] += chord_words(ALL[chords[i]])
            bars[i // cells] += [_moved(word, past.shifts[i]) for word in self._words[i]]
        first = 0
        while sum(map(len, bars[first:])) > network.limit - len(heading) - 1:
            first += _BARS_DROPPED
        if first:
            held = chords[first * cells] == chords[first * cells - 1]
            opening = chord_words(ALL[chords[first * cells]]) if held else []
            bars[first][1:1] = opening
        return heading + [word for bar in bars[first:] for word in bar]

    # -- what it shall be -------------------------------------------------------------------------------------------

    def _chosen(self, both: Floats, sober: Floats, share: float) -> int:
        """Which of ALL is played, where the sober listener has its share of the say."""
        choice = Choice(
            np.ones((1, len(ALL)), bool),
            Boldness.of([Sampling(0, self.settings.temperature)]),
            self._dice.random(1),
            beside=np.asarray(sober[None], np.float32),
            share=np.array([share], np.float32),
        )
        ids, _ = sample(np.log(both[None]).astype(np.float32), choice)
        return int(ids[0])


_PLAIN = [vocab.chord_id(hmm.chord_of(number)) - _CHORD_WORDS.start for number in range(CHORDS)]
"""Where the plainest chord of each number stands in ALL."""


def _moved(word: int, semitones: int) -> int:
    """A pitch so many semitones higher; any other word as it is."""
    return vocab.transposed_id(word, semitones) if semitones and word in _PITCHES else word


_PITCHES = vocab.RANGES["PITCH"]
