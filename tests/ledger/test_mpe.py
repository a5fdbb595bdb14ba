"""An MPE keyboard: each finger on a channel of its own, with its own bend. Nothing of one is found on another."""

from __future__ import annotations

import pytest

from jamlink.ledger.clips import captured, window
from jamlink.ledger.export import score_of
from jamlink.ledger.musicxml import sheet_of
from jamlink.ledger.story import retell
from jamlink.midi.events import NoteOff, NoteOn, PitchBend, encode
from jamlink.midi.map_files import read_map
from jamlink.midi.maps import GENERIC, Bindings, choose
from jamlink.midi.score import Bend, MidiScore, Part
from jamlink.midi.smf import parse_score, score_bytes
from jamlink.midi.wire import Parser
from jamlink.music.note import Note
from jamlink.resources import data_folder
from jamlink.session.core import Session
from jamlink.session.effects import Clocked
from jamlink.session.inputs import Heard
from jamlink.session.settings import SessionSettings
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

BEAT = 500_000_000
PORT = "Seaboard RISE"
LINE = Timeline(tempo_of_bpm(120), Ticks(0), Ns(0))
FINGERS = ((1, 60), (2, 64))
"""Member channels (2 and 3 on screens) and their notes."""


def performance():
    """Two fingers go down together; the first glides up, the second down, by turns; then both come up."""
    for channel, pitch in FINGERS:
        yield NoteOn(Ns(0), PORT, channel, pitch, 90)
    for step in range(1, 9):
        for (channel, _), way in zip(FINGERS, (1, -1), strict=True):
            yield PitchBend(Ns(step * BEAT // 8 + channel), PORT, channel, way * step * 500)
    for channel, pitch in FINGERS:
        yield NoteOff(Ns(2 * BEAT), PORT, channel, pitch)


def story():
    moments = [(event.at, Heard(event)) for event in performance()]
    return retell(Ns(0), Clocked(True, LINE, "4/4"), moments, Ns(4 * BEAT))


def parts_of(score):
    return {part.channel: part for part in score.parts}


@pytest.mark.parametrize("make", [score_of, lambda told: captured(told, 1, 1).score], ids=["export", "clip"])
def test_each_finger_keeps_its_note_and_its_own_bend(make):
    written = make(story())
    for score in (written, parse_score(score_bytes(written))):
        parts = parts_of(score)
        assert set(parts) == {1, 2}
        for (channel, pitch), way in zip(FINGERS, (1, -1), strict=True):
            assert parts[channel].notes == (Note(Ticks(0), pitch, Ticks(1920), 90),)
            assert [bend.value for bend in parts[channel].bends] == [way * step * 500 for step in range(1, 9)]
            assert [bend.at for bend in parts[channel].bends] == [120 * step for step in range(1, 9)]


def test_a_clip_that_begins_in_a_glide_begins_where_the_finger_stands():
    part = Part("keys", 1, (Note(Ticks(4000), 60, Ticks(100)),), bends=(Bend(Ticks(3000), 700), Bend(Ticks(4100), 0)))
    (cut,) = window(MidiScore((part,)), Ticks(3840), Ticks(7680)).parts
    assert cut.bends == (Bend(Ticks(0), 700), Bend(Ticks(260), 0))


def test_two_fingers_are_one_chord_to_the_session_and_on_the_sheet():
    session, parser = Session(SessionSettings(count_in=0), Ns(0)), Parser()
    for event in performance():
        for heard in parser.feed(encode(event), event.at, event.port):
            session.handle(Heard(heard), heard.at)
        if event.at == BEAT:
            assert session.snapshot().sounding == (60, 64)
    assert session.snapshot().sounding == ()
    assert sheet_of(story()).count(b"<chord />") == 1


def test_a_note_off_ends_its_own_finger_where_two_are_on_one_pitch():
    session = Session(SessionSettings(count_in=0), Ns(0))
    for channel in (1, 2):
        session.handle(Heard(NoteOn(Ns(channel), PORT, channel, 60, 90)), Ns(channel))
    session.handle(Heard(NoteOff(Ns(5), PORT, 1, 60)), Ns(5))
    assert session.snapshot().sounding == (60,)
    session.handle(Heard(NoteOff(Ns(6), PORT, 2, 60)), Ns(6))
    assert session.snapshot().sounding == ()


@pytest.mark.parametrize("port", ["Seaboard RISE 49", "LinnStrument MIDI 1", "Osmose Port 1", "Erae Touch MPE"])
def test_no_finger_on_channel_ten_is_a_pad(port):
    maps = {path.stem: read_map(path) for path in data_folder("midi_maps").glob("*.toml")}
    found = choose(list(maps.values()), port, maps[GENERIC])
    bindings = Bindings(found)
    readings = [bindings.read(NoteOn(Ns(0), port, channel, pitch, 90)) for channel in range(16) for pitch in range(128)]
    assert not any(reading.consumed for reading in readings)
