"""A training run that is killed, runs out of disk or is handed the wrong things loses nothing and says so in a sentence."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import numpy as numpy_files
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="training needs the train extra")

from jamlink.cli import app  # noqa: E402  (after the check for torch)
from jamlink.errors import JamlinkError, Nonsense, Unavailable  # noqa: E402
from jamlink.nn import checkpoint  # noqa: E402
from jamlink.tokens import vocab  # noqa: E402
from jamlink.training import loop, state  # noqa: E402
from tests.training.tiny import RECIPE, write_corpus  # noqa: E402

pytestmark = pytest.mark.torch
posix = pytest.mark.skipif(sys.platform == "win32", reason="kills and limits as POSIX has them")
STEPS = 40
ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.replace("steps = 12", f"steps = {STEPS}").replace("dropout = 0.0", "dropout = 0.1"))
    return path


@pytest.fixture
def unbroken(recipe: Path, corpus_folder: Path, tmp_path: Path) -> bytes:
    """The weights of a run that nothing happens to."""
    return weights(loop.train(recipe, corpus_folder, tmp_path / "unbroken", say=quiet))


def quiet(line: str) -> None:
    """Hears nothing."""


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def going_on(recipe: Path, corpus_folder: Path, run: Path) -> tuple[bytes, list[str]]:
    """The weights at the end of the plan, and what was said on the way."""
    said: list[str] = []
    return weights(loop.train(recipe, corpus_folder, run, say=said.append)), said


def started(*args: object, **more: object) -> BaseProcess:
    """A process of its own that trains. What takes seconds to import is there already in the server that forks it."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["jamlink.training.loop", "torch._dynamo"])
    process = context.Process(target=loop.train, args=args, kwargs={"say": quiet, **more})
    process.start()
    return process


def saved_states(process: BaseProcess, run: Path, wanted: int) -> None:
    """Wait until the run has put `wanted` new states in place, or is over."""
    seen: set[int] = set()
    while process.is_alive() and len(seen) <= wanted:
        with suppress(FileNotFoundError):  # it is between two of its names
            seen.add((run / state.NEWEST).stat().st_mtime_ns)
        process.join(0.001)


# -- killed -----------------------------------------------------------------------------------------------------------


@posix
def test_a_run_killed_at_random_moments_ends_as_the_unbroken_one_bit_for_bit(recipe, corpus_folder, tmp_path, unbroken):
    dice, run, steps = random.Random(5), tmp_path / "run", []
    for _ in range(6):
        process = started(recipe, corpus_folder, run, save_every=0.0)
        saved_states(process, run, dice.randrange(4))
        process.join(dice.uniform(0, 0.04))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        steps.append(state.newest(run, "cpu", quiet)["step"])
    assert steps == sorted(steps)
    assert 0 < steps[-1] < STEPS
    last, said = going_on(recipe, corpus_folder, run)
    assert f"from step {steps[-1]}," in said[0]
    assert last == unbroken


@posix
def test_a_run_told_to_stop_saves_the_step_it_is_at_and_goes_on_from_there(recipe, corpus_folder, tmp_path, unbroken):
    ours, theirs = get_context("forkserver").Pipe(duplex=False)
    process = started(recipe, corpus_folder, tmp_path / "run", tick=theirs.send)
    assert "step 20 " in ours.recv()
    process.terminate()
    process.join()
    assert process.exitcode not in (0, -signal.SIGTERM)
    assert 20 <= state.newest(tmp_path / "run", "cpu", quiet)["step"] < STEPS
    assert going_on(recipe, corpus_folder, tmp_path / "run")[0] == unbroken


@pytest.mark.parametrize("moment", range(4))  # a save is three moves
def test_between_any_two_moves_of_a_save_one_whole_state_is_there(moment, tmp_path, monkeypatch):
    for step in (1, 2):
        state.save(tmp_path, {"step": step})
    with monkeypatch.context() as patched, suppress(_PowerCut):
        patched.setattr(os, "replace", _power_cut_after(moment))
        state.save(tmp_path, {"step": 3})
    assert state.newest(tmp_path, "cpu", quiet)["step"] == (2 if moment == 0 else 3)
    state.save(tmp_path, {"step": 4})
    assert state.newest(tmp_path, "cpu", quiet)["step"] == 4


def test_what_was_half_written_is_cleared_away(recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=2)
    (run / f".{state.NEXT}.x.part").write_bytes(b"half a state")
    state.claim(run, identity_of(recipe, corpus_folder), recipe.read_text())
    assert sorted(path.name for path in run.iterdir()) == ["recipe.toml", "run.json", "state-before.pt", "state.pt"]


class _PowerCut(BaseException):
    """Nothing after this happens."""


def _power_cut_after(moves: int) -> Callable[..., None]:
    done, move = [], os.replace

    def replace(*names: Any) -> None:
        if len(done) == moves:
            raise _PowerCut
        done.append(names)
        move(*names)

    return replace


# -- the disk ---------------------------------------------------------------------------------------------------------


def full(number: int) -> None:
    """What a full disk answers."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_training_goes_on_over_a_disk_that_is_full_for_a_while(recipe, corpus_folder, tmp_path, unbroken, monkeypatch):
    sync, refused = os.fsync, []

    def sometimes(number: int) -> None:
        if 5 <= len(refused) < 20:
            refused.append(number)
            full(number)
        refused.append(number)
        sync(number)

    monkeypatch.setattr(os, "fsync", sometimes)
    said: list[str] = []
    last = loop.train(recipe, corpus_folder, tmp_path / "run", save_every=0.0, say=said.append)
    assert any("no space left" in line and "Training goes on" in line for line in said)
    assert weights(last) == unbroken


def test_a_disk_that_is_full_at_the_end_is_said_and_the_state_before_is_whole(
    recipe, corpus_folder, tmp_path, unbroken, monkeypatch
):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=7)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match=r"no space left on device\. Free some"):
            loop.train(recipe, corpus_folder, run, say=quiet)
    assert state.newest(run, "cpu", quiet)["step"] == 7
    assert going_on(recipe, corpus_folder, run)[0] == unbroken


def begun(recipe: Path, corpus_folder: Path, folder: Path, steps: int) -> Path:
    """A run folder with the states of the last two of so many steps."""
    parsed = loop.read_recipe(recipe)
    run = loop.Run(parsed, loop.open_corpus(corpus_folder), folder, "cpu")
    folder.mkdir()
    state.claim(folder, identity_of(recipe, corpus_folder), recipe.read_text())
    for step in range(steps):
        run.train_step(step / parsed.steps)
        if step + 2 >= steps:
            run.save()
    return folder


def identity_of(recipe: Path, corpus_folder: Path) -> state.Identity:
    corpus = state.hash_of(corpus_folder / "corpus.npz")
    return state.Identity("tiny", loop.recipe_hash(recipe), corpus, vocab.HASH)


@posix
def test_a_file_size_limit_ends_the_command_with_one_sentence_and_nothing_lost(
    recipe, corpus_folder, tmp_path, unbroken
):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=5)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from jamlink.cli import run; run()"
    )
    words = ["train", "--recipe", recipe, "--corpus", corpus_folder, "--run", run]
    ended = subprocess.run([sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("jamlink: ")
    assert ended.stderr.endswith("cannot be written: file too large. Free some space or choose another folder.\n")
    assert state.newest(run, "cpu", quiet)["step"] == 5
    assert going_on(recipe, corpus_folder, run)[0] == unbroken


# -- damage -----------------------------------------------------------------------------------------------------------


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def one_bit_off(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def something_else(path: Path) -> None:
    torch.save([1, 2, 3], path)


@pytest.mark.parametrize("harm", [cut_off, one_bit_off, emptied, something_else])
def test_a_damaged_newest_state_is_said_and_the_one_before_goes_on(harm, recipe, corpus_folder, tmp_path, unbroken):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=6)
    harm(run / state.NEWEST)
    last, said = going_on(recipe, corpus_folder, run)
    assert said[0] == f"{run / state.NEWEST} is damaged and is passed over."
    assert "from step 5," in said[1]
    assert last == unbroken


def test_a_damaged_state_never_takes_the_place_of_the_whole_one_before(tmp_path):
    for step in (1, 2):
        state.save(tmp_path, {"step": step})
    cut_off(tmp_path / state.NEWEST)
    state.save(tmp_path, {"step": 3})
    cut_off(tmp_path / state.NEWEST)
    assert state.newest(tmp_path, "cpu", quiet)["step"] == 1


def test_states_that_are_all_damaged_are_refused_and_left_as_they_are(recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=3)
    for name in (state.NEWEST, state.BEFORE):
        cut_off(run / name)
    before = {path: path.read_bytes() for path in run.iterdir()}
    with pytest.raises(Nonsense, match=r"No state in .* is whole\. Begin again in another folder\.$"):
        loop.train(recipe, corpus_folder, run, say=quiet)
    assert {path: path.read_bytes() for path in run.iterdir()} == before


# -- the wrong things -------------------------------------------------------------------------------------------------


def test_another_recipe_corpus_or_vocabulary_is_refused_in_one_sentence(recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=2)
    other = tmp_path / "other.toml"
    other.write_text(recipe.read_text().replace("seed = 1", "seed = 2"))
    with pytest.raises(Nonsense, match=r"begun with another recipe \(it is called tiny\)\. Go on with what"):
        loop.train(other, corpus_folder, run, say=quiet)
    with pytest.raises(Nonsense, match="begun with another corpus"):
        loop.train(recipe, write_corpus(tmp_path / "other", "Em7 A7 Dmaj7 Bm7"), run, say=quiet)
    words = json.loads((run / state.IDENTITY).read_text()) | {"vocabulary": "0" * 64}
    (run / state.IDENTITY).write_text(json.dumps(words))
    with pytest.raises(Nonsense, match="begun with another vocabulary"):
        loop.train(recipe, corpus_folder, run, say=quiet)


def test_another_machine_may_go_on_with_a_run(recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=2)
    there = recipe.read_text().replace("threads = 1", "threads = 16").replace("compiled = false", "compiled = true")
    recipe.write_text(f"# on the other machine\n{there}")
    state.claim(run, identity_of(recipe, corpus_folder), recipe.read_text())


@pytest.mark.parametrize("text", ["", "[]", '{"name": "tiny"}', "\x00"])
def test_a_damaged_run_json_is_refused(text, recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=1)
    (run / state.IDENTITY).write_text(text)
    with pytest.raises(Nonsense, match=r"run\.json is damaged\. Take it away if"):
        loop.train(recipe, corpus_folder, run, say=quiet)


def test_a_state_of_another_network_is_refused(recipe, corpus_folder, tmp_path):
    run = begun(recipe, corpus_folder, tmp_path / "run", steps=1)
    kept = state.newest(run, "cpu", quiet)
    kept["net"] = {name: tensor[..., :1] for name, tensor in kept["net"].items()}
    state.save(run, kept)
    with pytest.raises(Nonsense, match="of another network or training"):
        loop.train(recipe, corpus_folder, run, say=quiet)


def test_a_corpus_written_with_other_words_or_cut_off_is_refused(recipe, corpus_folder, tmp_path):
    arrays = dict(np.load(corpus_folder / "corpus.npz"))
    np.savez(tmp_path / "other.npz", **arrays | {"vocabulary": np.array("0" * 64)})
    with pytest.raises(Nonsense, match=r"was written with other words\. Build the corpus again\.$"):
        loop.train(recipe, tmp_path / "other.npz", tmp_path / "run", say=quiet)
    cut_off(corpus_folder / "corpus.npz")
    with pytest.raises(Nonsense, match="is damaged"):
        loop.train(recipe, corpus_folder, tmp_path / "run", say=quiet)


# -- not a number -----------------------------------------------------------------------------------------------------


def test_a_rate_that_is_far_too_high_stops_the_run_and_keeps_the_batch(recipe, corpus_folder, tmp_path):
    recipe.write_text(recipe.read_text().replace("peak = 1e-2", "peak = 1e38"))
    run = tmp_path / "run"
    with pytest.raises(Nonsense, match=r"of step \d+ is not a number; its batch is kept in .*Lower the recipe") as why:
        loop.train(recipe, corpus_folder, run, save_every=0.0, say=quiet)
    step = int(str(why.value).split("of step ")[1].split()[0])
    parsed = loop.read_recipe(recipe)
    fresh = loop.Run(parsed, loop.open_corpus(corpus_folder), run, "cpu")
    kept, drawn = np.load(run / f"broken-batch-{step}.npz"), fresh.sampler.rows(step, parsed.rows)
    assert (kept["ids"] == drawn.ids).all()
    assert (kept["learnt"] == drawn.learnt).all()
    found = state.newest(run, "cpu", quiet)
    assert found["step"] == step
    assert all(torch.isfinite(tensor).all() for tensor in found["net"].values())


def test_a_gradient_that_is_no_number_changes_nothing(recipe, corpus_folder, tmp_path):
    run = loop.Run(loop.read_recipe(recipe), loop.open_corpus(corpus_folder), tmp_path, "cpu")
    good = run.loss
    steep = next(run.net.parameters())
    run.loss = lambda ids, learnt: good(ids, learnt) + (steep * 0).sqrt().sum()
    before = {name: tensor.clone() for name, tensor in run.net.state_dict().items()}
    with pytest.raises(Nonsense, match="The gradient of step 0 is not a number"):
        run.train_step(0.5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.net.state_dict().items())
    assert run.step == 0
    assert (tmp_path / "broken-batch-0.npz").exists()


def test_a_batch_that_cannot_be_kept_is_said(recipe, corpus_folder, tmp_path, monkeypatch):
    run = loop.Run(loop.read_recipe(recipe), loop.open_corpus(corpus_folder), tmp_path, "cpu")
    run.loss = lambda ids, learnt: torch.tensor(float("nan"))
    monkeypatch.setattr(np, "savez", lambda path, **arrays: full(0))
    with pytest.raises(JamlinkError, match="not a number; its batch could not be kept: no space left on device"):
        run.train_step(0.5)


# -- what a run leaves ------------------------------------------------------------------------------------------------


def other_words(folder: Path) -> None:
    change_card(folder, vocabulary_sha256="0" * 64)


def change_card(folder: Path, **fields: str) -> None:
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | fields))


def cut_weights(folder: Path) -> None:
    cut_off(folder / "model.safetensors")


def one_weight_off(folder: Path) -> None:
    one_bit_off(folder / "model.safetensors")


def no_number(folder: Path) -> None:
    """Written whole, with the hash of what was written."""
    arrays = numpy_files.load_file(folder / "model.safetensors")
    arrays["model.norm.weight"][0] = np.nan
    numpy_files.save_file(arrays, folder / "model.safetensors")
    change_card(folder, weights_sha256=state.hash_of(folder / "model.safetensors"))


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (other_words, "speaks other words than this jamlink"),
        (cut_weights, "damaged or cut off"),
        (one_weight_off, "damaged or cut off"),
        (no_number, "The weight model.norm.weight holds something that is not a number"),
    ],
)
@pytest.mark.parametrize("command", ["render", "eval"])
def test_a_model_that_came_to_harm_is_refused_in_one_sentence_wherever_it_is_named(
    harm, why, command, recipe, corpus_folder, tmp_path
):
    run = loop.Run(loop.read_recipe(recipe), loop.open_corpus(corpus_folder), tmp_path, "cpu")
    run.export(tmp_path / "model", {})
    checkpoint.load(tmp_path / "model", vocab.HASH)
    harm(tmp_path / "model")
    words = {
        "render": [str(DATA / "mozart_k331_p04.mid"), "-o", str(tmp_path / "out.mid")],
        "eval": ["accompany", "--data", str(DATA / "smoke"), "--songs", "1"],
    }[command]
    result = CliRunner().invoke(app, [command, *words, "--model", str(tmp_path / "model")])
    assert result.exit_code == 1
    assert not isinstance(result.exception, Exception)
    said = result.stderr.splitlines()[-1]
    assert said.startswith("jamlink: ")
    assert why in said
