"""The page's own sound, as it leaves the page: an idea is heard where it was laid out, and silence is silence."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from jamlink.testing.jack import JackPlayer, JackRecorder
from tests.e2e import listening
from tests.e2e.conftest import ARTEFACTS, QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

HUSH = 0.002
"""Louder than this is a sound: 54 dB below full scale."""


def take_a_melody(page) -> None:
    """Only a melody, so that each onset stands alone."""
    page.until("state.ready")
    page.page.evaluate("jamlink.connection.send({kind: 'roles', roles: ['melody']})")
    page.play_until_a_hand()
    page.press("Enter")
    page.until("state.taken || state.playing")


def test_an_accepted_idea_is_heard_where_it_was_laid_out_and_nothing_after_panic(start, look):
    page = look(start(*QUIET, "--repeat", "loop"))
    take_a_melody(page)
    listening.start(page.page)
    page.until("state.playing")
    idea = page.state("state.playing")
    page.page.wait_for_timeout((idea["end"] - idea["start"]) / 960 * 500 + 700)  # a round and a little
    began = page.state(f"window.jamlink.clock.msOfTick(state.clock, {idea['start']})")
    page.page.evaluate(
        "window.addEventListener('keydown', () => { window.silenced = performance.now(); }, {capture: true})"
    )
    page.press("Escape", "Escape")
    page.page.wait_for_timeout(1500)
    silenced = page.page.evaluate("window.silenced")
    late = page.page.evaluate("jamlink.sound.latencyMs")
    loud = listening.stop(page.page)

    expected = sorted({voice["onset"] / 960 * 500 for voice in idea["voices"]})
    rise = listening.rises(loud)
    shift = listening.delay(rise, expected)
    found = [listening.onset_near(rise, at + shift) for at in expected]
    off = [where - at - shift for (where, _), at in zip(found, expected, strict=True)]
    after = loud[int(silenced - began + shift + late + 60) :]
    last = max(ms for ms, value in enumerate(loud) if value > HUSH) - (silenced - began + shift)
    ARTEFACTS.mkdir(exist_ok=True)
    figures = {
        "onsets": len(off),
        "spread_ms": max(off) - min(off),
        "off_ms": off,
        "silent_after_ms": last,
        "output_ms": late,
    }
    (ARTEFACTS / "sound.json").write_text(json.dumps(figures))
    assert len(expected) > 3
    assert min(steep for _, steep in found) > 0.1, "every note is heard"
    assert max(off) - min(off) <= 10
    assert len(after) > 500
    assert max(after) < HUSH, "nothing sounds after panic"


def test_the_page_is_silent_where_a_synth_is_connected_and_sounds_again_without_it(start, look):
    page = look(start(*QUIET))
    page.until("state.ready && state.ports.sound === 'page'")
    with JackRecorder("Synth") as synth:
        page.until("state.ports.outputs.some((name) => name.includes('Synth'))")
        page.until("state.ports.sound === 'out'")
        page.page.get_by_role("button", name="Sound: your synth").wait_for()
        page.panel("Ports")
        page.page.get_by_label("melody", exact=True).fill("9")
        page.press("Tab")
        page.until("state.channels.melody === 9")
        page.press("Escape")
        page.play_until_a_hand()
        page.press("Enter")
        wait_until(lambda: 9 in {1 + (note.data[0] & 0x0F) for note in synth.note_ons()})
        page.press("Space")
        page.until("!state.clock.playing")
    page.until("state.ports.sound === 'page'")
    page.page.get_by_role("button", name="Sound: this page").wait_for()
    page.page.get_by_text("this page plays the sound", exact=False).first.wait_for(state="attached")


def test_who_plays_the_sound_stands_there_calmly_and_the_player_may_switch_it(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    page.press("ArrowLeft")  # a browser lets a page sound after the first key
    line = page.page.locator("#calm")
    expect(line).to_contain_text("No synth or DAW is connected: this page plays the sound.")
    expect(page.page.locator("#trouble")).to_be_hidden()
    page.page.get_by_role("button", name="Sound: this page").click()
    expect(line).to_contain_text("jamlink's part is not heard")
    page.page.reload()
    page.until("state.ready")
    expect(page.page.get_by_role("button", name="Sound: off")).to_be_visible()


def test_a_page_that_is_loaded_again_in_the_middle_of_an_idea_goes_on_with_it(start, look):
    page = look(start(*QUIET, "--repeat", "loop"))
    page.play_until_a_hand()
    page.press("Enter")
    page.until("state.playing")
    page.page.reload()
    page.until("state.playing")
    page.press("ArrowLeft")
    wait_until(lambda: page.page.evaluate("window.jamlink.sound.awake"), turn=lambda: page.page.wait_for_timeout(20))
    listening.start(page.page)
    page.page.wait_for_timeout(1200)
    assert max(listening.stop(page.page)) > 5 * HUSH


def test_computer_keys_command_where_a_keyboard_is_plugged_in(start, look):
    with JackPlayer("Grand Stage"):
        page = look(start(*QUIET))
        page.until("state.ready && state.ports.keyboard")
        keys = page.page.get_by_role("button", name="Computer keys play")
        expect(keys).to_have_attribute("aria-pressed", "false")
        expect(page.page.get_by_text("then play your keyboard")).to_be_visible()
        page.press("`")
        expect(keys).to_have_attribute("aria-pressed", "true")
        page.page.reload()
        page.until("state.ready")
        expect(keys).to_have_attribute("aria-pressed", "true")
