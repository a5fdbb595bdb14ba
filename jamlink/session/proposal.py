"""Proposals: what is asked for, what comes back, and the table of a proposal's life.

The life-cycle is the table `LIFE`; a pair that is not in it is an error that names state and event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum

from jamlink.errors import Fault
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.context import ContextWindow
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, Ticks


class Role(StrEnum):
    """What a proposal can play. The value is its name on the wire, in files and on the screen; sets of it sort."""

    CHORDS = "chords"
    MELODY = "melody"
    BASS = "bass"


@dataclass(frozen=True, slots=True)
class Slot:
    """The span a proposal is for, starting on a bar line."""

    start: Ticks
    bars: int
    bar_ticks: Ticks

    @property
    def end(self) -> Ticks:
        """Where the next slot starts."""
        return Ticks(self.start + self.bars * self.bar_ticks)

    @property
    def length(self) -> Ticks:
        """The span in ticks."""
        return Ticks(self.bars * self.bar_ticks)


@dataclass(frozen=True, slots=True)
class Controls:
    """The player's steering, each from 0 to 1 with 0.5 as "as it comes"; words in brackets are its two ends."""

    surprise: float = 0.5
    """safe <-> bold"""
    density: float = 0.5
    """sparse <-> dense"""
    brightness: float = 0.5
    """dark <-> bright"""
    drive: float = 0.5
    """calm <-> driving"""
    style: str = ""
    """a style name known to the proposer; empty leaves it to the music"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One idea. Ticks are relative to the slot's start; everything lies inside the slot.

    `chords` cover the slot without gaps when the chords role was asked for. `score` is in natural-log units per
    event, higher is better in the proposer's own eyes; `surprise` is how far the idea leaves habit, from 0 (safe)
    up. `made_by` names who really made it: "jam-s", "rules", "markov".
    """

    chords: tuple[ChordSpan, ...]
    melody: tuple[Note, ...]
    bass: tuple[Note, ...]
    score: float
    surprise: float
    made_by: str
    seed: int
    note: str = ""
    """What is special about it, in a musician's words; may be empty."""
    closest: str = ""
    """The known piece with which it shares a long run of notes, and how many; empty where the run is short."""


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """Asks for `count` candidates for `slot`. `avoid` holds what was refused: ideas must move away from it."""

    id: int
    slot: Slot
    roles: frozenset[Role]
    context: ContextWindow
    controls: Controls
    seed: int
    count: int
    deadline: Ns
    answer: bool = False
    """True where the idea answers the player's phrase (trading) instead of going along with it."""
    avoid: tuple[Candidate, ...] = ()
    key: Key | None = None
    """The key that the player has locked: every note of an idea is of it, however bold."""

    @property
    def wish(self) -> ProposalRequest:
        """What is asked for, whoever asks, by when, and whatever was refused: two requests may share one."""
        return replace(self, id=0, deadline=Ns(0), avoid=())


@dataclass(frozen=True, slots=True)
class ChordsRequest:
    """Asks for the chords of felt beat `beat` (from 0) and of `ahead` beats more, from what was heard before it.

    Complete in itself, so that whoever is asked can answer: `heard` is everything from beat `base` on, which lies on
    the bar line of an eighth bar; what sounds now is cut off at `beat`. What is promised already is not told: whoever
    thinks ahead from its own guesses holds on to them for ever. `avoid[i]` is what beat + i must not get. Requests of
    one `run` hear the same melody grow.
    """

    id: int
    run: int
    meter: Meter
    beat: int
    ahead: int
    base: int
    heard: tuple[Note, ...]
    avoid: tuple[Chord | None, ...]
    deadline: Ns
    key: Key | None = None
    """The key that the player has locked."""


class State(Enum):
    """Where a proposal is in its life."""

    REQUESTED = "requested"
    OFFERED = "offered"
    SCHEDULED = "scheduled"
    SOUNDING = "sounding"
    PLAYED = "played"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"
    CUT = "cut"


class Happening(Enum):
    """What can happen to a proposal."""

    ARRIVED = "candidate in time"
    DEADLINE = "deadline passed"
    LEFT_CONTEXT = "the player left its context"
    ACCEPT = "accept"
    REJECT = "reject"
    SLOT_BEGAN = "its slot began"
    UNDO = "undo"
    FIRST_NOTE = "first note sent"
    LAST_NOTE = "last note-off sent"
    STOP = "stop, panic or lost transport"
    REPLACE = "another idea took its place"


LIFE: dict[tuple[State, Happening], State] = {
    (State.REQUESTED, Happening.ARRIVED): State.OFFERED,
    (State.REQUESTED, Happening.DEADLINE): State.EXPIRED,
    (State.REQUESTED, Happening.LEFT_CONTEXT): State.SUPERSEDED,
    (State.REQUESTED, Happening.STOP): State.EXPIRED,
    (State.OFFERED, Happening.LEFT_CONTEXT): State.SUPERSEDED,
    (State.OFFERED, Happening.ACCEPT): State.SCHEDULED,
    (State.OFFERED, Happening.REJECT): State.REJECTED,
    (State.OFFERED, Happening.SLOT_BEGAN): State.LAPSED,
    (State.OFFERED, Happening.REPLACE): State.SUPERSEDED,
    (State.OFFERED, Happening.STOP): State.LAPSED,
    (State.SCHEDULED, Happening.UNDO): State.WITHDRAWN,
    (State.SCHEDULED, Happening.FIRST_NOTE): State.SOUNDING,
    (State.SCHEDULED, Happening.REPLACE): State.WITHDRAWN,
    (State.SCHEDULED, Happening.STOP): State.CUT,
    (State.SOUNDING, Happening.LAST_NOTE): State.PLAYED,
    (State.SOUNDING, Happening.UNDO): State.CUT,
    (State.SOUNDING, Happening.STOP): State.CUT,
    (State.SOUNDING, Happening.REPLACE): State.PLAYED,
}


def next_state(state: State, happening: Happening) -> State:
    """The state after `happening`. Raises `Fault` for a pair that is not in the table."""
    try:
        return LIFE[state, happening]
    except KeyError:
        raise Fault(f"A proposal that is {state.value} cannot meet {happening.value!r}.") from None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A candidate offered for a slot, with an identity. A changed proposal is a new value."""

    id: int
    slot: Slot
    roles: frozenset[Role]
    content: Candidate
    state: State = State.OFFERED
    edits: tuple[str, ...] = ()
    """What the player changed before taking it, in words; empty for an idea taken as offered."""
    original: Candidate | None = None
    """What it was before the player changed it."""


@dataclass(frozen=True, slots=True)
class Hand:
    """The ranked alternatives for a slot, from safe to bold."""

    slot: Slot
    proposals: tuple[Proposal, ...]
    decide_by: Ticks
    deal: int
    """Which hand for this slot this is, from 1; a reject or "next hand" deals again."""
    late: bool = False
    """True where stand-ins fill the hand because the model had no idea in time."""
