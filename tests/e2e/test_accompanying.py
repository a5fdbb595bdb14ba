"""A player at the page is accompanied: the mode is chosen there, chords come as promised and as open, and answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jamlink.ledger.store import read
from jamlink.runtime.replaying import replay
from tests.e2e.conftest import QUIET

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

KEYS = "adgjgd"
"""On the page these letters are notes of a chord and back."""


def test_chords_follow_what_is_played_on_the_page_and_can_be_refused_and_held(start, look):
    page = look(start(*QUIET, "--mode", "accompany", "--listen", "4", "--commit", "1", "--rest", "0"))
    page.press("Space")
    page.until("state.clock.playing")
    for key in KEYS * 5:
        page.page.keyboard.press(key, delay=200)
    page.until("state.accompany?.chords.some((chord) => chord.promised)")
    page.until("state.accompany.chords.some((chord) => !chord.promised)")
    page.until("state.accompany.voices.length > 0")
    assert page.state("state.hand") is None
    assert page.action("Go round").is_visible()
    page.press("1")
    expect(page.page.locator("#says")).to_contain_text("While jamlink accompanies there are no ideas")
    before = page.state("state.decision")
    page.press("Backspace")
    page.until(f"state.decision > {before} && state.saved >= state.decision")
    page.action("Hold").click()
    page.until("state.accompany.phase === 'going round'")
    page.action("Undo").click()
    page.until("state.accompany.phase === 'following'")
    page.press("Space")
    page.until("!state.clock.playing")
    page.jam.running.end()
    file = page.jam.running.session_file
    assert [e.value["verdict"] for e in read(file) if e.kind == "decided"] == ["rejected"]
    assert replay(file).same
