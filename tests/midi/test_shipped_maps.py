from __future__ import annotations

import re
from pathlib import Path

import pytest

from jamlink.midi.actions import GESTURES, Action, Knob
from jamlink.midi.events import SUSTAIN
from jamlink.midi.map_files import parse_map, read_map, read_maps
from jamlink.midi.maps import GENERIC, ControllerMap, Signal, choose

FOLDER = Path(__file__).parents[2] / "midi_maps"
MAPS, TROUBLES = read_maps(FOLDER)
README = (FOLDER / "README.md").read_text()


def test_every_shipped_map_is_good_and_says_what_it_assumes():
    assert TROUBLES == []
    assert len(MAPS) == len(list(FOLDER.glob("*.toml"))) >= 8
    assert all(made.preset for made in MAPS.values())
    assert len({made.name for made in MAPS.values()}) == len(MAPS)


def test_no_map_claims_to_have_been_tried_on_hardware_that_nobody_here_has():
    assert not any(made.tried for made in MAPS.values())


@pytest.mark.parametrize("name", sorted(MAPS))
def test_with_every_map_an_idea_can_be_taken_and_everything_silenced(name):
    bound = {action for b in MAPS[name].buttons for action in (b.press, b.tap, b.hold, b.long_hold)}
    assert {Action.ACCEPT, Action.PANIC, Action.UNDO} <= bound
    assert Action.PLAY_STOP in bound or {Action.START, Action.STOP} <= bound


@pytest.mark.parametrize("name", sorted(set(MAPS) - {"korg-nanokontrol2"}))
def test_no_map_of_something_with_keys_takes_the_sustain_pedal(name):
    assert (Signal.CC, SUSTAIN) not in [(b.source.signal, b.source.number) for b in MAPS[name].buttons]


def test_the_generic_map_takes_no_key_of_a_keyboard_on_its_usual_channel():
    assert all(b.source.channel == 9 for b in MAPS[GENERIC].buttons if b.source.signal is Signal.NOTE)
    assert MAPS[GENERIC].ports == ()


# Names as ALSA, CoreMIDI and Windows show them.
@pytest.mark.parametrize(
    ("port", "file"),
    [
        ("MPK mini 3:MPK mini 3 MIDI 1 24:0", "akai-mpk-mini-mk3"),
        ("MPK mini 3", "akai-mpk-mini-mk3"),
        ("MPKmini2:MPKmini2 MIDI 1 28:0", "akai-mpk-mini-mk2"),
        ("Launchkey Mini MK3:Launchkey Mini MK3 MIDI 1 20:0", "novation-launchkey"),
        ("Launchkey MK2 49", "novation-launchkey"),
        ("Launchpad Mini MK3:Launchpad Mini MK3 LPMiniMK3 MI 20:1", "novation-launchpad"),
        ("LPX MIDI Out", "novation-launchpad"),
        ("Launchpad Mini:Launchpad Mini MIDI 1 20:0", "novation-launchpad-classic"),
        ("KeyLab mkII 61:KeyLab mkII 61 MIDI 20:0", "arturia-keylab"),
        ("KeyLab mkII 61:KeyLab mkII 61 DAW 20:1", "arturia-keylab-daw"),
        ("Arturia KeyLab Essential 49 MIDI 1", "arturia-keylab"),
        ("Arturia MiniLab mkII", "arturia-minilab-mk2"),
        ("Minilab3:Minilab3 Minilab3 MIDI 20:0", "arturia-minilab-3"),
        ("nanoKONTROL2:nanoKONTROL2 MIDI 1 20:0", "korg-nanokontrol2"),
        ("X-Touch:X-Touch X-Touch_INT 24:0", "mackie-control"),
        ("Roland Digital Piano MIDI 1", GENERIC),
    ],
)
def test_a_device_is_known_by_the_name_of_its_port(port, file):
    assert choose(list(MAPS.values()), port, MAPS[GENERIC]) == MAPS[file]


def test_the_table_of_actions_in_the_readme_is_the_one_in_the_code():
    rows = [f"| {g.action.value} | {g.key} | {g.does} |" for g in GESTURES]
    assert re.findall(r"^\| (?!in a map).*\|$", README, re.MULTILINE) == rows


def test_the_format_in_the_readme_is_a_map_that_works():
    text = "\n".join(line[4:] for line in README.splitlines() if line.startswith("    "))
    made = parse_map(text, "README.md")
    assert isinstance(made, ControllerMap)
    assert [b.press or b.tap for b in made.buttons] == [Action.ACCEPT, Action.ACCEPT]
    assert [k.knob for k in made.knobs] == [Knob.SURPRISE]


def test_reading_a_folder_passes_over_a_broken_map_and_says_so(tmp_path):
    (tmp_path / "good.toml").write_text('name = "good"\nports = ["x"]\n')
    (tmp_path / "bad.toml").write_text("name = \n")
    (tmp_path / "notes.txt").write_text("not a map")
    maps, troubles = read_maps(tmp_path)
    assert list(maps) == ["good"]
    assert maps["good"] == read_map(tmp_path / "good.toml")
    assert ["bad.toml, line 1" in str(trouble) for trouble in troubles] == [True]
