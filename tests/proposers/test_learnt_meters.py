"""In a meter that a network has not learnt it deals nothing: the rules do, under their own name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jamlink.evaluation.meters import judged
from jamlink.nn import checkpoint as shipped
from jamlink.nn.checkpoint import Checkpoint
from jamlink.proposers.rules import RulesProposer
from jamlink.proposers.transformer import TransformerProposer
from jamlink.resources import data_folder
from jamlink.session.proposal import ChordsRequest
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ns
from jamlink.tokens import vocab
from tests.proposers.requests import asked, playing

SEVEN = Meter(7, 8)


@pytest.fixture
def of_two_meters(checkpoint: Checkpoint) -> TransformerProposer:
    return TransformerProposer(replace(checkpoint, card=checkpoint.card | {"meters": ["4/4", "5/8"]}))


def test_the_rules_deal_and_sign_where_the_meter_is_unknown(of_two_meters):
    request = asked(playing(meter=SEVEN))
    hand = of_two_meters.propose(request, lambda: False)
    assert hand == RulesProposer().propose(request, lambda: False)
    assert {idea.made_by for idea in hand} == {"rules"}


@pytest.mark.parametrize("meter", [COMMON_TIME, Meter(5, 8)], ids=str)
def test_the_network_deals_in_the_others(of_two_meters, meter):
    assert {i.made_by for i in of_two_meters.propose(asked(playing(meter=meter)), lambda: False)} == {"tiny"}


def test_nothing_is_thought_of_ahead_that_is_not_dealt(of_two_meters):
    request = asked(playing(meter=SEVEN))
    of_two_meters.prepare(request, lambda: pytest.fail("the network was asked"))


def test_who_accompanies_in_it_is_not_the_network(of_two_meters):
    assert of_two_meters.chords(ChordsRequest(1, 1, SEVEN, 7, 2, 0, (), (None, None, None), Ns(0))) == ()


def test_a_card_that_says_nothing_of_meters_means_all(proposer):
    assert {i.made_by for i in proposer.propose(asked(playing(meter=SEVEN)), lambda: False)} == {"tiny"}


def test_the_shipped_network_leaves_seven_eight_to_the_rules():
    model = shipped.load(data_folder("models") / "jam-s", vocab.HASH)
    assert set(model.card["meters"]) == {str(Meter(*known)) for known in KNOWN_METERS} - {"7/8"}
    seven = judged(TransformerProposer(model), SEVEN, 6)
    assert seven.foreign == 0
    assert seven.chords <= 2 * seven.ideas * 2
