"""The one interface of everything that makes ideas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jamlink.music.chord import Chord
from jamlink.session.proposal import Candidate, ChordsRequest, ProposalRequest

Cancelled = Callable[[], bool]
"""Asked between steps; True means stop and return what there is."""


class Proposer(Protocol):
    """Turns a request into candidates.

    The same request gives the same candidates, bit for bit, on the same machine. A proposer reads no clock, opens no
    port and keeps no state that changes its answers. Any thread may call it; one call at a time.
    """

    name: str
    """Who signs the ideas: Candidate.made_by."""

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """Up to request.count candidates, best first; fewer (or none) when cancelled or out of ideas.

        Candidates cover exactly the roles asked for (empty tuples for the others), lie inside the slot, and are
        distinct. Raises nothing for a well-formed request.
        """
        ...


@runtime_checkable
class ThinksAhead(Proposer, Protocol):
    """A proposer that takes its time, and may use the time before it is asked."""

    def prepare(self, request: ProposalRequest, cancelled: Cancelled) -> None:
        """This will be proposed for next, unless something changes: do now what would take long then.

        What is kept changes no answer, only how soon it comes.
        """
        ...


@runtime_checkable
class Accompanies(Protocol):
    """Who finds chords for a melody that is being played. One thread."""

    name: str
    """Who signs the chords."""

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """The chord of the beat asked for and of each beat ahead, none of them one that it is to avoid.

        What is heard later changes no chord. It may keep what it has understood from one request to the next, so two
        answers to one request may differ where other requests came between.
        """
        ...
