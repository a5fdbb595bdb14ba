"""The benchmark of engines: what it reports, not how fast this machine is."""

from __future__ import annotations

import pytest

from jamlink.engine.native import loaded
from jamlink.resources import data_folder
from jamlink.runtime import bench_engine

pytestmark = pytest.mark.torch


def test_every_engine_does_the_same_work_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(bench_engine, "TOKENS", 4)
    report = bench_engine.run(data_folder("models") / "jam-s", rounds=1)
    rows = {(row["engine"], row["precision"], row["threads"], row["batch"]): row for row in report["rows"]}
    assert {batch for *_, batch in rows} == set(bench_engine.BATCHES)
    assert {
        ("numpy", "fp32", 1, 16),
        ("native generic", "fp32", 1, 16),
        ("transformers generate()", "fp32", 1, 16),
    } <= set(rows)
    assert len({row["params"] for row in rows.values()}) == 1
    assert all(0 < row["ms"]["p10"] <= row["ms"]["p50"] <= row["ms"]["p90"] for row in rows.values())
    assert all((row["context"], row["tokens"]) == (256, 4) for row in rows.values())
    assert "onnxruntime" in report["not_measured"]
    lines = bench_engine.speed_ups(report["rows"])
    assert len(lines) == len(rows)
    assert sum("1.0 x generate()" in line for line in lines) >= len(bench_engine.BATCHES)


def test_what_is_not_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr("jamlink.engine.native.library", lambda: tmp_path / "none.so")
    monkeypatch.setattr(bench_engine, "_transformers", lambda *_: iter(()))
    monkeypatch.setattr(bench_engine, "TOKENS", 2)
    loaded.cache_clear()
    try:
        report = bench_engine.run(data_folder("models") / "jam-s", rounds=1)
    finally:
        loaded.cache_clear()
    assert report["not_measured"][0] == "native"
    assert {row["engine"] for row in report["rows"]} == {"numpy"}
