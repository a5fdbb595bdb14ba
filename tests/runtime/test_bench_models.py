"""The sizes of random networks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from jamlink.errors import Nonsense
from jamlink.runtime.bench_floor import matrix_weights
from jamlink.runtime.bench_models import shape_of, sizes_of


@pytest.mark.parametrize(("text", "sizes"), [("", []), ("10", [10]), (" 3, 25 ", [3, 25])])
def test_sizes_as_they_are_typed(text: str, sizes: Sequence[int]) -> None:
    assert sizes_of(text) == sizes
    for size in sizes:
        assert matrix_weights(shape_of(size)) == pytest.approx(size * 1e6, rel=0.2)


def test_a_size_that_is_not_there() -> None:
    with pytest.raises(Nonsense, match=r"no network of size 7\. Sizes are 3, 10, 25"):
        sizes_of("3,7")
