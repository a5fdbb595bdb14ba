"""`jamlink eval`: every task it names can be run, and what comes back is a table or one JSON object, last."""

from __future__ import annotations

import inspect
import json
import sys
from importlib import import_module
from types import ModuleType

import pytest
from typer.testing import CliRunner

from jamlink.cli import app
from jamlink.errors import Unavailable
from jamlink.evaluation import tasks
from jamlink.evaluation.result import Result, Row


@pytest.fixture
def two_tasks(monkeypatch) -> dict[str, object]:
    """Two tasks of our own, one of which may want what is not there; what the first was asked."""
    asked: dict[str, object] = {}
    module = ModuleType("two_tasks")

    def count(*, data, model, seed, songs, say):
        asked.update(data=data, model=model, seed=seed, songs=songs)
        say("counting")
        rows = (Row("rules", 3, {"nic": 0.5}, {"nic": (0.25, 0.75)}), Row("jamlink", 3, {"nic": 0.75}, model=model))
        return Result("count", "set", "ab12", seed, rows, ("A note.",))

    def lacking(**_):
        raise Unavailable("There is no model 'x'.", "Name another.")

    def torchless(**_):
        import_module("torch_is_not_here")

    module.count, module.lacking, module.torchless = count, lacking, torchless
    monkeypatch.setitem(sys.modules, "two_tasks", module)
    monkeypatch.setattr(tasks, "TASKS", {"count": "two_tasks:count", "lacking": "two_tasks:lacking"})
    return asked


def run(*words: str):
    return CliRunner().invoke(app, ["eval", *words])


@pytest.mark.torch
def test_every_task_that_is_named_can_be_called_as_the_command_calls_it():
    for place in tasks.TASKS.values():
        module, _, function = place.partition(":")
        parameters = inspect.signature(getattr(import_module(module), function)).parameters
        assert {"data", "model", "seed", "songs", "say"} <= set(parameters), place
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters.values()), place


def test_people_get_a_table_with_intervals_and_notes(two_tasks):
    found = run("count", "--songs", "5", "--seed", "3", "--model", "mine")
    assert found.exit_code == 0
    assert two_tasks == {"data": None, "model": "mine", "seed": 3, "songs": 5}
    assert "0.500" in found.stdout
    assert "A note." in found.stdout
    assert found.stderr == "counting\n"


def test_json_is_one_object_and_progress_stays_out_of_it(two_tasks):
    found = json.loads(run("count", "--json").stdout)
    assert (found["task"], found["split_hash"], found["rows"][0]["ci"]) == ("count", "ab12", {"nic": [0.25, 0.75]})


def test_all_runs_what_can_be_run_and_names_the_rest(two_tasks):
    found = run("all", "--json")
    said = json.loads(found.stdout)
    assert [task["task"] for task in said["tasks"]] == ["count"]
    assert said["not_run"] == {"lacking": "There is no model 'x'. Name another."}
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["whistle"], "There is no evaluation 'whistle'. Choose one of count, lacking, all."),
        (["lacking"], "There is no model 'x'. Name another."),
        (["count", "--data", "/nowhere/at/all"], "There is no folder /nowhere/at/all."),
        (["count", "--songs", "-1"], "-1 songs cannot be drawn."),
    ],
)
def test_what_is_missing_is_one_sentence(two_tasks, words, sentence):
    found = run(*words, "--json")
    assert found.exit_code == 1
    assert found.stderr.startswith(f"jamlink: {sentence}")
    assert len(found.stderr.splitlines()) == 1
    assert not found.stdout


def test_without_torch_the_extra_is_named(two_tasks, monkeypatch):
    monkeypatch.setattr(tasks, "TASKS", {"torchless": "two_tasks:torchless"})
    found = run("torchless")
    assert "needs torch_is_not_here, which is not installed. Run: pip install 'jamlink[train]'" in found.stderr
