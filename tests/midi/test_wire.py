"""Sources of the expectations: MIDI 1.0 Detailed Specification 4.2 ("M1.0"), by section name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.events import (
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
    encode,
)
from jamlink.midi.wire import SYSEX_CAP, Parser, Skipped
from jamlink.timing.units import Ns

AT, PORT = Ns(7), "keys"

byte7 = st.integers(0, 127)
channel = st.integers(0, 15)
channel_events = st.one_of(
    st.builds(NoteOn, st.just(AT), st.just(PORT), channel, byte7, st.integers(1, 127)),
    st.builds(NoteOff, st.just(AT), st.just(PORT), channel, byte7, byte7),
    st.builds(ControlChange, st.just(AT), st.just(PORT), channel, byte7, byte7),
    st.builds(ProgramChange, st.just(AT), st.just(PORT), channel, byte7),
    st.builds(PitchBend, st.just(AT), st.just(PORT), channel, st.integers(-8192, 8191)),
)
real_time_events = st.sampled_from([ClockPulse(AT, PORT), Start(AT, PORT), Continue(AT, PORT), Stop(AT, PORT)])
system_events = st.one_of(
    real_time_events,
    st.builds(SongPosition, st.just(AT), st.just(PORT), st.integers(0, 16383)),
    st.builds(QuarterFrame, st.just(AT), st.just(PORT), st.integers(0, 7), st.integers(0, 15)),
    st.builds(FullFrame, st.just(AT), st.just(PORT), byte7, byte7, byte7, byte7),
)
events = st.lists(st.one_of(channel_events, system_events), max_size=30)
real_time_bytes = st.sampled_from([0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF])


def parse(*pieces: bytes) -> tuple[list[MidiEvent], Skipped]:
    parser = Parser()
    return [event for piece in pieces for event in parser.feed(piece, AT, PORT)], parser.skipped


def with_running_status(stream: list[MidiEvent]) -> bytes:
    """The shortest legal spelling: a channel status is left out while it stays the same (M1.0, "Running Status")."""
    out, running = bytearray(), None
    for event in stream:
        message = encode(event)
        out += message[1:] if message[0] == running else message
        if message[0] < 0xF0:
            running = message[0]
        elif message[0] < 0xF8:
            running = None
    return bytes(out)


@given(events)
def test_every_event_survives_the_cable(stream):
    assert parse(b"".join(encode(event) for event in stream)) == (stream, Skipped())


@given(events)
def test_running_status_says_the_same(stream):
    assert parse(with_running_status(stream)) == (stream, Skipped())


@given(st.binary(max_size=200), st.data())
def test_any_cut_gives_the_same_events_and_counts(data, draw):
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert parse(*pieces) == parse(data) == parse(*(bytes([byte]) for byte in data))


@given(st.binary(max_size=100), st.lists(st.tuples(st.integers(0, 100), real_time_bytes), max_size=20))
def test_real_time_bytes_anywhere_change_nothing_else(data, inserted):
    """M1.0, "System Real Time Messages": they may be inserted even between the bytes of another message."""
    data = bytes(byte for byte in data if byte < 0xF8)
    mixed = bytearray(data)
    for place, byte in inserted:
        mixed.insert(min(place, len(mixed)), byte)
    clocked = (ClockPulse, Start, Continue, Stop)
    assert [e for e in parse(bytes(mixed))[0] if not isinstance(e, clocked)] == parse(data)[0]


@given(st.binary(max_size=2000))
def test_random_bytes_never_raise_and_give_only_what_a_cable_can_say(data):
    for event in parse(data)[0]:
        assert parse(encode(event))[0] == [event]


@given(st.binary(max_size=300), events)
def test_after_any_rubbish_the_next_whole_message_is_heard(rubbish, stream):
    """Recovery: a status byte always starts afresh, so nothing in the past can break it."""
    parser = Parser()
    parser.feed(rubbish, AT, PORT)
    heard = [event for message in stream for event in parser.feed(encode(message), AT, PORT)]
    assert heard == stream


ON = NoteOn(AT, PORT, 0, 60, 100)
OFF = NoteOff(AT, PORT, 0, 60)
SITUATIONS = [
    # Running status: velocity 0 is a note-off (M1.0, "Note-Off").
    ("90 3c 64 3c 00", [ON, OFF], Skipped()),
    # A clock inside a note-on does not disturb it (M1.0, "System Real Time Messages").
    ("90 f8 3c f8 64", [ClockPulse(AT, PORT), ClockPulse(AT, PORT), ON], Skipped()),
    # A clock does not end running status either.
    ("90 3c 64 fa 3c 00", [ON, Start(AT, PORT), OFF], Skipped()),
    # System common ends running status (M1.0, "Running Status"): what follows is stray.
    ("90 3c 64 f2 01 00 3c 00", [ON, SongPosition(AT, PORT, 1)], Skipped(stray=2)),
    ("90 3c 64 f6 3c 00", [ON], Skipped(unused=1, stray=2)),
    # F4 and F5 are undefined: ignored, and as system common they end running status.
    ("90 3c 64 f4 f5 3c 00 90 3c 64", [ON, ON], Skipped(undefined=2, stray=2)),
    # F9 and FD are undefined real-time: ignored, running status lives.
    ("90 f9 3c fd 64 3c 00", [ON, OFF], Skipped(undefined=2)),
    # A new status before the data bytes: the first message is lost, the second is not.
    ("90 3c 90 3c 64", [ON], Skipped(cut_short=1)),
    ("b0 90 3c 64", [ON], Skipped(cut_short=1)),
    ("90 3c 64 3c 80 3c 00", [ON, OFF], Skipped(cut_short=1)),
    # Running status does not owe another message.
    ("90 3c 64 80 3c 00", [ON, OFF], Skipped()),
    # A dump, closed by F7, with a clock inside (M1.0, "System Exclusive").
    ("f0 7e 00 f8 06 01 f7 90 3c 64", [ClockPulse(AT, PORT), ON], Skipped(sysex=1)),
    # A dump closed by another status: the status counts.
    ("f0 01 02 90 3c 64", [ON], Skipped(sysex=1)),
    ("f0 01 f0 02 f7", [], Skipped(sysex=2)),
    ("f0 01 f4 3c", [], Skipped(sysex=1, undefined=1, stray=1)),
    # After a dump there is no running status.
    ("90 3c 64 f0 01 f7 3c 00", [ON], Skipped(sysex=1, stray=2)),
    ("f7", [], Skipped(undefined=1)),
    ("3c 64", [], Skipped(stray=2)),
    # Pressure, song select, sensing and reset are understood and of no use.
    ("a0 3c 10 d0 10 f3 01 fe ff", [], Skipped(unused=5)),
    # RP-004/008, "MIDI Time Code": a quarter frame; a full frame for all devices and for device 5; what is none.
    ("f1 3a", [QuarterFrame(AT, PORT, 3, 10)], Skipped()),
    ("f0 7f 7f 01 01 61 02 03 04 f7", [FullFrame(AT, PORT, 0x61, 2, 3, 4)], Skipped()),
    ("f0 7f 05 01 01 f8 61 02 03 04 f7", [ClockPulse(AT, PORT), FullFrame(AT, PORT, 0x61, 2, 3, 4)], Skipped()),
    ("f0 7f 7f 01 01 61 02 03 f7", [], Skipped(sysex=1)),
    ("f0 7f 7f 01 01 61 02 03 04 05 f7", [], Skipped(sysex=1)),
    ("f0 7f 7f 01 02 61 02 03 04 f7", [], Skipped(sysex=1)),
    ("f0 7f 7f 01 01 61 02 03 04 f6", [], Skipped(sysex=1, unused=1)),
]


@pytest.mark.parametrize(("stream", "expected", "skipped"), SITUATIONS)
def test_the_specification_case_by_case(stream, expected, skipped):
    assert parse(bytes.fromhex(stream)) == (expected, skipped)


def test_a_dump_above_the_cap_is_counted_once_and_not_kept():
    parser = Parser()
    assert parser.feed(b"\xf0" + bytes(1_000_000), AT, PORT) == []
    assert parser.skipped == Skipped(oversized_sysex=1)
    assert parser.feed(b"\xf7" + encode(ON), AT, PORT) == [ON]
    assert parser.skipped == Skipped(sysex=1, oversized_sysex=1)


def test_a_dump_at_the_cap_is_not_oversized():
    assert parse(b"\xf0" + bytes(SYSEX_CAP) + b"\xf7") == ([], Skipped(sysex=1))
