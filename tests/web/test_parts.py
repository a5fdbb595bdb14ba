"""Third-party JavaScript is the pinned package or nothing."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile

import pytest

from jamlink.errors import Nonsense, Unavailable
from jamlink.web import parts
from jamlink.web.parts import PAGE, TESTS, Part, check, fetch


def package(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def pinned(data: bytes, *files: str) -> Part:
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    return Part("tune", "1.0.0", f"sha512-{digest}", files)


def test_the_named_files_are_kept_and_fetched_once(tmp_path, monkeypatch):
    data, asked = package(tune=b"la", rubbish=b"x"), []
    monkeypatch.setattr(parts, "_package", lambda part: asked.append(part) or data)
    for _ in range(2):
        (found,) = fetch((pinned(data, "tune"),), tmp_path)
    assert found.read_bytes() == b"la"
    assert len(asked) == 1
    assert not (tmp_path / "rubbish").exists()


def test_a_package_that_was_changed_is_not_kept(tmp_path, monkeypatch):
    part = pinned(package(tune=b"la"), "tune")
    monkeypatch.setattr(parts, "_package", lambda part: package(tune=b"evil"))
    with pytest.raises(Nonsense, match="not the package that was pinned"):
        fetch((part,), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_npm_it_is_said_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(parts.shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match="Install npm"):
        fetch(PAGE, tmp_path)


@pytest.mark.parametrize("part", [*PAGE, *TESTS])
def test_every_part_is_pinned_to_one_version_and_one_hash(part):
    assert part.version.count(".") == 2
    assert len(base64.b64decode(part.integrity.removeprefix("sha512-"))) == 64
    with pytest.raises(Nonsense):
        check(part, b"something else")
