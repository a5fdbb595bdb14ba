"""JavaScript that is not ours: fetched once from its pinned package, checked against its hash, and served from here.

    python -m jamlink.web.parts              what the page uses, into jamlink/web/static/vendor/
    python -m jamlink.web.parts --for tests  what tests look at the page with, into tests/e2e/parts/

Run at build or install time, never while playing. Nothing of a package is executed: npm only downloads it. Without npm
the page works and says what it lacks. Standard library only.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from jamlink.errors import Nonsense, Unavailable

VENDOR = Path(__file__).parent / "static" / "vendor"
FOR_TESTS = Path(__file__).parents[2] / "tests" / "e2e" / "parts"
_PATIENCE_S = 120


@dataclass(frozen=True, slots=True)
class Part:
    """One npm package: `files` of it, by their names in the package. `integrity` is what npm's registry publishes."""

    name: str
    version: str
    integrity: str
    files: tuple[str, ...]


PAGE = (
    Part(  # lead sheets; MIT
        "abcjs",
        "6.7.2",
        "sha512-cHCyf8j0hAcxTuwZ9l2QznaSlLK1TD2s5oVw6Ig8Kfss6VfJKoNJ1kAzMBwa6DDWeyNl2JH7mN/U+MJ8MYbC5g==",
        ("dist/abcjs-basic-min.js", "dist/abcjs-basic-min.js.LICENSE"),
    ),
)
TESTS = (
    Part(  # whether everybody can use the page; MPL-2.0, not shipped
        "axe-core",
        "4.14.1",
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        ("axe.min.js",),
    ),
)


def fetch(parts: tuple[Part, ...], folder: Path) -> list[Path]:
    """Have every part in `folder`; what is there already is left. -> the files.

    Raises `Unavailable` without npm or its registry, `Nonsense` for a package that is not the one that was pinned.
    """
    found = []
    for part in parts:
        targets = [folder / Path(name).name for name in part.files]
        mark = folder / f".{part.name}-{part.version}"
        if not mark.exists() or not all(target.exists() for target in targets):
            _unpack(part, _package(part), folder)
            mark.touch()
        found += targets
    return found


def check(part: Part, package: bytes) -> None:
    """Raises `Nonsense` where `package` is not what was pinned."""
    algorithm, _, wanted = part.integrity.partition("-")
    if base64.b64encode(hashlib.new(algorithm, package).digest()).decode() != wanted:
        raise Nonsense(f"{part.name} {part.version} is not the package that was pinned.", "Nothing of it was kept.")


def _package(part: Part) -> bytes:
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(f"{part.name} was not fetched: npm is not installed.", "Install npm and run this again.")
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "pack", f"{part.name}@{part.version}", "--ignore-scripts", "--silent"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired) as trouble:
            raise Unavailable(f"{part.name} was not fetched: {trouble}.", "Try again.") from None
        packages = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(packages) != 1:
            why = (done.stderr.strip().splitlines() or ["npm gave no reason"])[-1]
            raise Unavailable(f"{part.name} was not fetched: {why}.", "Check the network and run this again.")
        return packages[0].read_bytes()


def _unpack(part: Part, package: bytes, folder: Path) -> None:
    """The named files and nothing else; where they go is said here, not by the package."""
    check(part, package)
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in part.files:
            member = archive.extractfile(f"package/{name}")
            if member is None:
                raise Nonsense(f"{part.name} {part.version} has no {name}.")
            (folder / Path(name).name).write_bytes(member.read())


def main() -> None:
    """See the module. A part that cannot be had is said, and is no failure: the page says so too."""
    parser = argparse.ArgumentParser(description="Fetch the page's third-party parts.")
    parser.add_argument("--for", dest="whom", choices=("page", "tests"), default="page")
    for_tests = parser.parse_args().whom == "tests"
    try:
        for path in fetch(TESTS, FOR_TESTS) if for_tests else fetch(PAGE, VENDOR):
            print(path)
    except Unavailable as missing:
        print(f"jamlink: {missing}", file=sys.stderr)
        sys.exit(1 if for_tests else 0)


if __name__ == "__main__":
    main()
