"""The benchmark of a GPU, without one: what it asks, what it reports, and that it says what it cannot do."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch", reason="there is nothing to measure without the train extra")

import torch

from jamlink.nn import checkpoint
from jamlink.resources import data_folder
from jamlink.runtime import bench_gpu
from jamlink.tokens import vocab

pytestmark = pytest.mark.torch


def test_without_a_gpu_it_says_so_in_a_sentence_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert bench_gpu.main([]) == 1
    assert capsys.readouterr().err == "There is no CUDA device here, so there is nothing to measure.\n"


def test_everybody_does_the_same_steps_and_who_breaks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    monkeypatch.setattr(bench_gpu, "TOKENS", 3)
    folder = data_folder("models") / "jam-s"
    found = checkpoint.load(folder, vocab.HASH)
    asked = dict(bench_gpu.subjects(found, folder, "cpu", "fp32"))
    compiled = 'torch.compile(mode="reduce-overhead")'
    assert list(asked) == ["ours: torch cpu fp32", "torch eager, by hand", compiled, "transformers generate()"]

    def broken() -> bench_gpu.Steps:
        raise RuntimeError("no compiler\nwas found")  # which would take half a minute here

    report = bench_gpu.run({**asked, compiled: broken}, (1, 3), rounds=2)
    assert [(row["engine"], row["rows"]) for row in report["rows"]] == [
        (name, rows) for rows in (1, 3) for name in asked if name != compiled
    ]
    for row in report["rows"]:
        p10, p50, p90 = (row["ms_per_step"][name] for name in ("p10", "p50", "p90"))
        assert 0 < p10 <= p50 <= p90
    assert report["not_measured"] == {compiled: "RuntimeError: no compiler was found"}
    assert len(bench_gpu.lines(report)) == len(report["rows"]) + 1


def test_without_torch_it_says_what_to_do() -> None:
    code = "import sys; sys.modules['torch'] = None\nfrom jamlink.runtime.bench_gpu import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "This needs torch, which is not installed. Run: pip install 'jamlink[train]'\n"
