"""What usually follows what, in chords: counts of changes after one to four chords before.

A change is written in two ways: by *degree* (semitones above the tonic, quality) and by *motion* (semitones from the
root before, quality). The first knows where home is, the second does not mind a wrong or changing key; their mean
predicts held-out charts better than either. A context is counted once a song, so that a chorus sung six times does not
shout. Probabilities come from Witten and Bell's way of backing off to shorter contexts. Beside them stands how many
beats chords last.

A table is built by `build` and kept as JSON; the file's shape is that of `MarkovTable.plain`. A published table lies in
a folder with a card, `model.json`, that has its SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.chord import QUALITIES, Chord
from jamlink.music.key import Key

LONGEST = 4
"""The most chords before a change that are looked at."""
LONGEST_PAST = LONGEST + 1
"""One more tells the motion into the first of them."""
WORDS = 12 * len(QUALITIES)
TABLE_FILE, CARD_FILE = "chords.json", "model.json"
_FORMAT = 2
_REMEDY = "Install jamlink again."
_RECALLED_ONCE = 3
"""From this order on a context that only one song has is left out: it saves two thirds of the file and no skill."""

Word = int
"""14 * semitones + number of the quality."""
Counts = Mapping[tuple[Word, ...], Mapping[Word, int]]
_Memo = dict[tuple[Word, ...], list[float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """The changes of a song, no chord twice on end."""

    name: str
    key: Key
    chords: tuple[Chord, ...]
    lengths: tuple[tuple[int, int], ...] = ()
    """For chords that last whole felt beats: (beats in the bar, beats that the chord lasts)."""


@dataclass(frozen=True, slots=True)
class MarkovTable:
    """Immutable; any thread. `charts` is how many songs it was counted from."""

    degrees: Counts
    motions: Counts
    charts: int
    lengths: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """By felt beats in the bar: how many chords last so many beats."""
    _short: tuple[_Memo, _Memo] = field(default_factory=lambda: ({}, {}), init=False, repr=False, compare=False)
    """Chances after no chord and after one, by degree and by motion, kept once worked out: their rows are the long ones
    (at most 2 x 169 of them)."""

    def chances(self, before: Sequence[Chord], key: Key) -> list[tuple[Chord, float]]:
        """The likeliest chords after `before` (oldest first) with how likely they are, likeliest first.

        What never followed is left out, so the sum is below 1. The chord before never follows itself.
        """
        recent = before[-LONGEST:]
        found = _moved(_backed_off(self.degrees, _degrees(recent, key), self._short[0]), key.tonic)
        if recent:
            motions = _motions(before[-LONGEST_PAST:], key)[-LONGEST:]
            moved = _moved(_backed_off(self.motions, motions, self._short[1]), recent[-1].root)
            found = [(a + b) / 2 for a, b in zip(found, moved, strict=True)]
            found[_as_word(recent[-1], 0)] = 0.0
        order = sorted(range(WORDS), key=found.__getitem__, reverse=True)
        return [(_CHORDS[word], found[word]) for word in order if found[word] > 0]

    def plain(self) -> dict[str, Any]:
        """As numbers, strings and dicts: contexts as words between spaces."""
        return {
            "format": _FORMAT,
            "charts": self.charts,
            "qualities": [quality.symbol for quality in QUALITIES],
            "degrees": _plain(self.degrees),
            "motions": _plain(self.motions),
            "lengths": {str(beats): {str(n): c for n, c in row.items()} for beats, row in self.lengths.items()},
        }


def build(charts: Iterable[Chart]) -> MarkovTable:
    """Count the changes of `charts`. The same charts give the same table."""
    songs = list(charts)
    degrees = _counted([_degrees(song.chords, song.key) for song in songs])
    motions = _counted([_motions(song.chords, song.key) for song in songs])
    lengths: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for song in songs:
        for beats, length in song.lengths:
            lengths[beats][length] += 1
    return MarkovTable(degrees, motions, len(songs), {beats: dict(row) for beats, row in lengths.items()})


def save(table: MarkovTable, path: Path) -> None:
    """Write the table, in one order whatever order it was counted in."""
    path.write_text(json.dumps(table.plain(), sort_keys=True, separators=(",", ":")) + "\n")


def load_published(folder: Path) -> MarkovTable:
    """The table of a model folder. Raises as `load`, and `Nonsense` where it is not the one that its card is for."""
    card = _read(folder / CARD_FILE)
    path = folder / TABLE_FILE
    try:
        wanted = json.loads(card)["table_sha256"]
    except (ValueError, KeyError, TypeError):
        raise Nonsense(f"{folder / CARD_FILE} does not describe a chord table.", _REMEDY) from None
    if hashlib.sha256(_read(path)).hexdigest() != wanted:
        raise Nonsense(f"The chord table {path} is not the one that was published (damaged or cut off).", _REMEDY)
    return load(path)


def load(path: Path) -> MarkovTable:
    """Read a table. Raises with the remedy: `Unavailable` for a missing file, `Nonsense` for one that is no table."""
    data = _read(path)
    try:
        return _table(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Nonsense(f"{path} is no chord table: {wrong}.", "Build it again, or install jamlink again.") from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as gone:
        raise Unavailable(f"The chord table's {path} cannot be read: {gone.strerror}.", _REMEDY) from None


def _table(data: Any) -> MarkovTable:
    if data["format"] != _FORMAT or data["qualities"] != [quality.symbol for quality in QUALITIES]:
        raise ValueError("it is of another version")
    degrees, motions = (
        {_context(c): {_word(w): int(n) for w, n in row.items()} for c, row in data[name].items()}
        for name in ("degrees", "motions")
    )
    lengths = {int(beats): {int(n): int(c) for n, c in row.items()} for beats, row in data["lengths"].items()}
    rows = [*degrees.values(), *motions.values(), *lengths.values()]
    if any(n < 1 for row in rows for n in row.values()):
        raise ValueError("it counts less than one")
    if any(beats < 1 or n < 1 for beats, row in lengths.items() for n in row):
        raise ValueError("a chord lasts less than a beat")
    if len(degrees.get((), {})) < 2:
        raise ValueError("it knows less than two chords")
    return MarkovTable(degrees, motions, int(data["charts"]), lengths)


# -- counting ---------------------------------------------------------------------------------------------------------


def _degrees(chords: Sequence[Chord], key: Key) -> tuple[Word, ...]:
    return tuple(_as_word(chord, key.tonic) for chord in chords)


def _motions(chords: Sequence[Chord], key: Key) -> tuple[Word, ...]:
    """The first chord has no root before it; it is taken from the tonic."""
    roots = [key.tonic, *(chord.root for chord in chords)]
    return tuple(_as_word(chord, root) for chord, root in zip(chords, roots, strict=False))


def _as_word(chord: Chord, from_root: int) -> Word:
    return (chord.root - from_root) % 12 * len(QUALITIES) + _NUMBERS[chord.quality.symbol]


_NUMBERS = {quality.symbol: i for i, quality in enumerate(QUALITIES)}


_CHORDS = tuple(Chord(root, quality) for root in range(12) for quality in QUALITIES)


def _moved(chances: list[float], root: int) -> list[float]:
    """Chances of words from another root on, as those of words from C."""
    first = WORDS - root * len(QUALITIES)
    return chances[first:] + chances[:first]


def _counted(songs: Iterable[Sequence[Word]]) -> Counts:
    """Counts of songs in which a word follows a context."""
    found: defaultdict[tuple[Word, ...], Counter[Word]] = defaultdict(Counter)
    for song in songs:
        seen = {
            (tuple(song[i - order : i]), word)
            for i, word in enumerate(song)
            for order in range(min(i, LONGEST) + 1)
        }  # fmt: skip
        for context, word in seen:
            found[context][word] += 1
    kept = {c: dict(row) for c, row in found.items() if len(c) < _RECALLED_ONCE or sum(row.values()) > 1}
    return kept


def _backed_off(table: Counts, context: tuple[Word, ...], memo: _Memo) -> list[float]:
    """Chances of the words by Witten-Bell: at each order what was seen there, and the shorter context for as many kinds
    as were seen. What no order has is 0. The answer is to be read only."""
    if context in memo:
        return memo[context]
    found = _backed_off(table, context[1:], memo) if context else [0.0] * WORDS
    row = table.get(context)
    if row is not None:
        whole = sum(row.values()) + len(row)
        left = len(row) / whole
        found = [left * p for p in found]
        for word, count in row.items():
            found[word] += count / whole
    if len(context) < 2:
        memo[context] = found
    return found


def _plain(counts: Counts) -> dict[str, dict[str, int]]:
    return {_text(context): {str(word): n for word, n in row.items()} for context, row in counts.items()}


def _text(context: tuple[Word, ...]) -> str:
    return " ".join(map(str, context))


def _context(text: str) -> tuple[Word, ...]:
    return tuple(map(_word, text.split()))


def _word(text: str) -> Word:
    word = int(text)
    if not 0 <= word < WORDS:
        raise ValueError(f"{word} is no chord word")
    return word
