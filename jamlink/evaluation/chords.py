"""The next chord of a chart: Weimar jazz changes (72 classes) and McGill Billboard (25), on charts that nobody counted.

Everybody is told that the chord changes now and says to which class; a class never follows itself. A chart's first
chord is not asked. Charts are held out by family, as `split.tsv` beside the model says, so no solo over a tune of the
test is in the training part, for the network and for the counts alike. What is fitted to mix two opinions is fitted on
the other half of the held-out charts (all charts of one piece are in one half).
"""

from __future__ import annotations

import csv
import hashlib
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jamlink.errors import Unavailable
from jamlink.evaluation.judged_models import folder_of
from jamlink.evaluation.result import Result, Row, interval
from jamlink.music.chord import QUALITIES, Quality
from jamlink.nn.transformer import Transformer
from jamlink.proposers.song_memory import (
    HABIT_LEVELS,
    LEVELS,
    REPEAT_LEVELS,
    Case,
    Habits,
    Past,
    Shares,
    SongMemory,
    Trust,
    Voice,
    blended,
    fitted_blend,
    fitted_trust,
    repeated,
)
from jamlink.resources import shared_music
from jamlink.tokens import vocab
from jamlink.tokens.vocab import METERS, Task
from jamlink.training import corpus
from jamlink.training.measure import load_network
from jamlink.training.sources import SOURCES, unpacked
from jamlink.training.tune import tunes_of

_FOLDS = 5
_MOST_TO_FIT = 12_000
"""Changes of the training part on which trust is fitted: more change nothing but the time."""
_CHORDS = vocab.RANGES["CHORD"]
RIVAL = "4 before, repeats"
"""The baseline that the network is to beat."""
MARKS = ("top_1", "top_5", "bits", "nats")
_HEAD = 4
"""BOS TASK STYLE METER: no key, no tempo."""
NOTES = (
    "Everybody is told where the chord changes; jam and memory read the bar lines too, the n-grams do not.",
    "4 before, repeats: an order-4 n-gram mixed with what followed the song's latest 1 to 8 chords earlier in it.",
    "memory: counted habits, repeats and form (the chord of some bars ago), all shares fitted; no network.",
    "Published for 25 classes: GRU-512 with -1.293 nats (ISMIR 2018), on 1,125 songs of which Billboard is two thirds, "
    "in four folds: other songs, other splits.",
)


@dataclass(frozen=True, slots=True)
class Work:
    """A set of charts and how qualities fold into classes: by the place of a quality in QUALITIES; `none` is asked."""

    name: str
    source: str
    classes: tuple[int, ...]
    none: bool

    @property
    def qualities(self) -> int:
        """Different ones."""
        return max(self.classes) + 1

    @property
    def size(self) -> int:
        """Words: see `jamlink.proposers.song_memory`."""
        return 1 + 12 * self.qualities

    def word(self, chord: int) -> int:
        """The word of a place in the vocabulary's CHORD words."""
        root, quality = divmod(chord - 1, len(QUALITIES))
        return 1 + root * self.qualities + self.classes[quality] if chord else 0


_JAZZ = {
    Quality.MAJOR: 0, Quality.MAJOR_6: 0, Quality.MAJOR_7: 0, Quality.SUS2: 0,
    Quality.MINOR: 1, Quality.MINOR_6: 1, Quality.MINOR_7: 1, Quality.MINOR_MAJOR_7: 1,
    Quality.DOMINANT_7: 2, Quality.HALF_DIMINISHED: 3, Quality.DIMINISHED: 4, Quality.DIMINISHED_7: 4,
    Quality.SUS4: 5, Quality.AUGMENTED: 5,
}  # fmt: skip
WORKS = (
    Work("jazz", "wjazzd-changes", tuple(_JAZZ[quality] for quality in QUALITIES), none=False),
    Work("pop", "mcgill-billboard", tuple(int(quality.minor_third) for quality in QUALITIES), none=True),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart in ids (bars and changes), with its style and meter words."""

    piece: str
    held_out: bool
    style: int
    meter: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """A chart's changes of class: words, cells where they come, and where in the chart's ids each stands."""

    words: tuple[int, ...]
    onsets: tuple[int, ...]
    at: tuple[int, ...]
    cells: int

    def before(self, i: int) -> Past:
        """What stands before change `i`."""
        return Past(self.words[:i], self.onsets[:i], self.onsets[i], self.cells)


def changes(chart: Chart, work: Work) -> Changes:
    """The changes of class in a chart; where "no chord" is not asked it is passed over."""
    cells = vocab.cells_in_bar(METERS[chart.meter - vocab.RANGES["METER"].start])
    found: list[tuple[int, int, int]] = []
    bar = cell = -1
    for i, token in enumerate(chart.ids):
        if token in vocab.RANGES["BAR"]:
            bar, cell = bar + 1, 0
        elif token in vocab.RANGES["POS"]:
            cell = token - vocab.RANGES["POS"].start + 1
        elif token in _CHORDS:
            word = work.word(token - _CHORDS.start)
            if (word or work.none) and (not found or found[-1][0] != word):
                found.append((word, bar * cells + cell, i))
    words, onsets, at = zip(*found, strict=True) if found else ((), (), ())
    return Changes(words, onsets, at, cells)


def evaluate(
    *,
    data: Path | None = None,
    model: str = "",
    seed: int = 0,
    songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """N-grams, memories and, with a `model`, the network alone and with memory; `data` holds the training sets.

    `songs` is how many held-out charts of each set are asked. Raises `Unavailable` or `Nonsense` where music, model or
    the list of the split is missing.
    """
    folder = folder_of(model)
    network = load_network(folder) if model else None
    rows, names = [], []
    for work in WORKS:
        say(f"Reading {work.source}.")
        charts = list(_charts(data or shared_music() / "data", work.source, _sides(folder / "split.tsv")))
        held = sorted((c for c in charts if c.held_out), key=lambda c: (c.piece, c.ids))
        held = random.Random(seed).sample(held, min(songs, len(held))) if songs else held
        names += [f"{chart.piece}:{chart.ids}" for chart in held]
        say(f"Asking {len(held)} charts of {work.source}.")
        rows += _rows(work, [c for c in charts if not c.held_out], held, network, folder.name, seed)
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    return Result("chords", " and ".join(work.source for work in WORKS), digest, seed, tuple(rows), NOTES)


def _sides(path: Path) -> dict[str, bool]:
    """Piece -> whether it is held out. Raises `Unavailable`."""
    if not path.is_file():
        raise Unavailable(f"There is no {path}, so nobody knows what was held out.", "Take the model's whole folder.")
    with path.open(newline="") as lines:
        return {row["piece"]: row["side"] == "held out" for row in csv.DictReader(lines, delimiter="\t", quoting=3)}


def _charts(root: Path, source: str, sides: dict[str, bool]) -> Iterator[Chart]:
    """The charts of a set that the split knows: what it left out is neither counted nor asked."""
    found = next(one for one in SOURCES if one.name == source)
    with tempfile.TemporaryDirectory() as scratch:
        folder = unpacked(root, source, Path(scratch))
        for file in found.files(folder):
            for name, score in found.read(folder, file):
                for tune in [] if isinstance(score, str) else tunes_of(score):
                    written = corpus.write(source, name, tune)
                    stream = next((s for s in written.streams if s.kind == "chords"), None)
                    if stream and written.piece in sides:
                        ids = tuple(token for bar in stream.bars for token in bar)
                        yield Chart(written.piece, sides[written.piece], *written.heading[:2], ids)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One change that is asked: the opinions of the systems and what came."""

    came: int
    opinions: dict[str, Shares]
    length: int
    """Of the longest repeat."""


def _rows(
    work: Work, train: Sequence[Chart], held: Sequence[Chart], network: Transformer | None, model: str, seed: int
) -> list[Row]:
    known = [changes(chart, work) for chart in train]
    habits = Habits.counted([one.words for one in known], qualities=work.qualities)
    repeats, everything = _fitted(known, work)
    asked: list[list[_Asked]] = []
    for chart in held:
        one = changes(chart, work)
        opinions = _network_opinions(network, chart, one, work) if network else []
        asked.append([
            _ask(work, habits, (repeats, everything), one, i, opinions[i] if opinions else None)
            for i in range(1, len(one.words))
        ])  # fmt: skip
    if network:
        asked = _with_memory(held, asked)
    systems = list(dict.fromkeys(name for song in asked for one in song for name in one.opinions))
    return [
        _row(f"{work.name}: {system}", system, asked, model if system.startswith("jam") else "", seed)
        for system in systems
    ]


def _fitted(known: Sequence[Changes], work: Work) -> tuple[Trust, Trust]:
    """Trust in repeats beside the plain n-gram, and in everything; on folds of the training part."""
    folds = [
        Habits.counted([one.words for i, one in enumerate(known) if i % _FOLDS != k], qualities=work.qualities)
        for k in range(_FOLDS)
    ]
    every = -(-sum(len(one.words) for one in known) // _MOST_TO_FIT)
    cases: list[tuple[Sequence[Voice], int]] = []
    for i, one in enumerate(known):
        if i % every == 0:
            memory = SongMemory(folds[i % _FOLDS])
            cases += [(memory.voices(one.before(j)), one.words[j]) for j in range(1, len(one.words))]
    formless = [([v for v in voices if v.level < REPEAT_LEVELS.stop], word) for voices, word in cases]
    return fitted_trust(formless, work.size, REPEAT_LEVELS), fitted_trust(cases, work.size, range(LEVELS))


def _ask(
    work: Work, habits: Habits, trusts: tuple[Trust, Trust], one: Changes, i: int, network: Shares | None
) -> _Asked:
    """What everybody but the mixture says of change `i`."""
    last = one.words[i - 1]
    voices = SongMemory(habits).voices(one.before(i))
    plain = [[v for v in voices if v.level <= n] for n in HABIT_LEVELS]
    formless = [v for v in voices if v.level < REPEAT_LEVELS.stop]
    again = [v for v in voices if v.level in REPEAT_LEVELS]
    found = {
        f"{n} before": blended(some, Trust(), work.size, last) for n, some in zip(HABIT_LEVELS, plain, strict=True)
    }
    found["repeats alone"] = blended(again, trusts[0], work.size, last)
    found[RIVAL] = blended(formless, trusts[0], work.size, last)
    found["memory"] = blended(voices, trusts[1], work.size, last)
    if network is not None:
        found["jam"] = network
    return _Asked(one.words[i], {name: _fair(p, last, work) for name, p in found.items()}, repeated(voices))


def _fair(p: Shares, last: int, work: Work) -> Shares:
    """Without what cannot come: the class before, and "no chord" where it is not asked."""
    p = p.copy()
    p[last] = 0
    p[0] *= work.none
    return p / p.sum()


def _with_memory(held: Sequence[Chart], asked: Sequence[Sequence[_Asked]]) -> list[list[_Asked]]:
    """Network and memory multiplied; the powers for one half of the pieces are fitted on the other."""
    halves = [int(hashlib.sha256(chart.piece.encode()).hexdigest(), 16) % 2 for chart in held]
    cases: defaultdict[int, list[Case]] = defaultdict(list)
    for half, song in zip(halves, asked, strict=True):
        cases[1 - half] += [(one.opinions["jam"], one.opinions["memory"], one.length, one.came) for one in song]
    blends = {half: fitted_blend(cases[half]) for half in (0, 1)}
    mixed = []
    for half, song in zip(halves, asked, strict=True):
        mixed.append([
            _Asked(one.came, one.opinions | {"jam with memory": blends[half].shares(
                one.opinions["jam"], one.opinions["memory"], one.length)}, one.length)
            for one in song
        ])  # fmt: skip
    return mixed


def _network_opinions(network: Transformer, chart: Chart, one: Changes, work: Work) -> list[Shares]:
    """(words,) of each change: the network's chances of the chord words, added up by class."""
    fold = np.array([work.word(chord) for chord in range(len(_CHORDS))])
    chances = _teacher_forced(network, chart, one.at)
    return [np.bincount(fold, weights=p, minlength=work.size).astype(np.float64) for p in chances]


def _teacher_forced(network: Transformer, chart: Chart, places: Sequence[int]) -> list[Shares]:
    """Chances of the chord words at some places of a chart, which is read in windows that begin with a bar.

    From the second window on a place has at least half a window before it.
    """
    import torch

    head = [vocab.BOS, vocab.task_id(Task.CHORDS), chart.style, chart.meter]
    room = network.config.max_position_embeddings - _HEAD
    bars = [i for i, token in enumerate(chart.ids) if token in vocab.RANGES["BAR"]]
    found: list[Shares] = []
    while len(found) < len(places):
        at = places[len(found)]
        start = 0 if at < room else next(i for i in bars if i >= at - room // 2)
        ids = torch.tensor([[*head, *chart.ids[start : start + room]]])
        with torch.no_grad():
            logits = network(ids)[0, :, _CHORDS.start : _CHORDS.stop].double()
        shares = torch.softmax(logits, dim=-1).numpy()
        inside = [i for i in places[len(found) :] if i < start + room]
        found += [shares[_HEAD + i - start - 1] for i in inside]
    return found


def _row(label: str, system: str, asked: Sequence[Sequence[_Asked]], model: str, seed: int) -> Row:
    """Means over changes; intervals by resampling charts. "above" is the gain over the n-gram with repeats."""
    songs = [song for song in asked if song]
    weights = [float(len(song)) for song in songs]
    metrics, ci = {}, {}
    for i, name in enumerate(MARKS):
        means = [float(np.mean([_marks(one, system)[i] for one in song])) for song in songs]
        base = [float(np.mean([_marks(one, RIVAL)[i] for one in song])) for song in songs]
        above = [a - b for a, b in zip(means, base, strict=True)]
        for label_of, values in ((name, means), (f"{name}_above", above)):
            if label_of == name or model:
                metrics[label_of] = float(np.average(values, weights=weights)) if songs else np.nan
                ci[label_of] = interval(values, weights, seed)
    return Row(label, int(sum(weights)), metrics, ci, model)


def _marks(one: _Asked, system: str) -> tuple[float, float, float, float]:
    """Top-1, top-5, bits and mean ln p of a change; of equally likely words the one that came is the last."""
    p = one.opinions[system]
    better = int((p >= p[one.came]).sum()) - 1
    nats = float(np.log(max(p[one.came], 1e-12)))
    return float(better < 1), float(better < 5), -nats / float(np.log(2)), nats
