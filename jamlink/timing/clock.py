"""Asking what time it is. Whoever needs the time is handed a clock; nobody reads one on their own."""

from __future__ import annotations

from typing import Protocol

from jamlink.timing.units import Ns


class Clock(Protocol):
    """A clock that never goes back. Any thread may ask; the answer comes at once."""

    def now(self) -> Ns:
        """Nanoseconds since some moment that stays the same while the program runs."""
        ...
