"""The index of `jamlink.proposers.originality` out of a corpus: what was learnt from, and the bands of people.

Melodies come from the melody streams, bass lines from the bass streams, of the tunes that are trained on. Bands come
from the tunes that are held out, which are of other families than any of those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense
from jamlink.proposers.originality import (
    ANY_STYLE,
    LONGEST_WAIT,
    PARTS,
    SORTED,
    UNIT,
    WINDOW,
    Index,
    Lines,
    code_of,
)
from jamlink.session.proposal import Role
from jamlink.tokens import vocab
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus
from jamlink.training.titles import title_of

Say = Callable[[str], None]
_STREAM_OF = {Role.MELODY: "melody", Role.BASS: "bass"}
_FEWEST_WINDOWS = 200
"""Fewer windows of a style than this have no ninety-ninth percentile of their own."""
SHARE = 0.99

Onsets = list[tuple[int, int]]
"""(tick, highest pitch) of a line."""


def build(corpus: Corpus, out: Path, *, unpacked: Path | None = None, say: Say = print) -> Path:
    """Write the index of a corpus into the folder `out`; -> the file.

    Raises `Nonsense` for a corpus without a line. `unpacked` is where titles of tune books are looked up.
    """
    names = [f"{name.partition(':')[0]}\t{title_of(name, unpacked)}" for name in corpus.names]
    parts = {role: _part(corpus, role) for role in PARTS}
    if not len(parts[Role.MELODY].starts):
        raise Nonsense("The corpus has no melody to train on.", "Build it from music with notes.")
    index = Index(*_used(parts, names), {(role, ANY_STYLE): WINDOW for role in PARTS})
    found = bands(index, corpus)
    path = Index(*_used(parts, names), {key: band.most for key, band in found.items()}).save(out)
    for role in PARTS:
        say(f"{role}: {index.size(role)} steps, {len(parts[role].starts)} lines")
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    for (role, style), band in sorted(found.items()):
        say(f"{role} {style or 'any style'}: {band.row()}")
    return path


@dataclass(frozen=True, slots=True)
class Band:
    """The longest runs of people's windows with the training music."""

    runs: npt.NDArray[np.int64]

    @property
    def most(self) -> int:
        """What SHARE of the windows keep within."""
        return int(np.quantile(self.runs, SHARE, method="inverted_cdf"))

    def row(self) -> str:
        """In words."""
        median, p95 = np.quantile(self.runs, (0.5, 0.95), method="inverted_cdf")
        return f"{len(self.runs)} windows, median {median}, p95 {p95}, p99 {self.most}"


def bands(index: Index, corpus: Corpus) -> dict[tuple[Role, str], Band]:
    """Of each part and style, and of all styles together, from the tunes that are held out."""
    runs: dict[tuple[Role, str], list[int]] = {(role, ANY_STYLE): [] for role in PARTS}
    for role in PARTS:
        for tune, line in lines_of(corpus, role, held_out=True):
            found = [match.steps if (match := index.closest_run(w, role)) else 0 for w in windows(line)]
            runs[role, ANY_STYLE] += found
            runs.setdefault((role, style_of(corpus, tune)), []).extend(found)
    kept = {key: values for key, values in runs.items() if key[1] == ANY_STYLE or len(values) >= _FEWEST_WINDOWS}
    return {key: Band(np.array(values or [WINDOW], np.int64)) for key, values in kept.items()}


def windows(line: Onsets) -> Iterator[list[int]]:
    """The steps of a line, WINDOW at a time, no two windows with a step in common."""
    steps = [code_of(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(line)]
    for i in range(0, len(steps) - WINDOW + 1, WINDOW):
        yield steps[i : i + WINDOW]


def style_of(corpus: Corpus, tune: int) -> str:
    """The style of a tune; empty where none is known."""
    style = int(corpus.tunes[tune, 1])
    return vocab.STYLES[style - vocab.RANGES["STYLE"].start] if style >= 0 else ""


def lines_of(corpus: Corpus, role: Role, *, held_out: bool) -> Iterator[tuple[int, Onsets]]:
    """(tune, line) of each stream of a part on one side of the split."""
    kind = STREAMS.index(_STREAM_OF[role])
    for tune, stream, first, bars in corpus.streams:
        if stream == kind and corpus.tunes[tune, 5] == int(held_out):
            ids = corpus.ids[corpus.bar_at[first] : corpus.bar_at[first + bars]]
            yield int(tune), _onsets(ids.tolist())


def _onsets(ids: Sequence[int]) -> Onsets:
    """The line that words write; of notes struck together the highest, which stands first."""
    found: Onsets = []
    waiting: list[int] = []
    tick, joined = 0, False
    for token in ids:
        if token in _ONSETS_OF:
            places, length = _ONSETS_OF[token]
            waiting = [tick + place for place in reversed(places)]
            tick += length
        elif token in _PITCHES and not joined and waiting:
            found.append((waiting.pop(), vocab.pitch_of(token)))
        joined = token == vocab.JOIN
    return found


_PITCHES = vocab.RANGES["PITCH"]
_ONSETS_OF = {
    vocab.rhythm_id(rhythm): (
        [i * rhythm.slot_ticks for i, letter in enumerate(rhythm.pattern) if letter == vocab.ONSET],
        rhythm.cell.ticks,
    )
    for rhythm in vocab.RHYTHMS
}


@dataclass(slots=True)
class _Growing:
    """Lines being put one behind the other."""

    steps: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    tunes: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)
    bars: list[int] = field(default_factory=list)

    def add(self, tune: int, line: Onsets, bar_ticks: int) -> None:
        """A tune's line, parted at long rests."""
        at = 0
        for i in range(1, len(line) + 1):
            if i == len(line) or line[i][0] - line[i - 1][0] > LONGEST_WAIT * UNIT:
                self._one(tune, line[at:i], bar_ticks)
                at = i

    def _one(self, tune: int, line: Onsets, bar_ticks: int) -> None:
        if len(line) < 2:
            return
        self.starts.append(len(self.steps))
        self.tunes.append(tune)
        self.begins.append(line[0][0] // UNIT)
        self.bars.append(bar_ticks // UNIT)
        self.steps += [code_of(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(line)]
        self.steps.append(0)


def _part(corpus: Corpus, role: Role) -> Lines:
    growing = _Growing()
    for tune, line in lines_of(corpus, role, held_out=False):
        meter = vocab.METERS[int(corpus.tunes[tune, 2]) - vocab.RANGES["METER"].start]
        growing.add(tune, line, meter.bar_ticks)
    steps = np.array(growing.steps, np.uint16)
    return Lines(
        steps,
        order_of(steps),
        np.array(growing.starts, np.int32),
        np.array(growing.tunes, np.int32),
        np.array(growing.begins, np.int32),
        np.array(growing.bars, np.int16),
    )


def order_of(steps: npt.NDArray[np.uint16]) -> npt.NDArray[np.int32]:
    """Places of steps in the order of the SORTED steps from there on; one of those that are the same.

    By doubling: who is sorted by k steps is sorted by 2 k by the pair (own rank, rank of the place k on).
    """
    n, k = len(steps), 1
    rank = steps.astype(np.int64)
    while k < SORTED and n:
        behind = np.zeros(n, np.int64)
        behind[: max(0, n - k)] = rank[k:] + 1
        rank = np.unique(rank * (int(behind.max(initial=0)) + 1) + behind, return_inverse=True)[1].astype(np.int64)
        k *= 2
    first = np.unique(rank, return_index=True)[1]
    return first[steps[first] > 0].astype(np.int32)


def _used(parts: dict[Role, Lines], names: Sequence[str]) -> tuple[dict[Role, Lines], list[str]]:
    """The parts with their tunes counted among those that have a line, and the names of those."""
    used = np.unique(np.concatenate([lines.tunes for lines in parts.values()]))
    place = {int(tune): i for i, tune in enumerate(used)}
    found = {}
    for role, lines in parts.items():
        tunes = np.array([place[int(tune)] for tune in lines.tunes], np.int32)
        found[role] = Lines(lines.steps, lines.order, lines.starts, tunes, lines.begins, lines.bars)
    return found, [names[tune] for tune in used]
