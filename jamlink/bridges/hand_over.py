"""Handing a clip over, step by step: find an empty slot, make the clip, see that it is there, fill it, see that it has
its notes, and fire it where that was asked for.

Datagrams get lost, come late and come twice, and notes for a clip that is not there yet are lost without a word. So
each step is asked about until the answer comes, and said again in the meantime; all but the filling may be said twice,
and that is said again only where the DAW says that the clip is empty. Pure; moments come with the calls. One thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from jamlink.bridges import base
from jamlink.bridges.base import NotesAre, Order, Report, SlotIs
from jamlink.music.note import Note
from jamlink.timing.units import Ns, ms

AGAIN = ms(250)
TRIES = 12
"""Of one step; three seconds."""
MOST_SLOTS = 64


class Step(Enum):
    """How far it has come."""

    LOOKING = "looking for an empty slot"
    MAKING = "making the clip"
    FILLING = "filling it"
    DONE = "done"
    FAILED = "given up"


@dataclass(slots=True)
class HandOver:
    """One clip for track `track` (from 0)."""

    track: int
    name: str
    quarters: float
    notes: tuple[Note, ...]
    fire: bool = False
    slot: int = 0
    step: Step = Step.LOOKING
    _tries: int = 0
    _next: Ns = field(default=Ns(0))

    @property
    def over(self) -> bool:
        """Whether there is nothing more to do."""
        return self.step in (Step.DONE, Step.FAILED)

    def due(self, now: Ns) -> list[Order]:
        """What is to be said at `now`."""
        if self.over or now < self._next:
            return []
        self._next, self._tries = Ns(now + AGAIN), self._tries + 1
        if self._tries > TRIES:
            self.step = Step.FAILED
            return []
        return _SAYS[self.step](self)

    def hear(self, report: Report) -> list[Order]:
        """What is to be said at once to `report`; reports about others say nothing."""
        if self.over or not isinstance(report, SlotIs | NotesAre) or (report.track, report.slot) != self._where:
            return []
        before = self.step
        orders = self._slot_is(report.filled) if isinstance(report, SlotIs) else self._notes_are(report.count)
        if self.step is not before:
            self._tries = 0
        return orders

    @property
    def _where(self) -> tuple[int, int]:
        return self.track, self.slot

    def _slot_is(self, filled: bool) -> list[Order]:
        if self.step is Step.LOOKING and filled:
            self.slot, self._tries, self._next = self.slot + 1, 0, Ns(0)
            self.step = Step.FAILED if self.slot >= MOST_SLOTS else self.step
            return []
        if self.step is Step.LOOKING:
            self.step, self._next = Step.MAKING, Ns(0)
        elif self.step is Step.MAKING and filled:
            self.step = Step.FILLING
            return [base.FillClip(*self._where, self.name, self.notes), base.AskNotes(*self._where)]
        return []

    def _notes_are(self, count: int) -> list[Order]:
        if self.step is not Step.FILLING:
            return []
        if count == 0 and self.notes:
            return [base.FillClip(*self._where, self.name, self.notes)]
        self.step = Step.DONE
        return [base.FireClip(*self._where)] if self.fire else []


_SAYS: dict[Step, Callable[[HandOver], list[Order]]] = {
    Step.LOOKING: lambda hand: [base.AskSlot(hand.track, hand.slot)],
    Step.MAKING: lambda hand: [
        base.MakeClip(hand.track, hand.slot, hand.quarters),
        base.AskSlot(hand.track, hand.slot),
    ],
    Step.FILLING: lambda hand: [base.AskNotes(hand.track, hand.slot)],
}
