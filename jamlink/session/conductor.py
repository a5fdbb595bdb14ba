"""The clock of the session: where we are and how fast, whose tempo that is, what the metronome and our own MIDI clock
send.

It moves the line and says whether that changed anything; what the others make of a start, a stop or another place is
the session's. Pure.
"""

from __future__ import annotations

from jamlink.session import effects as fx
from jamlink.session.around import Around
from jamlink.session.clock_out import ClockOut
from jamlink.session.deeds import Deeds, Lay
from jamlink.session.following import Following
from jamlink.session.inputs import Click, Source
from jamlink.session.planner import clicks
from jamlink.session.settings import SessionSettings
from jamlink.timing.meter import Meter
from jamlink.timing.tap import Taps
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks, bpm_of_tempo, tempo_of_bpm

_MINUTE = 60e9


class Conductor:
    """See the module. One owner: the session."""

    def __init__(self, settings: SessionSettings, now: Ns) -> None:
        self.transport = Transport(False, Timeline(settings.tempo, Ticks(0), now), settings.meter)
        self.following = Following(settings.tempo)
        self._taps = Taps()
        self._clock_out = ClockOut() if settings.send_clock else None
        self._click_bar = 0
        """The next bar that gets its clicks."""

    # -- the line -------------------------------------------------------------------------------------------------

    def starts(self, at: Ns, count_in: int) -> Ticks:
        """The line begins at `at`, or at the next beat of a tempo that leads, with so many bars of count-in. Returns
        its first tick."""
        first = Ticks(-count_in * self.transport.meter.bar_ticks)
        self.goes_along(self.following.line_from(first, at, self.transport))
        return first

    def runs_from(self, first: Ticks) -> None:
        """A run begins with tick `first`."""
        self.following.placed()
        self._click_bar = self.transport.meter.at(first).bar

    def goes_along(self, line: Timeline) -> None:
        """We play along `line` from now on."""
        self.transport = self.transport.along(line)

    def one_at(self, now: Ns) -> None:
        """While playing: the bar line nearest to `now` falls there, or on a beat of a tempo that leads."""
        meter = self.transport.meter
        self.goes_along(self.following.one_at(self.transport.timeline, now, meter.bar_ticks))
        self._click_bar = max(self._click_bar, meter.at(self.transport.tick(now)).bar)

    def stops(self) -> None:
        """The clock stops."""
        self.following.stopped(by_player=False)
        self.transport = self.transport.stopped()

    def counts_in(self, meter: Meter) -> None:
        """Bars are counted in `meter`; only while stopped."""
        self.transport = self.transport.with_meter(meter)

    # -- the tempo ------------------------------------------------------------------------------------------------

    def taps(self, now: Ns) -> bool:
        """A tap. Whether that changed the tempo."""
        self._taps = self._taps.tapped(now)
        beat = self._taps.beat
        if beat is None:
            return False
        return self.sets(_MINUTE / beat * (self.transport.meter.beat_ticks / TICKS_PER_QUARTER), Source.TAP, now)

    def feels(self, factor: float, now: Ns) -> bool:
        """Half or double time, where the tempo is not found in the playing: who finds it was told so. Whether that
        changed the tempo."""
        if self.following.finds_tempo:
            return False
        return self.sets(bpm_of_tempo(self.transport.timeline.tempo) * factor, Source.OWN, now)

    def sets(self, bpm: float, by: Source, now: Ns) -> bool:
        """The player sets the tempo. Whether that changed it. Raises `Nonsense` for one that cannot be."""
        tempo = tempo_of_bpm(bpm)
        self.following.set_by_hand(tempo, by)
        changes = tempo != self.transport.timeline.tempo
        if changes:
            self.keeps(tempo, now)
        return changes

    def keeps(self, tempo: Tempo, now: Ns) -> None:
        """`tempo` from now on."""
        self.transport = self.transport.with_tempo(tempo, now)

    # -- clicks ---------------------------------------------------------------------------------------------------

    def clicks_due(self, horizon: Ns) -> Ns:
        """When the next bar has to get its clicks, two horizons before it."""
        bar = self.transport.meter.bar_start(self._click_bar)
        return Ns(self.transport.timeline.ns_at(bar) - 2 * horizon)

    def lay_clicks(self, around: Around) -> Deeds:
        """The clicks of the next bar, where there are to be any."""
        counting_in, settings = self._click_bar < 0, around.settings
        if settings.click is Click.ON or (counting_in and settings.click is Click.COUNT_IN):
            yield Lay(clicks(self.transport.meter, self._click_bar, settings.channels))
        self._click_bar += 1

    def click_from(self, around: Around) -> Deeds:
        """The clock has gone to where it is now: the clicks of this bar, all of them."""
        self._click_bar = around.meter.at(around.tick).bar
        yield from self.lay_clicks(around)

    # -- our own clock, for others --------------------------------------------------------------------------------

    def pulses_due(self, horizon: Ns) -> Ns | None:
        """When the next pulses have to be laid out; None where we send none."""
        if self._clock_out is None:
            return None
        return Ns(self.transport.timeline.ns_at(self._clock_out.until) - 2 * horizon)

    def lay_pulses(self, around: Around) -> Deeds:
        """The next quarter of pulses."""
        if self._clock_out is not None:
            yield Lay(self._clock_out.goes_on())

    def send_anew(self, now: Ns, first: Ticks) -> Deeds:
        """Whoever follows us has to move, too; what we play goes on from `first`."""
        if self._clock_out is not None:
            yield fx.Cancel(fx.CLOCK_OUT)
            yield Lay(self._clock_out.begins(self.transport.tick(now), first))

    def send_on(self, now: Ns) -> Deeds:
        """What was laid out was lost; whoever follows is where we are."""
        if self.transport.playing and self._clock_out is not None:
            yield Lay(self._clock_out.goes_on_from(self.transport.tick(now)))

    def send_end(self, now: Ns) -> Deeds:
        """Whoever follows us stops, too."""
        if self.transport.playing and self._clock_out is not None:
            yield Lay(self._clock_out.ends(self.transport.tick(now)))

    # -- after a mistake of ours ----------------------------------------------------------------------------------

    def take_up(self, now: Ns, horizon: Ns) -> Deeds:
        """Clicks from the first bar that can be laid out; the pulses go on."""
        soon = Ns(now + 2 * horizon)
        self._click_bar = self.transport.meter.at(self.transport.tick(soon)).bar + 1
        yield from self.send_on(now)
