"""Clips: what is in them, where they begin, and names that every system takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.ledger.clips import LONGEST_NAME, captured, clip_name, idea_clip, safe_name, window
from jamlink.ledger.story import Story
from jamlink.ledger.tape import KEPT_EVENTS, KEPT_SPAN, MOST_EVENTS, Tape
from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.midi.score import Marker, MeterMark, MidiScore, Part, TempoMark
from jamlink.midi.smf import parse_score, score_bytes
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.note import Note
from jamlink.session.effects import FIRST_PROPOSAL, METRONOME, Clocked, Out, Sent, Taken
from jamlink.session.inputs import Do, Heard
from jamlink.session.proposal import Slot
from jamlink.timing.meter import COMMON_TIME, Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import NS_PER_SECOND, Ns, Ticks, tempo_of_bpm

BAR = 3840
BEAT_NS = 500_000_000
TEMPO = tempo_of_bpm(120)
LINE = Timeline(TEMPO, Ticks(0), Ns(0))


def at_beat(beat):
    return Ns(round(beat * BEAT_NS))


def span(bar, symbol):
    return ChordSpan(Ticks(bar * BAR), Ticks(BAR), parse_chord(symbol))


def taken(notes, chords=(), key=None, first=8, bars=2, meter=COMMON_TIME):
    slot = Slot(Ticks(first * meter.bar_ticks), bars, meter.bar_ticks)
    return Taken(20, slot, tuple(chords), tuple(notes), key, TEMPO, meter)


# -- accepted ideas ---------------------------------------------------------------------------------------------------


def test_an_idea_is_a_track_for_each_role_that_plays_on_its_channel_from_its_first_bar_line():
    chords, bass = (Note(Ticks(0), 60, Ticks(960)),), (Note(Ticks(480), 36, Ticks(480)),)
    clip = idea_clip(taken([(Out.CHORDS, 0, chords), (Out.MELODY, 1, ()), (Out.BASS, 2, bass)]))
    assert [(p.name, p.channel, p.notes, p.program) for p in clip.score.parts] == [
        ("chords", 0, chords, None),
        ("bass", 2, bass, None),
    ]
    assert clip.length == 2 * BAR


def test_an_idea_has_its_tempo_meter_key_and_chords_inside_and_another_reader_finds_them():
    note = (Out.CHORDS, 0, (Note(Ticks(0), 60, Ticks(960)),))
    waltz = Meter(3, 4)
    chords = [ChordSpan(Ticks(0), Ticks(2880), parse_chord("Am7")), ChordSpan(Ticks(2880), Ticks(2880), None)]
    score = parse_score(score_bytes(idea_clip(taken([note], chords, parse_key("G"), meter=waltz)).score))
    assert score.tempos == (TempoMark(Ticks(0), TEMPO),)
    assert score.meters == (MeterMark(Ticks(0), 3, 4),)
    assert [mark.key for mark in score.keys] == [Key(7)]
    assert score.markers == (Marker(Ticks(0), "Am7"), Marker(Ticks(2880), "N.C."))


def test_sounds_are_named_only_where_the_player_asked():
    notes = [(Out.CHORDS, 0, (Note(Ticks(0), 60, Ticks(960)),)), (Out.BASS, 2, (Note(Ticks(0), 36, Ticks(960)),))]
    assert [part.program for part in idea_clip(taken(notes)).score.parts] == [None, None]
    assert [part.program for part in idea_clip(taken(notes), {"bass": 32}).score.parts] == [None, 32]


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bars", "key", "symbols", "name"),
    [
        ("bars 009-012", parse_key("G"), ["Am7", "D7", "D7", "Gmaj7"], "bars 009-012 in G major - Am7 D7 Gmaj7"),
        ("bar 001", None, [], "bar 001"),
        ("bar 001", None, ["C/E", "F#m7b5", "N.C."], "bar 001 - C-E F#m7b5 N.C"),
        ("free", parse_key("Bbm"), ["Ebm"], "free in Bb minor - Ebm"),
    ],
)
def test_a_clip_is_named_by_bars_key_and_chords(bars, key, symbols, name):
    assert clip_name(bars, key, symbols) == name


@given(st.text(max_size=200))
def test_any_name_is_safe_on_every_system(text):
    name = safe_name(text)
    assert 0 < len(name) <= LONGEST_NAME
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    assert name == name.strip(" .")
    assert name.isascii()


@given(st.lists(st.sampled_from(["Am7b5/G", "F#m7", "Bbmaj7", "Ebdim7"]), max_size=60))
def test_a_name_says_as_many_chords_as_there_is_room_for_and_none_in_half(symbols):
    name = clip_name("bars 009-016", parse_key("Bb"), symbols)
    assert len(name) <= LONGEST_NAME
    said = name.partition(" - ")[2].split()
    assert set(said) <= {symbol.replace("/", "-") for symbol in symbols}


# -- windows ----------------------------------------------------------------------------------------------------------

SCORE = MidiScore(
    (Part("keys", 0, tuple(Note(Ticks(960 * i), 60 + i, Ticks(960)) for i in range(16))),),
    (TempoMark(Ticks(0), TEMPO), TempoMark(Ticks(5000), tempo_of_bpm(90))),
    (MeterMark(Ticks(0), 4, 4),),
    (),
    (Marker(Ticks(0), "C"), Marker(Ticks(6000), "F")),
)


def test_a_window_begins_at_tick_0_with_the_tempo_and_the_chord_that_hold_there():
    cut = window(SCORE, Ticks(BAR), Ticks(2 * BAR))
    assert [note.onset for note in cut.parts[0].notes] == [0, 960, 1920, 2880]
    assert [note.pitch for note in cut.parts[0].notes] == [64, 65, 66, 67]
    assert cut.tempos == (TempoMark(Ticks(0), TEMPO), TempoMark(Ticks(5000 - BAR), tempo_of_bpm(90)))
    assert cut.markers == (Marker(Ticks(0), "C"), Marker(Ticks(6000 - BAR), "F"))


def test_a_note_just_before_the_bar_line_belongs_to_the_bar_and_ends_where_it_ended():
    early = MidiScore(
        (Part("keys", 0, (Note(Ticks(BAR - 100), 60, Ticks(400)), Note(Ticks(BAR - 500), 61, Ticks(400)))),)
    )
    (part,) = window(early, Ticks(BAR), Ticks(2 * BAR)).parts
    assert part.notes == (Note(Ticks(0), 60, Ticks(300)),)


# -- capture ----------------------------------------------------------------------------------------------------------


def running():
    """A clock that runs at 120 from the start."""
    tape = Tape(Ns(0), Clocked(False, LINE, "4/4"))
    tape.keep(Ns(0), Clocked(True, LINE, "4/4"))
    return tape


def key(tape, beat, pitch=60, beats=1.0, port="keys", channel=0):
    for event in (
        NoteOn(at_beat(beat), port, channel, pitch, 80),
        NoteOff(at_beat(beat + beats), port, channel, pitch),
    ):
        tape.keep(event.at, Heard(event))


def ours(tape, beat, pitch=48, owner=FIRST_PROPOSAL, out=Out.CHORDS):
    for on, moment in ((0x90, beat), (0x80, beat + 1)):
        data = bytes((on, pitch, 70))
        tape.keep(at_beat(beat), Sent(at_beat(moment), Ticks(round(moment * 960)), data, out, owner))


def capture(tape, bars=1, first=1):
    story = tape.since(tape.reach(bars + 1, tape.last), tape.last)
    return captured(story(), bars, first)


def test_what_both_played_in_the_last_bars_is_kept_apart():
    tape = running()
    for beat in range(12):
        key(tape, beat, 60 + beat)
    ours(tape, 8)
    clip = capture(tape, 1, 3)
    by_name = {part.name: [(note.onset, note.pitch) for note in part.notes] for part in clip.score.parts}
    assert by_name == {"keys": [(0, 68), (960, 69), (1920, 70), (2880, 71)], "chords": [(0, 48)]}
    assert clip.name.startswith("bar 003")
    assert clip.length == BAR


def test_clicks_and_previews_are_not_captured():
    tape = running()
    key(tape, 0)
    ours(tape, 1, out=Out.METRONOME, owner=METRONOME)
    ours(tape, 1, out=Out.PREVIEW, owner=2)
    assert [part.name for part in capture(tape).score.parts] == ["keys"]


def test_two_channels_with_the_same_pitch_are_two_notes_on_two_tracks():
    tape = running()
    key(tape, 0, 60, 2.0, channel=1)
    key(tape, 0.5, 60, 0.5, channel=2)
    clip = capture(tape)
    assert [(p.channel, p.notes[0].onset, p.notes[0].duration) for p in clip.score.parts] == [
        (1, 0, 1920),
        (2, 480, 480),
    ]


def test_what_was_played_before_the_clock_ran_can_be_captured_too():
    tape = Tape(Ns(0), Clocked(False, LINE, "4/4"))
    key(tape, 1)
    assert capture(tape, 1, None).name.startswith("free")


def test_nothing_played_is_one_sentence():
    with pytest.raises(Nonsense, match="Nothing was played"):
        captured(Story(clocks=[(Ns(0), Clocked(False, LINE, "4/4"))]), 4, 1)


def test_reach_goes_back_over_tempo_changes_by_bars():
    tape = running()
    slow = LINE.with_tempo(tempo_of_bpm(60), at_beat(4))
    tape.keep(at_beat(4), Clocked(True, slow, "4/4"))
    two_bars_later = Ns(at_beat(4) + 4 * NS_PER_SECOND)
    assert tape.reach(1, two_bars_later) == at_beat(4)
    assert tape.reach(2, two_bars_later) == Ns(0)
    assert tape.reach(50, two_bars_later) == Ns(0)


def test_the_tape_keeps_so_many_events_and_so_many_minutes_whichever_is_more():
    tape = Tape(Ns(0), Clocked(False, LINE, "4/4"))
    event = Heard(NoteOn(Ns(0), "keys", 0, 60, 80))
    dense = KEPT_EVENTS + 5_000
    for number in range(dense):
        tape.keep(Ns(number * 1_000), event)
    assert len(tape) == dense, "ten minutes have not gone by"
    tape.keep(Ns(KEPT_SPAN + dense * 1_000), event)
    assert len(tape) == KEPT_EVENTS, "older than ten minutes, and more than are promised"
    for number in range(10):
        tape.keep(Ns(10 * KEPT_SPAN + number), event)
    assert len(tape) == KEPT_EVENTS
    assert MOST_EVENTS >= KEPT_EVENTS


def test_other_records_take_no_room():
    tape = Tape(Ns(0), Clocked(False, LINE, "4/4"))
    tape.keep(Ns(0), Do(Action.ACCEPT, "keys"))
    assert (len(tape), tape.last) == (0, None)
