"""The full-screen view. Beats are drawn from the machine's own clock, so a late message never makes the beat stumble.

Each panel is drawn by a pure function and sent to the terminal only when its text has changed, which keeps it light
over ssh. Keys go to the session wherever the eye is: while the list of keys is open, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Key, Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from jamlink.errors import Nonsense
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, ms
from jamlink.view import cards, foot, paint, panels
from jamlink.view.bulletin import Bulletin
from jamlink.view.client import Client
from jamlink.view.connection import Connection
from jamlink.view.keys import action_of, all_keys
from jamlink.view.picture import showing_tick
from jamlink.view.protocol import Do, Quit
from jamlink.view.words import read_words

FRAMES_PER_SECOND = 30
_FAULTS_KEPT = 3
_PHASES = 4
"""A beat is drawn in so many phases; between two of them nothing on the screen can change by itself."""
LEAVE_AGAIN = ms(3_000)
"""A second "q" within this time leaves while music plays."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows each panel gets."""

    stage: int
    then: int
    cards: int
    middle: int
    """Sentences and controls."""
    status: int
    keys: int


def rows_for(height: int) -> Rows:
    """The rows of a terminal of `height`: what comes next grows first; keys, then ports, then cards give way first."""
    keys = 2 if height >= 24 else 1 if height >= 20 else 0
    status, middle, then = int(height >= 18), 2 if height >= 22 else 1, int(height >= 16)
    rest = max(0, height - 2 - keys - status - middle - then)
    stage = min(rest, _STAGE_LEAST) if rest < 2 * _STAGE_LEAST else max(_STAGE_FULL, rest * 3 // 7, rest - _CARDS_MOST)
    return Rows(stage, then, rest - stage, middle, status, keys)


_STAGE_LEAST = 6
_STAGE_FULL = 8
"""A heading and letters of seven rows."""
_CARDS_MOST = 18


class Panel(Static):
    """A piece of the screen that is sent only when its text has changed."""

    shown = Text("")

    def show(self, lines: list[Text]) -> None:
        """Draw these lines, if they are new."""
        fresh = paint.block(lines)
        if fresh != self.shown:
            self.shown = fresh
            self.update(fresh)


class Stand(Screen[None], inherit_bindings=False):
    """The one screen, without the key bindings that screens usually have."""

    AUTO_FOCUS = ""


_STYLE = f"""
Stand {{ background: {paint.GROUND}; color: {paint.INK}; layers: base over; overflow: hidden; }}
Panel {{ width: 1fr; height: 0; background: {paint.GROUND}; }}
#face {{ height: 1fr; padding: 0 1; }}
#then {{ background: {paint.RAISED}; }}
#hand {{ background: {paint.RAISED}; }}
#keys {{ background: {paint.RAISED}; }}
#say {{ height: 1; border: none; padding: 0 2; background: {paint.RAISED}; color: {paint.INK}; display: none; }}
#all {{ layer: over; display: none; width: 1fr; height: 1fr; background: {paint.RAISED}; padding: 1 3;
        scrollbar-size-vertical: 1; scrollbar-color: {paint.FAINT}; scrollbar-background: {paint.RAISED}; }}
"""


class TerminalView(App[int]):
    """Shows one session and sends it gestures. Returns 0 after an orderly end, 1 where the session was lost."""

    CSS = _STYLE
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+c,ctrl+q", "leave", show=False, priority=True)]

    def __init__(self, connection: Connection, clock: Clock, welcome: Sequence[str] = (), open_to: str = "") -> None:
        super().__init__(ansi_color=False)
        self._welcome = tuple(welcome)
        self._open_to = open_to
        self._connection = connection
        self._clock = clock
        self._client = Client(connection, clock)
        self._bulletin = Bulletin()
        self._leave_until = Ns(0)
        self._reading = -1
        self._looks: tuple[object, ...] = ()
        self.faults: deque[str] = deque(maxlen=_FAULTS_KEPT)
        """What could not be drawn, for a report; empty where all is well."""

    @property
    def last_words(self) -> str:
        """One sentence for the terminal once it is restored; may be empty."""
        return self._client.last_words

    # -- building -----------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> Screen[None]:
        """The music stand."""
        return Stand()

    def compose(self) -> ComposeResult:
        """Panels from top to bottom, and the list of keys over them."""
        with Vertical(id="face"):
            for name in ("open", "top", "stage", "then", "hand", "cards", "middle", "status", "keys"):
                yield Panel(id=name)
            yield Input(id="say", placeholder="tempo 92 · bars 8 · key G minor · chord 2 Am7 …  (esc closes)")
        with VerticalScroll(id="all", can_focus=False):
            yield Static(_all_keys_text(self._welcome))

    def on_mount(self) -> None:
        """Start listening and drawing."""
        self.title = "jamlink"
        if self._welcome:
            self._bulletin.say(self._welcome[-1], self._clock.now())
        self._lay_out()
        self._listen()
        self.set_interval(1 / FRAMES_PER_SECOND, self.look)
        self.look()

    def on_resize(self, event: Resize) -> None:
        """Another size: share the rows anew."""
        self._lay_out()
        self._draw()

    def _lay_out(self) -> None:
        rows = self._rows()
        heights = {"open": int(bool(self._open_to)), "top": 1, "hand": 1} | {
            name: getattr(rows, name) for name in Rows.__slots__
        }
        saying = self.query_one("#say", Input).display
        for panel in self.query(Panel):
            height = heights[panel.id or ""]
            panel.styles.height = height
            panel.display = height > 0 and not (saying and panel.id == "keys")

    def _rows(self) -> Rows:
        return rows_for(self.size.height - bool(self._open_to))

    def _listen(self) -> None:
        """Be woken when the session speaks, and by the signals that end a terminal."""
        loop = asyncio.get_running_loop()
        self._reading = self._connection.fileno()
        if self._reading >= 0:
            loop.add_reader(self._reading, self.look)
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._client.leave)

    def _stop_listening(self) -> None:
        loop = asyncio.get_running_loop()
        if self._reading >= 0:
            loop.remove_reader(self._reading)
            self._reading = -1
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)

    # -- drawing ------------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Take in what has come and draw what has changed; the timer and the connection call it."""
        self._client.poll()
        now, picture = self._clock.now(), self._client.picture
        for said in self._client.notices():
            self._bulletin.say(said, now)
        if picture is not None:
            self._bulletin.look(picture, now)
        if self._client.end is not None:
            self._stop_listening()
            self.exit(self._client.end.value)
        else:
            self._draw()

    def _draw(self) -> None:
        picture, width = self._client.picture, max(1, self.size.width - 2)
        if not self.is_running:
            return
        if picture is None:
            self._panel("open").show([foot.open_line(self._open_to, width)])
            self._panel("top").show([paint.line("jamlink is tuning …")])
            return
        now = self._clock.now()
        tick, said = showing_tick(picture, now), self._bulletin.sentence(picture, now)
        looks = (picture, tick * _PHASES // picture.clock.beat_ticks, said, self.size)
        if looks == self._looks:
            return
        self._looks = looks
        rows = self._rows()
        drawn: dict[str, Callable[[], list[Text]]] = {
            "open": lambda: [foot.open_line(self._open_to, width)],
            "top": lambda: [panels.top_line(picture, tick, width)],
            "stage": lambda: panels.stage(picture, tick, width, rows.stage),
            "then": lambda: [panels.then_line(picture, tick, width)],
            "hand": lambda: [cards.hand_head(picture, tick, width)],
            "cards": lambda: cards.cards(picture, width, rows.cards),
            "middle": lambda: foot.middle_lines(picture, said, width, rows.middle),
            "status": lambda: [foot.status_line(picture, width)],
            "keys": lambda: foot.keys_lines(width, rows.keys),
        }
        for panel in self.query(Panel):
            if panel.display:
                panel.show(self._drawn(drawn[panel.id or ""]))

    def _drawn(self, draw: Callable[[], list[Text]]) -> list[Text]:
        """A panel that cannot be drawn says so in its place: the music does not stop for a picture."""
        try:
            return draw()
        except Exception as fault:
            self.faults.append(f"{type(fault).__name__}: {fault}")
            return [paint.line("this part cannot be drawn")]

    def _panel(self, name: str) -> Panel:
        return self.query_one(f"#{name}", Panel)

    # -- gestures -----------------------------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """A gesture, unless words are being written; panic works even then, by F12."""
        saying = self.query_one("#say", Input).has_focus
        if saying and event.key == "escape":
            self._say(False)
        elif event.key == "f12" or not saying:
            self._press(event.key, event.character)
        event.stop()

    def action_leave(self) -> None:
        """End the session in order; the view follows when it has said goodbye."""
        self._bulletin.say("Leaving: silence, then everything is saved.", self._clock.now())
        self._client.leave()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Words, instead of a key."""
        self._say(False)
        if not event.value.strip():
            return
        try:
            command = read_words(event.value)
        except Nonsense as bad:
            self._bulletin.say(str(bad), self._clock.now())
            return
        if isinstance(command, Quit):
            self.action_leave()
        else:
            self._client.send(command)

    def _press(self, key: str, character: str | None) -> None:
        action = action_of(key, character)
        if action is not None:
            self._client.send(Do(action.value))
        elif character == ":":
            self._say(True)
        elif character == "?":
            self._toggle_all_keys()
        elif character == "q":
            self._ask_to_leave()
        elif key in _SCROLLS:
            self._scroll(key)

    def _ask_to_leave(self) -> None:
        now, picture = self._clock.now(), self._client.picture
        if picture is not None and picture.clock.playing and now >= self._leave_until:
            self._leave_until = Ns(now + LEAVE_AGAIN)
            self._bulletin.say("Music plays. Press q once more to leave.", now)
        else:
            self.action_leave()

    def _say(self, wanted: bool) -> None:
        entry = self.query_one("#say", Input)
        entry.value = ""
        entry.display = wanted
        self._lay_out()
        if wanted:
            entry.focus()
        else:
            self.set_focus(None)

    def _toggle_all_keys(self) -> None:
        sheet = self.query_one("#all", VerticalScroll)
        sheet.display = not sheet.display

    def _scroll(self, key: str) -> None:
        sheet: Widget = self.query_one("#all", VerticalScroll)
        if sheet.display:
            sheet.scroll_relative(y=_SCROLLS[key], animate=False)


_SCROLLS = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}


def _all_keys_text(welcome: Sequence[str]) -> Text:
    rows = [Text.assemble((key.rjust(9), paint.MARK), "  ", (does, paint.PLAIN)) for key, does in all_keys()]
    head = Text("All keys   (? closes, arrows scroll; every key works meanwhile)\n", paint.LABEL)
    return Text("\n").join([*(Text(words, paint.STRONG) for words in welcome), head, *rows])


def run(connection: Connection, clock: Clock, welcome: Sequence[str] = (), open_to: str = "") -> int:
    """Show the session until it ends. Returns the exit code; the terminal is restored on every way out.

    Of `welcome`, sentences about where else the jam is shown, the last is said at first; all stand above the keys.
    `open_to`, where and how others may come in, stands at the top in red for as long as it is so.
    """
    view = TerminalView(connection, clock, welcome, open_to)
    code = view.run(mouse=False)
    for words in filter(None, (view.last_words, *(f"A part of the screen was not drawn: {f}" for f in view.faults))):
        print(words, file=sys.stderr)
    return 1 if code is None else code
