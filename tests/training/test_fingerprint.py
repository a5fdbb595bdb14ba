"""Families of tunes: found in any key, not made of scales, joined whoever comes first."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from jamlink.training.fingerprint import COMMON, NOTES, Families, Register, double, fingerprint

melodies = st.lists(st.integers(48, 84), min_size=NOTES, max_size=60)


@given(melodies, st.integers(-12, 12))
def test_a_fingerprint_does_not_depend_on_the_key(pitches, semitones):
    assert fingerprint(pitches) == fingerprint([pitch + semitones for pitch in pitches])


@given(melodies)
def test_a_part_of_a_tune_has_no_run_that_the_tune_has_not(pitches):
    assert fingerprint(pitches[len(pitches) // 3 :]) <= fingerprint(pitches)


def test_seven_notes_have_no_fingerprint():
    assert fingerprint([60] * 7) == frozenset()
    assert len(fingerprint([60, 62, 64, 65, 67, 69, 71, 72])) == 1


def tune(seed: int, length: int = 60) -> list[int]:
    chance = random.Random(seed)
    return [chance.randint(55, 79) for _ in range(length)]


def test_a_register_finds_the_tune_in_another_key_and_with_other_notes_in_it():
    register = Register({f"t{i}": fingerprint(tune(i)) for i in range(30)})
    moved = [pitch + 5 for pitch in tune(7)]
    moved[20], moved[41] = 60, 61
    assert [name for name, _ in register.relatives(fingerprint(moved))] == ["t7"]
    assert not list(register.relatives(fingerprint(tune(99))))


def test_pairs_are_found_once_and_doubles_told_from_cousins():
    half = tune(1)[:30] + tune(2)[30:]
    prints = {
        "a": fingerprint(tune(1)),
        "b": fingerprint(half),
        "c": fingerprint(tune(1)[:58]),
        "d": fingerprint(tune(9)),
    }
    register = Register(prints)
    found = {(one, other): register.is_double(one, other, shared) for one, other, shared in register.pairs()}
    assert found == {("a", "b"): False, ("a", "c"): True, ("b", "c"): False}


def test_what_everybody_plays_says_nothing():
    scale = list(range(60, 76))
    register = Register({f"t{i}": fingerprint(scale) for i in range(COMMON + 1)})
    assert not list(register.pairs())
    assert not list(register.relatives(fingerprint(scale)))


def test_few_runs_are_no_double():
    assert not double(7, 7)
    assert double(8, 13)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20), st.randoms(use_true_random=False))
def test_families_are_the_same_in_whatever_order_they_are_joined(pairs, chance):
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    one, other = (joined(order) for order in (pairs, shuffled))
    assert one == other
    assert all(family <= name for name, family in one.items())


def joined(pairs: list[tuple[int, int]]) -> dict[str, str]:
    families = Families(map(str, range(10)))
    for a, b in pairs:
        families.join(str(a), str(b))
    return {str(i): families.of(str(i)) for i in range(10)}
