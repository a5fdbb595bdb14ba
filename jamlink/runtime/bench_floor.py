"""The least time that this machine could take for the work of `jamlink bench engine`, from what it can at most.

What is counted, for every step of all rows together:
- bytes read: each matrix once (the embedding as the output), and the context's keys and values once for all rows, and
  each row's own, all at the row's own precision;
- operations, two for a product and its sum: each matrix for each row, and attention's two products for each row with
  every position it sees, at the row's own precision.
A step takes as long as the slower of the two; a floor is the sum over the steps. Not counted, so that a floor is never
too high: norms, rotations, exponentials, the embedding of the rows' ids, scales other than those of q8_0's blocks,
choosing words, writing, and everything that must wait for something else.

What the machine can is measured in the same run by bench_floor.c, with as many threads as the row has, each reading its
part: bytes a second of a set as large as the matrices (so from whichever cache holds it), and operations a second of
the widest instruction for each precision. The best of all rounds counts. Where a processor has no products of halves,
those of floats count.
"""

from __future__ import annotations

import ctypes as c
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jamlink.engine.build import build_alone
from jamlink.nn.config import ModelConfig

BYTES_OF: Mapping[str, float] = {"fp32": 4, "bf16": 2, "int8": 1, "q8_0": 34 / 32}
"""Of a weight. q8_0 is llama.cpp's: 32 bytes and a scale of two."""
_PRODUCT_OF: Mapping[str, tuple[str, ...]] = {
    "fp32": ("fp32",), "bf16": ("bf16", "fp32"), "int8": ("int8",), "q8_0": ("int8",),
}  # fmt: skip
_SECONDS, _TIMES = 0.005, 4
"""Short, so that some of them are not disturbed."""
_LINE = 64
SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the machine can in a second: bytes, by (bytes, threads); and operations, by (precision, threads)."""

    bandwidth: Mapping[tuple[int, int], float]
    peak: Mapping[tuple[str, int], float]

    def as_lists(self) -> dict[str, list[dict[str, Any]]]:
        """For a report, in billions."""
        return {
            "read": [{"bytes": n, "threads": t, "gb_s": round(x / 1e9, 1)} for (n, t), x in self.bandwidth.items()],
            "peak": [{"precision": p, "threads": t, "gop_s": round(x / 1e9, 1)} for (p, t), x in self.peak.items()],
        }


def matrix_weights(config: ModelConfig) -> int:
    """How many weights a step multiplies with."""
    return sum(shape[0] * shape[1] for shape in config.shapes().values() if len(shape) == 2)


def matrix_bytes(config: ModelConfig, precision: str) -> int:
    """Of all matrices."""
    return round(matrix_weights(config) * BYTES_OF[precision])


def bytes_read(config: ModelConfig, precision: str, rows: int, context: int, own: int) -> float:
    """By one step, in which each row sees `own` positions of its own besides the context."""
    cached = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * (context + rows * own)
    return matrix_bytes(config, precision) + cached * BYTES_OF[precision]


def operations(config: ModelConfig, rows: int, context: int, own: int) -> int:
    """Of one step."""
    attention = 2 * config.num_hidden_layers * config.num_attention_heads * config.head_dim * (context + own)
    return 2 * rows * (matrix_weights(config) + attention)


def floor_ms(
    limits: Limits, config: ModelConfig, precision: str, threads: int, rows: int, context: int, tokens: int
) -> float | None:
    """Of `tokens` steps; None where the machine's limits are not known."""
    bandwidth = limits.bandwidth.get((matrix_bytes(config, precision), threads))
    peaks = (limits.peak.get((product, threads)) for product in _PRODUCT_OF[precision])
    peak = next((found for found in peaks if found), None)
    if not bandwidth or not peak:
        return None
    steps = range(1, tokens + 1)
    return 1e3 * sum(
        max(
            bytes_read(config, precision, rows, context, own) / bandwidth,
            operations(config, rows, context, own) / peak,
        )
        for own in steps
    )


class Probe:
    """Measures what the machine can; each `measure` keeps what is better than before.

    Raises `Unavailable` without a compiler.
    """

    def __init__(self, scratch: Path, sets: Iterable[int], threads: Iterable[int]) -> None:
        self._c = _library(scratch)
        self._sets, self._threads = sorted(set(sets)), sorted(set(threads))
        self._memory = np.ones(max(self._sets) + _LINE, np.uint8)
        self._pool = ThreadPoolExecutor(max(self._threads))
        self._bandwidth: dict[tuple[int, int], float] = {}
        self._peak: dict[tuple[str, int], float] = {}

    @property
    def limits(self) -> Limits:
        """The best so far."""
        return Limits(self._bandwidth, self._peak)

    def measure(self) -> None:
        """A fiftieth of a second for each."""
        for threads in self._threads:
            for size in self._sets:
                self._keep(self._bandwidth, (size, threads), self._c.probe_read, self._parts(size, threads))
            for kind, precision in self._products():
                self._keep(self._peak, (precision, threads), self._c.probe_multiply, [(kind, _SECONDS)] * threads)

    def _keep(self, best: dict[Any, float], key: Any, call: Any, arguments: Sequence[tuple[Any, ...]]) -> None:
        found = [self._together(call, arguments) for _ in range(_TIMES)]
        best[key] = max(best.get(key, 0.0), *found)

    def _parts(self, size: int, threads: int) -> list[tuple[Any, ...]]:
        """What each thread reads."""
        part = size // threads // _LINE * _LINE  # vectors are read where they begin
        first = -(-self._memory.ctypes.data // _LINE) * _LINE
        return [(first + i * part, part, _SECONDS) for i in range(threads)]

    def _products(self) -> Iterable[tuple[int, str]]:
        kind = 0
        while (precision := self._c.probe_precision(kind)) is not None:
            if self._c.probe_can(kind):
                yield kind, precision.decode()
            kind += 1

    def _together(self, call: Any, arguments: Sequence[tuple[Any, ...]]) -> float:
        """The sum of what threads reach at the same time."""
        missing = c.c_int(len(arguments))
        futures = [self._pool.submit(call, c.byref(missing), *own) for own in arguments]
        return float(sum(future.result() for future in futures))


def _library(scratch: Path) -> Any:
    found = c.CDLL(str(build_alone(SOURCE, scratch / "bench_floor.so")))
    found.probe_precision.restype = c.c_char_p
    found.probe_read.restype = found.probe_multiply.restype = c.c_double
    found.probe_read.argtypes = (c.c_void_p, c.c_void_p, c.c_size_t, c.c_double)
    found.probe_multiply.argtypes = (c.c_void_p, c.c_int, c.c_double)
    return found
