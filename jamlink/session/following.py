"""What a clock from outside means for the session: which of a few moves it has to make.

The session says what it does itself and makes the moves; whom it follows, how sure that is and where the two lines are
to meet is known here alone. Nobody who follows is ever told to change the leader's tempo. Pure; one owner: the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.session.inputs import Bond, Followed, Source
from jamlink.session.leader import Leader, is_jump, whole_bars
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks, bpm_of_tempo


@dataclass(frozen=True, slots=True)
class Along:
    """Play on along `line`, which agrees with the one before at this moment."""

    line: Timeline


@dataclass(frozen=True, slots=True)
class Join:
    """Begin to play where the leader's song is now."""

    line: Timeline


@dataclass(frozen=True, slots=True)
class GoTo:
    """Go where the leader's song has gone. `by` is how far that is where what plays can go along: whole bars, as when a
    loop begins again, or as good as nothing; None where it cannot."""

    line: Timeline
    by: Ticks | None


@dataclass(frozen=True, slots=True)
class Halt:
    """The leader has stopped."""


@dataclass(frozen=True, slots=True)
class Pace:
    """While stopped: its tempo."""

    tempo: Tempo


@dataclass(frozen=True, slots=True)
class Alone:
    """Nobody leads any more; `words` say so to the player."""

    words: str


Move: TypeAlias = Along | Join | GoTo | Halt | Pace | Alone


@dataclass(frozen=True, slots=True)
class Led:
    """Who leads, for the screen: `source` by name, how sure that is, empty for our own clock, and the tempo that it
    says or said last."""

    source: str = Source.OWN.value
    bond: str = ""
    tempo: Tempo | None = None

    def bpm(self, own: Tempo) -> float:
        """What the screen says of the tempo: the leader's own, and not ours on the way to meet it."""
        if self.tempo is None or self.bond == Bond.LOST.value:
            return round(bpm_of_tempo(own), 2)
        return round(bpm_of_tempo(self.tempo), 1)

    def words(self, bpm: float) -> str:
        """As short as can be: whose tempo it is, and what is the matter where something is."""
        return _WORDS[self.bond].format(source=self.source, bpm=bpm)


_WORDS = {
    "": "{source}",
    Bond.LOCKED.value: "{source}",
    Bond.SEEKING.value: "{source}: listening",
    Bond.BRIDGED.value: "{source} silent: holding {bpm:.4g}",
    Bond.LOST.value: "{source} lost: going on at {bpm:.4g}",
}


class Following:
    """See the module. `tempo` is what the player has set."""

    def __init__(self, tempo: Tempo) -> None:
        self.own_tempo = tempo
        self._by_hand: Source | None = None
        """How the player has set the tempo in this run; what is found in the playing does not overrule it."""
        self._leader = Leader()

    # -- what is so ---------------------------------------------------------------------------------------------------

    @property
    def view(self) -> Led:
        """For the screen."""
        heard = self._leader.heard
        if heard is None or (heard.source is Source.PLAYING and not self._leader.leads):
            return Led(Source.TAP.value) if self._by_hand is Source.TAP else Led()
        return Led(heard.source.value, heard.bond.value, heard.timeline.tempo)

    @property
    def whose_tempo(self) -> str:
        """Who sets the tempo and cannot be told another one; empty where the player does."""
        leads = self._leader.leads and self._leader.source is not Source.PLAYING
        return self._leader.source.value if leads else ""

    @property
    def finds_tempo(self) -> bool:
        """Whether the tempo is found in the playing now."""
        return self._leader.source is Source.PLAYING

    @property
    def transports(self) -> bool:
        """Whether start, stop and place come from outside."""
        return self._leader.transports

    @property
    def rolls(self) -> bool:
        """Whether the leader's song plays."""
        return self._leader.transports and self._leader.heard is not None and bool(self._leader.heard.rolling)

    @property
    def meet_at(self) -> Ns | None:
        """When our line meets the leader's, while it is on the way there."""
        return self._leader.meet_at if self._leader.meeting is not None else None

    # -- what the session tells ---------------------------------------------------------------------------------------

    def set_by_hand(self, tempo: Tempo, source: Source) -> None:
        """The player has set the tempo: typed, or tapped. What was found in the playing gives way to either; what will
        be, to a tapped one."""
        self.own_tempo, self._leader.meeting = tempo, None
        if self.finds_tempo or source is Source.TAP:
            self._by_hand = source
        if self.finds_tempo:
            self._leader = Leader()

    def stopped(self, by_player: bool) -> None:
        """The session has stopped. A player who stops while the leader goes on stays out until he comes in again."""
        self._leader.meeting, self._by_hand = None, None
        if by_player:
            self._leader.stayed_out = self.rolls

    def placed(self) -> None:
        """The session has gone to another place by itself: no line is on its way to another any more."""
        self._leader.meeting = None

    def line_from(self, first: Ticks, at: Ns, transport: Transport) -> Timeline:
        """The line of a song that begins with tick `first` at `at`, or at the leader's next beat (Link: its bar)."""
        if not self._leader.leads:
            return Timeline(transport.timeline.tempo, first, at)
        self._leader.begin_with(first, at, transport.meter.bar_ticks)
        return self._leader.line_now()

    def one_at(self, line: Timeline, at: Ns, bar: Ticks) -> Timeline:
        """`line` with the bar line nearest to `at` there, on a beat of the leader's where there is one."""
        nearest = Ticks(round(line.tick_at(at) / bar) * bar)
        if not self._leader.leads:
            return line.with_tick_at(nearest, at)
        self._leader.meeting = None
        self._leader.align(nearest, at, TICKS_PER_QUARTER)
        return self._leader.line_now()

    def joins(self) -> Join:
        """The player comes in where the leader is."""
        self._leader.shift, self._leader.stayed_out = Ticks(0), False
        return Join(self._leader.line_now())

    def met(self) -> Along:
        """The moment `meet_at` has come."""
        line, self._leader.meeting = self._leader.meeting, None
        assert line is not None
        return Along(line)

    # -- what a leader says -------------------------------------------------------------------------------------------

    def hear(self, item: Followed, transport: Transport, now: Ns) -> Iterator[Move]:
        """A clock from outside has something new to say."""
        if item.source is Source.PLAYING and self._by_hand is not None:
            return
        leader, before, led = self._leader, self._leader.heard, self._leader.leads
        leader.heard = item
        playing = transport.playing
        if not leader.leads:
            yield from self._left_alone(before, transport)
        elif item.rolling is None:
            yield from self._keep_time(led, transport, now)
        elif item.rolling:
            yield from self._roll_along(item, transport, now)
            playing = playing or not leader.stayed_out
        elif before is not None and before.rolling and playing:
            playing = False
            yield Halt()
        leader.stayed_out = leader.stayed_out and bool(item.rolling)
        if leader.leads and not playing and item.timeline.tempo != transport.timeline.tempo:
            yield Pace(item.timeline.tempo)

    def _left_alone(self, before: Followed | None, transport: Transport) -> Iterator[Move]:
        """All goes on as it is, and where we were on the way to the leader's line we still meet it."""
        meeting = self._leader.meeting
        tempo = meeting.tempo if meeting else transport.timeline.tempo
        if before is None or before.bond is Bond.LOST or before.source is Source.PLAYING:
            return
        yield Alone(f"The {before.source.value} is gone; going on at {bpm_of_tempo(tempo):.4g}.")

    def _keep_time(self, led: bool, transport: Transport, now: Ns) -> Iterator[Move]:
        """Its tempo is ours; where the bars are we say ourselves."""
        if not transport.playing:
            return
        if not led or is_jump(transport.timeline, self._leader.line_now(), now):
            self._leader.settle(transport.timeline, now)
        yield from self._steer(transport, now)

    def _roll_along(self, item: Followed, transport: Transport, now: Ns) -> Iterator[Move]:
        leader, own = self._leader, transport.timeline
        if not transport.playing:
            if item.located or not leader.stayed_out:
                yield self.joins()
            return
        leader.shift = Ticks(0)
        line = leader.line_now()
        if not item.located and not is_jump(own, line, now):
            yield from self._steer(transport, now)
            return
        leader.meeting = None
        by = whole_bars(own, line, now, transport.meter)
        yield GoTo(line, Ticks(0) if by is None and not is_jump(own, line, now) else by)

    def _steer(self, transport: Transport, now: Ns) -> Iterator[Move]:
        """Come to agree with the leader, unheard."""
        approach = self._leader.approach(transport.timeline, now)
        if approach is not None:
            yield Along(approach)
