"""Settings come in layers, and a mistake is named by where it stands."""

import pytest

from jamlink.errors import Nonsense
from jamlink.session.inputs import Repeat
from jamlink.session.proposal import Role
from jamlink.settings import load, remember, remembered, session_settings, with_remembered


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
