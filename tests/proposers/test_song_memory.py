"""Habits, repeats and form: what comes next by counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.proposers.song_memory import (
    FORM_LEVELS,
    HABIT_LEVELS,
    LAGS,
    LEVELS,
    REPEAT_LEVELS,
    Blend,
    Habits,
    Past,
    SongMemory,
    Trust,
    blended,
    fitted_blend,
    fitted_trust,
    form,
    repeated,
    repeats,
    steps_of,
)

QUALITIES = 2
SIZE = 1 + 12 * QUALITIES
charts = st.lists(st.integers(0, SIZE - 1), min_size=2, max_size=30).map(
    lambda words: [w for i, w in enumerate(words) if i == 0 or w != words[i - 1]]
)


def major(root: int) -> int:
    return 1 + root % 12 * QUALITIES


C, F, G = major(0), major(5), major(7)


def test_steps_are_counted_from_the_last_root_and_pass_over_no_chord() -> None:
    assert steps_of([C, F, 0, G], QUALITIES) == [major(0), major(5), 0, major(2)]


@given(charts, st.integers(0, 11))
def test_habits_are_the_same_in_every_key(chart: list[int], up: int) -> None:
    habits = Habits.counted([[C, F, G, C, F, 0, C], chart], qualities=QUALITIES)
    moved = [(w - 1 + QUALITIES * up) % (SIZE - 1) + 1 if w else 0 for w in chart]
    here = SongMemory(habits).shares(Past(chart))
    there = SongMemory(habits).shares(Past(moved))
    if any(chart):
        assert here[0] == pytest.approx(there[0])
        assert np.roll(here[1:], QUALITIES * up) == pytest.approx(there[1:])


@given(charts)
def test_shares_sum_to_one_and_no_word_follows_itself(chart: list[int]) -> None:
    memory = SongMemory(Habits.counted([[C, F, G, C]], qualities=QUALITIES))
    p = memory.shares(Past(chart, range(0, 4 * len(chart), 4), 4 * len(chart), 4))
    assert p.sum() == pytest.approx(1)
    assert (p >= 0).all()
    assert p[chart[-1]] == 0


def test_witten_and_bell_by_hand() -> None:
    """After C, F came twice and G once: 3 / (3 + 2) of the count, the rest to the shorter context."""
    habits = Habits.counted([[C, F], [C, F], [C, G]], qualities=QUALITIES)
    p = blended(habits.voices([C], order=1), Trust(), SIZE, C)
    # The first chord of a chart is at no distance from anything, so order 1 has seen one context: the step `major(0)`.
    order_0 = 2 / 5 / (SIZE - 1) + 3 / 5 * 2 / 3
    assert p[F] == pytest.approx(2 / 5 * order_0 + 3 / 5 * 2 / 3)


def test_the_longest_repeat_speaks_last() -> None:
    found = repeats([C, F, G, C, F])
    assert [voice.level - REPEAT_LEVELS[0] + 1 for voice in found] == [1, 2]
    assert [voice.words.tolist() for voice in found] == [[G], [G]]
    assert repeated(found) == 2
    assert repeated(repeats([C, F, G])) == 0


def test_form_foretells_the_chord_of_the_same_place() -> None:
    """C F G F, a chord a bar, and again C F G: four bars ago an F stood here, and lately that always held."""
    words = [C, F, G, F, C, F, G]
    [voice] = [v for v in form(Past(words, range(7), 7, 1)) if v.level == FORM_LEVELS[LAGS.index(4)]]
    assert voice.words.tolist() == [F]
    assert voice.kind == 5, "the first of the last four changes has nothing four bars before"
    longer = [*words, F, C]
    [voice] = [v for v in form(Past(longer, range(9), 9, 1)) if v.level == FORM_LEVELS[LAGS.index(4)]]
    assert (voice.words.tolist(), voice.kind) == ([F], 4)


def test_without_places_no_form_is_judged() -> None:
    assert form(Past([C, F, G, C])) == []


def test_trust_is_fitted_to_what_comes_true() -> None:
    """Where songs always repeat themselves the repeats are believed, where they never do they are not."""
    nothing = Habits({}, qualities=QUALITIES)
    true, false = [C, F, G] * 12, [C, F, C, G, C, 0] * 2
    cases = [(SongMemory(nothing).voices(Past(true[:i])), true[i]) for i in range(4, len(true))]
    wrong = [([v for v in repeats(false[:i]) if v.share(false[i]) == 0], false[i]) for i in range(2, len(false))]
    believed, doubted = (fitted_trust(one, SIZE, REPEAT_LEVELS) for one in (cases * 5, wrong * 20))
    p = blended(repeats(true), believed, SIZE, true[-1])
    assert p[C] > 0.95
    assert doubted.of(repeats([C, F, C])[0]) < 0.2
    assert set(believed.shares) == set(REPEAT_LEVELS)


def test_levels_of_the_three_kinds_do_not_overlap() -> None:
    assert [*HABIT_LEVELS, *REPEAT_LEVELS, *FORM_LEVELS] == list(range(LEVELS))


def test_a_blend_learns_whom_to_believe() -> None:
    right, flat = np.full(SIZE, 0.01), np.full(SIZE, 1 / SIZE)
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(200):
        word = int(rng.integers(SIZE))
        sure = right.copy()
        sure[word if rng.random() < 0.8 else int(rng.integers(SIZE))] = 0.76
        misled = flat.copy()
        misled[int(rng.integers(SIZE))] = 0.5
        cases.append((sure, misled / misled.sum(), 0, word))
    (network, memory), *_ = fitted_blend(cases).powers
    assert network > 0.5
    assert memory < 0.2
    assert Blend().shares(right, flat, 7).sum() == pytest.approx(1)
