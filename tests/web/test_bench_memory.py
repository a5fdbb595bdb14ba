"""The bench weighs whole processes by what Linux says of them."""

from __future__ import annotations

import mmap
import os
import sys

import pytest

from jamlink.errors import Unavailable
from jamlink.web import bench_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")


def test_what_is_nobody_elses_is_part_of_the_share_and_the_share_of_the_whole():
    weight = bench_memory.memory(os.getpid())
    assert 0 < weight["private_mb"] <= weight["pss_mb"] <= weight["rss_mb"]


def test_forty_more_megabytes_weigh_forty_more():
    before = bench_memory.memory(os.getpid())["private_mb"]
    held = mmap.mmap(-1, 40_000_000, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # what was freed is not used again
    held.write(b"x" * len(held))
    assert bench_memory.memory(os.getpid())["private_mb"] - before == pytest.approx(40, abs=8)
    assert held


def test_a_process_that_is_gone_is_said():
    with pytest.raises(Unavailable):
        bench_memory.memory(2**22 + 1)


def test_of_many_samples_the_most_the_middle_and_the_last_are_told():
    samples = [{"pss_mb": float(size)} for size in (3, 9, 4, 5)]
    assert bench_memory.summary(samples) == {
        "most": {"pss_mb": 9.0},
        "middle": {"pss_mb": 4.5},
        "last": {"pss_mb": 5.0},
    }


def test_it_is_watched_for_as_long_as_the_block_runs():
    with bench_memory.watched(os.getpid()) as seen:
        pass
    assert len(seen) == 1
