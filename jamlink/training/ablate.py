"""Small trials before a long training: `python -m jamlink.training.ablate RECIPE --corpus FOLDER [--steps N]`.

Each arm changes one thing of the recipe, at a small size and for equally many rows, and is judged on the same held-out
rows: as written, and with the slips of `jamlink.training.disturb`. Nats a word, for all words, chords and notes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Transformer
from jamlink.tokens import vocab
from jamlink.training.examples import Corpus, Rows, Sampler, Ways
from jamlink.training.loop import Recipe, optimisers, rate, read_recipe

SMALL = ModelConfig(
    vocab_size=vocab.SIZE, hidden_size=128, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=2,
    intermediate_size=352, head_dim=64, max_position_embeddings=512,
)  # fmt: skip
ROW, HELD_OUT_ROWS, HELD_OUT_SEED = 256, 96, 7


def arms(recipe: Recipe) -> dict[str, Recipe]:
    """Name -> the recipe with one thing changed."""
    small = replace(recipe, shape=SMALL, row=ROW)
    return {
        "as in the recipe": small,
        "in C or A minor, not in twelve keys": replace(small, ways=replace(small.ways, canonical=True)),
        "weight decay 0.5": replace(small, weight_decay=0.5),
        "a third of the player's notes learnt": replace(small, ways=replace(small.ways, human_share=0.3)),
        "no slips, no jumps of key": replace(small, ways=replace(small.ways, robust=False)),
    }


def trial(recipe: Recipe, corpus: Corpus, steps: int, judged: Mapping[str, Rows]) -> dict[str, float]:
    """Train one arm and judge it."""
    torch.manual_seed(recipe.seed)
    net = Transformer(recipe.shape, dropout=recipe.dropout)
    teachers = optimisers(net, recipe)
    sampler = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=False, seed=recipe.seed, ways=recipe.ways)
    for step in range(steps):
        rows = sampler.rows(step, recipe.rows)
        for group in (group for teacher in teachers for group in teacher.param_groups):
            group["lr"] = rate(step / steps, recipe)
        words = _nats(net, rows)
        (words.sum() / len(words)).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), recipe.clip)
        for teacher in teachers:
            teacher.step()
            teacher.zero_grad(set_to_none=True)
    return {name: figure for what, rows in judged.items() for name, figure in _judge(net, rows, what).items()}


def _nats(net: Transformer, rows: Rows) -> torch.Tensor:
    """-ln p of each learnt word."""
    ids = torch.from_numpy(rows.ids)
    logits = net(ids[:, :-1])
    kept = torch.from_numpy(rows.learnt[:, 1:])
    return F.cross_entropy(logits[kept], ids[:, 1:][kept], reduction="none")


@torch.no_grad()
def _judge(net: Transformer, rows: Rows, what: str) -> dict[str, float]:
    nats = _nats(net, rows).numpy()
    words = rows.ids[:, 1:][rows.learnt[:, 1:]]
    chord = np.isin(words, np.array(vocab.RANGES["CHORD"]))
    note = np.isin(words, np.array([*vocab.RANGES["PITCH"], *vocab.RANGES["RHYTHM"]]))
    parts = {"": np.ones(len(words), dtype=bool), " chords": chord, " notes": note}
    return {f"{what}{name}": round(float(nats[part].mean()), 4) for name, part in parts.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    recipe, corpus = read_recipe(args.recipe), Corpus(args.corpus / "corpus.npz")
    for name, arm in arms(recipe).items():
        ways = Ways(canonical=arm.ways.canonical)
        judged = {
            what: Sampler(
                corpus, arm.mix, arm.row + 1, held_out=True, seed=HELD_OUT_SEED, ways=replace(ways, robust=robust)
            ).rows(0, HELD_OUT_ROWS)
            for what, robust in (("as written", False), ("with slips", True))
        }
        began = time.monotonic()
        figures = trial(arm, corpus, args.steps, judged)
        print(json.dumps({"arm": name, **figures, "minutes": round((time.monotonic() - began) / 60, 1)}), flush=True)


if __name__ == "__main__":
    main()
