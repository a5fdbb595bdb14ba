"""MIDI clock with start, stop, continue and song position.

A start or continue means the pulse after it (MIDI 1.0 Detailed Specification 4.2, "System Real Time"); a song position
is told to a stopped receiver, but hosts also tell one while they play, as when a loop begins again, and then too it is
the place of the next pulse. A host that has never said start is a bare clock: its tempo is followed, its bars are not
known.
"""

from __future__ import annotations

from jamlink.midi.events import ClockPulse, Continue, MidiEvent, SongPosition, Start, Stop
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.sync.base import Own
from jamlink.sync.pulses import Pulses
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks, ms

PULSES_PER_QUARTER = 24
PULSE = Ticks(TICKS_PER_QUARTER // PULSES_PER_QUARTER)
SIXTEENTH = Ticks(TICKS_PER_QUARTER // 4)
LOCKED_AFTER = 24
"""Pulses on one line: a beat."""
SILENT_AFTER = ms(250)
"""The slowest clock, 40 bpm, has a pulse every 62 ms."""


class MidiClock:
    """One port's clock. One thread."""

    source = Source.MIDI_CLOCK

    def __init__(self) -> None:
        self._pulses = Pulses()
        self._shift = Ticks(0)
        """Pulse n is at tick n * PULSE + shift."""
        self._last: Ns | None = None
        self._rolling: bool | None = None
        self._place = Ticks(0)
        """Where a continue goes on."""
        self._pending: Ticks | None = None
        """Where the next pulse is, when that was told."""
        self._located = False

    def hear(self, event: MidiEvent, own: Own) -> None:
        """See `ClockSource`."""
        match event:
            case ClockPulse(at=at):
                self._pulse(at, own)
            case Start():
                self._pending = Ticks(0)
            case Continue():
                self._pending = self._place
            case SongPosition(sixteenths=sixteenths):
                self._place = Ticks(sixteenths * SIXTEENTH)
                if self._rolling or self._pending is not None:
                    self._pending = self._place
            case Stop() if self._rolling or self._pending is not None:
                self._stop()

    def reading(self, now: Ns, own: Own) -> Followed | None:
        """See `ClockSource`. `located` is said once."""
        if self._last is None:
            return None
        located, self._located = self._located, False
        return Followed(self.source, self._bond(now, own), self._rolling, self._timeline(self._last, own), located)

    def _pulse(self, at: Ns, own: Own) -> None:
        if self._last is not None and at - self._last > own.two_bars:
            self._come_back(at)
        self._last = at
        if self._pending is None:
            self._pulses.hear(at)
            return
        self._pulses.begin_at(at)
        self._shift = Ticks(self._pending - self._pulses.last * PULSE)
        self._pending, self._rolling, self._located = None, True, True

    def _come_back(self, at: Ns) -> None:
        """After a long silence nothing is known but about where we must be."""
        line = self._pulses.line
        if line is not None:
            self._shift = Ticks(self._shift + line.nearest(at) * PULSE)
        self._pulses = Pulses(line.period if line else None)

    def _stop(self) -> None:
        if self._pending is None:
            self._place = Ticks((self._pulses.counted + 1) * PULSE + self._shift)
        else:
            self._place = self._pending
        self._pending, self._rolling = None, False

    def _bond(self, now: Ns, own: Own) -> Bond:
        silent = now - (self._last or 0)
        if silent > own.two_bars:
            return Bond.LOST
        if silent > SILENT_AFTER and self._rolling is not False:
            return Bond.BRIDGED
        return Bond.LOCKED if self._pulses.heard >= LOCKED_AFTER else Bond.SEEKING

    def _timeline(self, last: Ns, own: Own) -> Timeline:
        line = self._pulses.line
        if line is None:  # not enough pulses to know the tempo: ours, from the last pulse on
            return Timeline(own.timeline.tempo, Ticks(self._pulses.last * PULSE + self._shift), last)
        tick = Ticks(line.number * PULSE + self._shift)
        return Timeline(Tempo(round(line.period * PULSES_PER_QUARTER)), tick, Ns(round(line.at)))
