"""How an id is chosen: by the reference in numpy, and by every native engine, which must choose the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jamlink.engine.native import Level, NativeDecoder, Precision, loaded
from jamlink.engine.sampling import Boldness, Choice, Floats, Ids, Sampling, sample
from tests.engine.test_native import WEIGHTS, WIDE, library

library()
VOCAB = WIDE.vocab_size
Sample = Callable[[Floats, Choice], tuple[Ids, Floats]]
LEVELS = [level for level in Level if loaded().jl_can(level)]
NATIVE = {level: NativeDecoder(WIDE, WEIGHTS, Precision.FLOATS, level) for level in LEVELS}
everyone = pytest.mark.parametrize(
    "choose", [sample, *(NATIVE[level].choose for level in LEVELS)], ids=["numpy", *(n.name.lower() for n in LEVELS)]
)
EVENLY = (np.arange(200) + 0.5) / 200


def logits_of(chances: list[float], rows: int = 1) -> Floats:
    """(rows, VOCAB): these chances for the first ids, the others so unlikely that they are never drawn."""
    found = np.full(VOCAB, -80.0, np.float32)
    found[: len(chances)] = np.log(np.array(chances))
    return np.repeat(found[None], rows, axis=0)


def free(rows: int, sampling: Sampling | None = None, draws: np.ndarray | None = None) -> Choice:
    """All ids may come."""
    given = EVENLY[:rows] if draws is None else draws
    return Choice(np.ones((rows, VOCAB), bool), Boldness.of([sampling or Sampling(0)] * rows), given)


@everyone
def test_draws_follow_the_chances(choose: Sample) -> None:
    choice = free(200)
    choice.masks[:, 3] = False
    logits = logits_of([0.5, 0.3, 0.2, 0.9], 200)
    ids, logs = choose(logits, choice)
    assert np.bincount(ids).tolist() == [100, 60, 40]
    assert np.exp(logs[0]) == pytest.approx(0.5)


@everyone
@pytest.mark.parametrize(
    ("sampling", "left"),
    [
        (Sampling(0, temperature=0), {1}),
        (Sampling(0, temperature=0.01), {1}),
        (Sampling(0, top_k=2), {1, 2}),
        (Sampling(0, min_p=0.5), {1, 2}),
        (Sampling(0, min_p=0.9), {1}),
        (Sampling(0, top_k=3, min_p=0.3), {1, 2, 3}),
        (Sampling(0, temperature=2.0), {0, 1, 2, 3}),
    ],
)
def test_only_what_is_likely_enough_is_left(choose: Sample, sampling: Sampling, left: set[int]) -> None:
    ids, _ = choose(logits_of([0.1, 0.45, 0.3, 0.15], 200), free(200, sampling))
    assert set(ids.tolist()) == left


@everyone
def test_each_row_has_its_own_boldness(choose: Sample) -> None:
    choice = Choice(np.ones((2, VOCAB), bool), Boldness.of([Sampling(0, top_k=1), Sampling(0)]), np.array([0.99, 0.99]))
    assert choose(logits_of([0.6, 0.4], 2), choice)[0].tolist() == [0, 1]


@everyone
def test_the_highest_draw_is_still_an_allowed_id(choose: Sample) -> None:
    choice = free(1, draws=np.array([np.nextafter(1.0, 0.0)]))
    choice.masks[:, 2:] = False
    assert choose(np.zeros((1, VOCAB), np.float32), choice)[0].tolist() == [1]


@everyone
def test_pull_multiplies_the_odds_by_what_the_wish_adds_to_the_power_of_its_weight(choose: Sample) -> None:
    wished, plain = logits_of([0.5, 0.5], 200), logits_of([0.25, 0.75], 200)
    ids, logs = choose(wished, replace(free(200), plain=plain, pull=1.0))
    assert (ids == 0).mean() == pytest.approx(0.75, abs=0.01)  # 1 : 1, times 2 : 2/3
    assert np.exp(logs) == pytest.approx(0.5)  # the network's own opinion


@everyone
@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_another_model_has_its_share_of_the_say(choose: Sample, share: float) -> None:
    beside = np.zeros((200, VOCAB), np.float32)
    beside[:, 1] = 1
    choice = replace(free(200), beside=beside, share=np.full(200, share, np.float32))
    ids, _ = choose(logits_of([0.8, 0.2], 200), choice)
    assert (ids == 1).mean() == pytest.approx((1 - share) * 0.2 + share, abs=0.01)


@everyone
@pytest.mark.parametrize("bad", ["nothing allowed", "no number"])
def test_a_mask_that_allows_nothing_is_refused(choose: Sample, bad: str) -> None:
    choice, logits = free(2), np.zeros((2, VOCAB), np.float32)
    if bad == "nothing allowed":
        choice.masks[1] = False
    else:
        logits[1] = np.nan
    with pytest.raises(ValueError, match="allows nothing"):
        choose(logits, choice)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -0.1}, {"temperature": float("nan")}, {"top_k": -1}, {"min_p": 1.5}, {"min_p": -0.1}]
)
def test_what_is_no_way_to_choose_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"a temperature is|top_k is"):
        Sampling(0, **wrong)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
def test_the_native_engines_choose_what_numpy_chooses(seed: int, pulls: bool, mixes: bool) -> None:
    dice, rows = np.random.default_rng(seed), 9
    logits = dice.normal(0, 3, (rows, VOCAB)).astype(np.float32)
    masks = dice.random((rows, VOCAB)) < 0.5
    masks[:, dice.integers(VOCAB)] = True
    samplings = [
        Sampling(0, dice.choice([0, 0.3, 1.0, 1.7]), int(dice.choice([0, 1, 5])), dice.choice([0, 0.02]))
        for _ in range(rows)
    ]
    choice = Choice(
        masks, Boldness.of(samplings), dice.random(rows),
        plain=dice.normal(0, 3, (rows, VOCAB)).astype(np.float32) if pulls else None, pull=0.7,
        beside=dice.dirichlet(np.ones(VOCAB), rows).astype(np.float32) if mixes else None,
        share=dice.random(rows).astype(np.float32) if mixes else None,
    )  # fmt: skip
    expected, expected_logs = sample(logits, choice)
    for native in NATIVE.values():
        ids, logs = native.choose(logits, choice)
        same = ids == expected
        assert same.sum() >= rows - 1  # a draw may fall between two roundings
        assert logs[same] == pytest.approx(expected_logs[same], abs=1e-4)


def test_a_step_with_a_choice_is_a_step_and_then_a_choice() -> None:
    for native in NATIVE.values():
        native.prefill([1, 2, 3])
        one, other = native.fork(40, 4), native.fork(40, 4)
        rows = [0, 5, 38]
        choice = free(3, draws=np.array([0.2, 0.5, 0.9]))
        expected = native.choose(other.logits(other.step([7] * 40)[rows]), choice)
        found = one.advance([7] * 40, rows, choice)
        assert (found[0] == expected[0]).all()
        assert (found[1] == expected[1]).all()
        assert one.room == other.room == 3
        with pytest.raises(ValueError, match="cannot choose"):
            one.advance([7] * 40, [0, 1, 40], choice)
