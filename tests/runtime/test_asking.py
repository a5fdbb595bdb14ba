"""Whoever is asked, every question has an answer that the session understands."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from jamlink.runtime.asking import Asking
from jamlink.runtime.model_link import CandidatesReady, ChordsReady, Failed, Ready
from jamlink.runtime.screen import Screen
from jamlink.session import effects as fx
from jamlink.session.inputs import Foreseen, Ideas, ProposerIs

REQUEST = SimpleNamespace(id=7)


class Fails:
    name = "failing"

    def propose(self, request, cancelled):
        raise ZeroDivisionError

    def chords(self, request):
        raise ZeroDivisionError


class Model:
    """A model process that is a list of what it was asked."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, order):
        return lambda what: self.asked.append((order, what))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (fx.AskProposer(REQUEST), Ideas(7, (), False)),
        (fx.AskChords(REQUEST), Foreseen(7, (), "", False)),
        (fx.AskStandIn(REQUEST), Ideas(7, (), True)),
        (fx.AskChordsStandIn(REQUEST), Foreseen(7, (), "failing", True)),
    ],
)
def test_without_a_model_and_with_a_stand_in_that_fails_there_are_no_ideas_and_that_is_an_answer(
    question, answer, capsys
):
    asking = Asking(None, Fails(), Fails(), Screen())
    asking.ask(question)
    asking.ask(fx.Prepare(REQUEST))
    asking.ask(fx.CancelRequest(7))
    assert list(asking.at_once) == [answer]
    assert ("ZeroDivisionError" in capsys.readouterr().err) == question.__class__.__name__.endswith("StandIn")


@pytest.mark.parametrize(
    ("question", "order", "what"),
    [
        (fx.Prepare(REQUEST), "prepare", REQUEST),
        (fx.AskProposer(REQUEST), "ask", REQUEST),
        (fx.AskChords(REQUEST), "ask_chords", REQUEST),
        (fx.CancelRequest(7), "cancel", 7),
    ],
)
def test_a_model_that_is_there_is_asked_and_nobody_answers_at_once(question, order, what):
    model = Model()
    asking = Asking(model, Fails(), Fails(), Screen())
    asking.ask(question)
    assert (model.asked, list(asking.at_once)) == ([(order, what)], [])


@pytest.mark.parametrize(
    ("said", "heard", "ready", "troubles"),
    [
        (Ready("jam-s"), ProposerIs(True, "jam-s"), True, []),
        (Failed(None, "It is gone."), ProposerIs(False, "", "It is gone."), True, ["It is gone."]),
        (Failed(7, "It is gone."), Ideas(7, (), False), False, []),
        (CandidatesReady(7, ()), Ideas(7, (), False), False, []),
        (ChordsReady(7, (), "jam-s"), Foreseen(7, (), "jam-s", False), False, []),
    ],
)
def test_what_the_model_says_is_an_input_of_the_session(said, heard, ready, troubles):
    screen = Screen()
    asking = Asking(Model(), Fails(), Fails(), screen)
    assert asking.heard(said) == heard
    assert (asking.ready, screen.troubles) == (ready, troubles)


def test_who_plays_without_a_model_is_ready_from_the_start():
    assert Asking(None, Fails(), Fails(), Screen()).ready
