"""Keyboards that only the browser hears, by Web MIDI. The browser's own doors to MIDI are stood in for: no test machine
has a keyboard. What is real is the page, the session and the record."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jamlink.ledger.store import read
from tests.e2e.conftest import QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

STAND_IN = """
(() => {
  const access = { inputs: new Map(), outputs: new Map(), onstatechange: null };
  const asked = [];
  window.midi = {
    access, asked, refuses: false,
    plug(id, name) {
      access.inputs.set(id, { id, name, state: "connected", onmidimessage: null });
      access.onstatechange?.({ port: access.inputs.get(id) });
    },
    pull(id) {
      access.inputs.get(id).state = "disconnected";
      access.onstatechange?.({ port: access.inputs.get(id) });
    },
    play(id, ...bytes) { access.inputs.get(id).onmidimessage?.({ data: Uint8Array.from(bytes) }); },
  };
  navigator.requestMIDIAccess = async (options) => {
    asked.push(options);
    if (window.midi.refuses) throw new DOMException("denied", "SecurityError");
    return access;
  };
})();
"""


@pytest.fixture
def player(start, look):
    """A page in a browser with Web MIDI, at its ports."""
    page = look(start(*QUIET), script=STAND_IN)
    page.until("state.ready")
    page.panel("Ports")
    return page


def allow(page) -> None:
    page.button("Let the browser hear keyboards").click()
    expect(page.page.get_by_text("The browser may hear keyboards, but sees none yet.")).to_be_visible()


def heard(jam) -> list[str]:
    return [e.value["bytes"] for e in read(jam.running.session_file) if e.kind == "heard"]


def test_its_notes_are_heard_with_their_velocity_and_the_device_is_named(player):
    allow(player)
    assert player.page.evaluate("midi.asked") == [{"sysex": False}]
    player.page.evaluate("midi.plug('1', 'Grand <b>Stage</b>')")
    expect(player.page.get_by_text("The browser hears Grand <b>Stage</b>.")).to_be_visible()
    player.page.evaluate("midi.play('1', 0x92, 60, 37)")
    player.until("state.sounding.includes(60)")
    expect(player.page.locator("#says")).to_have_text("I hear you: Grand <b>Stage</b>, channel 3, by the browser")
    expect(player.page.locator(".key.down[data-pitch='60']")).to_have_count(1)
    player.page.evaluate("midi.play('1', 0x92, 60, 0)")
    player.until("!state.sounding.length")
    player.page.evaluate("midi.play('1', 0x92, 64, 121), midi.play('1', 0x82, 64, 64)")
    wait_until(lambda: heard(player.jam) == ["903c25", "803c00", "904079", "804000"])


def test_a_keyboard_that_is_pulled_out_leaves_no_note_behind_and_one_that_comes_later_is_heard(player):
    allow(player)
    player.page.evaluate("midi.plug('1', 'Grand Stage')")
    player.page.evaluate("midi.play('1', 0x90, 48, 90), midi.play('1', 0x90, 55, 90)")
    player.until("state.sounding.length === 2")
    player.page.evaluate("midi.pull('1')")
    player.until("!state.sounding.length")
    expect(player.page.get_by_text("sees none yet")).to_be_visible()
    player.page.evaluate("midi.plug('2', 'Pocket Keys')")
    expect(player.page.get_by_text("The browser hears Pocket Keys.")).to_be_visible()
    player.page.evaluate("midi.play('2', 0x90, 72, 90)")
    player.until("state.sounding.includes(72)")


def test_the_pedal_of_it_is_the_pages_pedal(player):
    allow(player)
    player.page.evaluate("midi.plug('1', 'Grand Stage')")
    pedal = player.page.get_by_role("button", name="Sustain")
    player.page.evaluate("midi.play('1', 0xb0, 64, 127)")
    expect(pedal).to_have_attribute("aria-pressed", "true")
    player.page.evaluate("midi.play('1', 0xb0, 64, 0)")
    expect(pedal).to_have_attribute("aria-pressed", "false")


def test_a_refusal_is_said_in_words_and_may_be_taken_back(player):
    player.page.evaluate("midi.refuses = true")
    player.button("Let the browser hear keyboards").click()
    expect(player.page.get_by_text("The browser gave no access to MIDI: allow it")).to_be_visible()
    player.page.evaluate("midi.refuses = false")
    allow(player)


def test_a_browser_without_it_says_that_jamlinks_own_ports_work(start, look):
    page = look(start(*QUIET), script="delete Navigator.prototype.requestMIDIAccess;")
    page.until("state.ready")
    page.panel("Ports")
    expect(page.page.get_by_text("This browser has no Web MIDI")).to_be_visible()
