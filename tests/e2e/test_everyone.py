"""On every screen, by everybody: looks kept as pictures, accessibility by axe-core, a tablet that pairs."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from jamlink.errors import Unavailable
from jamlink.web.parts import FOR_TESTS, TESTS, fetch
from tests.e2e.conftest import ARTEFACTS, LINK, QUIET
from tests.realtime.conftest import wait_until

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

SCREENS = {
    "phone": (360, 740),
    "tablet": (1024, 768),
    "laptop": (1280, 720),
    "stage": (1920, 1080),
    "cinema": (3840, 2160),
}
PANELS = ("Steer", "Sheet", "History", "Ports", "Save", "Help")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session")
def axe() -> str:
    """The checker's own script."""
    try:
        (script,) = fetch(TESTS, FOR_TESTS)
    except Unavailable as missing:
        pytest.skip(str(missing))
    return script.read_text()


def findings(page, axe: str, where: str) -> list[str]:
    """What axe-core calls serious, one line each."""
    page.page.evaluate(axe)
    found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{where}: {rule['id']}: {rule['help']}: {node['html'][:120]}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_serious_stands_in_anybodys_way(start, look, axe, theme):
    page = look(
        start("--bars", "4", "--tempo", "60", "--proposer", "rules"), color_scheme=theme, reduced_motion="reduce"
    )
    page.until("state.ready")
    found = findings(page, axe, "stopped")
    page.play_until_a_hand()
    found += findings(page, axe, "a hand")
    for panel in PANELS:
        page.panel(panel)
        found += findings(page, axe, panel)
    assert found == []


def test_everything_is_reached_and_done_by_keyboard_alone(start, look):
    """No pointer at all: a panel and back, a chord renamed, a note moved, the idea taken."""
    page = look(start("--bars", "4", "--tempo", "60", "--proposer", "rules"))
    page.play_until_a_hand()
    focused = "document.activeElement.matches('body, main') ? '' : document.activeElement.textContent + document.activeElement.className"

    def walk_to(words: str) -> None:
        for _ in range(60):
            if words in page.page.evaluate(focused):
                return
            page.press("Shift+Tab")
        pytest.fail(f"{words} is not reached by keys")

    walk_to("History")
    page.press("Enter")
    expect(page.page.get_by_role("complementary")).to_be_visible()
    page.press("Escape")
    expect(page.page.get_by_role("complementary")).to_be_hidden()
    walk_to("mini")
    page.press("ArrowUp")
    page.until("state.hand.cards.some((card) => card.edits.length === 1)")
    walk_to("chord-handle")
    page.press("Enter")
    page.page.keyboard.type("F#m7")
    page.press("Enter")
    page.until("state.hand.cards.some((card) => card.edits.length === 2)")
    page.press("Escape", "Enter")
    page.until("state.taken || state.playing")
    assert page.state("(state.taken || state.playing).edited")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_how_it_looks(start, look, screen, theme):
    """Pictures for people; what is checked is that nothing sticks out at the side and the next chord is large."""
    width, height = SCREENS[screen]
    page = look(
        start("--bars", "4", "--tempo", "200", "--repeat", "keep going"),
        color_scheme=theme,
        viewport={"width": width, "height": height},
        has_touch=screen in ("phone", "tablet"),
    )
    page.until("state.ready && state.model")
    shoot(page, f"{screen}-{theme}-stopped")
    page.play_until_a_hand()
    shoot(page, f"{screen}-{theme}-hand")
    page.press("Enter")
    page.until("state.playing && state.hand")
    shoot(page, f"{screen}-{theme}-playing")
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.page.evaluate(INK) >= height / 6
    decide = page.page.locator("#actions .decide-group").bounding_box()
    piano = page.page.locator("#piano").bounding_box()
    assert decide["y"] + decide["height"] <= piano["y"] + 1, "the decisions are whole"
    for panel in ("", "Steer", "Sheet", "History"):
        if panel:
            page.panel(panel)
        if panel == "Sheet":
            expect(page.page.get_by_text("Loading notation")).to_be_hidden()
        assert_in_reach(page, width)
        shoot(page, f"{screen}-{theme}-{panel.lower()}")
    if screen == "phone":
        page.press("Escape")
        assert_a_finger_finds(page)
        page.page.set_viewport_size({"width": height, "height": width})
        page.until("state.hand")
        assert_in_reach(page, height)
        assert page.page.evaluate(BEFORE_EYES, [".card.chosen .take", ".card-chords"]) == []
        shoot(page, f"sideways-{theme}")


def assert_in_reach(page, width: int) -> None:
    """Nothing lies over the decisions, a notice neither over them nor over the next chord; keys are written on all of
    them where there is a keyboard as a rule, and the meter stands there with the source of the tempo."""
    page.page.evaluate(
        "jamlink.store.set({says: ''}), jamlink.store.set({says: 'A sentence as long as they are. '.repeat(3)})"
    )
    expect(page.page.locator("#says")).to_contain_text("A sentence")
    wanted = ["#actions .decide-group .button", ".meter", ".measure .faint"]
    if width >= 1024:
        wanted += ["#actions .button", "#actions kbd", "#next-chord"]
    hidden = lambda: page.page.evaluate(BEFORE_EYES, wanted)  # noqa: E731
    wait_until(lambda: not hidden(), turn=lambda: page.page.wait_for_timeout(50))
    if width >= 1024:
        page.until(
            "!state.hand || (({left, right}) => left >= 0 && right <= document.getElementById('stage').getBoundingClientRect().right)(document.querySelector('.card.chosen').getBoundingClientRect())"
        )


def assert_a_finger_finds(page) -> None:
    """Chords that can be renamed, the octave's buttons; and a bar full of chords is still read."""
    page.until("state.hand && document.querySelector('.chord-handle')")
    smallest = "(which) => Math.min(...[...document.querySelectorAll(which)].flatMap((at) => [at.offsetWidth, at.offsetHeight]))"
    assert page.page.evaluate(smallest, ".card.chosen .chord-handle") >= 24
    assert page.page.evaluate(smallest, ".dial:first-of-type .button") >= 31
    full = "(chords) => { chords.style.setProperty('--bar-em', 40); return parseFloat(getComputedStyle(chords).fontSize); }"
    assert page.page.locator(".card.chosen .card-chords").evaluate(full) >= 15


BEFORE_EYES = """
(wanted) => wanted.flatMap((which) => {
  const found = [...document.querySelectorAll(which)];
  const says = document.getElementById("says").getBoundingClientRect();
  const seen = (at) => {
    const { left, right, top, bottom, width } = at.getBoundingClientRect();
    const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const apart = says.right <= left || says.left >= right || says.bottom <= top + 1 || says.top >= bottom - 1;
    return width > 0 && left >= 0 && right <= innerWidth + 1 && bottom <= innerHeight && (at.contains(over) || over?.contains(at)) && (apart || at.closest("#bar"));
  };
  return found.length ? found.filter((at) => !seen(at)).map((at) => `${which} ${at.textContent}`) : [which];
})
"""
"""What of `wanted` is cut off, under something else or under the notice."""


INK = """
(() => {
  const root = document.querySelector("#next-chord .root");
  const shrunk = Number(getComputedStyle(document.querySelector("#next-chord")).getPropertyValue("--shrink"));
  const pen = document.createElement("canvas").getContext("2d");
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(root);
  pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
  return pen.measureText("E").actualBoundingBoxAscent / shrunk;
})()
"""
"""How high a capital of the next chord is, in pixels; a name too long for its column may be smaller."""


def test_the_hand_and_the_decisions_are_told_to_who_does_not_see_them(start, look):
    page = look(start(*QUIET, "--bars", "4"))
    page.until("state.ready")
    page.page.evaluate(
        """() => {
          window.told = [];
          new MutationObserver(() => window.told.push(document.getElementById("live").textContent)).observe(
            document.getElementById("live"), { childList: true, characterData: true, subtree: true });
        }"""
    )

    def told(words: str) -> None:
        wait_until(
            lambda: page.page.evaluate("(words) => window.told.some((said) => said.includes(words))", words),
            turn=lambda: page.page.wait_for_timeout(20),
        )

    page.play_until_a_hand()
    told(f"{page.state('state.hand.cards.length')} ideas for {page.state('state.hand.slot_words')}, decide by")
    page.press("ArrowRight")
    told(f"Idea {page.state('state.hand.cards.find((card) => card.selected).place')}:")
    page.press("Enter")
    told("Taken, from bar")
    page.press("Control+z")
    told("Taken back.")
    assert len(page.page.evaluate("window.told")) < 12, "nothing is said for every beat"


def shoot(page, name: str) -> None:
    ARTEFACTS.mkdir(exist_ok=True)
    page.page.screenshot(path=ARTEFACTS / f"{name}.png")


def test_a_tablet_pairs_with_the_code_and_may_do_only_what_a_tablet_may(start, look, monkeypatch):
    monkeypatch.setenv("JAMLINK_PAGE_ADDRESS", "127.0.0.2")
    jam = start(*QUIET, "--lan")
    host = look(jam)
    host.until("state.page.code")
    expect(host.page.get_by_text("Open to your network")).to_be_visible()
    assert any("Open to your network" in line for line in jam.running.lines)
    tablet = look(jam, host.state("state.page.lan"), viewport={"width": 1024, "height": 768}, has_touch=True)
    tablet.page.get_by_label("Pairing code").fill("000000" if host.state("state.page.code") != "000000" else "1")
    tablet.button("Pair").click()
    expect(tablet.page.get_by_text("That is not the code")).to_be_visible()
    tablet.page.get_by_label("Pairing code").fill(host.state("state.page.code"))
    tablet.button("Pair").click()
    tablet.until("state.page.role === 'tablet'")
    host.play_until_a_hand()
    tablet.until("state.hand")
    tablet.page.evaluate("jamlink.connection.send({kind: 'quit'})")
    expect(tablet.page.get_by_text("for the rest go to the computer").first).to_be_attached()
    tablet.page.evaluate("jamlink.connection.send({kind: 'take', index: 0})")
    host.until("state.taken || state.playing")
    tablet.page.reload()
    tablet.until("state.page.role === 'tablet'")
    shoot(tablet, "tablet-paired")
    shoot(host, "host-open-to-the-network")


def test_a_foreign_page_in_the_same_browser_gets_nothing(start, look, browser, tmp_path):
    """A page of another origin that knows the address, and even the token, is refused by the browser and by us."""
    jam = start(*QUIET)
    look(jam).until("state.ready")
    foreign = browser.new_page()
    foreign.goto("about:blank")
    tried = foreign.evaluate(
        """async ([address, token]) => {
          const opened = await new Promise((done) => {
            const socket = new WebSocket(address.replace("http", "ws") + "ws", ["jamlink", "token." + token]);
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
          });
          const read = await fetch(address + "export/session", {headers: {Authorization: "Bearer " + token}}).then(
            (answer) => answer.status, () => "nothing");
          return [opened, read];
        }""",
        [jam.address, jam.token],
    )
    foreign.close()
    assert tried == [False, "nothing"]
    assert LINK.search(jam.running.lines[0])
