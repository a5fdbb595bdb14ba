"""The table of a proposal's life: what is in it, and that what is not is refused by name."""

import itertools

import pytest

from jamlink.errors import Fault
from jamlink.session.proposal import LIFE, Happening, State, next_state

ENDED = {
    State.PLAYED,
    State.EXPIRED,
    State.SUPERSEDED,
    State.REJECTED,
    State.LAPSED,
    State.WITHDRAWN,
    State.CUT,
}


@pytest.mark.parametrize(("state", "happening"), list(itertools.product(State, Happening)))
def test_a_pair_is_in_the_table_or_refused_by_name(state, happening):
    if (state, happening) in LIFE:
        assert next_state(state, happening) is LIFE[state, happening]
    else:
        with pytest.raises(Fault, match=f"{state.value}.*{happening.value}"):
            next_state(state, happening)


def test_nothing_happens_to_what_has_ended():
    assert not {state for state, _ in LIFE} & ENDED


def test_every_state_can_be_reached_and_every_life_ends():
    reached = {State.REQUESTED} | set(LIFE.values())
    assert reached == set(State)
    for state in set(State) - ENDED:
        assert any(before is state for before, _ in LIFE)


def test_stop_ends_whatever_is_alive():
    for state in set(State) - ENDED:
        assert next_state(state, Happening.STOP) in ENDED
