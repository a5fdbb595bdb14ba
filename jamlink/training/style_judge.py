"""Tells styles of written music apart: `python -m jamlink.training.style_judge CORPUS_FOLDER models/style`.

A yardstick for evaluation, no part of any proposer. One judge looks at the chords of four bars, one at their melody: at
kinds of chords, how roots and melody move, how long notes are, and at nothing that a request dictates: no key, meter,
register or tempo. Normal densities with one covariance for all styles (linear discriminant analysis), every style as
likely as every other. How well it does on pieces that it was not made from is kept beside it: nobody can be asked to do
better. Styles are judged that have enough pieces with chords, or with a melody; classical music is left out, and songs
by melody, since four bars of them are not told from romantic ones.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jamlink.errors import Unavailable
from jamlink.music.chord import QUALITIES
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode
from jamlink.tokens.phrase import Phrase
from jamlink.tokens.vocab import Task
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus

Floats = npt.NDArray[np.float64]
BARS = 4
FILE = "judge.npz"
PARTS = {"chords": ("pop", "jazz", "hymn", "romantic"), "melody": ("folk", "hymn", "romantic")}
"""What is judged, and the styles that are told apart by it."""
_MOST_WINDOWS, _HOP = 4000, 2
"""Windows of a style that are looked at, and bars from one to the next."""
_RIDGE = 0.05
_LENGTHS = (0.3, 0.55, 0.8, 1.1, 1.6, 2.1, 3.1)
"""Quarters: borders between kinds of waits from note to note."""


def chord_features(phrase: Phrase) -> Floats:
    """What is looked at of chords, in shares and in events a quarter."""
    named = [(span.chord, span.duration) for span in phrase.chords if span.chord]
    qualities, motions = np.zeros(len(QUALITIES)), np.zeros(12)
    for chord, duration in named:
        qualities[QUALITIES.index(chord.quality)] += duration
    for (a, _), (b, _) in pairwise(named):
        motions[(b.root - a.root) % 12] += 1
    amounts = [len(named) * 960 / phrase.length, sum(c.bass != c.root for c, _ in named) / max(1, len(named))]
    return np.concatenate([_shares(qualities), _shares(motions), amounts])


def melody_features(phrase: Phrase) -> Floats:
    """The same of a melody."""
    steps, waits = np.zeros(15), np.zeros(len(_LENGTHS) + 1)
    for first, second in pairwise(phrase.notes):
        steps[min(7, max(-7, second.pitch - first.pitch)) + 7] += 1
        waits[np.searchsorted(_LENGTHS, (second.onset - first.onset) / 960)] += 1
    count = len(phrase.notes)
    off_beat = sum(note.onset % phrase.meter.beat_ticks != 0 for note in phrase.notes) / max(1, count)
    return np.concatenate([_shares(steps), _shares(waits), [np.log(0.1 + count * 960 / phrase.length), off_beat]])


def _shares(counts: Floats) -> Floats:
    return counts / max(1e-9, counts.sum())


FEATURES = {"chords": chord_features, "melody": melody_features}


@dataclass(frozen=True, slots=True)
class StyleJudge:
    """`weights` (features, styles) and `bias` (styles,): the greater the sum, the likelier the style.

    `human` is the share of held-out windows of people's music of each style that are told rightly, `windows` how many
    there were.
    """

    styles: tuple[str, ...]
    weights: Floats
    bias: Floats
    human: Floats
    windows: npt.NDArray[np.int64]

    def style(self, seen: Floats) -> str:
        """The likeliest style of what has these features."""
        return self.styles[int(np.argmax(seen @ self.weights + self.bias))]


_ARRAYS = ("styles", "weights", "bias", "human", "windows")


def save(judges: Mapping[str, StyleJudge], path: Path) -> None:
    """Judges by part, as arrays."""
    arrays: dict[str, Any] = {}
    for part, judge in judges.items():
        arrays |= {f"{part}.{name}": np.array(getattr(judge, name)) for name in _ARRAYS}
    np.savez_compressed(path, **arrays)


def load(path: Path) -> dict[str, StyleJudge]:
    """As saved. Raises `Unavailable` where there is no such file."""
    if not path.is_file():
        raise Unavailable(f"There is no {path}.", "Make it with: python -m jamlink.training.style_judge CORPUS FOLDER")
    with np.load(path) as found:
        arrays = {part: {name: found[f"{part}.{name}"] for name in _ARRAYS} for part in PARTS}
    return {p: StyleJudge(tuple(map(str, a.pop("styles"))), **a) for p, a in arrays.items()}


def fitted(taught: dict[str, Floats], held: dict[str, Floats]) -> StyleJudge:
    """From windows (n, features) of each style, and others that it is tried on."""
    styles = tuple(taught)
    means = np.stack([rows.mean(axis=0) for rows in taught.values()])
    within = np.mean([np.cov(rows, rowvar=False) for rows in taught.values()], axis=0)
    within += _RIDGE * np.diag(np.diag(within) + 1e-4)
    weights = np.linalg.solve(within, means.T)
    bias = -0.5 * np.einsum("sf,fs->s", means, weights)
    found = {s: np.argmax(rows @ weights + bias, axis=1) == i for i, (s, rows) in enumerate(held.items())}
    human = np.array([found[s].mean() for s in styles])
    return StyleJudge(styles, weights, bias, human, np.array([len(found[s]) for s in styles]))


def windows(corpus: Corpus, part: str, style: str, held_out: bool) -> Floats:
    """(n, features) of four-bar windows of a style, spread over its pieces."""
    wanted = vocab.style_id(style), int(held_out)
    places = [
        (stream, bar)
        for stream, (tune, kind, first, bars) in enumerate(corpus.streams.tolist())
        if STREAMS[kind] == part and (corpus.tunes[tune, 1], corpus.tunes[tune, 5]) == wanted
        for bar in range(first, first + bars - BARS + 1, _HOP)
    ]
    phrases = (_window(corpus, stream, bar) for stream, bar in places[:: max(1, len(places) // _MOST_WINDOWS)])
    heard = (phrase for phrase in phrases if (phrase.chords if part == "chords" else phrase.notes))
    return np.array([FEATURES[part](phrase) for phrase in heard])


def _window(corpus: Corpus, stream: int, bar: int) -> Phrase:
    """Four bars; a chord from before them counts from their start."""
    meter = int(corpus.tunes[corpus.streams[stream, 0], 2])
    bar_word, *first = (int(i) for i in corpus.bar(bar))
    carried = [] if first and vocab.group_of(first[0]) == "CHORD" else [int(i) for i in corpus.carry[bar] if i]
    later = [int(i) for b in range(bar + 1, bar + BARS) for i in corpus.bar(b)]
    task = Task.CHORDS if STREAMS[corpus.streams[stream, 1]] == "chords" else Task.MELODY
    return decode([vocab.BOS, vocab.task_id(task), meter, bar_word, *carried, *first, *later, vocab.EOS]).phrase


def main() -> None:
    """The command line."""
    corpus, folder = Corpus(Path(sys.argv[1]) / "corpus.npz"), Path(sys.argv[2])
    judges = {}
    for part, styles in PARTS.items():
        taught, held = ({s: windows(corpus, part, s, side) for s in styles} for side in (False, True))
        judges[part] = judge = fitted(taught, held)
        for style, right, count in zip(styles, judge.human, judge.windows, strict=True):
            print(f"{part}, {style}: {right:.3f} of {count} held-out windows")
        print(f"{part}, mean: {judge.human.mean():.3f}")
    folder.mkdir(parents=True, exist_ok=True)
    save(judges, folder / FILE)


if __name__ == "__main__":
    main()
