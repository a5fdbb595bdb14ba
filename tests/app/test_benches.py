"""What the benches say."""

from __future__ import annotations

from types import SimpleNamespace

from jamlink.app.benches import bench_words
from jamlink.runtime.bench_along import AlongTimes, StandInTimes


def test_the_bench_says_how_soon_an_accompaniment_is_decided_and_by_whom():
    beside, alone = SimpleNamespace(ratio=1.0), SimpleNamespace(hands=(), sixteenths=())
    along, at_once = [AlongTimes(2, 114, 20.5, 41.0, 80.0, 0.991, 0.0)], StandInTimes(0.4, 4.8, 5.1)
    said = "\n".join(bench_words(beside, alone, [], along, at_once))
    assert (
        "2 beats promised: beat to chord p50 20.5, p95 41.0, most 80.0 ms; 99.1% of 114 beats by the network, 0.0% late"
        in said
    )
    assert "between two notes: p50 0.4, most 4.8 ms" in said
