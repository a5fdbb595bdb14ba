"""Clocks from outside, as the session process hears them: what its port says, and what hands say of the tempo."""

from __future__ import annotations

from jamlink.midi.actions import Action
from jamlink.midi.events import MidiEvent, NoteOn, SystemEvent
from jamlink.session.core import Session
from jamlink.session.inputs import Do, Followed, Input
from jamlink.sync.base import Own
from jamlink.sync.follower import Follower
from jamlink.sync.link import LinkBeat
from jamlink.timing.units import Ns

_FELT = {Action.HALF_TIME: 0.5, Action.DOUBLE_TIME: 2.0}


class Clocks:
    """One thread, the session's. `follower` is None where the player wants no other clock than the session's own."""

    def __init__(self, follower: Follower | None, session: Session) -> None:
        self._follower, self._session = follower, session

    def hear(self, event: MidiEvent, is_clock: bool) -> Followed | None:
        """What the session is to be told because of `event`; `is_clock` where its port is there for clocks. A clock
        that a keyboard sends of its own accord is nobody's tempo, unless it was asked for."""
        follower = self._follower
        if follower is None:
            return None
        keeps_time = isinstance(event, SystemEvent) and (is_clock or follower.anywhere)
        plays = isinstance(event, NoteOn) and not is_clock
        return follower.hear(event, self._own()) if keeps_time or plays else None

    def hear_link(self, beat: LinkBeat) -> Followed | None:
        """What the session is to be told because of a beat of a Link session."""
        return self._follower.hear_link(beat, self._own()) if self._follower else None

    def look(self, now: Ns) -> Followed | None:
        """What the session is to be told because nothing has come."""
        return self._follower.look(now, self._own()) if self._follower else None

    def next_look(self, now: Ns) -> Ns | None:
        """When to look, unless something comes in."""
        return self._follower.next_look(now) if self._follower else None

    def done(self, item: Input) -> None:
        """The player has done something: half and double time are for whoever finds the tempo."""
        if self._follower is not None and isinstance(item, Do) and item.action in _FELT:
            self._follower.felt(_FELT[item.action])

    def _own(self) -> Own:
        session = self._session
        return Own(session.timeline, session.meter.bar_ticks, session.own_tempo)
