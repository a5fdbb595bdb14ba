"""What is taken home from the page, what came before it, and what a pad learns on it."""

from __future__ import annotations

import http.client
import json
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from jamlink.ledger.store import verify
from jamlink.midi.smf import parse_score
from jamlink.testing.jack import JackPlayer
from tests.e2e.conftest import QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]


def ask(jam, path: str) -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", jam.port, timeout=20)
    connection.request("GET", path, headers={"Authorization": f"Bearer {jam.token}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, answer.getheader("content-disposition") or ""


def test_a_take_goes_home_as_midi_lead_sheet_and_session(start, look, tmp_path):
    page = look(start(*QUIET), accept_downloads=True)
    page.play_until_a_hand()
    page.press("Enter")
    page.until("state.playing")
    page.until("state.history.items.some((idea) => idea.verdict === 'taken' || idea.verdict === 'accepted')")
    page.panel("Save")
    page.page.get_by_label("Name", exact=True).fill("Blue hour")
    files = {}
    for kind in ("MIDI", "Lead sheet", "Session"):
        with page.page.expect_download() as coming:
            page.button(f"Save {kind}").click()
        files[kind] = Path(tmp_path / coming.value.suggested_filename)
        coming.value.save_as(files[kind])
        assert files[kind].stem == "Blue hour"
    score = parse_score(files["MIDI"].read_bytes())
    assert score.parts
    assert score.name == "Blue hour"
    sheet = ET.fromstring(files["Lead sheet"].read_bytes())
    assert sheet.tag == "score-partwise"
    assert sheet.findtext("work/work-title") == "Blue hour"
    assert verify(files["Session"]).whole


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "con", "%00", "x\\y"])
def test_a_path_is_refused_and_nothing_is_written(start, name):
    jam = start(*QUIET)
    wait_until(lambda: jam.running.says("ready"))
    before = sorted(jam.running.folder.rglob("*"))
    status, body, _ = ask(jam, f"/export/midi?name={quote(name, safe='')}")
    assert status == 400
    assert b"plain name" in body
    assert sorted(jam.running.folder.rglob("*")) == before


def test_older_ideas_come_page_by_page_and_any_is_brought_back(start, look):
    page = look(start(*QUIET))
    page.play_until_a_hand()
    page.press("Backspace")
    page.until("state.history.count >= 8 && state.hand")
    newest = page.state("state.history.items[0].id")
    found: dict = {}

    def written() -> bool:
        status, body, _ = ask(page.jam, f"/history?before={newest}")
        assert status == 200
        found.update(json.loads(body))
        return len(found["items"]) >= 4

    wait_until(written)
    assert all(item["id"] < newest for item in found["items"])
    page.panel("History")
    page.page.get_by_role("button", name="Bring back").last.click()
    page.until("state.hand?.cards.length === 1")


def test_history_goes_on_beyond_the_newest_two_hundred_when_it_is_scrolled_to(start, look):
    page = look(start(*QUIET))
    page.until("state.ready")
    while (count := page.state("state.history.count")) <= 220:
        page.press("Tab")
        page.until(f"state.history.count > {count} && state.hand")
    assert page.state("state.history.items.length") == 200
    page.panel("History")
    rows = page.page.get_by_label("Ideas, newest first")
    oldest = rows.locator(f"[aria-posinset='{count}']")

    def scrolled() -> bool:
        rows.evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
        return oldest.count() == 1

    wait_until(scrolled, turn=lambda: page.page.wait_for_timeout(50))
    expect(oldest.get_by_role("button", name="Bring back")).to_be_visible()


def test_a_pad_is_taught_on_the_page_and_its_map_is_saved(start, look):
    page = look(start(*QUIET, "--in", "Pad Box"))
    page.until("state.ready")
    with JackPlayer("Pad Box") as pads:
        page.until("state.ports.bound.some((entry) => entry.includes('Pad Box'))")
        page.press("Control+m")
        page.action("Others").click()
        page.until("state.learn.control === 'next-hand'")
        expect(page.page.get_by_text("Now move the knob, pad or pedal for “Others”.")).to_be_visible()
        pads.play(bytes((0x99, 41, 100)))
        page.until("state.learn.saved")
        expect(page.page.get_by_text("now does")).to_be_visible()
        page.press("Escape")
    (saved,) = (page.jam.running.folder / "config").rglob("maps/*.toml")
    assert "next-hand" in json.dumps(tomllib.loads(saved.read_text()))
