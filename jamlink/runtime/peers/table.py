"""Which engines are measured, at which precisions, and what each needs to be there."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jamlink.engine.native import Level, loaded
from jamlink.errors import Unavailable
from jamlink.runtime.bench_wire import Subject

GENERATE, CONTEXT_READ = "transformers generate()", "transformers generate(), context read"
COMPILED = "transformers generate(), context read, compiled"
THREADS = tuple(sorted({1, min(2, os.cpu_count() or 1), os.cpu_count() or 1}))
"""Each peer is measured with each; comparisons take its best."""
_INSTALL = "Run: pip install 'jamlink[bench]'"


_SLEEPING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""OpenMP's threads sleep where they meet, instead of spinning: slower alone, far faster beside another busy process."""


@dataclass(frozen=True, slots=True)
class Kind:
    """An engine. It cannot do without `needs`, which are modules, and `tools`, commands; `openmp`: its threads are."""

    engine: str
    make: str
    precisions: tuple[str, ...]
    needs: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    threads: tuple[int, ...] = THREADS
    ours: bool = False
    openmp: bool = False

    def subjects(self) -> Iterator[list[Subject]]:
        """For every precision and number of threads, the ways to set it up; comparisons take the fastest."""
        for precision in self.precisions:
            for threads in self.threads:
                ways: list[dict[str, str]] = [_SLEEPING, {}] if self.openmp and threads > 1 else [{}]
                yield [Subject(self.engine, precision, threads, self.make, way) for way in ways]

    def missing(self) -> str:
        """Why it cannot be measured here, in a sentence; "" where it can."""
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        if absent:
            return f"{', '.join(absent)} not installed. {_INSTALL}"
        tools = [tool for tool in self.tools if not shutil.which(tool)]
        return f"it needs {', '.join(tools)}, which is not there." if tools else ""


def _peer(
    engine: str, where: str, precisions: Sequence[str], *needs: str, openmp: bool = False, tools: Sequence[str] = ()
) -> Kind:
    make = f"jamlink.runtime.peers.{where}"
    return Kind(engine, make, tuple(precisions), needs, tuple(tools), openmp=openmp)


PEERS = (
    _peer(GENERATE, "generate:AsItComes", ["fp32"], "torch", "transformers", openmp=True),
    _peer(CONTEXT_READ, "generate:ContextRead", ["fp32"], "torch", "transformers", openmp=True),
    _peer(COMPILED, "generate:Compiled", ["fp32"], "torch", "transformers", tools=["g++"]),
    _peer("torch by hand", "torch_loop:make", ["fp32", "bf16"], "torch", openmp=True),
    _peer("onnxruntime", "onnx_runtime:make", ["fp32", "int8"], "onnx", "onnxruntime"),
    _peer("openvino", "open_vino:make", ["fp32", "bf16"], "onnx", "openvino"),
    _peer("llama.cpp", "llama_gguf:make", ["fp32", "q8_0"], "llama_cpp", "gguf", openmp=True),
    _peer("ctranslate2", "c_translate:make", ["fp32", "int8"], "ctranslate2", openmp=True),
)


def _ours(engine: str, make: str, *precisions: str, threads: Sequence[int] = THREADS) -> Kind:
    return Kind(engine, f"jamlink.runtime.peers.ours:{make}", precisions, threads=tuple(threads), ours=True)


def _numpy() -> Kind:
    return _ours("numpy", "numpy", "fp32", threads=(1,))


def ours() -> list[Kind]:
    """Every level of the native engine that this processor has, and numpy."""
    try:
        library = loaded()
    except Unavailable:
        return [_numpy()]
    levels = [level for level in Level if library.jl_can(level)]
    floats = [_ours(f"native {level.name.lower()}", "native", "fp32") for level in levels]
    bytes_ = [
        _ours(f"native {level.name.lower()}", "native", "int8") for level in levels if library.jl_has_bytes(level)
    ]
    return [*floats, *bytes_, _numpy()]


def native_missing() -> str:
    """Why no native engine is measured; "" where it is."""
    try:
        loaded()
    except Unavailable as missing:
        return str(missing)
    return ""
