"""Ideas for the bars to come: asked for slot by slot, offered, decided about, played. Pure; see `docs/architecture.md`.

A slot goes round its stages by itself, at these moments:

    waiting  --ask-->  open  --the last call-->  closed  --it begins-->  waiting, for the next slot

What a player decides goes by the same rules whatever stage it comes in: what is too late for a slot is for the next.

Every method that does something yields what is to be done (see `deeds`). One owner: the session.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from jamlink.midi.actions import Action
from jamlink.session import edits, refusals
from jamlink.session import effects as fx
from jamlink.session.around import Around
from jamlink.session.asking import Asking
from jamlink.session.deeds import Deeds, Drop, Lay, Place, moving
from jamlink.session.effects import MACHINE, PLAYER, Decided, Offered, Verdict
from jamlink.session.inputs import Ideas, Mode, Repeat
from jamlink.session.planner import plan, preview_messages
from jamlink.session.proposal import Hand, Happening, Proposal, ProposalRequest, Slot, State
from jamlink.session.settings import SessionSettings
from jamlink.session.slots import decide_by, last_call, slot_after
from jamlink.session.stand import AFTER, Placed, Stage, Stand, is_offered, taken_effect
from jamlink.timing.meter import Meter
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Ticks, ms

PREVIEW_LEAD = ms(60)


class Proposing:
    """See the module. `next_id` numbers requests and ideas, together with everything else in the session."""

    def __init__(self, next_id: Callable[[], int], slot: Slot, now: Ns) -> None:
        self.stand = Stand(slot)
        self.asking = Asking(next_id, now)
        self._next_id = next_id
        self._rechecked = False
        """Whether the hand for this slot stays, whatever key the player goes to."""

    # -- runs -----------------------------------------------------------------------------------------------------

    def begin(self, first: Ticks, around: Around) -> Deeds:
        """The clock runs, from tick `first` on."""
        yield from self._clear()
        self.stand.next_slot(slot_after(Ticks(max(0, first)), around.meter, around.settings))

    def stop(self, around: Around) -> Deeds:
        """The clock stops: nothing of ours sounds any more, and nothing is on offer."""
        yield from self._clear()
        yield from self.end_all(around)
        self.stand.next_slot(slot_after(Ticks(0), around.meter, around.settings))

    def silenced(self, around: Around) -> Deeds:
        """The player wants silence now, and what is on offer waits to be taken."""
        yield from self.end_all(around)
        self.stand.rolled, self.stand.hands_off = None, True

    def end_all(self, around: Around) -> Deeds:
        """Neither what plays nor what was taken sounds any more."""
        yield from self._withdraw_taken(Happening.STOP)
        yield from self._cut_playing(Happening.STOP, around)

    def gone_to(self, by: Ticks, around: Around) -> Deeds:
        """The song went `by` on, to where it is now: what plays and what was taken goes along."""
        for placed in self.stand.carried(by, around.tick):
            yield Place(placed)
        yield from self._clear()
        self.stand.next_slot(self.stand.slot_following(around.tick, around))

    def replan(self, around: Around) -> Deeds:
        """Slots have changed their length or place: what was on the stand for the old ones goes."""
        yield from self._clear()
        taken = self.stand.taken
        now = around.tick if around.transport.playing else 0
        after = max(0, now, taken.end - 1 if taken else 0)
        self.stand.next_slot(self.stand.slot_following(Ticks(after), around))

    def forget_refused(self) -> None:
        """What was refused may come again."""
        self.stand.refused.clear()

    def ends(self, around: Around) -> tuple[Callable[[], Deeds], ...]:
        """After a mistake of ours: what ends all that there was, each step for itself, since some may fail."""
        return (
            self._clear,
            lambda: self._withdraw_taken(Happening.STOP),
            lambda: self._cut_playing(Happening.STOP, around),
        )

    def begin_anew(self, around: Around) -> None:
        """An empty stand, before a slot that can still be asked for."""
        refused, playing = self.stand.refused, around.transport.playing
        self.stand = stand = Stand(slot_after(around.tick if playing else Ticks(0), around.meter, around.settings))
        stand.refused, self._rechecked = refused, False
        self.asking.request = None
        while playing and stand.moves_on_at(around.transport, around.settings.mode) <= around.tick:
            stand.slot = slot_after(stand.slot.start, around.meter, around.settings)

    def _clear(self) -> Deeds:
        """Nothing is on offer, and nothing is waited for."""
        yield from self.asking.withdraw(Happening.STOP)
        if self.stand.hand is not None:
            yield from self._retire(Happening.STOP)

    # -- time -----------------------------------------------------------------------------------------------------

    def move_on(self, around: Around) -> Deeds:
        """The slot comes to its next stage."""
        run = {Stage.WAITING: self._open, Stage.OPEN: self._close, Stage.CLOSED: self._begin}[self.stand.stage]
        self.stand.stage = AFTER[self.stand.stage]
        yield from run(around)

    def _open(self, around: Around) -> Deeds:
        self._rechecked = around.settings.mode is Mode.TRADE
        if self.stand.hand is None and self.asking.request is None:
            yield from self._ask(around)

    def _close(self, around: Around) -> Deeds:
        """The last moment for this slot: where the player asked for that, the best of the hand is taken by itself."""
        stand, settings = self.stand, around.settings
        keeps_going = settings.mode is Mode.TRADE or settings.repeat is Repeat.ROLL
        free = not stand.is_filled(stand.slot.start) and not stand.hands_off
        if keeps_going and free and stand.choice is not None and is_offered(stand.choice):
            yield from self._take(stand.choice, stand.slot.start, MACHINE, "keep going", around)

    def _begin(self, around: Around) -> Deeds:
        """A slot begins: what was not taken has lapsed, and the next slot comes into view."""
        stand = self.stand
        following = stand.slot_following(stand.slot.start, around)
        yield from self.asking.withdraw(Happening.DEADLINE)
        if stand.hand is not None and stand.rolled is not None:
            index, via = stand.rolled
            yield from self._take(stand.hand.proposals[index], following.start, PLAYER, via, around)
        if stand.hand is not None:
            yield from self._let_go(Happening.SLOT_BEGAN, Verdict.LET_PASS, MACHINE, "slot began")
        stand.next_slot(following)
        self.asking.soon(around.now)
        yield fx.Publish()

    def recheck_at(self, meter: Meter) -> Ticks | None:
        """When to look whether the hand is still in the player's key, a bar before its slot; None where it was."""
        if self.stand.stage is not Stage.OPEN or self._rechecked:
            return None
        return Ticks(self.stand.slot.start - meter.bar_ticks)

    def recheck(self, around: Around) -> Deeds:
        """A hand made in another key than the player is in now, or under another lock, is dealt anew; one that the
        player has worked on stays."""
        self._rechecked = True
        hand, asked_in = self.stand.hand, self.asking.keys
        if hand is None or self.stand.taken is not None or around.keys == asked_in:
            return
        if any(proposal.edits for proposal in hand.proposals):
            return
        yield from self._retire(Happening.LEFT_CONTEXT)
        yield from self._ask(around)

    def first_note(self, owner: int) -> Deeds:
        """A note of `owner` has left: where that was taken, it sounds from now on."""
        taken = self.stand.taken
        if taken and taken.proposal.id == owner and taken.proposal.state is State.SCHEDULED:
            sounding = yield from moving(taken.proposal, Happening.FIRST_NOTE)
            self.stand.taken = replace(taken, proposal=sounding)

    def take_over(self, around: Around) -> Deeds:
        """What was taken is now what plays."""
        stand, taken = self.stand, self.stand.taken
        assert taken is not None
        yield from self.first_note(taken.proposal.id)
        if stand.playing is not None:
            yield from moving(stand.playing.proposal, Happening.REPLACE)
        stand.playing, stand.taken = stand.taken, None
        yield fx.Publish()

    def play_out(self, around: Around) -> Deeds:
        """What played is over (a loop has been given a new start before this)."""
        stand, playing = self.stand, self.stand.playing
        assert playing is not None
        if stand.taken and stand.taken.start == playing.end:
            yield from self.take_over(around)
            return
        yield from moving(playing.proposal, Happening.LAST_NOTE)
        stand.playing = None
        yield fx.Publish()

    def loop_at(self, transport: Transport, settings: SessionSettings) -> Ticks | None:
        """When what plays is laid out once more; None where it does not begin again."""
        playing = self.stand.playing
        loops = settings.mode is Mode.PROPOSE and settings.repeat is not Repeat.ONCE
        if playing is None or not loops or self.stand.is_filled(playing.end):
            return None
        return last_call(playing.end, transport.meter, transport.timeline)

    def loop(self, around: Around) -> Deeds:
        """What plays begins again when it is over."""
        playing = self.stand.playing
        assert playing is not None
        self.stand.playing = again = replace(playing, start=playing.end)
        yield Place(again)

    # -- asking ---------------------------------------------------------------------------------------------------

    def prepare(self, around: Around) -> Deeds:
        """Tell the model what it will be asked for next."""
        yield from self.asking.prepare(self.stand, around)

    def _ask(self, around: Around) -> Deeds:
        self.stand.deal += 1
        yield from self.asking.ask(self.stand, around)

    def answered(self, answer: Ideas, around: Around) -> Deeds:
        """Ideas have come, or the word that there are none; what nobody waits for any more is left."""
        request = self.asking.request
        if request is None or request.id != answer.request_id:
            return
        if answer.candidates:
            yield from self._deal(request, answer, around)
        elif answer.stand_in:
            self.asking.request = None
            yield fx.Notice("No ideas for these bars; play on, the next hand comes by itself.")
        else:
            yield fx.AskStandIn(request)

    def _deal(self, request: ProposalRequest, answer: Ideas, around: Around) -> Deeds:
        stand, slot = self.stand, request.slot
        proposals = tuple(Proposal(self._next_id(), slot, request.roles, c) for c in answer.candidates)
        by = decide_by(slot, around.meter, around.line)
        self.asking.request = None
        hand = Hand(slot, proposals, by, stand.deal, late=answer.stand_in and around.model)
        stand.deal_hand(hand)
        yield Offered.of(hand, request.id)
        yield fx.Publish()
        self.asking.soon(around.now)
        if stand.stage is Stage.CLOSED:
            yield from self._close(around)

    def bring_back(self, back: Proposal, original: int, around: Around) -> Deeds:
        """`back`, which was offered before under the id `original`: what is on the stand gives way, and what was asked
        for is no longer wanted."""
        stand = self.stand
        yield from self.asking.withdraw(Happening.LEFT_CONTEXT)
        if stand.hand is not None:
            yield from self._retire(Happening.REPLACE)
        if around.transport.playing:
            stand.stage = Stage.OPEN
        self._rechecked, stand.hands_off = True, False
        stand.deal += 1
        hand = Hand(back.slot, (back,), decide_by(stand.slot, around.meter, around.line), stand.deal)
        stand.deal_hand(hand)
        yield fx.Returned(back.id, original)
        yield Offered.of(hand, 0)
        yield fx.Publish()

    # -- decisions ------------------------------------------------------------------------------------------------

    def act(self, action: Action, via: str, around: Around) -> Deeds:
        """One of `ACTIONS`, which `refusals` allows now."""
        return self.ACTIONS[action](self, via, around)

    def take(self, index: int, via: str, around: Around) -> Deeds:
        """The player takes the idea in place `index` of the hand."""
        stand, slot = self.stand, self.stand.slot
        assert stand.hand is not None
        proposal = stand.hand.proposals[index]
        stand.selected = index
        if stand.stage is not Stage.CLOSED:
            yield from self._take(proposal, slot.start, PLAYER, via, around)
        elif stand.taken is not None and stand.taken.start == slot.start:
            stand.rolled = (index, via)
        else:
            yield from self._take(proposal, stand.slot_following(slot.start, around).start, PLAYER, via, around)

    def _take(self, proposal: Proposal, start: Ticks, actor: str, via: str, around: Around) -> Deeds:
        """Schedule `proposal` at `start`. Another idea already waiting there gives way."""
        stand = self.stand
        yield from self._withdraw_taken(Happening.REPLACE)
        proposal = replace(proposal, slot=replace(proposal.slot, start=start))
        taken = yield from moving(proposal, Happening.ACCEPT)
        place = stand.place_of(taken.id)
        if place is not None:
            stand.swap(place, taken)
        stand.taken = placed = Placed(taken, plan(taken, stand.how_to_play(around)), start)
        stand.voicing = placed.plan.voicing
        yield Decided.about(taken, Verdict.ACCEPTED, actor, via)
        yield taken_effect(placed, around)
        yield Place(placed)
        yield fx.Publish()

    def _withdraw_taken(self, happening: Happening) -> Deeds:
        """What waits to sound does not; its place in the hand gets the same idea under a new name."""
        stand, taken = self.stand, self.stand.taken
        if taken is None:
            return
        if taken.proposal.state is State.SOUNDING:
            happening = Happening.STOP if happening is Happening.STOP else Happening.UNDO
        old = yield from moving(taken.proposal, happening)
        yield Drop(old.id, taken.start)
        stand.taken = None
        place = stand.place_of(old.id)
        if place is not None and stand.hand is not None:
            stand.swap(place, replace(old, id=self._next_id(), state=State.OFFERED, slot=stand.hand.slot))

    def _cut_playing(self, happening: Happening, around: Around) -> Deeds:
        stand, playing = self.stand, self.stand.playing
        if playing is None:
            return
        yield from moving(playing.proposal, happening)
        yield Drop(playing.proposal.id, around.tick)
        stand.playing = None
        if stand.stage is Stage.WAITING:
            stand.slot = slot_after(around.tick, around.meter, around.settings)

    def _reject(self, via: str, around: Around) -> Deeds:
        assert self.stand.hand is not None
        self.stand.refused.extend(p.content for p in self.stand.hand.proposals if is_offered(p))
        yield from self._let_go(Happening.REJECT, Verdict.REJECTED, PLAYER, via)
        yield from self._deal_again(around)

    def _next_hand(self, via: str, around: Around) -> Deeds:
        if self.stand.hand is not None:
            yield from self._retire(Happening.REPLACE)
        yield from self._deal_again(around)

    def _deal_again(self, around: Around) -> Deeds:
        stand = self.stand
        if stand.stage is Stage.CLOSED:
            yield fx.Notice(refusals.TOO_LATE)
            return
        stand.hands_off = False
        if stand.stage is Stage.WAITING and around.transport.playing:
            stand.stage = Stage.OPEN
            self._rechecked = around.settings.mode is Mode.TRADE
        yield from self._ask(around)

    def _let_pass(self, via: str, around: Around) -> Deeds:
        yield from self._let_go(Happening.SLOT_BEGAN, Verdict.LET_PASS, PLAYER, via)

    def _let_go(self, happening: Happening, verdict: Verdict, actor: str, via: str) -> Deeds:
        """Every idea still offered leaves the stand with a verdict."""
        assert self.stand.hand is not None
        for proposal in filter(is_offered, self.stand.hand.proposals):
            gone = yield from moving(proposal, happening)
            yield Decided.about(gone, verdict, actor, via)
        self.stand.clear_hand()
        yield fx.Publish()

    def _retire(self, happening: Happening) -> Deeds:
        """Every idea still offered leaves the stand without a verdict."""
        assert self.stand.hand is not None
        for proposal in filter(is_offered, self.stand.hand.proposals):
            yield from moving(proposal, happening)
        self.stand.clear_hand()
        yield fx.Publish()

    def _undo(self, via: str, around: Around) -> Deeds:
        stand = self.stand
        if stand.rolled is not None:
            stand.rolled = None
            return
        if stand.taken is not None:
            undone, stand.hands_off = stand.taken.proposal, True
            yield from self._withdraw_taken(Happening.UNDO)
        else:
            assert stand.playing is not None
            undone = stand.playing.proposal
            yield from self._cut_playing(Happening.UNDO, around)
        yield Decided.about(undone, Verdict.UNDONE, PLAYER, via)
        yield fx.Publish()

    # -- looking at it --------------------------------------------------------------------------------------------

    def choose(self, index: int) -> Deeds:
        """The idea in place `index` is selected."""
        self.stand.selected = index
        yield fx.Publish()

    def _choose_next(self, via: str, around: Around) -> Deeds:
        assert self.stand.hand is not None
        yield from self.choose((self.stand.selected + 1) % len(self.stand.hand.proposals))

    def change(self, index: int, change: edits.Change) -> Deeds:
        """The player changes the idea in place `index`."""
        assert self.stand.hand is not None
        self.stand.swap(index, change.of(self.stand.hand.proposals[index]))
        yield fx.Publish()

    def hear(self, index: int, around: Around) -> Deeds:
        """Play the idea in place `index` on the preview output, from the next beat on; what is chosen stays so."""
        assert self.stand.hand is not None
        yield fx.Cancel(fx.PREVIEW)
        soon = around.transport.tick(Ns(around.now + PREVIEW_LEAD))
        beat = around.meter.beat_ticks
        start = Ticks((soon // beat + 1) * beat) if around.transport.playing else Ticks(soon + 1)
        planned = plan(self.stand.hand.proposals[index], self.stand.how_to_play(around))
        yield Lay(preview_messages(planned, start, fx.PREVIEW, around.settings.channels))

    ACTIONS: ClassVar[dict[Action, Callable[[Proposing, str, Around], Deeds]]] = {
        Action.ACCEPT: lambda self, via, around: self.take(self.stand.selected, via, around),
        Action.PICK_1: lambda self, via, around: self.take(0, via, around),
        Action.PICK_2: lambda self, via, around: self.take(1, via, around),
        Action.PICK_3: lambda self, via, around: self.take(2, via, around),
        Action.PICK_4: lambda self, via, around: self.take(3, via, around),
        Action.REJECT: _reject,
        Action.NEXT_HAND: _next_hand,
        Action.LET_PASS: _let_pass,
        Action.UNDO: _undo,
        Action.SELECT: _choose_next,
        Action.PREVIEW: lambda self, via, around: self.hear(self.stand.selected, around),
    }
