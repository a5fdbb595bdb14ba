"""Compiles the native kernels: `python -m jamlink.engine.build`.

Nothing needs them: where no compiler is found the numpy decoder computes, several times slower. The library's name
holds a digest of its sources, so that one made from other sources is never loaded.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from jamlink.errors import Unavailable

SOURCES = Path(__file__).parent / "native"
_COMMON = ("-O3", "-std=gnu11", "-fPIC", "-fno-math-errno", "-ffp-contract=off", "-Wall", "-Wextra")
_AVX2 = ("-mavx2", "-mfma")
_PLAIN: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("attention.c", "decoder.c", "kernels_generic.c", "levels.c", "matrix.c", "memory.c"), ()
)
_X86: dict[str, tuple[str, ...]] = {
    **_PLAIN,
    "kernels_avx2.c": _AVX2,
    "kernels_avxvnni.c": (*_AVX2, "-mavxvnni"),
    "kernels_avx512.c": ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni", "-mfma"),
}
"""Each file with what its processor has."""


def library() -> Path:
    """Where the library of these sources is, or would be."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.[chi]*")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return SOURCES / "built" / f"engine-{digest.hexdigest()[:12]}-{platform.machine().lower()}.so"


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
    x86 = platform.machine().lower() in ("x86_64", "amd64")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        objects = []
        for name, flags in (_X86 if x86 else _PLAIN).items():
            made = str(Path(folder) / name.replace(".c", ".o"))
            _run([*command, *_COMMON, *flags, *extra, "-c", str(SOURCES / name), "-o", made])
            objects.append(made)
        linked = Path(folder) / target.name
        _run([*command, "-shared", *extra, "-o", str(linked), *objects, "-lm"])
        linked.replace(target)
    return target


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
