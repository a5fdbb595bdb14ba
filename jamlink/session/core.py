"""The session: every input goes in here, every effect comes out. Pure; see `inputs` and `effects`.

Its parts own what they decide by: `conductor` the clock, `proposing` the ideas for the bars to come, `accompany` the
chords under a melody, `listener` what was heard. The session tells them what happens and when, and carries out what
they yield (`deeds`): into the `outbox` what is to sound, into the `journal` what is to leave.

Time only moves forward, by `handle` and `advance`. Both first run everything that falls due on the way, each at its
own moment, so the effects depend on the inputs and their moments alone and never on how often somebody calls
`advance`. That is what makes a recorded session replay to the same effects.

A session belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from operator import itemgetter
from typing import Any, ClassVar, TypeAlias

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.music.key import Key
from jamlink.session import edits, refusals, steering
from jamlink.session import effects as fx
from jamlink.session import inputs as gestures
from jamlink.session import snapshot as views
from jamlink.session.accompany import Accompaniment
from jamlink.session.around import Around
from jamlink.session.conductor import Conductor
from jamlink.session.deeds import Deed, Drop, Lay, Place
from jamlink.session.effects import Effect, Recorded
from jamlink.session.following import Alone, Along, GoTo, Halt, Join, Move, Pace
from jamlink.session.inputs import Input, Mode
from jamlink.session.journal import Journal
from jamlink.session.listener import Listener
from jamlink.session.ours import Ours
from jamlink.session.outbox import Outbox
from jamlink.session.planner import messages_of
from jamlink.session.proposal import Controls
from jamlink.session.proposing import Proposing
from jamlink.session.settings import SessionSettings
from jamlink.session.showing import Showing
from jamlink.session.slots import slot_after
from jamlink.session.stand import Stage, Stand
from jamlink.session.steering import STEPS, SWITCHES, changed, steered, toggled
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Tempo, Ticks, ms

START_LEAD = ms(60)
"""Between the start gesture and the first beat, so that the first click is promised in time."""
RELEASE_BATCH = ms(50)
"""How far past the commit horizon a release reaches, so that dense music is not released note by note."""
_HEARING, _PREPARING = "hearing", "preparing"
"""What was being done, where a mistake in it touches less than everything."""
_Due: TypeAlias = tuple[Ns, Callable[[Around], Iterable[Deed]]]
"""A moment, and what is to be done then."""
_BY_MOMENT = itemgetter(0)
BROKE = "Something in jamlink went wrong: its ideas begin anew. Your own playing is not touched."


class Session:
    """See the module. `now` is the moment of the first instant; everything later is on the same clock."""

    def __init__(self, settings: SessionSettings, now: Ns) -> None:
        self._settings = settings
        self._now = now
        self._conductor = Conductor(settings, now)
        self._listener = Listener(settings.key, self._transport.timeline)
        self._outbox = Outbox()
        self._accompany = Accompaniment(self._next_id)
        self._controls = settings.controls
        self._proposing = Proposing(self._next_id, slot_after(Ticks(0), settings.meter, settings), now)
        self._ours = Ours()
        self._model: gestures.ProposerIs | None = None
        self._ids = fx.FIRST_PROPOSAL
        self._missed = 0
        self._journal = Journal()
        self._showing = Showing()
        self._at_work = ""

    # -- the way in ---------------------------------------------------------------------------------------------------

    def handle(self, item: Input, at: Ns) -> list[Effect]:
        """Take an input in at `at` (never before the session's own time). Returns effects in order.

        Whatever is raised is a mistake of ours: hand in a `Recover` at the session's own `now`, and go on. The effects
        until then come with its own.
        """
        if not isinstance(item, gestures.Recover):
            self._run_until(at)
            self._at_work = _HEARING if isinstance(item, gestures.Heard) else ""
        self._record(item)
        try:
            self._HANDLERS[type(item)](self, item)
        except Nonsense as refused:
            self._notice(str(refused))
        self._at_work = ""
        if not isinstance(item, gestures.Recover):
            self._release(self._around())
        return self._journal.drain()

    def advance(self, to: Ns) -> list[Effect]:
        """Let time pass up to and including `to`. Raises as `handle` does."""
        self._run_until(to)
        return self._journal.drain()

    @property
    def next_deadline(self) -> Ns | None:
        """When `advance` must be called next, unless an input comes first."""
        return min((due for due, _ in self._deadlines()), default=None)

    @property
    def now(self) -> Ns:
        """The session's own time."""
        return self._now

    @property
    def playing(self) -> bool:
        """Whether the clock runs."""
        return self._transport.playing

    @property
    def key(self) -> Key | None:
        """The key locked or heard."""
        return self._listener.key

    @property
    def meter(self) -> Meter:
        """How bars are counted now."""
        return self._transport.meter

    @property
    def own_tempo(self) -> Tempo:
        """The tempo that the player has set, whoever leads now."""
        return self._conductor.following.own_tempo

    @property
    def timeline(self) -> Timeline:
        """The line that ties ticks to the clock now."""
        return self._transport.timeline

    def snapshot(self) -> views.Snapshot:
        """Everything a view shows, as one frozen value."""
        stand, meter, key, around = self._stand, self._transport.meter, self._listener.key, self._around()
        return views.Snapshot(
            clock=views.clock_view(self._transport, self._conductor.following.view),
            key=str(key) if key else "",
            chord=views.heard_chord(self._listener),
            sounding=self._listener.sounding,
            asking=self._proposing.asking.request is not None,
            hand=self._showing.hand(stand, meter, key),
            taken=self._showing.placed("taken", stand.taken, meter, key),
            playing=self._showing.placed("playing", stand.playing, meter, key),
            coming=self._coming(around),
            steering=views.steering_view(self._settings, self._controls, self._listener.locked_key),
            model=self._model.name if self._model and self._model.present else "",
            missed=self._missed,
            decision=self._journal.decision,
            notices=tuple(self._journal.notices),
            channels=views.channels_view(self._settings.channels),
            disabled=refusals.disabled(self._situation()),
            accompany=views.accompany_view(self._accompany, around, key) if self._accompanies else None,
        )

    def state(self) -> dict[str, Any]:
        """The snapshot and what is remembered (see `chronicle`), as plain data that must not be changed: what is as it
        was is the same object as before."""
        around, stand = self._around(), self._stand
        arranged = self._showing.arranged(stand, self._controls.density, lambda: stand.how_to_play(around))
        return {
            **self._showing.plain(self.snapshot()),
            **self._journal.chronicle.sections(around),
            "arranged": arranged,
        }

    def why_not(self, control: str) -> str:
        """Why `control` (see `refusals`) may not be used now, in a sentence; empty where it may."""
        return refusals.why_not(control, self._situation())

    def _coming(self, around: Around) -> tuple[tuple[int, str], ...]:
        """Our chords that are promised."""
        if self._accompanies:
            return views.promised_chords(self._accompany, around, around.key)
        return views.coming_chords((self._stand.playing, self._stand.taken), around.tick, around.key)

    def _situation(self) -> refusals.Situation:
        stand = self._stand
        return refusals.Situation(
            playing=self._transport.playing,
            hand=stand.hand,
            selected=stand.selected,
            too_late=stand.stage is Stage.CLOSED,
            asking=self._proposing.asking.request is not None,
            undoable=bool(stand.rolled or stand.taken or stand.playing),
            remembers=not self._journal.chronicle.history.empty,
            along=self._accompany.standing(self._around()) if self._accompanies else None,
            leader=self._conductor.following.whose_tempo,
            led_bars=self._conductor.following.transports,
        )

    def _refuses(self, why: str) -> bool:
        """Whether there is a reason not to do it; the player is told."""
        if why:
            self._notice(why)
        return bool(why)

    # -- time ---------------------------------------------------------------------------------------------------------

    def _run_until(self, to: Ns) -> None:
        while True:
            due, run = min(self._deadlines(), key=_BY_MOMENT, default=(None, None))
            if due is None or run is None or due > to:
                break
            self._now = max(self._now, due)
            self._at_work = _PREPARING if run == self._proposing.prepare else ""
            self._carry_out(run(self._around()))
        self._at_work = ""
        self._now = max(self._now, to)

    def _deadlines(self) -> Iterator[_Due]:
        """Everything that falls due by itself; at one moment, in this order."""
        conductor, proposing, horizon = self._conductor, self._proposing, self._settings.horizon
        transport, stand, asking = conductor.transport, proposing.stand, proposing.asking
        line = transport.timeline
        due = self._outbox.next_due(line)
        if due is not None:
            yield Ns(due - horizon), self._release
        if asking.request is not None:
            yield asking.request.deadline, self._expire
        if asking.prepare_at is not None:
            yield asking.prepare_at, proposing.prepare
        meet_at = conductor.following.meet_at
        if meet_at is not None:
            yield meet_at, self._meet
        if stand.playing is not None:
            yield line.ns_at(stand.playing.end), proposing.play_out
        if not transport.playing:
            return
        if stand.taken is not None:
            yield line.ns_at(stand.taken.start), proposing.take_over
        yield conductor.clicks_due(horizon), conductor.lay_clicks
        pulses = conductor.pulses_due(horizon)
        if pulses is not None:
            yield pulses, conductor.lay_pulses
        if self._accompanies:
            yield from self._along_deadlines(transport)
            return
        yield line.ns_at(stand.moves_on_at(transport, self._settings.mode)), proposing.move_on
        recheck, loop = proposing.recheck_at(transport.meter), proposing.loop_at(transport, self._settings)
        if recheck is not None:
            yield line.ns_at(recheck), proposing.recheck
        if loop is not None:
            yield line.ns_at(loop), proposing.loop

    def _along_deadlines(self, transport: Transport) -> Iterator[_Due]:
        along = self._accompany
        if along.deadline is not None:
            yield along.deadline, self._expire_chords
        yield along.due(transport.timeline, transport.meter, self._settings.accompany), along.decide

    def _release(self, around: Around) -> Iterable[Deed]:
        """Promise what the commit horizon has reached."""
        until = Ns(self._now + self._settings.horizon + RELEASE_BATCH)
        released = self._outbox.release(self._transport.timeline, until, self._now)
        if not released:
            return ()
        self._emit(fx.Send(tuple(released)))
        for timed in released:
            message = timed.message
            if message.owner == fx.CLOCK_OUT:
                continue
            self._journal.record(fx.Sent(timed.due, message.at, message.data, message.out, message.owner), around)
            self._carry_out(self._proposing.first_note(message.owner))
        return ()

    # -- the session as it is -----------------------------------------------------------------------------------------

    @property
    def _transport(self) -> Transport:
        return self._conductor.transport

    @property
    def _stand(self) -> Stand:
        return self._proposing.stand

    @property
    def _accompanies(self) -> bool:
        return self._settings.mode is Mode.ACCOMPANY

    def _tick(self) -> Ticks:
        return self._transport.tick(self._now)

    def _around(self) -> Around:
        present = self._model is not None and self._model.present
        return Around(self._now, self._transport, self._listener, self._settings, self._controls, present, self._ours)

    # -- asking -------------------------------------------------------------------------------------------------------

    def _soon(self) -> None:
        """What would be asked for has changed."""
        self._proposing.asking.soon(self._now)

    def _expire(self, around: Around) -> Iterable[Deed]:
        """No idea in time, and the screen says so."""
        self._missed += 1
        return self._proposing.asking.expire(around)

    def _ideas(self, ideas: gestures.Ideas) -> None:
        if self._accompany.waits_for(ideas.request_id):
            self._carry_out(self._expire_chords(self._around()))
        else:
            self._carry_out(self._proposing.answered(ideas, self._around()))

    def _proposer_is(self, news: gestures.ProposerIs) -> None:
        self._model = news
        if news.why:
            self._notice(news.why)
        if not news.present and self._proposing.asking.request is not None:
            self._carry_out(self._expire(self._around()))
        if not news.present and self._accompany.deadline is not None:
            self._carry_out(self._expire_chords(self._around()))
        self._soon()
        self._emit(fx.Publish())

    # -- listening and playing along -----------------------------------------------------------------------------------

    def _heard(self, heard: gestures.Heard) -> None:
        if self._listener.hear(heard.event):
            self._emit(fx.Publish())
            self._soon()
        if self._accompanies and self._accompany.wakes(self._around()) and self._listener.keys_down:
            self._at_work = ""
            self._carry_out(self._accompany.wake(self._around()))

    def _expire_chords(self, around: Around) -> Iterable[Deed]:
        """No chords in time, and the screen says so."""
        self._missed += 1
        return self._accompany.expire(around)

    def _foreseen(self, answer: gestures.Foreseen) -> None:
        if self._accompanies:
            self._carry_out(self._accompany.foreseen(answer, self._around()))

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _take(self, item: gestures.Take) -> None:
        if not self._refuses(refusals.why_not_take(self._situation(), item.index)):
            self._carry_out(self._proposing.take(item.index, item.via, self._around()))

    def _select(self, item: gestures.Select) -> None:
        if not self._refuses(refusals.why_not_select(self._situation(), item.index)):
            self._carry_out(self._proposing.choose(item.index))

    def _hear(self, item: gestures.Hear) -> None:
        if not self._refuses(refusals.why_not_hear(self._situation(), item.index)):
            self._carry_out(self._proposing.hear(item.index, self._around()))

    def _edit(self, item: gestures.Edit) -> None:
        change = edits.asked_for(item, self._transport.meter)
        place = edits.place_of(item, self._stand.selected)
        if not self._refuses(refusals.why_not_change(self._situation(), place)):
            self._carry_out(self._proposing.change(place, change))

    def _bring_back(self, item: gestures.BringBack) -> None:
        if self._refuses(self.why_not("bring_back")):
            return
        history, start = self._journal.chronicle.history, self._stand.slot.start
        back = history.brought_back(item.idea, self._next_id(), start, self._transport.meter)
        self._carry_out(self._proposing.bring_back(back, item.idea, self._around()))

    # -- conducting ----------------------------------------------------------------------------------------------------

    def _start_if_stopped(self, via: str) -> None:
        if not self._transport.playing:
            self._play_stop(via)

    def _stop_if_playing(self, via: str) -> None:
        if self._transport.playing:
            self._play_stop(via)

    def _play_stop(self, via: str) -> None:
        following = self._conductor.following
        if self._transport.playing:
            following.stopped(by_player=True)
            self._stop()
        elif not following.transports:
            self._play(Ns(self._now + START_LEAD), self._settings.count_in)
        elif following.rolls:
            self._join(following.joins().line)
        else:
            self._notice(f"Press play there: the {following.view.source} starts and stops jamlink.")

    def _play(self, at: Ns, count_in: int) -> None:
        """Start at `at`, or at the next beat of a tempo that leads."""
        first = self._conductor.starts(at, count_in)
        self._begin_run(self._transport.timeline.ns_at(first), first)

    def _begin_run(self, at: Ns, first: Ticks) -> None:
        """The clock runs from `at`, where it is at `first`."""
        self._end(fx.Silence())
        self._conductor.runs_from(first)
        self._listener.forget(at, self._transport.timeline)
        self._ours.clear()
        self._carry_out(self._proposing.begin(first, self._around()))
        self._accompany.begin(self._around())
        self._carry_out(self._conductor.send_anew(self._now, first))
        self._clocked()

    def _stop(self) -> None:
        self._journal.chronicle.stopping(self._around())
        self._carry_out(self._accompany.stop(self._around()))
        self._carry_out(self._proposing.stop(self._around()))
        self._end(fx.Silence())
        self._carry_out(self._conductor.send_end(self._now))
        self._conductor.stops()
        self._clocked()

    def _panic(self, via: str) -> None:
        self._carry_out(self._proposing.silenced(self._around()))
        self._carry_out(self._accompany.silenced(self._around()))
        self._end(fx.Panic())
        self._carry_out(self._conductor.send_on(self._now))
        self._emit(fx.Publish())

    def _clear(self, via: str) -> None:
        """Forget the hand, what was refused and what loops; only while stopped."""
        self._stop()
        self._proposing.forget_refused()

    def _tap(self, via: str) -> None:
        self._with_tempo(self._conductor.taps(self._now))

    def _feel(self, factor: float) -> None:
        self._with_tempo(self._conductor.feels(factor, self._now))

    def _set_tempo(self, item: gestures.SetTempo) -> None:
        if not self._refuses(self.why_not("tempo")):
            self._with_tempo(self._conductor.sets(item.bpm, gestures.Source.OWN, self._now))

    def _with_tempo(self, changed: bool) -> None:
        if changed:
            self._clocked()

    def _this_is_one(self, via: str) -> None:
        if not self._transport.playing:
            self._play(self._now, 0)
            return
        self._conductor.one_at(self._now)
        self._carry_out(self._accompany.interrupted(self._around()))
        self._outbox.skip(self._tick())
        self._carry_out(self._conductor.send_anew(self._now, self._tick()))
        self._clocked()

    def _set_meter(self, item: gestures.SetMeter) -> None:
        if self._refuses(self.why_not("meter")):
            return
        self._conductor.counts_in(item.meter)
        self._carry_out(self._proposing.replan(self._around()))
        self._clocked()

    def _clocked(self) -> None:
        transport = self._transport
        self._listener.clocked(self._now, transport.timeline)
        self._record(fx.Clocked(transport.playing, transport.timeline, str(transport.meter)))
        self._soon()
        self._emit(fx.Publish())

    # -- following ----------------------------------------------------------------------------------------------------

    def _followed(self, item: gestures.Followed) -> None:
        """A clock from outside has something new to say."""
        for move in self._conductor.following.hear(item, self._transport, self._now):
            self._MOVES[type(move)](self, move)
        self._emit(fx.Publish())

    def _play_along(self, line: Timeline) -> None:
        self._conductor.goes_along(line)
        self._clocked()

    def _meet(self, around: Around) -> Iterable[Deed]:
        self._play_along(self._conductor.following.met().line)
        return ()

    def _keep_pace(self, tempo: Tempo) -> None:
        self._conductor.keeps(tempo, self._now)
        self._clocked()

    def _join(self, line: Timeline) -> None:
        self._conductor.goes_along(line)
        self._begin_run(self._now, self._tick())
        self._click_from_here()

    def _go_to(self, move: GoTo) -> None:
        """What plays and what was taken goes along where it can; an accompaniment begins anew."""
        self._carry_out(self._accompany.stop(self._around()))
        self._end(fx.Silence())
        if move.by is None:
            self._carry_out(self._proposing.end_all(self._around()))
        self._conductor.goes_along(move.line)
        self._listener.gone_to(self._now, move.line, move.by)
        self._ours.clear()
        self._carry_out(self._proposing.gone_to(move.by or Ticks(0), self._around()))
        self._accompany.begin(self._around())
        self._click_from_here()
        self._carry_out(self._conductor.send_anew(self._now, self._tick()))
        self._clocked()

    def _click_from_here(self) -> None:
        self._carry_out(self._conductor.click_from(self._around()))
        self._outbox.skip(self._tick())

    # -- steering -----------------------------------------------------------------------------------------------------

    def _steer(self, controls: Controls) -> None:
        self._controls = controls
        self._soon()
        self._emit(fx.Publish())

    def _turn(self, item: gestures.Turn | gestures.SetStyle) -> None:
        self._steer(steered(self._controls, item))

    def _set(self, item: steering.Change) -> None:
        self._change(changed(self._settings, item))

    def _set_mode(self, item: gestures.SetMode) -> None:
        """What accompanies plays what it has promised; what plays does so to its end before it is accompanied."""
        if item.mode is self._settings.mode:
            return
        settings = changed(self._settings, item)
        if self._accompanies:
            self._carry_out(self._accompany.leave(self._around()))
        self._change(settings)
        if self._accompanies:
            self._accompany.begin(self._around())
            for placed in filter(None, (self._stand.playing, self._stand.taken)):
                self._accompany.wait_until(placed.end, self._transport.meter)

    def _toggle(self, wanted: Mode, via: str) -> None:
        self._set_mode(gestures.SetMode(toggled(self._settings.mode, wanted), via))

    def _lock_key(self, item: gestures.LockKey) -> None:
        self._listener.locked_key = item.key
        self._soon()
        self._emit(fx.Publish())

    def _change(self, settings: SessionSettings) -> None:
        before, self._settings = self._settings, settings
        if (before.bars, before.mode) != (settings.bars, settings.mode):
            self._carry_out(self._proposing.replan(self._around()))
        self._soon()
        self._emit(fx.Publish())

    # -- after a mistake of ours --------------------------------------------------------------------------------------

    def _recover(self, item: gestures.Recover) -> None:
        """As little as can be is lost: what was heard, where that is what broke; what the model would have been told;
        else everything on the stand, and what of ours sounds ends. The clock goes on."""
        if self._at_work == _HEARING:
            self._listener = Listener(self._listener.locked_key, self._transport.timeline)
        elif self._at_work != _PREPARING:
            self._begin_anew()
        self._proposing.asking.prepare_at, self._at_work = None, ""
        self._notice(BROKE)

    def _begin_anew(self) -> None:
        """An empty stand before a slot that can still be asked for. Nothing that falls due now is left, so that a
        mistake which comes again comes once a bar at most."""
        around = self._around()
        for end in (*self._proposing.ends(around), lambda: self._accompany.stop(around)):
            with suppress(Exception):  # what cannot be ended by the rules any more is dropped
                self._carry_out(end())
        self._outbox, self._accompany = Outbox(), Accompaniment(self._next_id)
        self._end(fx.Silence())
        self._proposing.begin_anew(around)
        if self._transport.playing:
            self._accompany.take_up(around)
            self._carry_out(self._conductor.take_up(self._now, self._settings.horizon))

    # -- small things -------------------------------------------------------------------------------------------------

    def _do(self, item: gestures.Do) -> None:
        action, via = item.action, item.via
        if self._refuses(self.why_not(action.value)):
            return
        if self._accompanies and action in Accompaniment.ACTIONS:
            self._carry_out(self._accompany.act(action, via, self._around()))
        elif action in Proposing.ACTIONS:
            self._carry_out(self._proposing.act(action, via, self._around()))
        elif action in edits.ACTIONS:
            change = edits.ACTIONS[action](self._transport.meter)
            self._carry_out(self._proposing.change(self._stand.selected, change))
        elif action in STEPS:
            self._steer(STEPS[action](self._controls))
        elif action in SWITCHES:
            self._change(SWITCHES[action](self._settings))
        else:
            self._ACTIONS[action](self, via)

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _carry_out(self, deeds: Iterable[Deed]) -> None:
        """Do what a part of ours yields, each before it goes on."""
        for deed in deeds:
            match deed:
                case Lay(messages):
                    self._outbox.add(messages)
                case Place(placed):
                    idea, start = placed.proposal, placed.start
                    self._outbox.add(messages_of(placed.plan, start, idea.id, self._settings.channels))
                    self._ours.placed(idea.content, start)
                case Drop(owner, since):
                    self._end(fx.Cancel(owner))
                    self._ours.forget_from(since)
                case fx.Cancel() | fx.Silence() | fx.Panic():
                    self._end(deed)
                case fx.Notice(text):
                    self._journal.notice(text)
                case fx.Chorded():
                    self._record(deed)
                    self._ours.settled(deed)
                case fx.Offered():
                    self._record(deed)
                    if self._stand.hand is not None:
                        self._journal.chronicle.dealt(self._stand.hand, self._around())
                case _ if isinstance(deed, fx.Consequence):
                    self._record(deed)
                case _:
                    self._emit(deed)

    def _end(self, effect: fx.Cancel | fx.Silence | fx.Panic) -> None:
        """Nothing of its owner (of anybody of ours) sounds any more, and what waits for it does not."""
        if isinstance(effect, fx.Cancel):
            self._outbox.cancel(effect.owner)
        else:
            self._outbox.clear()
        self._journal.end(effect, self._tick())

    def _record(self, value: Recorded) -> None:
        self._journal.record(value, self._around())

    def _emit(self, effect: Effect) -> None:
        self._journal.emit(effect)

    def _notice(self, text: str) -> None:
        self._journal.notice(text)

    # -- tables -------------------------------------------------------------------------------------------------------

    _HANDLERS: ClassVar[dict[type, Callable[[Session, Any], None]]] = {
        gestures.Heard: _heard,
        gestures.Do: _do,
        gestures.Turn: _turn,
        gestures.SetTempo: _set_tempo,
        gestures.SetMeter: _set_meter,
        gestures.SetBars: _set,
        gestures.SetRoles: _set,
        gestures.LockKey: _lock_key,
        gestures.SetRepeat: _set,
        gestures.SetMode: _set_mode,
        gestures.SetStyle: _turn,
        gestures.SetChannels: _set,
        gestures.Select: _select,
        gestures.Hear: _hear,
        gestures.Take: _take,
        gestures.ReplaceChord: _edit,
        gestures.MoveChord: _edit,
        gestures.EditNote: _edit,
        gestures.BringBack: _bring_back,
        gestures.Ideas: _ideas,
        gestures.Foreseen: _foreseen,
        gestures.SetAccompany: _set,
        gestures.ProposerIs: _proposer_is,
        gestures.Recover: _recover,
        gestures.Followed: _followed,
    }

    _MOVES: ClassVar[dict[type[Move], Callable[[Session, Any], None]]] = {
        Along: lambda self, move: self._play_along(move.line),
        Join: lambda self, move: self._join(move.line),
        GoTo: _go_to,
        Halt: lambda self, move: self._stop(),
        Pace: lambda self, move: self._keep_pace(move.tempo),
        Alone: lambda self, move: self._notice(move.words),
    }

    _ACTIONS: ClassVar[dict[Action, Callable[[Session, str], None]]] = {
        Action.PLAY_STOP: _play_stop,
        Action.START: _start_if_stopped,
        Action.STOP: _stop_if_playing,
        Action.TAP: _tap,
        Action.THIS_IS_ONE: _this_is_one,
        Action.HALF_TIME: lambda self, via: self._feel(0.5),
        Action.DOUBLE_TIME: lambda self, via: self._feel(2.0),
        Action.TRADE: lambda self, via: self._toggle(Mode.TRADE, via),
        Action.ACCOMPANY: lambda self, via: self._toggle(Mode.ACCOMPANY, via),
        Action.CAPTURE: lambda self, via: self._emit(fx.Capture()),
        Action.CLEAR: _clear,
        Action.PANIC: _panic,
    }
