"""The words between a session and whoever looks at it: a terminal now, a page later.

    session -> view   hello  snapshot  delta*  notice  goodbye
    view -> session   hello  resync  quit  play, and one message per gesture (Command)

Every message is one JSON object whose `kind` names it. A view gets one snapshot, then deltas whose `rev` counts up by
one; each carries the top-level sections of the state that changed, whole. A view that misses one asks for a resync
and gets a fresh snapshot. A gesture carries no state; the next delta answers it. Pure: no socket, no clock.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeAlias, TypeVar

import msgspec

from jamlink import __version__
from jamlink.errors import Nonsense
from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import parse_chord
from jamlink.music.key import parse_key
from jamlink.session import inputs
from jamlink.session.inputs import Gesture
from jamlink.session.proposal import Role
from jamlink.session.settings import SLOT_BARS
from jamlink.timing.meter import parse_meter
from jamlink.timing.units import Ns, tempo_of_bpm

VERSION = 1
"""Counts up when a view of the old version would misread the new one."""
COMMAND_LIMIT = 4_096
"""Bytes. No message from a view is near this long."""
CHORD_PLACES = 64
"""More chords than any idea has."""
_LONGEST_WORD = 32
_LONGEST_QUOTE = 40


class _Message(msgspec.Struct, frozen=True, tag_field="kind", tag=str.lower):
    """One JSON object; `kind` is the class name in lower case."""


class Hello(_Message, frozen=True):
    """The first words of both sides. `app` names the program and its version, for people."""

    version: int = VERSION
    app: str = f"jamlink {__version__}"


class Snapshot(_Message, frozen=True):
    """The whole state."""

    rev: int
    state: dict[str, Any]


class Delta(_Message, frozen=True):
    """The sections that changed since `rev` - 1, whole, and the names of those that are gone."""

    rev: int
    changes: dict[str, Any]
    gone: tuple[str, ...] = ()


class Notice(_Message, frozen=True):
    """One sentence for this view's player alone, such as why a command was refused."""

    text: str


class Goodbye(_Message, frozen=True):
    """Nothing more comes; `why` is one sentence, empty where the player asked to leave."""

    why: str = ""


class Resync(_Message, frozen=True):
    """The view lost count and wants a snapshot."""


class Quit(_Message, frozen=True):
    """The player wants to leave: end in order."""


class Do(_Message, frozen=True):
    """`action` is a name of `jamlink.midi.actions.Action`."""

    action: str


class Turn(_Message, frozen=True):
    """`control` is surprise, density, brightness or drive; `value` from 0 to 1."""

    control: str
    value: float


class Tempo(_Message, frozen=True):
    """Quarters per minute, 40 to 240."""

    bpm: float


class Meter(_Message, frozen=True):
    """Such as "6/8"."""

    text: str


class Bars(_Message, frozen=True):
    """1, 2, 4 or 8."""

    bars: int


class Roles(_Message, frozen=True):
    """Of chords, melody, bass; at least one."""

    roles: list[str]


class LockKey(_Message, frozen=True, tag="key"):
    """Such as "G minor"; empty follows what is heard."""

    key: str


class Repeat(_Message, frozen=True):
    """once, loop or keep going."""

    repeat: str


class Mode(_Message, frozen=True):
    """propose or trade."""

    mode: str


class ReplaceChord(_Message, frozen=True, tag="chord"):
    """In the chosen idea, put the chord named `symbol` in place `index`, counted from 0."""

    index: int
    symbol: str


class Play(_Message, frozen=True):
    """A note played on the view itself, such as on computer keys: `on`, then the same pitch not `on`."""

    on: bool
    pitch: int
    velocity: int = 80


Command: TypeAlias = Do | Turn | Tempo | Meter | Bars | Roles | LockKey | Repeat | Mode | ReplaceChord
FromSession: TypeAlias = Hello | Snapshot | Delta | Notice | Goodbye
FromView: TypeAlias = Hello | Resync | Quit | Play | Command

M = TypeVar("M")


def encode(message: FromSession | FromView) -> bytes:
    """The message as JSON."""
    return msgspec.json.encode(message)


def decode_from_session(frame: bytes) -> FromSession:
    """Read what a session sent. Raises `Nonsense`."""
    return _read(frame, _FROM_SESSION)


def decode_from_view(frame: bytes) -> FromView:
    """Read what a view sent. Raises `Nonsense`, also for one that is too long."""
    if len(frame) > COMMAND_LIMIT:
        raise Nonsense(f"A message of {len(frame)} bytes is too long.", f"Keep it under {COMMAND_LIMIT} bytes.")
    return _read(frame, _FROM_VIEW)


def check_version(hello: Hello) -> None:
    """Raises `Nonsense` where the other side speaks another version."""
    if hello.version != VERSION:
        raise Nonsense(
            f"The session and its view are of two versions ({hello.version} and {VERSION}).", "Start jamlink again."
        )


_FROM_SESSION: msgspec.json.Decoder[FromSession] = msgspec.json.Decoder(FromSession)
_FROM_VIEW: msgspec.json.Decoder[FromView] = msgspec.json.Decoder(FromView)


def _read(frame: bytes, decoder: msgspec.json.Decoder[M]) -> M:
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise Nonsense(f"The message was not understood: {_quote(bad, 160)}.", "Nothing was changed.") from None


# -- state ------------------------------------------------------------------------------------------------------------


class Publisher:
    """The session's side: keeps the newest state and says what changed. One thread."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._rev = 0

    def publish(self, state: dict[str, Any]) -> Delta | None:
        """Take over `state`, which must not be changed afterwards. None where nothing differs."""
        old = self._state
        changes = {name: section for name, section in state.items() if name not in old or old[name] != section}
        gone = tuple(name for name in old if name not in state)
        if not changes and not gone:
            return None
        self._state, self._rev = state, self._rev + 1
        return Delta(self._rev, changes, gone)

    def snapshot(self) -> Snapshot:
        """The whole of it; revision 0 is the empty state."""
        return Snapshot(self._rev, self._state)


class Applied(Enum):
    """What a message did to a mirror."""

    CHANGED = "changed"
    OLD = "known already"
    GAP = "something before it is missing: ask for a resync"
    WAITING = "the resync is under way"


class Mirror:
    """The view's side: the state as far as it is known, None before the first snapshot. One thread."""

    def __init__(self) -> None:
        self.state: dict[str, Any] | None = None
        self._rev = -1
        self._waiting = False

    def apply(self, message: Snapshot | Delta) -> Applied:
        """Take the message in. After a gap nothing is taken in until the next snapshot; it is told once."""
        if isinstance(message, Snapshot):
            self.state, self._rev, self._waiting = dict(message.state), message.rev, False
            return Applied.CHANGED
        if message.rev <= self._rev:
            return Applied.OLD
        if self.state is None or message.rev != self._rev + 1:
            told, self._waiting = self._waiting, True
            return Applied.WAITING if told else Applied.GAP
        kept = {name: section for name, section in self.state.items() if name not in message.gone}
        self.state, self._rev = {**kept, **message.changes}, message.rev
        return Applied.CHANGED


# -- gestures ---------------------------------------------------------------------------------------------------------


def to_gesture(command: Command, via: str) -> Gesture:
    """The gesture that `command` stands for. Raises `Nonsense` for one that the session could not carry out."""
    match command:
        case Do():
            return inputs.Do(_one_of(Action, command.action, "gesture"), via)
        case Tempo():
            tempo_of_bpm(command.bpm)
            return inputs.SetTempo(command.bpm, via)
        case Meter():
            return inputs.SetMeter(parse_meter(_word(command.text)), via)
        case Repeat():
            return inputs.SetRepeat(_one_of(inputs.Repeat, command.repeat, "way to repeat"), via)
        case Mode():
            return inputs.SetMode(_one_of(inputs.Mode, command.mode, "mode"), via)
        case LockKey():
            key = _word(command.key)
            return inputs.LockKey(parse_key(key) if key else None, via)
        case _:
            return _counted(command, via)


def _counted(command: Turn | Bars | Roles | ReplaceChord, via: str) -> Gesture:
    """Those with a number or a list to check."""
    match command:
        case Turn(control, value):
            knob = _one_of(Knob, control, "control")
            _require(0.0 <= value <= 1.0, f"{value:g} is no place for a control.", "Choose 0 to 1.")
            return inputs.Turn(knob.value, value, via)
        case Bars(bars):
            _require(bars in SLOT_BARS, f"Ideas of {_quote(bars)} bars are not possible.", "Choose 1, 2, 4 or 8 bars.")
            return inputs.SetBars(bars, via)
        case Roles(roles):
            _require(bool(roles), "Nothing would be played.", "Name chords, melody or bass.")
            return inputs.SetRoles(frozenset(_one_of(Role, role, "role") for role in roles), via)
        case ReplaceChord(index, symbol):
            _require(0 <= index < CHORD_PLACES, f"There is no chord {_quote(index + 1)}.", "Count the chords from 1.")
            name = _word(symbol)
            _require(parse_chord(name) is not None, f"{name!r} is not a chord.", "Write it as C, Am7, F#dim or G/B.")
            return inputs.ReplaceChord(index, name, via)


def to_event(note: Play, at: Ns, port: str) -> NoteOn | NoteOff:
    """The note as if it came in at `at` on `port`, first channel. Raises `Nonsense` for what no keyboard has."""
    _require(0 <= note.pitch <= 127, f"There is no key {_quote(note.pitch)}.", "Keys go from 0 to 127.")
    _require(0 <= note.velocity <= 127, f"{_quote(note.velocity)} is no velocity.", "It goes from 0 to 127.")
    if note.on and note.velocity:
        return NoteOn(at, port, 0, note.pitch, note.velocity)
    return NoteOff(at, port, 0, note.pitch, note.velocity)


E = TypeVar("E", bound=Enum)


def _one_of(kind: type[E], name: str, what: str) -> E:
    try:
        return kind(name)
    except ValueError:
        known = ", ".join(str(member.value) for member in kind)
        raise Nonsense(f"There is no {what} called {_quote(name)!r}.", f"Use one of {known}.") from None


def _word(text: str) -> str:
    _require(len(text) <= _LONGEST_WORD, f"{_quote(text)!r} is too long.", f"Use {_LONGEST_WORD} letters at most.")
    return text.strip()


def _require(good: bool, what: str, remedy: str) -> None:
    if not good:
        raise Nonsense(what, remedy)


def _quote(text: object, most: int = _LONGEST_QUOTE) -> str:
    words = str(text)
    return words if len(words) <= most else words[:most] + "…"
