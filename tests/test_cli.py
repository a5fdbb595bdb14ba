"""What a player types, and what comes back: one sentence with a remedy, exit code 1, nothing harmed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from jamlink.cli import app
from jamlink.errors import Unavailable
from jamlink.music.chord import parse_chord
from jamlink.music.key import parse_key
from jamlink.ports.discovery import Found

pytestmark = pytest.mark.usefixtures("home")

PERFORMANCE = Path(__file__).parent / "data" / "mozart_k331_p04.mid"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A short performance, a text that is no MIDI, a folder and a file in a folder's place."""
    shutil.copy(PERFORMANCE, tmp_path / "in.mid")
    (tmp_path / "text.mid").write_text("hello")
    (tmp_path / "cut.mid").write_bytes(PERFORMANCE.read_bytes()[:300])
    (tmp_path / "text.jam").write_text("hello")
    (tmp_path / "taken").mkdir()
    return tmp_path


def jamlink(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def is_one_sentence(result: Result, *words: str) -> None:
    assert result.exit_code == 1, result.output
    assert not isinstance(result.exception, Exception), result.exception
    assert result.stderr.startswith("jamlink: ")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert all(word in result.stderr for word in words), result.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--tempo", "1000"], ["1000 bpm", "40 to 240"]),
        (["--tempo", "nan"], ["nan bpm"]),
        (["--meter", "5/0"], ["5/0", "Choose one of"]),
        (["--tempo", "abc"], ["--tempo: 'abc' does not fit", "a number"]),
        (["--proposer", "foo"], ["--proposer: 'foo' does not fit", "transformer, markov, rules"]),
        (["--bars", "3"], ["3 bars", "1, 2, 4 or 8"]),
        (["--roles", "chords,drums"], ["--roles", "drums", "any of chords, melody, bass"]),
        (["--roles", ","], ["--roles", "any of chords"]),
        (["--key", "H"], ["'H' is not a key"]),
        (["--repeat", "twice"], ["--repeat", "'twice'", "once, loop, keep going"]),
        (["--mode", "war"], ["--mode", "'war'", "propose, trade"]),
        (["--click", "loud"], ["--click", "off, count-in, on"]),
        (["--count-in", "7"], ["0, 1 or 2"]),
        (["--system", "Foo"], ["Foo", "Choose auto"]),
        (["--look-ahead", "99"], ["--look-ahead 99 is not possible", "0 to 16 beats"]),
        (["--commit", "99"], ["--commit 99 is not possible", "0 to 16 beats"]),
        (["--commit", "-1"], ["--commit -1 is not possible", "0 to 16 beats"]),
        (["--listen", "99"], ["--listen 99 is not possible", "0 to 64 beats"]),
        (["--rest", "99"], ["--rest 99 is not possible", "0 to 32 bars"]),
        (["--look-ahead", "2", "--commit", "4"], ["4 beats ahead", "no shorter than the commit"]),
    ],
)
def test_an_impossible_flag_is_refused_before_anything_starts(flags, words, home):
    is_one_sentence(jamlink("jam", "--plain", *flags), *words)
    assert not home.exists() or not list(home.rglob("*.jam"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[session]\ntempo = 'fast'\n", ["line 2", "session.tempo = 'fast'", "Choose a number"]),
        ("[session]\nbars = 4\ntempos = 92\n", ["line 3", "nothing called tempos in [session]", "tempo"]),
        ("[sesion]\ntempo = 3\n", ["line 1", "nothing called sesion", "session"]),
        ("[session\ntempo = 1\n", ["line 1"]),
        ("session = 3\n", ["line 1", "session = 3"]),
        ('[session]\nroles = "chords"\n', ["line 2", "any of chords, melody, bass"]),
        ('[model]\nstand_in = "x"\n', ["line 2", "rules, markov"]),
        ("sessions_folder = 4\n", ["line 1", "text in quotes"]),
        ('[ports]\nmap = "nope"\n', ["no map called 'nope'", "Choose one of"]),
    ],
)
def test_a_broken_settings_file_names_the_line_and_what_fits(text, words, home):
    file = home / "config" / "jamlink" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    is_one_sentence(jamlink("jam", "--plain"), *words)


@pytest.mark.parametrize(
    ("source", "target", "more", "words"),
    [
        ("missing.mid", "out.mid", [], ["cannot be read"]),
        ("taken", "out.mid", [], ["cannot be read"]),
        ("text.mid", "out.mid", [], ["not a MIDI file"]),
        ("cut.mid", "out.mid", [], ["cut off"]),
        ("in.mid", "taken", [], ["is a folder"]),
        ("in.mid", "in.mid", [], ["overwrite", "another name"]),
        ("in.mid", "out.jam", [], ["overwrite", ".mid"]),
        ("in.mid", "text.mid/out.mid", [], ["cannot be written", "another folder"]),
        ("in.mid", "/proc/nowhere/out.mid", [], ["cannot be written", "another folder"]),
        ("in.mid", "out.mid", ["--bars", "3"], ["1, 2, 4 or 8"]),
        ("in.mid", "nosuch/out.mid", [], ["there is no folder", "another folder"]),
        ("in.mid", "out.mid", ["--bars", "x"], ["--bars: 'x' does not fit", "a whole number"]),
        ("in.mid", "out.mid", ["--proposer", "foo"], ["--proposer: 'foo' does not fit", "transformer, markov, rules"]),
        ("in.mid", "out.mid", ["--key", "H"], ["'H' is not a key"]),
        ("in.mid", "out.mid", ["--roles", "drums"], ["any of chords, melody, bass"]),
        ("in.mid", "out.mid", ["--mode", "war"], ["propose, trade"]),
        ("in.mid", "out.mid", ["--commit", "99"], ["--commit 99 is not possible", "0 to 16 beats"]),
    ],
)
def test_a_render_that_cannot_be_harms_nothing(source, target, more, words, folder):
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    result = jamlink("render", str(folder / source), "-o", str(folder / target), "--proposer", "rules", *more)
    is_one_sentence(result, *words)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_render_of_an_absent_model_says_so(folder):
    result = jamlink("render", str(folder / "in.mid"), "-o", str(folder / "out.mid"), "--model", str(folder / "taken"))
    is_one_sentence(result, "config.json is not there", "choose another model")
    assert not (folder / "out.mid").exists()


@pytest.mark.parametrize("command", [["ledger", "verify"], ["ledger", "show"], ["ledger", "report"], ["replay"]])
@pytest.mark.parametrize(
    ("file", "words"), [("none.jam", ["no session"]), ("text.jam", ["damaged"]), ("taken", ["no session"])]
)
def test_what_is_no_session_is_said(command, file, words, folder):
    is_one_sentence(jamlink(*command, str(folder / file)), *words)


def test_an_export_never_overwrites_the_session_it_reads(folder):
    jamlink("render", str(folder / "in.mid"), "-o", str(folder / "out.mid"), "--proposer", "rules")
    is_one_sentence(jamlink("export", str(folder / "out.render.jam"), str(folder / "out.render.jam")), "overwrite")
    assert jamlink("ledger", "verify", str(folder / "out.render.jam")).exit_code == 0


def test_an_export_as_something_unknown_names_what_there_is(folder):
    jamlink("render", str(folder / "in.mid"), "-o", str(folder / "out.mid"), "--proposer", "rules")
    for name, called in (("out.txt", ".txt"), ("out.", "out.")):
        result = jamlink("export", str(folder / "out.render.jam"), str(folder / name))
        is_one_sentence(result, f"written as {called}", ".mid, .musicxml, .abc, .ireal, .dawproject")
        assert not (folder / name).exists()


def test_a_render_in_a_locked_key_stays_in_it(folder):
    target, key = str(folder / "out.mid"), parse_key("Dm")
    result = jamlink(
        "render", str(folder / "in.mid"), "-o", target, "--proposer", "rules", "--key", "Dm", "--bars", "2", "--json"
    )
    symbols = [s for slot in json.loads(result.stdout)["slots"] for s in slot["chords"].split()]
    assert [s for s in symbols if not parse_chord(s).belongs_to(key)] == []
    assert symbols


def test_a_midi_system_that_there_is_not_is_named_before_anything_is_measured():
    is_one_sentence(jamlink("doctor", "--loopback", "--system", "Amiga"), 'no MIDI system called "Amiga"')


def test_ports_to_measure_without_the_measuring_are_not_passed_over():
    is_one_sentence(jamlink("doctor", "--out", "synth"), "Add --loopback.")


def test_every_controller_map_fits_on_its_own_line():
    lines = jamlink("maps", "list").output.splitlines()
    assert any(line.startswith("any controller  whatever no other map fits") for line in lines)
    assert all("  " in line for line in lines)


def test_a_broken_map_is_named(folder):
    (folder / "map.toml").write_text("name = 3\n")
    is_one_sentence(jamlink("maps", "check", str(folder / "map.toml")), "map.toml")


@pytest.mark.parametrize("command", [["maps", "learn", "--in", "pads", "-o"], ["corpus", "build"]])
def test_what_cannot_be_done_is_said_before_the_work(command, folder):
    taken, new = str(folder / "taken"), str(folder / "corpus")
    more = ["--data", taken, "--out", new] if command[0] == "corpus" else [str(folder / "in.mid" / "m")]
    is_one_sentence(jamlink(*command, *more))


@pytest.mark.parametrize("command", [["ports"], ["maps", "learn"]])
def test_no_midi_system_is_said_with_a_remedy(command, monkeypatch):
    gone = Found((), (Unavailable("No JACK server answers.", "Start JACK or PipeWire."),), ())
    monkeypatch.setattr("jamlink.ports.discovery.list_ports", lambda clock: gone)
    is_one_sentence(jamlink(*command), "No JACK server answers. Start JACK")


def test_help_is_there_at_once_because_nothing_heavy_is_imported_for_it():
    code = "import sys, jamlink.cli; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "jamlink.cli.jam" in loaded
    assert not loaded & {
        "jamlink.settings",
        "jamlink.session",
        "msgspec",
        "numpy",
        "textual",
        "starlette",
        "mido",
        "torch",
    }
