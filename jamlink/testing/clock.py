"""A clock that a test moves by hand."""

from __future__ import annotations

from jamlink.errors import Fault
from jamlink.timing.units import Ns


class ManualClock:
    """Stands still until it is moved. One thread."""

    def __init__(self, start: int = 0) -> None:
        self._now = Ns(start)

    def now(self) -> Ns:
        """The moment it was last moved to."""
        return self._now

    def advance(self, span: Ns) -> Ns:
        """Moves on by `span` (not negative) and returns the new moment."""
        return self.move_to(Ns(self._now + span))

    def move_to(self, moment: Ns) -> Ns:
        """Moves on to `moment`. Raises `Fault` for a moment that has passed: monotonic clocks do not go back."""
        if moment < self._now:
            raise Fault(f"A clock cannot go back from {self._now} to {moment}.")
        self._now = moment
        return moment
