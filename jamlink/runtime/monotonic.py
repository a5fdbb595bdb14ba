"""The one place that reads the machine's clock."""

from __future__ import annotations

import time

from jamlink.timing.units import Ns


class MonotonicClock:
    """CLOCK_MONOTONIC: the same moment has the same number in every process of this machine.

    It does not count the time a machine sleeps, and a change of the wall clock does not touch it.
    """

    def now(self) -> Ns:
        """Nanoseconds since some moment before the program started."""
        return Ns(time.monotonic_ns())
