"""The page is a view: whatever becomes of it, the music goes on and the page shows the same again."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from playwright.sync_api import expect

from jamlink.testing.jack import JackPlayer
from jamlink.web import bench_memory
from tests.e2e.conftest import QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

SAME = "({file: state.file, bars: state.steering, history: state.history.count, at: state.clock.ns_origin})"


def test_a_reload_shows_the_same(start, look):
    page = look(start(*QUIET))
    page.play_until_a_hand()
    page.press("Space")
    page.until("!state.clock.playing")
    before = page.state(SAME)
    page.page.reload()
    page.until("state.history.count")
    assert page.state(SAME) == before
    assert page.page.url == page.jam.address, "the token stays out of the address"


def test_three_pages_show_the_same_and_any_may_go(start, look):
    jam = start(*QUIET)
    pages = [look(jam) for _ in range(3)]
    pages[0].play_until_a_hand()
    for page in pages:
        page.until("state.hand")
    pages[1].press("Enter")
    for page in pages:
        page.until("state.taken || state.playing")
    pages[0].page.close()
    pages[1].page.goto("about:blank")
    pages[2].until("state.playing")
    pages[2].press("Space")
    pages[2].until("!state.clock.playing")


def test_a_lost_connection_is_shown_and_mended_and_the_music_never_notices(start, look):
    page = look(start(*QUIET, "--repeat", "keep going"))
    page.play_until_a_hand()
    page.until("state.playing")
    was = page.state("state.clock.ns_origin")
    for _ in range(2):  # the second time it stays away for a moment
        web = page.jam.process("jamlink.web.main")
        os.kill(web, signal.SIGKILL)
        expect(page.page.get_by_text("Lost jamlink", exact=True)).to_be_visible()
        expect(page.page.get_by_text("Lost jamlink", exact=True)).to_be_hidden()
        page.until("window.jamlink.store.local.connection === 'open'")
        assert page.jam.process("jamlink.web.main") != web
    assert page.state("state.clock.playing")
    assert page.state("state.clock.ns_origin") == was
    assert page.state("state.lateness.lost") == 0


def test_the_end_of_the_jam_is_told(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    page.jam.running.end()
    expect(page.page.get_by_text("The jam is over")).to_be_visible()


def test_ports_appear_when_they_are_plugged_in_and_a_played_key_names_its_device(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    page.page.get_by_role("button", name="Ports").click()
    listed = page.page.get_by_label("Listen to")
    with JackPlayer("Grand Stage") as keyboard:
        page.until("state.ports.inputs.some((name) => name.includes('Grand Stage'))")
        expect(listed.get_by_role("option", name="Grand Stage")).to_have_count(1)
        wait_until(lambda: page.state("state.ports.bound.some((entry) => entry.startsWith('in'))"))
        if not page.state("state.ports.bound.some((entry) => entry.includes('Grand Stage'))"):
            keyboard.play_into("jamlink:in")
        keyboard.play(bytes((0x90, 60, 90)))
        keyboard.play(bytes((0x80, 60, 0)))
        expect(page.page.get_by_text("I hear you:")).to_be_visible()
    page.until("!state.ports.inputs.some((name) => name.includes('Grand Stage'))")
    page.until("!state.ports.bound.some((entry) => entry.includes('Grand Stage'))")


def test_names_of_devices_are_text_and_never_markup(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    page.page.get_by_role("button", name="Ports").click()
    name = "<img src=x onerror=alert(1)>"
    with JackPlayer(name):
        page.until(f"state.ports.inputs.some((name) => name.includes({name!r}))")
        expect(page.page.get_by_label("Listen to").get_by_role("option", name=name)).to_have_count(1)
        assert page.page.locator("img").count() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_the_process_that_the_bench_weighs_is_the_pages_own(browser):
    pages = [browser.new_context().new_page() for _ in range(2)]
    light, heavy = (bench_memory.renderer_of(browser, page) for page in pages)
    assert light != heavy
    before = bench_memory.memory(heavy)["private_mb"], bench_memory.memory(light)["private_mb"]
    pages[1].evaluate("window.held = new Uint8Array(60e6).fill(1); 0")
    assert bench_memory.memory(heavy)["private_mb"] - before[0] > 40
    assert bench_memory.memory(light)["private_mb"] - before[1] < 40
    for page in pages:
        page.context.close()


def test_of_a_hand_of_many_only_the_cards_in_sight_and_their_neighbours_are_drawn(start, look, monkeypatch):
    monkeypatch.setenv("JAMLINK_SESSION_HAND", "24")
    slow = start("--bars", "4", "--tempo", "60", "--proposer", "rules", "--click", "off")
    page = look(slow, viewport={"width": 1600, "height": 1000})
    page.play_until_a_hand()
    cards = "document.querySelectorAll('.card').length"
    drawn = "document.querySelectorAll('.card:not(:empty)').length"
    page.until(f"{cards} === 24 && {drawn} <= 8")
    page.page.evaluate("document.querySelector('.cards').scrollTo({left: 99999, behavior: 'instant'})")
    expect(page.button("Take idea 24")).to_be_visible()
    page.until(f"{drawn} <= 8")
    page.button("Take idea 24").click()
    page.until("state.taken || state.playing")
    alone = "crossOriginIsolated && typeof performance.measureUserAgentSpecificMemory"
    assert page.page.evaluate(alone) == "function"  # Chromium can be asked to tidy up
