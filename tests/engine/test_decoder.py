"""The cache never changes what the network says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jamlink.engine.decoder import CHUNK, Decoder

ids = st.lists(st.integers(0, 36), min_size=1, max_size=24)
long = st.lists(st.integers(0, 36), min_size=1, max_size=64)
CLOSE = {"atol": 1e-4, "rtol": 1e-4}
law = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def fresh(decoder: Decoder, prompt: list[int]) -> np.ndarray:
    """What the network says with nothing in its cache."""
    decoder._read = []
    return decoder.prefill(prompt)


@law
@given(long, st.integers(0, 64), ids)
def test_a_prompt_says_the_same_to_the_last_bit_whatever_was_read_before(
    decoder: Decoder, prompt: list[int], shared: int, other: list[int]
) -> None:
    expected = fresh(decoder, prompt)
    fresh(decoder, (prompt[:shared] + other)[:64])
    assert decoder.prefill(prompt).tobytes() == expected.tobytes()


@law
@given(ids, long)
def test_a_prompt_read_at_once_says_what_it_says_step_by_step(
    decoder: Decoder, prompt: list[int], rest: list[int]
) -> None:
    rest = rest[: 64 - len(prompt)]
    expected = fresh(decoder, prompt + rest)
    decoder.prefill(prompt)
    fork = decoder.fork(1, len(rest))
    for token in rest:
        states = fork.step([token])
    np.testing.assert_allclose(fork.logits(states)[0], expected, **CLOSE)


@law
@given(ids, st.lists(ids, min_size=1, max_size=5))
def test_forked_rows_step_by_step_are_prompts_of_their_own(
    decoder: Decoder, prompt: list[int], rows: list[list[int]]
) -> None:
    length = min(map(len, rows))
    expected = [fresh(decoder, prompt + row[:length]) for row in rows]
    decoder.prefill(prompt)
    fork = decoder.fork(len(rows), length)
    for step in range(length):
        states = fork.step([row[step] for row in rows])
    np.testing.assert_allclose(fork.logits(states), expected, **CLOSE)


@law
@given(ids, st.lists(st.lists(st.integers(0, 36), min_size=6, max_size=6), min_size=2, max_size=5), st.data())
def test_rows_that_are_kept_do_not_notice_that_others_left(
    decoder: Decoder, prompt: list[int], rows: list[list[int]], data: st.DataObject
) -> None:
    kept = sorted(data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1)))
    expected = [fresh(decoder, prompt + rows[i]) for i in kept]
    decoder.prefill(prompt)
    fork = decoder.fork(len(rows), 6)
    for step in range(3):
        fork.step([row[step] for row in rows])
    fork.keep(kept)
    for step in range(3, 6):
        states = fork.step([rows[i][step] for i in kept])
    np.testing.assert_allclose(fork.logits(states), expected, **CLOSE)


def test_whole_chunks_that_two_prompts_share_are_read_once(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = [1] * (CHUNK + 8)
    decoder.prefill(prompt)
    read = []
    attend = decoder._attend
    monkeypatch.setattr(
        decoder, "_attend", lambda i, qkv, start: read.append((start, qkv.shape[1])) or attend(i, qkv, start)
    )
    decoder.prefill([*prompt[:-2], 5, 6, 7])
    assert read == [(CHUNK, 9)] * 2  # two layers
    decoder.prefill([2, *prompt])
    assert read[2:] == [(0, CHUNK)] * 2 + [(CHUNK, 9)] * 2


def test_a_prompt_that_was_interrupted_is_read_again(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fresh(decoder, [7, 8, 9])
    decoder.prefill([1, 2, 3])
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "_attend", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            decoder.prefill([7, 8, 9])
    np.testing.assert_allclose(decoder.prefill([7, 8, 9]), expected, **CLOSE)


def test_a_fork_has_room_up_to_the_limit_of_positions(decoder: Decoder) -> None:
    decoder.prefill([1] * 60)
    fork = decoder.fork(2, 100)
    for _ in range(4):
        fork.step([1, 2])
    assert fork.room == 0
    with pytest.raises(ValueError, match="room for 0"):
        fork.step([1, 2])


@pytest.mark.parametrize("length", [0, 65])
def test_a_prompt_has_at_least_one_id_and_fits(decoder: Decoder, length: int) -> None:
    with pytest.raises(ValueError, match="1 to 64 ids"):
        decoder.prefill([1] * length)


@pytest.mark.parametrize("token", [-1, 37])
def test_an_id_is_one_of_the_vocabulary(decoder: Decoder, token: int) -> None:
    with pytest.raises(ValueError, match="0 to 36"):
        decoder.prefill([1, token])


def test_a_prompt_left_off_in_the_middle_is_no_prompt_to_go_on_from(decoder: Decoder) -> None:
    prompt = [3] * (CHUNK + 1)
    expected = fresh(decoder, prompt)
    decoder.prefill([2])
    assert not decoder.read_on(prompt)
    with pytest.raises(ValueError, match="needs a prompt"):
        decoder.fork(1, 1)
    assert decoder.read_on(prompt)
    assert decoder.prefill(prompt).tobytes() == expected.tobytes()
