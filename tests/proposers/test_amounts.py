"""More is wanted the farther a control is turned, about what is usual and what the player plays; nothing in the middle."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.proposers.amounts import NOTES, notes_of_push, notes_wanted, push_wanted, turned
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Controls
from tests.proposers.requests import asked, playing, requests, silence


def scene(context=None, **controls):
    return Scene.of(asked(context, controls=Controls(**controls)))


def test_a_control_in_the_middle_wants_nothing():
    assert turned(0.5) == turned(0.55) == 0
    assert notes_wanted(scene(density=0.45)) is None
    assert push_wanted(scene(drive=0.5, density=1.0)) is None
    assert (turned(0.0), turned(1.0)) == (-1, 1)


@pytest.mark.parametrize("context", [silence(), playing(), playing(bars=8)])
def test_more_is_wanted_the_farther_a_control_is_turned(context):
    settings = (0.0, 0.25, 0.75, 1.0)
    assert all(a < b for a, b in pairwise(notes_wanted(scene(context, density=d)) for d in settings))
    assert all(a < b for a, b in pairwise(push_wanted(scene(context, drive=d)) for d in settings))
    assert all(a < b for a, b in pairwise(push_wanted(scene(context, drive=d, density=0.0)) for d in settings))


def test_without_a_player_the_usual_is_the_middle():
    low, high = (notes_wanted(scene(silence(), density=d)) for d in (0.0, 1.0))
    assert low * high == pytest.approx(NOTES**2)
    assert notes_of_push(push_wanted(scene(silence(), drive=1.0))) == pytest.approx(high)


@given(requests())
def test_what_is_wanted_can_be_played_whatever_was_heard(request):
    found = Scene.of(request)
    assert all(0.2 < wanted < 8 for wanted in (notes_wanted(found), push_wanted(found)) if wanted)


@given(st.sampled_from((0.0, 0.25, 0.75, 1.0)))
def test_push_is_at_least_the_notes_and_at_most_twice_them(drive):
    notes, push = (wanted(scene(density=0.8, drive=drive)) for wanted in (notes_wanted, push_wanted))
    assert notes <= push <= 2 * notes
