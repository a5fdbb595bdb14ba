"""Bytes in, events out: an incremental reader of a MIDI cable.

The rules, from the MIDI 1.0 Detailed Specification 4.2 (M1.0 below), are a small state machine:

* A status byte (0x80 and above) opens a message; its data bytes (below 0x80) follow. After a channel message the
  status stays open, so that more data bytes make another message of the same kind: *running status* (M1.0, "Running
  Status").
* System real-time bytes (0xF8 to 0xFF) may come anywhere, even between the bytes of another message, and change
  nothing else (M1.0, "System Real Time Messages").
* System common bytes (0xF0 to 0xF7) end running status. 0xF4 and 0xF5 are undefined and to be ignored; so are 0xF9
  and 0xFD among the real-time bytes (M1.0, Table V and VI).
* A system exclusive dump ends at 0xF7 or at any status byte that is not real-time (M1.0, "System Exclusive").

Of dumps only a full frame of time code is of use (RP-004/008); their first ten bytes are kept to tell it, and no more:
memory stays flat whatever comes in. What is skipped is
counted, never raised: a cable can carry anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jamlink.midi.events import (
    FULL_FRAME,
    ChannelEvent,
    ClockPulse,
    Continue,
    ControlChange,
    FullFrame,
    MidiEvent,
    NoteOff,
    NoteOn,
    PitchBend,
    ProgramChange,
    QuarterFrame,
    SongPosition,
    Start,
    Stop,
)
from jamlink.timing.units import Ns

SYSEX_CAP = 64 * 1024
"""A dump longer than this is counted as oversized: it is a firmware image or an endless message."""

_NOTHING_OPEN = 0
_SYSEX = 0xF0
_QUARTER_FRAME = 0xF1
_SONG_POSITION = 0xF2
_TUNE_REQUEST = 0xF6
_END_OF_SYSEX = 0xF7


@dataclass(slots=True)
class Skipped:
    """What the parser passed over since it was made. Each is a count of messages, except `stray` (bytes)."""

    sysex: int = 0
    oversized_sysex: int = 0
    undefined: int = 0
    """F4 F5 F9 FD, and an F7 that ends nothing."""
    unused: int = 0
    """Sound messages, but of no use here: pressure, song select, tune request, sensing, reset."""
    cut_short: int = 0
    """Messages whose data bytes never came."""
    stray: int = 0
    """Data bytes where none is expected."""


class Parser:
    """Reads one cable. One parser per port; one thread at a time. Never raises for any bytes."""

    __slots__ = ("_dump", "_first", "_length", "_missing", "_status", "_waiting", "skipped")

    def __init__(self) -> None:
        self.skipped = Skipped()
        self._status = _NOTHING_OPEN
        self._missing = 0  # data bytes until the open message is whole
        self._first = 0  # the first of two data bytes
        self._waiting = False  # whether the open message was begun and not finished
        self._length = 0  # bytes of the open dump
        self._dump = b""  # the first of them

    def feed(self, data: bytes, at: Ns, port: str) -> list[MidiEvent]:
        """The events completed by `data`, in order, each stamped `at` and `port`.

        Cutting a stream into pieces anywhere gives the same events. Time is linear in the number of bytes.
        """
        events: list[MidiEvent] = []
        for byte in data:
            if byte < 0x80:
                event = self._data_byte(byte, at, port)
            elif byte >= 0xF8:
                event = self._real_time(byte, at, port)
            else:
                event = self._full_frame(at, port) if byte == _END_OF_SYSEX else None
                self._open(byte)
            if event is not None:
                events.append(event)
        return events

    def _real_time(self, byte: int, at: Ns, port: str) -> MidiEvent | None:
        make = _REAL_TIME.get(byte)
        if make is not None:
            return make(at, port)
        if byte in _UNDEFINED:
            self.skipped.undefined += 1
        else:
            self.skipped.unused += 1
        return None

    def _open(self, status: int) -> None:
        """A status byte that is not real-time closes what is open and opens its own message."""
        self._close(status)
        self._missing = _DATA_BYTES.get(status, 0)
        self._waiting = self._missing > 0
        self._status = status if self._waiting or status == _SYSEX else _NOTHING_OPEN
        self._length, self._dump = 0, b""
        if status == _TUNE_REQUEST:
            self.skipped.unused += 1

    def _full_frame(self, at: Ns, port: str) -> MidiEvent | None:
        """The time code that the open dump says, if it does."""
        head, data = self._dump[:4], self._dump[4:]
        if self._status != _SYSEX or len(data) != 4 or self._length != 8 or head[:1] + head[2:] != _TIME_CODE:
            return None
        return FullFrame(at, port, *data)

    def _close(self, by: int) -> None:
        if self._status == _SYSEX:
            self.skipped.sysex += not (by == _END_OF_SYSEX and self._full_frame(Ns(0), "") is not None)
        elif by == _END_OF_SYSEX:
            self.skipped.undefined += 1
        if by in _UNDEFINED:
            self.skipped.undefined += 1
        if self._waiting:
            self.skipped.cut_short += 1

    def _data_byte(self, byte: int, at: Ns, port: str) -> MidiEvent | None:
        if self._missing == 2:
            self._first, self._missing, self._waiting = byte, 1, True
            return None
        if self._missing == 1:
            return self._whole(byte, at, port)
        self._no_message(byte)
        return None

    def _whole(self, last: int, at: Ns, port: str) -> MidiEvent | None:
        """The open message has its last byte. Channel messages stay open: running status."""
        status, self._waiting = self._status, False
        self._missing = _DATA_BYTES[status]
        if status >= _SYSEX:
            self._status, self._missing = _NOTHING_OPEN, 0
        make = _CHANNEL.get(status & 0xF0)
        if make is not None:
            return make(at, port, status & 0x0F, self._first, last)
        if status == _QUARTER_FRAME:
            return QuarterFrame(at, port, last >> 4, last & 0x0F)
        if status == _SONG_POSITION:
            return SongPosition(at, port, self._first | last << 7)
        self.skipped.unused += 1
        return None

    def _no_message(self, byte: int) -> None:
        if self._status != _SYSEX:
            self.skipped.stray += 1
            return
        self._length += 1
        if self._length <= _FULL_FRAME_LENGTH:
            self._dump += bytes((byte,))
        if self._length == SYSEX_CAP + 1:
            self.skipped.oversized_sysex += 1


def _note_on(at: Ns, port: str, channel: int, pitch: int, velocity: int) -> ChannelEvent:
    return NoteOn(at, port, channel, pitch, velocity) if velocity else NoteOff(at, port, channel, pitch)


def _program_change(at: Ns, port: str, channel: int, _: int, program: int) -> ChannelEvent:
    return ProgramChange(at, port, channel, program)


def _pitch_bend(at: Ns, port: str, channel: int, low: int, high: int) -> ChannelEvent:
    return PitchBend(at, port, channel, (low | high << 7) - 8192)


_CHANNEL: dict[int, Callable[[Ns, str, int, int, int], ChannelEvent]] = {
    0x80: NoteOff,
    0x90: _note_on,
    0xB0: ControlChange,
    0xC0: _program_change,
    0xE0: _pitch_bend,
}
_REAL_TIME: dict[int, Callable[[Ns, str], MidiEvent]] = {0xF8: ClockPulse, 0xFA: Start, 0xFB: Continue, 0xFC: Stop}
_TIME_CODE = FULL_FRAME[1:2] + FULL_FRAME[3:]
"""What stands round the device number in a full frame."""
_FULL_FRAME_LENGTH = 8
_UNDEFINED = frozenset({0xF4, 0xF5, 0xF9, 0xFD})

_DATA_BYTES: dict[int, int] = {status: 1 if status & 0xF0 in (0xC0, 0xD0) else 2 for status in range(0x80, 0xF0)}
"""How many data bytes follow each status (M1.0, Tables I, V); statuses that are not here take none."""
_DATA_BYTES |= {0xF1: 1, _SONG_POSITION: 2, 0xF3: 1}
