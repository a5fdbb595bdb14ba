"""What an evaluation finds: rows of systems with their metrics, as a table for people and as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

Values = npt.NDArray[np.float64]
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one piece of work.

    `n` counts what was averaged over (songs, changes, ideas); `model` is "" for a system without one.
    """

    system: str
    n: int
    metrics: Mapping[str, float]
    ci: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    model: str = ""
    caveat: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """All rows of one task in one run. `split_hash` names exactly the songs that were judged."""

    task: str
    data: str
    split_hash: str
    seed: int
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> str:
        """One line; what is not a number (nothing to count) is null."""
        return json.dumps(
            {
                "task": self.task,
                "data": self.data,
                "split_hash": self.split_hash,
                "seed": self.seed,
                "rows": [_row(row) for row in self.rows],
                "notes": list(self.notes),
            }
        )

    def table(self) -> Table:
        """A table with a column for each metric; each number with its 95 % interval where there is one."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.metrics))
        table = Table(title=f"{self.task}: {self.data} (split {self.split_hash[:12]}, seed {self.seed})")
        table.add_column("system")
        for name in ("n", *names):
            table.add_column(name.replace("_", " "), justify="right")
        for row in self.rows:
            mark = f" [{row.caveat}]" if row.caveat else ""
            label = f"{row.system}{f' ({row.model})' if row.model else ''}{mark}"
            table.add_row(label, str(row.n), *(_cell(row, name) for name in names))
        return table


def _row(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {"system": row.system, "model": row.model, "n": row.n}
    found |= {name: _number(value) for name, value in row.metrics.items()}
    found["ci"] = {name: [_number(low), _number(high)] for name, (low, high) in row.ci.items()}
    return found | ({"caveat": row.caveat} if row.caveat else {})


def _number(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None


def _cell(row: Row, name: str) -> str:
    value = row.metrics.get(name, float("nan"))
    if not np.isfinite(value):
        return "-"
    low, high = row.ci.get(name, (float("nan"), float("nan")))
    return f"{value:.3f}" + (f" {low:.3f}..{high:.3f}" if np.isfinite(low) else "")


def interval(values: Sequence[float] | Values, weights: Sequence[float] | Values | None = None, seed: int = 0) -> tuple[
    float, float
]:  # fmt: skip
    """95 % interval of the (weighted) mean of one value a song, by resampling songs.

    Values that are no number are left out.
    """
    drawn = resampled_means(values, weights, seed)
    return (float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))) if len(drawn) else (np.nan, np.nan)


def resampled_means(
    values: Sequence[float] | Values, weights: Sequence[float] | Values | None = None, seed: int = 0
) -> Values:
    """(RESAMPLES,) means of songs drawn with replacement; the same seed and number of songs draw the same songs."""
    v = np.asarray(values, dtype=np.float64)
    w = np.ones_like(v) if weights is None else np.asarray(weights, dtype=np.float64)
    kept = np.isfinite(v)
    v, w = v[kept], w[kept]
    if not len(v):
        return np.zeros(0)
    at = np.random.default_rng(seed).integers(len(v), size=(RESAMPLES, len(v)))
    return np.asarray((v[at] * w[at]).sum(axis=1) / np.maximum(w[at].sum(axis=1), 1e-12))
