"""The full screen, driven by keys through the real session core on a hand-moved clock."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import asynccontextmanager

import pytest

from jamlink.midi.actions import GESTURES, Action
from jamlink.runtime.ipc import Framed
from jamlink.session.inputs import Do, SetBars, SetTempo
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms
from jamlink.view.client import LOST
from jamlink.view.hub import Hub
from jamlink.view.protocol import Quit, decode_from_view
from jamlink.view.terminal import Panel, TerminalView, rows_for
from tests.view.rehearsal import Rehearsal

SIZES = [(80, 24), (120, 36), (60, 20), (40, 12), (20, 6), (200, 60)]


class Stage:
    """A view on one end of a socket pair, the rehearsed session on the other."""

    def __init__(self, open_to="", **changes):
        ours, self.theirs = (Framed(end) for end in socket.socketpair())
        self.clock = ManualClock()
        self.gestures = []
        self.rehearsal = Rehearsal(Hub(self.theirs), self.clock, **changes)
        self.view = TerminalView(ours, self.clock, open_to=open_to)
        self.ours = ours

    async def turn(self, seconds=0.0):
        """The session lives for a while, in steps; then the view looks."""
        steps = max(1, round(seconds * 20))
        for _ in range(steps):
            self.clock.advance(ms(1000 * seconds / steps))
            self.rehearsal.turn()
        await self.pilot.pause()
        self.view.look()
        await self.pilot.pause()

    async def press(self, *keys):
        """Keys at the computer; what the session receives is noted, and carried out."""
        await self.pilot.press(*keys)
        await self.pilot.pause()
        received = self.rehearsal.hub.receive()
        self.gestures += received
        for gesture in received:
            self.rehearsal.jam.at(self.clock.now(), gesture)
        await self.turn()

    def text(self, *names):
        """What the panels show, top to bottom."""
        shown = [panel for panel in self.view.query(Panel) if panel.display and (not names or panel.id in names)]
        return "\n".join(panel.shown.plain for panel in shown)


@asynccontextmanager
async def on_stage(size=(80, 24), **changes):
    stage = Stage(**changes)
    try:
        async with stage.view.run_test(size=size) as pilot:
            stage.pilot = pilot
            await stage.turn()
            yield stage
        assert list(stage.view.faults) == []
    finally:
        stage.ours.close()
        stage.theirs.close()


def staged(test):
    """Run an async test to its end."""

    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    run.pytestmark = getattr(test, "pytestmark", [])
    return run


# -- a jam ------------------------------------------------------------------------------------------------------------


@staged
async def test_a_jam_from_start_to_an_idea_that_sounds():
    async with on_stage(bars=2, count_in=1) as stage:
        assert "stopped" in stage.text("top")
        assert "Press space to start" in stage.text("stage")
        await stage.press("space")
        await stage.turn(1.0)
        assert "count-in" in stage.text("top")
        await stage.turn(4.6)
        assert "IDEAS for bars 3–4" in stage.text("hand")
        assert "NEXT ?" in stage.text("stage")
        assert "⣿" in stage.text("stage")
        await stage.press("1")
        assert "✓ taken, from bar 3" in stage.text("hand")
        assert "NEXT ✓ G bar 3" in stage.text("stage")
        await stage.turn(4.0)
        assert "NOW jam-s plays" in stage.text("stage")
        assert stage.gestures == [Do(Action.PLAY_STOP, "terminal"), Do(Action.PICK_1, "terminal")]


@staged
async def test_what_is_taken_is_shown_as_taken_only_when_the_disk_has_it():
    async with on_stage(bars=2, count_in=0) as stage:
        await stage.press("space")
        await stage.turn(3.0)
        stage.rehearsal.held_back = 10
        await stage.press("enter")
        assert "saving" in stage.text("hand")
        assert "✓ taken" not in stage.text()
        stage.rehearsal.held_back = 0
        await stage.turn()
        assert "✓ taken" in stage.text("hand")
        assert "✓ saved" in stage.text("status")


@staged
async def test_beats_are_drawn_from_the_clock_without_a_word_from_the_session():
    async with on_stage(count_in=0) as stage:
        await stage.press("space")
        seen = []
        for _ in range(8):
            stage.clock.advance(Ns(stage.rehearsal.session.snapshot().clock.tempo_ns))
            stage.view.look()
            seen.append(re.search(r"\d+\.\d+", stage.text("top")).group())
        assert seen[:4] in (["1.1", "1.2", "1.3", "1.4"], ["1.2", "1.3", "1.4", "2.1"])
        assert len(set(seen)) == 8


@staged
async def test_what_is_heard_is_on_the_screen():
    async with on_stage() as stage:
        stage.rehearsal.play(stage.clock.now(), (57, 60, 64, 67), ms(2000))
        await stage.turn(0.5)
        assert "A3 C4 E4 G4" in stage.text("stage")


# -- keys -------------------------------------------------------------------------------------------------------------


@staged
async def test_every_key_of_the_table_does_its_gesture():
    async with on_stage() as stage:
        for gesture in GESTURES:
            await stage.press(gesture.key)
        assert stage.gestures == [Do(gesture.action, "terminal") for gesture in GESTURES]


@staged
async def test_keys_that_mean_nothing_do_nothing():
    async with on_stage() as stage:
        await stage.press("j", "f5", "left", "Z", "ctrl+p")
        assert stage.gestures == []


@staged
async def test_words_can_be_said_and_a_mistake_is_answered():
    async with on_stage() as stage:
        await stage.press(":", *"tempo 120", "enter")
        await stage.press(":", *"bars 8", "enter")
        assert stage.gestures == [SetTempo(120.0, "terminal"), SetBars(8, "terminal")]
        assert "120 bpm" in stage.text("top")
        await stage.press(":", *"louder", "enter")
        assert "'louder' is nothing that can be asked for." in stage.text("middle")
        assert len(stage.gestures) == 2


@staged
async def test_while_words_are_written_letters_are_letters_and_only_f12_is_a_gesture():
    async with on_stage() as stage:
        await stage.press(":", "l", "space", "tab", "q", "1")
        assert stage.gestures == []
        await stage.press("f12")
        assert stage.gestures == [Do(Action.PANIC, "terminal")]
        await stage.press("escape")
        assert stage.gestures == [Do(Action.PANIC, "terminal")]
        await stage.press("escape")
        assert stage.gestures == [Do(Action.PANIC, "terminal")] * 2


@staged
async def test_the_list_of_keys_opens_closes_and_lets_every_key_through():
    async with on_stage() as stage:
        sheet = stage.view.query_one("#all")
        await stage.press("?")
        assert sheet.display
        await stage.press("down", "pagedown", "l")
        assert stage.gestures == [Do(Action.LOOP, "terminal")]
        await stage.press("?")
        assert not sheet.display


@staged
async def test_a_refused_gesture_is_answered_by_the_session_in_one_sentence():
    async with on_stage() as stage:
        await stage.press("enter")
        assert "There are no ideas on the stand now" in stage.text("middle")


# -- the ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
def test_leaving_waits_for_the_goodbye_and_ends_with_zero(key):
    async def leave():
        async with on_stage() as stage:
            await stage.press(key)
            assert stage.view.return_code is None
            assert stage.rehearsal.hub.leaving
            stage.rehearsal.hub.goodbye()
            stage.view.look()
            assert stage.view.return_value == 0
            assert stage.view.last_words == ""

    asyncio.run(leave())


@staged
async def test_q_asks_once_more_while_music_plays():
    async with on_stage(count_in=0) as stage:
        await stage.press("space")
        await stage.press("q")
        assert not stage.rehearsal.hub.leaving
        assert "once more" in stage.text("middle")
        await stage.turn(4.0)
        await stage.press("q")
        assert not stage.rehearsal.hub.leaving
        await stage.press("q")
        assert stage.rehearsal.hub.leaving


@staged
async def test_a_session_that_dies_is_said_in_a_sentence_and_ends_with_one():
    async with on_stage() as stage:
        stage.theirs.close()
        stage.view.look()
        assert stage.view.return_value == 1
        assert stage.view.last_words == LOST


@staged
async def test_a_session_that_never_speaks_does_not_stop_the_view():
    ours, theirs = (Framed(end) for end in socket.socketpair())
    view, clock = None, ManualClock()
    view = TerminalView(ours, clock)
    async with view.run_test() as pilot:
        await pilot.press("space", "ctrl+c")
        assert "tuning" in view.query_one("#top", Panel).shown.plain
        clock.advance(ms(2_000))
        view.look()
        assert view.return_value == 0
    assert Quit() in [decode_from_view(frame) for frame in theirs.receive()]
    ours.close()
    theirs.close()


@staged
async def test_a_panel_that_cannot_be_drawn_says_so_and_the_rest_goes_on():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jamlink.view.terminal.cards.cards", lambda *_: 1 / 0)
        stage = Stage()
        async with stage.view.run_test(size=(80, 24)) as pilot:
            stage.pilot = pilot
            await stage.turn()
            assert "this part cannot be drawn" in stage.text("cards")
            assert "stopped" in stage.text("top")
            assert "ZeroDivisionError" in stage.view.faults[0]
        stage.ours.close()
        stage.theirs.close()


# -- the terminal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
def test_the_face_fits_every_terminal(size):
    async def show():
        async with on_stage(size=size, count_in=0) as stage:
            await stage.press("space")
            await stage.turn(6.0)
            for panel in stage.view.query(Panel):
                if panel.display:
                    assert len(panel.shown.plain.split("\n")) == panel.size.height, panel.id
            assert sum(panel.size.height for panel in stage.view.query(Panel) if panel.display) <= size[1]

    asyncio.run(show())


@staged
async def test_a_terminal_that_changes_its_size_is_drawn_anew():
    async with on_stage(size=(80, 24)) as stage:
        await stage.pilot.resize_terminal(120, 36)
        await stage.turn()
        assert all(len(line) == 118 for line in stage.text("stage").split("\n"))


def test_rows_are_shared_out_without_remainder_and_never_beyond_the_terminal():
    for height in range(1, 100):
        rows = rows_for(height)
        total = 2 + sum(getattr(rows, name) for name in rows.__slots__)
        assert total <= max(height, 3)
        assert height < 4 or total == height


@staged
async def test_the_screenshot_shows_the_next_chord_and_the_hand():
    async with on_stage(size=(120, 36), count_in=0) as stage:
        await stage.press("space")
        await stage.turn(6.0)
        picture = stage.view.export_screenshot().replace("&#160;", " ")
        assert all(word in picture for word in ("NEXT", "IDEAS", "decide by", "safe", "bold", "Gmaj7"))


# -- open to the network ----------------------------------------------------------------------------------------------

OPEN = "Open to your network: http://192.168.178.45:5266/  code 481623"


@pytest.mark.parametrize("size", SIZES)
def test_that_the_network_may_come_in_stands_in_red_at_the_top_until_the_end(size):
    async def show():
        async with on_stage(size=size, open_to=OPEN, bars=2, count_in=0) as stage:
            first = stage.view.query(Panel).first()
            for _ in range(2):
                assert first.region.y == 0
                assert first.shown.plain.rstrip().endswith("481623")
                assert any("#a5260e" in str(span.style) for span in first.shown.spans)
                await stage.press("space")
                await stage.turn(8.0)
            assert sum(panel.region.height for panel in stage.view.query(Panel) if panel.display) <= size[1]

    asyncio.run(show())


@staged
async def test_without_a_network_no_line_is_lost_to_it():
    async with on_stage() as stage:
        assert not stage.view.query(Panel).first().display
