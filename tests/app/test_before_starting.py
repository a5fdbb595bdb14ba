"""What cannot play is said before anything starts."""

from __future__ import annotations

import shutil

import pytest

from jamlink.app.before_starting import look_before_starting
from jamlink.errors import JamlinkError
from jamlink.proposers import markov
from jamlink.resources import data_folder
from jamlink.settings import Settings, load


def test_a_damaged_chord_table_is_said_before_the_jam_starts(tmp_path, monkeypatch):
    shutil.copytree(data_folder("models") / "markov", tmp_path / "markov")
    (tmp_path / "markov" / "chords.json").write_text("{")
    monkeypatch.setattr(markov, "data_folder", lambda name: tmp_path)
    settings = load(tmp_path / "none", {}, {"model.proposer": "markov"})
    with pytest.raises(JamlinkError) as said:
        look_before_starting(settings)
    assert said.value.remedy


def test_a_broken_map_of_the_players_own_is_named_and_is_no_reason_not_to_start(home, capsys):
    maps = home / "config" / "jamlink" / "maps"
    maps.mkdir(parents=True)
    (maps / "mine.toml").write_text("name = 3\n")
    look_before_starting(Settings())
    assert "mine.toml, line 1" in capsys.readouterr().err
