"""One interface for every DAW: orders that jamlink gives, reports that the DAW sends, and which of them it knows.

A bridge is a codec between these values and OSC messages, and says what it can (`Can`). It is pure: whoever owns the
socket (`jamlink.remote.daw`) gives it the time, asks whether anybody answers, and counts what makes no sense.

Nothing here keeps time: OSC over a network is late by a few milliseconds and by more under load. Bar-exact following
is MIDI clock's; a bridge starts and stops, tells the tempo, and hands over clips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias

from jamlink.errors import Nonsense
from jamlink.music.note import Note
from jamlink.osc.packet import Argument, Message


class Can(Enum):
    """What a DAW can be asked or can tell. The value is the word for it in the docs."""

    PLAY = "start and stop it"
    RECORD = "arm recording"
    SET_TEMPO = "set its tempo"
    LOOP = "switch its loop"
    UNDO = "undo in it"
    MARKER = "put a marker at its playhead"
    NEW_CLIP = "hand over a clip and fire it"
    TELLS_PLAYING = "say when it starts and stops"
    TELLS_TEMPO = "say its tempo"
    TELLS_POSITION = "say where it is"
    ANSWERS = "say that it is there"
    """Whether silence means that the DAW is gone: it answers a question, or says by itself that it lives."""


# -- what is asked of a DAW -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    """Roll, or stop."""

    on: bool


@dataclass(frozen=True, slots=True)
class ToggleRecord:
    """Arm recording, or disarm it."""


@dataclass(frozen=True, slots=True)
class SetTempo:
    """Quarters per minute."""

    bpm: float


@dataclass(frozen=True, slots=True)
class ToggleLoop:
    """Go round in the loop that is set there, or not."""


@dataclass(frozen=True, slots=True)
class Undo:
    """Take the DAW's own last step back."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker at the playhead."""

    name: str


@dataclass(frozen=True, slots=True)
class AskSlot:
    """Does slot `slot` of track `track` (both from 0) hold a clip?"""

    track: int
    slot: int


@dataclass(frozen=True, slots=True)
class MakeClip:
    """An empty clip of `quarters` quarters in that slot."""

    track: int
    slot: int
    quarters: float


@dataclass(frozen=True, slots=True)
class FillClip:
    """Give the clip in that slot a name and these notes, in ticks from its start."""

    track: int
    slot: int
    name: str
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class AskNotes:
    """How many notes does the clip in that slot hold?"""

    track: int
    slot: int


@dataclass(frozen=True, slots=True)
class FireClip:
    """Start the clip in that slot, which the DAW does on its own next bar line."""

    track: int
    slot: int


ClipOrder: TypeAlias = AskSlot | MakeClip | FillClip | AskNotes | FireClip
Order: TypeAlias = Play | ToggleRecord | SetTempo | ToggleLoop | Undo | Marker | ClipOrder

NEEDS: dict[type, Can] = {
    Play: Can.PLAY,
    ToggleRecord: Can.RECORD,
    SetTempo: Can.SET_TEMPO,
    ToggleLoop: Can.LOOP,
    Undo: Can.UNDO,
    Marker: Can.MARKER,
    **dict.fromkeys((AskSlot, MakeClip, FillClip, AskNotes, FireClip), Can.NEW_CLIP),
}
"""What a DAW must be able to do for each order."""


# -- what a DAW says --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alive:
    """It is there. `again` where it says that it has just started, so that everything must be asked anew."""

    again: bool = False


@dataclass(frozen=True, slots=True)
class Playing:
    """It rolls, or has stopped."""

    on: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """Recording is armed, or not."""

    on: bool


@dataclass(frozen=True, slots=True)
class TempoIs:
    """Quarters per minute."""

    bpm: float


@dataclass(frozen=True, slots=True)
class PositionIs:
    """Where it stands: bar and beat, counted from 1 as it shows them."""

    bar: int
    beat: int


@dataclass(frozen=True, slots=True)
class SlotIs:
    """Whether slot `slot` of track `track` (from 0) holds a clip."""

    track: int
    slot: int
    filled: bool


@dataclass(frozen=True, slots=True)
class NotesAre:
    """How many notes the clip in that slot holds."""

    track: int
    slot: int
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It could not do something; in its own words, cut."""

    words: str


Report: TypeAlias = Alive | Playing | Recording | TempoIs | PositionIs | SlotIs | NotesAre | Refused


class Bridge(Protocol):
    """A DAW's codec. Immutable; any thread."""

    name: str
    """As people call the program."""
    can: frozenset[Can]
    port: int
    """Where the DAW listens, unless it was told otherwise."""
    reply_port: int
    """Where it sends, unless it was told otherwise; 0 where it answers to whoever asked."""

    def greet(self) -> list[Message]:
        """What asks it to tell what it can. Said again whenever it may have started anew; twice does no harm."""
        ...

    def ask(self) -> list[Message]:
        """Is anybody there? Empty where it says so by itself."""
        ...

    def encode(self, order: Order) -> list[Message]:
        """The messages of an order. Raises `Nonsense` for one that it cannot carry out."""
        ...

    def decode(self, message: Message) -> Report | None:
        """What a message says; None for what is of no use here. Raises `Nonsense` for what makes no sense."""
        ...


# -- for the codecs ---------------------------------------------------------------------------------------------------

SLOWEST, FASTEST = 10.0, 1_000.0
"""Tempos that some DAW has; what lies outside is no tempo."""
_WORDS = 120


def refuse(bridge: Bridge, order: Order) -> Nonsense:
    """The sentence for an order that `bridge` does not know."""
    need = NEEDS[type(order)].value
    return Nonsense(f"{bridge.name} has no way to {need} from outside.", "Do it in the program itself.")


def whole(message: Message, place: int) -> int:
    """Argument `place` as a whole number. Raises `Nonsense`."""
    value = _argument(message, place)
    if not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        raise odd(message)
    return int(value)


def switch(message: Message, place: int = 0) -> bool:
    """Argument `place` as on or off: a truth, 1 or 0. Raises `Nonsense`."""
    value = _argument(message, place)
    if value not in (0, 1):
        raise odd(message)
    return bool(value)


def tempo(message: Message, place: int = 0) -> TempoIs:
    """Argument `place` as a tempo. Raises `Nonsense`."""
    value = _argument(message, place)
    if isinstance(value, bool) or not isinstance(value, int | float) or not SLOWEST <= value <= FASTEST:
        raise odd(message)
    return TempoIs(round(float(value), 4))


def words(message: Message, place: int = 0) -> str:
    """Argument `place` as text that can be shown. Raises `Nonsense`."""
    value = _argument(message, place)
    if not isinstance(value, str):
        raise odd(message)
    return "".join(c for c in value[:_WORDS] if c.isprintable())


def odd(message: Message) -> Nonsense:
    """The sentence for a message that means nothing."""
    return Nonsense(f"The DAW said something that makes no sense: {str(message)[:_WORDS]!r}.", "It was passed over.")


def _argument(message: Message, place: int) -> Argument:
    if place >= len(message.arguments):
        raise odd(message)
    return message.arguments[place]
