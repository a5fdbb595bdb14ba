"""The whole way, by the commands a player would type: a folder of tunes, a corpus, a model, its figures, its music.

The tunes are sixteen old songs that lie beside the tests; nothing else is read. The network is of
models/smoke/recipe.toml: it is not good, but what it has learnt must show.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="training needs the train extra")

from jamlink.cli import app  # noqa: E402  (after the check for torch)
from jamlink.ledger.store import verify  # noqa: E402
from jamlink.midi.smf import read_score  # noqa: E402
from jamlink.nn import checkpoint  # noqa: E402
from jamlink.tokens import vocab  # noqa: E402
from jamlink.training import baselines, loop  # noqa: E402
from jamlink.training.examples import Rows  # noqa: E402

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "models" / "smoke" / "recipe.toml"
DATA = ROOT / "tests" / "data"
TUNES, SONGS = 16, 3


@dataclass(frozen=True, slots=True)
class Made:
    """What the commands left."""

    counts: list[dict[str, Any]]
    corpus: Path
    run: Path
    said: list[str]

    @property
    def model(self) -> Path:
        return self.run / "export"


def jamlink(*words: object) -> str:
    """What a command prints; it must end well."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of one's own, and no music but the tests'."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "JAMLINK_DATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def test_sixteen_tunes_become_a_model_that_foresees_is_judged_and_plays(tmp_path):
    """One test, since the model takes most of its time."""
    made = make(tmp_path)
    the_folder_is_read_whole_and_one_tune_is_held_out(made)
    a_tune_that_was_never_heard_is_foreseen_better_than_by_counting(made)
    the_model_names_its_recipe_and_loads(made)
    ours = {"jam", "jam without hmm"}
    live = {"nic", "coupling", "root", "exact", "length_entropy", "vocab_entropy", "pcs", "silence"}
    it_is_judged_beside_every_baseline(made, "accompany", live | {"recovery_4", "recovery_2"}, ours)
    ours = {"jam, likeliest", "jam, drawn", "jam, best of 8"}
    it_is_judged_beside_every_baseline(made, "harmonise", {"nic", "coupling", "off_ctnctr", "off_pcs_score"}, ours)
    it_plays_in_a_jam_and_every_hand_is_its_own(made)


def make(folder: Path) -> Made:
    """By the commands that a player would type."""
    corpus, run = folder / "corpus", folder / "run"
    built = jamlink("corpus", "build", "--music", DATA / "smoke", "--out", corpus, "--workers", 1, "--json")
    said = jamlink("train", "--recipe", RECIPE, "--corpus", corpus, "--run", run, "--device", "cpu")
    return Made(json.loads(built.splitlines()[-1]), corpus, run, said.splitlines())


def the_folder_is_read_whole_and_one_tune_is_held_out(made: Made) -> None:
    (row,) = made.counts
    assert (row["source"], row["pieces"], row["held out"], row["left out"]) == ("my-music", TUNES, 1, {})
    assert row["chords by"] == "people"


def a_tune_that_was_never_heard_is_foreseen_better_than_by_counting(made: Made) -> None:
    learnt = float(made.said[-1].split("validation ")[1].split()[0])
    recipe = loop.read_recipe(RECIPE)
    untrained = loop.Run(recipe, loop.open_corpus(made.corpus), made.run, "cpu")
    drawn = [untrained.sampler.rows(step, recipe.rows) for step in range(recipe.steps)]
    rows = Rows(np.concatenate([part.ids for part in drawn]), np.concatenate([part.learnt for part in drawn]))
    unigram, bigram, trigram = baselines.WordNgram(rows, 2).nats(untrained.validation)
    print(f"nats a word: {learnt:.3f}, untrained {untrained.validate():.3f}, {unigram:.3f} {bigram:.3f} {trigram:.3f}")
    assert learnt < unigram - 0.5
    assert learnt < min(bigram, trigram)
    assert learnt < untrained.validate() / 2


def the_model_names_its_recipe_and_loads(made: Made) -> None:
    found = checkpoint.load(made.model, vocab.HASH)
    assert found.card["name"] == "smoke"
    assert found.card["trained_steps"] == loop.read_recipe(RECIPE).steps
    assert f"validation {found.card['figures']['validation_nats']:.4f} nats" in made.said[-1]
    assert (made.model / "recipe.toml").read_text() == RECIPE.read_text()


def it_is_judged_beside_every_baseline(made: Made, task: str, measures: set[str], ours: set[str]) -> None:
    words = ("eval", task, "--data", DATA / "smoke", "--model", made.model, "--songs", SONGS, "--seed", 1, "--json")
    result = is_documented(jamlink(*words), task, seed=1)
    rows = {row["system"]: row for row in result["rows"]}
    assert result["data"] == "smoke"
    assert {name for name, row in rows.items() if row["model"] == str(made.model)} == ours
    assert len(rows) > len(ours) + 3
    for name in ours:
        assert rows[name]["n"] == SONGS
        assert measures <= set(rows[name])
    assert not any(nic is None or not 0 <= nic <= 1 for nic in (row["nic"] for row in rows.values()))


def it_plays_in_a_jam_and_every_hand_is_its_own(made: Made) -> None:
    target = made.run / "jam.mid"
    printed = jamlink(
        "render", DATA / "mozart_k331_p04.mid", "-o", target, "--model", made.model, "--bars", 2, "--json"
    )
    report = json.loads(printed.splitlines()[-1])
    assert {slot["proposer"] for slot in report["slots"]} == {"smoke"}  # a stand-in's hand has the stand-in's name
    assert all(slot["hand"] > 1 and slot["chords"] for slot in report["slots"])
    accepted = [slot for slot in report["slots"] if slot["verdict"] == "accepted"]
    assert len(accepted) >= 3
    assert sum(slot["notes"] for slot in accepted) > 0
    assert verify(Path(report["session"])).whole
    assert sum(len(part.notes) for part in read_score(target).parts) > sum(slot["notes"] for slot in accepted)


def test_melodies_are_judged_on_a_folder_with_a_split_of_its_own(tmp_path):
    shutil.copy(DATA / "smoke" / "tunes.abc", tmp_path)
    parts = ("train", "train", "valid", "test")
    split = [f"tunes {i}\ttunes {i}\t{parts[i % 4]}" for i in range(1, TUNES + 1)]
    (tmp_path / "split.tsv").write_text("\n".join(["name\tfamily\tpart", *split]) + "\n")
    result = is_documented(jamlink("eval", "melody", "--data", tmp_path, "--seed", 2, "--json"), "melody", seed=2)
    assert all(row["pitch_ppl"] > 1 for row in result["rows"] if row["system"] != "human")
    assert any("There is no trained network" in note for note in result["notes"])


def is_documented(printed: str, task: str, seed: int) -> dict[str, Any]:
    """The object that --json prints last, which has the shape that programs rely on."""
    result: dict[str, Any] = json.loads(printed.splitlines()[-1])
    assert set(result) == {"task", "data", "split_hash", "seed", "rows", "notes"}
    assert (result["task"], result["seed"]) == (task, seed)
    assert len(bytes.fromhex(result["split_hash"])) == 32
    for row in result["rows"]:
        assert {"system", "model", "n", "ci"} <= set(row)
        for name, (low, high) in row["ci"].items():
            assert name in row, (row["system"], name)
            assert (low is None) == (high is None), (row["system"], name)
            assert low is None or low <= high, (row["system"], name)
    return result
