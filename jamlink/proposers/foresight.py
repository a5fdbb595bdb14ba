"""Chords for beats that are still ahead, under a melody that is only known until now.

The network goes on with the song by itself: the likeliest rhythm and notes of each cell, then what chord would follow
them, and so from beat to beat. What both key-and-chord models expect of those beats has the same say as in
`live_chords`. On thirteen tunes of the tunebooks the chord of the beat after the fourth next shared .564 of the notes
that then came; .546 where the melody was taken to rest, .550 by the key-and-chord model alone, .538 where the chord of
now was held (`python -m jamlink.evaluation.tune_accompany --ahead 4`).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np

from jamlink.engine.choose import Engine
from jamlink.engine.decoder import Floats as Numbers
from jamlink.music.chord import Chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.proposers.chords_at_once import belongs
from jamlink.proposers.key_chord_hmm import Floats, Listener
from jamlink.proposers.live_chords import _CHORD_WORDS, _LEAST, _PHRASE_BARS, _RHYTHM_WORDS, ALL, LiveChords
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab
from jamlink.tokens.encode import chord_words

_PLACES = {(chord.root, chord.quality): place for place, chord in enumerate(ALL)}
_PITCH_WORDS = slice(vocab.RANGES["PITCH"].start, vocab.RANGES["PITCH"].stop)
_HEADING = 3
"""Words before the first bar at most, which stay where a song has more words than the network reads."""


class FarSighted(LiveChords):
    """Live chords that look ahead. After each `decide`, `foresee` may be asked. One thread."""

    def decide(self, cell: int, heard: Sequence[Note], avoid: Chord | None = None) -> Chord:
        """As `LiveChords.decide`, but never `avoid`."""
        self._avoid = avoid
        super().decide(cell, heard)
        self._avoid, self._cell = None, cell
        return ALL[self._played[-1]]

    def foresee(self, ahead: int, avoid: Sequence[Chord | None] = ()) -> list[Chord]:
        """The chords of the `ahead` cells after the one that was decided last; `avoid[i]` is not to be the chord of the
        cell after i more."""
        listener, sober = _beside(self.listener), _beside(self.sober)
        last = self._played[-1]
        song = self._song(last)
        found = []
        for step in range(1, ahead + 1):
            for each in (listener, sober):
                each.move_to(self._cell + step)
            unwanted = avoid[step - 1] if step <= len(avoid) else None
            last = self._next(listener, sober, song, last, unwanted)
            found.append(ALL[last])
            if song is not None and step < ahead:
                song.go_on(last, self._cell + step)
        return found

    @property
    def newest(self) -> Chord:
        """What was decided last."""
        return ALL[self._played[-1]]

    def keep_to(self, key: Key | None) -> None:
        """Chords foreign to `key` are hardly wanted, until another key or none is said."""
        if key != self._key:
            self._key, self._wanted = key, None
            if key is not None:
                self._wanted = np.array([belongs(chord, key) for chord in ALL])

    _key: Key | None = None
    _wanted: Floats | None = None
    _avoid: Chord | None = None
    _cell = 0

    def _chosen(self, both: Floats, sober: Floats, share: float) -> int:
        return super()._chosen(self._fit(both, self._avoid), self._fit(sober, self._avoid), share)

    def _fit(self, chances: Floats, avoid: Chord | None) -> Floats:
        """Shares of the chords that are wanted, without one."""
        if avoid is None and self._wanted is None:
            return chances
        kept = chances.copy() if self._wanted is None else chances * self._wanted
        if avoid is not None:
            kept[_place(avoid)] = _LEAST * _LEAST
        return np.asarray(kept / kept.sum())

    def _song(self, last: int) -> _Song | None:
        if self._network is None:
            return None
        past = self._pasts()[0][0]
        words = self._prompt(self._network, self._cell, past)
        before = past.chords[-1] if past.chords else -1
        return _Song(self._network, self.meter, words, before, last, self._cell)

    def _next(self, listener: Listener, sober: Listener, song: _Song | None, last: int, avoid: Chord | None) -> int:
        calm, known = self._fit(self._habits(sober), avoid), 0.0
        both = calm
        if song is not None:
            both = self._fit(np.maximum(song.chances(last), _LEAST) ** self.settings.network, avoid)
            known = self._known()
        return int((known * both + (1 - known) * calm).argmax())


class _Song:
    """The words of the song, going on by themselves."""

    def __init__(self, network: Engine, meter: Meter, words: list[int], before: int, first: int, at: int) -> None:
        self._network, self._meter, self._words = network, meter, words
        cell = vocab.cell_of(self._meter)
        self._rhythms = [i for i in vocab.RANGES["RHYTHM"] if vocab.rhythm_of(i).cell is cell]
        self._say_chord(before, first)
        self._sing()
        self._bar_line(at + 1)

    def chances(self, last: int) -> Floats:
        """(168,): what chord comes next; `last` may go on."""
        logits = self._read().astype(np.float64)
        shares = np.exp(logits - logits.max())
        chances = shares[_CHORD_WORDS].copy()
        chances[last] += shares[_RHYTHM_WORDS].sum()
        return np.asarray(chances / chances.sum())

    def go_on(self, chord: int, cell: int) -> None:
        """This is the chord of the cell: sing on over it. The bar line before it stands already."""
        self._say_chord(self._chord, chord)
        self._sing()
        self._bar_line(cell + 1)

    def _say_chord(self, before: int, chord: int) -> None:
        if before != chord:
            self._words += chord_words(ALL[chord])
        self._chord = chord

    def _sing(self) -> None:
        """The likeliest rhythm and notes of one cell."""
        logits = self._read()
        rhythm = self._rhythms[int(np.argmax(logits[self._rhythms]))]
        self._words.append(rhythm)
        for _ in range(vocab.rhythm_of(rhythm).onsets):
            self._words.append(_PITCH_WORDS.start + int(np.argmax(self._read()[_PITCH_WORDS])))

    def _bar_line(self, cell: int) -> None:
        bar, inside = divmod(cell, vocab.cells_in_bar(self._meter))
        if not inside:
            self._words.append(vocab.bar_id(bar % _PHRASE_BARS))

    def _read(self) -> Numbers:
        over = len(self._words) - self._network.limit
        if over > 0:
            del self._words[_HEADING : _HEADING + over]
        return self._network.prefill(self._words)


def _beside(listener: Listener) -> Listener:
    """One that may run ahead."""
    other = copy(listener)
    other.belief = listener.belief.copy()
    return other


def _place(chord: Chord) -> int:
    """Where a chord stands in ALL, whatever its bass."""
    return _PLACES[chord.root, chord.quality]
