"""Whether we play, how fast, in what meter. A value: every change gives a new one.

Ticks run all the time, so that what is heard while stopped has a place too. Tick 0 is the first beat of bar 1 of the
current run; a count-in lies before it, in negative bars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamlink.timing.meter import COMMON_TIME, Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks


@dataclass(frozen=True, slots=True)
class Transport:
    """Immutable, safe to share."""

    playing: bool
    timeline: Timeline
    meter: Meter = COMMON_TIME

    def started(self, at: Ns, count_in_bars: int) -> Transport:
        """Playing from `at`, which is the first tick of the count-in (of bar 1 where there is none)."""
        first = Ticks(-count_in_bars * self.meter.bar_ticks)
        return replace(self, playing=True, timeline=Timeline(self.timeline.tempo, first, at))

    def along(self, timeline: Timeline) -> Transport:
        """Playing along `timeline`, wherever that is now."""
        return replace(self, playing=True, timeline=timeline)

    def stopped(self) -> Transport:
        """Not playing; the timeline goes on, so that heard notes keep a place."""
        return replace(self, playing=False)

    def with_tempo(self, tempo: Tempo, at: Ns) -> Transport:
        """Another tempo from `at` on, continuous with this one."""
        return replace(self, timeline=self.timeline.with_tempo(tempo, at))

    def with_meter(self, meter: Meter) -> Transport:
        """Another meter. Bars are counted anew from tick 0, so it is for a stopped transport."""
        return replace(self, meter=meter)

    def with_one_at(self, at: Ns) -> Transport:
        """ "This is one": the bar line nearest to `at` falls on `at`."""
        bar = self.meter.bar_ticks
        nearest = Ticks(round(self.timeline.tick_at(at) / bar) * bar)
        return replace(self, timeline=self.timeline.with_tick_at(nearest, at))

    def tick(self, at: Ns) -> Ticks:
        """The last tick reached at `at`."""
        return self.timeline.tick_reached(at)
