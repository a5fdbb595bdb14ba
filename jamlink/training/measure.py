"""Figures beside baselines, in one run: `python -m jamlink.training.measure RECIPE --corpus FOLDER --model FOLDER`.

The baselines are n-grams with Witten-Bell interpolation. The word n-gram counts the very rows that the network was
trained on (12 keys and all); the chord n-gram counts root motions and qualities of all training charts, so it too knows
every key.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from jamlink.nn import checkpoint
from jamlink.nn.transformer import Transformer
from jamlink.tokens import vocab
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus, Ints, Sampler, target_mask
from jamlink.training.loop import VALIDATION_ROWS, VALIDATION_SEED, Recipe, read_recipe

Floats = npt.NDArray[np.float64]
_CHARTS, _CHART_IDS = 160, 400


class WordNgram:
    """Interpolated n-gram over rows of ids, orders 0 to `order`; only learnt words are predicted."""

    def __init__(self, rows: Ints, order: int) -> None:
        self.tables = []
        for n in range(order + 1):
            contexts, words = _windows(rows, n)
            pairs, pair_counts = np.unique(contexts * vocab.SIZE + words, return_counts=True)
            seen, first, kinds = np.unique(pairs // vocab.SIZE, return_index=True, return_counts=True)
            totals = np.add.reduceat(pair_counts, first)
            self.tables.append((pairs, pair_counts, seen, totals, kinds))

    def nats(self, rows: Ints) -> list[float]:
        """Mean -ln p of the learnt words of `rows`, by order; all orders judge the same words."""
        longest = len(self.tables) - 1
        found, p = [], None
        for n, (pairs, pair_counts, seen, totals, kinds) in enumerate(self.tables):
            contexts, words = _windows(rows, n, longest)
            counts = _look_up(pairs, pair_counts, contexts * vocab.SIZE + words)
            total, kind = _look_up(seen, totals, contexts), _look_up(seen, kinds, contexts)
            if p is None:
                p = (counts + 1) / (total + vocab.SIZE)
            else:
                p = np.where(total > 0, (counts + kind * p) / np.maximum(total + kind, 1), p)
            found.append(float(-np.log(p).mean()))
        return found


def _windows(rows: Ints, n: int, skip: int | None = None) -> tuple[Ints, Ints]:
    """(contexts of n words as one number, next words) where the next word is learnt; the first `skip` are left out."""
    start = n if skip is None else skip
    words = rows[:, start:]
    contexts = np.zeros_like(words)
    for back in range(n, 0, -1):
        contexts = contexts * vocab.SIZE + rows[:, start - back : rows.shape[1] - back]
    kept = target_mask()[words]
    return contexts[kept], words[kept]


def _look_up(keys: Ints, values: Ints, wanted: Ints) -> Ints:
    """values[key] for each wanted key, 0 where it was never seen."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


class ChordNgram:
    """Interpolated n-gram over chord changes as (root motion, quality), up to `order` changes back."""

    def __init__(self, charts: Iterable[Sequence[int]], order: int) -> None:
        self.order = order
        self.counts: dict[tuple[tuple[int, int], ...], Counter[tuple[int, int]]] = defaultdict(Counter)
        for chart in charts:
            steps = _steps(chart)
            for i, step in enumerate(steps):
                for n in range(min(order, i) + 1):
                    self.counts[tuple(steps[i - n : i])][step] += 1

    def best(self, before: Sequence[int]) -> int:
        """The likeliest next chord id after the chord ids `before` (at least one)."""
        history = _steps(before)
        p: dict[tuple[int, int], float] = {}
        for n in range(min(self.order, len(history)) + 1):
            seen = self.counts.get(tuple(history[len(history) - n :]))
            if seen:
                total, kinds = seen.total(), len(seen)
                p = {s: (seen[s] + kinds * p.get(s, 0.0)) / (total + kinds) for s in {*p, *seen}}
        motion, quality = max(p, key=lambda step: (p[step], step))
        return _chord(before[-1], motion, quality)


def _steps(chart: Sequence[int]) -> list[tuple[int, int]]:
    """Chord ids as steps from the chord before: (semitones up, quality); "no chord" is quality -1."""
    start, qualities = vocab.RANGES["CHORD"].start, 14
    steps, root = [], 0
    for token in chart:
        place = token - start - 1
        if place < 0:
            steps.append((0, -1))
        else:
            steps.append(((place // qualities - root) % 12, place % qualities))
            root = place // qualities
    return steps


def _chord(before: int, motion: int, quality: int) -> int:
    start, place = vocab.RANGES["CHORD"].start, max(0, before - vocab.RANGES["CHORD"].start - 1)
    return start if quality < 0 else start + 1 + (place // 14 + motion) % 12 * 14 + quality


def charts_of(corpus: Corpus, sources: Sequence[str], held_out: bool) -> list[tuple[int, Ints]]:
    """(meter id, ids) of the chord streams of some sources, whole."""
    found = []
    for tune, kind, first, bars in corpus.streams:
        row = corpus.tunes[tune]
        if STREAMS[kind] == "chords" and corpus.sources[row[0]] in sources and row[5] == int(held_out):
            found.append((int(row[2]), corpus.ids[corpus.bar_at[first] : corpus.bar_at[first + bars]]))
    return found


def changes_of(ids: Ints) -> list[int]:
    """The chord ids of a chart in order."""
    chords = vocab.RANGES["CHORD"]
    return [int(i) for i in ids if i in chords]


@torch.no_grad()
def next_chord(net: Transformer, corpus: Corpus, sources: Sequence[str]) -> dict[str, float]:
    """Top-1 of the next chord where one changes, all 169 to choose from: the network, and chord n-grams 1 to 4.

    Everyone is told where a change comes; the network has read no style, key or tempo.
    """
    train = [changes_of(ids) for _, ids in charts_of(corpus, sources, False)]
    ngrams = [ChordNgram(train, order) for order in range(1, 5)]
    chords, right, asked = vocab.RANGES["CHORD"], Counter[str](), 0
    for meter, chart in charts_of(corpus, sources, True)[:_CHARTS]:
        ids = np.array([vocab.BOS, vocab.task_id(vocab.Task.CHORDS), meter, *chart])[:_CHART_IDS]
        guesses = net(torch.from_numpy(ids)[None])[0, :, chords.start : chords.stop].argmax(-1).numpy() + chords.start
        places = [at for at, token in enumerate(ids) if token in chords]
        for i in range(1, len(places)):
            asked += 1
            history = [int(ids[at]) for at in places[:i]]
            right["jam"] += int(guesses[places[i] - 1]) == ids[places[i]]
            for ngram in ngrams:
                right[f"{ngram.order} before"] += ngram.best(history) == ids[places[i]]
    return {"changes": asked, **{name: round(count / asked, 4) for name, count in right.items()}}


def load_network(folder: Path) -> Transformer:
    """The network of a checkpoint, in torch. Raises as `checkpoint.load`."""
    found = checkpoint.load(folder, vocab.HASH)
    net = Transformer(found.config)
    net.load_state_dict({name: torch.from_numpy(array) for name, array in found.weights.items()})
    return net.eval()


@torch.no_grad()
def nats(net: Transformer, rows: Ints, skip: int) -> float:
    """Mean -ln p of the learnt words of `rows` after the first `skip` of each."""
    total, count = 0.0, 0
    learnt = torch.from_numpy(target_mask())
    for batch in torch.from_numpy(rows).split(8):
        targets = batch[:, 1:]
        found = torch.nn.functional.cross_entropy(net(batch[:, :-1]).transpose(1, 2), targets, reduction="none")
        kept = learnt[targets].clone()
        kept[:, : skip - 1] = False
        total, count = total + float(found[kept].sum()), count + int(kept.sum())
    return total / count


def measure(recipe: Recipe, corpus: Corpus, folder: Path, steps: int) -> dict[str, object]:
    """All figures of a model; the n-grams are counted on the rows of training steps 0 to `steps`."""
    net = load_network(folder)
    order = 3
    train = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=False, seed=recipe.seed)
    held = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=True, seed=VALIDATION_SEED)
    rows = held.rows(0, VALIDATION_ROWS)
    seen = np.concatenate([train.rows(step, recipe.rows) for step in range(steps)])
    return {
        "validation words": int(target_mask()[rows[:, order:]].sum()),
        "nats a word": {
            "model": round(nats(net, rows, order), 4),
            **{f"{n + 1}-gram": round(x, 4) for n, x in enumerate(WordNgram(seen, order).nats(rows))},
            "n-gram rows": len(seen),
        },
        "next chord, pop": next_chord(net, corpus, ["mcgill-billboard"]),
        "next chord, jazz": next_chord(net, corpus, ["wjazzd-changes"]),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=500, help="training steps whose rows the n-grams count")
    args = parser.parse_args()
    torch.set_num_threads(2)
    corpus = Corpus(args.corpus / "corpus.npz")
    print(json.dumps(measure(read_recipe(args.recipe), corpus, args.model, args.steps), indent=1))


if __name__ == "__main__":
    main()
