"""Whether the second thread is used is told by what it brought."""

from __future__ import annotations

import os
import sys
from contextlib import closing

import pytest

from jamlink.engine.lanes import FEWEST_ROWS, Lanes


def chosen(lanes: Lanes, times: int, alone: float, helped: float, rows: int = 16) -> list[bool]:
    """How `times` draws were made, where a word takes so long alone and with help."""
    ways = []
    for _ in range(times):
        ways.append(lanes.helps(rows))
        lanes.took(rows, ways[-1], 100, 100 * (helped if ways[-1] else alone))
    return ways


def test_the_quicker_way_is_taken_and_the_other_tried_now_and_then() -> None:
    with closing(Lanes()) as lanes:
        ways = chosen(lanes, 100, alone=2.0, helped=1.0)
        assert 85 < sum(ways) < 97
    with closing(Lanes()) as lanes:
        assert 3 < sum(chosen(lanes, 100, alone=1.0, helped=2.0)) < 15


def test_when_the_cores_are_wanted_elsewhere_it_is_noticed_and_when_they_are_free_again_too() -> None:
    with closing(Lanes()) as lanes:
        chosen(lanes, 20, alone=2.0, helped=1.0)
        assert sum(chosen(lanes, 30, alone=2.0, helped=5.0)[-10:]) <= 1
        assert sum(chosen(lanes, 60, alone=2.0, helped=0.5)[-10:]) >= 9


def test_each_number_of_rows_has_its_own_answer_and_few_are_never_shared() -> None:
    with closing(Lanes()) as lanes:
        chosen(lanes, 20, alone=1.0, helped=2.0, rows=12)
        assert sum(chosen(lanes, 20, alone=2.0, helped=1.0, rows=96)) >= 17
        assert not any(chosen(lanes, 20, alone=2.0, helped=1.0, rows=FEWEST_ROWS - 1))


@pytest.mark.skipif(sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores")
def test_the_second_thread_starts_on_another_core() -> None:
    everywhere = os.sched_getaffinity(0)
    with closing(Lanes()) as lanes:
        lanes.beside(lambda: None).result()
        for _ in range(20):
            assert len(lanes.beside(os.sched_getaffinity, 0).result()) == len(everywhere) - 1
    assert os.sched_getaffinity(0) == everywhere
