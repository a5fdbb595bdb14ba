"""`jamlink maps learn`: the dialogue that turns presses into a controller map.

For each action the player presses the pad, key or pedal that should do it, or waits to pass over it. The order is the
order of need on stage; after the buttons come the knobs. What is bound already is not bound twice.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.midi.actions import GESTURE_OF, KNOBS, Action, Knob
from jamlink.midi.events import MidiEvent
from jamlink.midi.map_files import learned, pressed, turned, write_map
from jamlink.midi.maps import Button, ControllerMap, Source, Turning
from jamlink.midi.wire import Parser
from jamlink.ports.base import PortSpec
from jamlink.runtime import io_wire
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.teaching import file_stem
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, ms

TO_LEARN = (
    Action.ACCEPT,
    Action.REJECT,
    Action.PICK_1,
    Action.PICK_2,
    Action.PICK_3,
    Action.PICK_4,
    Action.NEXT_HAND,
    Action.UNDO,
    Action.PLAY_STOP,
    Action.TAP,
    Action.PANIC,
)
PASS_OVER_AFTER = ms(6_000)
"""Who presses nothing for this long wants no binding for this action."""
FIND_WITHIN = ms(5_000)


@dataclass(slots=True)
class Lesson:
    """What has been shown so far. Pure: `take` gets events, `done` says when to go on."""

    buttons: list[Button] = field(default_factory=list)
    knobs: list[Turning] = field(default_factory=list)

    def take(self, event: MidiEvent, wanted: Action | Knob) -> bool:
        """Bind what `event` shows to `wanted`. False where it shows nothing new."""
        source = pressed(event) if isinstance(wanted, Action) else turned(event)
        if source is None or self._is_bound(source):
            return False
        if isinstance(wanted, Action):
            self.buttons.append(learned(source, wanted))
        else:
            self.knobs.append(Turning(source, wanted))
        return True

    def _is_bound(self, source: Source) -> bool:
        return source in {button.source for button in self.buttons} | {turning.source for turning in self.knobs}

    def map_for(self, port: str) -> ControllerMap:
        """The map. Raises `Nonsense` where nothing was shown."""
        if not self.buttons and not self.knobs:
            raise Nonsense("Nothing was pressed, so there is no map.", "Run it again and press a pad for each action.")
        return ControllerMap(port, (port,), "as it was when learned", True, tuple(self.buttons), tuple(self.knobs))


def learn(clock: Clock, pattern: str, target: Path | None, folder: Path, say: Callable[[str], None]) -> None:
    """Listen to the port that `pattern` names, ask for each action, and write the map. Raises `Nonsense`."""
    link = IoLink(clock, io_wire.OpenPorts((PortSpec("in", pattern),), ()))
    link.start()
    try:
        ear = _Ear(link, clock)
        port = ear.port(pattern)
        say(f"Listening to {port}. Press what should do it, or wait {PASS_OVER_AFTER // 1_000_000_000} s to pass over.")
        lesson = Lesson()
        for wanted in (*TO_LEARN, *Knob):
            say(f"  {_words(wanted)} …")
            heard = ear.until(lambda event, wanted=wanted: lesson.take(event, wanted), PASS_OVER_AFTER)  # type: ignore[misc]
            say(f"    {'learned' if heard else 'passed over'}")
    finally:
        link.close()
    made = lesson.map_for(port)
    file = target or folder / f"{file_stem(port)}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_map(made, file)
    say(f"Written to {file}; jamlink uses it whenever {port} is plugged in.")


def _words(wanted: Action | Knob) -> str:
    if isinstance(wanted, Action):
        return f"{wanted.value}: {GESTURE_OF[wanted].does}"
    low, high = KNOBS[wanted]
    return f"a knob for {low} to {high}"


class _Ear:
    """Events of one input, waited for."""

    def __init__(self, link: IoLink, clock: Clock) -> None:
        self._link, self._clock = link, clock
        self._parser = Parser()
        self._bound = ""

    def port(self, pattern: str) -> str:
        """The full name of the port, once it is there."""
        self.until(lambda event: False, FIND_WITHIN, stop=lambda: bool(self._bound))
        if not self._bound:
            raise Nonsense(f"There is no input like {pattern!r}.", "See `jamlink ports` for what there is.")
        return self._bound

    def until(self, enough: Callable[[MidiEvent], bool], span: Ns, stop: Callable[[], bool] = lambda: False) -> bool:
        """Whether an event was `enough` within `span`."""
        end = self._clock.now() + span
        while self._clock.now() < end and not stop():
            readers = [self._link] if self._link.fileno() >= 0 else []
            select.select(readers, [], [], 0.05)
            if any(enough(event) for event in self._events()):
                return True
        return False

    def _events(self) -> Iterable[MidiEvent]:
        for message in self._link.receive():
            if isinstance(message, io_wire.PortChanged):
                self._bound = message.bound
            elif isinstance(message, io_wire.Heard):
                yield from self._parser.feed(message.data, message.at, self._bound)
