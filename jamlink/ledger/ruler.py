"""Where a moment of a session lies in bars: for the report as the player counted it, for the export on one long page.

A session is a row of *stretches*, each with one clock. Pressing play begins a *run*: its ticks count from its own first
bar. On the page the runs follow one another, each from the bar line after everything before it, so that the time
between them, however long, takes no room.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from jamlink.midi.score import MeterMark, TempoMark
from jamlink.session.effects import Clocked
from jamlink.timing.meter import BarBeat, Meter, parse_meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks

_T = TypeVar("_T")

Span: TypeAlias = tuple[Ns, Ns]
"""Onset and end of something that must find room on the page."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `since` on, the clock is `timeline`, and its tick t lies at t + `shift` on the page."""

    since: Ns
    playing: bool
    timeline: Timeline
    meter: Meter
    shift: Ticks
    bar_line: Ticks
    """On the page, the bar line from which bars of this meter count."""

    def tick(self, at: Ns) -> Ticks:
        """Where `at` lies on the page."""
        return Ticks(max(0, self.timeline.tick_at(at) + self.shift))


class Ruler:
    """Immutable once made."""

    def __init__(self, clocks: Sequence[tuple[Ns, Clocked]], spans: Iterable[Span]) -> None:
        """`clocks` as the story has them, at least one; `spans` of everything that will be placed."""
        self._stretches: list[Stretch] = []
        waiting = sorted(spans, reverse=True)
        end = Ticks(0)
        for at, clock in clocks:
            while waiting and waiting[-1][0] < at and self._stretches:
                end = max(end, self.tick(waiting.pop()[1]))
            self._stretches.append(self._stretch(at, clock, end, waiting[-1][0] if waiting else at))

    def tick(self, at: Ns) -> Ticks:
        """Where `at` lies on the page."""
        return self._at(at).tick(at)

    def page_tick(self, tick: Ticks, at: Ns) -> Ticks:
        """Where tick `tick` of the clock that ran at `at` lies on the page."""
        return Ticks(max(0, tick + self._at(at).shift))

    def counted(self, at: Ns) -> BarBeat | None:
        """Bar and beat as the player counted them; None while stopped."""
        stretch = self._at(at)
        return stretch.meter.at(stretch.timeline.tick_at(at)) if stretch.playing else None

    @property
    def tempos(self) -> tuple[TempoMark, ...]:
        """The tempo marks of the page, from tick 0."""
        marks = {self._start(stretch): stretch.timeline.tempo for stretch in self._stretches}
        return tuple(TempoMark(at, tempo) for at, tempo in _changes(marks))

    @property
    def meters(self) -> tuple[MeterMark, ...]:
        """The meter marks of the page, from tick 0. A meter changes between runs only, so the marks are bar lines."""
        marks = {stretch.bar_line: stretch.meter for stretch in self._stretches if stretch.playing}
        marks = {Ticks(0): self._stretches[0].meter, **marks}
        return tuple(MeterMark(at, meter.numerator, meter.denominator) for at, meter in _changes(marks))

    def _stretch(self, at: Ns, clock: Clocked, end: Ticks, first: Ns) -> Stretch:
        """The next stretch. `end` is the end of everything before it, `first` the onset of what comes next."""
        meter, line = parse_meter(clock.meter), clock.timeline
        before = self._stretches[-1] if self._stretches else None
        if before is None:
            shift, bar_line = Ticks(-meter.bar_start(meter.at(line.tick_at(first)).bar)), Ticks(0)
        elif clock.playing and not before.playing:
            bars = -(-(end - before.bar_line) // before.meter.bar_ticks)
            bar_line = Ticks(before.bar_line + max(0, bars) * before.meter.bar_ticks)
            shift = Ticks(bar_line - line.tick_origin)
        else:
            shift, bar_line = before.shift, before.bar_line
        return Stretch(at, clock.playing, line, meter, shift, bar_line)

    def _start(self, stretch: Stretch) -> Ticks:
        """Where a stretch begins on the page: the first one at 0, a run with its first tick."""
        if stretch is self._stretches[0]:
            return Ticks(0)
        return max(stretch.tick(stretch.since), stretch.tick(stretch.timeline.ns_origin))

    def _at(self, at: Ns) -> Stretch:
        index = bisect_right(self._stretches, at, key=lambda stretch: stretch.since)
        return self._stretches[max(0, index - 1)]


def _changes(marks: dict[Ticks, _T]) -> list[tuple[Ticks, _T]]:
    """The marks in order, without those that change nothing."""
    ordered = sorted(marks.items(), key=lambda mark: mark[0])
    return [mark for i, mark in enumerate(ordered) if i == 0 or mark[1] != ordered[i - 1][1]]
