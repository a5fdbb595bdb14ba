"""How quick the page is: a headless Chromium against a real jamlink over a JACK server without a sound card.

Nothing is simulated but the fingers. Times are taken inside the page, from the time stamp of the key event to the end
of the frame that shows what came of it. Needs Playwright (of the dev extra), Chromium and jackd.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jamlink.errors import Unavailable
from jamlink.runtime.ipc import Framed
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.view.client import Client
from jamlink.view.protocol import Do
from jamlink.web import bench_memory

FRAME_MS = 1000 / 60
PATIENCE_S = 60.0
NOTES_A_MINUTE = 1000
IDEAS = 10_000
HAND = 32
_LINK = re.compile(r"The page is at (http://\S+)")
_PROBE = Path(__file__).parent / "bench_probe.js"
_KEYS = "asdfghjkl"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each is measured."""

    starts: int = 5
    notes: int = 200
    decisions: int = 40
    smooth_s: float = 30.0
    memory_s: float = 20.0
    ideas: int = IDEAS
    rounds: int = 6
    round_s: float = 20.0


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser. Raises `Unavailable`."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise Unavailable("This needs Playwright.", "Run: pip install 'jamlink[dev]'") from None
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise Unavailable("Chromium is not installed.", "Install your system's package of it.")
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--enable-precise-memory-info"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def jamming(folder: Path, *flags: str, **environment: str) -> Iterator[tuple[str, float]]:
    """`jamlink jam` as a player starts it: its page's link, and when it was started (monotonic seconds)."""
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "c"), "XDG_DATA_HOME": str(folder / "d")}
    command = [
        sys.executable,
        "-m",
        "jamlink",
        "jam",
        "--plain",
        "--no-open",
        "--system",
        "JACK",
        "--proposer",
        "rules",
    ]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **home, **environment},
    )
    assert process.stdout is not None
    try:
        found = _LINK.search(process.stdout.readline())
        if found is None:
            raise Unavailable("jamlink did not say where its page is.", "See what `jamlink jam --plain` says.")
        yield found[1], began
    finally:
        process.terminate()
        process.communicate(timeout=20)


def until(page: Any, condition: str) -> None:
    """Wait until the page's state is so. Raises `Unavailable` after a minute."""
    asked = f"(() => {{ const state = window.jamlink?.store?.shared; return Boolean(state && ({condition})); }})()"
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(asked):
        if time.monotonic() > deadline:
            raise Unavailable(f"The page never got so far: {condition}.")
        page.wait_for_timeout(5)


# -- the parts --------------------------------------------------------------------------------------------------------


def starts(browser: Any, folder: Path, amounts: Amounts) -> dict[str, Any]:
    """From the start of the command to a page that shows the state, in s; the browser runs, with an empty tab."""
    took, sent = [], {"page_js": 0, "notation_js": 0}
    for number in range(amounts.starts):
        page = browser.new_context().new_page()
        with jamming(folder / f"start-{number}") as (link, began):
            page.on("response", lambda answer: _weigh(answer, sent) if number == 0 else None)  # noqa: B023
            page.goto(link)
            until(page, "state.clock")
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            took.append(time.monotonic() - began)
            if number == 0:
                page.get_by_role("button", name="Sheet").click()
                page.wait_for_load_state("networkidle")
            page.context.close()
    return {"ready_s": _quantiles(took, 2), "sent_bytes": sent}


def _weigh(answer: Any, sent: dict[str, int]) -> None:
    if answer.url.endswith((".js", ".mjs")):
        kind = "notation_js" if "/vendor/" in answer.url else "page_js"
        sent[kind] += int(answer.headers.get("content-length", 0))


def presses(browser: Any, folder: Path, amounts: Amounts) -> dict[str, Any]:
    """Keys to their drawing, and decisions to what shows them: marked at once, answered by the session, saved."""
    with jamming(folder / "presses", "--bars", "8", "--tempo", "60", "--click", "off") as (link, _):
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(link)
        until(page, "state.ready")
        page.keyboard.press("Space")
        until(page, "state.hand")
        page.evaluate(_PROBE.read_text())
        for number in range(amounts.notes):
            key = _KEYS[number % len(_KEYS)]
            page.keyboard.down(key)
            page.wait_for_timeout(30)
            page.keyboard.up(key)
            page.wait_for_timeout(10)
        for _ in range(amounts.decisions):
            until(page, "state.hand && state.hand.cards.some((c) => c.selected && c.state === 'offered')")
            _decide(page, "Enter")
            until(page, "state.taken || state.playing")
            _decide(page, "Control+z")
        found = page.evaluate("window.probe.found")
        page.context.close()
    drawn = _quantiles(found["drawn"], 1)
    return {
        "key_to_drawing_ms": drawn,
        "key_to_drawing_frames_p95": round(drawn["p95"] / FRAME_MS, 2),
        "decision_marked_ms": _quantiles(found["marked"], 1),
        "decision_answered_ms": _quantiles(found["answered"], 1),
        "decision_saved_ms": _quantiles(found["saved"], 1),
    }


def _decide(page: Any, key: str) -> None:
    """One decision, and until it is on the disk."""
    was = page.evaluate("window.jamlink.store.shared.decision")
    page.keyboard.press(key)
    until(page, f"state.decision !== {was} && state.saved >= state.decision")
    page.wait_for_timeout(60)


def smooth(browser: Any, folder: Path, amounts: Amounts, play: Callable[[float], None]) -> dict[str, Any]:
    """Frames and memory of a page whose session has offered so many ideas, while `play` plays 1,000 notes a minute."""
    more = {"JAMLINK_SESSION_HAND": str(HAND)}
    with jamming(folder / "smooth", "--bars", "1", "--tempo", "60", "--click", "off", **more) as (link, _):
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(link)
        until(page, "state.ready")
        page.keyboard.press("Space")
        until(page, "state.hand")
        page.evaluate(_PROBE.read_text())
        count = _offer(page, amounts.ideas)
        page.get_by_role("button", name="History").click()
        page.evaluate("window.probe.count(true)")
        play(amounts.smooth_s)
        page.evaluate("window.probe.count(false)")
        frames = page.evaluate("window.probe.found.frames")
        heard = page.evaluate("window.jamlink.store.shared.notes.length")
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        heap = page.evaluate("performance.memory.usedJSHeapSize")
        weight = _weight(browser, page, amounts, play)
        page.context.close()
    return {
        "ideas": count,
        "notes_in_view": heard,
        "frame_ms": _quantiles(frames, 1),
        "frames_over_two": round(sum(f > 2 * FRAME_MS + 1 for f in frames) / max(1, len(frames)), 4),
        "js_heap_mb": round(heap / 1e6, 1),
        "memory": weight,
    }


def _weight(browser: Any, page: Any, amounts: Amounts, play: Callable[[float], None]) -> dict[str, Any]:
    """The page's whole process while `play` plays and its list holds every idea, beside that of an empty page. No
    rubbish is collected for it: what the browser leaves lying about is memory, too."""
    empty = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    bare = bench_memory.memory(bench_memory.renderer_of(browser, empty))
    empty.context.close()
    known = _scroll_to_the_first(page)
    with bench_memory.watched(bench_memory.renderer_of(browser, page)) as seen:
        play(amounts.memory_s)
    return {"page": bench_memory.summary(seen), "empty_page": bare, "ideas_in_list": known, "samples": len(seen)}


def _scroll_to_the_first(page: Any) -> int:
    """Scroll through the history, so that all of it is in the page; how many ideas that is."""
    rows = page.get_by_label("Ideas, newest first")
    deadline = time.monotonic() + 2 * PATIENCE_S
    known, told = 0, _told(page)
    while known < told and time.monotonic() < deadline:
        rows.evaluate("(list) => { list.scrollTop = list.scrollHeight; }")
        page.wait_for_timeout(50)
        known = round(
            rows.evaluate("(list) => list.firstChild.offsetHeight / list.querySelector('.past').offsetHeight")
        )
    return known


def _told(page: Any) -> int:
    found: int = page.evaluate("window.jamlink.store.shared.history.count")
    return min(found, IDEAS)


def _offer(page: Any, ideas: int) -> int:
    """Ask for other ideas whenever there is a hand to refuse, until so many were offered; how many it became."""
    deadline = time.monotonic() + PATIENCE_S * ideas / 1000
    asked_at = -1
    while (count := page.evaluate("window.jamlink.store.shared.history.count")) < ideas:
        if time.monotonic() > deadline:
            raise Unavailable(f"Only {count} ideas were offered.", "Run it again on a quieter machine.")
        if count != asked_at and page.evaluate(_CAN_ASK):
            page.evaluate("window.jamlink.connection.send({kind: 'do', action: 'next-hand'})")
            asked_at = count
        page.wait_for_timeout(5)
    return count


_CAN_ASK = "(() => { const state = window.jamlink.store.shared; return Boolean(state.hand && !state.asking); })()"


Started = tuple[Any, Framed, str]
"""A session process, the connection to it, and its page's link; empty where it has none."""


def lateness(
    browser: Any, start: Callable[[bool, str], Started], end: Callable[[Any], None], folder: Path, amounts: Amounts
) -> dict[str, Any]:
    """How late notes left, with a page open and without one, turn and turn about; ideas that came too late, too."""
    rows: dict[str, list[dict[str, Any]]] = {"without_page": [], "with_page": []}
    for number in range(amounts.rounds):
        for name in list(rows)[:: 1 if number % 2 else -1]:  # neither always comes first
            child, connection, link = start(name == "with_page", str(folder / f"late-{name}-{number}.jam"))
            page = browser.new_context().new_page() if link else None
            if page is not None:
                page.goto(link)
            rows[name].append(_listen(connection, amounts.round_s))
            if page is not None:
                page.context.close()
            connection.close()
            end(child)
    return {name: _together(found) for name, found in rows.items()}


def _together(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rounds of one kind: the worst and the middle 99th percentile, and how many notes they speak of."""
    late = [row["p99_ms"] for row in found]
    notes, lost = (sum(row[name] for row in found) for name in ("notes", "lost"))
    return {"rounds": found, "p99_ms": max(late), "p99_middle_ms": round(median(late), 3), "notes": notes, "lost": lost}


def _listen(connection: Framed, seconds: float) -> dict[str, Any]:
    """Start the music as a view, and what the session says of its lateness after so long."""
    client = Client(connection, MonotonicClock())
    deadline = time.monotonic() + PATIENCE_S
    started = False
    while time.monotonic() < deadline:
        select.select([connection.fileno()], [], [], 0.1)
        client.poll()
        picture = client.picture
        if picture is None or client.end is not None:
            continue
        if not started and picture.model:
            client.send(Do("play-stop"))
            started, deadline = True, time.monotonic() + seconds
    if client.picture is None:
        raise Unavailable("The session did not answer.")
    late = client.picture.lateness
    return {
        "p50_ms": late.p50_ms,
        "p99_ms": late.p99_ms,
        "notes": late.count,
        "lost": late.lost,
        "missed": client.picture.missed,
    }


def _quantiles(values: Sequence[float], digits: int) -> dict[str, float]:
    if not values:
        raise Unavailable("Nothing was measured.", "Run it again.")
    ordered = sorted(values)
    at = {name: ordered[int(part * (len(ordered) - 1))] for name, part in (("p50", 0.5), ("p95", 0.95), ("max", 1.0))}
    return {**{name: round(value, digits) for name, value in at.items()}, "count": len(ordered)}


def run(
    start: Callable[[bool, str], Started], end: Callable[[Any], None], amounts: Amounts, tell: Tell
) -> dict[str, Any]:
    """Everything, on a JACK server of its own. `start(page, file)` starts a session process, `end` ends it."""
    from jamlink.ports.jack_server import private_jack_server
    from jamlink.testing.jack import JackPlayer

    with (
        private_jack_server(period_frames=256) as server,
        tempfile.TemporaryDirectory() as name,
        chromium() as browser,
    ):
        folder = Path(name)
        tell("how soon the page is there")
        report: dict[str, Any] = {"bench": "page", "chromium": browser.version, "realtime": server.realtime}
        report |= starts(browser, folder, amounts)
        tell("keys and decisions")
        report |= presses(browser, folder, amounts)

        def play(seconds: float) -> None:
            with JackPlayer("bench") as player:
                player.play_into("jamlink:in")
                _play(player, seconds)

        tell(f"{amounts.ideas} ideas and {NOTES_A_MINUTE} notes a minute")
        report["smooth"] = smooth(browser, folder, amounts, play)
        tell("lateness with and without a page")
        report["lateness"] = lateness(browser, start, end, folder, amounts)
    return report


def _play(player: Any, seconds: float) -> None:
    """NOTES_A_MINUTE notes a minute, each at its frame; until the last is sent."""
    step = player.rate * 60 // NOTES_A_MINUTE
    first = player.client.frame_time + player.rate // 4
    for number in range(int(seconds * NOTES_A_MINUTE / 60)):
        pitch = 48 + number * 7 % 36
        player.play(bytes((0x90, pitch, 80)), first + number * step)
        player.play(bytes((0x80, pitch, 0)), first + number * step + step * 3 // 4)
    while not player.idle:
        time.sleep(0.05)


def lines(report: dict[str, Any]) -> list[str]:
    """The report for people, with what is asked of each."""
    ready, sent, smoothness, late = (report[name] for name in ("ready_s", "sent_bytes", "smooth", "lateness"))
    marked, answered, saved = (report[f"decision_{name}_ms"]["p95"] for name in ("marked", "answered", "saved"))
    frames_p95, held = smoothness["frame_ms"]["p95"], smoothness["memory"]
    drawn, frames = report["key_to_drawing_ms"]["p95"], report["key_to_drawing_frames_p95"]
    return [
        f"page ready after start: p50 {ready['p50']} s, most {ready['max']} s (limit 2)",
        f"JavaScript sent: {sent['page_js']:,} bytes (limit 500,000); notation, when asked: {sent['notation_js']:,}",
        f"key to its drawing: p95 {drawn} ms, {frames} frames (limit 2)",
        f"decision to the screen, p95: marked {marked} ms, answered {answered} (limit 50), shown as saved {saved}",
        f"{smoothness['ideas']:,} ideas, {NOTES_A_MINUTE:,} notes a minute: frames p95 {frames_p95} ms, "
        f"longer than two {smoothness['frames_over_two']:.1%}",
        f"its process with {held['ideas_in_list']:,} ideas in its list: most {held['page']['most']['pss_mb']} MB, "
        f"middle {held['page']['middle']['pss_mb']} (limit 150; an empty page {held['empty_page']['pss_mb']}); "
        f"its script's heap {smoothness['js_heap_mb']}",
        *(
            f"notes late, p99 {words}: middle of {len(late[name]['rounds'])} rounds {late[name]['p99_middle_ms']} ms, "
            f"most {late[name]['p99_ms']} ({late[name]['notes']:,} notes, {late[name]['lost']} lost)"
            for name, words in (("without_page", "without a page"), ("with_page", "with one"))
        ),
    ]
