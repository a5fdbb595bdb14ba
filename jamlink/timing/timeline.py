"""The line that ties ticks to nanoseconds.

    ns = ns_origin + (tick - tick_origin) * tempo / TICKS_PER_QUARTER

A timeline never changes. A new tempo makes a new timeline that agrees with the old one at a single instant, so
the music neither jumps nor repeats (the idea is Ableton Link's). `ns_at` rounds to the nearest nanosecond and
`tick_at` to the nearest tick; because a tick is far longer than a nanosecond, `tick_at(ns_at(t)) == t` always.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks


@dataclass(frozen=True, slots=True)
class Timeline:
    """Immutable, safe to share between threads."""

    tempo: Tempo
    tick_origin: Ticks
    ns_origin: Ns

    def ns_at(self, tick: Ticks) -> Ns:
        """The moment of `tick`, rounded to the nearest nanosecond."""
        return Ns(self.ns_origin + _round_div((tick - self.tick_origin) * self.tempo, TICKS_PER_QUARTER))

    def tick_at(self, at: Ns) -> Ticks:
        """The tick nearest to `at`."""
        return Ticks(self.tick_origin + _round_div((at - self.ns_origin) * TICKS_PER_QUARTER, self.tempo))

    def tick_reached(self, at: Ns) -> Ticks:
        """The last tick whose moment is not after `at`."""
        tick = self.tick_at(at)
        return tick if self.ns_at(tick) <= at else Ticks(tick - 1)

    def span_ns(self, ticks: Ticks) -> Ns:
        """How long `ticks` last."""
        return Ns(_round_div(ticks * self.tempo, TICKS_PER_QUARTER))

    def with_tempo(self, tempo: Tempo, at: Ns) -> Timeline:
        """The timeline that continues this one from `at` at another tempo, agreeing at the tick then reached."""
        tick = self.tick_reached(at)
        return Timeline(tempo, tick, self.ns_at(tick))

    def with_tick_at(self, tick: Ticks, at: Ns) -> Timeline:
        """The same tempo, shifted so that `tick` falls on `at` ("this is one")."""
        return replace(self, tick_origin=tick, ns_origin=at)


def _round_div(a: int, b: int) -> int:
    """a / b to the nearest integer, halves up; exact for integers of any size."""
    return (2 * a + b) // (2 * b)
