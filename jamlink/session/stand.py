"""The music stand: the request under way, the hand on it, what was taken, what plays, what was refused.

Holds state and keeps its rules; decides nothing by itself. One owner: the session.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

from jamlink.music.key import Key
from jamlink.session.effects import Taken
from jamlink.session.planner import Plan
from jamlink.session.proposal import Candidate, Hand, Happening, Proposal, ProposalRequest, Slot, State, next_state
from jamlink.session.settings import Channels
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Ticks, ms

REFUSED_REMEMBERED = 12
_LAST_CALL = ms(120)
"""An accept nearer than this to its slot could not be promised any more; it rolls to the next."""


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
    request: ProposalRequest | None = None
    hand: Hand | None = None
    deal: int = 0
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

    def deal_hand(self, hand: Hand) -> None:
        """Put a new hand on the stand; the one its proposer likes best is selected."""
        self.hand, self.request = hand, None
        scores = [proposal.content.score for proposal in hand.proposals]
        self.selected = scores.index(max(scores))

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
        self.slot, self.stage, self.deal, self.request, self.hands_off = slot, Stage.WAITING, 0, None, False
        self.clear_hand()


def taken_effect(placed: Placed, transport: Transport, channels: Channels, key: Key | None) -> Taken:
    """What was accepted, as whoever keeps clips gets it."""
    notes = tuple((out, getattr(channels, out.value), played) for out, played in placed.plan.notes.items())
    proposal, line = placed.proposal, transport.timeline
    return Taken(proposal.id, proposal.slot, proposal.content.chords, notes, key, line.tempo, transport.meter)


def moved(proposal: Proposal, happening: Happening) -> Proposal:
    """The proposal after `happening`; `Fault` where the table of life has no such step."""
    return replace(proposal, state=next_state(proposal.state, happening))


def ask_at(slot: Slot, meter: Meter) -> Ticks:
    """When to ask for a slot: two bars before it, one for slots of one or two bars."""
    ahead = 2 if slot.bars > 2 else 1
    return Ticks(max(0, slot.start - ahead * meter.bar_ticks))


def ask_answer_at(slot: Slot, meter: Meter, timeline: Timeline) -> Ticks:
    """When to ask for an answer in trading: as late as the last beat, since the phrase is still being played."""
    lead = max(meter.beat_ticks, _ticks(timeline, ms(700)))
    return Ticks(max(0, slot.start - min(lead, slot.length)))


def decide_by(slot: Slot, meter: Meter, timeline: Timeline) -> Ticks:
    """The last tick at which an accept is in time for `slot`."""
    return last_call(slot.start, meter, timeline)


def last_call(start: Ticks, meter: Meter, timeline: Timeline) -> Ticks:
    """The last tick at which something can still be laid out to sound from `start`."""
    return Ticks(start - max(meter.beat_ticks // 4, _ticks(timeline, _LAST_CALL)))


def _ticks(timeline: Timeline, span: Ns) -> Ticks:
    return Ticks(timeline.tick_at(Ns(timeline.ns_origin + span)) - timeline.tick_origin)


def is_offered(proposal: Proposal) -> bool:
    """Whether the idea can still be taken."""
    return proposal.state is State.OFFERED
