"""Who is asked for ideas and chords: the model process, and who stands in for it. One thread; nothing here waits.

The stand-ins answer at once. Their answers wait in `at_once` until everything else that the session wanted is done.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

from jamlink.proposers.base import Accompanies, Proposer
from jamlink.runtime.model_link import CandidatesReady, ChordsReady, Failed, FromModel, ModelLink, Ready
from jamlink.runtime.screen import Screen
from jamlink.session import effects as fx
from jamlink.session.inputs import Foreseen, Ideas, Input, ProposerIs
from jamlink.session.proposal import ChordsRequest, ProposalRequest

Question: TypeAlias = (
    fx.Prepare | fx.AskProposer | fx.AskStandIn | fx.AskChords | fx.AskChordsStandIn | fx.CancelRequest
)


class Asking:
    """`model` is None where another proposer plays."""

    def __init__(self, model: ModelLink | None, stand_in: Proposer, chords: Accompanies, screen: Screen) -> None:
        self._model, self._stand_in, self._chords, self._screen = model, stand_in, chords, screen
        self.at_once: deque[Ideas | Foreseen] = deque()
        self.ready = model is None
        """Whether whoever is asked first is as ready as it will be."""

    @property
    def readers(self) -> Sequence[ModelLink]:
        """What to wait on for answers."""
        return [self._model] if self._model is not None else []

    def receive(self) -> Sequence[FromModel]:
        """What the model said since the last call."""
        return self._model.receive() if self._model is not None else ()

    def close(self) -> None:
        """Let the model go."""
        if self._model is not None:
            self._model.close()

    def ask(self, question: Question) -> None:
        """Ask, or ask no more."""
        match question:
            case fx.Prepare(request):
                if self._model is not None:
                    self._model.prepare(request)
            case fx.AskProposer(request):
                self._ask_model(request)
            case fx.AskStandIn(request):
                self.at_once.append(self._ideas(request))
            case fx.AskChords(request):
                self._ask_model_for_chords(request)
            case fx.AskChordsStandIn(request):
                self.at_once.append(self._foreseen(request))
            case fx.CancelRequest(number):
                if self._model is not None:
                    self._model.cancel(number)

    def heard(self, answer: FromModel) -> Input:
        """What the model said, for the session."""
        match answer:
            case Ready(name):
                self._is_ready("")
                return ProposerIs(True, name)
            case CandidatesReady(number, candidates):
                return Ideas(number, tuple(candidates), False)
            case ChordsReady():
                return Foreseen(answer.request_id, tuple(answer.chords), answer.made_by, False)
            case Failed(request_id=None):
                self._is_ready(answer.sentence)  # as ready as it will be; the stand-in plays
                return ProposerIs(False, "", answer.sentence)
            case Failed(request_id=int(number)):
                return Ideas(number, (), False)
        raise AssertionError(answer)

    def _is_ready(self, trouble: str) -> None:
        self.ready = True
        self._screen.trouble("model", trouble)

    def _ask_model(self, request: ProposalRequest) -> None:
        if self._model is None:
            self.at_once.append(Ideas(request.id, (), False))
        else:
            self._model.ask(request)

    def _ask_model_for_chords(self, request: ChordsRequest) -> None:
        if self._model is None:
            self.at_once.append(Foreseen(request.id, (), "", False))
        else:
            self._model.ask_chords(request)

    def _ideas(self, request: ProposalRequest) -> Ideas:
        """The stand-in's; whatever is wrong with one hand, the music goes on without it."""
        try:
            return Ideas(request.id, tuple(self._stand_in.propose(request, lambda: False)), True)
        except Exception:
            traceback.print_exc()  # into the log beside the session file
            return Ideas(request.id, (), True)

    def _foreseen(self, request: ChordsRequest) -> Foreseen:
        """The stand-in's; whatever is wrong with one beat, the music goes on."""
        try:
            return Foreseen(request.id, self._chords.chords(request), self._chords.name, True)
        except Exception:
            traceback.print_exc()  # into the log beside the session file
            return Foreseen(request.id, (), self._chords.name, True)
