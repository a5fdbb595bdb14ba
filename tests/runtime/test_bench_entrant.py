"""What an engine says is judged."""

from __future__ import annotations

import pytest

from jamlink.errors import Nonsense
from jamlink.runtime.bench_entrant import judge

RIGHT = [[7, 8, 9]] * 8


@pytest.mark.parametrize(
    ("precision", "said", "why"),
    [
        ("fp32", RIGHT, ""),
        ("fp32", [*RIGHT[:-1], [7, 8, 1]], "row 8 of 8 says 1 as word 3, where 9 is right"),
        ("int8", [[7, 1, 1]] * 4 + [[1, 1, 1]] * 4, ""),
        ("int8", [[7, 1, 1]] * 3 + [[1, 1, 1]] * 5, "only 3 of 8 rows begin with the right word"),
        ("int8", RIGHT[:-1], "it says 7 rows"),
        ("bf16", [[7, 8]] * 8, "it says 8 rows of 2 words"),
    ],
)
def test_floats_must_say_the_words_and_less_must_begin_like_them(precision: str, said: list, why: str) -> None:
    if why:
        with pytest.raises(Nonsense, match=why):
            judge(precision, said, RIGHT)
    else:
        judge(precision, said, RIGHT)
