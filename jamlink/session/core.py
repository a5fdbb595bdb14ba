"""The session: listens, asks, offers, takes decisions, plans what sounds. Pure; see `inputs` and `effects`.

Time only moves forward, by `handle` and `advance`. Both first run everything that falls due on the way, each at its
own moment, so the effects depend on the inputs and their moments alone and never on how often somebody calls
`advance`. That is what makes a recorded session replay to the same effects.

A session belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from jamlink.errors import Fault, Nonsense
from jamlink.midi.actions import Action
from jamlink.music.key import Key
from jamlink.session import edits, refusals, steering
from jamlink.session import effects as fx
from jamlink.session import inputs as gestures
from jamlink.session import snapshot as views
from jamlink.session.accompany import Accompaniment
from jamlink.session.along import Settled, as_candidate
from jamlink.session.around import Around
from jamlink.session.conductor import Conductor
from jamlink.session.deeds import Deed, Lay
from jamlink.session.effects import Effect, Recorded, Verdict
from jamlink.session.following import Alone, Along, GoTo, Halt, Join, Move, Pace
from jamlink.session.inputs import Input, Mode, Repeat
from jamlink.session.journal import Journal
from jamlink.session.listener import Listener
from jamlink.session.ours import Ours
from jamlink.session.outbox import Outbox
from jamlink.session.planner import Playing, messages_of, plan, preview_messages
from jamlink.session.proposal import (
    Controls,
    Hand,
    Happening,
    Proposal,
    ProposalRequest,
    Role,
    Slot,
    State,
    next_state,
)
from jamlink.session.settings import SessionSettings
from jamlink.session.showing import Showing
from jamlink.session.stand import (
    AFTER,
    Placed,
    Stage,
    Stand,
    ask_answer_at,
    ask_at,
    decide_by,
    is_offered,
    last_call,
    moved,
    taken_effect,
)
from jamlink.session.steering import STEPS, SWITCHES, changed, steered, toggled
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Tempo, Ticks, ms

START_LEAD = ms(60)
"""Between the start gesture and the first beat, so that the first click is promised in time."""
PREVIEW_LEAD = ms(60)
RELEASE_BATCH = ms(50)
"""How far past the commit horizon a release reaches, so that dense music is not released note by note."""
STAND_IN_ROOM = ms(100)
"""Before the last call: a model that has no idea by then leaves time for the stand-in to have one."""
PREPARE_AFTER = ms(30)
"""Between something that changes what would be asked for and the word to the model: a chord's notes count as one."""
PREPARE_EVERY = ms(100)
"""The least between two such words."""
_HEARING, _PREPARING = "hearing", "preparing"
"""What was being done, where a mistake in it touches less than everything."""
BROKE = "Something in jamlink went wrong: its ideas begin anew. Your own playing is not touched."

PLAYER = "player"
MACHINE = "jamlink"


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
        self._stand = Stand(self._slot_after(Ticks(0)))
        self._ours = Ours()
        self._model: gestures.ProposerIs | None = None
        self._ids = fx.FIRST_PROPOSAL
        self._rechecked = False
        self._missed = 0
        self._asked_key: Key | None = None
        self._prepare_at: Ns | None = None
        self._prepared_at = Ns(now - PREPARE_EVERY)
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
            self._release()
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
        stand, meter, key = self._stand, self._transport.meter, self._listener.key
        return views.Snapshot(
            clock=views.clock_view(self._transport, self._conductor.following.view),
            key=str(key) if key else "",
            chord=views.heard_chord(self._listener),
            sounding=self._listener.sounding,
            asking=stand.request is not None,
            hand=self._showing.hand(stand, meter, key),
            taken=self._showing.placed("taken", stand.taken, meter, key),
            playing=self._showing.placed("playing", stand.playing, meter, key),
            coming=self._coming(),
            steering=views.steering_view(self._settings, self._controls, self._listener.locked_key),
            model=self._model.name if self._model and self._model.present else "",
            missed=self._missed,
            decision=self._journal.decision,
            notices=tuple(self._journal.notices),
            channels=views.channels_view(self._settings.channels),
            disabled=refusals.disabled(self._situation()),
            accompany=self._accompany_view(),
        )

    def state(self) -> dict[str, Any]:
        """The snapshot and what is remembered (see `chronicle`), as plain data that must not be changed: what is as it
        was is the same object as before."""
        arranged = self._showing.arranged(self._stand, self._controls.density, self._how_to_play)
        return {
            **self._showing.plain(self.snapshot()),
            **self._journal.chronicle.sections(self._around()),
            "arranged": arranged,
        }

    def why_not(self, control: str) -> str:
        """Why `control` (see `refusals`) may not be used now, in a sentence; empty where it may."""
        return refusals.why_not(control, self._situation())

    def _coming(self) -> tuple[tuple[int, str], ...]:
        """Our chords that are promised."""
        stand, key = self._stand, self._listener.key
        if self._accompanies:
            return views.promised_chords(self._accompany, self._around(), key)
        return views.coming_chords((stand.playing, stand.taken), self._tick(), key)

    def _accompany_view(self) -> views.AccompanyView | None:
        around = self._around()
        return views.accompany_view(self._accompany, around, self._listener.key) if self._accompanies else None

    def _situation(self) -> refusals.Situation:
        stand = self._stand
        return refusals.Situation(
            playing=self._transport.playing,
            hand=stand.hand,
            selected=stand.selected,
            too_late=stand.stage is Stage.CLOSED,
            asking=stand.request is not None,
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
            due, run = min(self._deadlines(), key=lambda item: item[0], default=(None, None))
            if due is None or run is None or due > to:
                break
            self._now = max(self._now, due)
            self._at_work = _PREPARING if run == self._prepare else ""
            run()
        self._at_work = ""
        self._now = max(self._now, to)

    def _deadlines(self) -> Iterator[tuple[Ns, Callable[[], None]]]:
        """Everything that falls due by itself; at one moment, in this order."""
        line, stand = self._transport.timeline, self._stand
        due = self._outbox.next_due(line)
        if due is not None:
            yield Ns(due - self._settings.horizon), self._release
        if stand.request is not None:
            yield stand.request.deadline, self._expire
        if self._prepare_at is not None:
            yield self._prepare_at, self._prepare
        if self._conductor.following.meet_at is not None:
            yield self._conductor.following.meet_at, self._meet
        if stand.playing is not None:
            yield line.ns_at(stand.playing.end), self._play_out
        if not self._transport.playing:
            return
        if stand.taken is not None:
            yield line.ns_at(stand.taken.start), self._take_over
        yield self._conductor.clicks_due(self._settings.horizon), self._lay_clicks
        pulses = self._conductor.pulses_due(self._settings.horizon)
        if pulses is not None:
            yield pulses, self._lay_pulses
        if self._accompanies:
            yield from self._along_deadlines(line)
            return
        yield line.ns_at(self._stage_tick()), self._next_stage
        if stand.stage is Stage.OPEN and not self._rechecked:
            yield line.ns_at(Ticks(stand.slot.start - self._transport.meter.bar_ticks)), self._recheck
        if stand.playing is not None and self._goes_round(stand.playing):
            yield line.ns_at(last_call(stand.playing.end, self._transport.meter, line)), self._loop

    def _along_deadlines(self, line: Timeline) -> Iterator[tuple[Ns, Callable[[], None]]]:
        along = self._accompany
        if along.deadline is not None:
            yield along.deadline, self._expire_chords
        due = along.due(line, self._transport.meter, self._settings.accompany)
        yield due, lambda: self._carry_out(along.decide(self._around()))

    def _stage_tick(self) -> Ticks:
        stand, meter, line = self._stand, self._transport.meter, self._transport.timeline
        if stand.stage is Stage.CLOSED:
            return stand.slot.start
        if stand.stage is Stage.OPEN:
            return decide_by(stand.slot, meter, line)
        if self._settings.mode is Mode.TRADE:
            return ask_answer_at(stand.slot, meter, line)
        return ask_at(stand.slot, meter)

    def _next_stage(self) -> None:
        run = {Stage.WAITING: self._open, Stage.OPEN: self._close, Stage.CLOSED: self._begin}[self._stand.stage]
        self._stand.stage = AFTER[self._stand.stage]
        run()

    def _release(self) -> None:
        """Promise what the commit horizon has reached."""
        until = Ns(self._now + self._settings.horizon + RELEASE_BATCH)
        released = self._outbox.release(self._transport.timeline, until, self._now)
        if not released:
            return
        self._emit(fx.Send(tuple(released)))
        for timed in released:
            message = timed.message
            if message.owner == fx.CLOCK_OUT:
                continue
            self._record(fx.Sent(timed.due, message.at, message.data, message.out, message.owner))
            self._first_note(message.owner)

    def _first_note(self, owner: int) -> None:
        taken = self._stand.taken
        if taken and taken.proposal.id == owner and taken.proposal.state is State.SCHEDULED:
            self._stand.taken = replace(taken, proposal=self._move(taken.proposal, Happening.FIRST_NOTE))

    def _lay_clicks(self) -> None:
        self._carry_out(self._conductor.lay_clicks(self._settings))

    def _lay_pulses(self) -> None:
        self._carry_out(self._conductor.lay_pulses())

    # -- slots --------------------------------------------------------------------------------------------------------

    def _slot_after(self, tick: Ticks) -> Slot:
        """The first slot that starts after `tick`. The first bars of a run, and of a trade, are the player's."""
        bar, bars = self._transport.meter.bar_ticks, self._settings.bars
        trading = self._settings.mode is Mode.TRADE
        first, period = bars * bar, (2 if trading else 1) * bars * bar
        turns = max(0, (tick - first) // period + 1)
        return Slot(Ticks(first + turns * period), bars, bar)

    def _slot_following(self, tick: Ticks) -> Slot:
        """The first slot after `tick` that begins when what plays is over: only the end of a round is cut short."""
        playing = self._stand.playing
        return self._slot_after(Ticks(max(tick, playing.end - 1 if playing else tick)))

    @property
    def _transport(self) -> Transport:
        return self._conductor.transport

    def _tick(self) -> Ticks:
        return self._transport.tick(self._now)

    def _open(self) -> None:
        self._rechecked = self._settings.mode is Mode.TRADE
        if self._stand.hand is None and self._stand.request is None:
            self._ask()

    def _close(self) -> None:
        """The last moment for this slot: where the player asked for that, the best of the hand is taken by itself."""
        stand, settings = self._stand, self._settings
        keeps_going = settings.mode is Mode.TRADE or settings.repeat is Repeat.ROLL
        free = not self._is_filled(stand.slot.start) and not stand.hands_off
        if keeps_going and free and stand.choice is not None and is_offered(stand.choice):
            self._take(stand.choice, stand.slot.start, MACHINE, "keep going")

    def _is_filled(self, tick: Ticks) -> bool:
        """Whether something of ours sounds from `tick` on, or was taken for it."""
        taken, playing = self._stand.taken, self._stand.playing
        return bool((taken and taken.start == tick) or (playing and playing.end > tick))

    def _goes_round(self, playing: Placed) -> bool:
        """Whether what plays begins again when it is over."""
        loops = self._settings.mode is Mode.PROPOSE and self._settings.repeat is not Repeat.ONCE
        return loops and not self._is_filled(playing.end)

    def _loop(self) -> None:
        assert self._stand.playing is not None
        again = replace(self._stand.playing, start=self._stand.playing.end)
        self._stand.playing = again
        self._place(again)

    def _begin(self) -> None:
        """A slot begins: what was not taken has lapsed, and the next slot comes into view."""
        stand, following = self._stand, self._slot_following(self._stand.slot.start)
        if stand.request is not None:
            self._emit(fx.CancelRequest(stand.request.id))
            self._life(stand.request.id, State.REQUESTED, Happening.DEADLINE)
        if stand.hand is not None and stand.rolled is not None:
            index, via = stand.rolled
            self._take(stand.hand.proposals[index], following.start, PLAYER, via)
        if stand.hand is not None:
            self._let_go(Happening.SLOT_BEGAN, Verdict.LET_PASS, MACHINE, "slot began")
        stand.next_slot(following)
        self._soon()
        self._emit(fx.Publish())

    def _take_over(self) -> None:
        """What was taken is now what plays."""
        stand = self._stand
        assert stand.taken is not None
        taken = stand.taken
        if taken.proposal.state is State.SCHEDULED:
            taken = replace(taken, proposal=self._move(taken.proposal, Happening.FIRST_NOTE))
        if stand.playing is not None:
            self._move(stand.playing.proposal, Happening.REPLACE)
        stand.playing, stand.taken = taken, None
        self._emit(fx.Publish())

    def _play_out(self) -> None:
        """What played is over (a loop has been given a new start before this)."""
        playing = self._stand.playing
        assert playing is not None
        if not (self._stand.taken and self._stand.taken.start == playing.end):
            self._move(playing.proposal, Happening.LAST_NOTE)
            self._stand.playing = None
            self._emit(fx.Publish())
        else:
            self._take_over()

    def _recheck(self) -> None:
        """A bar before its slot, a hand made in another key than the player is in now is dealt anew; one that the
        player has worked on stays."""
        self._rechecked = True
        hand, context_key = self._stand.hand, self._asked_key
        if hand is None or self._stand.taken is not None or self._listener.key == context_key:
            return
        if any(proposal.edits for proposal in hand.proposals):
            return
        self._retire(Happening.LEFT_CONTEXT)
        self._ask()

    # -- asking -------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        stand = self._stand
        stand.deal += 1
        self._asked_key = self._listener.key
        request = self._request(self._next_id(), stand.deal, self._now)
        stand.request = request
        to_model = self._model is not None and self._model.present
        context = request.context.fingerprint
        who = "model" if to_model else "stand-in"
        self._record(fx.Asked(request.id, request.slot, who, context, request.seed, request.deadline))
        self._emit(fx.AskProposer(request) if to_model else fx.AskStandIn(request))

    def _soon(self) -> None:
        """What would be asked for has changed: tell the model soon, so that it is ready when it is asked."""
        if self._prepare_at is None:
            self._prepare_at = Ns(max(self._now + PREPARE_AFTER, self._prepared_at + PREPARE_EVERY))

    def _prepare(self) -> None:
        """Tell the model what it will be asked for next, as far as that is known now."""
        self._prepare_at, stand = None, self._stand
        to_model = self._model is not None and self._model.present
        if not to_model or stand.request is not None or stand.stage is Stage.CLOSED or self._accompanies:
            return
        self._prepared_at = self._now
        waits = self._transport.playing and stand.stage is Stage.WAITING
        at = self._transport.timeline.ns_at(self._stage_tick()) if waits else self._now
        self._emit(fx.Prepare(self._request(0, stand.deal + 1, Ns(max(at, self._now)))))

    def _request(self, number: int, deal: int, at: Ns) -> ProposalRequest:
        """The request for hand `deal` of the next slot as it is at `at`, when what is held now is held still."""
        settings, transport, stand = self._settings, self._transport, self._stand
        latest = transport.timeline.ns_at(decide_by(stand.slot, transport.meter, transport.timeline))
        patient = Ns(at + settings.patience)
        deadline = min(patient, max(at, Ns(latest - STAND_IN_ROOM))) if transport.playing else patient
        context = self._listener.context(
            at,
            settings.context_bars,
            transport.meter,
            transport.timeline.tempo,
            tuple(span for span in self._ours.chords if span.onset < stand.slot.start),
            tuple(self._ours.melody),
        )
        return ProposalRequest(
            id=number,
            slot=stand.slot,
            roles=settings.roles,
            context=context,
            controls=self._controls,
            seed=settings.seed * 1_000_003 + stand.slot.start // stand.slot.bar_ticks * 1_009 + deal,
            count=settings.hand,
            deadline=deadline,
            answer=settings.mode is Mode.TRADE,
            avoid=tuple(stand.refused),
        )

    def _expire(self) -> None:
        """No idea in time: the stand-in answers, and the screen says that it did."""
        request = self._stand.request
        assert request is not None
        self._missed += 1
        self._life(request.id, State.REQUESTED, Happening.DEADLINE)
        self._emit(fx.CancelRequest(request.id))
        self._stand.request = replace(request, deadline=Ns(request.deadline + self._settings.patience))
        self._record(
            fx.Asked(request.id, request.slot, "stand-in", request.context.fingerprint, request.seed, request.deadline)
        )
        self._emit(fx.AskStandIn(request))

    def _ideas(self, ideas: gestures.Ideas) -> None:
        request = self._stand.request
        if self._accompany.waits_for(ideas.request_id):
            self._expire_chords()
            return
        if request is None or request.id != ideas.request_id:
            return
        if ideas.candidates:
            self._deal(request, ideas)
        elif ideas.stand_in:
            self._stand.request = None
            self._notice("No ideas for these bars; play on, the next hand comes by itself.")
        else:
            self._emit(fx.AskStandIn(request))

    def _deal(self, request: ProposalRequest, ideas: gestures.Ideas) -> None:
        stand = self._stand
        model_missed = ideas.stand_in and self._model is not None and self._model.present
        proposals = tuple(Proposal(self._next_id(), request.slot, request.roles, c) for c in ideas.candidates)
        by = decide_by(request.slot, self._transport.meter, self._transport.timeline)
        stand.deal_hand(Hand(request.slot, proposals, by, stand.deal, model_missed))
        self._record(
            fx.Offered(
                request.id,
                request.slot,
                stand.deal,
                by,
                tuple(p.id for p in proposals),
                tuple(p.content.made_by for p in proposals),
                model_missed,
            )
        )
        self._emit(fx.Publish())
        self._soon()
        if stand.stage is Stage.CLOSED:
            self._close()

    def _proposer_is(self, news: gestures.ProposerIs) -> None:
        self._model = news
        if news.why:
            self._notice(news.why)
        if not news.present and self._stand.request is not None:
            self._expire()
        if not news.present and self._accompany.deadline is not None:
            self._expire_chords()
        self._soon()
        self._emit(fx.Publish())

    # -- hearing ------------------------------------------------------------------------------------------------------

    def _heard(self, heard: gestures.Heard) -> None:
        if self._listener.hear(heard.event):
            self._emit(fx.Publish())
            self._soon()
        if self._accompanies and self._accompany.wakes(self._around()) and self._listener.keys_down:
            self._at_work = ""
            self._carry_out(self._accompany.wake(self._around()))

    # -- playing along ------------------------------------------------------------------------------------------------

    @property
    def _accompanies(self) -> bool:
        return self._settings.mode is Mode.ACCOMPANY

    def _around(self) -> Around:
        present = self._model is not None and self._model.present
        return Around(self._now, self._transport, self._listener, self._settings, self._controls, present, self._ours)

    def _expire_chords(self) -> None:
        """No chords in time: the stand-in answers."""
        self._missed += 1
        self._carry_out(self._accompany.expire(self._around()))

    def _foreseen(self, answer: gestures.Foreseen) -> None:
        if self._accompanies:
            self._carry_out(self._accompany.foreseen(answer, self._around()))

    def _not_that_chord(self, via: str) -> None:
        now = self._accompany.sounding(self._around())
        assert now is not None
        self._decided(self._along_proposal((now,), now.owner), Verdict.REJECTED, PLAYER, via)
        self._carry_out(self._accompany.reject(self._around()))

    def _go_round(self, via: str) -> None:
        bars = self._accompany.whole_bars(self._around())
        self._decided(self._along_proposal(bars, self._next_id()), Verdict.ACCEPTED, PLAYER, via)
        self._carry_out(self._accompany.accept(self._around()))

    def _along_proposal(self, settled: Sequence[Settled], id: int) -> Proposal:
        """Beats of the accompaniment as an idea of whole bars, for a decision about them."""
        meter = self._transport.meter
        bars = max(1, len(settled) // meter.beats)
        slot = Slot(Ticks(settled[0].beat // meter.beats * meter.bar_ticks), bars, meter.bar_ticks)
        return Proposal(id, slot, frozenset({Role.CHORDS}), as_candidate(settled, meter, slot.start))

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _accept(self, via: str) -> None:
        self._take_choice(self._stand.selected, via)

    def _take_choice(self, index: int, via: str) -> None:
        if self._refuses(refusals.why_not_take(self._situation(), index)):
            return
        stand, slot = self._stand, self._stand.slot
        assert stand.hand is not None
        proposal = stand.hand.proposals[index]
        stand.selected = index
        if stand.stage is not Stage.CLOSED:
            self._take(proposal, slot.start, PLAYER, via)
        elif stand.taken is not None and stand.taken.start == slot.start:
            stand.rolled = (index, via)
        else:
            self._take(proposal, self._slot_following(slot.start).start, PLAYER, via)

    def _take(self, proposal: Proposal, start: Ticks, actor: str, via: str) -> None:
        """Schedule `proposal` at `start`. Another idea already waiting there gives way."""
        self._withdraw_taken(Happening.REPLACE)
        proposal = replace(proposal, slot=replace(proposal.slot, start=start))
        taken = self._move(proposal, Happening.ACCEPT)
        self._swap_in_hand(taken)
        placed = Placed(taken, plan(taken, self._how_to_play()), start)
        self._stand.taken = placed
        self._stand.voicing = placed.plan.voicing
        self._decided(taken, Verdict.ACCEPTED, actor, via)
        self._emit(taken_effect(placed, self._transport, self._settings.channels, self._listener.key))
        self._place(placed)
        self._emit(fx.Publish())

    def _place(self, placed: Placed) -> None:
        """Put a plan into the outbox, and its harmony and melody into memory."""
        self._outbox.add(messages_of(placed.plan, placed.start, placed.proposal.id, self._settings.channels))
        self._ours.placed(placed.proposal.content, placed.start)

    def _how_to_play(self) -> Playing:
        feel = self._listener.feel(self._transport.meter, self._now)
        return Playing(
            self._transport.meter, feel, self._controls.density, self._settings.channels, self._stand.voicing
        )

    def _swap_in_hand(self, proposal: Proposal) -> None:
        """Show a proposal's new value in the hand, if it is there."""
        hand = self._stand.hand
        for index, old in enumerate(hand.proposals if hand else ()):
            if old.id == proposal.id:
                self._stand.swap(index, proposal)

    def _withdraw_taken(self, happening: Happening) -> None:
        """What waits to sound does not; its place in the hand gets the same idea under a new name."""
        taken = self._stand.taken
        if taken is None:
            return
        if taken.proposal.state is State.SOUNDING:
            happening = Happening.STOP if happening is Happening.STOP else Happening.UNDO
        old = self._move(taken.proposal, happening)
        self._end(fx.Cancel(old.id))
        self._ours.forget_from(taken.start)
        self._stand.taken = None
        hand = self._stand.hand
        if hand is not None and any(p.id == old.id for p in hand.proposals):
            index = [p.id for p in hand.proposals].index(old.id)
            self._stand.swap(index, replace(old, id=self._next_id(), state=State.OFFERED, slot=hand.slot))

    def _reject(self, via: str) -> None:
        assert self._stand.hand is not None
        offered = [p for p in self._stand.hand.proposals if is_offered(p)]
        self._stand.refused.extend(p.content for p in offered)
        self._let_go(Happening.REJECT, Verdict.REJECTED, PLAYER, via)
        self._deal_again()

    def _next_hand(self, via: str) -> None:
        if self._stand.hand is not None:
            self._retire(Happening.REPLACE)
        self._deal_again()

    def _deal_again(self) -> None:
        if self._stand.stage is Stage.CLOSED:
            self._notice(refusals.TOO_LATE)
            return
        self._stand.hands_off = False
        if self._stand.stage is Stage.WAITING and self._transport.playing:
            self._stand.stage = Stage.OPEN
            self._rechecked = self._settings.mode is Mode.TRADE
        self._ask()

    def _let_pass(self, via: str) -> None:
        self._let_go(Happening.SLOT_BEGAN, Verdict.LET_PASS, PLAYER, via)

    def _let_go(self, happening: Happening, verdict: Verdict, actor: str, via: str) -> None:
        """Every idea still offered leaves the stand with a verdict."""
        assert self._stand.hand is not None
        for proposal in filter(is_offered, self._stand.hand.proposals):
            self._decided(self._move(proposal, happening), verdict, actor, via)
        self._stand.clear_hand()
        self._emit(fx.Publish())

    def _retire(self, happening: Happening) -> None:
        """Every idea still offered leaves the stand without a verdict."""
        assert self._stand.hand is not None
        for proposal in filter(is_offered, self._stand.hand.proposals):
            self._move(proposal, happening)
        self._stand.clear_hand()
        self._emit(fx.Publish())

    def _undo(self, via: str) -> None:
        stand = self._stand
        if stand.rolled is not None:
            stand.rolled = None
            return
        if stand.taken is not None:
            undone, stand.hands_off = stand.taken.proposal, True
            self._withdraw_taken(Happening.UNDO)
        else:
            assert stand.playing is not None
            undone = stand.playing.proposal
            self._cut_playing(Happening.UNDO)
        self._decided(undone, Verdict.UNDONE, PLAYER, via)
        self._emit(fx.Publish())

    def _cut_playing(self, happening: Happening) -> None:
        playing = self._stand.playing
        if playing is None:
            return
        self._move(playing.proposal, happening)
        self._end(fx.Cancel(playing.proposal.id))
        self._ours.forget_from(self._tick())
        self._stand.playing = None
        if self._stand.stage is Stage.WAITING:
            self._stand.slot = self._slot_after(self._tick())

    def _decided(self, proposal: Proposal, verdict: Verdict, actor: str, via: str) -> None:
        content, edits, original = proposal.content, proposal.edits, proposal.original
        self._record(fx.Decided(proposal.id, verdict, actor, via, proposal.slot, content, edits, original))

    # -- edits --------------------------------------------------------------------------------------------------------

    def _edit(self, item: gestures.Edit) -> None:
        change = edits.asked_for(item, self._transport.meter)
        place = edits.place_of(item, self._stand.selected)
        if not self._refuses(refusals.why_not_change(self._situation(), place)):
            self._change_idea(place, change)

    def _change_idea(self, place: int, change: edits.Change) -> None:
        assert self._stand.hand is not None
        self._stand.swap(place, change.of(self._stand.hand.proposals[place]))
        self._emit(fx.Publish())

    # -- back from the history ----------------------------------------------------------------------------------------

    def _bring_back(self, item: gestures.BringBack) -> None:
        """What is on the stand gives way, and what was asked for is no longer wanted."""
        if self._refuses(self.why_not("bring_back")):
            return
        stand, meter = self._stand, self._transport.meter
        back = self._journal.chronicle.history.brought_back(item.idea, self._next_id(), stand.slot.start, meter)
        self._withdraw_request(Happening.LEFT_CONTEXT)
        if stand.hand is not None:
            self._retire(Happening.REPLACE)
        if self._transport.playing:
            stand.stage = Stage.OPEN
        self._rechecked, stand.hands_off = True, False
        stand.deal += 1
        by = decide_by(stand.slot, meter, self._transport.timeline)
        stand.deal_hand(Hand(back.slot, (back,), by, stand.deal))
        self._record(fx.Returned(back.id, item.idea))
        self._record(fx.Offered(0, back.slot, stand.deal, by, (back.id,), (back.content.made_by,), False))
        self._emit(fx.Publish())

    # -- preview ------------------------------------------------------------------------------------------------------

    def _preview(self, via: str) -> None:
        self._hear_idea(self._stand.selected)

    def _hear(self, item: gestures.Hear) -> None:
        self._hear_idea(item.index)

    def _hear_idea(self, index: int) -> None:
        if self._refuses(refusals.why_not_hear(self._situation(), index)):
            return
        self._stop_preview()
        assert self._stand.hand is not None
        choice = self._stand.hand.proposals[index]
        soon = self._transport.tick(Ns(self._now + PREVIEW_LEAD))
        beat = self._transport.meter.beat_ticks
        start = Ticks((soon // beat + 1) * beat) if self._transport.playing else Ticks(soon + 1)
        planned = plan(choice, self._how_to_play())
        self._outbox.add(preview_messages(planned, start, fx.PREVIEW, self._settings.channels))

    def _stop_preview(self) -> None:
        self._end(fx.Cancel(fx.PREVIEW))

    # -- transport ----------------------------------------------------------------------------------------------------

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
        self._retire_hand_and_request()
        self._stand.next_slot(self._slot_after(Ticks(max(0, first))))
        self._accompany.begin(self._around())
        self._carry_out(self._conductor.send_anew(self._now, first))
        self._clocked()

    def _stop(self) -> None:
        self._journal.chronicle.stopping(self._around())
        self._carry_out(self._accompany.stop(self._around()))
        self._retire_hand_and_request()
        self._withdraw_taken(Happening.STOP)
        self._cut_playing(Happening.STOP)
        self._end(fx.Silence())
        self._carry_out(self._conductor.send_end(self._now))
        self._conductor.stops()
        self._stand.next_slot(self._slot_after(Ticks(0)))
        self._clocked()

    def _retire_hand_and_request(self) -> None:
        self._withdraw_request(Happening.STOP)
        if self._stand.hand is not None:
            self._retire(Happening.STOP)

    def _withdraw_request(self, happening: Happening) -> None:
        request, self._stand.request = self._stand.request, None
        if request is not None:
            self._emit(fx.CancelRequest(request.id))
            self._life(request.id, State.REQUESTED, happening)

    def _panic(self, via: str) -> None:
        self._withdraw_taken(Happening.STOP)
        self._cut_playing(Happening.STOP)
        self._stand.rolled, self._stand.hands_off = None, True
        self._carry_out(self._accompany.silenced(self._around()))
        self._end(fx.Panic())
        self._carry_out(self._conductor.send_on(self._now))
        self._emit(fx.Publish())

    def _clear(self, via: str) -> None:
        """Forget the hand, what was refused and what loops; only while stopped."""
        self._stop()
        self._stand.refused.clear()

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
        self._replan_slots()
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

    def _meet(self) -> None:
        self._play_along(self._conductor.following.met().line)

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
            self._withdraw_taken(Happening.STOP)
            self._cut_playing(Happening.STOP)
        self._conductor.goes_along(move.line)
        self._listener.gone_to(self._now, move.line, move.by)
        self._ours.clear()
        for placed in self._stand.carried(move.by or Ticks(0), self._tick()):
            self._place(placed)
        self._retire_hand_and_request()
        self._stand.next_slot(self._slot_following(self._tick()))
        self._accompany.begin(self._around())
        self._click_from_here()
        self._carry_out(self._conductor.send_anew(self._now, self._tick()))
        self._clocked()

    def _click_from_here(self) -> None:
        self._carry_out(self._conductor.click_from(self._now, self._settings))
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

    def _lock_key(self, item: gestures.LockKey) -> None:
        self._listener.locked_key = item.key
        self._soon()
        self._emit(fx.Publish())

    def _change(self, settings: SessionSettings) -> None:
        before, self._settings = self._settings, settings
        if (before.bars, before.mode) != (settings.bars, settings.mode):
            self._replan_slots()
        self._soon()
        self._emit(fx.Publish())

    def _replan_slots(self) -> None:
        """The slots have changed their length or place: what was on the stand for the old ones goes."""
        self._retire_hand_and_request()
        taken = self._stand.taken
        now = self._tick() if self._transport.playing else 0
        after = max(0, now, taken.end - 1 if taken else 0)
        self._stand.next_slot(self._slot_following(Ticks(after)))

    # -- after a mistake of ours --------------------------------------------------------------------------------------

    def _recover(self, item: gestures.Recover) -> None:
        """As little as can be is lost: what was heard, where that is what broke; what the model would have been told;
        else everything on the stand, and what of ours sounds ends. The clock goes on."""
        if self._at_work == _HEARING:
            self._listener = Listener(self._listener.locked_key, self._transport.timeline)
        elif self._at_work != _PREPARING:
            self._begin_anew()
        self._prepare_at, self._at_work = None, ""
        self._notice(BROKE)

    def _begin_anew(self) -> None:
        """An empty stand before a slot that can still be asked for. Nothing that falls due now is left, so that a
        mistake which comes again comes once a bar at most."""
        for step in (self._retire_hand_and_request, self._withdraw_all, self._cut_all, self._cut_along):
            with suppress(Exception):  # what cannot be ended by the rules any more is dropped
                step()
        old, self._outbox, self._accompany = self._stand, Outbox(), Accompaniment(self._next_id)
        self._end(fx.Silence())
        self._stand = Stand(self._slot_after(self._tick() if self._transport.playing else Ticks(0)))
        self._stand.refused, self._rechecked = old.refused, False
        if self._transport.playing:
            self._accompany.take_up(self._around())
            while self._stage_tick() <= self._tick():
                self._stand.slot = self._slot_after(self._stand.slot.start)
            self._carry_out(self._conductor.take_up(self._now, self._settings.horizon))

    def _withdraw_all(self) -> None:
        self._withdraw_taken(Happening.STOP)

    def _cut_all(self) -> None:
        self._cut_playing(Happening.STOP)

    def _cut_along(self) -> None:
        self._carry_out(self._accompany.stop(self._around()))

    # -- small things -------------------------------------------------------------------------------------------------

    def _do(self, item: gestures.Do) -> None:
        action, via = item.action, item.via
        if self._refuses(self.why_not(action.value)):
            return
        if self._accompanies and action in self._ALONG:
            self._ALONG[action](self, via)
        elif action in edits.ACTIONS:
            self._change_idea(self._stand.selected, edits.ACTIONS[action](self._transport.meter))
        elif action in STEPS:
            self._steer(STEPS[action](self._controls))
        elif action in SWITCHES:
            self._change(SWITCHES[action](self._settings))
        else:
            self._ACTIONS[action](self, via)

    def _move(self, proposal: Proposal, happening: Happening) -> Proposal:
        after = moved(proposal, happening)
        self._record(fx.Moved(proposal.id, proposal.state, happening, after.state))
        return after

    def _life(self, request_id: int, state: State, happening: Happening) -> None:
        """The life of a request, which has no proposals yet."""
        self._record(fx.Moved(request_id, state, happening, next_state(state, happening)))

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _carry_out(self, deeds: Iterable[Deed]) -> None:
        """Do what a part of ours yields, each before it goes on."""
        for deed in deeds:
            match deed:
                case Lay(messages):
                    self._outbox.add(messages)
                case fx.Cancel() | fx.Silence() | fx.Panic():
                    self._end(deed)
                case fx.Notice(text):
                    self._journal.notice(text)
                case fx.Chorded():
                    self._record(deed)
                    self._ours.settled(deed)
                case fx.AskedChords() | fx.Moved():
                    self._record(deed)
                case fx.AskChords() | fx.AskChordsStandIn() | fx.Publish():
                    self._emit(deed)
                case _:
                    raise Fault(f"A part of the session cannot ask for {type(deed).__name__}.")

    def _end(self, effect: fx.Cancel | fx.Silence | fx.Panic) -> None:
        """Nothing of its owner (of anybody of ours) sounds any more, and what waits for it does not."""
        if isinstance(effect, fx.Cancel):
            self._outbox.cancel(effect.owner)
        else:
            self._outbox.clear()
        self._journal.end(effect, self._tick())

    def _record(self, value: Recorded) -> None:
        self._journal.record(value, self._around())
        if isinstance(value, fx.Offered) and self._stand.hand is not None:
            self._journal.chronicle.dealt(self._stand.hand, self._around())

    def _emit(self, effect: Effect) -> None:
        self._journal.emit(effect)

    def _notice(self, text: str) -> None:
        self._journal.notice(text)

    # -- tables -------------------------------------------------------------------------------------------------------

    def _select(self, via: str) -> None:
        hand = self._stand.hand
        assert hand is not None
        self._choose((self._stand.selected + 1) % len(hand.proposals))

    def _choose(self, index: int) -> None:
        self._stand.selected = index
        self._emit(fx.Publish())

    def _select_idea(self, item: gestures.Select) -> None:
        if not self._refuses(refusals.why_not_select(self._situation(), item.index)):
            self._choose(item.index)

    def _take_idea(self, item: gestures.Take) -> None:
        self._take_choice(item.index, item.via)

    def _toggle(self, wanted: Mode, via: str) -> None:
        self._set_mode(gestures.SetMode(toggled(self._settings.mode, wanted), via))

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
        gestures.Select: _select_idea,
        gestures.Hear: _hear,
        gestures.Take: _take_idea,
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
        Action.ACCEPT: _accept,
        Action.REJECT: _reject,
        Action.PICK_1: lambda self, via: self._take_choice(0, via),
        Action.PICK_2: lambda self, via: self._take_choice(1, via),
        Action.PICK_3: lambda self, via: self._take_choice(2, via),
        Action.PICK_4: lambda self, via: self._take_choice(3, via),
        Action.SELECT: _select,
        Action.NEXT_HAND: _next_hand,
        Action.PREVIEW: _preview,
        Action.UNDO: _undo,
        Action.LET_PASS: _let_pass,
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

    _ALONG: ClassVar[dict[Action, Callable[[Session, str], None]]] = {
        Action.ACCEPT: _go_round,
        Action.REJECT: _not_that_chord,
        Action.LOOP: lambda self, via: self._carry_out(self._accompany.hold(self._around())),
        Action.KEEP_GOING: lambda self, via: self._carry_out(self._accompany.hold(self._around())),
        Action.UNDO: lambda self, via: self._carry_out(self._accompany.release(self._around())),
    }
    """What some actions mean while jamlink accompanies."""
