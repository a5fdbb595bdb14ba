"""The words between a session and whoever looks at it: a terminal, a page.

    session -> view   hello  snapshot  delta*  notice  goodbye
    view -> session   hello  resync  quit  play, one message per gesture (Command) or wish (Request)
    web -> page       pong, to the page's ping; neither reaches the session

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
from jamlink.session.effects import Out
from jamlink.session.inputs import Gesture
from jamlink.session.proposal import Role
from jamlink.session.settings import HAND_SIZES, SLOT_BARS, AccompanySettings, with_accompany
from jamlink.session.wishes import ChoosePorts, Teach, Wish
from jamlink.timing.meter import parse_meter
from jamlink.timing.units import Ns, tempo_of_bpm
from jamlink.tokens.vocab import STYLES

VERSION = 1
"""Counts up when a view of the old version would misread the new one."""
COMMAND_LIMIT = 4_096
"""Bytes. No message from a view is near this long."""
CHORD_PLACES = 64
"""More chords than any idea has."""
NOTE_PLACES = 4_096
_FARTHEST_BEATS = 64
_HIGHEST_ID = 2**53
_LONGEST_PORT = 256
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
    """propose, trade or accompany."""

    mode: str


class Accompany(_Message, frozen=True):
    """How chords follow the melody: `name` is look_ahead, commit, listen (beats) or rest (bars)."""

    name: str
    value: int


class Style(_Message, frozen=True):
    """One of the styles that the state names; empty leaves it to the music."""

    style: str


class Channels(_Message, frozen=True):
    """MIDI channels, 1 to 16, of outputs by name (chords, melody, bass, metronome, preview); others keep theirs."""

    channels: dict[str, int]


class Select(_Message, frozen=True):
    """Choose the idea in place `index` of the hand, counted from 0, without taking it."""

    index: int


class Hear(_Message, frozen=True):
    """Preview the idea in place `index`; what is chosen stays so."""

    index: int


class Take(_Message, frozen=True):
    """Accept the idea in place `index`."""

    index: int


class ReplaceChord(_Message, frozen=True, tag="chord", omit_defaults=True):
    """In the idea in place `idea` (left out: the chosen one), put the chord named `symbol` in place `index`; both are
    counted from 0."""

    index: int
    symbol: str
    idea: int | None = None


class MoveChord(_Message, frozen=True, tag="move_chord", omit_defaults=True):
    """Chord `index` begins `beats` felt beats later, earlier below 0; down to quarters of a beat. `idea` as above."""

    index: int
    beats: float
    idea: int | None = None


class EditNote(_Message, frozen=True, tag="note"):
    """In idea `index`, note number `note` (its melody notes first, then bass) gets `pitch`; null takes it out."""

    index: int
    note: int
    pitch: int | None


class BringBack(_Message, frozen=True, tag="bring_back"):
    """The idea `id` of the history comes back to the stand as a hand of one."""

    id: int


class Ports(_Message, frozen=True, omit_defaults=True):
    """Names from the state's list of ports; empty: jamlink's own port; left out: as it is. Only while stopped."""

    input: str | None = None
    output: str | None = None


class Learn(_Message, frozen=True):
    """`control`, a gesture or a knob by name, is bound to what is pressed or turned next; empty waits no more."""

    control: str


class Report(_Message, frozen=True):
    """From a helper of the session's own, such as the bridge to a DAW: what is wrong with `part`, in one sentence, or
    nothing where all is well again. Nobody else is listened to."""

    part: str
    sentence: str


class Ping(_Message, frozen=True):
    """`t` is any number of the page's, and comes back."""

    t: float


class Pong(_Message, frozen=True):
    """`now` is the machine's monotonic clock, in ns: by the quickest answer the page maps it to its own clock."""

    t: float
    now: int


class Play(_Message, frozen=True):
    """A note played on the view itself, such as on computer keys: `on`, then the same pitch not `on`."""

    on: bool
    pitch: int
    velocity: int = 80


Setting: TypeAlias = Turn | Tempo | Meter | Bars | Roles | LockKey | Repeat | Mode | Accompany | Style | Channels
Choice: TypeAlias = Select | Hear | Take | BringBack
Edit: TypeAlias = ReplaceChord | MoveChord | EditNote
Command: TypeAlias = Do | Setting | Choice | Edit
Request: TypeAlias = Ports | Learn
FromSession: TypeAlias = Hello | Snapshot | Delta | Notice | Goodbye | Pong
FromView: TypeAlias = Hello | Resync | Quit | Ping | Play | Report | Request | Command

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
        case Select() | Hear() | Take() | BringBack():
            return _chosen(command, via)
        case ReplaceChord() | MoveChord() | EditNote():
            return _edited(command, via)
        case Turn() | Bars() | Roles() | Channels() | Accompany():
            return _counted(command, via)
        case _:
            return _said(command, via)


def to_wish(request: Request) -> Wish:
    """What `request` asks of the session's process. Raises `Nonsense`; whether a port is there, it does not know."""
    match request:
        case Ports(input, output):
            _require((input, output) != (None, None), "No port was named.", "Name an input or an output.")
            return ChoosePorts(_port(input), _port(output))
        case Learn(control):
            known = {member.value: member for kind in (Action, Knob) for member in kind}
            _require(control in ("", *known), f"There is no control called {_quote(control)!r}.", "Choose one shown.")
            return Teach(known[control] if control else None)


def _port(name: str | None) -> str | None:
    if name is not None:
        _require(len(name) <= _LONGEST_PORT, f"{_quote(name)!r} is no port.", "Choose one of the list.")
    return name


def _chosen(command: Choice, via: str) -> Gesture:
    """Those about one idea as a whole."""
    match command:
        case Select(index):
            return inputs.Select(_place(index), via)
        case Hear(index):
            return inputs.Hear(_place(index), via)
        case Take(index):
            return inputs.Take(_place(index), via)
        case BringBack(id):
            _require(0 <= id <= _HIGHEST_ID, f"There was no idea {_quote(id)}.", "Choose one of the history.")
            return inputs.BringBack(id, via)


def _edited(command: Edit, via: str) -> Gesture:
    """Those that change an idea."""
    match command:
        case ReplaceChord(index, symbol, idea):
            name = _word(symbol)
            _require(parse_chord(name) is not None, f"{name!r} is not a chord.", "Write it as C, Am7, F#dim or G/B.")
            return inputs.ReplaceChord(_chord_place(index), name, via, _place_or_chosen(idea))
        case MoveChord(index, beats, idea):
            _require(abs(beats) <= _FARTHEST_BEATS, f"{beats:g} beats are too far.", "Move it within its idea.")
            return inputs.MoveChord(_chord_place(index), beats, via, _place_or_chosen(idea))
        case EditNote(index, note, pitch):
            _require(0 <= note < NOTE_PLACES, f"There is no note {_quote(note + 1)}.", "Count the notes from 1.")
            in_reach = pitch is None or 0 <= pitch <= 127
            _require(in_reach, f"There is no key {_quote(pitch)}.", "Keys go from 0 to 127.")
            return inputs.EditNote(_place(index), note, pitch, via)


def _chord_place(index: int) -> int:
    _require(0 <= index < CHORD_PLACES, f"There is no chord {_quote(index + 1)}.", "Count the chords from 1.")
    return index


def _place(index: int) -> int:
    most = HAND_SIZES[-1]
    _require(0 <= index < most, f"There is no idea {_quote(index + 1)}.", f"A hand has 1 to {most}.")
    return index


def _place_or_chosen(index: int | None) -> int | None:
    return None if index is None else _place(index)


def _said(command: Tempo | Meter | LockKey | Repeat | Mode | Style, via: str) -> Gesture:
    """Those with a word to read, and the tempo."""
    match command:
        case Tempo(bpm):
            tempo_of_bpm(bpm)
            return inputs.SetTempo(bpm, via)
        case Meter(text):
            return inputs.SetMeter(parse_meter(_word(text)), via)
        case Repeat(repeat):
            return inputs.SetRepeat(_one_of(inputs.Repeat, repeat, "way to repeat"), via)
        case Mode(mode):
            return inputs.SetMode(_one_of(inputs.Mode, mode, "mode"), via)
        case Style(style):
            known = f"Use one of {', '.join(STYLES)}."
            _require(style in ("", *STYLES), f"There is no style called {_quote(style)!r}.", known)
            return inputs.SetStyle(style, via)
        case LockKey(key):
            name = _word(key)
            return inputs.LockKey(parse_key(name) if name else None, via)


def _counted(command: Turn | Bars | Roles | Channels | Accompany, via: str) -> Gesture:
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
        case Accompany(name, value):
            known = name.replace("-", "_")
            with_accompany(AccompanySettings(), str(_quote(known)), value)
            return inputs.SetAccompany(known, value, via)
        case Channels(channels):
            _require(bool(channels), "No output was named.", "Name chords, melody, bass, metronome or preview.")
            return inputs.SetChannels(tuple(_channel(name, number) for name, number in sorted(channels.items())), via)


def _channel(name: str, number: int) -> tuple[str, int]:
    output = _one_of(Out, name, "output")
    _require(1 <= number <= 16, f"There is no MIDI channel {_quote(number)}.", "Choose 1 to 16.")
    return output.value, number - 1


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
