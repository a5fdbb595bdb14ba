"""What a cable says, as values, and the bytes that say it.

Channels are 0 to 15 in code and 1 to 16 on screens, in maps and in documents. Numbers follow the MIDI 1.0 Detailed
Specification (document 4.2), table "Status bytes" and section 2, "Channel voice messages".

A note-on with velocity 0 *is* a note-off (same document, "Note-off"): `NoteOn.velocity` is therefore never 0. Pressure
and system messages that jamlink has no use for have no event; `jamlink.midi.wire` counts them.

Everything here is immutable; any thread may use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from jamlink.errors import Fault
from jamlink.timing.units import Ns

SUSTAIN = 64
ALL_SOUND_OFF = 120
RESET_CONTROLLERS = 121
ALL_NOTES_OFF = 123

PEDAL_DOWN = 64
"""A pedal controller at this value or above is down."""

BEND_CENTRE = 0


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A key went down: `pitch` 0 to 127, `velocity` 1 to 127."""

    at: Ns
    port: str
    channel: int
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class NoteOff:
    """A key went up; `velocity` 0 to 127 is how fast (0 where the key said it as a note-on without velocity)."""

    at: Ns
    port: str
    channel: int
    pitch: int
    velocity: int = 0


@dataclass(frozen=True, slots=True)
class ControlChange:
    """Controller `control` 0 to 127 now stands at `value` 0 to 127."""

    at: Ns
    port: str
    channel: int
    control: int
    value: int


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """Program 0 to 127 was chosen (1 to 128 on most panels)."""

    at: Ns
    port: str
    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class PitchBend:
    """The wheel stands at `value`, -8192 to 8191, 0 in the middle."""

    at: Ns
    port: str
    channel: int
    value: int


@dataclass(frozen=True, slots=True)
class ClockPulse:
    """A 24th of a quarter note has passed."""

    at: Ns
    port: str


@dataclass(frozen=True, slots=True)
class Start:
    """The next clock pulse is the first beat of the piece."""

    at: Ns
    port: str


@dataclass(frozen=True, slots=True)
class Continue:
    """The next clock pulse goes on from the song position."""

    at: Ns
    port: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The sequencer stopped; its song position stays."""

    at: Ns
    port: str


@dataclass(frozen=True, slots=True)
class SongPosition:
    """Where the sequencer stands, in sixteenth notes from the start, 0 to 16383."""

    at: Ns
    port: str
    sixteenths: int


@dataclass(frozen=True, slots=True)
class QuarterFrame:
    """An eighth of a time code: piece `piece` 0 to 7 of it is `value`, four bits."""

    at: Ns
    port: str
    piece: int
    value: int


@dataclass(frozen=True, slots=True)
class FullFrame:
    """A whole time code: where a tape was wound to. `hours` holds the rate in its two upper bits of seven."""

    at: Ns
    port: str
    hours: int
    minutes: int
    seconds: int
    frames: int


ChannelEvent: TypeAlias = NoteOn | NoteOff | ControlChange | ProgramChange | PitchBend
SystemEvent: TypeAlias = ClockPulse | Start | Continue | Stop | SongPosition | QuarterFrame | FullFrame
MidiEvent: TypeAlias = ChannelEvent | SystemEvent


# -- bytes ------------------------------------------------------------------------------------------------------------

CLOCK = b"\xf8"
START = b"\xfa"
CONTINUE = b"\xfb"
STOP = b"\xfc"
FULL_FRAME = b"\xf0\x7f\x7f\x01\x01"
"""How a full frame for all devices begins; the hours follow."""


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Three bytes. `velocity` 1 to 127; 0 is refused with `Fault`, since it would be a note-off in disguise."""
    if velocity == 0:
        raise Fault("A note-on with velocity 0 is a note-off.", "Use note_off.")
    return _channel_message(0x90, channel, pitch, velocity)


def note_off(channel: int, pitch: int, velocity: int = 64) -> bytes:
    """Three bytes; 64 is what the specification asks of keys that do not sense release."""
    return _channel_message(0x80, channel, pitch, velocity)


def control_change(channel: int, control: int, value: int) -> bytes:
    """Three bytes."""
    return _channel_message(0xB0, channel, control, value)


def program_change(channel: int, program: int) -> bytes:
    """Two bytes; `program` from 0."""
    return _channel_message(0xC0, channel, program)


def pitch_bend(channel: int, value: int) -> bytes:
    """Three bytes; `value` -8192 to 8191, least significant seven bits first."""
    raw = value + 8192
    return _channel_message(0xE0, channel, raw & 0x7F, raw >> 7)


def song_position(sixteenths: int) -> bytes:
    """Three bytes; 0 to 16383 sixteenths."""
    data = (sixteenths & 0x7F, sixteenths >> 7)
    _check(data)
    return bytes((0xF2, *data))


def encode(event: MidiEvent) -> bytes:
    """The bytes of an event. The parser turns them back into the same event."""
    match event:
        case NoteOn():
            return note_on(event.channel, event.pitch, event.velocity)
        case NoteOff():
            return note_off(event.channel, event.pitch, event.velocity)
        case ControlChange():
            return control_change(event.channel, event.control, event.value)
        case ProgramChange():
            return program_change(event.channel, event.program)
        case PitchBend():
            return pitch_bend(event.channel, event.value)
        case SongPosition():
            return song_position(event.sixteenths)
        case QuarterFrame():
            return bytes((0xF1, event.piece << 4 | event.value))
        case FullFrame():
            return FULL_FRAME + bytes((event.hours, event.minutes, event.seconds, event.frames, 0xF7))
        case _:
            return _ONE_BYTE[type(event)]


_ONE_BYTE: dict[type, bytes] = {ClockPulse: CLOCK, Start: START, Continue: CONTINUE, Stop: STOP}


def _channel_message(kind: int, channel: int, *data: int) -> bytes:
    if not 0 <= channel <= 15:
        raise Fault(f"There is no MIDI channel {channel}; channels are 0 to 15 in code.")
    _check(data)
    return bytes((kind | channel, *data))


def _check(data: tuple[int, ...]) -> None:
    if not all(0 <= value <= 127 for value in data):
        raise Fault(f"MIDI data bytes are 0 to 127, not {data}.")
