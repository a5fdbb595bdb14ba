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


def _clone(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = _installation(root / "clone")
    (root / "clone" / "pyproject.toml").touch()
    monkeypatch.setattr(resources, "files", lambda name: package)
    monkeypatch.delenv("JAMLINK_DATA", raising=False)
    return package


def test_music_lies_beside_the_clone_unless_the_environment_names_a_folder(tmp_path, monkeypatch):
    _clone(tmp_path, monkeypatch)
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "mine" / "data-eval").mkdir(parents=True)
    assert resources.shared_music() == tmp_path / "shared"
    monkeypatch.setenv("JAMLINK_DATA", str(tmp_path / "mine"))
    assert resources.shared_music() == tmp_path / "mine"


def test_no_music_is_told_with_the_name_of_the_variable(tmp_path, monkeypatch):
    package = _clone(tmp_path, monkeypatch)
    with pytest.raises(Unavailable, match="set JAMLINK_DATA"):
        resources.shared_music()
    monkeypatch.setenv("JAMLINK_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(Unavailable, match="nowhere, which has no folder data"):
        resources.shared_music()
    monkeypatch.delenv("JAMLINK_DATA")
    (package.parent / "pyproject.toml").unlink()
    (tmp_path / "shared" / "data").mkdir(parents=True)  # beside a site-packages folder it is somebody else's
    with pytest.raises(Unavailable):
        resources.shared_music()
