"""Two processes teach one network what one process would have taught it, and leave one state."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the train extra")
pytest.importorskip("accelerate", reason="several processes need the train extra")

from safetensors.numpy import load_file  # noqa: E402  (after the check for torch)

from jamlink.errors import Unavailable  # noqa: E402
from jamlink.training import loop, scale, state  # noqa: E402

pytestmark = pytest.mark.torch
ROOT = Path(__file__).parents[2]


IN_FLOATS = "import torch; torch.Tensor.bfloat16 = lambda self: self.float()"
"""Muon makes its steps in bfloat16, and where the rounding of a gradient turns one of its numbers they come out 6e-4 apart
(on processors with AVX-512 BF16; others were lucky). In floats it can be told whether two processes do what one does."""


@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch knows no other processes")
def test_two_processes_learn_what_one_does_and_leave_one_whole_state(recipe, corpus_folder, tmp_path, monkeypatch):
    together = tmp_path / "together"
    (tmp_path / "sitecustomize.py").write_text(IN_FLOATS)  # in the processes, and here
    monkeypatch.setattr(torch.Tensor, "bfloat16", lambda self: self.float())
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "--", "jamlink.training.loop"]
    words = [recipe, "--corpus", corpus_folder, "--run", together, "--device", "cpu"]
    ended = subprocess.run(
        [sys.executable, *launch, *words], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert sum("parameters, from step 0" in line for line in said) == 1  # one of the two speaks
    assert sum("validation" in line for line in said) == 1
    nats = float(said[-1].split("validation ")[1].split()[0])
    assert math.isfinite(nats)

    found = loop.Run(loop.read_recipe(recipe), loop.open_corpus(corpus_folder), together, "cpu")
    found.resume()
    assert found.step == 12
    assert found.validate() == pytest.approx(nats, abs=1e-4)
    assert not (together / state.BEFORE).exists()

    alone = loop.train(recipe, corpus_folder, tmp_path / "alone", say=lambda line: None)
    ours, theirs = load_file(alone / "model.safetensors"), load_file(together / "export" / "model.safetensors")
    apart = max(float(np.abs(ours[name] - theirs[name]).max()) for name in ours)
    assert apart < 1e-4  # 3e-7 seen: sums in another order


def test_without_accelerate_several_processes_are_refused_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(
        Unavailable, match=r"need accelerate, which is not installed\. Run: pip install 'jamlink\[train\]'"
    ):
        scale.scale_of("cpu")


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(Unavailable, match=r"no device 'tpu'\. Choose auto, cpu or cuda"):
        scale.scale_of("tpu")
    with pytest.raises(Unavailable, match="no GPU that torch can use"):
        scale.scale_of("cuda")
    assert scale.scale_of("auto").device == "cpu"


def test_one_process_changes_nothing():
    alone, value = scale.Alone("cpu"), torch.tensor(3.0, requires_grad=True)
    assert alone.weighed(value, 7) is alone.mean(value) is value
    assert alone.agreed(2.5) == 2.5
    alone.backward(value * 2)
    assert value.grad == 2
