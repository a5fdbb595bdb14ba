"""The arithmetic of the measurement, apart from any machine."""

from __future__ import annotations

import os
import statistics

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jamlink.errors import Fault, Unavailable
from jamlink.runtime.bench_loop import Starts, _start_target, lateness_ms, measure_starts, resident_mib, spread
from jamlink.runtime.bench_probe import numbered, pair


@given(st.lists(st.floats(-1e3, 1e6), min_size=1))
def test_percentiles_are_ordered_values_of_the_measure(values):
    found = spread(values)
    tens = (found.p10, found.p50, found.p90, found.p99, found.max)
    assert list(tens) == sorted(tens)
    assert found.max == round(max(values), 4)
    assert set(tens) <= {round(value, 4) for value in values}


def test_the_median_of_a_hundred_is_the_median():
    assert spread([float(n) for n in range(101)]).p50 == statistics.median(range(101))


def test_nothing_measured_is_a_fault_and_no_zero():
    with pytest.raises(Fault):
        spread([])


def test_a_message_is_known_by_its_bytes_for_four_thousand_messages():
    assert len({numbered(i) for i in range(4096)}) == 4096
    assert numbered(4096) == numbered(0)
    assert [numbered(i)[0] & 0xF0 for i in (0, 1)] == [0x90, 0x80]


@given(st.integers(1, 4096), st.sets(st.integers(0, 4095), max_size=5))
def test_pairing_finds_every_trip_every_loss_and_every_stranger(count, lost):
    sent = [(10 * i, numbered(i)) for i in range(count)]
    received = [(frame + 7, message) for i, (frame, message) in enumerate(sent) if i not in lost]
    trips, missing, strangers = pair(sent, [*received, (10**9, b"\x80\x00\x00")])
    assert trips == [7] * len(received)
    assert missing == count - len(received)
    assert strangers == 1


def test_lateness_is_arrival_minus_moment_and_what_nobody_planned_is_passed_over():
    plan = [(1_000_000, "903c40"), (3_000_000, "803c40"), (5_000_000, "903d40")]
    arrived = [(1_500_000, "903c40"), (2_000_000, "803c00"), (2_900_000, "803c40")]
    late, lost = lateness_ms(plan, arrived)
    assert late == pytest.approx([0.5, -0.1])
    assert lost == 1


def test_memory_is_read_of_a_process_that_lives():
    assert 1 < resident_mib(os.getpid()) < 100_000
    with pytest.raises(Fault):
        resident_mib(2**22 + 1)


def test_a_start_is_the_median_of_some_and_is_held_against_bare_ones():
    starts = Starts((900.0, 300.0, 2000.0), (80.0, 90.0, 500.0))
    assert (starts.median_ms, starts.bare_median_ms) == (900.0, 90.0)
    assert _start_target(starts).kept
    slow = _start_target(Starts((1100.0,), (100.0,)))
    assert (slow.limit, slow.kept) == (1000.0, False)
    assert _start_target(Starts((1100.0,), (400.0,))).kept, "where even Python starts slowly the machine is slow"


def test_a_model_that_is_not_there_is_no_start(tmp_path):
    with pytest.raises(Unavailable, match=r"config\.json"):
        measure_starts(tmp_path, 1)
