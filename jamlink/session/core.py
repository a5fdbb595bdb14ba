"""The session: listens, asks, offers, takes decisions, plans what sounds. Pure; see `inputs` and `effects`.

Time only moves forward, by `handle` and `advance`. Both first run everything that falls due on the way, each at its
own moment, so the effects depend on the inputs and their moments alone and never on how often somebody calls
`advance`. That is what makes a recorded session replay to the same effects.

A session belongs to one thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any, ClassVar

from jamlink.errors import Fault, Nonsense
from jamlink.midi.actions import Action
from jamlink.music import edit
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pitch import pitch_name
from jamlink.session import effects as fx
from jamlink.session import inputs as gestures
from jamlink.session import refusals
from jamlink.session import snapshot as views
from jamlink.session.accompany import Accompaniment
from jamlink.session.along import Around, Deeds, Lay, Settled, as_candidate
from jamlink.session.chronicle import Chronicle, Scene
from jamlink.session.clock_out import ClockOut
from jamlink.session.effects import Effect, Record, Recorded, Verdict
from jamlink.session.following import Alone, Along, Following, GoTo, Halt, Join, Move, Pace
from jamlink.session.inputs import Click, Input, Mode, Repeat
from jamlink.session.listener import Listener
from jamlink.session.outbox import Outbox
from jamlink.session.planner import Playing, clicks, messages_of, plan, preview_messages
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
from jamlink.session.settings import (
    COUNT_IN_AFTER,
    NO_ROLE_TO_ACCOMPANY,
    SessionSettings,
    can_accompany,
    with_accompany,
    with_channels,
)
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
from jamlink.timing.meter import Meter
from jamlink.timing.tap import Taps
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Tempo, Ticks, bpm_of_tempo, ms, tempo_of_bpm

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
STEP = 0.1
"""How far one press of "bolder" or "denser" moves its control."""
BEAT_GRID = 4
"""A chord is moved by whole quarters of a beat."""
REMEMBERED_SPANS = 256
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
        self._transport = Transport(False, Timeline(settings.tempo, Ticks(0), now), settings.meter)
        self._listener = Listener(settings.key, self._transport.timeline)
        self._outbox = Outbox()
        self._accompany = Accompaniment(self._next_id)
        self._taps = Taps()
        self._controls = settings.controls
        self._stand = Stand(self._slot_after(Ticks(0)))
        self._ours: deque[ChordSpan] = deque(maxlen=REMEMBERED_SPANS)
        self._our_melody: deque[Note] = deque(maxlen=REMEMBERED_SPANS * 8)
        self._model: gestures.ProposerIs | None = None
        self._ids = fx.FIRST_PROPOSAL
        self._click_bar = 0
        self._following = Following(settings.tempo)
        self._clock_out = ClockOut() if settings.send_clock else None
        self._rechecked = False
        self._missed = 0
        self._asked_in: tuple[Key | None, Key | None] = None, None
        """The key of the last hand that was asked for, and the lock on it."""
        self._prepare_at: Ns | None = None
        self._prepared_at = Ns(now - PREPARE_EVERY)
        self._chronicle = Chronicle()
        self._showing = Showing()
        self._records = 0
        self._last_decision_record = 0
        self._notices: deque[str] = deque(maxlen=5)
        self._out: list[Effect] = []
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
        return self._drain()

    def advance(self, to: Ns) -> list[Effect]:
        """Let time pass up to and including `to`. Raises as `handle` does."""
        self._run_until(to)
        return self._drain()

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
        return self._following.own_tempo

    @property
    def timeline(self) -> Timeline:
        """The line that ties ticks to the clock now."""
        return self._transport.timeline

    def snapshot(self) -> views.Snapshot:
        """Everything a view shows, as one frozen value."""
        stand, meter, key = self._stand, self._transport.meter, self._listener.key
        return views.Snapshot(
            clock=views.clock_view(self._transport, self._following.view),
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
            decision=self._last_decision_record,
            notices=tuple(self._notices),
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
            **self._chronicle.sections(self._scene()),
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

    def _scene(self) -> Scene:
        return Scene(self._now, self._transport, self._listener.key, self._ours)

    def _situation(self) -> refusals.Situation:
        stand = self._stand
        return refusals.Situation(
            playing=self._transport.playing,
            hand=stand.hand,
            selected=stand.selected,
            too_late=stand.stage is Stage.CLOSED,
            asking=stand.request is not None,
            undoable=bool(stand.rolled or stand.taken or stand.playing),
            remembers=not self._chronicle.history.empty,
            along=self._accompany.standing(self._around()) if self._accompanies else None,
            leader=self._following.whose_tempo,
            led_bars=self._following.transports,
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
        if self._following.meet_at is not None:
            yield self._following.meet_at, self._meet
        if stand.playing is not None:
            yield line.ns_at(stand.playing.end), self._play_out
        if not self._transport.playing:
            return
        if stand.taken is not None:
            yield line.ns_at(stand.taken.start), self._take_over
        click_at = line.ns_at(self._transport.meter.bar_start(self._click_bar))
        yield Ns(click_at - 2 * self._settings.horizon), self._plan_clicks
        if self._clock_out is not None:
            yield Ns(line.ns_at(self._clock_out.until) - 2 * self._settings.horizon), self._plan_pulses
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
        yield due, lambda: self._along(along.decide(self._around()))

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

    def _plan_clicks(self) -> None:
        counting_in = self._click_bar < 0
        if self._settings.click is Click.ON or (counting_in and self._settings.click is Click.COUNT_IN):
            self._outbox.add(clicks(self._transport.meter, self._click_bar, self._settings.channels))
        self._click_bar += 1

    # -- our own clock, for others -------------------------------------------------------------------------------------

    def _plan_pulses(self) -> None:
        if self._clock_out is not None:
            self._outbox.add(self._clock_out.goes_on())

    def _send_clock_anew(self, first: Ticks) -> None:
        """Whoever follows us has to move, too; what we play goes on from `first`."""
        if self._clock_out is not None:
            self._outbox.cancel(fx.CLOCK_OUT)
            self._emit(fx.Cancel(fx.CLOCK_OUT))
            self._outbox.add(self._clock_out.begins(self._tick(), first))

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
        """A bar before its slot, a hand made in another key than the player is in now, or under another lock, is dealt
        anew; one that the player has worked on stays."""
        self._rechecked = True
        hand, keys = self._stand.hand, (self._listener.key, self._listener.locked_key)
        if hand is None or self._stand.taken is not None or keys == self._asked_in:
            return
        if any(proposal.edits for proposal in hand.proposals):
            return
        self._retire(Happening.LEFT_CONTEXT)
        self._ask()

    # -- asking -------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        stand = self._stand
        stand.deal += 1
        self._asked_in = self._listener.key, self._listener.locked_key
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
            tuple(span for span in self._ours if span.onset < stand.slot.start),
            tuple(self._our_melody),
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
            key=self._listener.locked_key,
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
            self._along(self._accompany.wake(self._around()))

    # -- playing along ------------------------------------------------------------------------------------------------

    @property
    def _accompanies(self) -> bool:
        return self._settings.mode is Mode.ACCOMPANY

    def _around(self) -> Around:
        present = self._model is not None and self._model.present
        return Around(self._now, self._transport, self._listener, self._settings, self._controls, present)

    def _along(self, deeds: Deeds) -> None:
        """Do what the accompaniment yields, in order."""
        for deed in deeds:
            match deed:
                case Lay(messages):
                    self._outbox.add(messages)
                case fx.Notice(text):
                    self._notice(text)
                case fx.Cancel(owner):
                    self._outbox.cancel(owner)
                    self._emit(deed)
                case fx.AskChords() | fx.AskChordsStandIn() | fx.Publish():
                    self._emit(deed)
                case fx.Chorded() | fx.AskedChords() | fx.Moved():
                    self._record(deed)
                    self._remember_harmony(deed)
                case _:
                    raise Fault(f"The accompaniment cannot {type(deed).__name__}.")

    def _remember_harmony(self, deed: Recorded) -> None:
        if not isinstance(deed, fx.Chorded) or deed.chord is None:
            return
        last = self._ours[-1] if self._ours else None
        if last is not None and last.chord == deed.chord and last.end == deed.at:
            self._ours[-1] = replace(last, duration=Ticks(last.duration + deed.duration))
        else:
            self._ours.append(ChordSpan(deed.at, deed.duration, deed.chord))

    def _expire_chords(self) -> None:
        """No chords in time: the stand-in answers."""
        self._missed += 1
        self._along(self._accompany.expire(self._around()))

    def _foreseen(self, answer: gestures.Foreseen) -> None:
        if self._accompanies:
            self._along(self._accompany.foreseen(answer, self._around()))

    def _not_that_chord(self, via: str) -> None:
        now = self._accompany.sounding(self._around())
        assert now is not None
        self._decided(self._along_proposal((now,), now.owner), Verdict.REJECTED, PLAYER, via)
        self._along(self._accompany.reject(self._around()))

    def _go_round(self, via: str) -> None:
        bars = self._accompany.whole_bars(self._around())
        self._decided(self._along_proposal(bars, self._next_id()), Verdict.ACCEPTED, PLAYER, via)
        self._along(self._accompany.accept(self._around()))

    def _along_proposal(self, settled: Sequence[Settled], id: int) -> Proposal:
        """Beats of the accompaniment as an idea of whole bars, for a decision about them."""
        meter = self._transport.meter
        bars = max(1, len(settled) // meter.beats)
        slot = Slot(Ticks(settled[0].beat // meter.beats * meter.bar_ticks), bars, meter.bar_ticks)
        return Proposal(id, slot, frozenset({Role.CHORDS}), as_candidate(settled, meter, slot.start))

    def _toggle_accompany(self, via: str) -> None:
        self._set_mode(gestures.SetMode(Mode.PROPOSE if self._accompanies else Mode.ACCOMPANY, via))

    def _set_accompany(self, item: gestures.SetAccompany) -> None:
        self._change(accompany=with_accompany(self._settings.accompany, item.name, item.value))

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
        self._ours.extend(span.shifted(placed.start) for span in placed.proposal.content.chords)
        self._our_melody.extend(note.shifted(placed.start) for note in placed.proposal.content.melody)

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
        self._outbox.cancel(old.id)
        self._emit(fx.Cancel(old.id))
        self._forget_after(taken.start)
        self._stand.taken = None
        hand = self._stand.hand
        if hand is not None and any(p.id == old.id for p in hand.proposals):
            index = [p.id for p in hand.proposals].index(old.id)
            self._stand.swap(index, replace(old, id=self._next_id(), state=State.OFFERED, slot=hand.slot))

    def _forget_after(self, tick: Ticks) -> None:
        """Our own harmony and melody from `tick` on will not sound after all."""
        self._ours = deque((s for s in self._ours if s.onset < tick), maxlen=REMEMBERED_SPANS)
        self._our_melody = deque((n for n in self._our_melody if n.onset < tick), maxlen=self._our_melody.maxlen)

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
        self._outbox.cancel(playing.proposal.id)
        self._emit(fx.Cancel(playing.proposal.id))
        self._forget_after(self._tick())
        self._stand.playing = None
        if self._stand.stage is Stage.WAITING:
            self._stand.slot = self._slot_after(self._tick())

    def _decided(self, proposal: Proposal, verdict: Verdict, actor: str, via: str) -> None:
        content, edits, original = proposal.content, proposal.edits, proposal.original
        decided = fx.Decided(proposal.id, verdict, actor, via, proposal.slot, content, edits, original)
        self._record(decided, durable=True)
        self._last_decision_record = self._records

    # -- edits --------------------------------------------------------------------------------------------------------

    def _edit(self, index: int | None, words: str, change: Callable[[edit.Content], edit.Content]) -> None:
        """Change the idea in place `index` of the hand, the selected one where that is None."""
        place = self._stand.selected if index is None else index
        if self._refuses(refusals.why_not_change(self._situation(), place)):
            return
        assert self._stand.hand is not None
        proposal = self._stand.hand.proposals[place]
        old = proposal.content
        new = change(edit.Content(old.chords, old.melody, old.bass))
        content = replace(old, chords=new.chords, melody=new.melody, bass=new.bass)
        edits, original = (*proposal.edits, words), proposal.original or old
        self._stand.swap(place, replace(proposal, content=content, edits=edits, original=original))
        self._emit(fx.Publish())

    def _replace_chord(self, item: gestures.ReplaceChord) -> None:
        chord = parse_chord(item.symbol)
        words = f"chord {item.index + 1} became {item.symbol}"
        self._edit(item.idea, words, lambda content: edit.with_chord(content, item.index, chord))

    def _move_chord(self, item: gestures.MoveChord) -> None:
        ticks = Ticks(round(item.beats * BEAT_GRID) * self._transport.meter.beat_ticks // BEAT_GRID)
        words = f"chord {item.index + 1} moved by {item.beats:+g} beats"
        self._edit(item.idea, words, lambda content: edit.with_chord_moved(content, item.index, ticks))

    def _edit_note(self, item: gestures.EditNote) -> None:
        became = "left out" if item.pitch is None else f"became {pitch_name(item.pitch)}"
        change = f"note {item.note + 1} {became}"
        self._edit(item.index, change, lambda content: edit.with_note(content, item.note, item.pitch))

    # -- back from the history ----------------------------------------------------------------------------------------

    def _bring_back(self, item: gestures.BringBack) -> None:
        """What is on the stand gives way, and what was asked for is no longer wanted."""
        if self._refuses(self.why_not("bring_back")):
            return
        stand, meter = self._stand, self._transport.meter
        back = self._chronicle.history.brought_back(item.idea, self._next_id(), stand.slot.start, meter)
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
        self._outbox.cancel(fx.PREVIEW)
        self._emit(fx.Cancel(fx.PREVIEW))

    # -- transport ----------------------------------------------------------------------------------------------------

    def _start_if_stopped(self, via: str) -> None:
        if not self._transport.playing:
            self._play_stop(via)

    def _stop_if_playing(self, via: str) -> None:
        if self._transport.playing:
            self._play_stop(via)

    def _play_stop(self, via: str) -> None:
        following = self._following
        if self._transport.playing:
            following.stopped(by_player=True)
            self._stop()
        elif not following.transports:
            self._play(Ns(self._now + START_LEAD), self._settings.count_in)
        elif following.rolls:
            self._join(following.joins())
        else:
            self._notice(f"Press play there: the {following.view.source} starts and stops jamlink.")

    def _play(self, at: Ns, count_in: int) -> None:
        """Start at `at`, or at the next beat of a tempo that leads."""
        first = Ticks(-count_in * self._transport.meter.bar_ticks)
        line = self._following.line_from(first, at, self._transport)
        self._transport = self._transport.along(line)
        self._begin_run(line.ns_at(first), first)

    def _begin_run(self, at: Ns, first: Ticks) -> None:
        """The clock runs from `at`, where it is at `first`."""
        self._outbox.clear()
        self._emit(fx.Silence())
        self._following.placed()
        self._listener.forget(at, self._transport.timeline)
        self._ours.clear()
        self._our_melody.clear()
        self._click_bar = self._transport.meter.at(first).bar
        self._retire_hand_and_request()
        self._stand.next_slot(self._slot_after(Ticks(max(0, first))))
        self._accompany.begin(self._around())
        self._send_clock_anew(first)
        self._clocked()

    def _stop(self) -> None:
        self._chronicle.stopping(self._scene())
        self._along(self._accompany.stop(self._around()))
        self._retire_hand_and_request()
        self._withdraw_taken(Happening.STOP)
        self._cut_playing(Happening.STOP)
        self._outbox.clear()
        self._emit(fx.Silence())
        if self._transport.playing and self._clock_out is not None:
            self._outbox.add(self._clock_out.ends(self._tick()))
        self._following.stopped(by_player=False)
        self._transport = self._transport.stopped()
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
        self._along(self._accompany.silenced(self._around()))
        self._outbox.clear()
        self._emit(fx.Panic())
        if self._transport.playing and self._clock_out is not None:
            self._outbox.add(self._clock_out.goes_on_from(self._tick()))
        self._emit(fx.Publish())

    def _clear(self, via: str) -> None:
        """Forget the hand, what was refused and what loops; only while stopped."""
        self._stop()
        self._stand.refused.clear()

    def _tap(self, via: str) -> None:
        self._taps = self._taps.tapped(self._now)
        beat = self._taps.beat
        if beat is not None:
            meter_beat_quarters = self._transport.meter.beat_ticks / 960
            self._set_bpm(60e9 / beat * meter_beat_quarters, gestures.Source.TAP)

    def _feel(self, factor: float) -> None:
        """Half or double time; where the tempo is found in the playing, who finds it was told so."""
        if not self._following.finds_tempo:
            self._set_bpm(bpm_of_tempo(self._transport.timeline.tempo) * factor, gestures.Source.OWN)

    def _this_is_one(self, via: str) -> None:
        if not self._transport.playing:
            self._play(self._now, 0)
            return
        line = self._following.one_at(self._transport.timeline, self._now, self._transport.meter.bar_ticks)
        self._transport = self._transport.along(line)
        self._along(self._accompany.interrupted(self._around()))
        self._outbox.skip(self._tick())
        self._send_clock_anew(self._tick())
        self._click_bar = max(self._click_bar, self._transport.meter.at(self._tick()).bar)
        self._clocked()

    def _set_tempo(self, item: gestures.SetTempo) -> None:
        if not self._refuses(self.why_not("tempo")):
            self._set_bpm(item.bpm, gestures.Source.OWN)

    def _set_bpm(self, bpm: float, by: gestures.Source) -> None:
        tempo = tempo_of_bpm(bpm)
        self._following.set_by_hand(tempo, by)
        if tempo != self._transport.timeline.tempo:
            self._transport = self._transport.with_tempo(tempo, self._now)
            self._clocked()

    def _set_meter(self, item: gestures.SetMeter) -> None:
        if self._refuses(self.why_not("meter")):
            return
        self._transport = self._transport.with_meter(item.meter)
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
        for move in self._following.hear(item, self._transport, self._now):
            self._MOVES[type(move)](self, move)
        self._emit(fx.Publish())

    def _play_along(self, move: Along) -> None:
        self._transport = self._transport.along(move.line)
        self._clocked()

    def _meet(self) -> None:
        self._play_along(self._following.met())

    def _keep_pace(self, move: Pace) -> None:
        self._transport = self._transport.with_tempo(move.tempo, self._now)
        self._clocked()

    def _join(self, move: Join) -> None:
        self._transport = self._transport.along(move.line)
        self._begin_run(self._now, self._tick())
        self._click_from_here()

    def _go_to(self, move: GoTo) -> None:
        """What plays and what was taken goes along where it can; an accompaniment begins anew."""
        self._along(self._accompany.stop(self._around()))
        self._outbox.clear()
        self._emit(fx.Silence())
        if move.by is None:
            self._withdraw_taken(Happening.STOP)
            self._cut_playing(Happening.STOP)
        self._transport = self._transport.along(move.line)
        self._listener.gone_to(self._now, move.line, move.by)
        self._ours.clear()
        self._our_melody.clear()
        for placed in self._stand.carried(move.by or Ticks(0), self._tick()):
            self._place(placed)
        self._retire_hand_and_request()
        self._stand.next_slot(self._slot_following(self._tick()))
        self._accompany.begin(self._around())
        self._click_from_here()
        self._send_clock_anew(self._tick())
        self._clocked()

    def _click_from_here(self) -> None:
        self._click_bar = self._transport.meter.at(self._tick()).bar
        self._plan_clicks()
        self._outbox.skip(self._tick())

    # -- steering -----------------------------------------------------------------------------------------------------

    def _turn(self, item: gestures.Turn) -> None:
        names = {f.name for f in fields(Controls)} - {"style"}
        if item.control not in names:
            raise Nonsense(f"There is no control called {item.control!r}.", f"Use one of {', '.join(sorted(names))}.")
        change: dict[str, Any] = {item.control: min(1.0, max(0.0, item.value))}
        self._controls = replace(self._controls, **change)
        self._soon()
        self._emit(fx.Publish())

    def _step(self, control: str, by: float) -> None:
        self._turn(gestures.Turn(control, getattr(self._controls, control) + by, ""))

    def _set_bars(self, item: gestures.SetBars) -> None:
        self._change(bars=item.bars)

    def _set_roles(self, item: gestures.SetRoles) -> None:
        if self._accompanies and not can_accompany(item.roles):
            raise Nonsense(*NO_ROLE_TO_ACCOMPANY)
        self._change(roles=item.roles)

    def _set_repeat(self, item: gestures.SetRepeat) -> None:
        self._change(repeat=item.repeat)

    def _set_mode(self, item: gestures.SetMode) -> None:
        """What accompanies plays what it has promised; what plays does so to its end before it is accompanied."""
        if item.mode is self._settings.mode:
            return
        if item.mode is Mode.ACCOMPANY and not can_accompany(self._settings.roles):
            raise Nonsense(*NO_ROLE_TO_ACCOMPANY)
        if self._accompanies:
            self._along(self._accompany.leave(self._around()))
        self._change(mode=item.mode)
        if self._accompanies:
            self._accompany.begin(self._around())
            for placed in filter(None, (self._stand.playing, self._stand.taken)):
                self._accompany.wait_until(placed.end, self._transport.meter)

    def _lock_key(self, item: gestures.LockKey) -> None:
        self._listener.locked_key = item.key
        self._soon()
        self._emit(fx.Publish())

    def _set_style(self, item: gestures.SetStyle) -> None:
        self._controls = replace(self._controls, style=item.style)
        self._soon()
        self._emit(fx.Publish())

    def _set_channels(self, item: gestures.SetChannels) -> None:
        self._change(channels=with_channels(self._settings.channels, item.channels))

    def _change(self, **changes: Any) -> None:
        slots_before = (self._settings.bars, self._settings.mode)
        self._settings = replace(self._settings, **changes)
        if slots_before != (self._settings.bars, self._settings.mode):
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
        self._emit(fx.Silence())
        self._stand = Stand(self._slot_after(self._tick() if self._transport.playing else Ticks(0)))
        self._stand.refused, self._rechecked = old.refused, False
        if self._transport.playing:
            self._accompany.take_up(self._around())
            while self._stage_tick() <= self._tick():
                self._stand.slot = self._slot_after(self._stand.slot.start)
            self._click_bar = self._first_bar_after(Ns(self._now + 2 * self._settings.horizon))
            if self._clock_out is not None:
                self._outbox.add(self._clock_out.goes_on_from(self._tick()))

    def _withdraw_all(self) -> None:
        self._withdraw_taken(Happening.STOP)

    def _cut_all(self) -> None:
        self._cut_playing(Happening.STOP)

    def _cut_along(self) -> None:
        self._along(self._accompany.stop(self._around()))

    def _first_bar_after(self, moment: Ns) -> int:
        return self._transport.meter.at(self._transport.tick(moment)).bar + 1

    # -- small things -------------------------------------------------------------------------------------------------

    def _do(self, item: gestures.Do) -> None:
        if not self._refuses(self.why_not(item.action.value)):
            actions = {**self._ACTIONS, **self._ALONG} if self._accompanies else self._ACTIONS
            actions[item.action](self, item.via)

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

    def _notice(self, text: str) -> None:
        self._notices.append(text)
        self._emit(fx.Notice(text))
        self._emit(fx.Publish())

    def _record(self, value: Recorded, durable: bool = False) -> None:
        self._records += 1
        self._emit(Record(self._now, value, durable))
        self._chronicle.recorded(value, self._scene())
        if isinstance(value, fx.Offered) and self._stand.hand is not None:
            self._chronicle.dealt(self._stand.hand, self._scene())

    def _emit(self, effect: Effect) -> None:
        self._out.append(effect)
        if isinstance(effect, fx.Cancel | fx.Silence | fx.Panic):
            self._chronicle.ended(effect.owner if isinstance(effect, fx.Cancel) else None, self._tick())

    def _drain(self) -> list[Effect]:
        out, self._out = self._out, []
        return out

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

    def _next_click(self, via: str) -> None:
        self._change(click=_CLICK_AFTER[self._settings.click])

    def _toggle_repeat(self, wanted: Repeat) -> None:
        self._change(repeat=Repeat.ONCE if self._settings.repeat is wanted else wanted)

    def _next_count_in(self, via: str) -> None:
        self._change(count_in=COUNT_IN_AFTER[self._settings.count_in])

    def _toggle_trade(self, via: str) -> None:
        mode = Mode.PROPOSE if self._settings.mode is Mode.TRADE else Mode.TRADE
        self._set_mode(gestures.SetMode(mode, via))

    def _transpose(self, semitones: int) -> None:
        self._edit(None, f"moved {semitones:+d}", lambda content: edit.transpose(content, semitones))

    def _invert(self, via: str) -> None:
        self._edit(None, "inverted", edit.invert)

    def _simplify(self, via: str) -> None:
        meter = self._transport.meter
        self._edit(None, "simplified", lambda content: edit.simplify(content, meter))

    _HANDLERS: ClassVar[dict[type, Callable[[Session, Any], None]]] = {
        gestures.Heard: _heard,
        gestures.Do: _do,
        gestures.Turn: _turn,
        gestures.SetTempo: _set_tempo,
        gestures.SetMeter: _set_meter,
        gestures.SetBars: _set_bars,
        gestures.SetRoles: _set_roles,
        gestures.LockKey: _lock_key,
        gestures.SetRepeat: _set_repeat,
        gestures.SetMode: _set_mode,
        gestures.SetStyle: _set_style,
        gestures.SetChannels: _set_channels,
        gestures.Select: _select_idea,
        gestures.Hear: _hear,
        gestures.Take: _take_idea,
        gestures.ReplaceChord: _replace_chord,
        gestures.MoveChord: _move_chord,
        gestures.EditNote: _edit_note,
        gestures.BringBack: _bring_back,
        gestures.Ideas: _ideas,
        gestures.Foreseen: _foreseen,
        gestures.SetAccompany: _set_accompany,
        gestures.ProposerIs: _proposer_is,
        gestures.Recover: _recover,
        gestures.Followed: _followed,
    }

    _MOVES: ClassVar[dict[type[Move], Callable[[Session, Any], None]]] = {
        Along: _play_along,
        Join: _join,
        GoTo: _go_to,
        Halt: lambda self, move: self._stop(),
        Pace: _keep_pace,
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
        Action.TRANSPOSE_UP: lambda self, via: self._transpose(1),
        Action.TRANSPOSE_DOWN: lambda self, via: self._transpose(-1),
        Action.INVERT: _invert,
        Action.SIMPLIFY: _simplify,
        Action.PLAY_STOP: _play_stop,
        Action.START: _start_if_stopped,
        Action.STOP: _stop_if_playing,
        Action.TAP: _tap,
        Action.THIS_IS_ONE: _this_is_one,
        Action.HALF_TIME: lambda self, via: self._feel(0.5),
        Action.DOUBLE_TIME: lambda self, via: self._feel(2.0),
        Action.METRONOME: _next_click,
        Action.LOOP: lambda self, via: self._toggle_repeat(Repeat.LOOP),
        Action.KEEP_GOING: lambda self, via: self._toggle_repeat(Repeat.ROLL),
        Action.TRADE: _toggle_trade,
        Action.ACCOMPANY: _toggle_accompany,
        Action.COUNT_IN: _next_count_in,
        Action.CAPTURE: lambda self, via: self._emit(fx.Capture()),
        Action.CLEAR: _clear,
        Action.PANIC: _panic,
        Action.SURPRISE_UP: lambda self, via: self._step("surprise", STEP),
        Action.SURPRISE_DOWN: lambda self, via: self._step("surprise", -STEP),
        Action.DENSITY_UP: lambda self, via: self._step("density", STEP),
        Action.DENSITY_DOWN: lambda self, via: self._step("density", -STEP),
        Action.BRIGHTNESS_UP: lambda self, via: self._step("brightness", STEP),
        Action.BRIGHTNESS_DOWN: lambda self, via: self._step("brightness", -STEP),
        Action.DRIVE_UP: lambda self, via: self._step("drive", STEP),
        Action.DRIVE_DOWN: lambda self, via: self._step("drive", -STEP),
    }

    _ALONG: ClassVar[dict[Action, Callable[[Session, str], None]]] = {
        Action.ACCEPT: _go_round,
        Action.REJECT: _not_that_chord,
        Action.LOOP: lambda self, via: self._along(self._accompany.hold(self._around())),
        Action.KEEP_GOING: lambda self, via: self._along(self._accompany.hold(self._around())),
        Action.UNDO: lambda self, via: self._along(self._accompany.release(self._around())),
    }
    """What some actions mean while jamlink accompanies."""


_CLICK_AFTER = {Click.OFF: Click.COUNT_IN, Click.COUNT_IN: Click.ON, Click.ON: Click.OFF}
