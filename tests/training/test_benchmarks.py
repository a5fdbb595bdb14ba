"""The networks of the benchmarks are taught: whole states, exact resuming, and trouble said in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")

from jamlink.errors import Nonsense, Unavailable  # noqa: E402  (after the check for torch)
from jamlink.nn import frames  # noqa: E402
from jamlink.training import benchmarks  # noqa: E402
from jamlink.training.benchmark_sets import make_split, moved, read_split, transposed, with_memory  # noqa: E402
from jamlink.training.benchmarks import (  # noqa: E402
    frame_nats,
    is_benchmark,
    read_plan,
    read_trained,
    subject_of,
    train_benchmark,
)
from jamlink.training.fingerprint import fingerprint  # noqa: E402

pytestmark = pytest.mark.torch
RECIPE = """
name = "tiny"
kind = "jsb"
[shape]
hidden = 8
layers = 1
heads = 2
inner = 8
head_hidden = 8
head_layers = 1
longest = 32
[train]
steps = 6
rows = 24
row = 8
peak = 1e-2
warm_up = 0.1
decay_from = 0.5
weight_decay = 0.1
clip = 1.0
dropout = 0.2
forget = 0.1
as_written = 0.5
average = 0.9
check_every = 1000.0
seed = 3
"""
QUIET = {"say": lambda line: None}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    song = [[48, 55, 60], [48, 55, 64], [50, 57], [], [48, 55, 60]] * 4
    (tmp_path / "jsb-chorales-quarter.json").write_text(
        json.dumps({"train": [song] * 4, "valid": [song], "test": [song]})
    )
    return tmp_path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(data, recipe, tmp_path):
    whole = train_benchmark(recipe, data, tmp_path / "whole", **QUIET)
    work = benchmarks._Run(read_plan(recipe), subject_of(read_plan(recipe), data), tmp_path / "parts")
    work.folder.mkdir()
    for step in range(3):
        work.train_step(step / 6)
    work.keep()
    parts = train_benchmark(recipe, data, tmp_path / "parts", **QUIET)
    one, other = (torch.load(folder / "state.pt", weights_only=True) for folder in (whole, parts))
    assert one["step"] == other["step"] == 6
    for name, weight in one["net"].items():
        assert torch.equal(weight, other["net"][name]), name


def test_what_is_read_back_says_what_was_trained(data, recipe, tmp_path):
    run = train_benchmark(recipe, data, tmp_path / "run", **QUIET)
    subject = subject_of(read_plan(recipe), data)
    trained = read_trained(run, "jsb", subject.digest)
    assert subject.validate(trained.net) == pytest.approx(trained.card["validation_nats"], abs=1e-3)


def test_a_loss_that_is_no_number_stops_with_its_batch_kept(data, recipe, tmp_path):
    plan = read_plan(recipe)
    work = benchmarks._Run(plan, subject_of(plan, data), tmp_path)
    with torch.no_grad():
        work.net.begin.fill_(float("nan"))
    with pytest.raises(Nonsense, match=r"step 0 is not a number.*bad-batch"):
        work.train_step(0.5)
    assert torch.load(tmp_path / "bad-batch.pt", weights_only=True)["step"] == 0


def test_a_network_of_other_music_or_damaged_is_refused_with_the_command_that_makes_it(data, recipe, tmp_path):
    run = train_benchmark(recipe, data, tmp_path / "run", **QUIET)
    digest = json.loads((run / "model.json").read_text())["music_sha256"]
    with pytest.raises(Nonsense, match=r"other music.*jamlink train --recipe"):
        read_trained(run, "jsb", "0" * 64)
    with pytest.raises(Nonsense, match="other music"):
        read_trained(run, "nottingham", digest)
    content = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(content[:-4] + b"\0\0\0\1")
    with pytest.raises(Nonsense, match="not those that were written"):
        read_trained(run, "jsb", digest)
    with pytest.raises(Unavailable, match="no trained network"):
        read_trained(tmp_path / "nowhere", "jsb", digest)


@pytest.mark.parametrize("wrong", ["kind = 3", 'kind = "bebop"', "kind = [", "row = 8"])
def test_a_recipe_that_is_none_is_refused(recipe, wrong):
    recipe.write_text(RECIPE.replace('kind = "jsb"', wrong))
    with pytest.raises(Nonsense, match="cannot be used"):
        read_plan(recipe)


def test_the_recipes_in_the_repository_are_whole():
    root = Path(__file__).parents[2] / "models"
    found = {path.parent.name: read_plan(path).kind for path in (root / "benchmarks").glob("*/recipe.toml")}
    assert found == {"jsb": "jsb", "nottingham": "nottingham", "nottingham-melody": "melody"}
    assert not is_benchmark(root / "jam-s" / "recipe.toml")
    assert is_benchmark(root / "benchmarks" / "jsb" / "recipe.toml")


def test_the_published_split_keeps_every_family_on_one_side():
    path = Path(__file__).parents[2] / "models/benchmarks/nottingham-melody/split.tsv"
    rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
    parts: dict[str, set[str]] = {}
    for _, family, part in rows:
        parts.setdefault(family, set()).add(part)
    assert all(len(found) == 1 for found in parts.values())
    assert set(read_split(path).values()) == {"train", "valid", "test"}


def test_a_tune_and_its_transposition_are_one_family():
    draw = np.random.default_rng(0)
    tunes = {f"tune {i}": draw.integers(60, 80, size=40).tolist() for i in range(6)}
    tunes["tune 0 in D"] = [pitch + 2 for pitch in tunes["tune 0"]]
    split = make_split({name: fingerprint(pitches) for name, pitches in tunes.items()})
    assert split["tune 0"] == split["tune 0 in D"]
    assert len({family for family, _ in split.values()}) == 6


def test_songs_longer_than_a_row_are_judged_whole_and_the_first_row_as_alone(recipe):
    plan = read_plan(recipe)
    net = frames.FrameNet(frames.FrameShape(**plan.shape))
    song = np.sort(np.random.default_rng(1).permuted(np.tile(np.arange(20, 40), (21, 1)), axis=1)[:, :3])
    (whole,) = frame_nats(net, [song], row=8)
    (first,) = frame_nats(net, [song[:8]], row=8)
    assert whole.shape == (21,)
    assert whole[:8] == pytest.approx(first)
    assert (whole > 0).all()


def test_transposing_moves_pitches_and_roots_and_nothing_else():
    song = with_memory(np.array([[10, 4, 0, 1, 0, 11, 1, 1, 0, 0, 0], [12, 4, 6, 1, 0, 12, 0, 0, 0, 0, 0]] * 2))
    up = transposed(song, 3)
    assert up[:, 0].tolist() == [13, 15, 13, 15]
    assert up[:, 5].tolist() == [2, 12, 2, 12]
    assert (transposed(up, -3) == song).all()
    assert (with_memory(up) == up).all()
    assert song[:, 8:].tolist() == [[48, 0, 0], [48, 0, 0], [48, 0, 0], [12, 4, 1]]


def test_moving_frames_leaves_silence_alone():
    assert moved(np.array([[3, frames.NONE]]), 2).tolist() == [[5, frames.NONE]]
