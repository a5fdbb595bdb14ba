"""Figures beside baselines, in one run: `python -m jamlink.training.measure RECIPE --corpus FOLDER --model FOLDER`.

The word n-gram counts the very rows that the network was trained on (12 keys and all), the chord n-gram all training
charts.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from jamlink.nn import checkpoint
from jamlink.nn.transformer import Transformer
from jamlink.tokens import vocab
from jamlink.tokens.vocab import Task
from jamlink.training.baselines import ChordNgram, WordNgram, changes_of, charts_of
from jamlink.training.examples import Corpus, Rows, Sampler
from jamlink.training.loop import VALIDATION_ROWS, VALIDATION_SEED, Recipe, read_recipe

_CHARTS, _CHART_IDS = 160, 400


@torch.no_grad()
def next_chord(net: Transformer, corpus: Corpus, sources: Sequence[str]) -> dict[str, float]:
    """Top-1 of the next chord where one changes, all 169 to choose from: the network, and chord n-grams 1 to 4.

    Everyone is told where a change comes. The network reads the style, as the n-grams have seen no other, but no key.
    """
    train = [changes_of(ids) for _, _, ids in charts_of(corpus, sources, False)]
    ngrams = [ChordNgram(train, order) for order in range(1, 5)]
    chords, right, asked = vocab.RANGES["CHORD"], Counter[str](), 0
    for style, meter, chart in charts_of(corpus, sources, True)[:_CHARTS]:
        ids = np.array([vocab.BOS, vocab.task_id(Task.CHORDS), style, meter, *chart])[:_CHART_IDS]
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
def nats(net: Transformer, rows: Rows, skip: int) -> float:
    """Mean -ln p of the learnt words of `rows` after the first `skip` of each."""
    total, count = 0.0, 0
    batches = zip(torch.from_numpy(rows.ids).split(8), torch.from_numpy(rows.learnt).split(8), strict=True)
    for batch, learnt in batches:
        targets = batch[:, 1:]
        found = torch.nn.functional.cross_entropy(net(batch[:, :-1]).transpose(1, 2), targets, reduction="none")
        kept = learnt[:, 1:].clone()
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
    parts = [train.rows(step, recipe.rows) for step in range(steps)]
    seen = Rows(np.concatenate([part.ids for part in parts]), np.concatenate([part.learnt for part in parts]))
    return {
        "validation words": int(rows.learnt[:, order:].sum()),
        "nats a word": {
            "model": round(nats(net, rows, order), 4),
            **{f"{n + 1}-gram": round(x, 4) for n, x in enumerate(WordNgram(seen, order).nats(rows))},
            "n-gram rows": len(seen.ids),
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
