"""What counts: by hand on a few words, and as laws."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.evaluation.counting import Interpolated, fit_weights, memory, mixed


def test_witten_bell_gives_to_the_context_before_what_new_words_have_had():
    counts = Interpolated()
    for word in (0, 0, 1):
        counts.add(((),), word)
    # 3 words, 2 kinds: (2 + 2 * 1/4) / 5, and for a word never seen (0 + 2 * 1/4) / 5.
    assert counts.p(((),), 0, 0.25) == pytest.approx(0.5)
    assert counts.p(((),), 3, 0.25) == pytest.approx(0.1)
    assert counts.all(((),), 4) == pytest.approx([0.5, 0.3, 0.1, 0.1])


def test_a_context_never_seen_is_as_the_one_before_it():
    counts = Interpolated()
    counts.add(((), ("a",)), 1)
    assert counts.p(((), ("b",)), 1, 0.5) == counts.p(((),), 1, 0.5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_counted_words_share_one(words):
    counts = Interpolated()
    for before, word in pairwise(words):
        counts.add(((), (before,)), word)
    p = counts.all(((), (words[0],)), 5)
    assert p.sum() == pytest.approx(1)
    assert p == pytest.approx([counts.p(((), (words[0],)), word, 0.2) for word in range(5)])


def test_a_piece_remembers_what_followed_its_longest_run():
    seen, lengths = memory("abcabd" + "ab", 3)
    assert lengths.tolist() == [0, 0, 0, 0, 1, 2, 0, 1]
    assert dict(seen[4]) == {"b": 1}
    assert dict(seen[5]) == {"c": 1}
    assert not seen[6]  # nothing followed "d" before
    assert dict(seen[7]) == {"b": 2}


@given(st.text("abc", max_size=30), st.text("abc", max_size=10))
def test_memory_of_a_place_depends_on_nothing_after_it(start, end):
    before, lengths = memory(start + "a", 4)
    after, longer = memory(start + "a" + end, 4)
    assert after[: len(before)] == before
    assert longer[: len(lengths)].tolist() == lengths.tolist()


def test_weights_go_to_the_system_that_is_right_in_each_group():
    shares = [np.array([[0.9, 0.1]] * 50 + [[0.1, 0.9]] * 50)]
    groups = [np.array([0] * 50 + [1] * 50)]
    weights = fit_weights(shares, groups)
    assert weights[0, 0] > 0.95
    assert weights[1, 1] > 0.95
    assert mixed(shares, weights, groups)[0].min() > 0.85
    assert weights.sum(axis=1) == pytest.approx(1)
