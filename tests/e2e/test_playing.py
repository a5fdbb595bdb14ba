"""A player and a page: from the first key to an idea that sounds, and everything a hand can be asked."""

from __future__ import annotations

import json
import time
from itertools import groupby

import pytest
from playwright.sync_api import expect

from jamlink.ledger.store import read, verify
from jamlink.runtime.replaying import replay
from tests.e2e.conftest import QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]


def decisions(jam) -> list[dict]:
    """What the session file says the player decided, each with the way it came."""
    entries = [e.value for e in read(jam.running.session_file) if e.kind == "decided"]
    return [value for value in entries if value["via"] == "page"]


def verdicts(jam) -> list[str]:
    """In order; refusing a hand is one verdict for each of its ideas, and one here."""
    return [verdict for verdict, _ in groupby(value["verdict"] for value in decisions(jam))]


def test_a_newcomer_has_an_idea_playing_within_ninety_seconds_and_three_decisions(start, look):
    began = time.monotonic()
    page = look(start())
    page.play_until_a_hand()
    page.press("Enter")
    page.until("state.taken || state.playing")
    page.until("state.saved >= state.decision && state.playing")
    assert time.monotonic() - began < 90
    assert verdicts(page.jam) == ["accepted"]
    heard = [e for e in read(page.jam.running.session_file) if e.kind == "heard"]
    assert {e.value["port"] for e in heard} == {"page"}
    page.jam.running.end()
    assert verify(page.jam.running.session_file).whole
    assert replay(page.jam.running.session_file).same


def test_take_refuse_pick_and_take_back_by_key(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    for key in ("Enter", "2"):
        page.press(key)
        expect(page.page.locator("#says")).to_contain_text("ideas come while you play")
    page.play_until_a_hand()
    first = page.state("state.hand.cards.map((card) => card.id)")
    page.press("Backspace")
    page.until(f"state.hand && !{first}.includes(state.hand.cards[0].id)")
    page.press("3")
    page.until("state.taken || state.playing")
    taken = page.state("(state.taken || state.playing).id")
    page.press("Control+z")
    page.until(f"state.taken?.id !== {taken} && state.playing?.id !== {taken}")
    wait_until(lambda: verdicts(page.jam)[:2] == ["rejected", "accepted"])


def test_the_same_by_mouse(start, look):
    page = look(start(*QUIET), viewport={"width": 1920, "height": 1080})
    page.page.get_by_role("button", name="Play").first.click()
    page.until("state.hand")
    page.idea(2).hover()
    page.button("Take idea 2").click()
    page.until("state.taken || state.playing")
    page.until("state.hand && state.hand.cards.some((card) => card.selected && card.state === 'offered')")
    page.action("Refuse").click()
    wait_until(lambda: verdicts(page.jam) == ["accepted", "rejected"])
    page.panel("Steer")
    page.press("Escape")
    expect(page.page.get_by_role("complementary")).to_be_hidden()
    page.until("state.hand && state.hand.cards.some((card) => card.selected && card.state === 'offered')")
    page.press("Enter")  # not the panel again
    wait_until(lambda: verdicts(page.jam) == ["accepted", "rejected", "accepted"])


def test_the_same_by_touch(start, look):
    page = look(start(*QUIET), has_touch=True, viewport={"width": 1024, "height": 768})
    page.page.get_by_role("button", name="Play").first.tap()
    page.until("state.hand")
    page.idea(3).get_by_role("heading").or_(page.idea(3)).first.tap(position={"x": 60, "y": 20})
    page.until("state.hand.cards[2]?.selected")
    page.action("Take").tap()
    page.until("state.taken || state.playing")
    wait_until(lambda: verdicts(page.jam) == ["accepted"])


def test_an_idea_is_changed_before_it_is_taken_and_the_record_says_so(start, look):
    page = look(start("--bars", "4", "--tempo", "60", "--proposer", "rules"))
    page.play_until_a_hand()
    chords = json.dumps(page.state("state.hand.cards.find((card) => card.selected).chords"), separators=(",", ":"))
    page.action("Higher").click()
    page.until(f"JSON.stringify(state.hand.cards.find((card) => card.selected).chords) !== {chords!r}")
    page.page.evaluate("jamlink.connection.send({kind: 'chord', index: 0, symbol: 'F#m7'})")
    page.until("['F#m7', 'Gbm7'].includes(state.hand.cards.find((card) => card.selected).chords[0][1])")
    page.press("Enter")
    page.until("state.taken || state.playing")
    wait_until(lambda: decisions(page.jam))
    page.panel("History")
    expect(page.page.get_by_label("Ideas, newest first").get_by_text("changed by you")).to_be_visible()
    (decided,) = decisions(page.jam)
    assert decided["edits"]
    assert decided["original"] is not None


def drag(page, at: tuple[float, float], by: tuple[float, float]) -> None:
    page.page.mouse.move(*at)
    page.page.mouse.down()
    page.page.mouse.move(at[0] + by[0], at[1] + by[1], steps=4)
    page.page.mouse.up()


def test_chords_and_notes_are_moved_and_renamed_by_mouse(start, look):
    page = look(start("--bars", "4", "--tempo", "40", "--proposer", "rules"), viewport={"width": 1600, "height": 1000})
    page.play_until_a_hand()
    chosen = page.page.locator(".card.chosen")
    edits = "state.hand?.cards.find((card) => card.selected)?.edits.length"

    def rename() -> None:
        chosen.locator(".chord-handle").first.click()
        page.page.keyboard.type("Bbmx")
        page.press("Enter")
        expect(page.page.locator("#says")).to_contain_text("Bbmx")
        expect(chosen.locator(".chord-field")).to_have_value("Bbmx")  # to be mended, not to be typed again
        page.press("Backspace")
        page.page.keyboard.type("7")
        page.press("Enter")
        expect(chosen.locator(".chord-field")).to_have_count(0)

    def spell_otherwise() -> None:
        chosen.locator(".chord-handle").first.click()
        page.page.keyboard.type("A#m7")  # what it is already
        page.press("Enter")
        expect(chosen.locator(".chord-field")).to_have_count(0)

    def move_chord() -> None:
        handle = chosen.locator(".chord-handle").nth(1).bounding_box()
        bar = chosen.locator(".card-bar").first.bounding_box()["width"]
        drag(page, (handle["x"] + 4, handle["y"] + 8), (bar / 4, 0))

    def move_note() -> None:
        note = page.page.evaluate(NOTE)
        drag(page, (note["x"], note["y"]), (0, -25))

    for change in (rename, spell_otherwise, move_chord, move_note):
        page.until("state.hand && state.hand.decide_by - window.jamlink.clock.tickAt(state.clock) > 4 * 960")
        before = page.state(edits)
        change()
        page.until(f"{edits} === {before} + 1")
        expect(chosen.get_by_text("Changed:")).to_be_visible()


NOTE = """
(() => {
  const canvas = document.querySelector(".card.chosen canvas");
  const box = canvas.getBoundingClientRect();
  const state = window.jamlink.store.shared;
  const card = state.hand.cards.find((each) => each.selected);
  const [first] = [...card.melody, ...card.bass];
  const x = box.x + ((first.onset + first.duration / 2) / (state.hand.slot_bars * state.clock.bar_ticks)) * box.width;
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const column = Math.round(((x - box.x) / box.width) * canvas.width);
  const bright = (row) => pixels.data[(row * canvas.width + column) * 4] > 150;
  const row = Array.from({ length: canvas.height }, (_, row) => row).find(bright);
  return { x, y: box.y + ((row + 2) / canvas.height) * box.height };
})()
"""
"""Where the first note of the chosen card is drawn, in CSS pixels: the highest bright one in its column."""


def test_escape_twice_silences_everything(start, look):
    page = look(start(*QUIET, "--repeat", "loop"))
    page.play_until_a_hand()
    page.press("Enter")
    page.until("state.playing")
    page.press("Escape", "Escape")
    page.until("!state.playing && !state.sounding.length")
    wait_until(
        lambda: any(e.kind == "do" and e.value["action"] == "panic" for e in read(page.jam.running.session_file))
    )
