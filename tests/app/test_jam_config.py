"""What a jam is started with, from flags and what was remembered."""

from __future__ import annotations

import pytest

from jamlink.app.jam_config import _for_demo, _not_said
from jamlink.errors import Nonsense


def test_what_is_said_beside_a_demo_counts_but_not_another_meter():
    assert _for_demo({"session.tempo": None})["session.tempo"] == 96.0
    said = _for_demo({"session.tempo": 140.0, "session.repeat": "once", "session.bars": 2})
    assert (said["session.tempo"], said["session.repeat"], said["session.bars"]) == (140.0, "once", 2)
    with pytest.raises(Nonsense, match="in 4/4"):
        _for_demo({"session.meter": "3/4"})


def test_a_flag_forgets_a_remembered_port():
    before = {"input": "launchkey", "output": "fluid"}
    assert _not_said(before, {"ports.input": "", "ports.output": None}) == {"output": "fluid"}
