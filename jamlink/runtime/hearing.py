"""What comes in from keyboards and controllers: bytes become music, gestures and clocks. One thread.

A bound pad or knob is a gesture; everything else is music, but what we sound ourselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ALL_SOUND_OFF, ControlChange, MidiEvent, NoteOn, SystemEvent
from jamlink.midi.maps import Bindings, KnobMoved
from jamlink.midi.maps import Gesture as Reading
from jamlink.midi.wire import Parser
from jamlink.ports.base import CLOCK_INPUT
from jamlink.ports.plugin_ports import NAME as PLUGIN
from jamlink.runtime.clocks import Clocks
from jamlink.runtime.echo import Echoes
from jamlink.runtime.errands import Errands
from jamlink.runtime.io_wire import Heard as Bytes
from jamlink.runtime.screen import Screen
from jamlink.runtime.teaching import Taught, Teacher, Teaching, in_words
from jamlink.session.inputs import Do, Heard, Input, Turn
from jamlink.timing.units import Ns


class Feed(Protocol):
    """Tells the session something that was so at a moment, or now; None is nothing to tell."""

    def __call__(self, item: Input | None, at: Ns | None = None) -> None:
        """See the class."""
        ...


class Hearing:
    """`bindings` gives the gestures of a port by its map; what is heard goes to `feed`."""

    def __init__(
        self,
        feed: Feed,
        bindings: Callable[[str], Bindings],
        teacher: Teacher | None,
        clocks: Clocks,
        echoes: Echoes,
        errands: Errands,
        screen: Screen,
    ) -> None:
        self._feed, self._bindings_of, self._clocks, self._echoes = feed, bindings, clocks, echoes
        self._errands, self._screen = errands, screen
        self._teaching = Teaching(teacher) if teacher else None
        self._parsers: dict[str, Parser] = {}
        self._bindings: dict[str, Bindings] = {}
        self._inputs: dict[int, tuple[str, str]] = {}
        """By number, the name of an input of ours and what it listens to now."""
        self._ports: dict[int, str] = {}
        """What an input listened to last."""
        self._places: dict[str, str] = {}
        self._heard_on: dict[str, Any] | None = None

    # -- ports

    def forget_inputs(self) -> None:
        """All ports are opened anew."""
        self._inputs.clear()

    def input_changed(self, number: int, name: str, bound: str, now: Ns) -> None:
        """Input `number`, our `name`, listens to `bound` now, empty for nothing; whatever was held where it listened is
        let go."""
        self._inputs[number] = name, bound
        before = self._ports.get(number, "")
        if before and before != bound:
            self._pulled(before, now)
        if bound:
            self._ports[number] = bound
            if name != CLOCK_INPUT:  # no gesture is read there
                self._bind(bound)

    def _pulled(self, port: str, now: Ns) -> None:
        """A keyboard that is pulled holds no keys, no pedal and no pads any more."""
        if port in self._bindings:
            self._bindings[port].let_go()
        for channel in range(16):
            self._feed(Heard(ControlChange(now, port, channel, ALL_SOUND_OFF, 0)))

    def _bind(self, port: str, made: Bindings | None = None) -> Bindings:
        """The gestures of `port`: `made`, or as they were, or by its map."""
        if made is not None or port not in self._bindings:
            self._bindings[port] = made or self._bindings_of(port)
            self._places = {
                control.value: in_words(source, where) + (f", {way}" if way else "")
                for where, bindings in self._bindings.items()
                for control, (source, way) in bindings.places().items()
            }
            self._screen.changed()
        return self._bindings[port]

    # -- what comes in

    def hear(self, message: Bytes) -> None:
        """Bytes of an input."""
        port = self._ports.get(message.input, f"input {message.input + 1}")
        parser = self._parsers.setdefault(port, Parser())
        name, bound = self._inputs.get(message.input, ("", ""))
        for said in parser.feed(message.data, message.at, port):
            if name == CLOCK_INPUT or isinstance(said, SystemEvent):
                leads = name == CLOCK_INPUT or bound == PLUGIN
                self._feed(self._clocks.hear(said, leads), said.at)
                continue
            event = self._bind(port).translated(said)
            if event is not None:
                self._event(port, event)

    def _event(self, port: str, event: MidiEvent) -> None:
        if self._echoes.is_echo(event):
            return
        if isinstance(event, NoteOn):
            self._heard_on = {"port": port, "channel": event.channel + 1, "at": event.at}
            self._screen.changed()
        if self._learns(port, event):
            return
        reading = self._bind(port).read(event)
        self._gestures(reading.gestures)
        if not reading.consumed:
            self._feed(Heard(event), event.at)
            self._feed(self._clocks.hear(event, is_clock=False), event.at)

    # -- gestures

    def look_at_holds(self, now: Ns) -> None:
        """What is held long enough by now is a gesture."""
        for bindings in self._bindings.values():
            self._gestures(bindings.tick(now))

    def deadlines(self) -> Iterable[Ns | None]:
        """When to look at what is held."""
        return [bindings.next_deadline() for bindings in self._bindings.values()]

    def _gestures(self, gestures: Iterable[Reading]) -> None:
        for gesture in gestures:
            if isinstance(gesture, KnobMoved):
                self._feed(Turn(gesture.knob.value, gesture.value, gesture.via))
            else:
                self._feed(Do(gesture.action, gesture.via))

    # -- learning

    def teach(self, control: Action | Knob | None) -> None:
        """The next pad or knob does `control`. Raises `Nonsense` where nothing can be learned."""
        if self._teaching is None:
            raise Nonsense("Nothing can be learned here.", "Write a map file; see `jamlink maps`.")
        self._teaching.want(control)

    def _learns(self, port: str, event: MidiEvent) -> bool:
        """Whether `event` is what a lesson was waiting for; bound at once, and saved as soon as the disk has it."""
        taught = self._teaching.hear(port, event) if self._teaching else None
        if taught is None:
            return False
        self._bind(port, Bindings(taught.map))
        self._errands.run(taught.save, lambda trouble: self._saved_map(taught, trouble))
        return True

    def _saved_map(self, taught: Taught, trouble: str) -> None:
        self._screen.trouble("maps", trouble)
        if self._teaching and not trouble:
            self._teaching.is_saved(taught)

    # -- what views show

    def sections(self) -> dict[str, Any]:
        """What a view shows."""
        learn = self._teaching.section() if self._teaching else {}
        return {"heard_on": self._heard_on, "learn": learn, "bindings": self._places}

    def controls_are(self, controls: Mapping[str, float]) -> None:
        """The session's controls, for knobs that are to pick them up."""
        for bindings in self._bindings.values():
            bindings.controls_are({knob: controls[knob.value] for knob in Knob})
