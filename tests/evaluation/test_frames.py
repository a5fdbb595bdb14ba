"""Frames: the metric by hand, baselines as distributions over sets, and the whole task on a set made up here."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks need the train extra")

from jamlink.errors import Nonsense, Unavailable  # noqa: E402  (after the check for torch)
from jamlink.evaluation import frame_baselines, frames  # noqa: E402
from jamlink.evaluation.frame_baselines import FrameNgram, Markov, NoteNgram, NotesApart  # noqa: E402
from jamlink.nn.frames import NONE  # noqa: E402
from jamlink.training.benchmark_sets import read_frames, top_line  # noqa: E402
from jamlink.training.benchmarks import train_benchmark  # noqa: E402

pytestmark = pytest.mark.torch
RECIPE = """
name = "tiny"
kind = "jsb"
[shape]
hidden = 16
layers = 1
heads = 2
inner = 16
head_hidden = 16
head_layers = 1
longest = 32
[train]
steps = 25
rows = 64
row = 8
peak = 1e-2
warm_up = 0.1
decay_from = 0.5
weight_decay = 0.0
clip = 1.0
dropout = 0.0
forget = 0.0
as_written = 0.8
average = 0.9
check_every = 1000.0
seed = 3
"""


def chorale(seed: int, length: int = 12) -> list[list[int]]:
    draw = np.random.default_rng(seed)
    roots = draw.choice([48, 53, 55], size=length)
    return [[int(r), int(r) + 7, int(r) + 12 + int(draw.choice([0, 4]))] for r in roots]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    parts = {"train": range(8), "valid": range(8, 11), "test": range(11, 14)}
    found = {part: [chorale(i, 10 + i) for i in numbers] for part, numbers in parts.items()}
    (tmp_path / "jsb-chorales-quarter.json").write_text(json.dumps(found))
    return tmp_path


def test_a_frame_is_its_pitches_once_each_in_ascending_order(tmp_path):
    parts = {"train": [[[67, 60, 60], []]], "valid": [[[60]]], "test": [[[60]]]}
    (tmp_path / "jsb-chorales-quarter.json").write_text(json.dumps(parts))
    assert read_frames("jsb", tmp_path).parts["train"][0].tolist() == [[36, 43], [NONE, NONE]]


@pytest.mark.parametrize("content", ["{", "[]", '{"train": []}', '{"train": [[[20]]], "valid": [], "test": []}'])
def test_a_file_that_is_no_set_of_frames_is_refused_in_one_sentence(tmp_path, content):
    (tmp_path / "jsb-chorales-quarter.json").write_text(content)
    with pytest.raises(Nonsense):
        read_frames("jsb", tmp_path)


def test_a_folder_without_the_set_is_said_to_have_none(tmp_path):
    with pytest.raises(Unavailable, match="jsb-chorales-quarter"):
        read_frames("jsb", tmp_path)


def test_the_tune_of_a_chorale_is_its_top_without_what_goes_on():
    assert top_line(np.array([[1, 5], [2, 5], [3, 6], [NONE, NONE], [1, 5]])) == [5, 6, 5]


@pytest.mark.parametrize("make", [NotesApart, NoteNgram, lambda train: FrameNgram(train, 1, NoteNgram(train)),
                                  lambda train: Markov(train, 0)])  # fmt: skip
def test_a_baseline_gives_all_sets_together_at_most_one(make):
    train = [np.array([[40, 44], [40, 45], [41, 45], [40, 44]] * 100)] * 3
    system = make(train)
    pitches = range(38, 48)
    sets = [(), *((p,) for p in pitches), *combinations(pitches, 2)]
    total = 0.0
    for notes in sets:
        last = [*notes, *[NONE] * (2 - len(notes))]
        total += system.p(np.array([[40, 44], [40, 45], last]))[2]
    assert 0.6 < total < 1.0001


def test_a_baseline_knows_nothing_of_later_frames():
    train = [np.array([[40, 44], [40, 45], [41, 45], [40, 44]] * 3)] * 3
    for system in (NoteNgram(train), FrameNgram(train, 2, NoteNgram(train)), Markov(train, 0)):
        one, other = np.array([[40, 44], [40, 45], [41, 45]]), np.array([[40, 44], [40, 45], [12, 13]])
        assert system.p(one)[:2] == pytest.approx(system.p(other)[:2])


def test_repetition_and_memory_by_hand():
    piece = np.array([[1], [2], [1], [2], [3], [3]])
    assert frame_baselines.repeated(piece).tolist() == [0, 0, 0, 0, 0, 1]
    p, groups = frame_baselines.remembered(piece)
    assert p.tolist() == [0, 0, 0, 1, 0, 0]  # 1 was followed by 2; then 2 by 1, not by 3
    assert groups.tolist() == [0, 0, 0, 3, 5, 0]


def test_the_metric_is_the_mean_over_frames_and_beside_it_over_pieces():
    judged = frames._Judged((np.zeros((2, 1)), np.zeros((1, 1))), (True, False), 0)
    row = frames._row("made up", [np.exp([-1.0, -2.0]), np.exp([-6.0])], judged)
    assert row.n == 3
    assert row.metrics["nats"] == pytest.approx(3.0)
    assert row.metrics["nats_by_piece"] == pytest.approx((1.5 + 6.0) / 2)
    assert row.metrics["nats_without_first"] == pytest.approx(2.0)
    assert row.metrics["nats_leak_checked"] == pytest.approx(1.5)


def test_the_whole_task_beats_its_1_gram_and_names_what_is_missing(data, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    train_benchmark(recipe, data, tmp_path / "runs" / "jsb", say=lambda line: None)
    result = frames.evaluate(data=data, model="any", run=tmp_path / "runs")
    found = {row.system: row.metrics["nats"] for row in result.rows}
    assert found["JSB chorales: network"] < found["JSB chorales: notes apart"]
    assert "JSB chorales: network, 12 transpositions + memory" in found
    assert any(note.startswith("Nottingham: There is no nottingham") for note in result.notes)


def test_without_a_network_the_command_that_trains_it_is_said_and_the_baselines_stay_the_same(data, tmp_path):
    result = frames.evaluate(data=data, model="any", run=tmp_path / "nowhere", songs=2)
    assert result == frames.evaluate(data=data, model="any", run=tmp_path / "nowhere", songs=2)
    assert not any("network" in row.system for row in result.rows)
    assert any("jamlink train --recipe models/benchmarks/jsb/recipe.toml" in note for note in result.notes)
