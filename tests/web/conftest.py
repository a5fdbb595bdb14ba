"""A house for each test, closed behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.house import House


@pytest.fixture
def house() -> Iterator[House]:
    """The page's process without a process."""
    house = House()
    yield house
    house.close()
