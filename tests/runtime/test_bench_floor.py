"""The least time that a machine could take: arithmetic on known numbers, and what is asked of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamlink.nn.config import ModelConfig
from jamlink.runtime.bench_floor import Limits, Probe, bytes_read, floor_ms, matrix_weights, operations

SMALL = ModelConfig(
    vocab_size=10, hidden_size=4, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
    intermediate_size=6, head_dim=2, max_position_embeddings=64,
)  # fmt: skip
WEIGHTS = 10 * 4 + 4 * 4 + 2 * 4 + 2 * 4 + 4 * 4 + 3 * 6 * 4


def test_a_step_reads_the_matrices_once_and_multiplies_them_for_each_row() -> None:
    assert matrix_weights(SMALL) == WEIGHTS
    assert bytes_read(SMALL, "fp32", rows=3, context=5, own=2) == 4 * (WEIGHTS + 2 * 1 * 2 * (5 + 3 * 2))
    assert bytes_read(SMALL, "q8_0", rows=1, context=5, own=2) == round(WEIGHTS * 34 / 32) + 28 * 34 / 32
    assert operations(SMALL, rows=3, context=5, own=2) == 2 * 3 * (WEIGHTS + 2 * 2 * 2 * (5 + 2))


def known(read: float, multiplied: float) -> Limits:
    return Limits({(WEIGHTS * 4, 2): read}, {("fp32", 2): multiplied})


def floor(limits: Limits, threads: int = 2) -> float | None:
    return floor_ms(limits, SMALL, "fp32", threads, rows=3, context=5, tokens=2)


def test_a_floor_sums_the_slower_of_reading_and_multiplying() -> None:
    read = [bytes_read(SMALL, "fp32", 3, 5, own) for own in (1, 2)]
    multiplied = [operations(SMALL, 3, 5, own) for own in (1, 2)]
    assert floor(known(1e3, 1e9)) == pytest.approx(sum(read))
    assert floor(known(1e9, 1e3)) == pytest.approx(sum(multiplied))
    even = known(read[0], multiplied[0])
    assert floor(even) == pytest.approx(1e3 + 1e3 * max(read[1] / read[0], multiplied[1] / multiplied[0]))
    assert floor(known(1e3, 0.0)) is None
    assert floor(known(1e3, 1e3), threads=1) is None


def test_the_machine_is_asked_for_every_set_and_number_of_threads(tmp_path: Path) -> None:
    probe = Probe(tmp_path, [5000, 20_001], [1, 2])
    probe.measure()
    first = probe.limits
    assert first.bandwidth.keys() == {(size, threads) for size in (5000, 20_001) for threads in (1, 2)}
    assert {threads for _, threads in first.peak} <= {1, 2}
    assert all(found > 0 for found in (*first.bandwidth.values(), *first.peak.values()))
    before = dict(first.bandwidth)
    probe.measure()
    assert all(found >= before[key] for key, found in probe.limits.bandwidth.items())
