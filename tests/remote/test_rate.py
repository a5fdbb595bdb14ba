"""What reaches the session is what a hand can do; the last place of a control always does, and panic always does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jamlink.remote.rate import A_SECOND, AT_ONCE, PANICS_A_SECOND, Rate
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view.protocol import Do, Tempo, Turn

PRESS, PANIC = Do("select"), Do("panic")


def test_a_hand_is_never_refused():
    rate = Rate(Ns(0))
    for tenth in range(600):  # five presses at once, ten times a second
        assert rate.passed([PRESS] * 5, Ns(tenth * NS_PER_SECOND // 10)).refused == 0


def test_of_a_flood_so_many_a_second_are_carried_out_and_the_rest_is_counted():
    rate, through, refused = Rate(Ns(0)), 0, 0
    for step in range(1000):  # ten thousand a second, for ten
        passed = rate.passed([PRESS] * 100, Ns(step * NS_PER_SECOND // 100))
        through, refused = through + len(passed.commands), refused + passed.refused
    assert AT_ONCE + 9 * A_SECOND <= through <= AT_ONCE + 10 * A_SECOND
    assert through + refused == 100_000


def test_panic_gets_through_a_flood_and_a_flood_of_panics_is_thinned_out():
    rate = Rate(Ns(0))
    assert rate.passed([PRESS] * 1000, Ns(0)).refused == 1000 - AT_ONCE
    assert rate.passed([PRESS] * 1000 + [PANIC], Ns(1)).commands == (PANIC,)
    assert len(rate.passed([PANIC] * 1000, Ns(2)).commands) == PANICS_A_SECOND - 1


def test_a_control_that_is_moved_too_fast_arrives_where_it_was_moved_to_last():
    rate = Rate(Ns(0))
    rate.passed([PRESS] * 1000, Ns(0))
    moves = [Turn("surprise", step / 100) for step in range(101)]
    assert rate.passed([*moves, Tempo(90.0), Tempo(91.0)], Ns(1)).commands == ()
    due = rate.next_deadline
    assert rate.passed([], due).commands == (Turn("surprise", 1.0),)
    assert rate.passed([], rate.next_deadline).commands == (Tempo(91.0),)
    assert rate.next_deadline is None


steps = st.lists(st.tuples(st.integers(0, NS_PER_SECOND), st.integers(0, 300), st.floats(0, 1)), max_size=30)


@given(steps)
def test_whatever_comes_the_rate_holds_and_the_last_place_is_told(script):
    rate, now, told, last, through = Rate(Ns(0)), Ns(0), None, None, 0
    for wait, presses, place in script:
        now = Ns(now + wait)
        last = place
        for command in rate.passed([PRESS] * presses + [Turn("drive", place)], now).commands:
            through += 1
            told = command.value if isinstance(command, Turn) else told
    assert through <= AT_ONCE + A_SECOND * now / NS_PER_SECOND + 1
    while rate.next_deadline is not None:
        now = Ns(max(now, rate.next_deadline))
        for command in rate.passed([], now).commands:
            told = command.value
    assert told == last
