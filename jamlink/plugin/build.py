"""Builds the plug-in's LV2 bundle, and puts it where DAWs look: `python -m jamlink.plugin.build`.

It takes a C compiler and LV2's headers; jamlink itself needs neither.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jamlink.engine.build import compiler
from jamlink.errors import Unavailable

SOURCES = Path(__file__).parent / "native"
BUNDLE = "jamlink.lv2"
URI = "urn:jamlink:plug-in"
FLAGS = ("-std=gnu11", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra")
REALTIME = "realtime.c"
"""The one file whose code runs in a DAW's audio thread."""


def built() -> Path:
    """Where the bundle is, or would be."""
    return Path(__file__).parent / "built" / BUNDLE


def lv2_folder() -> Path:
    """Where DAWs look for a player's own plug-ins."""
    mac = Path.home() / "Library" / "Audio" / "Plug-Ins" / "LV2"
    return mac if sys.platform == "darwin" else Path.home() / ".lv2"


def build(target: Path | None = None) -> Path:
    """Makes the bundle, whole or not at all. Raises `Unavailable` without a compiler or LV2's headers."""
    target = target or built()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        bundle = Path(folder) / BUNDLE
        bundle.mkdir()
        objects = [compiled(source, Path(folder)) for source in sorted(SOURCES.glob("*.c"))]
        _run(["-shared", "-o", str(bundle / "jamlink.so"), *map(str, objects), "-lm", "-lpthread"])
        for words in SOURCES.glob("*.ttl"):
            shutil.copy(words, bundle)
        shutil.rmtree(target, ignore_errors=True)
        bundle.rename(target)
    return target


def compiled(source: Path, folder: Path) -> Path:
    """One object. Raises as `build`."""
    made = folder / f"{source.stem}.o"
    _run([*FLAGS, "-c", str(source), "-o", str(made)])
    return made


def _run(arguments: list[str]) -> None:
    try:
        command = compiler()
    except Unavailable:
        raise Unavailable("There is no C compiler to build the plug-in with.", "Install gcc or clang.") from None
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said = (done.stderr.strip() or "it gave no reason").splitlines()[0]
    if "lv2/" in said and "No such file" in said:
        raise Unavailable("LV2's headers are not there.", "Install lv2-dev (Debian), or lv2 (Fedora, Arch, Homebrew).")
    raise Unavailable(f"The plug-in cannot be built: {said}", "Report this with your compiler's version.")


def install(folder: Path | None = None) -> Path:
    """Builds the bundle where DAWs look: jamlink's own folder may be nobody's to write to. Raises `Unavailable`."""
    target = (folder or lv2_folder()) / BUNDLE
    try:
        return build(target)
    except OSError as trouble:
        why = (trouble.strerror or "the disk refuses").lower()
        raise Unavailable(f"{target} cannot be written: {why}.", "Choose another folder with --to.") from None


def main() -> int:
    """The command line: builds, and says where."""
    try:
        print(f"Built {build()}.")
    except Unavailable as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
