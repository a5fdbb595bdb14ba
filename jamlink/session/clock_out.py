"""jamlink's own MIDI clock for others to follow: pulses, start, stop and song position, as scheduled messages.

Twenty-four pulses a quarter. A start or a continue goes out half a pulse before the pulse that it is about, so that no
jitter on the way turns the two round (MIDI 1.0 Detailed Specification 4.2, "System Real Time": the pulse after it is
the first). Song positions are whole sixteenths, so whoever follows joins at the next one.
"""

from __future__ import annotations

from jamlink.midi.events import CLOCK, CONTINUE, START, STOP, song_position
from jamlink.session.effects import CLOCK_OUT, Out, ScheduledMessage
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

PULSE = Ticks(TICKS_PER_QUARTER // 24)
SIXTEENTH = Ticks(TICKS_PER_QUARTER // 4)
_BEFORE = Ticks(PULSE // 2)
_LAST_POSITION = 0x3FFF


class ClockOut:
    """Lays the pulses out a quarter at a time. One owner: the session."""

    def __init__(self) -> None:
        self.until = Ticks(0)
        """Pulses are laid out up to here."""

    def goes_on(self) -> list[ScheduledMessage]:
        """The next quarter."""
        first, self.until = self.until, Ticks(self.until + TICKS_PER_QUARTER)
        return pulses(first, self.until)

    def goes_on_from(self, tick: Ticks) -> list[ScheduledMessage]:
        """What was laid out was lost; whoever follows is where we are."""
        self.until = Ticks(tick + 1)
        return self.goes_on()

    def begins(self, tick: Ticks, first: Ticks) -> list[ScheduledMessage]:
        """Our song is at `tick`, in a count-in where that is below 0, and whoever follows is elsewhere; what we play
        begins at `first`."""
        return [*begun(tick), *self.goes_on_from(Ticks(max(tick, first - 1)))]

    def ends(self, tick: Ticks) -> list[ScheduledMessage]:
        """Our song stops at `tick`."""
        return [_message(tick, STOP)]


def pulses(first: Ticks, end: Ticks) -> list[ScheduledMessage]:
    """The pulses in [first, end)."""
    start = -(-first // PULSE) * PULSE
    return [_message(Ticks(tick), CLOCK) for tick in range(start, end, PULSE)]


def begun(tick: Ticks) -> list[ScheduledMessage]:
    """What starts a follower when our own song is at `tick`, in a count-in where that is below 0: from the first beat,
    or from the next sixteenth. Beyond bar 1024 of 4/4, where song positions end, it goes on from where it was."""
    joins = Ticks(max(0, -(-(tick + _BEFORE) // SIXTEENTH) * SIXTEENTH))
    at = Ticks(joins - _BEFORE)
    if joins == 0:
        return [_message(at, START)]
    place = joins // SIXTEENTH
    position = [_message(at, song_position(place))] if place <= _LAST_POSITION else []
    return [*position, _message(at, CONTINUE)]


def _message(at: Ticks, data: bytes) -> ScheduledMessage:
    return ScheduledMessage(at, data, Out.CLOCK, CLOCK_OUT)
