"""What chord comes next, by counting: habits of many songs, and what this very song did before.

Three kinds of *voices* have an opinion, each with a level:

- habits: an n-gram of changes counted over many charts, each change as (semitones from the root before, quality), so
  that every key is known at once; one voice for each number of changes looked back;
- repeats: wherever the last one to eight chords of the song stood before, what came next there;
- form: the chord that sounded here one, two, four ... bars ago, believed by how often that has come true of late.

They speak in that order, and each takes a share of what the ones before it had: `Trust` says how much, by level and
kind (how often was it met, did it always go the same way). Trust is fitted on songs that the habits do not know.

A *word* is 0 for "no chord", else 1 + qualities * root + quality, as in `jamlink.tokens.vocab` (14 qualities there;
fewer where qualities are folded together). Pure numpy, about 0.3 ms a query. Any thread: a query changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
Words = npt.NDArray[np.int64]

LONGEST_HABIT, LONGEST_REPEAT = 4, 8
LAGS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Bars after which a form comes round."""
HABIT_LEVELS = range(LONGEST_HABIT + 1)
REPEAT_LEVELS = range(HABIT_LEVELS.stop, HABIT_LEVELS.stop + LONGEST_REPEAT)
FORM_LEVELS = range(REPEAT_LEVELS.stop, REPEAT_LEVELS.stop + len(LAGS))
LEVELS = FORM_LEVELS.stop
KINDS = 6
_OFTEN = (2, 3, 6, 15, 50)
"""From so many cases on a habit is of the next kind."""
_LATELY = 4
"""So many changes back tell whether a form holds."""
_ROUNDS, _DOUBT = 40, 2.0
"""Rounds of fitting, and how many imagined cases stand for "half of it" in each share."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Voice:
    """One opinion: the `words` that may come and their `shares`, which sum to 1.

    `usual` is how far it is believed where nothing was fitted, in Witten and Bell's way: cases / (cases + different
    words).
    """

    level: int
    kind: int
    words: Words
    shares: Shares
    usual: float

    def share(self, word: int) -> float:
        """What it gives to `word`."""
        return float(self.shares[self.words == word].sum())


@dataclass(frozen=True, slots=True)
class Past:
    """The changes of a song so far, no word twice on end, oldest first; at least one.

    `onsets` are where they began and `now` where the next begins, in `bar`ths of a bar; without them no form is heard.
    """

    words: Sequence[int]
    onsets: Sequence[int] = ()
    now: int = 0
    bar: int = 0


class Habits:
    """Counts of changes over many charts, all keys at once. Immutable once made."""

    def __init__(self, counts: Mapping[tuple[int, ...], Mapping[int, int]], *, qualities: int) -> None:
        """Counts of steps after up to LONGEST_HABIT steps; see `steps_of`."""
        self.qualities, self.size = qualities, 1 + 12 * qualities
        self._counts = {
            context: (np.array(list(seen), np.int64), np.array(list(seen.values()), np.float64))
            for context, seen in counts.items()
        }

    @staticmethod
    def counted(charts: Iterable[Sequence[int]], *, qualities: int) -> Habits:
        """Of charts of words, no word twice on end."""
        counts: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
        for chart in charts:
            steps = steps_of(chart, qualities)
            for i in range(1, len(steps)):
                for n in range(min(LONGEST_HABIT, i) + 1):
                    counts[tuple(steps[i - n : i])][steps[i]] += 1
        return Habits(counts, qualities=qualities)

    def voices(self, words: Sequence[int], order: int = LONGEST_HABIT) -> list[Voice]:
        """One for each number of changes back that was met, up to `order`. Nobody lets the last word follow itself."""
        steps = steps_of(words[-LONGEST_HABIT - 2 :], self.qualities)
        root = next(((word - 1) // self.qualities for word in reversed(words) if word), 0)
        found = []
        for n in range(min(order, len(steps)) + 1):
            seen = self._counts.get(tuple(steps[len(steps) - n :]))
            if seen is not None:
                kind = int(np.searchsorted(_OFTEN, seen[1].sum(), side="right"))
                found += _voice(n, kind, self._moved(seen[0], root), seen[1], words[-1])
        return found

    def _moved(self, steps: Words, root: int) -> Words:
        """Steps from `root` as words."""
        semitones, quality = np.divmod(steps - 1, self.qualities)
        return np.where(steps == 0, 0, 1 + (semitones + root) % 12 * self.qualities + quality)


def steps_of(words: Sequence[int], qualities: int) -> list[int]:
    """Each word as 1 + qualities * (semitones up from the last root) + quality; 0 stays "no chord".

    The first root counts as no step up.
    """
    steps: list[int] = []
    root: int | None = None
    for word in words:
        if word:
            new, quality = divmod(word - 1, qualities)
            steps.append(1 + (0 if root is None else new - root) % 12 * qualities + quality)
            root = new
        else:
            steps.append(0)
    return steps


def _voice(level: int, kind: int, words: Words, times: Shares, last: int) -> list[Voice]:
    """A voice of counts without the last word; none where nothing else was counted."""
    kept = words != last
    words, times = words[kept], times[kept]
    total = times.sum()
    return [Voice(level, kind, words, times / total, float(total / (total + len(words))))] if total else []


def repeats(words: Sequence[int]) -> list[Voice]:
    """What came wherever the song's end stood before, the shortest match first."""
    past = np.asarray(words, np.int64)
    here = np.arange(len(past) - 1)  # where the last word of a match stands
    found: list[Voice] = []
    for length in range(1, min(LONGEST_REPEAT, len(past) - 1) + 1):
        here = here[here >= length - 1]
        here = here[past[here - length + 1] == past[-length]]
        if not len(here):
            break
        after = Counter(past[here + 1].tolist())
        kind = min(len(here), 3) - 1 + (3 if len(after) > 1 else 0)
        counts = np.array(list(after)), np.array(list(after.values()), np.float64)
        found += _voice(REPEAT_LEVELS[length - 1], kind, *counts, words[-1])
    return found


def form(past: Past) -> list[Voice]:
    """The chord that sounded here so many bars ago, of a kind that tells how many of the last changes were so foretold.

    Kind 5 says that there were too few to tell.
    """
    if not past.bar or not past.onsets:
        return []
    onsets, words = np.asarray(past.onsets), np.asarray(past.words)
    recent = np.append(onsets[-_LATELY:], past.now)
    found = []
    for level, bars in zip(FORM_LEVELS, LAGS, strict=True):
        at = np.searchsorted(onsets, recent - bars * past.bar, side="right") - 1
        if at[-1] < 0 or words[at[-1]] == words[-1]:
            continue
        tested = at[:-1] >= 0
        hits = int((words[at[:-1]] == words[-_LATELY:])[tested].sum())
        kind = hits if tested.all() and len(tested) == _LATELY else 5
        found.append(Voice(level, kind, words[at[-1:]], np.ones(1), 0.0))
    return found


@dataclass(frozen=True, slots=True)
class Trust:
    """How far each voice is believed, 0 to 1, by level and kind; a level that is missing counts for what is usual."""

    shares: Mapping[int, Sequence[float]] = field(default_factory=dict)

    def of(self, voice: Voice) -> float:
        """The share of a voice."""
        row = self.shares.get(voice.level)
        return voice.usual if row is None else row[voice.kind]


def blended(voices: Iterable[Voice], trust: Trust, size: int, last: int) -> Shares:
    """(size,) how likely each word is after `last`, which does not follow itself.

    Words that no voice names are equally likely.
    """
    p = np.full(size, 1 / (size - 1))
    p[last] = 0
    for voice in voices:
        share = trust.of(voice)
        p *= 1 - share
        p[voice.words] += share * voice.shares
    return p


def fitted_trust(asked: Sequence[tuple[Sequence[Voice], int]], size: int, levels: Iterable[int]) -> Trust:
    """The shares of some levels under which what came is likeliest (expectation and maximisation).

    `asked` has the voices at each change, of habits that do not know the song, and the word that came.
    """
    fitted = sorted(set(levels))
    given = np.full((LEVELS, len(asked)), -1.0)  # what a voice gave to the word that came; -1: it was silent
    usual, kinds = np.zeros((LEVELS, len(asked))), np.zeros((LEVELS, len(asked)), np.int64)
    for i, (voices, word) in enumerate(asked):
        for voice in voices:
            at = voice.level, i
            given[at], usual[at], kinds[at] = voice.share(word), voice.usual, voice.kind
    trust = np.full((LEVELS, KINDS), 0.5)
    for _ in range(_ROUNDS if asked else 0):
        shares = np.where(np.isin(np.arange(LEVELS), fitted)[:, None], np.take_along_axis(trust, kinds, 1), usual)
        trust = _better(np.where(given >= 0, shares, 0.0), given, kinds, 1 / (size - 1))
    return Trust({level: tuple(float(x) for x in trust[level]) for level in fitted})


def _better(shares: Shares, given: Shares, kinds: Words, base: float) -> Shares:
    """(levels, kinds) after one round: of what came, how much each voice explains rather than those before it."""
    p, explained = np.full(given.shape[1], base), np.zeros_like(given)
    for level in range(LEVELS):
        mine = shares[level] * np.maximum(given[level], 0)
        p = (1 - shares[level]) * p + mine
        explained[level] = mine / np.maximum(p, 1e-300)
    credit, seen = np.full((LEVELS, KINDS), _DOUBT / 2), np.full((LEVELS, KINDS), _DOUBT)
    left = np.ones(given.shape[1])  # how much no later voice explains
    for level in reversed(range(LEVELS)):
        there = given[level] >= 0
        np.add.at(credit[level], kinds[level, there], (left * explained[level])[there])
        np.add.at(seen[level], kinds[level, there], left[there])
        left = left * (1 - explained[level])
    return credit / seen


@dataclass(frozen=True, slots=True)
class SongMemory:
    """All three kinds of voices."""

    habits: Habits
    trust: Trust = Trust()

    def voices(self, past: Past) -> list[Voice]:
        """In the order in which they speak."""
        return [*self.habits.voices(past.words), *repeats(past.words), *form(past)]

    def shares(self, past: Past) -> Shares:
        """(words,) how likely each word comes next; the last one does not follow itself."""
        return blended(self.voices(past), self.trust, self.habits.size, past.words[-1])


def repeated(voices: Iterable[Voice]) -> int:
    """How many words of the song's end stood before together; 0 where its last one is new."""
    return max((voice.level - REPEAT_LEVELS[0] + 1 for voice in voices if voice.level in REPEAT_LEVELS), default=0)


@dataclass(frozen=True, slots=True)
class Blend:
    """How a network's opinion and the memory's are multiplied, by how much of the song repeats.

    Rows are for nothing, one or two words, three or four, five or more: (power of the network's shares, power of the
    memory's). The product is scaled to sum to 1.
    """

    powers: tuple[tuple[float, float], ...] = ((0.6, 0.35), (0.4, 0.5), (0.3, 0.55), (0.2, 0.75))

    def shares(self, network: Shares, memory: Shares, length: int) -> Shares:
        """(words,) from two (words,) and what `repeated` says."""
        a, b = self.powers[_row(length)]
        found = np.power(network, a) * np.power(memory, b)
        return np.asarray(found / found.sum())


def _row(length: int) -> int:
    return min((length + 1) // 2, 3)


Case = tuple[Shares, Shares, int, int]
"""(network's shares, memory's shares, what `repeated` says, the word that came)."""


def fitted_blend(asked: Sequence[Case]) -> Blend:
    """The powers under which what came is likeliest; a row with few cases is drawn to what fits all rows."""
    start = Blend()
    overall = _powers(asked, np.array(start.powers).mean(axis=0), 0.1)
    rows = [[one for one in asked if _row(one[2]) == row] for row in range(len(start.powers))]
    return Blend(tuple((float(a), float(b)) for a, b in (_powers(some, overall, 10.0) for some in rows)))


def _powers(asked: Sequence[Case], start: Shares, pull: float) -> Shares:
    """Newton's steps for two powers, at least 0, drawn to `start` as if by `pull` cases."""
    powers = np.array(start, np.float64)
    if not asked:
        return powers
    logs = np.log(np.maximum(np.array([one[:2] for one in asked]), _TINY))  # (cases, 2, words)
    came = np.array([one[3] for one in asked])
    for _ in range(20):
        p = np.exp(np.einsum("k,nkw->nw", powers, logs))
        p /= p.sum(axis=1, keepdims=True)
        mean = np.einsum("nw,nkw->nk", p, logs)
        slope = (logs[np.arange(len(came)), :, came] - mean).sum(axis=0) - pull * (powers - start)
        off = logs - mean[:, :, None]
        curve = np.einsum("nw,njw,nkw->jk", p, off, off) + (pull + 1e-3) * np.eye(2)
        powers = np.maximum(powers + np.clip(np.linalg.solve(curve, slope), -0.5, 0.5), 0.0)
    return powers
