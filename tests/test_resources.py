"""Shipped data is found from a clone and from an installed wheel."""

from pathlib import Path

import pytest

from jamlink import resources
from jamlink.errors import Unavailable
from jamlink.resources import DATA_FOLDERS, data_folder


def _installation(root: Path, *folders: str) -> Path:
    package = root / "jamlink"
    package.mkdir(parents=True)
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return package


def test_a_clone_keeps_its_data_at_its_root(tmp_path, monkeypatch):
    package = _installation(tmp_path, *DATA_FOLDERS)
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(resources, "files", lambda name: package)
    assert [data_folder(name) for name in DATA_FOLDERS] == [tmp_path / name for name in DATA_FOLDERS]


def test_a_wheel_keeps_its_data_inside_the_package_whatever_lies_beside_it(tmp_path, monkeypatch):
    package = _installation(tmp_path, "models", "jamlink/_data/models", "jamlink/_data/midi_maps")
    monkeypatch.setattr(resources, "files", lambda name: package)
    assert [data_folder(name) for name in DATA_FOLDERS] == [package / "_data" / name for name in DATA_FOLDERS]


def test_missing_data_is_told_with_the_remedy(tmp_path, monkeypatch):
    package = _installation(tmp_path)
    monkeypatch.setattr(resources, "files", lambda name: package)
    with pytest.raises(Unavailable, match="Install jamlink again"):
        data_folder("models")


def test_an_unknown_folder_is_a_bug():
    with pytest.raises(ValueError, match="none of models, midi_maps"):
        data_folder("secrets")


@pytest.mark.parametrize("name", DATA_FOLDERS)
def test_this_checkout_has_its_data(name):
    assert data_folder(name).is_dir()
