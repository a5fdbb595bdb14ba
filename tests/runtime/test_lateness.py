"""How late notes leave."""

from __future__ import annotations

from jamlink.ports.base import HOUSE
from jamlink.runtime.io_wire import IoReady, Sent
from jamlink.runtime.lateness import REMEMBERED, Lateness
from jamlink.timing.units import ms


def sent(late, owner=20):
    return Sent(ms(100 + late), ms(100), 0, owner, b"")


def test_the_last_thousand_notes_count_and_our_own_housekeeping_does_not():
    lateness = Lateness()
    assert lateness.section() == {"p50_ms": 0.0, "p99_ms": 0.0, "count": 0, "lost": 0, "realtime": False}
    lateness.hear(IoReady(True))
    for late in [50] * 10 + [1] * (REMEMBERED - 20) + [9] * 20:
        lateness.hear(sent(late))
        lateness.hear(sent(80, HOUSE))
    assert lateness.section() == {"p50_ms": 1.0, "p99_ms": 9.0, "count": REMEMBERED, "lost": 0, "realtime": True}
