"""A session on a hand-moved clock: the same core as on stage, faster than real time.

Rendering a file, replaying a recorded session and the scenario tests all run through here. Proposers answer in
process; an answer takes as long as `thinking` says (nothing, unless a test wants it late), so the music that comes out
depends on the input and the seed alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from jamlink.proposers.base import Accompanies, Proposer
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.effects import Effect, Record
from jamlink.session.inputs import Foreseen, Ideas, Input, ProposerIs
from jamlink.session.proposal import ChordsRequest, ProposalRequest
from jamlink.timing.units import Ns

Reaction = Callable[[fx.Offered], Iterable[tuple[Ns, Input]]]
"""What the person does about a hand: inputs, each so many ns after it was dealt."""


@dataclass(frozen=True, slots=True)
class Thought:
    """A request with the proposer's answer to it."""

    request: ProposalRequest
    ideas: Ideas


def nobody(offered: fx.Offered) -> Iterable[tuple[Ns, Input]]:
    """A person who decides nothing."""
    return ()


class Offline:
    """Runs a session through scheduled inputs. One thread; `effects` holds everything done, in order."""

    def __init__(
        self,
        session: Session,
        proposer: Proposer | None,
        stand_in: Proposer,
        person: Reaction = nobody,
        thinking: Callable[[ProposalRequest | ChordsRequest], Ns] = lambda request: Ns(0),
        chords: Accompanies | None = None,
    ) -> None:
        """`chords` finds them for a melody where the proposer cannot or has not yet."""
        self.session = session
        self.effects: list[Effect] = []
        self.thoughts: list[Thought] = []
        self._proposer = proposer
        self._stand_in = stand_in
        self._person = person
        self._thinking = thinking
        self._chords = chords
        self._inputs: list[tuple[Ns, int, Input]] = []
        self._pushed = 0
        if proposer is not None:
            self.at(session.now, ProposerIs(True, proposer.name))

    def at(self, moment: Ns, item: Input) -> None:
        """Have `item` happen at `moment`. At one moment, first come, first served."""
        self._pushed += 1
        heapq.heappush(self._inputs, (moment, self._pushed, item))

    def play(self, events: Sequence[tuple[Ns, Input]]) -> None:
        """Have all of these happen."""
        for moment, item in events:
            self.at(moment, item)

    def run_until(self, end: Ns) -> None:
        """Let everything happen up to and including `end`."""
        while True:
            deadline = self.session.next_deadline
            if self._inputs and (deadline is None or self._inputs[0][0] <= deadline) and self._inputs[0][0] <= end:
                moment, _, item = heapq.heappop(self._inputs)
                self._carry_out(self.session.handle(item, moment))
            elif deadline is not None and deadline <= end:
                self._carry_out(self.session.advance(deadline))
            else:
                break
        self._carry_out(self.session.advance(end))

    @property
    def records(self) -> list[Record]:
        """What the session wrote down."""
        return [effect for effect in self.effects if isinstance(effect, Record)]

    @property
    def sent(self) -> list[fx.Timed]:
        """Every message that went out."""
        return [timed for effect in self.effects if isinstance(effect, fx.Send) for timed in effect.messages]

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            match effect:
                case fx.AskProposer(request) if self._proposer is not None:
                    self._answer(request, self._proposer, False, self._thinking(request))
                case fx.AskStandIn(request) | fx.AskProposer(request):
                    self._answer(request, self._stand_in, True, Ns(0))
                case fx.AskChords(request):
                    self._foresee(request, self._proposer, False, self._thinking(request))
                case fx.AskChordsStandIn(request):
                    self._foresee(request, self._chords, True, Ns(0))
                case Record(value=fx.Offered() as offered):
                    for delay, item in self._person(offered):
                        self.at(Ns(self.session.now + delay), item)

    def _answer(self, request: ProposalRequest, proposer: Proposer, stand_in: bool, after: Ns) -> None:
        candidates = tuple(proposer.propose(request, lambda: False))
        ideas = Ideas(request.id, candidates, stand_in)
        self.thoughts.append(Thought(request, ideas))
        self.at(Ns(self.session.now + after), ideas)

    def _foresee(self, request: ChordsRequest, who: object, stand_in: bool, after: Ns) -> None:
        chords = who.chords(request) if isinstance(who, Accompanies) else ()
        name = who.name if isinstance(who, Accompanies) else ""
        self.at(Ns(self.session.now + after), Foreseen(request.id, chords, name, stand_in))
