"""Training windows out of the corpus: heading, steering, key, task and context drawn anew at each visit.

A window is cut to the row it fills. Rows hold one or more windows, the rest is PAD. What stands in headings and
steering is given at play, so it is never a target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense
from jamlink.timing.units import bpm_of_tempo
from jamlink.tokens import vocab
from jamlink.tokens.decode import tempo_of_bin
from jamlink.tokens.vocab import Task
from jamlink.training.corpus import BAR_FACTS, STREAMS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DROP_FIELD, _DROP_ALL = 0.15, 0.10
_SLOT_WEIGHTS = (0.15, 0.20, 0.50, 0.15)
_NO_CONTEXT, _LONGEST_CONTEXT = 0.25, 16
_SILENT_CONTEXT = 0.2
_ANSWER_SHARE = 0.25
_FEWEST_LEFT = 48
"""A window is not begun in less room than this."""
_COLUMN = {name: i for i, name in enumerate(BAR_FACTS)}


@dataclass(frozen=True, slots=True)
class Mix:
    """How often a kind of stream of a source is drawn; weights need not sum to 1."""

    source: str
    kind: str
    weight: float


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of `ids`, (n, row), and which of them are to be `learnt`, likewise."""

    ids: Ints
    learnt: Bools


def transpositions() -> Ints:
    """(12, vocab): row s is every word s - 5 semitones higher."""
    return np.array([[vocab.transposed_id(i, s - 5) for i in range(vocab.SIZE)] for s in range(12)])


def target_mask() -> Bools:
    """(vocab,): which words are learnt; not those that are given at play, nor PAD."""
    learnt = np.ones(vocab.SIZE, dtype=bool)
    learnt[vocab.RANGES["TASK"].start : vocab.RANGES["BAR"].start] = False
    learnt[[vocab.PAD, vocab.BOS]] = False
    return learnt


class Corpus:
    """The arrays of corpus.npz. Raises `Nonsense` where they were written with other words."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise Nonsense(f"There is no {path}.", "Build the corpus first.")
        with np.load(path) as found:
            if str(found["vocabulary"]) != vocab.HASH:
                raise Nonsense(f"{path} was written with other words.", "Build the corpus again.")
            self.ids, self.bar_at, self.carry = found["ids"].astype(np.int64), found["bar_at"], found["carry"]
            self.facts, self.streams, self.tunes = found["facts"], found["streams"], found["tunes"]
            self.sources = [str(name) for name in found["sources"]]
        self.running = np.concatenate([np.zeros((1, len(BAR_FACTS))), np.cumsum(self.facts, axis=0, dtype=np.float64)])
        self.hush = {int(s[0]): int(s[2]) for s in self.streams if s[1] == STREAMS.index("hush")}
        self.levels = self._levels()

    def bar(self, bar: int) -> Ints:
        """The ids of a bar."""
        return self.ids[self.bar_at[bar] : self.bar_at[bar + 1]]

    def measures(self, stream: int, first: int, bars: int) -> list[float | None]:
        """Brightness, drive, density, surprise of some bars, as raw numbers; None where nothing can be said."""
        tune, kind = self.tunes[self.streams[stream, 0]], STREAMS[self.streams[stream, 1]]
        total = self.running[first + bars] - self.running[first]
        events = total[_COLUMN["changes" if kind == "chords" else "onsets"]]
        density = events / total[_COLUMN["quarters"]]
        pull = 1 + (total[_COLUMN["off_beat"]] / events if events else 0)
        bpm = bpm_of_tempo(tempo_of_bin(int(tune[3]) - vocab.RANGES["TEMPO"].start)) if tune[3] >= 0 else 0
        weight, counted = total[_COLUMN["bright_weight"]], total[_COLUMN["events"]]
        return [
            total[_COLUMN["bright"]] / weight if weight else None,
            density * pull * bpm / 60 if bpm else None,
            density,
            total[_COLUMN["surprise"]] / counted if counted else None,
        ]

    def _levels(self) -> dict[tuple[int, int], Ints]:
        """(kind, style) -> (4 measures, 4 thresholds): the quintiles of its four-bar spans."""
        raw: dict[tuple[int, int], list[list[float]]] = {}
        for s, (tune, kind, first, bars) in enumerate(self.streams):
            if self.tunes[tune, 5]:
                continue
            for key in ((int(kind), int(self.tunes[tune, 1])), (int(kind), -1)):
                kept = raw.setdefault(key, [[], [], [], []])
                for bar in range(first, first + bars - 3, 8):
                    for column, value in zip(kept, self.measures(s, bar, 4), strict=True):
                        if value is not None:
                            column.append(value)
        shares = np.arange(1, vocab.LEVELS) / vocab.LEVELS
        return {
            key: np.array([np.quantile(c, shares) if c else np.full(len(shares), np.inf) for c in columns])
            for key, columns in raw.items()
        }

    def steering(self, stream: int, first: int, bars: int) -> list[int]:
        """The words SLOT, BRIGHT, DRIVE, DENSITY, SURPRISE for some bars; -1 where nothing can be said."""
        kind, style = int(self.streams[stream, 1]), int(self.tunes[self.streams[stream, 0], 1])
        levels = self.levels.get((kind, style), self.levels.get((kind, -1)))
        words = [vocab.RANGES["SLOT"][vocab.SLOT_BARS.index(bars)]]
        for i, value in enumerate(self.measures(stream, first, bars)):
            if value is None or levels is None:
                words.append(-1)
            else:
                words.append(vocab.RANGES[vocab.STEERING_GROUPS[i]][int((value > levels[i]).sum())])
        return words


class Sampler:
    """Draws rows from one side of the split. The same seed and step give the same rows."""

    def __init__(self, corpus: Corpus, mix: Sequence[Mix], row: int, *, held_out: bool, seed: int) -> None:
        self.corpus, self.row, self.seed = corpus, row, seed
        self.shift, self.target = transpositions(), target_mask()
        self.pools: list[tuple[Ints, npt.NDArray[np.float64]]] = []
        weights = []
        sides = corpus.tunes[corpus.streams[:, 0], 5] == int(held_out)
        for part in mix:
            source, kind = corpus.sources.index(part.source), STREAMS.index(part.kind)
            same = (corpus.tunes[corpus.streams[:, 0], 0] == source) & (corpus.streams[:, 1] == kind) & sides
            if same.any():
                found = np.flatnonzero(same)
                size = corpus.streams[found, 3].astype(np.float64)
                self.pools.append((found, np.cumsum(size / size.sum())))
                weights.append(part.weight)
        if not self.pools:
            raise Nonsense("The recipe's mix names nothing that is in the corpus.", "Compare it with counts.json.")
        self.edges = np.cumsum(np.array(weights) / sum(weights))

    def rows(self, step: int, count: int) -> Rows:
        """`count` rows of ids, (count, row), and which of them are to be learnt."""
        rng = np.random.default_rng((self.seed, step))
        ids = np.full((count, self.row), vocab.PAD, dtype=np.int64)
        learnt = np.zeros((count, self.row), dtype=bool)
        for line, taught in zip(ids, learnt, strict=True):
            at = 0
            while self.row - at >= _FEWEST_LEFT:
                words, wanted = self.window(rng, self.row - at)
                line[at : at + len(words)], taught[at : at + len(words)] = words, wanted
                at += len(words)
        return Rows(ids, learnt)

    def window(self, rng: np.random.Generator, room: int) -> tuple[Ints, Bools]:
        """One example of at most `room` ids, and which of them are to be learnt."""
        pool, sizes = self.pools[min(int(np.searchsorted(self.edges, rng.random())), len(self.pools) - 1)]
        stream = int(pool[min(int(np.searchsorted(sizes, rng.random())), len(pool) - 1)])
        _, kind, first, bars = (int(v) for v in self.corpus.streams[stream])
        answer = STREAMS[kind] == "lead" and (rng.random() < _ANSWER_SHARE or self._chordless(first, bars))
        start, plan = self._plan(rng, first, bars, answer)
        silent = self._silent(rng, stream, start, plan[0][0] if plan else start, answer)
        slots, ids, learnt = dict(plan), self._heading(rng, stream, answer), 0
        for bar in range(start, first + bars):
            ids += self._bar(rng, stream, bar, bar == start, slots.get(bar, 0), silent)
            learnt = len(ids) if bar in silent else learnt
            if len(ids) >= room:
                break
        else:
            ids.append(vocab.EOS)
        moved = self.shift[rng.integers(12)][np.array(ids[:room])]
        return moved, self.target[moved] & (np.arange(len(moved)) >= learnt)

    def _chordless(self, first: int, bars: int) -> bool:
        """Whether a stream has no chord at all."""
        return bool((self.corpus.facts[first : first + bars, _COLUMN["bright_weight"]] == 0).all())

    def _plan(self, rng: np.random.Generator, first: int, bars: int, answer: bool) -> tuple[int, list[tuple[int, int]]]:
        """Where the window starts, and the (bar, bars) of its steered slots."""
        end = first + bars
        start = first if rng.random() < 0.4 or bars <= 8 else int(rng.integers(first, end - 4))
        if answer:
            size = int(rng.choice((2, 4, 8)))
            starts = [b for b in range(first, end - size) if self._place(b) % size == 0] or [first]
            start = int(rng.choice(starts))
            at = start + size
        else:
            at = start + (0 if rng.random() < _NO_CONTEXT else int(rng.integers(1, _LONGEST_CONTEXT + 1)))
        plan: list[tuple[int, int]] = []
        while at < end:
            size = int(rng.choice(vocab.SLOT_BARS, p=_SLOT_WEIGHTS)) if not (answer and not plan) else size
            if at + size > end:
                break
            plan.append((at, size))
            at += size
        return start, plan

    def _place(self, bar: int) -> int:
        return int(self.corpus.ids[self.corpus.bar_at[bar]]) - vocab.RANGES["BAR"].start

    def _heading(self, rng: np.random.Generator, stream: int, answer: bool) -> list[int]:
        tune, kind = self.corpus.tunes[self.corpus.streams[stream, 0]], STREAMS[self.corpus.streams[stream, 1]]
        task = Task.ANSWER if answer else Task(kind)
        style, meter, tempo, key = (int(v) for v in tune[1:5])
        dropped = rng.random(3) < (1.0 if rng.random() < _DROP_ALL else _DROP_FIELD)
        words = (-1 if dropped[0] else style, meter, -1 if dropped[1] else tempo, -1 if dropped[2] else key)
        return [vocab.BOS, vocab.task_id(task), *(word for word in words if word >= 0)]

    def _silent(self, rng: np.random.Generator, stream: int, start: int, until: int, answer: bool) -> Mapping[int, int]:
        """Bars before the first slot that are taken from the stream of rests instead; these are not learnt.

        A network that learns the rests of a player who has not played yet goes on resting.
        """
        tune, kind, first, _ = (int(v) for v in self.corpus.streams[stream])
        wanted = STREAMS[kind] in ("lead", "bass") and not answer and rng.random() < _SILENT_CONTEXT
        if not wanted or tune not in self.corpus.hush:
            return {}
        return {bar: self.corpus.hush[tune] + bar - first for bar in range(start, until)}

    def _bar(
        self, rng: np.random.Generator, stream: int, bar: int, opens: bool, slot: int, silent: Mapping[int, int]
    ) -> list[int]:
        ids = [int(i) for i in self.corpus.bar(silent.get(bar, bar))]
        if opens:
            ids = self.opened(stream, bar, ids)
        if not slot or rng.random() < _DROP_ALL:
            return ids
        words = self.corpus.steering(stream, bar, slot)
        said = [w for w, drop in zip(words[1:], rng.random(4) < _DROP_FIELD, strict=True) if w >= 0 and not drop]
        return [ids[0], words[0], *said, *ids[1:]]

    def opened(self, stream: int, bar: int, ids: list[int]) -> list[int]:
        """A first bar that says the chord which sounds at its start."""
        carry = [int(word) for word in self.corpus.carry[bar] if word]
        if not carry:
            return ids
        at = 1
        if STREAMS[self.corpus.streams[stream, 1]] == "harmonise":
            at = next((i for i, t in enumerate(ids) if vocab.group_of(t) in ("CHORD", "POS")), len(ids))
        if at < len(ids) and vocab.group_of(ids[at]) == "CHORD":
            return ids
        return [*ids[:at], *carry, *ids[at:]]
