"""What a session remembers for those who look: history, roll and take. Told by its records; no decision rests on it.

Kept ready as plain data, so that a picture costs nothing where nothing changed: each section is the same object until
it changes, and a view is sent only what is another object.
"""

from __future__ import annotations

from typing import Any

from jamlink.session import effects as fx
from jamlink.session.around import Around
from jamlink.session.effects import Recorded
from jamlink.session.history import History
from jamlink.session.inputs import Heard
from jamlink.session.lead import Lead
from jamlink.session.proposal import Hand
from jamlink.session.roll import BARS, Roll
from jamlink.timing.units import Ticks

EDITED_REMEMBERED = 64
"""Ideas that the player changed and that may still sound."""


class Chronicle:
    """One owner: the session."""

    def __init__(self) -> None:
        self.history = History()
        self._roll = Roll()
        self._lead = Lead()
        self._edited: list[int] = []
        self._playing = False

    def dealt(self, hand: Hand, around: Around) -> None:
        """A hand is on the stand."""
        self.history.offered(hand, around.meter, around.key)

    def recorded(self, value: Recorded, around: Around) -> None:
        """The session wrote this down."""
        match value:
            case Heard(event):
                self._roll.heard(event, around.line.tick_reached(event.at))
            case fx.Sent():
                self._roll.sent(value, value.owner in self._edited)
            case fx.Moved():
                self.history.moved(value)
            case fx.Decided():
                self._decided(value, around)
            case fx.Clocked():
                self._clocked(value)

    def ended(self, owner: int | None, tick: Ticks) -> None:
        """What `owner` (None: all of us) sounds is ended by the io process."""
        self._roll.cut(owner, tick)

    def pass_time(self, around: Around) -> None:
        """Write down the bars that are over."""
        if self._playing and self._lead.is_due(around.tick, around.meter):
            self._lead.close(around.tick, around.meter, self._roll, around.ours.chords, around.key)

    def stopping(self, around: Around) -> None:
        """The clock is about to stop: the last bar counts as far as it went."""
        if self._playing:
            self._lead.finish(around.tick, around.meter, self._roll, around.ours.chords, around.key)

    def sections(self, around: Around) -> dict[str, Any]:
        """The sections of the state, as plain data that must not be changed."""
        self.pass_time(around)
        since = Ticks(around.tick - BARS * around.meter.bar_ticks)
        return {
            "history": self.history.section(),
            "notes": self._roll.section(since),
            "lead": self._lead.section(),
        }

    def _decided(self, decided: fx.Decided, around: Around) -> None:
        self.history.decided(decided, around.meter, around.key)
        if decided.edits and decided.verdict is fx.Verdict.ACCEPTED:
            self._edited = [*self._edited[-EDITED_REMEMBERED:], decided.proposal_id]

    def _clocked(self, clocked: fx.Clocked) -> None:
        """A new run starts a new roll and a new take; they stay to be looked at after a stop."""
        if clocked.playing and not self._playing:
            self._roll.clear()
            self._lead.clear()
        self._playing = clocked.playing
