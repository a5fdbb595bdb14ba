"""Who makes a jam's ideas is who was asked for, and what cannot play is said before anything starts."""

from __future__ import annotations

import shutil

import pytest

from jamlink import app as house
from jamlink.errors import JamlinkError
from jamlink.proposers import markov
from jamlink.resources import data_folder
from jamlink.settings import load


@pytest.mark.parametrize(
    ("chosen", "beside", "plays"),
    [
        ("transformer", "rules", "rules"),
        ("transformer", "markov", "markov"),
        ("rules", "markov", "rules"),
        ("markov", "rules", "markov"),
    ],
)
def test_who_plays_without_a_model_is_who_was_chosen(tmp_path, chosen, beside, plays):
    settings = load(tmp_path / "none", {}, {"model.proposer": chosen, "model.stand_in": beside})
    assert house.without_model(settings).name == plays


def test_a_damaged_chord_table_is_said_before_the_jam_starts(tmp_path, monkeypatch):
    shutil.copytree(data_folder("models") / "markov", tmp_path / "markov")
    (tmp_path / "markov" / "chords.json").write_text("{")
    monkeypatch.setattr(markov, "data_folder", lambda name: tmp_path)
    settings = load(tmp_path / "none", {}, {"model.proposer": "markov"})
    with pytest.raises(JamlinkError) as said:
        house._look_before_starting(settings)
    assert said.value.remedy
