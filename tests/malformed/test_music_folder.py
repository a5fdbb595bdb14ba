"""A folder of music may hold anything: each file gives pieces or one line that says why not, and the others are read."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from jamlink.midi.score import MidiScore, Part
from jamlink.midi.smf import score_bytes
from jamlink.music.note import Note
from jamlink.timing.units import Ticks
from jamlink.training import music_folder, read_musicxml
from jamlink.training.tune import Score

ABC = "X:1\nT:t\nM:4/4\nL:1/4\nK:G\n" + '"G"G2 B c|"D7"d2 c A|"G"G B d2|"C"c2 "D7"A2|\n' * 2
MIDI = score_bytes(
    MidiScore((Part("tune", 0, tuple(Note(Ticks(i * 960), 60 + i * 5 % 12, Ticks(960)) for i in range(32))),))
)
NOTE = "<note><pitch><step>{}</step><octave>4</octave></pitch><duration>4</duration></note>"
XML = (
    '<?xml version="1.0"?><score-partwise><part-list><score-part id="P"/></part-list><part id="P">'
    + "".join(
        f"<measure>{'<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>' if i == 0 else ''}"
        f"<harmony><root><root-step>C</root-step></root><kind>dominant</kind></harmony>{NOTE.format('CDEG'[i % 4])}</measure>"
        for i in range(8)
    )
    + "</part></score-partwise>"
)


def put(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def squeezed(path: Path, text: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("META-INF/container.xml", "<container/>")
        packed.writestr("score.xml", text)
    return path


def found(folder: Path, file: Path) -> list[Score | str]:
    return [piece for _, piece in music_folder.read(folder, file)]


def test_good_files_of_every_kind_are_read(tmp_path):
    for path in (put(tmp_path, "a/a.abc", ABC), put(tmp_path, "b.MID", MIDI), put(tmp_path, "c.musicxml", XML),
                 put(tmp_path, "c.xml", XML.encode("utf-16")), squeezed(tmp_path / "d.mxl", XML)):  # fmt: skip
        (score,) = found(tmp_path, path)
        assert isinstance(score, Score), score
        assert len(score.bars) == 8
        assert len(score.melody) >= 8
    assert [str(span.chord) for span in score.chords[:2]] == ["C7", "C7"]
    assert [path.name for path in music_folder.files(tmp_path)] == ["b.MID", "c.musicxml", "c.xml", "d.mxl", "a.abc"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.mid", b"", "is empty."),
        ("a.mid", ABC, "is called MIDI, but holds ABC."),
        ("a.abc", MIDI, "is called ABC, but holds MIDI."),
        ("a.xml", b"\x00\xff" * 40, "is called MusicXML, but holds something else."),
        ("a.mid", b"RIFF" + bytes(60), "is called MIDI, but holds something else."),
        ("cover.jpg", b"\xff\xd8\xff" + bytes(60), "is called neither MIDI, MusicXML nor ABC."),
        ("tune.txt", ABC, "is called neither MIDI, MusicXML nor ABC, but holds ABC."),
        ("a.mid", MIDI[:60], "is cut off: it ends inside a track."),
        ("a.abc", "X:1\nT:nothing\n", "holds no tune with a K: line."),
        ("a.abc", "X:1\nL:1e99999999\nK:C\nCDEF|\n", "'1e99999999' is no length of a note."),
        ("a.abc", "X:1\nM:11/17\nK:C\nCDEF|\n", "has no notes in a meter we count."),
        ("a.xml", "<html><body>404</body></html>", "has no notes."),
        ("a.xml", "<score-partwise><part", "is not XML"),
        ("a.mxl", b"PK\x03\x04" + bytes(60), "is not XML"),
    ],
)  # fmt: skip
def test_each_kind_of_nonsense_is_one_line(tmp_path, name, data, why):
    (said,) = found(tmp_path, put(tmp_path, name, data))
    assert isinstance(said, str)
    assert said.startswith(why), said
    assert "\n" not in said
    assert len(said) <= 160


def test_gigantic_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(read_musicxml, "BYTES_LIMIT", 1000)
    monkeypatch.setattr(music_folder, "BYTES_LIMIT", 100)
    monkeypatch.setattr(music_folder, "BARS_LIMIT", 4)
    for path in (put(tmp_path, "a.xml", XML), squeezed(tmp_path / "a.mxl", XML), put(tmp_path, "a.abc", ABC)):
        (said,) = found(tmp_path, path)
        assert "larger than" in said or "of a size that can be read" in said
    (said,) = found(tmp_path, put(tmp_path, "a.mid", MIDI))
    assert said.startswith("is gigantic: 8 bars")


def test_an_entity_that_grows_without_end_is_refused(tmp_path):
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "{"ha" * 50}">{laughs}]><x>&l8;</x>'
    (said,) = found(tmp_path, put(tmp_path, "bomb.xml", bomb))
    assert said.startswith("is not XML")


def test_a_few_bytes_that_say_fifty_thousand_bars_are_refused(tmp_path):
    """At a microsecond a quarter they last a fifth of a second, so that no limit of time holds them back."""
    far = Note(Ticks(200_000 * 960), 60, Ticks(960))
    score = MidiScore((Part("", 0, (*(Note(Ticks(i * 960), 60, Ticks(960)) for i in range(16)), far)),))
    data = score_bytes(score).replace(b"\x51\x03\x07\xa1\x20", b"\x51\x03\x00\x00\x01")
    (said,) = found(tmp_path, put(tmp_path, "fast.mid", data))
    assert said.startswith("is gigantic: 200000 quarters")


def test_links_to_nowhere_and_folders_without_leave_are_one_line(tmp_path):
    (tmp_path / "gone.mid").symlink_to(tmp_path / "nowhere.mid")
    assert [found(tmp_path, path) for path in music_folder.files(tmp_path)] == [["is no plain file."]]


@pytest.mark.parametrize(("name", "data"), [("f.abc", ABC.encode()), ("f.mid", MIDI), ("f.xml", XML.encode())])
def test_whatever_is_damaged_gives_a_piece_or_a_line(tmp_path, name, data):
    rng, kinds = random.Random(name), set()
    for _ in range(250):
        broken = bytearray(data)
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(broken))
            match rng.randrange(4):
                case 0:
                    broken[at] = rng.randrange(256)
                case 1:
                    del broken[at : at + rng.randrange(1, 40)]
                case 2:
                    broken[at:at] = bytes(rng.choice(b"0123456789/|:<>&") for _ in range(rng.randrange(1, 12)))
                case 3:
                    broken[at:at] = broken[at : at + rng.randrange(1, 60)]
            broken = broken or bytearray(b"x")
        path = put(tmp_path, name, bytes(broken))
        for _, piece in music_folder.read(tmp_path, path):
            kinds.add(type(piece))
            assert isinstance(piece, Score) or "\n" not in piece
    assert kinds == {Score, str}


def test_a_mistake_of_ours_in_one_file_is_one_line_too(tmp_path):
    def broken() -> Score:
        raise TypeError("ours\nand long")

    assert music_folder.guarded("a.mid", tmp_path, broken) == ("a.mid", "cannot be read (TypeError: ours and long).")
