"""Settings come in layers, and a mistake is named by where it stands."""

from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.session.inputs import Mode, Repeat
from jamlink.session.proposal import Role
from jamlink.session.settings import AccompanySettings
from jamlink.settings import (
    clips_folder,
    load,
    offsets_ns,
    programs,
    remember,
    remembered,
    remote_config,
    session_settings,
    with_remembered,
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "settings.toml"


def test_a_missing_file_means_the_defaults(file):
    setup = session_settings(load(file, {}, {}), seed=3)
    assert (setup.bars, setup.seed, setup.roles) == (4, 3, frozenset(Role))


def test_a_flag_wins_over_the_environment_and_that_over_the_file(file):
    file.write_text("[session]\ntempo = 80\nbars = 2\nrepeat = 'loop'\n")
    settings = load(file, {"JAMLINK_SESSION_TEMPO": "90", "JAMLINK_SESSION_BARS": "8"}, {"session.tempo": 120.0})
    assert (settings.session.tempo, settings.session.bars, settings.session.repeat) == (120, 8, Repeat.LOOP)


@pytest.mark.parametrize(("dotted", "flag"), [("sync.source", "--sync"), ("session.mode", "--mode")])
def test_a_flag_that_does_not_fit_is_named_as_it_was_typed(file, dotted, flag):
    with pytest.raises(Nonsense, match=f"^{flag}: 'foo' does not fit"):
        load(file, {}, {dotted: "foo"})


def test_a_flag_that_was_not_given_changes_nothing(file):
    file.write_text("[session]\nbars = 2\n")
    assert load(file, {}, {"session.bars": None}).session.bars == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[session]\ntempo = 'fast'\n", ["settings.toml", "session.tempo"]),
        ("[sesion]\ntempo = 90\n", ["sesion"]),
        ("[session]\ntempoo = 90\n", ["tempoo", "session"]),
        ("[session]\ntempo = \n", ["settings.toml", "line 2"]),
        ("[session]\nroles = ['drums']\n", ["drums", "roles"]),
        ("[model]\nproposer = 'magic'\n", ["magic", "model.proposer"]),
        ("[bridge]\ndaw = 'cubase'\n", ["cubase", "one of live, reaper, bitwig, ardour, or leave it empty"]),
        ("[ports]\nown = 'two'\n", ["two", "one of roles, one."]),
        ("[osc]\nsenders = '10.0.0.2'\n", ["osc.senders", 'a list, like ["this", "that"]']),
    ],
)
def test_a_mistake_in_the_file_names_the_file_and_the_key(file, text, words):
    file.write_text(text)
    with pytest.raises(Nonsense) as mistake:
        load(file, {}, {})
    assert all(word in str(mistake.value) for word in words), str(mistake.value)


def test_a_mistake_in_the_environment_names_the_variable(file):
    with pytest.raises(Nonsense, match="JAMLINK_SESSION_TEMPO"):
        load(file, {"JAMLINK_SESSION_TEMPO": "fast"}, {})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"session.tempo": 20.0}, "20 bpm is outside"),
        ({"session.meter": "5/9"}, "does not count 5/9"),
        ({"session.bars": 3}, "3 bars"),
        ({"session.key": "H"}, "not a key"),
        ({"session.count_in": 4}, "count-in of 4"),
        ({"session.density": 3.0}, "density = 3.0"),
        ({"session.roles": []}, "No role"),
        ({"session.style": "polka"}, "no style called 'polka'"),
    ],
)
def test_an_impossible_session_is_refused_with_a_remedy(file, flags, words):
    with pytest.raises(Nonsense, match=words) as mistake:
        session_settings(load(file, {}, flags), 1)
    assert mistake.value.remedy


def test_ports_are_remembered_unless_others_are_named(tmp_path):
    path = tmp_path / "deep" / "remembered.json"
    remember(path, {"input": "launchkey", "output": "fluid"})
    settings = load(tmp_path / "none", {}, {"ports.output": "daw"})
    ports = with_remembered(settings, remembered(path)).ports
    assert (ports.input, ports.output) == ("launchkey", "daw")


@pytest.mark.parametrize("damage", ["", "{", "[1]", "\x00"])
def test_a_damaged_memory_is_only_forgotten(tmp_path, damage):
    path = tmp_path / "remembered.json"
    path.write_text(damage)
    assert remembered(path) == {}


# -- clips, offsets, sounds, OSC --------------------------------------------------------------------------------------


def test_clips_lie_beside_the_session_files_in_a_folder_for_each_jam_unless_something_else_is_said(file, tmp_path):
    jam = tmp_path / "sessions" / "2026-01-01 10.00.00.jam"
    assert clips_folder(load(file, {}, {}), jam) == tmp_path / "sessions" / "clips" / "2026-01-01 10.00.00"
    named = load(file, {}, {"clips.folder": str(tmp_path / "browser")})
    assert clips_folder(named, jam) == tmp_path / "browser" / "2026-01-01 10.00.00"
    assert clips_folder(load(file, {}, {"clips.folder": "off"}), jam) is None


def test_an_offset_is_of_one_output_or_of_all_others(file):
    file.write_text("[ports]\noffsets = { all = -5.5, bass = 10 }\n")
    found = offsets_ns(load(file, {}, {}))
    assert {out.value: at for out, at in found.items()} == {
        "chords": -5_500_000,
        "melody": -5_500_000,
        "metronome": -5_500_000,
        "preview": -5_500_000,
        "bass": 10_000_000,
        "clock": 0,
    }


def test_sounds_are_asked_for_by_their_number_from_1(file):
    file.write_text("[programs]\nchords = 1\nbass = 33\n")
    assert programs(load(file, {}, {})) == {"chords": 0, "bass": 32}
    assert programs(load(file.parent / "none.toml", {}, {})) == {}


def test_osc_is_off_and_at_home_unless_it_is_asked_for(file):
    config = remote_config(load(file, {}, {}))
    assert (config.wanted, config.osc.address) == (False, "127.0.0.1")
    assert remote_config(load(file, {}, {"osc.on": True})).wanted
    assert remote_config(load(file, {}, {"bridge.daw": "live"})).wanted


@pytest.mark.parametrize(
    ("text", "check", "words"),
    [
        ("[ports]\noffsets = { drums = 1 }\n", offsets_ns, "no output called 'drums'"),
        ("[ports]\noffsets = { all = -500 }\n", offsets_ns, "too far"),
        ("[programs]\nbass = 200\n", programs, "no such sound"),
        ("[clips]\nbars = 0\n", lambda s: clips_folder(s, Path("x.jam")), "bars = 0"),
        ("[osc]\nport = 70000\n", remote_config, "no such port"),
        ("[bridge]\ntrack = 0\n", remote_config, "tracks count from 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(file, text, check, words):
    file.write_text(text)
    with pytest.raises(Nonsense, match=words):
        check(load(file, {}, {}))


def test_an_unknown_daw_is_named_with_those_that_are_known(file):
    with pytest.raises(Nonsense, match="live, reaper, bitwig, ardour"):
        load(file, {}, {"bridge.daw": "cubase"})


def test_how_an_accompaniment_follows_is_said_in_the_file_by_a_flag_or_in_the_environment(file):
    file.write_text("[session]\nmode = 'accompany'\n[accompany]\nlook-ahead = 8\ncommit = 2\n")
    settings = load(file, {"JAMLINK_ACCOMPANY_LOOK_AHEAD": "6"}, {"accompany.listen": 4, "accompany.rest": 0})
    setup = session_settings(settings, 1)
    assert setup.mode is Mode.ACCOMPANY
    assert setup.accompany == AccompanySettings(look_ahead=6, commit=2, listen=4, rest=0)
    assert session_settings(load(file.parent / "none.toml", {}, {}), 1).accompany == AccompanySettings(4, 4, 8, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[accompany]\ncommit = 17\n", "commit = 17 is not possible. Choose 0 to 16 beats"),
        ("[accompany]\nlook-ahead = 1\ncommit = 2\n", "look-ahead that is no shorter than the commit"),
        ("[accompany]\nlook_ahead = 1\n", "nothing called look_ahead in .accompany."),
        ("[accompany]\nlisten = 'long'\n", "Choose a whole number"),
        ("[session]\nmode = 'accompany'\nroles = ['melody']\n", "Arm chords or bass"),
    ],
)
def test_an_accompaniment_that_cannot_be_is_one_sentence(file, text, words):
    file.write_text(text)
    with pytest.raises(Nonsense, match=words):
        session_settings(load(file, {}, {}), 1)


@pytest.mark.parametrize(("variable", "meant"), [
    ("JAMLINK_TEMPO", "JAMLINK_SESSION_TEMPO."),
    ("JAMLINK_COUNT_IN", "JAMLINK_SESSION_COUNT_IN."),
    ("JAMLINK_LOOK_AHEAD", "JAMLINK_ACCOMPANY_LOOK_AHEAD."),
    ("JAMLINK_PORT", "JAMLINK_SYNC_PORT or JAMLINK_PAGE_PORT or JAMLINK_OSC_PORT or JAMLINK_BRIDGE_PORT."),
])  # fmt: skip
def test_a_variable_without_its_table_is_refused_with_the_right_name(file, variable, meant):
    with pytest.raises(Nonsense, match=f"{variable} .* Call it {meant}"):
        load(file, {variable: "1"}, {})


@pytest.mark.parametrize("variable", ["JAMLINK_ENGINE", "JAMLINK_DEBUG", "TEMPO"])
def test_a_variable_that_is_no_setting_is_left_alone(file, variable):
    assert load(file, {variable: "1"}, {}) == load(file, {}, {})
