"""How late notes leave, as the io process says. One thread."""

from __future__ import annotations

from collections import deque
from typing import Any

from jamlink.ports.base import HOUSE
from jamlink.runtime.io_wire import Counters, IoReady, Sent

REMEMBERED = 1000


class Lateness:
    """Of the last thousand notes."""

    def __init__(self) -> None:
        self._late_ns: deque[int] = deque(maxlen=REMEMBERED)
        self._lost = 0
        self._realtime = False

    def hear(self, report: Sent | Counters | IoReady) -> None:
        """What the io process said of its punctuality; our own housekeeping does not count."""
        match report:
            case Sent() if report.owner != HOUSE:
                self._late_ns.append(report.at - report.due)
            case Counters():
                self._lost = report.too_late + report.unwritten + report.faults
            case IoReady():
                self._realtime = report.realtime

    def section(self) -> dict[str, Any]:
        """What a view shows."""
        return {**self._spread_ms(), "lost": self._lost, "realtime": self._realtime}

    def _spread_ms(self) -> dict[str, float]:
        late = sorted(self._late_ns) or [0]
        p50, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
        return {"p50_ms": round(p50 / 1e6, 2), "p99_ms": round(p99 / 1e6, 2), "count": len(self._late_ns)}
