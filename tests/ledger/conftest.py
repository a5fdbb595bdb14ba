from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jamlink.ledger.store import Ledger
from jamlink.timing.units import Ns


@pytest.fixture
def session_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a session file of the given (kind, payload) pairs, one each 10 ns, and closes it."""

    def write(*records: tuple[str, Any], name: str = "session.jam") -> Path:
        ledger = Ledger(tmp_path / name)
        for i, (kind, payload) in enumerate(records):
            ledger.append(kind, payload, Ns(10 * i))
        assert ledger.close(timeout_s=30.0)
        return ledger.path

    return write
