"""Processors that are not at hand, by emulation: ARM, and x86 before AVX2, before AVX-512, and with AVX-VNNI.

What is emulated computes what the silicon would, to the last bit; how fast, it does not say.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from jamlink.engine import build
from jamlink.engine.decoder import Floats
from jamlink.engine.native import Level, Precision, loaded
from tests.engine.test_native import TOLERANCE, library, off

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="programs of other processors are emulated on Linux"),
]
X86 = platform.machine() == "x86_64"
ARM_COMPILER = "aarch64-linux-gnu-gcc"
ARM_EMULATOR = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-cpu")
CHECKS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


@dataclass(frozen=True)
class Report:
    """What parity.c says of a processor."""

    best: Level
    deviations: dict[tuple[Level, Precision], float]
    plain: Floats
    """Logits of the plain level."""


def run(command: Sequence[str], program: Path, *arguments: int) -> str:
    """What a program prints, which must succeed. Leaks are left to machines whose processes a checker may stop."""
    done = subprocess.run(
        [*command, str(program), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )  # fmt: skip
    assert done.returncode == 0, (command, done.returncode, done.stderr[-2000:])
    return done.stdout


def report(command: Sequence[str], program: Path) -> Report:
    best, plain, *kinds = (line.split() for line in run(command, program).splitlines())
    deviations = {(Level(int(a)), Precision(int(b))): float(c) for a, b, c in kinds}
    return Report(Level(int(best[1])), deviations, np.array(plain[1:], np.float32))


def linked(folder: Path, command: str, sources: Sequence[str], parts: Sequence[str], flags: Sequence[str]) -> Path:
    """A program of sources that lie beside this file."""
    program = folder / Path(sources[0]).stem
    paths = [str(Path(__file__).with_name(source)) for source in sources]
    checks = ["-Wall", "-Wextra", "-Werror", f"-I{build.SOURCES}"]
    subprocess.run([command, *flags, *checks, *paths, *parts, "-lm", "-o", str(program)], check=True)
    return program


@pytest.fixture(scope="module")
def own_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked(tmp_path_factory.mktemp("own"), build.compiler()[0], ["parity.c"], [str(library())], ["-O2"])


@pytest.fixture(scope="module")
def own(own_program: Path) -> Report:
    return report((), own_program)


@pytest.fixture(scope="module")
def arm_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arm")
    objects = build.compiled(folder, [ARM_COMPILER], "aarch64", ["-Werror"])
    return linked(folder, ARM_COMPILER, ["parity.c"], objects, ["-O2", "-static"])


@pytest.fixture(scope="module")
def arm_fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    objects = build.compiled(folder, [ARM_COMPILER], "aarch64", CHECKS)
    return linked(folder, ARM_COMPILER, ["fuzz.c"], objects, CHECKS)


def check(found: Report, levels: set[Level]) -> None:
    """That it has these levels, that the highest is its best, and that all say what the plain one does."""
    assert found.best is max(levels)
    assert found.deviations.keys() == {(level, precision) for level in levels for precision in Precision}
    assert all(deviation <= TOLERANCE[precision] for (_, precision), deviation in found.deviations.items())


def own_levels() -> set[Level]:
    return {level for level in Level if loaded().jl_can(level)}


def test_every_level_of_this_processor_says_what_the_plain_one_says(own: Report) -> None:
    check(own, own_levels())


@pytest.mark.parametrize(
    ("processor", "levels"),
    [("cortex-a53", {Level.GENERIC, Level.NEON}), ("max", {Level.GENERIC, Level.NEON, Level.DOTPROD})],
    ids=["without its product of bytes", "with it"],
)
def test_every_level_of_an_arm_says_what_the_plain_one_says(
    arm_program: Path, own: Report, processor: str, levels: set[Level]
) -> None:
    found = report([*ARM_EMULATOR, processor], arm_program)
    check(found, levels)
    assert off(found.plain, own.plain) <= TOLERANCE[Precision.FLOATS]


@pytest.mark.skipif(not X86, reason="programs for x86 are made on x86")
@pytest.mark.parametrize(
    ("processor", "levels"), [("Nehalem", {Level.GENERIC}), ("Haswell", {Level.GENERIC, Level.AVX2})]
)
def test_an_older_x86_has_the_levels_of_its_time(own_program: Path, processor: str, levels: set[Level]) -> None:
    check(report(["qemu-x86_64", "-cpu", processor], own_program), levels)


@pytest.mark.skipif(not X86 or not loaded().jl_can(Level.AVX2), reason="AVX-VNNI is pretended on a processor with AVX2")
def test_avx_vnni_says_what_the_plain_one_says_and_what_avx2_says(tmp_path: Path) -> None:
    """Its one instruction is done by pretended_vnni.c where the processor does not know it."""
    sources = ["parity.c", "pretended_vnni.c"]
    program = linked(tmp_path, build.compiler()[0], sources, [str(library())], ["-O2", "-DBRIEF"])
    found = report((), program)
    check(found, own_levels() | {Level.AVXVNNI})
    assert found.deviations[Level.AVXVNNI, Precision.BYTES] == found.deviations[Level.AVX2, Precision.BYTES]


@pytest.mark.parametrize("precision", Precision, ids=lambda precision: precision.name.lower())
@pytest.mark.parametrize("level", [Level.NEON, Level.DOTPROD], ids=lambda level: level.name.lower())
def test_calls_in_any_order_touch_nothing_that_is_not_theirs_on_an_arm(
    arm_fuzzer: Path, level: Level, precision: Precision
) -> None:
    run([*ARM_EMULATOR, "max"], arm_fuzzer, level, precision, 1)
