"""Sources: Standard MIDI Files 1.0 (RP-001). mido reads the same bytes as the oracle."""

from __future__ import annotations

import io
from itertools import accumulate

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense, Unavailable
from jamlink.midi.events import ControlChange, NoteOff, NoteOn, encode
from jamlink.midi.score import Control, KeyMark, Marker, MeterMark, MidiScore, Part, TempoMark, performance
from jamlink.midi.smf import parse_score, read_score, score_bytes, write_score
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.testing.tracker import NoteTracker
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ns, Tempo, Ticks, tempo_of_bpm


def track(events: str) -> bytes:
    body = bytes.fromhex(events)
    return b"MTrk" + len(body).to_bytes(4) + body


def file_of(*tracks: str, division: int = 96, kind: int = 1) -> bytes:
    header = b"".join(n.to_bytes(2) for n in (kind, len(tracks), division))
    return b"MThd" + (6).to_bytes(4) + header + b"".join(track(t) for t in tracks)


def notes_of(score: MidiScore) -> list[tuple[int, int, int, int]]:
    return [(n.onset, n.pitch, n.duration, n.velocity) for part in score.parts for n in part.notes]


# -- the files people have --------------------------------------------------------------------------------------------

NOTE = "00 90 3c 64  60 80 3c 40"  # a quarter of middle C at division 96
END = "00 ff 2f 00"
A_QUARTER = [(0, 60, 960, 100)]


@pytest.mark.parametrize(
    "events",
    [
        NOTE + END,
        "00 90 3c 64  60 3c 00" + END,  # running status, velocity 0 for note-off
        NOTE,  # the end-of-track mark is missing
        NOTE + END + "00 90 40 64",  # rubbish after the end-of-track mark
        "00 f0 03 7e 01 f7" + NOTE + END,  # a dump
        "00 f7 02 01 02" + NOTE + END,  # an escape
        "00 ff 7f 03 00 20 6b" + NOTE + END,  # a sequencer's own event
        "00 90 3c 64  00 a0 3c 10  00 d0 10  00 e0 00 40  60 80 3c 40" + END,  # pressure and bend inside a note
        "00 90 3c 64  00 ff 01 02 68 69  60 3c 00" + END,  # running status across a text, as some programs write it
        "00 80 3e 40" + NOTE + END,  # a note-off for nothing
        "00 90 3c 64  60 b0 07 64" + END,  # a note that never ends: it ends with its track
    ],
)
def test_a_quarter_note_is_read_however_it_is_spelled(events):
    assert notes_of(parse_score(file_of(events))) == A_QUARTER


def test_unknown_chunks_and_longer_headers_are_passed_over():
    """RP-001: programs must expect alien chunks and headers longer than six bytes."""
    plain = file_of(NOTE)
    longer = plain[:4] + (8).to_bytes(4) + plain[8:14] + b"\0\0" + plain[14:]
    alien = plain[:14] + b"XFIH" + (3).to_bytes(4) + b"abc" + plain[14:]
    assert notes_of(parse_score(longer)) == notes_of(parse_score(alien)) == A_QUARTER


@given(st.integers(1, 0x7FFF), st.floats(0, 8000))
def test_rescaling_is_to_the_nearest_tick(division, quarters):
    delta = min(int(quarters * division), 0x0FFFFFFF)
    score = parse_score(file_of(f"{vlq(delta).hex(' ')} 90 3c 64 00 80 3c 40", division=division))
    assert abs(score.parts[0].notes[0].onset - delta * 960 / division) <= 0.5


def vlq(value: int) -> bytes:
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def test_doubled_note_ons_end_in_the_order_they_began():
    score = parse_score(file_of("00 90 3c 64  0a 90 3c 50  0a 80 3c 00  0a 80 3c 00", division=960))
    assert notes_of(score) == [(0, 60, 20, 100), (10, 60, 20, 80)]


def test_a_track_with_two_channels_becomes_two_parts_of_one_name():
    score = parse_score(file_of("00 ff 03 01 41  00 c1 05  00 90 3c 64  00 91 30 64  60 80 3c 00  00 81 30 00"))
    assert [(p.name, p.channel, p.program, len(p.notes)) for p in score.parts] == [("A", 0, None, 1), ("A", 1, 5, 1)]


def test_pedals_are_kept_apart_from_the_notes():
    score = parse_score(file_of("00 b0 40 7f  00 90 3c 64  60 80 3c 00  60 b0 40 00", division=96))
    assert score.parts[0].controls == (Control(Ticks(0), 64, 127), Control(Ticks(1920), 64, 0))
    assert notes_of(score) == A_QUARTER


def test_marks_are_read_and_marks_that_mean_nothing_cost_no_note():
    marks = "00 ff 51 03 07 a1 20  00 ff 58 04 06 03 24 08  00 ff 59 02 fd 01  00 ff 06 02 43 6d"
    nonsense = (
        "00 ff 51 03 00 00 00  00 ff 51 01 07  00 ff 58 02 00 02  00 ff 58 02 04 3f  00 ff 59 02 09 00  00 ff 06 00"
    )
    score = parse_score(file_of(marks + nonsense + NOTE))
    assert score.tempos == (TempoMark(Ticks(0), Tempo(500_000_000)),)
    assert score.meters == (MeterMark(Ticks(0), 6, 8),)
    assert score.meters[0].meter == Meter(6, 8)
    assert score.keys == (KeyMark(Ticks(0), Key(0, minor=True)),)
    assert score.markers == (Marker(Ticks(0), "Cm"),)


@pytest.mark.parametrize(
    ("sharps", "minor", "key"),
    [(0, 0, "C major"), (-3, 0, "Eb major"), (3, 1, "F# minor"), (-6, 1, "Eb minor"), (7, 0, "Db major")],
)
def test_key_signatures_are_read_by_the_circle_of_fifths(sharps, minor, key):
    score = parse_score(file_of(f"00 ff 59 02 {sharps & 0xFF:02x} {minor:02x}" + NOTE))
    assert str(score.keys[0].key) == key


def test_text_is_read_as_utf8_or_latin1_and_never_breaks_a_screen():
    names = ["Flügel".encode(), "Flügel".encode("latin-1"), b"Fl\x1b[2J\x00\xc3\xbcgel\n"]
    read = [parse_score(file_of(f"00 ff 03 {len(n):02x} {n.hex(' ')}" + NOTE)).name for n in names]
    assert read == ["Flügel", "Flügel", "Fl[2Jügel"]


# -- time -------------------------------------------------------------------------------------------------------------


def test_the_length_follows_every_tempo():
    tempos = tuple(TempoMark(Ticks(960 * i), tempo_of_bpm(bpm)) for i, bpm in enumerate((60, 120, 240)))
    score = MidiScore((Part("", 0, (Note(Ticks(0), 60, Ticks(960 * 4)),)),), tempos)
    assert score.length == Ns(1_000_000_000 + 500_000_000 + 2 * 250_000_000)


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1_000_000, 3_000_000_000)), max_size=8), st.integers(0, 20_000)
)
def test_time_never_runs_backwards_over_a_tempo_map(steps, tick):
    at = accumulate((gap for gap, _ in steps), initial=0)
    marks = tuple(
        TempoMark(Ticks(t), Tempo(tempo)) for t, (_, tempo) in zip(at, [(0, 500_000_000), *steps], strict=True)
    )
    score = MidiScore((), marks)
    assert score.ns_at(Ticks(0)) == 0
    assert score.ns_at(Ticks(tick)) < score.ns_at(Ticks(tick + 1))


def test_a_performance_turns_notes_off_before_it_turns_them_on_again():
    part = Part(
        "", 3, (Note(Ticks(0), 60, Ticks(960)), Note(Ticks(960), 60, Ticks(960))), (Control(Ticks(960), 64, 127),)
    )
    kinds = [(type(e), e.at) for e in performance(MidiScore((part,)), "file")]
    half = Ns(500_000_000)
    assert kinds == [(NoteOn, 0), (NoteOff, half), (ControlChange, half), (NoteOn, half), (NoteOff, 2 * half)]


# -- laws over generated scores ---------------------------------------------------------------------------------------

ticks = st.integers(0, 40_000).map(Ticks)
# Control characters and surrogates are cut on reading; spaces at the ends too.
texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=20)


@st.composite
def part(draw: st.DrawFn) -> Part:
    """Notes of one pitch follow one another without overlap, as a file can say without doubt."""
    notes: list[Note] = []
    for pitch in draw(st.lists(st.integers(0, 127), max_size=4, unique=True)):
        now = 0
        for gap, length, velocity in draw(
            st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 4000), st.integers(1, 127)), max_size=5)
        ):
            notes.append(Note(Ticks(now + gap), pitch, Ticks(length), velocity))
            now += gap + length
    controls = draw(st.lists(st.builds(Control, ticks, st.integers(0, 119), st.integers(0, 127)), max_size=5))
    program = draw(st.none() | st.integers(0, 127))
    by_time = sorted(controls, key=lambda control: control.at)
    return Part(draw(texts), draw(st.integers(0, 15)), tuple(sorted(notes)), tuple(by_time), program)


tempos = st.integers(1, 0xFFFFFF).map(lambda us: Tempo(us * 1000))
meters = st.tuples(st.integers(1, 32), st.sampled_from([1, 2, 4, 8, 16, 32]))
keys = st.builds(Key, st.integers(0, 11), st.booleans())


@st.composite
def scores(draw: st.DrawFn) -> MidiScore:
    def placed(values: st.SearchStrategy[object], first: bool) -> list[tuple[Ticks, object]]:
        at = sorted(draw(st.lists(ticks, max_size=3, unique=True)) + ([Ticks(0)] if first else []))
        return [(t, draw(values)) for t in dict.fromkeys(at)]

    parts = tuple(p for p in draw(st.lists(part(), max_size=3)) if p.notes)
    always = Part("always", 0, (Note(Ticks(0), 60, Ticks(1)),))
    return MidiScore(
        (*parts, always),
        tuple(TempoMark(at, tempo) for at, tempo in placed(tempos, first=True)),
        tuple(MeterMark(at, *meter) for at, meter in placed(meters, first=True)),
        tuple(KeyMark(at, key) for at, key in placed(keys, first=False)),
        tuple(Marker(at, text) for at, text in placed(texts.filter(bool), first=False)),
        draw(texts),
    )


@given(scores())
def test_what_is_written_is_read_back(score):
    assert parse_score(score_bytes(score)) == score


@given(scores())
def test_mido_reads_the_same_notes(score):
    theirs = []
    for number, mido_track in enumerate(mido.MidiFile(file=io.BytesIO(score_bytes(score)), charset="utf-8").tracks):
        now = 0
        for message in mido_track:
            now += message.time
            if message.type == "note_on":
                theirs.append((number, message.channel, now, message.note, message.velocity))
    ours = [(i, p.channel, n.onset, n.pitch, n.velocity) for i, p in enumerate(score.parts, 1) for n in p.notes]
    assert sorted(theirs) == sorted(ours)


@given(scores())
def test_a_performance_leaves_no_note_sounding(score):
    tracker = NoteTracker()
    for event in performance(score, "file"):
        tracker.sent(event.at, encode(event))
    tracker.check()
    assert len(tracker.notes) == sum(len(p.notes) for p in score.parts)


# -- on disk ----------------------------------------------------------------------------------------------------------

SONG = MidiScore((Part("piano", 0, (Note(Ticks(0), 60, Ticks(960)),)),), name="song")


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "mit Leerzeichen \N{MUSICAL SYMBOL G CLEF}.mid"
    path.write_bytes(b"old")
    write_score(SONG, path)
    assert read_score(path) == SONG
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_write_that_fails_leaves_the_old_file_and_says_what_to_do(tmp_path, monkeypatch):
    path = tmp_path / "song.mid"
    path.write_bytes(b"old")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jamlink.midi.files.os.fsync", refuse)
    with pytest.raises(Unavailable, match=r"no space left on device. Free some space"):
        write_score(SONG, path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["song.mid"]


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(Unavailable, match="no such file"):
        write_score(SONG, tmp_path / "nowhere" / "song.mid")


@pytest.mark.parametrize("name", ["missing.mid", "."])
def test_a_file_that_cannot_be_opened_is_one_sentence(tmp_path, name):
    with pytest.raises(Nonsense, match=r"cannot be read: .*Check the name"):
        read_score(tmp_path / name)
