"""Melodies over chords: baselines as probabilities, figures by hand, and the whole task on tunes made up here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the networks need the train extra")

from jamlink.errors import Nonsense, Unavailable  # noqa: E402  (after the check for torch)
from jamlink.evaluation import melody  # noqa: E402
from jamlink.evaluation.melody_baselines import Ngram, NotesAlone, remembered  # noqa: E402
from jamlink.training.benchmark_sets import read_melodies  # noqa: E402
from jamlink.training.benchmarks import train_benchmark  # noqa: E402

pytestmark = pytest.mark.torch
RECIPE = """
name = "tiny"
kind = "melody"
[shape]
hidden = 16
layers = 1
heads = 2
inner = 16
longest = 64
[train]
steps = 20
rows = 64
row = 32
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
BARS = ('"G"GABc', '"D"d2cB', '"G"B2G2', '"D7"ABcA', '"C"cBAG', '"G"G4')


@pytest.fixture
def data(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    lines, split = [], ["name\tfamily\tpart"]
    for i in range(9):
        bars = "|".join(BARS[b] for b in draw.integers(len(BARS), size=8))
        lines += [f"X:{i + 1}", f"T:tune {i}", "M:4/4", "L:1/4", "K:G", f"{bars}|]", ""]
        split.append(f"made {i}\tmade {i}\t{('train', 'valid', 'test')[i % 3]}")
    (tmp_path / "made.abc").write_text("\n".join(lines))
    (tmp_path / "split.tsv").write_text("\n".join(split) + "\n")
    return tmp_path


def test_a_note_knows_its_place_its_chord_and_what_followed_before(data):
    (data / "made.abc").write_text('X:1\nT:one\nM:4/4\nL:1/4\nK:G\n"G"GABc|"D"GAB2|"G"G4|"G"G4|]\n' * 3)
    (data / "split.tsv").write_text("name\tfamily\tpart\nmade 0\ta\ttrain\nmade 1\ta\tvalid\nmade 2\ta\ttest\n")
    (song,) = read_melodies(data).parts["test"]
    assert song.scale == {7, 9, 11, 0, 2, 4, 6}
    #                            pitch, duration, place, meter, bar, root, quality, fresh, again: pitch, duration, run
    assert song.fields[0].tolist() == [19, 6, 0, 1, 0, 7, 1, 1, 48, 0, 0]
    assert song.fields[5].tolist() == [21, 6, 12, 1, 1, 2, 1, 0, 21, 6, 1]
    assert song.fields[6].tolist() == [23, 8, 24, 1, 1, 2, 1, 0, 23, 6, 2]


@pytest.mark.parametrize("with_chords", [False, True])
def test_what_an_n_gram_says_sums_to_one_and_knows_nothing_of_the_note_itself(data, with_chords):
    parts = read_melodies(data).parts
    train, valid = ([song.fields for song in parts[part]] for part in ("train", "valid"))
    ngram = Ngram(train, valid, with_chords=with_chords)
    song = parts["test"][0].fields
    pitches, times = ngram.shares(song)
    assert pitches.sum(axis=1) == pytest.approx(1)
    assert times.sum(axis=1) == pytest.approx(1)
    other = song.copy()
    other[5, :2] = (0, 1)
    assert ngram.shares(other)[0][:6] == pytest.approx(pitches[:6])


def test_memory_says_what_followed_and_nothing_where_nothing_did(data):
    song = read_melodies(data).parts["test"][0].fields
    (pitches, times), groups = remembered(np.concatenate((song, song)))
    half = len(song)
    assert (pitches[half + 8 :][np.arange(half - 8), song[8:, 0]] > 0).all()
    assert (groups[half + 8 :] >= 16).all()
    assert not pitches[0].any()
    assert not times[0].any()


def test_perplexity_and_accuracy_by_hand(data):
    (song, *_) = read_melodies(data).parts["test"]
    part = melody._Parts((), (song,), 0)
    pitches = np.full((len(song.fields), 48), 0.5 / 47)
    pitches[:, 19] = 0.5  # always the G, half sure
    times = np.full((len(song.fields), 15), 1 / 15)
    row = melody._row("made up", melody._System((), [(pitches, times)]), part)
    right = (song.fields[:, 0] == 19).mean()
    nats = -(right * np.log(0.5) + (1 - right) * np.log(0.5 / 47))
    assert row.metrics["pitch_ppl"] == pytest.approx(np.exp(nats))
    assert row.metrics["pitch_accuracy"] == pytest.approx(right)
    assert row.metrics["duration_ppl"] == pytest.approx(15)


def test_chord_tones_and_key_by_hand(data):
    (song, *_) = read_melodies(data).parts["test"]
    root = song.fields[:, 5]
    part = melody._Parts((), (song,), 0)
    metrics, _ = melody._made_of([root], part)  # index 0 is a C, so a root is its own pitch
    assert metrics["chord_tones"] == 1
    metrics, _ = melody._made_of([root + 1], part)
    assert metrics["chord_tones"] == 0


def test_the_whole_task_beats_its_1_gram_and_plays(data, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    train_benchmark(recipe, data, tmp_path / "runs" / "nottingham-melody", say=lambda line: None)
    result = melody.evaluate(data=data, model="any", run=tmp_path / "runs")
    found = {row.system: row.metrics for row in result.rows}
    assert found["n-gram with chord and bar"]["pitch_ppl"] < found["1-gram"]["pitch_ppl"]
    assert found["network + memory"]["pitch_ppl"] < found["1-gram"]["pitch_ppl"]
    assert found["human"]["in_key"] == 1
    assert 0 <= found["network"]["chord_tones"] <= 1


def test_without_a_network_the_command_that_trains_it_is_said(data, tmp_path):
    result = melody.evaluate(data=data, model="any", run=tmp_path, songs=1)
    assert any("recipe models/benchmarks/nottingham-melody/recipe.toml" in note for note in result.notes)
    assert next(row.system for row in result.rows) == "human"


def test_a_folder_without_the_tunes_and_a_list_that_is_none_are_said(data, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Unavailable):
        read_melodies(empty)
    (data / "split.tsv").write_text("name\tfamily\tpart\nmade 0\tmade 0\tnowhere\n")
    with pytest.raises(Nonsense, match="names a part"):
        read_melodies(data)


def test_a_part_of_a_tune_alone_is_no_more_than_counted():
    notes = np.zeros((4, 11), dtype=np.int64)
    notes[:, 0] = (1, 1, 2, 1)
    pitches, _ = NotesAlone([notes]).shares(notes)
    assert pitches[0, 1] == pytest.approx(3.5 / (4 + 24))
