"""`jamlink bench loop`: how quick and how steady the note path is, beside a bare loop in the same run.

Starts a JACK server of its own without a sound card, keeps a core busy as a model would, and measures one subject after
the other: round trips of messages through it, and how far scheduled messages land from their moment. The bare loops are
the least code that does the same with the same library and the same priority; where they are bad, the machine is.

The model process is started some times, too, until it says that it is ready; the bare start beside it is Python that
imports numpy.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import jamlink
from jamlink.errors import Fault, Unavailable
from jamlink.ports.jack_server import JackServer, private_jack_server
from jamlink.runtime.model_link import Failed, ModelLink
from jamlink.runtime.monotonic import MonotonicClock

PERIOD_FRAMES = 128
NATIVE_LATENESS_MS = 0.1
"""Scheduled over JACK, 99 of 100 messages land this near to their moment."""
POLLED_LATENESS_MS = 1.0
"""And through RtMidi within one period and this."""
_TIMES_BARE = 1.5
"""On a machine where the bare loop itself is worse than the target."""
_MEMORY_EVERY_S = 1.0
_FLOOD_PER_S = 500
_WARM_UP_S = 5.0
READY_MS = 1000.0
"""From the start of the model process until it is ready, half of the times."""
_TIMES_BARE_START = 5
_STARTS = 5
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Spread:
    """How a measure spreads; all in milliseconds."""

    p10: float
    p50: float
    p90: float
    p99: float
    max: float
    std: float


@dataclass(frozen=True, slots=True)
class Row:
    """One subject. `kind` is "echo" (round trip) or "scheduled" (distance from the desired moment)."""

    kind: str
    subject: str
    bare: str
    """The subject that this one is to be held against; empty for a bare loop."""
    sent: int
    lost: int
    dropouts: int
    """Periods that JACK itself missed meanwhile: whoever runs then may lose a period's messages."""
    spread_ms: Spread


@dataclass(frozen=True, slots=True)
class Memory:
    """What the io process held, in MiB, through a flood."""

    messages_per_s: int
    seconds: float
    start_mib: float
    after_warm_up_mib: float
    end_mib: float
    sent: int
    lost: int


@dataclass(frozen=True, slots=True)
class Starts:
    """From starting the model process until it was ready, time after time; and bare ones in turn with them."""

    ready_ms: tuple[float, ...]
    bare_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """Of the model process."""
        return round(statistics.median(self.ready_ms), 1)

    @property
    def bare_median_ms(self) -> float:
        """Of Python with numpy."""
        return round(statistics.median(self.bare_ms), 1)


@dataclass(frozen=True, slots=True)
class Beside:
    """The 99th percentile of lateness in ms, run by run: the model process resting, and at full work."""

    idle_ms: tuple[float, ...]
    working_ms: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return round(statistics.median(self.working_ms) / statistics.median(self.idle_ms), 2)


@dataclass(frozen=True, slots=True)
class Target:
    """A promise, and whether it was kept here. `limit` already allows for the bare loop beside it."""

    promise: str
    measured: float
    limit: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one run found."""

    machine: dict[str, object]
    commit: str
    jack: dict[str, object]
    rows: tuple[Row, ...]
    memory: Memory
    starts: Starts
    targets: tuple[Target, ...] = field(default=())


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value, each percentile being one of the values."""
    if not values:
        raise Fault("Nothing came through, so there is nothing to measure.")
    ordered = sorted(values)

    def at(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 4)

    return Spread(at(0.10), at(0.50), at(0.90), at(0.99), round(ordered[-1], 4), round(statistics.pstdev(ordered), 4))


class _Process:
    """A child that talks in JSON lines."""

    def __init__(self, module: str, *arguments: str) -> None:
        one_core = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"jamlink.runtime.{module}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **one_core},
        )

    def read(self) -> Any:
        """The next line it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise Fault(f"A measuring process ended early: {' '.join(map(str, self.process.args[2:]))}.")  # type: ignore[index]
        return json.loads(line)

    def go(self) -> None:
        """Sends it the line that means "begin"."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end_input(self) -> None:
        """Tells it that this is all."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def finish(self) -> None:
        """Tells it to end, and waits."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def _running(module: str, *arguments: str) -> Iterator[_Process]:
    child = _Process(module, *arguments)
    try:
        yield child
    finally:
        child.finish()


def _echo(subject: str, bare: str, count: int, *options: str) -> Row:
    with _running("bench_subjects", subject, *options) as loop:
        loop.read()
        measured = _probe_echo("ours" if bare else "bare", count)
    trips = spread(measured["trips_ms"])
    return Row("echo", _name(subject, options), bare, count, measured["lost"], measured["dropouts"], trips)


def _name(subject: str, options: Sequence[str]) -> str:
    return " ".join([subject, *options[1:]])


def _probe_echo(whose: str, count: int) -> Any:
    ends = ("--to", f"{whose} in", "--hear", f"{whose} out")
    with _running("bench_probe", "echo", *ends, "--count", str(count)) as probe:
        return probe.read()


def _scheduled(bare: str, system: str, count: int) -> Iterator[Row]:
    """A bare player and jamlink's at the same time, so that a stall of the machine meets both."""
    number = ("--count", str(count))
    with (
        _running("bench_subjects", bare, *number) as theirs,
        _running("bench_subjects", "jamlink-player", "--system", system, *number) as ours,
        _running("bench_probe", "record", "--hear", "bare out", "ours out") as probe,
    ):
        for child in (theirs, ours):
            child.read()
        probe.go()
        probe.read()
        for child in (theirs, ours):
            child.go()
        plans = {"bare out": theirs.read()["plan"], "ours out": ours.read()["plan"]}
        probe.end_input()
        measured = probe.read()
    late = {end: lateness_ms(plan, measured["received"][end]) for end, plan in plans.items()}
    for end, name, beside in (("bare out", bare, ""), ("ours out", f"jamlink-player {system}", bare)):
        yield Row("scheduled", name, beside, count, late[end][1], measured["dropouts"], spread(late[end][0]))


def lateness_ms(plan: Sequence[tuple[int, str]], received: Sequence[tuple[int, str]]) -> tuple[list[float], int]:
    """How long after its moment each planned message arrived, in order of arrival, and how many never did.

    Messages are known by their bytes; of equal ones the earlier planned arrives first. What nobody planned (ends that
    were said again) is passed over.
    """
    waiting: dict[str, list[int]] = {}
    for moment, data in plan:
        waiting.setdefault(data, []).append(moment)
    late = [(at - waiting[data].pop(0)) / 1e6 for at, data in received if waiting.get(data)]
    return late, sum(map(len, waiting.values()))


def _memory(seconds: float) -> Memory:
    """Floods the io process with notes passing through, and looks at what it holds."""
    with _running("bench_subjects", "jamlink-thru") as loop:
        pid = loop.read()["io_pid"]
        count = round(seconds * _FLOOD_PER_S)
        start = resident_mib(pid)
        ends = ("--to", "ours in", "--hear", "ours out", "--count", str(count), "--gap-ms", str(1000 / _FLOOD_PER_S))
        with _running("bench_probe", "echo", *ends) as probe:
            time.sleep(min(_WARM_UP_S, seconds / 2))
            warm = resident_mib(pid)
            measured = probe.read()
        return Memory(_FLOOD_PER_S, seconds, start, warm, resident_mib(pid), count, measured["lost"])


def resident_mib(pid: int) -> float:
    """What a process holds in memory now. Raises `Fault` where there is no such process."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    if not shown.strip():
        raise Fault(f"Process {pid} ended early.")
    return round(int(shown) / 1024, 2)


def measure_starts(model: Path, count: int = _STARTS) -> Starts:
    """Starts the model process of a folder `count` times, each time after a bare one.

    Raises `Unavailable` with what it says where it cannot be ready.
    """
    pairs = [(_bare_start_ms(), _ready_ms(model)) for _ in range(count)]
    return Starts(tuple(ready for _, ready in pairs), tuple(bare for bare, _ in pairs))


def _bare_start_ms() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    return round((time.perf_counter() - began) * 1e3, 1)


def _ready_ms(model: Path) -> float:
    began = time.perf_counter()
    link = ModelLink(MonotonicClock(), model)
    try:
        while not (said := link.receive()):
            select.select([link], [], [], _LOOK_EVERY_S)
        taken = time.perf_counter() - began
    finally:
        link.close()
    if isinstance(said[0], Failed):
        raise Unavailable(said[0].sentence)
    return round(taken * 1e3, 1)


def run(
    model: Path,
    messages: int = 10_000,
    scheduled: int = 2_000,
    flood_s: float = 30.0,
    tell: Callable[[str], None] = lambda what: None,
) -> Report:
    """Measures everything, in about two minutes plus `flood_s`. `model` is the folder of one that is started; `tell`
    hears what is being measured.

    Raises `Unavailable` where no JACK server can be started, or where the model cannot.
    """
    with private_jack_server(PERIOD_FRAMES) as server, _running("bench_subjects", "busy-model") as busy:
        busy.read()
        rows = tuple(_rows(messages, scheduled, tell))
        tell(f"memory, {flood_s:g} s of {_FLOOD_PER_S} messages a second")
        memory = _memory(flood_s)
        tell("starts of the model process")
        starts = measure_starts(model)
        jack: dict[str, object] = {
            "realtime": server.realtime,
            "period_frames": server.period_frames,
            "rate": server.rate,
        }
        targets = (*_targets(rows, memory, server), _start_target(starts))
    return Report(_machine(), _commit(), jack, rows, memory, starts, targets)


def _rows(messages: int, scheduled: int, tell: Callable[[str], None]) -> Iterator[Row]:
    echoes = (
        ("bare-rtmidi-echo", "", ()),
        ("bare-jack-echo", "", ()),
        ("jamlink-thru", "bare-jack-echo", ("--system", "JACK")),
        ("jamlink-thru", "bare-rtmidi-echo", ("--system", "rtmidi-JACK")),
        ("jamlink-session-echo", "bare-jack-echo", ("--system", "JACK")),
    )
    for subject, bare, options in echoes:
        tell(f"echo, {subject} {' '.join(options[1:])}")
        yield _echo(subject, bare, messages, *options)
    for bare, system in (("bare-jack-player", "JACK"), ("bare-rtmidi-player", "rtmidi-JACK")):
        tell(f"scheduled, jamlink-player {system} beside {bare}")
        yield from _scheduled(bare, system, scheduled)


def beside_engine(
    model: Path, scheduled: int, rounds: int = 5, tell: Callable[[str], None] = lambda what: None
) -> Beside:
    """How late scheduled messages are while the model process rests and while it computes without a pause, in turn.

    Raises as `run`.
    """
    rows: dict[str, list[Row]] = {"idle-model": [], "working-model": []}
    with private_jack_server(PERIOD_FRAMES):
        for number in range(rounds):
            for subject, found in rows.items():
                tell(f"lateness beside the {subject.replace('-', ' ')}, {number + 1} of {rounds}")
                with _running("bench_subjects", subject, "--model", str(model)) as engine:
                    engine.read()
                    found += [row for row in _scheduled("bare-jack-player", "JACK", scheduled) if row.bare]
    late = {subject: tuple(row.spread_ms.p99 for row in found) for subject, found in rows.items()}
    return Beside(late["idle-model"], late["working-model"])


def _targets(rows: Sequence[Row], memory: Memory, server: JackServer) -> Iterator[Target]:
    period_ms = server.period / 1e6
    by_name = {row.subject: row for row in rows}
    limits = {
        "jamlink-thru JACK": ("echo through the io process, JACK, p99 ms", 2 * period_ms),
        "jamlink-thru rtmidi-JACK": ("echo through the io process, RtMidi, p99 ms", 2 * period_ms),
        "jamlink-player JACK": ("scheduled over JACK, p99 ms", NATIVE_LATENESS_MS),
        "jamlink-player rtmidi-JACK": ("scheduled through RtMidi, p99 ms", period_ms + POLLED_LATENESS_MS),
    }
    for name, (promise, limit) in limits.items():
        row = by_name[name]
        allowed = max(limit, _TIMES_BARE * by_name[row.bare].spread_ms.p99)
        yield Target(promise, row.spread_ms.p99, round(allowed, 4), row.spread_ms.p99 <= allowed)
    for row in rows:
        if row.bare:
            allowed = int(_TIMES_BARE * by_name[row.bare].lost)
            yield Target(f"messages lost, {row.kind}, {row.subject}", row.lost, allowed, row.lost <= allowed)
    grown = round(memory.end_mib - memory.after_warm_up_mib, 2)
    yield Target("io process grows through the flood, MiB", grown, 1.0, grown <= 1.0)


def _start_target(starts: Starts) -> Target:
    allowed = max(READY_MS, _TIMES_BARE_START * starts.bare_median_ms)
    return Target("model process ready, median ms", starts.median_ms, allowed, starts.median_ms <= allowed)


def _machine() -> dict[str, object]:
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_1min": load,
        "jamlink": jamlink.__version__,
    }


def _commit() -> str:
    """The commit of the clone this runs from; empty in an installed package."""
    here = Path(__file__).resolve().parents[2]
    try:
        asked = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return asked.stdout.strip()


def show(report: Report, console: Console) -> None:
    """A table for people."""
    table = Table(
        "what", "sent", "lost", "dropouts", "p50", "p90", "p99", "max", "std", title="ms, a model at work beside it"
    )
    for row in report.rows:
        s = row.spread_ms
        figures = (f"{value:.2f}" for value in (s.p50, s.p90, s.p99, s.max, s.std))
        table.add_row(f"{row.kind}: {row.subject}", str(row.sent), str(row.lost), str(row.dropouts), *figures)
    console.print(table)
    m = report.memory
    console.print(
        f"io process: {m.start_mib} MiB at rest, {m.after_warm_up_mib} warm, {m.end_mib} after {m.sent} messages"
    )
    starts = report.starts
    console.print(
        f"model process: ready after {starts.median_ms:.0f} ms (median of {len(starts.ready_ms)}, "
        f"{min(starts.ready_ms):.0f} to {max(starts.ready_ms):.0f}); bare Python with numpy {starts.bare_median_ms:.0f}"
    )
    if not report.jack["realtime"]:
        console.print("JACK runs without real-time priority here: its time stumbles, and so do these figures.")
    for target in report.targets:
        console.print(
            f"{'kept' if target.kept else 'MISSED'}: {target.promise} {target.measured} (limit {target.limit})"
        )
