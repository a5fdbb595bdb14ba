"""The benchmark of engines: what it reports, not how fast this machine is."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest

from jamlink.engine.native import loaded
from jamlink.errors import Unavailable
from jamlink.nn.config import ModelConfig
from jamlink.resources import data_folder
from jamlink.runtime import bench_engine
from jamlink.runtime.bench_bars import lines
from jamlink.runtime.bench_engine import Plan
from jamlink.runtime.bench_models import write_random
from jamlink.runtime.bench_turns import Worker
from jamlink.runtime.peers.table import COMPILED, PEERS, Kind, ours

TINY = ModelConfig(
    vocab_size=37, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=48, head_dim=16, max_position_embeddings=64,
)  # fmt: skip


def fake(what: str, **changes: object) -> Kind:
    kind = Kind(f"the {what} one", f"tests.runtime.fake_peers:{what}", ("fp32",), threads=(1,))
    return replace(kind, **changes)


def plan(*kinds: Kind, **changes: object) -> Plan:
    small = Plan(kinds, rounds=2, context=12, tokens=6, batches=(1, 3), more=2, settle_s=0.0)
    return replace(small, **changes)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return write_random(tmp_path / "tiny", TINY)


def test_the_report_holds_a_row_for_every_engine_and_batch(network: Path) -> None:
    told: list[str] = []
    kinds = fake("right", ours=True), fake("right", engine="another", threads=(1, 2), precisions=("fp32", "int8"))
    report = bench_engine.run(network, [], plan(*kinds), told.append)
    rows = report["rows"]
    settings = [("the right one", 1, "fp32")] + [("another", t, p) for p in ("fp32", "int8") for t in (1, 2)]
    expected = [(*setting, batch) for setting in settings for batch in (1, 3)]
    assert [(row["engine"], row["threads"], row["precision"], row["batch"]) for row in rows] == expected
    parameters = sum(a * b for a, b in (shape for shape in TINY.shapes().values() if len(shape) == 2)) + 5 * 32
    assert {(row["params"], row["context"], row["tokens"]) for row in rows} == {(parameters, 12, 6)}
    assert all(0 < row["ms"]["p10"] <= row["ms"]["p50"] <= row["ms"]["p90"] for row in rows)
    assert all(row["same"] == row["batch"] for row in rows)
    assert all(row["waited"] >= 0 for row in rows)
    assert [(row["batch"], row["tokens"]) for row in report["more_context"]] == [(1, 2)] * 5
    assert all(row["steps"] > 0 for row in report["more_context"])
    assert [(bar["batch"], bar["ours"]) for bar in report["bars"]] == [
        (n, "the right one, fp32, 1 thread") for n in (1, 3)
    ]
    assert report["wrong"] == {}
    assert {"machine", "commit", "rounds", "limits"} <= report.keys()
    assert json.loads(msgspec.json.encode(report)) == report
    assert any(line.startswith("round 2 of 2: another, int8, 2 threads") for line in told)
    assert sum(line.startswith("another, ") for line in lines(report)) == 4


def test_who_is_wrong_gone_or_missing_is_named_and_the_run_goes_on(network: Path) -> None:
    absent = fake("right", engine="the absent one", needs=("no_such_module",))
    toolless = fake("right", engine="the toolless one", tools=("no-such-command",))
    kinds = fake("wrong"), fake("still_born"), fake("dying"), absent, toolless, fake("right")
    report = bench_engine.run(network, [], plan(*kinds))
    assert {row["engine"] for row in report["rows"] + report["more_context"]} == {"the right one"}
    ((name, why),) = report["wrong"].items()
    assert name == "the wrong one, fp32, 1 thread, 0.0M weights"
    assert why.startswith("row 1 of 1 says ")
    assert "as word 5" in why
    gone = {name.partition(",")[0]: why for name, why in report["not_measured"].items() if name != "native"}
    assert gone == {
        "the still_born one": "OSError: no such instruction",
        "the dying one": "it ended without a word (the last words)",
        "the absent one": "no_such_module not installed. Run: pip install 'jamlink[bench]'",
        "the toolless one": "it needs no-such-command, which is not there.",
    }
    assert sum(line.startswith(("wrong: ", "not measured: ")) for line in lines(report)) == len(gone) + 1 + (
        "native" in report["not_measured"]
    )


def test_threads_that_spin_are_measured_sleeping_too(network: Path) -> None:
    kind = fake("right", openmp=True, threads=(1, 2))
    report = bench_engine.run(network, [], plan(kind, rounds=1, batches=(3,)))
    found = {(row["threads"], row["environment"].get("OMP_WAIT_POLICY")) for row in report["rows"]}
    assert found == {(1, None), (2, "PASSIVE"), (2, None)}
    assert sum("2 threads, OMP_WAIT_POLICY=PASSIVE" in line for line in lines(report)) == 1


def test_who_takes_too_long_is_ended(network: Path, tmp_path: Path) -> None:
    ((subject,),) = fake("right").subjects()
    worker = Worker(subject, plan().work(37), network, tmp_path, limit_s=60.0)
    with pytest.raises(Unavailable, match="longer than 0 s"):
        worker.turn(1, limit_s=0.0)
    worker.end()
    with pytest.raises(Unavailable):
        worker.turn(1, limit_s=60.0)


def test_without_a_compiler_there_is_no_floor_and_it_is_said(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[str]:
        raise Unavailable("There is no C compiler.", "Install one.")

    monkeypatch.setattr("jamlink.engine.build.compiler", none)
    report = bench_engine.run(network, [], plan(fake("right", ours=True), rounds=1))
    assert report["no_floor"] == "There is no C compiler."
    assert {row["floor_ms"] for row in report["rows"]} == {None}
    assert {bar["of_floor"] for bar in report["bars"]} == {None}
    assert "no floor: There is no C compiler." in list(lines(report))


def test_what_is_not_built_is_named(network: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("jamlink.engine.native.library", lambda: tmp_path / "none.so")
    loaded.cache_clear()
    try:
        report = bench_engine.run(network, [], plan(*ours(), rounds=1))
    finally:
        loaded.cache_clear()
    assert report["not_measured"]["native"].startswith("The fast engine is not built.")
    assert {row["engine"] for row in report["rows"]} == {"numpy"}


@pytest.mark.torch
@pytest.mark.parametrize(
    "kind", [kind for kind in (*ours(), *PEERS) if kind.engine != COMPILED], ids=lambda k: k.engine
)
def test_every_engine_that_is_here_says_the_same(kind: Kind, network: Path) -> None:
    if why := kind.missing():
        pytest.skip(why)
    report = bench_engine.run(network, [], plan(replace(kind, precisions=("fp32",), threads=(1,)), rounds=1))
    assert report["wrong"] == {}
    assert [(row["batch"], row["same"]) for row in report["rows"]] == [(1, 1), (3, 3)], report["not_measured"]


def test_every_engine_of_the_table_has_its_function() -> None:
    for kind in (*ours(), *PEERS):
        module, function = kind.make.split(":")
        found = find_spec(module)
        assert found is not None
        tree = ast.parse(Path(str(found.origin)).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_the_shipped_network_can_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    report = bench_engine.run(data_folder("models") / "jam-s", [], plan(*ours()[-1:], rounds=1))
    assert {row["engine"] for row in report["rows"]} == {"numpy"}
