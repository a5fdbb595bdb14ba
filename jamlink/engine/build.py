"""Compiles the native kernels: `python -m jamlink.engine.build`.

Nothing needs them: where no compiler is found the numpy decoder computes, several times slower. The library's name
holds a digest of its sources, so that one made from other sources is never loaded; beside it lies a digest of itself,
since one that is cut short ends the process that loads it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from jamlink.errors import Unavailable

_REMEDY = "Run: python -m jamlink.engine.build"
SOURCES = Path(__file__).parent / "native"
_COMMON = ("-O3", "-std=gnu11", "-fPIC", "-fno-math-errno", "-ffp-contract=off", "-Wall", "-Wextra")
_AVX2 = ("-mavx2", "-mfma")
_PLAIN: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("attention.c", "choose.c", "decoder.c", "kernels_generic.c", "levels.c", "matrix.c", "memory.c"), ()
)
_X86: dict[str, tuple[str, ...]] = {
    **_PLAIN,
    "kernels_avx2.c": _AVX2,
    "kernels_avxvnni.c": (*_AVX2, "-mavxvnni"),
    "kernels_avx512.c": ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni", "-mfma"),
}
_ARM: dict[str, tuple[str, ...]] = {
    **_PLAIN,
    "kernels_neon.c": (),
    "kernels_dotprod.c": ("-march=armv8.2-a+dotprod",),
}
_FILES = {"x86_64": _X86, "amd64": _X86, "aarch64": _ARM, "arm64": _ARM}
"""By machine, as Linux, Windows and macOS call them; each file with what its processor has."""
_ZIG_SAYS = {"-march=armv8.2-a+dotprod": "-mcpu=generic+dotprod"}
"""Flags that zig alone spells otherwise."""


def files(machine: str) -> dict[str, tuple[str, ...]]:
    """The sources for a machine, each with its own flags; of one that has no kernels of its own, the plain ones."""
    return _FILES.get(machine.lower(), _PLAIN)


def library() -> Path:
    """Where the library of these sources is, or would be."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.[chi]*")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return SOURCES / "built" / f"engine-{digest.hexdigest()[:12]}-{platform.machine().lower()}.so"


def seal(path: Path) -> Path:
    """Where the digest of a library's own bytes is."""
    return path.with_name(path.name + ".sha256")


def whole(path: Path) -> Path:
    """The library, if it is as it was built. Raises `Unavailable` where it is missing or damaged."""
    try:
        data, sealed = path.read_bytes(), seal(path).read_text().strip()
    except FileNotFoundError:
        raise Unavailable("The fast engine is not built.", _REMEDY) from None
    except (OSError, ValueError):
        raise Unavailable("The fast engine's library cannot be read.", _REMEDY) from None
    if hashlib.sha256(data).hexdigest() != sealed:
        raise Unavailable("The fast engine's library is damaged.", _REMEDY)
    return path


def compiler() -> list[str]:
    """The C compiler's command: CC, cc, gcc, clang, or zig's. Raises `Unavailable` where there is none."""
    named = os.environ.get("CC")
    for name in (named, "cc", "gcc", "clang"):
        if name and shutil.which(name):
            return [name]
    if shutil.which("zig"):
        return ["zig", "cc"]
    raise Unavailable("There is no C compiler.", "Install one (gcc, clang), or go on with the slower numpy decoder.")


def build(target: Path | None = None, extra: tuple[str, ...] = ()) -> Path:
    """Compile to `target` (by default where it is looked for); whole or not at all.

    Raises `Unavailable` without a compiler, or with the compiler's own words where it fails.
    """
    target = target or library()
    command = compiler()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        objects = compiled(Path(folder), command, platform.machine(), extra)
        linked = Path(folder) / target.name
        _run([*command, "-shared", *extra, "-o", str(linked), *objects, "-lm"])
        digest = hashlib.sha256(linked.read_bytes()).hexdigest()
        linked.replace(target)
    seal(target).write_text(digest + "\n")
    return target


def compiled(folder: Path, command: Sequence[str], machine: str, extra: Sequence[str] = ()) -> list[str]:
    """The objects of a machine, made in `folder` by a compiler's command. Raises `Unavailable` where that fails."""
    objects = []
    for name, flags in files(machine).items():
        made = str(folder / name.replace(".c", ".o"))
        if "zig" in command:
            flags = tuple(_ZIG_SAYS.get(flag, flag) for flag in flags)
        _run([*command, *_COMMON, *flags, *extra, "-c", str(SOURCES / name), "-o", made])
        objects.append(made)
    return objects


def build_alone(source: Path, target: Path) -> Path:
    """Compile one file to a library of its own, for any processor of this kind. Raises as `build`."""
    _run([*compiler(), *_COMMON, "-shared", str(source), "-o", str(target)])
    return target


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or "it gave no reason").splitlines()[0]
        raise Unavailable(
            f"The compiler failed: {said}", "The numpy decoder goes on; report this with your compiler's version."
        )


def main() -> int:
    """The command line. Without a compiler it says so and succeeds."""
    try:
        print(f"Built {build()}.")
    except Unavailable as missing:
        print(missing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
