"""How fast the network computes here: every engine on the same weights, in turn, in one process.

The work: `batch` ideas of TOKENS words after a context of CONTEXT words that is read already. Each round asks every
engine once; what is reported are quantiles over rounds, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jamlink.engine.choose import Engine
from jamlink.engine.decoder import Decoder
from jamlink.engine.native import Level, NativeDecoder, Precision, loaded
from jamlink.errors import Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.checkpoint import Checkpoint
from jamlink.tokens import vocab

CONTEXT, TOKENS, BATCHES = 256, 64, (1, 16)
PEERS_NOT_MEASURED = ("onnxruntime", "llama-cpp-python", "ctranslate2", "openvino")
Work = Callable[[int], float]
"""Batch -> seconds for TOKENS words of each row, the context being read."""


@dataclass(slots=True)
class Timed:
    """One engine on one batch."""

    engine: str
    threads: int
    precision: str
    batch: int
    work: Work
    seconds: list[float] = field(default_factory=list)

    def as_row(self, parameters: int) -> dict[str, Any]:
        """As the report has it; `floor_ms` is not measured yet."""
        p10, p50, p90 = np.quantile(np.array(self.seconds) * 1e3, (0.1, 0.5, 0.9)).round(2).tolist()
        return {
            "engine": self.engine, "threads": self.threads, "precision": self.precision, "params": parameters,
            "batch": self.batch, "context": CONTEXT, "tokens": TOKENS, "ms": {"p10": p10, "p50": p50, "p90": p90},
            "floor_ms": None,
        }  # fmt: skip


def run(folder: Path, rounds: int = 9, tell: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """The report. Engines that are missing here are named in it. Raises as `checkpoint.load`."""
    found = checkpoint.load(folder, vocab.HASH)
    context = np.random.default_rng(0).integers(0, found.config.vocab_size, CONTEXT).tolist()
    missing: list[str] = list(PEERS_NOT_MEASURED)
    timed = [
        Timed(engine, threads, precision, batch, work)
        for engine, threads, precision, work in _engines(found, folder, context, missing)
        for batch in BATCHES
    ]
    for i in range(rounds + 1):
        for one in timed:
            tell(f"round {i} of {rounds}: {one.engine}, {one.batch} ideas")
            taken = one.work(one.batch)
            if i:  # the first warms up
                one.seconds.append(taken)
    parameters = sum(array.size for array in found.weights.values())
    rows = [one.as_row(parameters) for one in timed]
    machine = {"processor": _processor(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    return {"machine": machine, "commit": _commit(), "rounds": rounds, "rows": rows, "not_measured": missing}


def _engines(
    found: Checkpoint, folder: Path, context: Sequence[int], missing: list[str]
) -> Iterator[tuple[str, int, str, Work]]:
    try:
        loaded()
    except Unavailable:
        missing.insert(0, "native")
    else:
        for level in Level:
            for precision in Precision:
                if not loaded().jl_can(level):
                    continue
                native = NativeDecoder(found.config, found.weights, precision, level)
                label = "int8" if precision is Precision.BYTES else "fp32"
                yield f"native {level.name.lower()}", 1, label, _ours(native, context)
    yield "numpy", 1, "fp32", _ours(Decoder(found.config, found.weights), context)
    try:
        yield from _transformers(folder, context)
    except ImportError:
        missing.insert(0, "transformers")


def _ours(engine: Engine, context: Sequence[int]) -> Work:
    def work(batch: int) -> float:
        engine.prefill(context)
        fork = engine.fork(batch, TOKENS)
        ids = [1] * batch
        start = time.perf_counter()
        for _ in range(TOKENS):
            ids = fork.logits(fork.step(ids)).argmax(axis=1).tolist()
        return time.perf_counter() - start

    return work


def _transformers(folder: Path, context: Sequence[int]) -> Iterator[tuple[str, int, str, Work]]:
    """`generate()` as it comes, greedy, its context read before the clock starts."""
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    model.eval()

    def work(batch: int, threads: int) -> float:
        torch.set_num_threads(threads)
        prompt = torch.tensor([list(context)] * batch)
        with torch.inference_mode():
            cache = DynamicCache()
            model(prompt[:, :-1], past_key_values=cache, use_cache=True)
            start = time.perf_counter()
            model.generate(
                prompt, past_key_values=cache, do_sample=False, max_new_tokens=TOKENS, min_new_tokens=TOKENS,
                pad_token_id=0, attention_mask=torch.ones_like(prompt),
            )  # fmt: skip
            return time.perf_counter() - start

    for threads in sorted({1, os.cpu_count() or 1}):
        yield "transformers generate()", threads, "fp32", lambda batch, threads=threads: work(batch, threads)  # type: ignore[misc]


def speed_ups(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each engine of ours beside the faster `generate()`, as lines."""
    lines = []
    for batch in BATCHES:
        theirs = [row["ms"]["p50"] for row in rows if row["batch"] == batch and row["engine"].startswith("transf")]
        for row in rows:
            if row["batch"] == batch:
                times = f"{min(theirs) / row['ms']['p50']:6.1f} x generate()" if theirs else ""
                what = f"{row['engine']}, {row['precision']}, {row['threads']} thread{'s'[: row['threads'] > 1]}"
                lines.append(
                    f"{batch:3d} {'idea: ' if batch == 1 else 'ideas:'} {what:44s} {row['ms']['p50']:8.1f} ms {times}"
                )
    return lines


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit() -> str:
    """Of the clone this runs from; empty elsewhere."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
