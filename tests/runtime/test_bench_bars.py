"""Ours beside everyone's best."""

from __future__ import annotations

from jamlink.runtime.bench_bars import bars


def row(engine: str, ms: float, batch: int = 1, floor: float | None = None) -> dict:
    return {
        "engine": engine, "precision": "fp32", "threads": 1, "params": 9, "batch": batch, "ms": {"p50": ms},
        "floor_ms": floor, "environment": {},
    }  # fmt: skip


def test_our_fastest_is_set_beside_everyones_best() -> None:
    rows = [row("mine", 8.0), row("mine", 4.0, floor=1.0), row("theirs", 20.0), row("theirs", 10.0), row("others", 2.0)]
    (bar,) = bars([*rows, row("theirs", 1.0, batch=16)], {"mine"})
    assert (bar["ms"], bar["of_floor"], bar["batch"]) == (4.0, 0.25, 1)
    assert bar["times_as_fast_as"] == {"theirs, fp32, 1 thread": 2.5, "others, fp32, 1 thread": 0.5}
