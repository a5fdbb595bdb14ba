"""What every source of a clock has in common. Pure: moments come in with the events, no clock is read here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from jamlink.midi.events import MidiEvent
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks


@dataclass(frozen=True, slots=True)
class Own:
    """What the session does by itself when it is asked: the line it is on, the length of its bars, and the tempo that
    the player has set, which a line on the way to a leader's may differ from."""

    timeline: Timeline
    bar: Ticks
    tempo: Tempo

    @property
    def two_bars(self) -> Ns:
        """How long a clock that is silent is bridged."""
        return self.timeline.span_ns(Ticks(2 * self.bar))


class ClockSource(Protocol):
    """One source of a clock. One thread; no method waits."""

    source: Source

    def hear(self, event: MidiEvent, own: Own) -> None:
        """Take an event of its port in; what is none of its business is passed over."""
        ...

    def reading(self, now: Ns, own: Own) -> Followed | None:
        """What it says at `now`; None as long as it has never said anything."""
        ...


def later(said: Followed, by: Ns) -> Followed:
    """The same clock, `by` later (earlier where that is below 0): what a port's delay takes away."""
    line = said.timeline
    return replace(said, timeline=replace(line, ns_origin=Ns(line.ns_origin + by)))


def lost(said: Followed) -> Followed:
    """The same clock, gone."""
    return replace(said, bond=Bond.LOST, located=False)
