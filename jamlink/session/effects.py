"""Everything a session wants done, and the record it leaves.

Effects are carried out by the rim in the order they come. `Record`s go to the ledger; an input's own record comes
before what it caused. Record number n of a session is ledger entry n (the header is entry 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.inputs import Input
from jamlink.session.proposal import Candidate, ChordsRequest, Hand, Happening, Proposal, ProposalRequest, Slot, State
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks

METRONOME = 1
"""Owner of the clicks. Owners below FIRST_PROPOSAL are not proposals."""
PREVIEW = 2
CLOCK_OUT = 3
"""Owner of the MIDI clock that we send; its pulses are not recorded, for they follow from the timeline."""
FIRST_PROPOSAL = 16


class Out(Enum):
    """Where a message goes; each has its own port and channel, re-mappable. The value names it everywhere."""

    CHORDS = "chords"
    MELODY = "melody"
    BASS = "bass"
    METRONOME = "metronome"
    PREVIEW = "preview"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class ScheduledMessage:
    """Wire bytes for a tick. `owner` is the proposal id (or METRONOME, PREVIEW) that owns the note-off as well."""

    at: Ticks
    data: bytes
    out: Out
    owner: int


@dataclass(frozen=True, slots=True)
class Timed:
    """A scheduled message with its moment on the clock."""

    due: Ns
    message: ScheduledMessage


@dataclass(frozen=True, slots=True)
class Send:
    """Hand these to the io process; they are due within the commit horizon and no longer change by themselves."""

    messages: tuple[Timed, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop what `owner` still has queued and end what it has sounding, now."""

    owner: int


@dataclass(frozen=True, slots=True)
class Silence:
    """End every note of ours, now."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence, then all-sound-off and all-notes-off on every channel of every output."""


@dataclass(frozen=True, slots=True)
class Prepare:
    """The model will be asked for this next, unless something changes: let it think ahead. No answer comes."""

    request: ProposalRequest


@dataclass(frozen=True, slots=True)
class AskProposer:
    """Ask the model."""

    request: ProposalRequest


@dataclass(frozen=True, slots=True)
class AskStandIn:
    """Ask the stand-in; it answers at once, before time goes on."""

    request: ProposalRequest


@dataclass(frozen=True, slots=True)
class AskChords:
    """Ask the model for the chords of the next beats."""

    request: ChordsRequest


@dataclass(frozen=True, slots=True)
class AskChordsStandIn:
    """Ask the stand-in for them; it answers at once, before time goes on."""

    request: ChordsRequest


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The answer to this request is no longer wanted."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Something a view shows has changed."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An idea was accepted, and this is what it will sound, in ticks from its slot: for whoever keeps clips."""

    proposal_id: int
    slot: Slot
    chords: tuple[ChordSpan, ...]
    notes: tuple[tuple[Out, int, tuple[Note, ...]], ...]
    """By output: its MIDI channel and its notes."""
    key: Key | None
    tempo: Tempo
    meter: Meter


@dataclass(frozen=True, slots=True)
class Capture:
    """Keep the bars that were played last."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence for the player."""

    text: str


# -- what is recorded -------------------------------------------------------------------------------------------------


class Verdict(Enum):
    """What became of an offered idea."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LET_PASS = "let pass"
    UNDONE = "undone"


PLAYER, MACHINE = "player", "jamlink"
"""Who decides."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request went out. `to` is "model" or "stand-in"; `context` is the fingerprint of what it may see."""

    request_id: int
    slot: Slot
    to: str
    context: str
    seed: int
    deadline: Ns


@dataclass(frozen=True, slots=True)
class Offered:
    """A hand was dealt: proposal ids in order, for candidates of `request_id` in the same order; 0 where nobody was
    asked, since the player brought an idea back."""

    request_id: int
    slot: Slot
    deal: int
    decide_by: Ticks
    proposals: tuple[int, ...]
    made_by: tuple[str, ...]
    late: bool

    @classmethod
    def of(cls, hand: Hand, request_id: int) -> Offered:
        """`hand` was dealt."""
        ids = tuple(proposal.id for proposal in hand.proposals)
        made_by = tuple(proposal.content.made_by for proposal in hand.proposals)
        return cls(request_id, hand.slot, hand.deal, hand.decide_by, ids, made_by, hand.late)


@dataclass(frozen=True, slots=True)
class Returned:
    """The player brought the idea `original_id` back; it is offered anew as `proposal_id`."""

    proposal_id: int
    original_id: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about a proposal, with what was decided on. `original` stands beside an edited idea."""

    proposal_id: int
    verdict: Verdict
    actor: str
    via: str
    slot: Slot
    content: Candidate
    edits: tuple[str, ...] = ()
    original: Candidate | None = None

    @classmethod
    def about(cls, proposal: Proposal, verdict: Verdict, actor: str, via: str) -> Decided:
        """A decision about `proposal` as it is."""
        content, edits, original = proposal.content, proposal.edits, proposal.original
        return cls(proposal.id, verdict, actor, via, proposal.slot, content, edits, original)


@dataclass(frozen=True, slots=True)
class Moved:
    """A proposal went from one state to the next."""

    proposal_id: int
    before: State
    happening: Happening
    after: State


@dataclass(frozen=True, slots=True)
class Sent:
    """A message left for the io process."""

    due: Ns
    at: Ticks
    data: bytes
    out: Out
    owner: int


@dataclass(frozen=True, slots=True)
class AskedChords:
    """Chords were asked for. `to` is "model" or "stand-in"; `heard_until` is the tick after which nothing is known."""

    request_id: int
    beat: int
    to: str
    heard_until: Ticks
    deadline: Ns


@dataclass(frozen=True, slots=True)
class Chorded:
    """The chord of a beat is settled and no longer changes; None is silence on purpose. Who made it owns its notes, as
    `proposal_id`. `heard_until` is the tick up to which the player had been heard; `held` where nobody had decided in
    time and what sounded goes on."""

    proposal_id: int
    at: Ticks
    duration: Ticks
    chord: Chord | None
    made_by: str
    stand_in: bool
    heard_until: Ticks
    held: bool = False


@dataclass(frozen=True, slots=True)
class Clocked:
    """The timeline or the meter changed, or playing began or ended."""

    playing: bool
    timeline: Timeline
    meter: str


Consequence: TypeAlias = Asked | Offered | Returned | Decided | Moved | Sent | Clocked | AskedChords | Chorded
Recorded: TypeAlias = Input | Consequence


@dataclass(frozen=True, slots=True)
class Record:
    """Write `value` down at `at`; `durable` where the screen waits for the disk."""

    at: Ns
    value: Recorded
    durable: bool = False


Effect: TypeAlias = (
    Send
    | Cancel
    | Silence
    | Panic
    | Prepare
    | AskProposer
    | AskStandIn
    | AskChords
    | AskChordsStandIn
    | CancelRequest
    | Publish
    | Taken
    | Capture
    | Notice
    | Record
)
