"""All that leaves the session, in order: effects, records and sentences for the player; and who looks back at them.

Record number n is the n-th of the session. A decision is recorded durably, since the screen waits for the disk.
"""

from __future__ import annotations

from collections import deque

from jamlink.session import effects as fx
from jamlink.session.around import Around
from jamlink.session.chronicle import Chronicle
from jamlink.session.effects import Effect, Record, Recorded
from jamlink.timing.units import Ticks

NOTICES = 5
"""Sentences that the screen still shows."""


class Journal:
    """One owner: the session."""

    def __init__(self) -> None:
        self.chronicle = Chronicle()
        self.notices: deque[str] = deque(maxlen=NOTICES)
        self.decision = 0
        """The number of the last decision's record."""
        self._records = 0
        self._out: list[Effect] = []

    def emit(self, effect: Effect) -> None:
        """This is to be carried out."""
        self._out.append(effect)

    def end(self, effect: fx.Cancel | fx.Silence | fx.Panic, tick: Ticks) -> None:
        """This, which ends at `tick` what sounds, is to be carried out."""
        self._out.append(effect)
        self.chronicle.ended(effect.owner if isinstance(effect, fx.Cancel) else None, tick)

    def record(self, value: Recorded, around: Around) -> None:
        """This is to be written down."""
        decided = isinstance(value, fx.Decided)
        self._records += 1
        if decided:
            self.decision = self._records
        self._out.append(Record(around.now, value, decided))
        self.chronicle.recorded(value, around)

    def notice(self, text: str) -> None:
        """The player is told."""
        self.notices.append(text)
        self._out += (fx.Notice(text), fx.Publish())

    def drain(self) -> list[Effect]:
        """What has come together since the last time."""
        out, self._out = self._out, []
        return out
