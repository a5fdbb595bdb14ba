"""What the doctor says of the model and of what computes it."""

from __future__ import annotations

from typing import Any

from jamlink.app.machine import _check_model
from jamlink.engine import native
from jamlink.settings import Settings, load


def engine_check() -> Any:
    """What the doctor says of the engine."""
    whole, engine = _check_model(Settings())
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
    (gone,) = _check_model(load(tmp_path / "none", {}, {"model.folder": str(tmp_path)}))
    assert not gone.ok
    assert "config.json" in gone.what
    assert gone.remedy
