"""Accompaniment: chords under a melody while it is played, decided one felt beat at a time. Pure; see `core`.

At beat d (just before it where nothing is promised ahead) the player has been heard up to d and no further. What is
decided then:

    beat   d ... d + commit              settled now or before: promised, laid out to sound, never changed
           d + commit + 1 ... look-ahead thought of: shown, and decided anew with the next beat

Who decides is the model; what it has not said in time, or where there is none, the stand-in says at once. Where not
even that is there, what sounds goes on. So there is silence on purpose alone: before `listen` beats have been heard,
and once the player has rested for `rest` bars, where the phrase is led to its end.

    listening  --first note and `listen` beats-->  following  --`rest` bars without a note-->  resting
    following  <--the next note, at once--  resting
    following  --hold or accept-->  going round  --again, reject or undo-->  following

Every method that does something yields what is to be done: effects to carry out, records to write down, and messages
to lay out. What is settled is kept in `promised`. One owner: the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from jamlink.midi.actions import Action
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.session import effects as fx
from jamlink.session.along import (
    Phase,
    Round,
    Standing,
    as_proposal,
    held_on,
    home_chord,
    is_open,
    name_of,
    window_of,
)
from jamlink.session.around import Around
from jamlink.session.deeds import Deeds
from jamlink.session.effects import PLAYER, Decided, Verdict
from jamlink.session.inputs import Foreseen
from jamlink.session.promised import ENDED_BY, HELD_BY, Promised
from jamlink.session.proposal import ChordsRequest
from jamlink.session.settings import AccompanySettings
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms

LEAD = ms(140)
"""Where nothing is promised ahead, a chord is asked for so long before its beat."""
_LAST_ANSWER = ms(70)
"""An answer that comes nearer to its beat than this could not be promised any more."""
_COUNT_IN_BARS = 2
"""Who plays in the count-in has been heard; the bars begin after it."""


@dataclass(slots=True)
class _Pending:
    request: ChordsRequest
    until: int
    """Beats before this are settled by the answer."""
    to_model: bool


@dataclass(slots=True)
class Accompaniment:
    """See the module. `next_id` numbers requests and chords, together with everything else in the session."""

    next_id: Callable[[], int]
    promised: Promised = field(init=False)
    maybe: tuple[tuple[int, Chord], ...] = ()
    """What is thought of beyond what is settled: beat and chord."""
    round: Round | None = None
    _run: int = 0
    _next: int = 0
    """The beat at which the next decision falls due."""
    _first: int | None = None
    """The beat of the first note heard; None before it."""
    _since: Ticks = field(default=Ticks(0))
    """What was played before does not count as heard."""
    _last: Ticks = field(default=Ticks(0))
    """Until when the player was heard."""
    _rests: bool = False
    _pending: _Pending | None = None

    def __post_init__(self) -> None:
        self.promised = Promised(self.next_id)

    # -- runs -----------------------------------------------------------------------------------------------------

    def begin(self, around: Around) -> None:
        """The clock begins to run, or the mode begins while it does: nothing is promised. What was heard in this run
        counts as heard."""
        beat = around.beat if around.own.listen == 0 else max(0, around.beat)
        self._run = self.next_id()
        self._next = beat
        self._since = Ticks(-_COUNT_IN_BARS * around.meter.bar_ticks)
        self._last = Ticks(max(0, beat) * around.meter.beat_ticks)
        self._first, self._rests, self.round = None, False, None
        self.promised.begin(max(0, beat))
        self._let_plans_go()

    def take_up(self, around: Around) -> None:
        """Begin after a mistake of ours, with the next bar and not before."""
        self.begin(around)
        self._next = (around.beat // around.meter.beats + 1) * around.meter.beats

    def wait_until(self, tick: Ticks, meter: Meter) -> None:
        """Something else of ours plays until `tick`."""
        self.promised.wait_until(tick, meter)

    def interrupted(self, around: Around) -> Deeds:
        """The beats have moved: nothing that was promised holds. The listening goes on."""
        yield from self.cut(around)
        self._next = max(0, around.beat + 1)
        self._last = Ticks(min(self._last, self._next * around.meter.beat_ticks))
        self.promised.go_to(self._next)

    def silenced(self, around: Around) -> Deeds:
        """The player wants silence now: it listens anew before it comes in again."""
        yield from self.interrupted(around)
        self._since = self._last = around.tick
        self._first, self.round, self._rests = None, None, False

    def cut(self, around: Around) -> Deeds:
        """Nothing more of ours sounds; what sounds is ended."""
        yield from self.promised.cut(around)
        self._let_plans_go()

    def stop(self, around: Around) -> Deeds:
        """The clock stops: nothing of ours sounds any more."""
        yield from self.cut(around)
        self.promised.settled.clear()
        self.round, self._rests = None, False

    def leave(self, around: Around) -> Deeds:
        """The mode ends: what was promised is played, then no more."""
        self._let_plans_go()
        self.round = None
        yield from self.promised.end(around)

    def _let_plans_go(self) -> None:
        self._pending, self.maybe = None, ()

    # -- time -----------------------------------------------------------------------------------------------------

    def due(self, line: Timeline, meter: Meter, own: AccompanySettings) -> Ns:
        """When the next decision falls due."""
        return Ns(line.ns_at(Ticks(self._next * meter.beat_ticks)) - (LEAD if own.commit == 0 else 0))

    @property
    def deadline(self) -> Ns | None:
        """Until when an answer is waited for; None where none is."""
        return self._pending.request.deadline if self._pending and self._pending.to_model else None

    def phase(self) -> Phase:
        """What it does now."""
        if self.round is not None:
            return Phase.ROUND
        if self._rests:
            return Phase.RESTING
        return Phase.FOLLOWING if self.promised.settled else Phase.LISTENING

    @property
    def heard_something(self) -> bool:
        """Whether a note was heard since it began to listen."""
        return self._first is not None

    def listens_for(self, around: Around) -> int:
        """How many beats more it only listens; those of the setting before anything was heard."""
        entry = self._entry(around.own)
        return around.own.listen if entry is None else max(0, entry - max(0, around.beat))

    def wakes(self, around: Around) -> bool:
        """Whether a note that comes now is answered before the next beat asks for it."""
        return self._rests and around.own.commit > 0

    def wake(self, around: Around) -> Deeds:
        """The player is back after a rest: the next beat is decided now."""
        self._next = around.beat + 1
        yield from self.decide(around)

    # -- deciding -------------------------------------------------------------------------------------------------

    def decide(self, around: Around) -> Deeds:
        """A beat begins."""
        beat = max(self._next, around.beat)
        self._next = beat + 1
        self.promised.heard = heard = self._hear(max(0, beat), around)
        if self._pending is not None:  # a clock that was set forward outran the answer
            self._let_plans_go()
        entry = self._entry(around.own)
        until = beat + around.own.commit + 1
        if self._rests or entry is None or until <= entry:
            return
        yield from self.promised.catch_up(max(entry, self.promised.open), beat, around)
        until = max(until, self.promised.open)
        if self.round is not None:
            yield from self._go_round(until, beat, around)
        elif self._is_over(beat, around):
            yield from self._end_phrase(beat, around)
        else:
            yield from self._ask(beat, until, heard, around)

    def _hear(self, beat: int, around: Around) -> tuple[Note, ...]:
        """What was heard before `beat`, of the window that is told; and since when, and until when."""
        meter, tick = around.meter, Ticks(beat * around.meter.beat_ticks)
        window = window_of(beat, meter)
        start = Ticks(window * meter.beat_ticks)
        heard = around.listener.notes(start or Ticks(-_COUNT_IN_BARS * meter.bar_ticks), tick, around.now)
        sounding = around.listener.keys_down
        new = [note for note in heard if note.end > self._since]
        if new:
            last = max(tick if note.pitch in sounding and is_open(note, around) else note.end for note in new)
            if last > self._last:
                self._last, self._rests = Ticks(last), False
            if self._first is None:
                self._first = max(0, int(new[0].onset // meter.beat_ticks))
        return tuple(held_on(note, tick, sounding, around) for note in heard if note.onset >= start)

    def _entry(self, own: AccompanySettings) -> int | None:
        """The first beat that we play in; None where the first note is waited for."""
        if own.listen == 0:
            return 0
        return None if self._first is None else self._first + own.listen

    def _is_over(self, beat: int, around: Around) -> bool:
        rest = around.own.rest * around.meter.bar_ticks
        return bool(rest) and beat * around.meter.beat_ticks - self._last >= rest

    def _ask(self, beat: int, until: int, heard: tuple[Note, ...], around: Around) -> Deeds:
        own, bt = around.own, around.meter.beat_ticks
        line, beat = around.line, max(0, beat)
        sounds_at = line.ns_at(Ticks(self.promised.open * bt))
        latest = min(sounds_at - _LAST_ANSWER, around.now + line.span_ns(Ticks(bt * 3 // 4)))
        ahead = max(own.look_ahead, until - 1 - beat)
        request = ChordsRequest(
            self.next_id(),
            self._run,
            around.meter,
            beat,
            ahead,
            window_of(beat, around.meter),
            heard,
            tuple(self.promised.unwanted(beat + i) for i in range(ahead + 1)),
            Ns(latest),
            around.listener.locked_key,
        )
        in_time = around.model and latest > around.now
        self._pending = _Pending(request, until, in_time)
        yield from self._asked("model" if in_time else "stand-in", around)
        yield fx.AskChords(request) if in_time else fx.AskChordsStandIn(request)

    def _asked(self, whom: str, around: Around) -> Deeds:
        assert self._pending is not None
        request = self._pending.request
        tick = Ticks(min(request.beat * around.meter.beat_ticks, around.tick))
        yield fx.AskedChords(request.id, request.beat, whom, tick, request.deadline)

    def expire(self, around: Around) -> Deeds:
        """The model has not answered in time: the stand-in does."""
        assert self._pending is not None
        self._pending.to_model = False
        yield from self._asked("stand-in", around)
        yield fx.AskChordsStandIn(self._pending.request)

    def waits_for(self, request_id: int) -> bool:
        """Whether an answer to this is waited for."""
        pending = self._pending
        return pending is not None and pending.to_model and pending.request.id == request_id

    def foreseen(self, answer: Foreseen, around: Around) -> Deeds:
        """The answer to the last question settles its beats; any other comes too late."""
        pending = self._pending
        if pending is None or pending.request.id != answer.request_id or pending.to_model == answer.stand_in:
            return
        if not answer.chords and not answer.stand_in:
            yield from self.expire(around)
            return
        self._pending = None
        beat, promised = pending.request.beat, self.promised
        yield from promised.catch_up(promised.open, beat, around)
        chords = dict(enumerate(answer.chords, beat))
        for each in range(promised.open, pending.until):
            before = promised.before(each)
            chord = chords.get(each) or (before.chord if before else home_chord(around))
            made_by = answer.made_by if each in chords else HELD_BY
            yield from promised.settle(each, chord, made_by, answer.stand_in, beat, around, held=each not in chords)
        first = max(promised.open, around.beat)
        self.maybe = tuple((each, chord) for each, chord in sorted(chords.items()) if each >= first)
        yield fx.Publish()

    # -- the end of a phrase --------------------------------------------------------------------------------------

    def _end_phrase(self, beat: int, around: Around) -> Deeds:
        """To the bar line as it was going, there the home chord for a bar, and then silence."""
        promised, beats = self.promised, around.meter.beats
        before = promised.before(promised.open)
        self._rests, self.maybe = True, ()
        promised.refuse_nothing()
        if before is None:
            return
        close = -(-promised.open // beats) * beats
        for each in range(promised.open, close):
            yield from promised.settle(each, before.chord, before.made_by, before.stand_in, beat, around)
        last = home_chord(around)
        for each in range(close, close + beats):
            yield from promised.settle(each, last, ENDED_BY, False, beat, around)
        yield from promised.fall_silent(beat, around)
        name, bar = name_of(last, around), close // beats + 1
        yield fx.Notice(f"You have stopped: this ends on {name} in bar {bar}. Play on, and it comes in again.")

    # -- the player's decisions -----------------------------------------------------------------------------------

    def standing(self, around: Around) -> Standing:
        """What can be decided about now."""
        sounding, bars = self.promised.sounding(around), self.promised.whole_bars(around)
        return Standing(sounding is not None, bool(bars), self.round is not None)

    def act(self, action: Action, via: str, around: Around) -> Deeds:
        """One of `ACTIONS`, which `refusals` allows now."""
        return self.ACTIONS[action](self, via, around)

    def _reject(self, via: str, around: Around) -> Deeds:
        """Not that chord: from the first beat that is still open on another one, for a bar."""
        now = self.promised.sounding(around)
        assert now is not None
        yield Decided.about(as_proposal((now,), now.owner, around.meter), Verdict.REJECTED, PLAYER, via)
        self.round = None
        self.promised.refuse(now.chord, self.promised.open + around.meter.beats)
        yield fx.Notice(f"Another chord than {name_of(now.chord, around)} from {self._where(around)} on.")

    def _hold(self, via: str, around: Around) -> Deeds:
        """The chord that was settled last stays; again: it follows again."""
        if self.round is not None and self.round.hold:
            yield from self._release(via, around)
            return
        last = self.promised.settled[-1]
        self._go_on_with(Round(self.promised.open, (last,), True))
        yield fx.Notice(f"{name_of(last.chord, around)} is held, from {self._where(around)} on.")

    def _accept(self, via: str, around: Around) -> Deeds:
        """The last bars go round, from the next bar line that is open on."""
        beats, bars = around.meter.beats, self.promised.whole_bars(around)
        yield Decided.about(as_proposal(bars, self.next_id(), around.meter), Verdict.ACCEPTED, PLAYER, via)
        start = -(-self.promised.open // beats) * beats
        self._go_on_with(Round(start, bars, False))
        count = len(bars) // beats
        yield fx.Notice(
            f"The last {f'{count} bars go' if count > 1 else 'bar goes'} round, from {self._where(around)} on."
        )

    def _release(self, via: str, around: Around) -> Deeds:
        """It follows again."""
        self.round = None
        yield fx.Notice(f"It follows you again, from {self._where(around)} on.")

    def _go_on_with(self, round_: Round) -> None:
        self.round, self._rests = round_, False
        self._let_plans_go()
        self.promised.refuse_nothing()

    def _go_round(self, until: int, beat: int, around: Around) -> Deeds:
        assert self.round is not None
        promised = self.promised
        for each in range(promised.open, until):
            told, before = self.round.at(each), promised.before(each)
            if each < self.round.start and before is not None:
                told = before
            yield from promised.settle(each, told.chord, told.made_by, told.stand_in, beat, around)
        ahead = range(promised.open, beat + around.own.look_ahead + 1)
        self.maybe = tuple((each, self.round.at(each).chord) for each in ahead if each >= self.round.start)
        yield fx.Publish()

    def _where(self, around: Around) -> str:
        return str(around.meter.at(Ticks(self.promised.open * around.meter.beat_ticks)))

    ACTIONS: ClassVar[dict[Action, Callable[[Accompaniment, str, Around], Deeds]]] = {
        Action.ACCEPT: _accept,
        Action.REJECT: _reject,
        Action.LOOP: _hold,
        Action.KEEP_GOING: _hold,
        Action.UNDO: _release,
    }
    """What some actions mean while jamlink accompanies."""
