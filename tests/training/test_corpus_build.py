"""Building a corpus: everything that may be read is, the rest is named with its reason, and no file stops the others."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from jamlink.cli import app
from jamlink.errors import Nonsense, Unavailable
from jamlink.midi.score import Marker, MeterMark, MidiScore, Part
from jamlink.midi.smf import score_bytes
from jamlink.music.note import Note
from jamlink.proposers.originality import WINDOW, Index
from jamlink.session.proposal import Role
from jamlink.timing.units import Ticks
from jamlink.training import corpus, sources, splitting
from jamlink.training.corpus import Wanted, Written
from jamlink.training.examples import Corpus
from jamlink.training.fingerprint import fingerprint
from jamlink.training.originality_index import lines_of, windows
from jamlink.training.report import Report

ROOT = Path(__file__).parents[2]
COUNT = 90
"""Pieces of a set: of so many, some are held out."""


def tune(seed: int, length: int = 64) -> list[int]:
    """Pitches of a tune of its own."""
    return random.Random(seed).choices((60, 62, 64, 65, 67, 69, 71, 72, 74), k=length)


def midi(pitches: list[int], channel: int = 0) -> bytes:
    """Quarters in 4/4, the first of each bar loud."""
    notes = tuple(Note(Ticks(i * 960), p, Ticks(960), 80 + 30 * (i % 4 == 0)) for i, p in enumerate(pitches))
    return score_bytes(MidiScore((Part("tune", channel, notes),), meters=(MeterMark(Ticks(0), 4, 4),)))


def fill(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        (folder / f"t{n}.mid").write_bytes(midi(tune(n)))
    return folder


def quiet(line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve good tunes, and beside them whatever a folder can hold."""
    folder = fill(tmp_path_factory.mktemp("own") / "songs", 12)
    for name, data in {
        "empty.mid": b"",
        "cut.mid": midi(tune(50))[:90],
        "page.mid": b"<html>404</html>",
        "tune.abc": midi(tune(51)),
        "cover.jpg": b"\xff\xd8\xff" + bytes(40),
        "noise.mid": random.Random(1).randbytes(4000),
        "drums.mid": midi([36] * 64, channel=9),
        "short.mid": midi(tune(52, 8)),
        "again.mid": midi([p + 3 for p in tune(0)]),
        "line\nend.mid": b"",
    }.items():
        (folder / name).write_bytes(data)
    with (folder / "huge.mid").open("wb") as file:
        file.write(b"MThd")
        file.truncate(40 * 2**20)
    return folder


@pytest.fixture(scope="module")
def built(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    corpus.build(Wanted(music=(own,)), out, workers=1, say=quiet)
    return out


def test_a_folder_of_ones_own_works_alone_and_every_bad_file_has_one_line(built):
    rows = [line.split("\t") for line in (built / "report.txt").read_text().splitlines()[1:]]
    why = {piece.removeprefix("songs/"): reason for _, piece, reason in rows}
    assert len(rows) == len(why) == 11
    for piece, words in {
        "empty.mid": "is empty", "cut.mid": "is cut off", "page.mid": "is called MIDI, but holds MusicXML",
        "tune.abc": "is called ABC, but holds MIDI", "cover.jpg": "neither MIDI, MusicXML nor ABC",
        "noise.mid": "is called MIDI, but holds something else", "drums.mid": "drums only", "short.mid": "is no piece",
        "t0.mid": "double", "line?end.mid": "is empty", "huge.mid": "larger than",
    }.items():  # fmt: skip
        assert words in why[piece], piece


def test_the_counts_of_a_folder_are_those_of_its_tunes(built):
    (row,) = json.loads((built / "counts.json").read_text())
    assert (row["source"], row["files"], row["pieces"], row["bars"], row["notes"]) == ("my-music", 23, 12, 192, 768)
    assert sum(row["left out"].values()) == 11
    found = Corpus(built / "corpus.npz")
    assert row["tokens"] == sum(
        len(found.bar(bar)) for _, kind, first, bars in found.streams for bar in range(first, first + bars)
        if corpus.STREAMS[kind] != "hush"
    )  # fmt: skip


def test_of_ones_own_music_something_is_held_out_for_measuring(built):
    """Twelve families at four in a hundred would often hold out none."""
    assert 0 < int(Corpus(built / "corpus.npz").tunes[:, 5].sum()) < 12


def test_the_index_of_a_corpus_is_made_by_the_command_that_its_absence_names(built, tmp_path):
    found = CliRunner().invoke(app, ["corpus", "index", "--corpus", str(built), "--out", str(tmp_path / "index")])
    assert found.exit_code == 0, found.output
    index, lines = Index.load(tmp_path / "index"), Corpus(built / "corpus.npz")
    _, line = next(lines_of(lines, Role.MELODY, held_out=False))
    match = index.closest_run(next(windows(line)), Role.MELODY)
    assert match is not None
    assert match.steps == WINDOW


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--corpus", "nowhere", "--out", "x"], "Build the corpus first"),
        (["--corpus", "{built}", "--out", "other.npz"], "is called originality.npz"),
        (["--corpus", "{built}/report.txt", "--out", "x"], "Build the corpus again"),
        (["--corpus", "{built}", "--out", "{built}/report.txt/x"], "cannot be written"),
    ],
)
def test_an_index_of_nothing_is_one_sentence(words, said, built):
    found = CliRunner().invoke(app, ["corpus", "index", *(word.replace("{built}", str(built)) for word in words)])
    assert found.exit_code == 1
    assert said in " ".join(found.output.split())


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(), "no music to read"),
        (Wanted(music=(Path("nowhere"),)), "There is no folder nowhere"),
        (Wanted(music=(Path("nowhere"),), names=("m21-folk",)), "none is named"),
        (Wanted(data=Path("nowhere")), "There is no MANIFEST.toml|kept apart"),
    ],
)
def test_what_cannot_be_built_from_is_one_sentence(wanted, said, tmp_path):
    with pytest.raises(Nonsense, match=said):
        corpus.build(wanted, tmp_path / "out", workers=1, say=quiet)


def test_a_folder_with_nothing_usable_says_what_is_needed_and_leaves_the_old_corpus(tmp_path):
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mid").write_bytes(b"")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "corpus.npz").write_bytes(b"old")
    words = ["corpus", "build", "--music", str(tmp_path / "music"), "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 1
    said = " ".join(found.output.split())
    assert "Of 1 files none can teach (the commonest reason: is empty)" in said
    assert "at least four whole bars" in said
    assert (tmp_path / "out" / "corpus.npz").read_bytes() == b"old"


def test_one_tune_alone_is_packed_and_the_want_of_a_second_is_said(tmp_path):
    said: list[str] = []
    corpus.build(Wanted(music=(fill(tmp_path / "m", 1),)), tmp_path / "out", workers=1, say=said.append)
    assert any("training needs a second tune" in line for line in said)
    assert len(Corpus(tmp_path / "out" / "corpus.npz").names) == 1


def test_a_corpus_inside_the_music_is_no_music(tmp_path):
    music = fill(tmp_path, 2)
    for _ in range(2):
        rows = corpus.build(Wanted(music=(music,)), music / "out", workers=1, say=quiet)
        assert (rows[0]["files"], rows[0]["left out"]) == (2, {})


def test_an_out_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(Unavailable, match="cannot be made: file exists"):
        corpus.build(Wanted(music=(fill(tmp_path / "m", 1),)), tmp_path / "out", workers=1, say=quiet)


def test_a_disk_that_refuses_leaves_the_old_corpus(tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise Unavailable(f"{path} cannot be written: no space left on device.", "Free some space.")

    out = tmp_path / "out"
    music = fill(tmp_path / "m", 3)
    corpus.build(Wanted(music=(music,)), out, workers=1, say=quiet)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    fill(tmp_path / "m", 4)
    monkeypatch.setattr(corpus, "write_whole", full)
    with pytest.raises(Unavailable, match="no space left"):
        corpus.build(Wanted(music=(music,)), out, workers=1, say=quiet)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_killed_build_leaves_no_half_written_corpus(tmp_path):
    music, out = fill(tmp_path / "m", 60), tmp_path / "out"
    words = [sys.executable, "-m", "jamlink", "corpus", "build", "--music", str(music), "--out", str(out)]
    child = subprocess.Popen([*words, "--workers", "1"], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not out.exists() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    whole = out / "corpus.npz"
    assert not whole.exists() or Corpus(whole).names
    corpus.build(Wanted(music=(fill(tmp_path / "few", 3),)), out, workers=1, say=quiet)
    assert len(Corpus(whole).names) == 3


def test_ctrl_c_ends_a_build_and_its_readers(tmp_path):
    music, out = fill(tmp_path / "m", 200), tmp_path / "out"
    words = [sys.executable, "-m", "jamlink", "corpus", "build", "--music", str(music), "--out", str(out)]
    child = subprocess.Popen([*words, "--workers", "2"], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not out.exists() and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "Traceback" not in said
    assert not (out / "corpus.npz").exists()


def test_the_same_music_gives_the_same_files(own, built, tmp_path):
    corpus.build(Wanted(music=(own,)), tmp_path, workers=2, say=quiet)
    for name in ("corpus.npz", "split.tsv", "counts.json", "report.txt"):
        assert (tmp_path / name).read_bytes() == (built / name).read_bytes(), name


def test_the_command_prints_the_counts_as_json_too(tmp_path):
    words = ["corpus", "build", "--music", str(fill(tmp_path / "m", 2)), "--out", str(tmp_path / "o"), "--json"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.output
    (row,) = json.loads(found.stdout)
    assert (row["pieces"], row["left out"]) == (2, {})


# --- a manifest


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with an Irish set, a share-alike tune book, drums, evaluation music, a stranger and a broken set."""
    from tests.training.test_corpus import folk, pack, sheet

    root = tmp_path_factory.mktemp("staged") / "data"
    raw = root / "ceol-rince" / "raw"
    fill(raw, 6)
    drone = tuple(Note(Ticks(i * 1920), 38, Ticks(1920)) for i in range(32))
    marks = tuple(Marker(Ticks(i * 3840), text) for i, text in enumerate("CGFC"))
    notes = tuple(Note(Ticks(i * 960), p, Ticks(960), 80 + 30 * (i % 4 == 0)) for i, p in enumerate(tune(5)))
    parts = (Part("", 0, notes), Part("", 1, drone))
    (raw / "t5.mid").write_bytes(score_bytes(MidiScore(parts, meters=(MeterMark(Ticks(0), 4, 4),), markers=marks)))
    (raw / "cut.mid").write_bytes(midi(tune(9))[:80])
    pack(root, "ceol-rince", {})
    pack(root, "oldtime-tunebook", {f"{n}.abc": folk(n) for n in range(3)})
    (root / "vienna4x22").mkdir()
    (root / "vienna4x22" / "vienna4x22.tar.xz").write_bytes(b"not an archive")
    apart = root.parent / "data-eval"
    pack(apart, "openewld-pd", {"pd/A_Song--Nobody.musicxml": sheet("CDEF" * 8)})
    pack(apart, "nottingham", {"n.abc": folk(900)})
    pack(apart, "jsb-chorales", {"jsb-chorales-16th.json": json.dumps({"valid": [], "test": []})})
    entries = {
        "ceol-rince": ("train", "false"), "oldtime-tunebook": ("train", "true"), "groove-midi": ("train", "false"),
        "openewld-pd": ("eval", "false"), "stranger": ("train", "false"), "vienna4x22": ("train", "false"),
    }  # fmt: skip
    text = "".join(f'["{name}"]\nuse = "{use}"\nshare_alike = {sa}\n' for name, (use, sa) in entries.items())
    (root / "MANIFEST.toml").write_text(text)
    (root / "dupes.tsv").write_text("group\tpiece\n")
    (root / "eval-overlap.tsv").write_text("eval_piece\ttrain_piece\n")
    return root


def rows_of(staged: Path, out: Path, **more: object) -> dict[str, dict]:
    rows = corpus.build(Wanted(staged, **more), out, workers=1, say=quiet)  # type: ignore[arg-type]
    return {str(row["source"]): row for row in rows}


def test_every_set_of_the_manifest_is_read_or_its_reason_is_given(staged, tmp_path):
    rows = rows_of(staged, tmp_path)
    assert rows["ceol-rince"]["pieces"] == 6
    assert rows["ceol-rince"]["chords"] == 0  # one has a drone under it, and letters beside it
    assert list(rows["groove-midi"]["left out"]) == ["drums only: jamlink has no words for drums"]
    assert list(rows["openewld-pd"]["left out"]) == ["for evaluation only"]
    assert list(rows["oldtime-tunebook"]["left out"]) == ["share-alike: read with --share-alike"]
    assert list(rows["stranger"]["left out"]) == ["jamlink has no reader for it"]
    assert "is damaged" in next(iter(rows["vienna4x22"]["left out"]))
    report = (tmp_path / "report.txt").read_text()
    for name in ("groove-midi", "openewld-pd", "oldtime-tunebook", "stranger", "vienna4x22", "ceol-rince\tcut.mid"):
        assert f"\n{name}\t" in report


def test_of_a_set_that_is_read_in_part_the_rest_is_named_too(tmp_path):
    index = "file\tclass\nmass.krn\tSATB\nsong.krn\tvoice+keyboard\n"
    (tmp_path / "index.tsv").write_text(index)
    polish = sources.source_of("polish-scores")
    assert [path.name for path in polish.files(tmp_path)] == ["song.krn"]
    assert polish.others(tmp_path) == [("mass.krn", "no keyboard music or song (SATB)")]
    (tmp_path / "midi").mkdir()
    (tmp_path / "midi" / "p01.mid").write_bytes(b"")
    ((name, why),) = sources.source_of("vienna4x22").others(tmp_path)
    assert (name, why.split(":")[0]) == ("midi/p01.mid", "a performance")


def test_share_alike_sets_are_read_when_asked_for_and_move_nothing(staged, tmp_path):
    rows = rows_of(staged, tmp_path / "with", share_alike=True)
    assert rows["oldtime-tunebook"]["pieces"] == 3
    rows_of(staged, tmp_path / "without")
    with_lines = (tmp_path / "with" / "split.tsv").read_text().splitlines()
    assert set((tmp_path / "without" / "split.tsv").read_text().splitlines()) <= set(with_lines)


def test_named_sources_are_read_alone_and_a_share_alike_one_must_be_asked_for(staged, tmp_path):
    assert list(rows_of(staged, tmp_path, names=("ceol-rince",))) == ["ceol-rince"]
    with pytest.raises(Nonsense, match=r"may not be trained on \(share-alike"):
        rows_of(staged, tmp_path, names=("oldtime-tunebook",))
    with pytest.raises(Nonsense, match="no words for drums"):
        rows_of(staged, tmp_path, names=("groove-midi",))
    with pytest.raises(Nonsense, match="no set that jamlink can read"):
        rows_of(staged, tmp_path, names=("ceol-rinse",))


def test_an_archive_that_is_not_the_manifests_is_left_out(staged, tmp_path):
    with pytest.raises(Nonsense, match="not the file that the manifest describes"):
        sources.unpacked(staged, "ceol-rince", tmp_path, "0" * 64)
    assert not (tmp_path / "ceol-rince" / ".done").exists()


def test_a_manifest_that_says_nothing_of_use_is_one_sentence(tmp_path):
    (tmp_path / "MANIFEST.toml").write_text('["m21-folk"]\nshare_alike = false\n')
    with pytest.raises(Nonsense, match="cannot be read"):
        corpus.read_manifest(tmp_path)


# --- the split


def melody(source: str, name: str, pitches: list[int]) -> Written:
    from jamlink.tokens import vocab

    bars = [[vocab.pitch_id(p) for p in pitches]]
    stream = corpus.Stream("melody", bars, [[]], np.zeros((1, len(corpus.BAR_FACTS)), np.float32))
    return Written(source, name, (-1, 0, -1, -1), [stream], 1, len(pitches), 0, "")


def divided(*written: Written, apart: dict | None = None) -> tuple[list[Written], splitting.Split, dict[str, Report]]:
    reports = {tune.source: Report() for tune in written}
    return (*splitting.divide(list(written), apart or {}, {}, reports), reports)


def test_a_later_source_moves_no_piece_and_goes_where_its_relatives_are():
    old = [melody("m21-folk", f"o{n}", tune(n)) for n in range(COUNT)]
    _, before, _ = divided(*old)
    new = [melody("ceol-rince", f"a{n}", tune(n)[:30] + tune(n + 500)) for n in range(COUNT)]
    new += [melody("ceol-rince", f"b{n}", tune(n + 900)) for n in range(COUNT)]
    both, after, _ = divided(*new, *old)
    assert {p: (after.family[p], after.out[p]) for p in before.out} == {
        p: (before.family[p], before.out[p]) for p in before.out
    }
    assert any(before.out.values())
    for n in range(COUNT):
        assert after.out[f"ceol-rince:a{n}"] == before.out[f"m21-folk:o{n}"]
        assert after.family[f"ceol-rince:a{n}"] == before.family[f"m21-folk:o{n}"]
    assert len(both) == 3 * COUNT


def test_a_later_double_is_left_out_and_one_between_both_sides_too():
    old = [melody("m21-folk", f"o{n}", tune(n)) for n in range(COUNT)]
    _, before, _ = divided(*old)
    out = next(n for n in range(COUNT) if before.out[f"m21-folk:o{n}"])
    train = next(n for n in range(COUNT) if not before.out[f"m21-folk:o{n}"])
    same = melody("ceol-rince", "same", [p - 2 for p in tune(train)])
    torn = melody("ceol-rince", "torn", tune(out)[:32] + tune(train)[:32])
    kept, _, reports = divided(*old, same, torn)
    assert [tune.source for tune in kept] == ["m21-folk"] * COUNT
    assert reports["ceol-rince"].left_out == [("same", "double"), ("torn", splitting.BOTH_SIDES)]


@pytest.mark.parametrize("source", ["m21-folk", "ceol-rince", "mutopia-sa", "my-music"])
def test_relatives_of_evaluation_music_are_left_out_of_every_wave(source):
    apart = {"nottingham:x": fingerprint([p + 5 for p in tune(1)])}
    kept, _, reports = divided(melody(source, "x", tune(1)), melody(source, "y", tune(2)), apart=apart)
    assert [tune.name for tune in kept] == ["y"]
    assert reports[source].left_out == [("x", splitting.RELATED)]


def test_a_chart_goes_with_the_song_it_analyses():
    songs = [melody("openscore-lieder", f"scores/A/B/s{n}/lc{n}.musicxml", tune(n)) for n in range(COUNT)]
    charts = [Written("when-in-rome", f"OpenScore-LiederCorpus/A/B/s{n}", (-1, 0, -1, -1), [], 1, 0, 1, "people")
              for n in range(COUNT)]  # fmt: skip
    kept, split, _ = divided(*songs, *charts, apart={"openewld-pd:x": fingerprint(tune(3))})
    assert not any("s3" in tune.name.split("/") for tune in kept)
    for n in (n for n in range(COUNT) if n != 3):
        assert split.out[f"when-in-rome:{charts[n].name}"] == split.out[f"openscore-lieder:{songs[n].name}"]
