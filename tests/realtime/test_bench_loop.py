"""The whole measurement in small, on a real server. What it finds is not judged: that is the machine's."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from rich.console import Console

from jamlink.resources import data_folder
from jamlink.runtime import bench_loop

pytestmark = pytest.mark.real


def test_a_small_run_measures_every_subject_beside_a_bare_one(jack_server):
    report = bench_loop.run(data_folder("models") / "jam-s", messages=40, scheduled=20, flood_s=1.0)
    subjects = {row.subject: row for row in report.rows}
    assert all(row.bare in subjects for row in report.rows if row.bare)
    assert {row.kind for row in report.rows} == {"echo", "scheduled"}
    assert len(report.targets) == 11
    assert len(report.starts.ready_ms) == len(report.starts.bare_ms) == 5
    assert report.targets[-1].measured == report.starts.median_ms > 0
    assert report.memory.end_mib > 0
    assert json.loads(json.dumps(asdict(report)))["rows"][0]["spread_ms"]["p99"] > 0
    console = Console(record=True, width=140)
    bench_loop.show(report, console)
    shown = console.export_text()
    assert all(subject in shown for subject in subjects)
    assert f"ready after {report.starts.median_ms:.0f} ms" in shown
