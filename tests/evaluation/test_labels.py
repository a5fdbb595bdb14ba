"""The analyser's labels beside people's: hand-worked shares on a song and a phrase of four bars each."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jamlink.cli import app
from jamlink.evaluation.labels import evaluate

STEPS = {0: "C", 2: "D", 4: "E", 5: "F", 7: "G", 9: "A", 11: "B"}
CHORDS = ((48, 60, 64, 67), (45, 60, 64, 69), (41, 60, 65, 69), (43, 59, 62, 67))
"""C, Am, F, G: a bar each."""


def xml() -> str:
    measures = ""
    for i, chord in enumerate(CHORDS):
        head = "<attributes><divisions>1</divisions><time><beats>4</beats><beat-type>4</beat-type></time></attributes>"
        notes = "".join(
            f"<note>{'<chord/>' if n else ''}<pitch><step>{STEPS[p % 12]}</step><octave>{p // 12 - 1}</octave></pitch>"
            "<duration>4</duration></note>"
            for n, p in enumerate(chord)
        )
        measures += f'<measure number="{i + 1}">{head if i == 0 else ""}{notes}</measure>'
    return (
        f'<score-partwise><part-list><score-part id="P1"/></part-list><part id="P1">{measures}</part></score-partwise>'
    )


def kern(numerals: str) -> str:
    names = {48: "C", 45: "AA", 41: "FF", 43: "GG"}
    rows = [
        f"={i + 1}\t={i + 1}\t={i + 1}\n1{numeral}\t1{names[chord[0]]}\t"
        + " ".join({59: "1B", 60: "1c", 62: "1d", 64: "1e", 65: "1f", 67: "1g", 69: "1a"}[p] for p in chord[1:])
        for i, (numeral, chord) in enumerate(zip(numerals.split(), CHORDS, strict=True))
    ]
    return "**harm\t**kern\t**kern\n*M4/4\t*M4/4\t*M4/4\n*C:\t*C:\t*C:\n" + "\n".join(rows) + "\n*-\t*-\t*-\n"


@pytest.fixture
def music(tmp_path) -> Path:
    files = {
        "openscore-lieder": {"scores/A/_/Song/1.musicxml": xml(), "scores/A/_/Other/2.musicxml": xml()},
        "when-in-rome": {
            "OpenScore-LiederCorpus/A/_/Song/analysis.txt": "Time Signature: 4/4\nm1 C: I\nm2 vi\nm3 ii\nm4 V b3 i\n",
            "OpenScore-LiederCorpus/A/_/Other/analysis.txt": "Time Signature: 4/4\nm1 C: I\nm9 V\n",  # longer than it is
            "OpenScore-LiederCorpus/A/_/Lost/analysis.txt": "m1 C: I\n",
        },
        "tavern": {"M/K1/K1_00_01a_a.krn": kern("I vi IV V"), "M/K1/K1_00_01a_b.krn": kern("I vi iib V")},
    }
    for name, texts in files.items():
        folder = tmp_path / name
        for file, text in texts.items():
            path = folder / "raw" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with tarfile.open(folder / f"{name}.tar.xz", "w:xz") as tar:
            tar.add(folder / "raw", arcname=".")
    return tmp_path


def test_shares_are_counted_by_beat_and_people_are_compared_too(music):
    rows = {row.system: row for row in evaluate(data=music).rows}
    assert rows["when-in-rome: analyser"].n == 16
    # people: C Am Dm/ and G Cm; the analyser: C Am F G, so bar 3 and half of bar 4 are wrong
    assert rows["when-in-rome: analyser"].metrics == {"root": 10 / 16, "root_and_third": 10 / 16, "exact": 10 / 16}
    assert rows["when-in-rome: tonic"].metrics["root"] == 6 / 16  # C in bar 1 and in the last two beats
    assert rows["when-in-rome: tonic"].metrics["root_and_third"] == 4 / 16
    assert rows["tavern: analyser"].metrics["exact"] == 1.0
    assert rows["tavern: the other annotator"].metrics["root"] == 0.75


def test_the_command_prints_one_object(music):
    found = CliRunner().invoke(app, ["corpus", "check-labels", "--data", str(music), "--json"])
    assert found.exit_code == 0, found.output
    assert {row["system"] for row in json.loads(found.stdout)["rows"]} >= {"tavern: analyser", "when-in-rome: analyser"}


def test_missing_music_is_one_sentence(tmp_path):
    found = CliRunner().invoke(app, ["corpus", "check-labels", "--data", str(tmp_path)])
    assert found.exit_code == 1
    assert found.stderr.splitlines()[-1].startswith("jamlink: There is no ")
    assert "Traceback" not in found.output
