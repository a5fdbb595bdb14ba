"""Who makes a jam's ideas is who was asked for, and what cannot play is said before anything starts."""

from __future__ import annotations

import shutil
from types import SimpleNamespace
from typing import Any

import pytest

from jamlink import app as house
from jamlink.app import bench_words
from jamlink.engine import native
from jamlink.errors import JamlinkError, Nonsense
from jamlink.proposers import markov
from jamlink.resources import data_folder
from jamlink.runtime.bench_along import AlongTimes, StandInTimes
from jamlink.settings import Settings, load
from jamlink.web.slip import Door, Role, Slip


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


def test_what_is_said_beside_a_demo_counts_but_not_another_meter():
    assert house._for_demo({"session.tempo": None})["session.tempo"] == 96.0
    said = house._for_demo({"session.tempo": 140.0, "session.repeat": "once", "session.bars": 2})
    assert (said["session.tempo"], said["session.repeat"], said["session.bars"]) == (140.0, "once", 2)
    with pytest.raises(Nonsense, match="in 4/4"):
        house._for_demo({"session.meter": "3/4"})


def test_a_damaged_chord_table_is_said_before_the_jam_starts(tmp_path, monkeypatch):
    shutil.copytree(data_folder("models") / "markov", tmp_path / "markov")
    (tmp_path / "markov" / "chords.json").write_text("{")
    monkeypatch.setattr(markov, "data_folder", lambda name: tmp_path)
    settings = load(tmp_path / "none", {}, {"model.proposer": "markov"})
    with pytest.raises(JamlinkError) as said:
        house._look_before_starting(settings)
    assert said.value.remedy


def engine_check() -> Any:
    """What the doctor says of the engine."""
    whole, engine = house._check_model(Settings())
    assert whole.ok
    return engine


def test_the_doctor_says_why_numpy_computes(tmp_path, monkeypatch):
    monkeypatch.delenv(native.LEVEL_SETTING, raising=False)
    monkeypatch.setattr(native, "library", lambda: tmp_path / "engine.so")
    native.loaded.cache_clear()
    missing = "numpy fp32, several times as slow as the other. The fast engine is not built. Run: python -m jamlink.engine.build"
    assert engine_check().what == missing
    (tmp_path / "engine.so").write_bytes(b"\x7fELF")
    (tmp_path / "engine.so.sha256").write_text("0" * 64)
    assert "The fast engine's library is damaged." in engine_check().what
    monkeypatch.setenv(native.LEVEL_SETTING, "numpy")
    assert engine_check().what == "numpy fp32, as was asked for"
    monkeypatch.setenv(native.LEVEL_SETTING, "avx2")
    broken = engine_check()
    assert (broken.ok, broken.remedy) == (False, "Run: python -m jamlink.engine.build")


def test_the_doctor_says_what_is_wrong_with_a_model(tmp_path):
    (gone,) = house._check_model(load(tmp_path / "none", {}, {"model.folder": str(tmp_path)}))
    assert not gone.ok
    assert "config.json" in gone.what
    assert gone.remedy


def test_the_bench_says_how_soon_an_accompaniment_is_decided_and_by_whom():
    beside, alone = SimpleNamespace(ratio=1.0), SimpleNamespace(hands=(), sixteenths=())
    along, at_once = [AlongTimes(2, 114, 20.5, 41.0, 80.0, 0.991, 0.0)], StandInTimes(0.4, 4.8, 5.1)
    said = "\n".join(bench_words(beside, alone, [], along, at_once))
    assert (
        "2 beats promised: beat to chord p50 20.5, p95 41.0, most 80.0 ms; 99.1% of 114 beats by the network, 0.0% late"
        in said
    )
    assert "between two notes: p50 0.4, most 4.8 ms" in said


def test_the_terminal_is_told_of_the_network_only_where_it_may_come_in():
    player = Door(3, "127.0.0.1", 5265, Role.PLAYER, "secret")
    tablet = Door(4, "192.168.1.5", 5266, Role.TABLET, "other secret", "481623")
    assert house._open_to(None) == ""
    assert house._open_to(Slip((player,), "a.jam")) == ""
    told = house._open_to(Slip((player, tablet), "a.jam"))
    assert told == "Open to your network: http://192.168.1.5:5266/  code 481623"
