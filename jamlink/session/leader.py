"""Following a clock from outside: what it said last, and how the session's own line comes to agree with it.

The leader counts its own song; the session's tick is the leader's and `shift` (0 where the leader says where bars are).
Small differences are played out over a beat or more, so that nobody hears a step; what cannot be is a jump.
Pure; one owner: the session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jamlink.session.inputs import Bond, Followed, Source
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks, ms

JUMP = Ticks(TICKS_PER_QUARTER // 4)
"""A leader this far from us has gone to another place."""
_PULSE = TICKS_PER_QUARTER // 24
_GENTLE = 60
"""A difference is played out over sixty times its length, and at least a beat: a tempo within 1.7 %."""
_CHANGE, _FAR, _SOON = 0.02, 16, 2
"""Where the leader's tempo is another by so much, or we are so far off (this part of a beat, more than a pulse, so that
it has just been another), everybody hears a step anyway, and it is played out in two beats."""
_A_WHILE = Ticks(4 * TICKS_PER_QUARTER)
_AGREES = ms(0.02)
"""As good as the same."""
_NONE, _NEVER = Ticks(0), Ns(0)


@dataclass(slots=True)
class Leader:
    """`heard` is None while nobody leads. `stayed_out` is true where the player stopped while the leader rolls."""

    heard: Followed | None = None
    shift: Ticks = _NONE
    stayed_out: bool = False
    meeting: Timeline | None = None
    """The line that we are on the way to."""
    meet_at: Ns = _NEVER

    @property
    def leads(self) -> bool:
        """Whether tempo and place come from outside now."""
        return self.heard is not None and self.heard.bond is not Bond.LOST

    @property
    def transports(self) -> bool:
        """Whether start and stop come from outside now."""
        return self.leads and self.heard is not None and self.heard.rolling is not None

    @property
    def source(self) -> Source:
        """Whose clock it is."""
        return self.heard.source if self.leads and self.heard else Source.OWN

    def line_now(self) -> Timeline:
        """The leader's line in the session's ticks. Only where it leads."""
        line = self._heard_line()
        return replace(line, tick_origin=Ticks(line.tick_origin + self.shift))

    def align(self, tick: Ticks, at: Ns, grid: Ticks) -> None:
        """From now on our `tick` falls on the leader's multiple of `grid` nearest to `at`."""
        theirs = round(self._heard_line().tick_at(at) / grid) * grid
        self.shift = Ticks(tick - theirs)

    def begin_with(self, first: Ticks, at: Ns, bar: Ticks) -> None:
        """From now on our tick `first` falls on the leader's next quarter from `at` on; in Link, which counts bars for
        all, on its next bar."""
        grid = bar if self.source is Source.LINK else TICKS_PER_QUARTER
        theirs = -(-self._heard_line().tick_at(at) // grid) * grid
        self.shift = Ticks(first - theirs)

    def _heard_line(self) -> Timeline:
        assert self.heard is not None
        return self.heard.timeline

    def settle(self, own: Timeline, at: Ns) -> None:
        """From now on the leader's beats are ours where they are nearest; a row of pulses without beats, its pulses."""
        assert self.heard is not None
        grid = _PULSE if self.heard.source is Source.MIDI_CLOCK else TICKS_PER_QUARTER
        self.shift = Ticks(round((own.tick_at(at) - self.heard.timeline.tick_at(at)) / grid) * grid)

    def approach(self, own: Timeline, at: Ns) -> Timeline | None:
        """The line from `at` on that agrees with `own` now and meets the leader's soon; None where they agree already.
        The meeting is remembered."""
        line = self.line_now()
        off = line.ns_at(own.tick_reached(at)) - own.ns_at(own.tick_reached(at))
        later = Ticks(own.tick_reached(at) + _A_WHILE)
        if abs(off) <= _AGREES and abs(line.ns_at(later) - own.ns_at(later)) <= _AGREES:
            self.meeting = None
            return None
        beat = line.tempo
        span = max(beat, _GENTLE * abs(off))
        if abs(line.tempo / own.tempo - 1) > _CHANGE or abs(off) > beat // _FAR:
            left = self.meet_at - at if self.meeting is not None else 0
            span = min(span, left if left > beat // 2 else _SOON * beat)
        here = own.tick_reached(at)
        there = Ticks(line.tick_at(Ns(at + span)))
        start, end = own.ns_at(here), line.ns_at(there)
        self.meeting, self.meet_at = line, end
        return Timeline(Tempo((end - start) * TICKS_PER_QUARTER // (there - here)), here, start)


def is_jump(own: Timeline, line: Timeline, at: Ns) -> bool:
    """Whether `line` is at another place than `own`, too far to be played out."""
    return abs(line.tick_at(at) - own.tick_at(at)) > JUMP


def whole_bars(own: Timeline, line: Timeline, at: Ns, meter: Meter) -> Ticks | None:
    """By how much `line` is ahead of `own` where that is whole bars, as when a loop begins again; None elsewhere."""
    ahead = line.tick_at(at) - own.tick_at(at)
    bars = round(ahead / meter.bar_ticks) * meter.bar_ticks
    return Ticks(bars) if bars and abs(ahead - bars) <= JUMP else None
