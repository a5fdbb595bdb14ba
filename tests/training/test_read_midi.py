"""MIDI files as scores: the bars are found, the tune and the bass too, and what is no music in bars is one sentence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.midi.score import KeyMark, Marker, MeterMark, MidiScore, Part, TempoMark
from jamlink.midi.smf import write_score
from jamlink.music.chord import parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks, tempo_of_bpm
from jamlink.training import pickup
from jamlink.training.read_midi import keeping_time, read_midi
from jamlink.training.tune import tunes_of

PERFORMANCE = Path(__file__).parents[1] / "data" / "mozart_k331_p04.mid"
QUARTER = 960


def line(pitches: str, at: int = 0, velocity: int = 80) -> tuple[Note, ...]:
    """Notes of "60:2 62:1": pitch and eighths, one after another."""
    notes = []
    for word in pitches.split():
        pitch, eighths = (int(part) for part in word.split(":"))
        notes.append(Note(Ticks(at), pitch, Ticks(eighths * 480), velocity))
        at += eighths * 480
    return tuple(notes)


GRACE = "62:2 67:4 71:1 67:1 71:4 69:2 67:4 64:2 62:4 62:2 67:4 71:1 67:1 71:4 69:2 74:10 "
"""The first half of Amazing Grace, in 3/4 with a pickup of one quarter."""
VAGUE = "72:2 76:2 79:4 " * 6
GRACE_BASS = "43:6 43:6 48:6 43:6 43:6 47:6 50:6 50:4"


def write(path: Path, *parts: Part, **more: object) -> Path:
    write_score(MidiScore(parts, **more), path)  # type: ignore[arg-type]
    return path


@pytest.fixture
def grace(tmp_path) -> Path:
    tune = line(GRACE * 2)
    bass = line(GRACE_BASS, 960) + line(GRACE_BASS, 960 + 48 * 480)
    return write(
        tmp_path / "grace.mid", Part("left", 1, bass), Part("Melody", 0, tune),
        meters=(MeterMark(Ticks(0), 3, 4),), tempos=(TempoMark(Ticks(0), tempo_of_bpm(90)),),
        keys=(KeyMark(Ticks(0), Key(7)),),
    )  # fmt: skip


def test_a_pickup_is_found_and_stands_before_the_first_whole_bar(grace):
    score = read_midi(grace, "grace", "folk")
    assert [bar.length for bar in score.bars[:3]] == [QUARTER, 3 * QUARTER, 3 * QUARTER]
    (tune,) = tunes_of(score)
    assert (str(tune.meter), len(tune.places), tune.fifths) == ("3/4", 17, 1)
    assert [note.onset for note in tune.melody[:2]] == [2 * QUARTER, 3 * QUARTER]


def test_tune_bass_and_tempo_come_from_their_parts(grace):
    score = read_midi(grace, "grace", "folk")
    assert [note.pitch for note in score.melody[:4]] == [62, 67, 71, 67]
    assert [note.pitch for note in score.bass[:3]] == [43, 43, 48]
    assert score.bpm == pytest.approx(90)


def test_of_unnamed_parts_the_highest_is_the_tune_and_the_lowest_the_bass(tmp_path):
    low, high = line("40:2 47:2 " * 8), line("72:2 76:2 " * 8)
    score = read_midi(write(tmp_path / "two.mid", Part("a", 0, low), Part("b", 1, high)), "two", "pop")
    assert {note.pitch for note in score.melody} == {72, 76}
    assert {note.pitch for note in score.bass} == {40, 47}


def test_one_voice_has_no_bass_and_drums_are_no_part(tmp_path):
    tune = Part("", 0, line(VAGUE))
    score = read_midi(
        write(tmp_path / "one.mid", tune, Part("kit", 9, line("36:1 " * 48))), "one", "pop", from_zero=True
    )
    assert score.bass == []
    assert {note.pitch for note in score.everything} == {72, 76, 79}


def test_accents_on_bar_lines_are_believed():
    """An even run says nothing about its bars, but for every eighth note being louder."""
    notes = [Note(Ticks(i * 480), 60 + i * 5 % 7, Ticks(480), 105 if i % 8 == 3 else 80) for i in range(64)]
    found = pickup.guess(notes, Meter(4, 4), 64 * 480)
    assert (found.ticks, found.sure > 0.9) == (3 * 480, True)
    even = [Note(note.onset, note.pitch, note.duration) for note in notes]
    assert pickup.guess(even, Meter(4, 4), 64 * 480).sure < 0.9


def test_where_the_meter_changes_a_bar_line_falls(tmp_path):
    """The first part is five beats and 3/4 long, so one beat of pickup, whatever the notes say."""
    meters = (MeterMark(Ticks(0), 4, 4), MeterMark(Ticks(17 * QUARTER), 3, 4))
    tune = Part("", 0, line("60:2 64:2 67:2 72:2 " * 8 + "72:2 60:2"))
    score = read_midi(write(tmp_path / "change.mid", tune, meters=meters), "change", "pop")
    lengths = [bar.length // QUARTER for bar in score.bars]
    assert lengths == [1, 4, 4, 4, 4, 3, 3, 3, 3, 3, 3]  # eleven bars; the last holds two of its three beats
    assert [str(tune.meter) for tune in tunes_of(score)] == ["4/4", "3/4"]


def test_a_meter_we_do_not_count_is_a_gap_and_not_an_error(tmp_path):
    meters = (MeterMark(Ticks(0), 11, 16), MeterMark(Ticks(11 * 240), 2, 4))
    tune = Part("", 0, line("60:2 64:2 67:2 72:2 " * 8))
    score = read_midi(write(tmp_path / "odd.mid", tune, meters=meters), "odd", "pop")
    assert score.bars[0].meter is None
    assert [str(tune.meter) for tune in tunes_of(score)] == ["2/4"]


def test_chord_symbols_in_markers_are_read_and_other_markers_are_not(tmp_path):
    tune = Part("", 0, line("60:2 64:2 67:2 72:2 " * 4))
    chords = [Marker(Ticks(i * 3840), text) for i, text in enumerate(("C", "F#m7", "N.C.", "G7/B"))]
    score = read_midi(write(tmp_path / "c.mid", tune, markers=tuple(chords)), "c", "pop")
    assert [(span.onset // 3840, span.chord) for span in score.chords] == [
        (0, parse_chord("C")), (1, parse_chord("F#m7")), (2, None), (3, parse_chord("G7/B")),
    ]  # fmt: skip
    verses = [Marker(Ticks(i * 3840), text) for i, text in enumerate(("Verse 1", "Chorus", "B", "Bridge"))]
    assert read_midi(write(tmp_path / "v.mid", tune, markers=tuple(verses)), "v", "pop").chords == []


def test_letters_of_sections_are_no_chords_and_a_song_of_plain_triads_has_them(tmp_path):
    tune = Part("", 0, line("60:2 64:2 67:2 72:2 " * 8))

    def chords(*texts: str) -> list[str]:
        marks = tuple(Marker(Ticks(i * 3840), text) for i, text in enumerate(texts))
        return [
            str(span.chord) for span in read_midi(write(tmp_path / "s.mid", tune, markers=marks), "s", "pop").chords
        ]

    assert chords("A", "A", "B", "B", "C", "C", "D") == []
    assert chords("B", "C") == []
    assert chords("C", "F", "G", "C") == ["C", "F", "G", "C"]
    assert chords("A", "Bm", "A") == ["A", "Bm", "A"]


def test_a_signature_of_c_that_programs_write_unasked_is_not_believed(tmp_path):
    tune = Part("", 0, line("62:2 66:2 69:2 74:2 " * 4))
    for keys, fifths in (((Key(0),), None), ((Key(2),), 2), ((Key(11, True),), 2), ((Key(5, True),), -4)):
        marks = tuple(KeyMark(Ticks(0), key) for key in keys)
        score = read_midi(write(tmp_path / "k.mid", tune, keys=marks), "k", "pop")
        assert score.bars[-1].fifths == fifths


def test_a_recording_without_a_click_keeps_to_no_beat():
    with pytest.raises(Nonsense, match="keeps to no beat"):
        read_midi(PERFORMANCE, "mozart", "classical")


def test_playing_to_a_click_keeps_time_and_playing_anywhere_does_not():
    rng = random.Random(4)
    human = [Note(Ticks(max(0, round(i * 480 + rng.gauss(0, 38)))), 60, Ticks(400)) for i in range(200)]  # 20 ms at 120
    free = [Note(Ticks(rng.randrange(10**6)), 60, Ticks(400)) for _ in range(200)]
    swung = [Note(Ticks(i * 960 + part), 60, Ticks(300)) for i in range(100) for part in (0, 640)]
    assert keeping_time(human) > 0.6
    assert keeping_time(swung) > 0.9
    assert keeping_time(free) < 0.3


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (Part("kit", 9, line("36:1 " * 48)), "holds drums only"),
        (Part("", 0, line("60:1 62:1")), "holds 2 notes, which is no piece"),
        (Part("", 0, line(VAGUE)), "does not show where its bars begin"),
    ],
)
def test_what_is_no_piece_in_bars_is_one_sentence(tmp_path, part, what):
    with pytest.raises(Nonsense, match=what):
        read_midi(write(tmp_path / "no.mid", part), "no", "pop")


def test_bars_that_nothing_shows_are_counted_from_zero_where_a_sequencer_wrote_the_file(tmp_path):
    path = write(tmp_path / "vague.mid", Part("", 0, line(VAGUE)))
    assert {bar.length for bar in read_midi(path, "vague", "pop", from_zero=True).bars} == {4 * QUARTER}
