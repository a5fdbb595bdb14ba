"""A recipe and a corpus so small that training takes a second: what it does is real, what it learns is little."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jamlink.music.chord import parse_chord
from jamlink.tokens import vocab
from jamlink.training.corpus import BAR_FACTS, STREAMS

RECIPE = """
name = "tiny"
[shape]
hidden_size = 16
num_hidden_layers = 1
num_attention_heads = 2
num_key_value_heads = 2
intermediate_size = 16
head_dim = 8
max_position_embeddings = 80
[train]
row = 64
rows = 4
steps = 12
peak = 1e-2
warm_up = 0.1
decay_from = 0.5
weight_decay = 0.1
clip = 1.0
dropout = 0.0
seed = 1
threads = 1
compiled = false
[mix.mcgill-billboard]
chords = 1.0
"""


def chords(text: str) -> list[int]:
    return [vocab.chord_id(parse_chord(symbol)) for symbol in text.split()]


def write_corpus(folder: Path, turn: str) -> Path:
    """Forty charts that go round `turn`, four chords."""
    bars = [[vocab.bar_id(i % 8), chord] for i, chord in enumerate(chords(turn) * 8)]
    count = len(bars)
    folder.mkdir(exist_ok=True)
    np.savez(
        folder / "corpus.npz",
        ids=np.array(bars * 40, dtype=np.uint16).reshape(-1),
        bar_at=np.arange(0, 80 * count + 1, 2),
        carry=np.array([[bar[1], 0] for bar in bars] * 40, dtype=np.uint16),
        facts=np.ones((40 * count, len(BAR_FACTS)), dtype=np.float32),
        streams=np.array([(t, STREAMS.index("chords"), t * count, count) for t in range(40)]),
        tunes=np.array(
            [(0, vocab.style_id("jazz"), vocab.meter_id(vocab.METERS[2]), -1, -1, t % 4 == 0) for t in range(40)]
        ),
        sources=np.array(["mcgill-billboard"]),
        names=np.array([f"mcgill-billboard:{i}" for i in range(40)]),
        vocabulary=np.array(vocab.HASH),
    )
    return folder
