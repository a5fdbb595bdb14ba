"""Hearing an idea before it is taken: by mouse, by key, by its button; and it is what would be played."""

from __future__ import annotations

import pytest

from jamlink.ledger.store import read
from tests.e2e.conftest import QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

WRITE_DOWN = """
() => {
  const { sound } = window.jamlink;
  const schedule = sound.schedule.bind(sound);
  window.heard = [];
  sound.schedule = (role, pitch, velocity, ms, until) => {
    const voice = schedule(role, pitch, velocity, ms, until);
    const note = { what: [role, pitch, velocity], cut: false };
    window.heard.push(note);
    return voice && { ...voice, cut: () => { note.cut = true; voice.cut(); } };
  };
}
"""
"""What the page hands to its sound. With nothing playing, that is previews alone."""


@pytest.fixture
def page(start, look):
    page = look(start(*QUIET, "--bars", "4", "--tempo", "60"), viewport={"width": 1600, "height": 1000})
    page.play_until_a_hand()
    wait_until(lambda: page.page.evaluate("window.jamlink.sound.awake"), turn=lambda: page.page.wait_for_timeout(20))
    page.page.evaluate(WRITE_DOWN)
    return page


def expected(page, place: int) -> list:
    """What the session says that the idea in `place`, from 1, would play."""
    rows = page.state(f"state.arranged[state.hand.cards[{place - 1}].id]")
    return sorted([role, pitch, velocity] for _, _, pitch, velocity, role in rows)


def heard(page) -> list:
    return sorted(page.page.evaluate("window.heard.map((note) => note.what)"))


def asked(page) -> list:
    """What the record says was to be heard, by its place from 1."""
    return [e.value["index"] + 1 for e in read(page.jam.running.session_file) if e.kind == "hear"]


def test_a_mouse_that_rests_on_an_idea_hears_it_and_leaving_ends_it(page):
    wanted = expected(page, 2)
    page.idea(2).locator("canvas").hover()
    wait_until(lambda: heard(page) == wanted, turn=lambda: page.page.wait_for_timeout(20))
    page.page.mouse.move(5, 5)
    wait_until(
        lambda: page.page.evaluate("window.heard.every((note) => note.cut)"),
        turn=lambda: page.page.wait_for_timeout(20),
    )
    wait_until(lambda: asked(page) == [2])


def test_passing_over_an_idea_is_not_resting_on_it(page):
    over = page.idea(2).locator("canvas").bounding_box()
    page.page.mouse.move(over["x"] + 5, over["y"] + 5)
    page.page.mouse.move(5, 5)
    page.idea(3).locator("canvas").hover()
    wait_until(lambda: asked(page), turn=lambda: page.page.wait_for_timeout(20))
    assert asked(page) == [3]


def test_the_key_and_the_button_hear_the_chosen_idea(page):
    chosen = page.state("state.hand.cards.find((card) => card.selected).place")
    wanted = expected(page, chosen)
    page.press("Shift+P")
    wait_until(lambda: heard(page) == wanted, turn=lambda: page.page.wait_for_timeout(20))
    page.page.evaluate("window.heard.length = 0")
    page.action("Hear").click()
    wait_until(lambda: heard(page) == wanted, turn=lambda: page.page.wait_for_timeout(20))
    page.press("Escape")
    assert page.page.evaluate("window.heard.every((note) => note.cut)")
