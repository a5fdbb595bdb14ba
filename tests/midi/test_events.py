import pytest

from jamlink.errors import Fault
from jamlink.midi import events as e

# MIDI 1.0 Detailed Specification 4.2, Tables I to V: status bytes and data bytes of each message.
BYTES = [
    (e.note_on(0, 60, 100), "90 3c 64"),
    (e.note_on(15, 127, 1), "9f 7f 01"),
    (e.note_off(3, 60), "83 3c 40"),
    (e.control_change(9, e.SUSTAIN, 127), "b9 40 7f"),
    (e.program_change(2, 5), "c2 05"),
    (e.pitch_bend(0, e.BEND_CENTRE), "e0 00 40"),
    (e.pitch_bend(0, -8192), "e0 00 00"),
    (e.pitch_bend(0, 8191), "e0 7f 7f"),
    (e.song_position(0), "f2 00 00"),
    (e.song_position(129), "f2 01 01"),
]


@pytest.mark.parametrize(("made", "expected"), BYTES)
def test_builders_write_the_bytes_of_the_specification(made, expected):
    assert made.hex(" ") == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda: e.note_on(0, 60, 0),
        lambda: e.note_on(16, 60, 1),
        lambda: e.note_on(-1, 60, 1),
        lambda: e.note_off(0, 128),
        lambda: e.control_change(0, 64, 128),
        lambda: e.program_change(0, -1),
        lambda: e.pitch_bend(0, 8192),
        lambda: e.pitch_bend(0, -8193),
        lambda: e.song_position(16384),
    ],
)
def test_a_message_that_would_corrupt_the_wire_is_refused(build):
    with pytest.raises(Fault):
        build()
