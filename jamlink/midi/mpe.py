"""MPE zones: which channel speaks for which fingers.

Facts from "MIDI Polyphonic Expression" (M1-100, version 1.0, section 2.1): a keyboard says its zones with registered
parameter 6 on channel 1 (the lower zone) or 16 (the upper one); its data entry is how many member channels there are, 0
for none. The lower zone's fingers are on channels 2, 3, ..., the upper one's on 15, 14, ...; what comes on the zone's
first channel, a pedal for one, is meant for all of them. A zone that is said later takes what it needs from the other.
Pure; one thread.
"""

from __future__ import annotations

from jamlink.midi.events import ControlChange

LOWER, UPPER = 0, 15
_MEMBERS = 6
"""The registered parameter."""
_PARAMETER_LOW, _PARAMETER_HIGH, _DATA = 100, 101, 6
_MOST = 15


class Zones:
    """The zones of one port. Without a word about them there are none."""

    __slots__ = ("_chosen", "_counts")

    def __init__(self) -> None:
        self._counts = {LOWER: 0, UPPER: 0}
        self._chosen: dict[int, tuple[int, int]] = {}

    def hear(self, event: ControlChange) -> None:
        """Take in a controller; those that say nothing of zones change nothing."""
        if event.channel not in self._counts:
            return
        high, low = self._chosen.get(event.channel, (127, 127))
        if event.control == _PARAMETER_HIGH:
            self._chosen[event.channel] = (event.value, low)
        elif event.control == _PARAMETER_LOW:
            self._chosen[event.channel] = (high, event.value)
        elif event.control == _DATA and (high, low) == (0, _MEMBERS):
            self._set(event.channel, min(event.value, _MOST))

    def master(self, channel: int) -> int:
        """The channel that speaks for `channel` too; itself where that is no finger's."""
        if 0 < channel <= self._counts[LOWER]:
            return LOWER
        if UPPER - self._counts[UPPER] <= channel < UPPER:
            return UPPER
        return channel

    def members(self, channel: int) -> tuple[int, ...]:
        """Every channel that `channel` speaks for, itself first."""
        return (channel, *(finger for finger in range(16) if finger != channel and self.master(finger) == channel))

    def _set(self, master: int, count: int) -> None:
        other = UPPER if master == LOWER else LOWER
        self._counts[master] = count
        left = 14 - count if count < _MOST else 0
        self._counts[other] = max(0, min(self._counts[other], left))
