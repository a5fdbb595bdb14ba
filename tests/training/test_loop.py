"""Training: a tiny network learns a tiny corpus, stops and goes on, and is measured beside n-grams."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")

from jamlink.errors import Nonsense  # noqa: E402  (after the check for torch)
from jamlink.nn import checkpoint  # noqa: E402
from jamlink.tokens import vocab  # noqa: E402
from jamlink.training import baselines, loop, measure  # noqa: E402
from jamlink.training.corpus import STREAMS  # noqa: E402
from jamlink.training.examples import Rows, target_mask  # noqa: E402
from tests.training.tiny import RECIPE, chords  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "models" / "jam-s" / "recipe.toml"


def train(recipe: Path, corpus_folder: Path, run: Path) -> list[str]:
    said: list[str] = []
    loop.train(recipe, corpus_folder, run, say=said.append)
    return said


def nats(said: list[str]) -> float:
    return float(said[-1].split("validation ")[1].split()[0])


def test_training_lowers_the_loss_and_leaves_a_model_that_loads(recipe, corpus_folder, tmp_path):
    said = train(recipe, corpus_folder, tmp_path / "run")
    assert nats(said) < math.log(vocab.SIZE) - 1
    found = checkpoint.load(tmp_path / "run" / "export", vocab.HASH)
    assert found.card["trained_steps"] == 12
    assert found.card["figures"]["validation_nats"] == nats(said)


def test_stopping_and_going_on_is_training_through(recipe, corpus_folder, tmp_path):
    parsed = loop.read_recipe(recipe)
    through = loop.Run(parsed, loop.Corpus(corpus_folder / "corpus.npz"), tmp_path, "cpu")
    first = loop.Run(parsed, loop.Corpus(corpus_folder / "corpus.npz"), tmp_path, "cpu")
    for step in range(4):
        through.train_step(step / 8)
        first.train_step(step / 8)
    first.save()
    second = loop.Run(replace(parsed), loop.Corpus(corpus_folder / "corpus.npz"), tmp_path, "cpu")
    second.resume()
    losses = [(through.train_step(step / 8), second.train_step(step / 8)) for step in range(4, 8)]
    assert all(one == pytest.approx(other, rel=1e-5) for one, other in losses)
    assert (second.step, second.tokens) == (through.step, through.tokens)


def test_the_rate_rises_stays_and_falls_to_nothing():
    recipe = replace(loop.read_recipe(SHIPPED), warm_up=0.1, decay_from=0.5, peak=1.0)
    rates = [loop.rate(i / 100, recipe) for i in range(101)]
    assert rates[5] == pytest.approx(0.5)
    assert rates[10:51] == [1.0] * 41
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0
    assert rates[50:] == sorted(rates[50:], reverse=True)


@pytest.mark.parametrize(
    "change",
    [
        ("name =", "nam ="),
        ("rows = 4", ""),
        ("row = 64", "row = "),
        ("head_dim = 8", "head_dim = -8"),
        ("seed = 1", "seed = 1\ncolour = 2"),
    ],
)
def test_a_broken_recipe_is_nonsense(recipe, change):
    recipe.write_text(RECIPE.replace(*change))
    with pytest.raises(Nonsense):
        loop.read_recipe(recipe)


def test_no_recipe_and_no_corpus_are_nonsense(recipe, tmp_path):
    with pytest.raises(Nonsense, match="no recipe"):
        loop.read_recipe(tmp_path / "none.toml")
    with pytest.raises(Nonsense, match="Build the corpus"):
        loop.train(recipe, tmp_path / "none", tmp_path / "run")


def test_the_shipped_recipe_names_sources_and_kinds_that_exist():
    from jamlink.training.sources import SOURCES

    names = {source.name for source in SOURCES}
    assert all(mix.source in names and mix.kind in STREAMS for mix in loop.read_recipe(SHIPPED).mix)


# --- baselines


def taught(ids: np.ndarray) -> Rows:
    return Rows(ids, target_mask()[ids])


def test_the_word_ngram_gives_probabilities_that_sum_to_one():
    rng = np.random.default_rng(1)
    words = np.array(vocab.RANGES["PITCH"])[:6]
    rows = words[rng.integers(0, 6, (20, 30))]
    ngram = baselines.WordNgram(taught(rows), 2)
    start = rows[:1, :2]
    total = np.zeros(3)
    for word in range(vocab.SIZE):
        if target_mask()[word]:
            total += np.exp(-np.array(ngram.nats(taught(np.concatenate([start, [[word]]], axis=1)))))
    unlearnt = vocab.SIZE - target_mask().sum()
    assert total[0] == pytest.approx(1 - unlearnt / (rows.size + vocab.SIZE))
    assert total[1:] == pytest.approx([1, 1], abs=0.05)


def test_the_word_ngram_of_higher_order_knows_a_cycle_better():
    words = np.array(vocab.RANGES["PITCH"])[[0, 1, 0, 2] * 10]
    nats = baselines.WordNgram(taught(words[None]), 3).nats(taught(words[None]))
    assert nats[0] > nats[1] > nats[2] > nats[3]


def test_the_chord_ngram_knows_a_cadence_in_every_key():
    ngram = baselines.ChordNgram([chords("Dm7 G7 Cmaj7 Am7 Dm7 G7 Cmaj7")], 2)
    assert ngram.best(chords("Ebm7 Ab7")) == chords("Dbmaj7")[0]
    assert ngram.best(chords("F#m7 B7 Emaj7")) == chords("C#m7")[0]


def test_measures_of_a_tiny_model_stand_beside_those_of_ngrams(recipe, corpus_folder, tmp_path):
    train(recipe, corpus_folder, tmp_path / "run")
    found = loop.Corpus(corpus_folder / "corpus.npz")
    net = measure.load_network(tmp_path / "run" / "export")
    figures = measure.next_chord(net, found, ["mcgill-billboard"])
    assert figures["changes"] == 10 * 31
    assert figures["2 before"] == 1.0
    assert 0 <= figures["jam"] <= 1
