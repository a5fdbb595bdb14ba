"""What is drawn: allowed, repeatable, and nobody else's business."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from jamlink.engine.decoder import CHUNK, Decoder
from jamlink.engine.generate import Against, Row, Sampling, generate
from tests.engine.conftest import SMALL

PROMPT = [3, 1, 4, 1, 5]


@dataclass
class Even:
    """Allows even ids for `length` ids, but for every third, which is 7."""

    length: int
    said: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.said) >= self.length

    def next(self):
        return 7 if len(self.said) % 3 == 2 else np.arange(37) % 2 == 0

    def advance(self, token: int) -> None:
        self.said.append(token)


def drawn(decoder: Decoder, *rows: tuple[int, int, float]) -> list[Row]:
    """Rows of (seed, length, temperature)."""
    found = [Row(Even(length), Sampling(seed, temperature)) for seed, length, temperature in rows]
    generate(decoder, PROMPT, found, lambda: False)
    return found


def test_rows_say_what_their_guide_allows_and_end_with_it(decoder: Decoder) -> None:
    for row, length in zip(drawn(decoder, (1, 9, 1.0), (2, 4, 2.0), (3, 1, 0.5)), (9, 4, 1), strict=True):
        assert row.finished
        assert len(row.ids) == length
        assert all(token == 7 if i % 3 == 2 else token % 2 == 0 for i, token in enumerate(row.ids))


def test_a_word_without_choice_costs_no_draw_and_no_score(decoder: Decoder) -> None:
    (row,) = drawn(decoder, (1, 9, 1.0))
    assert len(row.log_probabilities) == 6


@pytest.mark.parametrize("seed", range(20))
def test_the_same_seed_says_the_same_whatever_is_drawn_beside_it(decoder: Decoder, seed: int) -> None:
    (alone,) = drawn(decoder, (seed, 12, 1.0))
    beside = drawn(decoder, (99, 3, 0.7), (seed, 12, 1.0), *((i + 100, 5 + i, 1.5) for i in range(9)))[1]
    assert beside.ids == alone.ids
    assert beside.log_probabilities == pytest.approx(alone.log_probabilities, abs=1e-4)


def test_different_seeds_say_different_things(decoder: Decoder) -> None:
    rows = drawn(decoder, *((seed, 12, 1.0) for seed in range(8)))
    assert len({tuple(row.ids) for row in rows}) > 4


def test_log_probabilities_are_those_of_the_network_among_what_is_allowed(decoder: Decoder) -> None:
    (row,) = drawn(decoder, (5, 9, 2.5))
    said, scores = list(PROMPT), iter(row.log_probabilities)
    for i, token in enumerate(row.ids):
        decoder._read = []
        logits = decoder.prefill(said).astype(float)
        if i % 3 != 2:
            assert next(scores) == pytest.approx(logits[token] - np.log(np.exp(logits[::2]).sum()), abs=1e-3)
        said.append(token)


def test_a_cancelled_call_stops_within_one_step(decoder: Decoder) -> None:
    asked = iter([False] * 4 + [True] * 100)
    row = Row(Even(30), Sampling(1))
    generate(decoder, PROMPT, [row], lambda: next(asked))
    assert len(row.ids) == 4
    assert not row.finished


def test_a_call_cancelled_at_once_says_nothing(decoder: Decoder) -> None:
    row = Row(Even(30), Sampling(1))
    generate(decoder, PROMPT, [row], lambda: True)
    assert row.ids == []


def test_a_call_stops_within_one_chunk_of_a_long_prompt(decoder: Decoder) -> None:
    answers = [False, True]  # read a chunk, then stop: nobody asks a third time
    row = Row(Even(30), Sampling(1))
    generate(decoder, [1] * (CHUNK + 1), [row], lambda: answers.pop(0))
    assert row.ids == []
    assert answers == []


def test_a_row_without_room_ends_unfinished(decoder: Decoder) -> None:
    (row,) = drawn(decoder, (1, 1000, 1.0))
    assert not row.finished
    assert len(row.ids) == decoder.limit - len(PROMPT) + 1


def guided(decoder: Decoder, weights, weight: float, plain: list[int], seeds: int = 40) -> list[Row]:
    """Rows of one word, moved away from what the prompt `plain` says."""
    other = Decoder(SMALL, weights)
    rows = [Row(Even(4), Sampling(seed)) for seed in range(seeds)]
    generate(decoder, PROMPT, rows, lambda: False, Against(other, plain, weight))
    return rows


def test_guidance_of_no_weight_or_away_from_the_same_prompt_changes_nothing(decoder: Decoder, weights) -> None:
    free = [row.ids for row in drawn(decoder, *((seed, 4, 1.0) for seed in range(40)))]
    assert [row.ids for row in guided(decoder, weights, 0.0, [9, 8])] == free
    assert [row.ids for row in guided(decoder, weights, 5.0, PROMPT)] == free


def test_guidance_chooses_what_the_wish_makes_likelier(decoder: Decoder, weights) -> None:
    plain = [9, 8, 7]
    wish, without = decoder.prefill(PROMPT), Decoder(SMALL, weights).prefill(plain)
    even = np.arange(37) % 2 == 0
    gain = (wish - without) - (wish - without)[even].mean()
    free = np.mean([gain[row.ids[0]] for row in drawn(decoder, *((seed, 1, 1.0) for seed in range(200)))])
    moved = np.mean([gain[row.ids[0]] for row in guided(decoder, weights, 2.0, plain, 200)])
    assert moved > free + 0.5


def test_a_guided_row_is_scored_by_the_network_and_not_by_the_guidance(decoder: Decoder, weights) -> None:
    for row in guided(decoder, weights, 3.0, [9, 8], 5):
        logits = decoder.prefill(PROMPT)[::2].astype(np.float64)
        expected = logits[row.ids[0] // 2] - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        assert row.log_probabilities[0] == pytest.approx(expected, abs=1e-4)
        assert row.finished


def test_rows_that_end_leave_the_guidance_of_others_alone(decoder: Decoder, weights) -> None:
    def one(*lengths: int) -> list[list[int]]:
        rows = [Row(Even(length), Sampling(seed)) for seed, length in enumerate(lengths)]
        generate(decoder, PROMPT, rows, lambda: False, Against(Decoder(SMALL, weights), [9, 8], 1.5))
        return [row.ids for row in rows]

    assert one(2, 12, 3)[1] == one(12, 12, 12)[1]
