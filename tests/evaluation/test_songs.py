"""Lead sheets as songs: what is read, what is passed over, and why."""

import tarfile
from pathlib import Path

import mido
import pytest

from jamlink.errors import Nonsense
from jamlink.evaluation.songs import Song, drawn, read_songs, split_hash
from jamlink.timing.meter import Meter

BAR = 3840
ABC = 'X:1\nT:Four\nM:4/4\nL:1/4\nK:C\n"C"CDEF|"G7"GABc|"Am"cBAG|"F"FEDC|\n'
PICKED_UP = 'X:1\nM:4/4\nL:1/4\nK:C\nG|"C"CDEF|"G7"GABc|"Am"cBAG|"F"FEDC|\n'


def _musicxml(time: str = "<time><beats>4</beats><beat-type>4</beat-type></time>") -> str:
    note = "<note><pitch><step>{}</step><octave>5</octave></pitch><duration>1</duration></note>"
    chord = "<harmony><root><root-step>{}</root-step></root><kind>{}</kind></harmony>"
    bars = []
    for i, (root, kind) in enumerate((("C", "major"), ("G", "dominant"), ("A", "minor"), ("F", "major"))):
        head = f"<attributes><divisions>1</divisions>{time}</attributes>" if i == 0 else ""
        notes = "".join(note.format(step) for step in "CDEF")
        bars.append(f'<measure number="{i + 1}">{head}{chord.format(root, kind)}{notes}</measure>')
    parts = '<part-list><score-part id="P1"><part-name>x</part-name></score-part></part-list>'
    return f'<score-partwise>{parts}<part id="P1">{"".join(bars)}</part></score-partwise>'


def _midi(path: Path, kind: str) -> None:
    file = mido.MidiFile(ticks_per_beat=480)
    marks, tune = mido.MidiTrack(), mido.MidiTrack()
    for i, symbol in enumerate(("C", "G7", "Am", "F")):
        marks.append(mido.MetaMessage(kind, text=symbol, time=1920 if i else 0))
    for pitch in (60, 62, 64, 65, 67, 69, 71, 72, 72, 71, 69, 67, 65, 64, 62, 60):
        tune += [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=480)]
    file.tracks += [marks, tune]
    file.save(path)


def _only(folder: Path) -> Song:
    found = read_songs(folder)
    assert len(found.songs) == 1, found.left_out
    return found.songs[0]


def _symbols(song: Song) -> list[tuple[int, str]]:
    return [(span.onset // BAR, str(span.chord)) for span in song.chords]


FOUR = [(0, "C"), (1, "G7"), (2, "Am"), (3, "F")]


def test_an_abc_tune_with_chord_strings_is_a_song(tmp_path: Path) -> None:
    (tmp_path / "four.abc").write_text(ABC)
    song = _only(tmp_path)
    assert (song.meter, song.bars, song.length) == (Meter(4, 4), 4, 4 * BAR)
    assert _symbols(song) == FOUR
    assert [note.pitch for note in song.melody[:4]] == [60, 62, 64, 65]


def test_musicxml_with_harmony_is_a_song_even_without_a_time_signature(tmp_path: Path) -> None:
    for name, text in (("a.musicxml", _musicxml()), ("b.xml", _musicxml(time=""))):
        (tmp_path / name).write_text(text)
    found = read_songs(tmp_path)
    assert [_symbols(song) for song in found.songs] == [FOUR, FOUR]
    assert {song.meter for song in found.songs} == {Meter(4, 4)}


@pytest.mark.parametrize("kind", ["marker", "text", "lyrics"])
def test_chord_names_in_midi_may_be_markers_texts_or_lyrics(tmp_path: Path, kind: str) -> None:
    _midi(tmp_path / "four.mid", kind)
    song = _only(tmp_path)
    assert _symbols(song) == FOUR
    assert len(song.melody) == 16


def test_a_pickup_fills_a_bar_of_its_own_behind_silence(tmp_path: Path) -> None:
    (tmp_path / "up.abc").write_text(PICKED_UP)
    song = _only(tmp_path)
    assert song.bars == 5
    assert song.melody[0].onset == BAR - 960
    assert _symbols(song) == [(at + 1, chord) for at, chord in FOUR]


def test_the_chord_of_each_beat_covers_the_song(tmp_path: Path) -> None:
    (tmp_path / "up.abc").write_text(PICKED_UP)
    song = _only(tmp_path)
    cells = song.chord_by_cell()
    assert len(cells) == song.cells == 20
    assert cells[:4] == [None] * 4
    assert [str(chord) for chord in cells[4:]] == ["C"] * 4 + ["G7"] * 4 + ["Am"] * 4 + ["F"] * 4


def test_a_listener_has_not_heard_the_rest_of_a_note(tmp_path: Path) -> None:
    (tmp_path / "four.abc").write_text(ABC)
    heard = _only(tmp_path).melody_up_to(1000)
    assert [(note.pitch, note.duration) for note in heard] == [(60, 960), (62, 40)]


def test_what_is_no_song_gets_one_line_and_loses_no_other(tmp_path: Path) -> None:
    (tmp_path / "good.abc").write_text(ABC)
    (tmp_path / "plain.abc").write_text(
        ABC.replace('"C"', "").replace('"G7"', "").replace('"Am"', "").replace('"F"', "")
    )
    (tmp_path / "broken.mid").write_bytes(b"MThd\x00\x00")
    (tmp_path / "empty.xml").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("hello")
    found = read_songs(tmp_path)
    assert len(found.songs) == 1
    assert sorted(line.split(":")[0] for line in found.left_out) == [
        "broken.mid",
        "empty.xml",
        "notes.txt",
        "plain.abc",
    ]
    assert all("\n" not in line for line in found.left_out)


def test_a_folder_without_songs_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(Nonsense, match="has a melody and chords"):
        read_songs(tmp_path)
    with pytest.raises(Nonsense, match="no folder"):
        read_songs(tmp_path / "nowhere")


def test_an_archive_is_read_like_the_folder_in_it(tmp_path: Path) -> None:
    inside, packed = tmp_path / "inside", tmp_path / "packed"
    inside.mkdir()
    packed.mkdir()
    (inside / "four.abc").write_text(ABC)
    with tarfile.open(packed / "songs.tar.xz", "w:xz") as tar:
        tar.add(inside / "four.abc", "four.abc")
    (packed / "README.md").write_text("about")
    assert read_songs(packed).songs == read_songs(packed / "songs.tar.xz").songs == read_songs(inside).songs


def test_a_broken_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "songs.tar.xz").write_bytes(b"nothing of the kind")
    with pytest.raises(Nonsense, match="cannot be unpacked"):
        read_songs(tmp_path)


def test_the_same_seed_draws_the_same_songs(tmp_path: Path) -> None:
    for i in range(6):
        (tmp_path / f"{i}.abc").write_text(ABC.replace("CDEF", "CDE" + "CDEFGA"[i]))
    songs = read_songs(tmp_path).songs
    assert len(drawn(songs, 0, 1)) == len(drawn(songs, 9, 1)) == 6
    assert drawn(songs, 3, 1) == drawn(songs, 3, 1) == read_songs(tmp_path, songs=3, seed=1).songs
    assert split_hash(drawn(songs, 3, 1)) != split_hash(songs)
