"""Broken MIDI files get one sentence that ends in a remedy, quickly, and never another exception."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.midi import smf
from jamlink.midi.score import Control, KeyMark, Marker, MidiScore, Part
from jamlink.midi.smf import parse_score, read_score, score_bytes
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.units import Ticks


def header(kind: int = 1, tracks: int = 1, division: int = 96, size: int = 6) -> bytes:
    return b"MThd" + size.to_bytes(4) + kind.to_bytes(2) + tracks.to_bytes(2) + division.to_bytes(2)


def track(events: str, size: int | None = None) -> bytes:
    body = bytes.fromhex(events)
    return b"MTrk" + (len(body) if size is None else size).to_bytes(4) + body


NOTE = "00 90 3c 64 60 80 3c 40 00 ff 2f 00"
BROKEN = [
    (b"", "is empty"),
    (b"\0", "is not a MIDI file"),
    (b"RIFF" + bytes(40), "is not a MIDI file"),
    (b"MThd", "has a header that is cut off"),
    (header()[:12], "is cut off"),
    (header(size=2)[:10], "has a header that is cut off"),
    (header(kind=2) + track(NOTE), "holds separate patterns"),
    (header(division=0xE728) + track(NOTE), "film frames"),
    (header(division=0) + track(NOTE), "division 0"),
    (header(tracks=0), "holds no notes"),
    (header() + track("00 ff 2f 00"), "holds no notes"),
    (header() + track(NOTE, size=99), "ends inside a track"),
    (header() + track(NOTE, size=7), "ends inside an event"),
    (header() + track("00 90 3c"), "ends inside an event"),
    (header() + track("ff ff ff ff 00 90 3c 64"), "a length in it has no end"),
    (header() + track("00 3c 64"), "an event in it makes no sense"),
    (header() + track("00 90 3c f0"), "an event in it makes no sense"),
    (header() + track("00 f4"), "an event in it makes no sense"),
    (header() + track("00 ff"), "ends inside an event"),
    (header() + track("00 ff 03 ff ff ff 7f"), "ends inside an event"),
    (header(division=1) + track("ff ff ff 7f 90 3c 64 ff ff ff 7f 80 3c 40"), "lasts more than 24 hours"),
]


@pytest.mark.parametrize(("data", "what"), BROKEN)
def test_each_kind_of_damage_has_its_sentence(data, what):
    with pytest.raises(Nonsense, match=what) as caught:
        parse_score(data)
    assert caught.value.remedy.endswith(".")
    assert "\n" not in str(caught.value)


def test_a_file_of_too_many_events_is_refused_while_reading(monkeypatch):
    monkeypatch.setattr(smf, "EVENTS_LIMIT", 1000)
    data = header() + track("00 90 3c 64 01 3c 00" * 2000)
    with pytest.raises(Nonsense, match="more than 1,000 events"):
        parse_score(data)


def test_the_event_limit_is_for_the_whole_file_not_for_each_track(monkeypatch):
    monkeypatch.setattr(smf, "EVENTS_LIMIT", 1000)
    data = header(tracks=2) + 2 * track("00 90 3c 64 01 3c 00" * 400)
    with pytest.raises(Nonsense, match="more than 1,000 events"):
        parse_score(data)


def test_a_gigantic_file_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(smf, "BYTES_LIMIT", 2**20)
    path = tmp_path / "big.mid"
    path.write_bytes(header() + bytes(2**20))
    with pytest.raises(Nonsense, match="larger than 1 MB"):
        read_score(path)


SMALL = score_bytes(
    MidiScore(
        (
            Part(
                "piano",
                0,
                tuple(Note(Ticks(240 * i), 60 + i, Ticks(240)) for i in range(8)),
                (Control(Ticks(0), 64, 127),),
                3,
            ),
            Part("bass", 1, (Note(Ticks(0), 36, Ticks(1920)),)),
        ),
        keys=(KeyMark(Ticks(0), Key(7)),),
        markers=(Marker(Ticks(0), "G"), Marker(Ticks(960), "D7/F#")),
        name="small",
    )
)


def mutant(seed: int) -> bytes:
    """`SMALL` with a few bytes flipped, cut out, doubled or put in."""
    dice = random.Random(seed)
    data = bytearray(SMALL)
    for _ in range(dice.choice((1, 1, 2, 6))):
        place, size = dice.randrange(len(data)), dice.randint(1, 8)
        match dice.randrange(6):
            case 0 | 4 | 5:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + size]
            case 2:
                data[place:place] = data[place : place + size]
            case 3:
                data[place:place] = dice.randbytes(size)
    return bytes(data)


def read_or_nonsense(data: bytes) -> bool:
    """Whether the file was read. Any other exception than Nonsense fails the test that asks."""
    try:
        score = parse_score(data)
    except Nonsense:
        return False
    assert all(0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 and n.duration >= 1 for p in score.parts for n in p.notes)
    return True


def test_three_thousand_mutants_are_read_or_refused():
    read = sum(read_or_nonsense(mutant(seed)) for seed in range(3000))
    assert 100 < read < 2900, "the mutants should neither all be harmless nor all be hopeless"


def test_every_beginning_of_a_file_is_read_or_refused():
    assert [read_or_nonsense(SMALL[:length]) for length in (len(SMALL), len(SMALL) - 1)] == [True, False]
    for length in range(len(SMALL)):
        read_or_nonsense(SMALL[:length])


@given(st.binary(max_size=400))
def test_random_tracks_are_read_or_refused(body):
    read_or_nonsense(header() + b"MTrk" + len(body).to_bytes(4) + body)
