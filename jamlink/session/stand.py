"""The music stand: the slot that is next, the hand for it, what was taken, what plays, what was refused.

Holds state and keeps its rules; decides nothing by itself. One owner: whoever proposes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

from jamlink.session.around import Around
from jamlink.session.effects import Taken
from jamlink.session.inputs import Mode
from jamlink.session.planner import Plan, Playing
from jamlink.session.proposal import Candidate, Hand, Proposal, Slot, State
from jamlink.session.slots import ask_answer_at, ask_at, decide_by, slot_after
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ticks

REFUSED_REMEMBERED = 12


class Stage(Enum):
    """How far the next slot has come."""

    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


AFTER: dict[Stage, Stage] = {Stage.WAITING: Stage.OPEN, Stage.OPEN: Stage.CLOSED, Stage.CLOSED: Stage.WAITING}


@dataclass(frozen=True, slots=True)
class Placed:
    """An accepted proposal with its plan and the tick it starts at (again, when it loops)."""

    proposal: Proposal
    plan: Plan
    start: Ticks

    @property
    def end(self) -> Ticks:
        """Where it is over, or begins again."""
        return Ticks(self.start + self.proposal.slot.length)


@dataclass(slots=True)
class Stand:
    """`slot` is the next slot, always in the future while playing."""

    slot: Slot
    stage: Stage = Stage.WAITING
    hand: Hand | None = None
    deal: int = 0
    """How often ideas were asked for or brought back for this slot."""
    selected: int = 0
    taken: Placed | None = None
    playing: Placed | None = None
    voicing: tuple[int, ...] = ()
    rolled: tuple[int, str] | None = None
    """The place in the hand, and the way, of a pick that came too late for `slot` while something else starts there;
    it is taken for the slot after."""
    hands_off: bool = False
    """The player took back what was to sound here: nothing starts in this slot by itself."""
    refused: deque[Candidate] = field(default_factory=lambda: deque(maxlen=REFUSED_REMEMBERED))

    @property
    def choice(self) -> Proposal | None:
        """The idea that a plain accept takes."""
        return self.hand.proposals[self.selected] if self.hand else None

    def moves_on_at(self, transport: Transport, mode: Mode) -> Ticks:
        """When the slot comes to its next stage, while playing."""
        if self.stage is Stage.CLOSED:
            return self.slot.start
        if self.stage is Stage.OPEN:
            return decide_by(self.slot, transport.meter, transport.timeline)
        if mode is Mode.TRADE:
            return ask_answer_at(self.slot, transport.meter, transport.timeline)
        return ask_at(self.slot, transport.meter)

    def is_filled(self, tick: Ticks) -> bool:
        """Whether something of ours sounds from `tick` on, or was taken for it."""
        taken, playing = self.taken, self.playing
        return bool((taken and taken.start == tick) or (playing and playing.end > tick))

    def slot_following(self, tick: Ticks, around: Around) -> Slot:
        """The first slot after `tick` that begins when what plays is over: only the end of a round is cut short."""
        after = Ticks(max(tick, self.playing.end - 1 if self.playing else tick))
        return slot_after(after, around.meter, around.settings)

    def how_to_play(self, around: Around) -> Playing:
        """How an idea would be played now."""
        feel = around.listener.feel(around.meter, around.now)
        return Playing(around.meter, feel, around.controls.density, around.settings.channels, self.voicing)

    def deal_hand(self, hand: Hand) -> None:
        """Put a new hand on the stand; the one its proposer likes best is selected."""
        self.hand = hand
        scores = [proposal.content.score for proposal in hand.proposals]
        self.selected = scores.index(max(scores))

    def place_of(self, id: int) -> int | None:
        """Where in the hand this idea is; None where it is not."""
        ids = [proposal.id for proposal in self.hand.proposals] if self.hand else []
        return ids.index(id) if id in ids else None

    def swap(self, index: int, proposal: Proposal) -> None:
        """Another proposal in place `index` of the hand."""
        assert self.hand is not None
        proposals = list(self.hand.proposals)
        proposals[index] = proposal
        self.hand = replace(self.hand, proposals=tuple(proposals))

    def carried(self, by: Ticks, tick: Ticks) -> list[Placed]:
        """The song went `by` on, to `tick`: what plays and what was taken goes along. Returns what is to be laid out
        anew."""
        rounds = []
        if self.playing is not None:
            self.playing = playing = replace(self.playing, start=Ticks(self.playing.start + by))
            if playing.start > tick:  # its next round was laid out already
                rounds.append(replace(playing, start=Ticks(playing.start - playing.proposal.slot.length)))
            rounds.append(playing)
        if self.taken is not None:
            self.taken = replace(self.taken, start=Ticks(self.taken.start + by))
            rounds.append(self.taken)
        return rounds

    def clear_hand(self) -> None:
        """Take the hand off the stand."""
        self.hand, self.selected, self.rolled = None, 0, None

    def next_slot(self, slot: Slot) -> None:
        """The old slot has begun; `slot` is next."""
        self.slot, self.stage, self.deal, self.hands_off = slot, Stage.WAITING, 0, False
        self.clear_hand()


def taken_effect(placed: Placed, around: Around) -> Taken:
    """What was accepted, as whoever keeps clips gets it."""
    channels, proposal = around.settings.channels, placed.proposal
    notes = tuple((out, getattr(channels, out.value), played) for out, played in placed.plan.notes.items())
    return Taken(
        proposal.id, proposal.slot, proposal.content.chords, notes, around.key, around.line.tempo, around.meter
    )


def is_offered(proposal: Proposal) -> bool:
    """Whether the idea can still be taken."""
    return proposal.state is State.OFFERED
