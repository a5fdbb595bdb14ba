"""What usually follows what, in chords: counts of changes after one to four chords before.

A change is written in two ways: by *degree* (semitones above the tonic, quality) and by *motion* (semitones from the
root before, quality). The first knows where home is, the second does not mind a wrong or changing key; their mean
predicts held-out charts better than either. A context is counted once a song, so that a chorus sung six times does not
shout. Probabilities come from Witten and Bell's way of backing off to shorter contexts.

A table is built by `build` and kept as JSON; the file's shape is that of `MarkovTable.plain`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense
from jamlink.music.chord import QUALITIES, Chord
from jamlink.music.key import Key

LONGEST = 4
"""The most chords before a change that are looked at."""
LONGEST_PAST = LONGEST + 1
"""One more tells the motion into the first of them."""
WORDS = 12 * len(QUALITIES)
_FORMAT = 1
_RECALLED_ONCE = 3
"""From this order on a context that only one song has is left out: it saves two thirds of the file and no skill."""

Word = int
"""14 * semitones + number of the quality."""
Counts = Mapping[tuple[Word, ...], Mapping[Word, int]]


@dataclass(frozen=True, slots=True)
class Chart:
    """The changes of a song, no chord twice on end."""

    name: str
    key: Key
    chords: tuple[Chord, ...]


@dataclass(frozen=True, slots=True)
class MarkovTable:
    """Immutable; any thread. `charts` is how many songs it was counted from."""

    degrees: Counts
    motions: Counts
    charts: int

    def chances(self, before: Sequence[Chord], key: Key) -> list[tuple[Chord, float]]:
        """The likeliest chords after `before` (oldest first) with how likely they are, likeliest first.

        What never followed is left out, so the sum is below 1. The chord before never follows itself.
        """
        recent = before[-LONGEST:]
        found = {_moved(word, key.tonic): p for word, p in _backed_off(self.degrees, _degrees(recent, key)).items()}
        if recent:
            found = {word: p / 2 for word, p in found.items()}
            motions = _motions(before[-LONGEST_PAST:], key)[-LONGEST:]
            for word, p in _backed_off(self.motions, motions).items():
                word = _moved(word, recent[-1].root)
                found[word] = found.get(word, 0.0) + p / 2
            found.pop(_as_word(recent[-1], 0), None)
        return [(_CHORDS[word], p) for word, p in sorted(found.items(), key=lambda item: (-item[1], item[0]))]

    def plain(self) -> dict[str, Any]:
        """As numbers, strings and dicts: contexts as words between spaces."""
        return {
            "format": _FORMAT,
            "charts": self.charts,
            "qualities": [quality.symbol for quality in QUALITIES],
            "degrees": _plain(self.degrees),
            "motions": _plain(self.motions),
        }


def build(charts: Iterable[Chart]) -> MarkovTable:
    """Count the changes of `charts`. The same charts give the same table."""
    songs = list(charts)
    degrees = _counted([_degrees(song.chords, song.key) for song in songs])
    motions = _counted([_motions(song.chords, song.key) for song in songs])
    return MarkovTable(degrees, motions, len(songs))


def save(table: MarkovTable, path: Path) -> None:
    """Write the table, in one order whatever order it was counted in."""
    path.write_text(json.dumps(table.plain(), sort_keys=True, separators=(",", ":")) + "\n")


def load(path: Path) -> MarkovTable:
    """Read a table. Raises `Nonsense` with the remedy for a file that is missing or not one."""
    try:
        data = json.loads(path.read_text())
        if data["format"] != _FORMAT or data["qualities"] != [quality.symbol for quality in QUALITIES]:
            raise ValueError("it is of another version")
        tables = [{_context(c): {_word(w): int(n) for w, n in row.items()} for c, row in data[name].items()}
                  for name in ("degrees", "motions")]  # fmt: skip
        if any(n < 1 for table in tables for row in table.values() for n in row.values()):
            raise ValueError("it counts less than one")
        return MarkovTable(tables[0], tables[1], int(data["charts"]))
    except OSError as gone:
        raise Nonsense(f"The chord table {path} cannot be read: {gone.strerror}.", "Install jamlink again.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Nonsense(f"{path} is no chord table: {wrong}.", "Build it again, or install jamlink again.") from None


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


def _moved(word: Word, root: int) -> Word:
    """A word from another root on, as a word from C."""
    return (word + root * len(QUALITIES)) % WORDS


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


def _backed_off(table: Counts, context: tuple[Word, ...]) -> dict[Word, float]:
    """Witten-Bell: at each order, what was seen there, and the shorter context for as many kinds as were seen."""
    found: dict[Word, float] = {}
    left = 1.0
    for order in range(len(context), -1, -1):
        row = table.get(context[len(context) - order :])
        if row is None:
            continue
        total, kinds = sum(row.values()), len(row)
        for word, count in row.items():
            found[word] = found.get(word, 0.0) + left * count / (total + kinds)
        left *= kinds / (total + kinds)
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
