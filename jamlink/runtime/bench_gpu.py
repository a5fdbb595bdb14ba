"""What a step costs on a GPU: `python -m jamlink.runtime.bench_gpu`.

A step gives every idea one more word: ids leave the processor, logits come back, the likeliest are the next ids.
TOKENS steps after a context of CONTEXT words that is read already; milliseconds a step. Each round asks everybody once,
so that what else the machine does falls on all alike. The last line is one JSON object. Without a GPU there is nothing
to measure, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from jamlink.engine.choose import Engine
from jamlink.errors import JamlinkError, Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.checkpoint import Checkpoint
from jamlink.resources import data_folder
from jamlink.tokens import vocab

if TYPE_CHECKING:
    from jamlink.engine.torch_decoder import Precision
    from jamlink.engine.torch_network import Caches

CONTEXT, TOKENS, ROWS = 256, 64, (1, 32)
Ids = npt.NDArray[np.int64]
Steps = Callable[[int], float]
"""Rows -> seconds for TOKENS steps of them, the context being read."""


def run(
    subjects: Mapping[str, Callable[[], Steps]],
    rows: Sequence[int],
    rounds: int,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Who took how long. Whoever breaks while all warm up is named with the reason, and is asked no more."""
    asked: dict[str, Steps] = {}
    missing: dict[str, str] = {}
    for name, make in subjects.items():
        tell(f"warming up: {name}")
        try:
            steps = make()
            for count in rows:
                steps(count)
        except Exception as broken:
            missing[name] = " ".join(f"{type(broken).__name__}: {broken}".split())[:200]
        else:
            asked[name] = steps
    taken: dict[tuple[str, int], list[float]] = {(name, count): [] for count in rows for name in asked}
    for number in range(1, rounds + 1):
        for name, count in taken:
            tell(f"round {number} of {rounds}: {name}, {count} rows")
            taken[name, count].append(asked[name](count))
    found = [_row(name, count, seconds) for (name, count), seconds in taken.items()]
    return {"context": CONTEXT, "tokens": TOKENS, "rounds": rounds, "rows": found, "not_measured": missing}


def _row(name: str, rows: int, seconds: Sequence[float]) -> dict[str, Any]:
    p10, p50, p90 = (np.quantile(seconds, (0.1, 0.5, 0.9)) * 1e3 / TOKENS).round(4).tolist()
    return {"engine": name, "rows": rows, "ms_per_step": {"p10": p10, "p50": p50, "p90": p90}}


# -- who is asked


def subjects(
    found: Checkpoint, folder: Path, device: str, precision: Precision
) -> Iterator[tuple[str, Callable[[], Steps]]]:
    """Ours; the same sums launch by launch; the same, compiled by torch; and transformers as it comes."""
    from jamlink.engine.torch_decoder import TorchDecoder, as_it_is

    context = np.random.default_rng(0).integers(0, found.config.vocab_size, CONTEXT).tolist()
    ours = TorchDecoder(found.config, found.weights, device, precision)
    eager = TorchDecoder(found.config, found.weights, device, precision, as_it_is)
    yield f"ours: {ours.name}", lambda: _ours(ours, context)
    yield "torch eager, by hand", lambda: _ours(eager, context)
    yield 'torch.compile(mode="reduce-overhead")', lambda: _compiled(found, context, device, precision)
    yield "transformers generate()", lambda: _transformers(folder, context, device, precision)


def _ours(engine: Engine, context: Sequence[int]) -> Steps:
    def steps(rows: int) -> float:
        engine.prefill(context)
        fork = engine.fork(rows, TOKENS)
        return _timed(rows, lambda ids: fork.logits(fork.step(ids.tolist())).argmax(axis=1))

    return steps


def _timed(rows: int, step: Callable[[Ids], Ids]) -> float:
    ids = np.ones(rows, np.int64)
    start = time.perf_counter()
    for _ in range(TOKENS):
        ids = step(ids)
    return time.perf_counter() - start


def _compiled(found: Checkpoint, context: Sequence[int], device: str, precision: Precision) -> Steps:
    """The network's step under torch.compile, which makes CUDA graphs of its own where nothing moves."""
    import torch

    from jamlink.engine.torch_decoder import NUMBERS
    from jamlink.engine.torch_network import CHUNK, Network
    from jamlink.engine.weights import checked

    network = Network(found.config, checked(found.config, found.weights), torch.device(device), NUMBERS[precision])
    prompt = network.caches(network.positions)
    with torch.inference_mode():
        for start in range(0, CONTEXT, CHUNK):
            chunk = torch.tensor([start, CHUNK - 1, *context[start : start + CHUNK]], device=device)
            network.read(chunk, prompt, start + CHUNK)
    compiled = torch.compile(network.step, mode="reduce-overhead", dynamic=False, fullgraph=True)

    @cache
    def seat(rows: int) -> tuple[torch.Tensor, Caches]:
        controls, own = torch.zeros(2 + rows, dtype=torch.int64, device=device), network.caches(rows, TOKENS)
        for tensor in (controls, prompt.keys, prompt.values, own.keys, own.values):
            torch._dynamo.mark_static_address(tensor)
        return controls, own

    def steps(rows: int) -> float:
        controls, own = seat(rows)
        done = iter(range(TOKENS))

        def step(ids: Ids) -> Ids:
            controls.copy_(torch.tensor([CONTEXT, next(done), *ids.tolist()]))
            logits: Ids = compiled(controls, prompt, own, CONTEXT, TOKENS).cpu().numpy()
            return logits.argmax(axis=1)

        with torch.inference_mode():
            return _timed(rows, step)

    return steps


def _transformers(folder: Path, context: Sequence[int], device: str, precision: Precision) -> Steps:
    """`generate()`, greedy, its context read before the clock starts."""
    import torch
    from transformers import AutoModelForCausalLM, DynamicCache

    from jamlink.engine.torch_decoder import NUMBERS

    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=NUMBERS[precision])
    model.to(device).eval()
    named = "cache" if "cache" in inspect.signature(model.forward).parameters else "past_key_values"

    def steps(rows: int) -> float:
        prompt = torch.tensor([list(context)] * rows, device=device)
        with torch.inference_mode():
            cache = DynamicCache()
            model(prompt[:, :-1], use_cache=True, **{named: cache})
            _settle(device)
            start = time.perf_counter()
            model.generate(
                prompt, do_sample=False, max_new_tokens=TOKENS, min_new_tokens=TOKENS, pad_token_id=0,
                attention_mask=torch.ones_like(prompt), **{named: cache},
            )  # fmt: skip
            _settle(device)
            return time.perf_counter() - start

    return steps


def _settle(device: str) -> None:
    """Wait until the GPU has done what it was given."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


# -- the command line


def lines(report: Mapping[str, Any]) -> list[str]:
    """For people."""
    found = []
    for row in report["rows"]:
        p10, p50, p90 = (row["ms_per_step"][quantile] for quantile in ("p10", "p50", "p90"))
        found.append(f"{row['rows']:3d} at once, {row['engine']:38s} {p50:8.3f} ms a step ({p10:.3f} to {p90:.3f})")
    return found + [f"not measured: {name} ({why})" for name, why in report["not_measured"].items()]


def check_gpu() -> None:
    """Raises `Unavailable` where there is nothing to measure."""
    try:
        import torch
    except ImportError:
        raise Unavailable("This needs torch, which is not installed.", "Run: pip install 'jamlink[train]'") from None
    if not torch.cuda.is_available():
        raise Unavailable("There is no CUDA device here, so there is nothing to measure.")


def _machine() -> dict[str, str]:
    import torch

    commit = ""  # where this is no clone, or there is no git
    with contextlib.suppress(OSError):
        asked = ["git", "rev-parse", "--short", "HEAD"]
        here = Path(__file__).parent
        commit = subprocess.run(asked, cwd=here, capture_output=True, text=True, check=False).stdout.strip()
    return {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "commit": commit}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.bench_gpu", description=__doc__)
    parser.add_argument("--model", type=Path, help="the model's folder; jam-s where none is given")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precision", choices=("fp32", "bf16", "fp16"), default="fp32")
    given = parser.parse_args(arguments)
    try:
        check_gpu()
        folder = given.model or data_folder("models") / "jam-s"
        found = checkpoint.load(folder, vocab.HASH)
    except JamlinkError as trouble:
        print(trouble, file=sys.stderr)
        return 1
    asked = dict(subjects(found, folder, "cuda", given.precision))
    report = run(asked, ROWS, given.rounds, lambda line: print(line, file=sys.stderr))
    print("\n".join(lines(report)))
    print(json.dumps({"bench": "gpu", **_machine(), "precision": given.precision, **report}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
