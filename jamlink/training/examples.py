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
from jamlink.training import disturb
from jamlink.training.corpus import BAR_FACTS, STREAMS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_DROP_FIELD, _DROP_ALL = 0.15, 0.10
_SLOT_WEIGHTS = (0.15, 0.20, 0.50, 0.15)
_NO_CONTEXT, _LONGEST_CONTEXT = 0.25, 16
_SILENT_CONTEXT = 0.2
_ANSWER_SHARE, _FILL_SHARE = 0.20, 0.10
_DISTURBED, _JUMP, _COLD = 0.30, 0.10, 0.10
"""Shares of windows with each kind of slip, with a change of key inside, without chords before their first slot."""
_GAPS, _LONGEST_AFTER, _LONGEST_BEFORE = (1, 2, 4), 4, 8
"""Bars that a fill fills, and the most that it is told of what comes after and before."""
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
        with path.open("rb") as file, np.load(file) as found:  # numpy leaves a damaged file open
            if str(found["vocabulary"]) != vocab.HASH:
                raise Nonsense(f"{path} was written with other words.", "Build the corpus again.")
            self.ids, self.bar_at, self.carry = found["ids"].astype(np.int64), found["bar_at"], found["carry"]
            self.facts, self.streams, self.tunes = found["facts"], found["streams"], found["tunes"]
            self.sources = [str(name) for name in found["sources"]]
            self.names = [str(name) for name in found["names"]]
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


@dataclass(frozen=True, slots=True)
class Ways:
    """How windows are made. `robust`: with slips (`jamlink.training.disturb`) and changes of key in them; `canonical`:
    in C major or A minor where the key is known, instead of any of twelve keys; `human_share`: of the notes in tasks
    where they are always the player's, how many are learnt.
    """

    robust: bool = True
    canonical: bool = False
    human_share: float = 1.0


class _Stage:
    """What goes wrong in one window; drawn once, done to each bar."""

    def __init__(self, rng: np.random.Generator, kind: str, robust: bool) -> None:
        self.rng = rng
        with_notes, with_chords = kind != "chords", kind != "melody"
        drawn = rng.random(4)
        self.slips = [
            slip
            for slip, chance, fits in zip(
                (disturb.wrong_notes, disturb.lost_notes, disturb.other_chords),
                drawn[:3],
                (with_notes, with_notes, with_chords),
                strict=True,
            )
            if robust and fits and chance < _DISTURBED
        ]
        self.cold = robust and kind in ("lead", "follow") and drawn[3] < _COLD

    def played(self, words: disturb.Words, *, bare: bool) -> disturb.Words:
        """A bar as it would be on a stage; `bare` is before the harmony is known."""
        for slip in self.slips:
            words = slip(self.rng, words)
        return disturb.without_chords(words) if bare else words


class Sampler:
    """Draws rows from one side of the split. The same seed and step give the same rows."""

    def __init__(
        self,
        corpus: Corpus,
        mix: Sequence[Mix],
        row: int,
        *,
        held_out: bool,
        seed: int,
        ways: Ways = Ways(),
    ) -> None:
        self.corpus, self.row, self.seed, self.ways = corpus, row, seed, ways
        self.shift, self.target = transpositions(), target_mask()
        self.notes = np.array([vocab.group_of(i) in ("PITCH", "RHYTHM", "JOIN") for i in range(vocab.SIZE)])
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
        lead = STREAMS[kind] == "lead"
        if lead and bars > max(_GAPS) + 1 and rng.random() < _FILL_SHARE:
            return self._fill(rng, stream, first, bars, room)
        answer = lead and (rng.random() < _ANSWER_SHARE or self._chordless(first, bars))
        return self._onward(rng, stream, answer, room)

    def _onward(self, rng: np.random.Generator, stream: int, answer: bool, room: int) -> tuple[Ints, Bools]:
        """Bars in their order, with steered slots."""
        _, kind, first, bars = (int(v) for v in self.corpus.streams[stream])
        start, plan = self._plan(rng, first, bars, answer)
        silent = self._silent(rng, stream, start, plan[0][0] if plan else start, answer)
        slots, size, pieces = dict(plan), 0, []
        jump = self._jump(rng, start, first + bars)
        stage = _Stage(rng, STREAMS[kind], self.ways.robust) if not silent else None
        cold = plan[0][0] if plan and stage and stage.cold else start
        heading = self._heading(rng, stream, answer, keyless=jump > 0)
        pieces.append((heading, [True] * len(heading), 0))
        for bar in range(start, first + bars):
            opens = bar in (start, jump) or (bar == cold and bar not in silent)
            ids = self._bar(rng, stream, bar, opens, slots.get(bar, 0), silent)
            words = (ids, [bar not in silent] * len(ids))
            words = stage.played(words, bare=bar < cold) if stage else words
            pieces.append((*words, int(jump > 0 and bar >= jump)))
            size += len(words[0])
            if size >= room:
                break
        else:
            pieces.append(([vocab.EOS], [True], 0))
        moved, learnt = self._moved(rng, stream, pieces, room)
        if self.ways.human_share < 1 and STREAMS[kind] in ("harmonise", "follow"):
            learnt &= ~(self.notes[moved] & (rng.random(len(moved)) >= self.ways.human_share))
        return moved, learnt

    def _moved(
        self, rng: np.random.Generator, stream: int, pieces: Sequence[tuple[list[int], list[bool], int]], room: int
    ) -> tuple[Ints, Bools]:
        """The pieces in a key drawn by chance, those behind a jump in another one; cut to `room`."""
        keys = rng.permutation(12)
        key = int(self.corpus.tunes[self.corpus.streams[stream, 0], 4]) - vocab.RANGES["KEY"].start
        if self.ways.canonical and key >= 0:
            keys[0] = (5 - key % 12 + (9 if key >= 12 else 0)) % 12
        moved = np.concatenate([self.shift[keys[jumped]][np.array(ids, np.int64)] for ids, _, jumped in pieces])[:room]
        learnt = np.concatenate([np.array(taught, bool) for _, taught, _ in pieces])[:room]
        return moved, self.target[moved] & learnt

    def _jump(self, rng: np.random.Generator, start: int, end: int) -> int:
        """The bar from which the music goes on in another key; 0 for none."""
        if not self.ways.robust or end - start < 6 or rng.random() >= _JUMP:
            return 0
        return int(rng.integers(start + 2, min(end - 2, start + 16)))

    def _fill(self, rng: np.random.Generator, stream: int, first: int, bars: int, room: int) -> tuple[Ints, Bools]:
        """What comes after a gap, then what comes before, then the gap, which alone is learnt."""
        gap = int(rng.choice(_GAPS))
        at = int(rng.integers(first, first + bars - gap))
        after = range(at + gap, min(first + bars, at + gap + int(rng.integers(1, _LONGEST_AFTER + 1))))
        before = range(max(first, at - int(rng.integers(0, _LONGEST_BEFORE + 1))), at)
        ids = self._heading(rng, stream, False, task=Task.FILL)
        for span in (after, before):
            for bar in span:
                ids += self._bar(rng, stream, bar, bar == span[0], 0, {})
            ids += [vocab.EOS] if span is after else []
        told = len(ids)
        for bar in range(at, at + gap):
            ids += self._bar(rng, stream, bar, bar == at and not before, gap if bar == at else 0, {})
        ids.append(vocab.EOS)
        return self._moved(rng, stream, [(ids, [i >= told for i in range(len(ids))], 0)], room)

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

    def _heading(
        self, rng: np.random.Generator, stream: int, answer: bool, *, keyless: bool = False, task: Task | None = None
    ) -> list[int]:
        tune, kind = self.corpus.tunes[self.corpus.streams[stream, 0]], STREAMS[self.corpus.streams[stream, 1]]
        task = task or (Task.ANSWER if answer else Task(kind))
        style, meter, tempo, key = (int(v) for v in tune[1:5])
        dropped = rng.random(3) < (1.0 if rng.random() < _DROP_ALL else _DROP_FIELD)
        words = (-1 if dropped[0] else style, meter, -1 if dropped[1] else tempo, -1 if dropped[2] or keyless else key)
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
        if STREAMS[self.corpus.streams[stream, 1]] == "follow":
            at = next((i for i, t in enumerate(ids) if i > 1 and vocab.group_of(t) in ("CHORD", "RHYTHM")), len(ids))
        if STREAMS[self.corpus.streams[stream, 1]] == "harmonise":
            at = next((i for i, t in enumerate(ids) if vocab.group_of(t) in ("CHORD", "POS")), len(ids))
        if at < len(ids) and vocab.group_of(ids[at]) == "CHORD":
            return ids
        return [*ids[:at], *carry, *ids[at:]]
