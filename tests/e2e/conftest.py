"""A real jamlink over JACK's dummy driver, and real Chromium pages that look at it.

Every page is watched: nothing it asks for leaves this machine, nothing breaks the page's own rules, no dialogue opens,
and no error is raised. Missing parts are a failure where CI=true, else a skip.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, expect, sync_playwright

from tests.realtime.conftest import jack_server, wait_until  # noqa: F401  # the fixture is ours too
from tests.realtime.running import Running

PATIENCE_MS = 20_000
ARTEFACTS = Path(__file__).parent / "artefacts"
LINK = re.compile(r"The page is at (http://127\.0\.0\.1:(\d+)/)#(\S+)")
QUIET = ("--bars", "2", "--tempo", "120", "--proposer", "rules", "--click", "off")
"""Hands come quickly, and no network computes beside the browser."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if (chromium := shutil.which("chromium")) is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed: apt-get install chromium")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield browser
        browser.close()


class Jam:
    """jamlink with its page's address."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.running = Running(folder, *flags, play=False)
        wait_until(lambda: self.running.says("The page is at") or self.running.process.poll() is not None)
        found = next((m for line in self.running.lines if (m := LINK.search(line))), None)
        assert found, self.running.lines
        self.address, self.port, self.token = found[1], int(found[2]), found[3]
        self.link = f"{self.address}#{self.token}"

    def process(self, module: str) -> int | None:
        """The number of the process of this jam that runs `module`; None where there is none just now."""
        session = _children(self.running.process.pid)
        found = [pid for pid in [*session, *(c for s in session for c in _children(s))] if module in _words(pid)]
        return found[0] if found else None


def _children(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


class Look:
    """A page that a player looks at, with what went wrong on it."""

    def __init__(self, page: Page, jam: Jam, wrong: list[str]) -> None:
        self.page = page
        self.jam = jam
        self.wrong = wrong

    def state(self, expression: str = "state") -> Any:
        """The page's own copy of the state, or a part of it."""
        return self.page.evaluate(f"(() => {{ const state = window.jamlink.store.shared; return {expression}; }})()")

    def until(self, expression: str) -> None:
        """Wait until the state is so. The page's rules forbid it to evaluate text, so it is asked from outside."""
        asked = f"Boolean(window.jamlink?.store?.shared) && (() => {{ const state = window.jamlink.store.shared; return Boolean({expression}); }})()"
        try:
            wait_until(lambda: self._asked(asked), turn=lambda: self.page.wait_for_timeout(10))
        except AssertionError:
            raise AssertionError(f"never: {expression}; the state is {self.state()}; {self.wrong}") from None

    def _asked(self, expression: str) -> Any:
        try:
            return self.page.evaluate(expression)
        except Error as between:  # two documents: the page is being loaded again
            if "context was destroyed" not in str(between):
                raise
            return None

    def panel(self, name: str) -> None:
        """Open a panel, closing another."""
        if self.page.get_by_role("complementary").is_visible():
            self.page.get_by_role("complementary").get_by_role("button", name="Close").click()
        self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=name).click()
        expect(self.page.get_by_role("complementary")).to_be_visible()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def action(self, name: str) -> Locator:
        """A button of the decisions; its name goes on with its key."""
        return self.page.locator("#actions").get_by_role("button", name=re.compile(f"^\\W*{name}\\b"))

    def idea(self, place: int) -> Locator:
        """The card of an idea, from 1."""
        return self.page.get_by_role("article", name=re.compile(f"^Idea {place}\\b"))

    def play_until_a_hand(self) -> None:
        """Start, play a few keys of the computer, and wait for the ideas."""
        self.until("state.ready")
        self.press("Space")
        self.until("state.clock.playing")
        for key in "adgh":
            self.page.keyboard.down(key)
        self.until("state.sounding.length || state.chord || state.hand")
        for key in "adgh":
            self.page.keyboard.up(key)
        self.until("state.hand")


@pytest.fixture
def start(jack_server, tmp_path) -> Iterator[Callable[..., Jam]]:  # noqa: F811
    """Starts a jam; it ends with the test, and must end in order."""
    jams: list[Jam] = []

    def start(*flags: str) -> Jam:
        jams.append(Jam(tmp_path / f"jam-{len(jams)}", "--no-open", *flags))
        return jams[-1]

    yield start
    for jam in jams:
        jam.running.end(signal.SIGTERM)


@pytest.fixture
def look(browser) -> Iterator[Callable[..., Look]]:
    """Opens pages; each in a browser of its own, as far as what it remembers goes."""
    looks: list[Look] = []

    def look(jam: Jam, link: str = "", script: str = "", **context: Any) -> Look:
        page = browser.new_context(**context).new_page()
        if script:
            page.add_init_script(script)  # stands in for a part of the browser
        page.set_default_timeout(PATIENCE_MS)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialogue: {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda said: _console(said.type, said.text, wrong))
        page.on("request", lambda asked: _request(asked.url, wrong))
        page.goto(link or jam.link)
        looks.append(Look(page, jam, wrong))
        if not link:  # a gesture before the page is connected is dropped, as it says under its veil
            looks[-1].until("window.jamlink.store.local.connection === 'open'")
        return looks[-1]

    yield look
    for one in looks:
        with_context = one.page.context
        try:
            with_context.close()
        except Error as gone:
            one.wrong.append(str(gone))
    assert [wrong for one in looks for wrong in one.wrong] == []


def _console(kind: str, text: str, wrong: list[str]) -> None:
    expected = "WebSocket connection to" in text or "net::ERR" in text or "Failed to load resource" in text
    if kind in ("error", "warning") and not expected:
        wrong.append(f"{kind}: {text}")


def _request(url: str, wrong: list[str]) -> None:
    if not re.match(r"(https?|ws)://127\.0\.0\.\d+:|data:|blob:", url):
        wrong.append(f"asked for {url}")
