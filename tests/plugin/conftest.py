"""Where plug-in and jamlink meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin.meeting import Meeting


@pytest.fixture
def socket_of_our_own(tmp_path, monkeypatch) -> Path:
    """Where this test's jamlink and plug-ins meet, and no one else's."""
    path = tmp_path / "meet" / "plug-in"
    path.parent.mkdir(mode=0o700)
    monkeypatch.setenv("JAMLINK_PLUGIN", str(path))
    return path


@pytest.fixture
def meeting(socket_of_our_own) -> Iterator[Meeting]:
    """jamlink's end."""
    meeting = Meeting()
    yield meeting
    meeting.ports.stop()
