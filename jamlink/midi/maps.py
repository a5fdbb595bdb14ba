"""Controller maps: which pad, pedal or knob does what, and what a bound control does over time.

A `ControllerMap` is a value, read from TOML by `jamlink.midi.map_files`, one file per device. `choose` picks the map
for a port by its name, or the generic one where no other fits, so that no device is dead. `Bindings` is the state
machine that turns a port's events into gestures: pure, it knows the time from the events and from `tick` alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import PEDAL_DOWN, ControlChange, MidiEvent, NoteOff, NoteOn, ProgramChange
from jamlink.midi.hui import Hui
from jamlink.timing.units import Ns, ms

GENERIC = "generic"
"""The file name, without its ending, of the map for devices that no other map fits."""

HOLD = ms(1_000)
LONG_HOLD = ms(2_500)
"""The conventions of foot switches: a tap, held for a second, held for two and a half."""

NEAR = 0.02
"""A knob this close to its control's value has picked it up."""
STEPS = 64
"""An endless knob goes from one end to the other in this many steps."""


class Signal(Enum):
    """What a control sends. The value is its key in a map."""

    NOTE = "note"
    CC = "cc"
    PROGRAM = "program"


class Takeover(Enum):
    """What happens when a knob and its control stand at different values."""

    NONE = "none"
    """The control jumps to the knob."""
    PICK_UP = "pick-up"
    """The knob does nothing until it passes the control's value."""
    SCALE = "scale"
    """The control goes the knob's way, by a share of what is left to the end."""


class Relative(Enum):
    """How an endless knob says "so many steps"."""

    OFFSET = "offset"
    """65 is one step up, 63 one down."""
    TWOS = "twos-complement"
    """1 is one step up, 127 one down."""
    SIGN = "sign"
    """1 is one step up, 65 one down."""


class Protocol(Enum):
    """How a device says what is pressed, where that is more than one message. The value is its word in a map."""

    PLAIN = ""
    HUI = "hui"


@dataclass(frozen=True, slots=True)
class Source:
    """A control: what it sends, its number 0 to 127, and its channel 0 to 15 (None: any)."""

    signal: Signal
    number: int
    channel: int | None = None

    def meets(self, other: Source) -> bool:
        """Whether one message could come from both."""
        same = (self.signal, self.number) == (other.signal, other.number)
        return same and (self.channel == other.channel or None in (self.channel, other.channel))

    def __str__(self) -> str:
        where = "" if self.channel is None else f" on channel {self.channel + 1}"
        return f"{self.signal.value} {self.number}{where}"


@dataclass(frozen=True, slots=True)
class Button:
    """A pad, button or pedal and its actions; None where a gesture means nothing.

    `press` and `release` act at once. `tap` acts on letting go, unless it was held: `hold` acts after one second,
    `long_hold` after two and a half. With `early`, the tap acts on the way down, and `hold` takes it back.
    """

    source: Source
    press: Action | None = None
    release: Action | None = None
    tap: Action | None = None
    hold: Action | None = None
    long_hold: Action | None = None
    early: bool = False


@dataclass(frozen=True, slots=True)
class Turning:
    """A knob or fader and the control it moves; `relative` for endless ones, which need no takeover."""

    source: Source
    knob: Knob
    takeover: Takeover = Takeover.PICK_UP
    relative: Relative | None = None


@dataclass(frozen=True, slots=True)
class ControllerMap:
    """`ports` are patterns of port names; `preset` says what the device must be set to; `tried` whether somebody has
    checked the map on the hardware. What comes in another `protocol` is translated first, and none of it is music."""

    name: str
    ports: tuple[str, ...]
    preset: str = ""
    tried: bool = False
    buttons: tuple[Button, ...] = ()
    knobs: tuple[Turning, ...] = ()
    protocol: Protocol = Protocol.PLAIN

    def fit(self, port: str) -> int:
        """How well the map fits a port: the letters of the longest pattern found in its name; 0 for not at all."""
        return max((_letters(pattern) for pattern in self.ports if _is_in(pattern, port)), default=0)


def _letters(pattern: str) -> int:
    return len(pattern.replace("*", ""))


def _is_in(pattern: str, name: str) -> bool:
    """Whether the pieces between the pattern's stars are found in `name`, one after the other, in any case."""
    name, place = name.casefold(), 0
    for piece in pattern.casefold().split("*"):
        found = name.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return True


def choose(maps: Sequence[ControllerMap], port: str, otherwise: ControllerMap) -> ControllerMap:
    """The map that fits `port` best, the last of equals (so a player's own map wins); `otherwise` where none fits."""
    best, best_fit = otherwise, 0
    for found in maps:
        fit = found.fit(port)
        if fit and fit >= best_fit:
            best, best_fit = found, fit
    return best


# -- over time --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fired:
    """A gesture asks for `action`. `via` says how it came, for the record: "pad: MPK mini 3"."""

    at: Ns
    action: Action
    via: str


@dataclass(frozen=True, slots=True)
class KnobMoved:
    """A control moves to `value`, 0 to 1."""

    at: Ns
    knob: Knob
    value: float
    via: str


_B = TypeVar("_B", Button, Turning)
Gesture: TypeAlias = Fired | KnobMoved


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event meant. A consumed event is no music: the player touched a bound control."""

    gestures: tuple[Gesture, ...] = ()
    consumed: bool = False


@dataclass(slots=True)
class _Down:
    """A button that is down."""

    since: Ns
    acted: bool
    left: list[tuple[Ns, Action]]
    """What is still to happen if it stays down: moments and actions, soonest first."""


@dataclass(slots=True)
class _Physical:
    """Where a knob stands."""

    at: float | None = None
    set_to: float | None = None
    """The value that this knob gave its control last; while the control is still there, the knob has it."""


class Bindings:
    """The gestures of one port. One thread; every moment comes with an event or a `tick`, never from a clock.

    A long hold acts while the button is still down, so somebody must call `tick` when `next_deadline` says so. The
    effect does not depend on how often it is called: an event first lets everything before it happen.
    """

    def __init__(self, of: ControllerMap) -> None:
        self._name = of.name
        self._buttons = {button.source: button for button in of.buttons}
        self._knobs = {turning.source: turning for turning in of.knobs}
        self._down: dict[Source, _Down] = {}
        self._physical: dict[Source, _Physical] = {turning.source: _Physical() for turning in of.knobs}
        self._values = dict.fromkeys(Knob, 0.5)
        self._hui = Hui() if of.protocol is Protocol.HUI else None

    def translated(self, event: MidiEvent) -> MidiEvent | None:
        """`event` as a map can bind it; None for a part of something, and for what says nothing."""
        return self._hui.read(event) if self._hui else event

    def places(self) -> dict[Action | Knob, tuple[Source, str]]:
        """Where each gesture and knob is, the first place of several; with how it is pressed, where that matters."""
        found: dict[Action | Knob, tuple[Source, str]] = {}
        for source, button in self._buttons.items():
            ways = ((button.press, ""), (button.tap, ""), (button.release, ""))
            held = ((button.hold, "held"), (button.long_hold, "held long"))
            for action, way in (*ways, *held):
                if action is not None:
                    found.setdefault(action, (source, way))
        for source, turning in self._knobs.items():
            found.setdefault(turning.knob, (source, ""))
        return found

    def controls_are(self, values: Mapping[Knob, float]) -> None:
        """Where the controls stand, 0 to 1, whoever moved them; what knobs that pick up or scale go by."""
        self._values.update(values)

    def read(self, event: MidiEvent) -> Reading:
        """What `event`, which was `translated`, means. At its moment, everything due before it happens first."""
        gestures = list(self.tick(event.at))
        source = _source(event)
        if source is None:
            return Reading(tuple(gestures), consumed=self._hui is not None)
        button, turning = _find(self._buttons, source), _find(self._knobs, source)
        if button is not None:
            gestures += self._button(button, event)
        elif turning is not None and isinstance(event, ControlChange):
            gestures += self._turn(turning, event)
        bound = button is not None or turning is not None
        return Reading(tuple(gestures), consumed=bound or self._hui is not None)

    def tick(self, now: Ns) -> tuple[Gesture, ...]:
        """What holding has come to by `now`."""
        due: list[Gesture] = []
        for source, down in self._down.items():
            while down.left and down.left[0][0] <= now:
                at, action = down.left.pop(0)
                down.acted = True
                due.append(self._fired(at, action, source))
        return tuple(sorted(due, key=lambda gesture: gesture.at))

    def next_deadline(self) -> Ns | None:
        """When `tick` must be called next; None while nothing is held."""
        return min((down.left[0][0] for down in self._down.values() if down.left), default=None)

    def let_go(self) -> None:
        """The port is gone: nothing is held any more, and nothing held comes to anything."""
        self._down.clear()

    def _button(self, button: Button, event: MidiEvent) -> Iterator[Gesture]:
        match event:
            case NoteOn() | ProgramChange():
                yield from self._press(button, event.at)
            case NoteOff():
                yield from self._release(button, event.at)
            case ControlChange() if event.value < PEDAL_DOWN:
                yield from self._release(button, event.at)
            case ControlChange() if button.source not in self._down:  # a pedal in motion says "down" more than once
                yield from self._press(button, event.at)

    def _press(self, button: Button, at: Ns) -> Iterator[Gesture]:
        held = ((Ns(at + HOLD), button.hold), (Ns(at + LONG_HOLD), button.long_hold))
        if button.source.signal is not Signal.PROGRAM:  # a program change is never let go
            left = [(due, action) for due, action in held if action is not None]
            self._down[button.source] = _Down(at, button.early, left)
        action = button.tap if button.early else button.press
        if action is not None:
            yield self._fired(at, action, button.source)

    def _release(self, button: Button, at: Ns) -> Iterator[Gesture]:
        down = self._down.pop(button.source, None)
        if down is None:
            return
        if button.release is not None:
            yield self._fired(at, button.release, button.source)
        if button.tap is not None and not down.acted:
            yield self._fired(at, button.tap, button.source)

    def _fired(self, at: Ns, action: Action, source: Source) -> Fired:
        return Fired(at, action, self._via(source))

    def _via(self, source: Source) -> str:
        return f"{'pad' if source.signal is Signal.NOTE else 'control'}: {self._name}"

    def _turn(self, turning: Turning, event: ControlChange) -> Iterator[Gesture]:
        value = self._after_turn(turning, event.value)
        if value is not None:
            self._values[turning.knob] = value
            self._physical[turning.source].set_to = value
            yield KnobMoved(event.at, turning.knob, value, self._via(turning.source))

    def _after_turn(self, turning: Turning, raw: int) -> float | None:
        """The control's new value; None where the knob has not reached it yet."""
        current = self._values[turning.knob]
        if turning.relative is not None:
            return min(1.0, max(0.0, current + _steps(turning.relative, raw) / STEPS))
        physical, value = self._physical[turning.source], raw / 127
        before, physical.at = physical.at, value
        if turning.takeover is Takeover.NONE:
            return value
        if turning.takeover is Takeover.SCALE:
            return None if before is None else _scaled(current, before, value)
        return value if _picked_up(physical.set_to, current, before, value) else None


def _source(event: MidiEvent) -> Source | None:
    """The control that an event comes from."""
    match event:
        case NoteOn() | NoteOff():
            return Source(Signal.NOTE, event.pitch, event.channel)
        case ControlChange():
            return Source(Signal.CC, event.control, event.channel)
        case ProgramChange():
            return Source(Signal.PROGRAM, event.program, event.channel)
    return None


def _find(table: Mapping[Source, _B], source: Source) -> _B | None:
    """What is bound to `source`, on its channel or on any."""
    return table.get(source) or table.get(Source(source.signal, source.number))


def _picked_up(set_to: float | None, current: float, before: float | None, value: float) -> bool:
    """Whether the knob has its control: it set it last, it is close to it, or it has just passed it."""
    passed = before is not None and (before - current) * (value - current) <= 0
    return set_to == current or abs(value - current) <= NEAR or passed


def _scaled(current: float, before: float, value: float) -> float:
    """The control's value after the knob went from `before` to `value`: both reach their ends together."""
    if value >= before:
        return current + (1 - current) * (value - before) / (1 - before) if before < 1 else current
    return current * value / before


def _steps(way: Relative, raw: int) -> int:
    """How many steps an endless knob was turned; negative is down."""
    if way is Relative.OFFSET:
        return raw - 64
    if way is Relative.TWOS:
        return raw if raw < 64 else raw - 128
    return raw & 0x3F if raw < 64 else -(raw & 0x3F)
