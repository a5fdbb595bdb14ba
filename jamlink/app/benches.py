"""What is measured: the note path, the network, the page, and the whole instrument; each prints one JSON object last
where that is asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

from jamlink.app.foreground import SESSION_PROCESS, reap, start
from jamlink.app.jam_config import JamConfig
from jamlink.app.proposers import model_folder
from jamlink.runtime.ipc import Framed, spawn
from jamlink.settings import Settings, load
from jamlink.web.slip import Role


def bench_loop(messages: int, minutes: float, presses: int, sixteenths: int, beats: int, as_json: bool) -> None:
    """The note path beside a bare loop, then press-to-hand and beat-to-chord through the whole instrument; one JSON
    object last."""
    from rich.console import Console

    from jamlink.runtime import bench_loop as note_path
    from jamlink.runtime import bench_model
    from jamlink.runtime.bench_along import stand_in_times

    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        model, tell = model_folder(Settings().model.folder), lambda what: status.update(f"measuring {what}")
        report = note_path.run(model, messages, 2_000, minutes * 60, tell)
        beside = note_path.beside_engine(model, 1_000, tell=tell)
        alone = bench_model.measure(model, presses, sixteenths, tell)
        hands = [_bench_hands(size, roles, presses, tell) for size, roles in _HANDS]
        along = [_bench_along(commit, beats, tell) for commit in _COMMITS]
        at_once = stand_in_times()
    note_path.show(report, screen)
    screen.print("\n".join(bench_words(beside, alone, hands, along, at_once)), highlight=False, soft_wrap=True)
    if as_json:
        parts = {"beside_engine": beside, "model": alone, "hands": hands, "along": along, "stand_in": at_once}
        print(msgspec.json.encode({**msgspec.to_builtins(report), "bench": "loop", **parts}).decode())


_HANDS = ((4, ("chords", "melody", "bass")), (32, ("chords", "melody")))

_COMMITS = (0, 2, 4)
"""Beats that an accompaniment promises."""


def bench_words(
    beside: Any, alone: Any, hands: Sequence[Mapping[str, Any]], along: Sequence[Any] = (), at_once: Any = None
) -> Iterator[str]:
    """What was found of the model and of the whole way, in lines."""
    yield f"notes beside the model at full work: {beside.ratio} times as late as beside an idle one (p99; limit 1.5)"
    for row in alone.hands:
        s = row.spread_ms
        yield f"a hand of {row.ideas}, {', '.join(row.roles)}, nothing prepared: p50 {s.p50:.0f}, p99 {s.p99:.0f} ms"
    for row in alone.sixteenths:
        s = row.spread_ms
        yield (
            f"a fresh hand on every sixteenth at {row.bpm:g} bpm: {row.in_time} of {row.asked} in time "
            f"({row.share:.4f}); p50 {s.p50:.0f}, p99 {s.p99:.0f} ms"
        )
    for row in hands:
        yield (
            f"press to a new hand of {row['ideas']} on the view, {', '.join(row['roles'])}: p50 {row['p50_ms']}, "
            f"p95 {row['p95_ms']} ms, {row['by_model']} of {row['presses']} by the model; io, session and model hold "
            f"{row['io_mib']}, {row['session_mib']} and {row['model_mib']} MiB"
        )

    for row in along:
        yield (
            f"accompanied at 120 bpm, {row.commit} beats promised: beat to chord p50 {row.p50_ms}, p95 {row.p95_ms}, "
            f"most {row.max_ms} ms; {row.by_network:.1%} of {row.beats} beats by the network, {row.late:.1%} late"
        )
    if at_once is not None:
        yield (
            f"the stand-in's chords, between two notes: p50 {at_once.p50_ms}, most {at_once.max_ms} ms; asked for the "
            f"first time in the middle of a song {at_once.first_ms} ms"
        )


def bench_engine(rounds: int, model: str, sizes: str, as_json: bool) -> None:
    """The network alone: every engine on the same weights in the same run; one JSON object last."""
    from rich.console import Console

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there; more only hurt it at this size
    from jamlink.runtime import bench_engine as engine
    from jamlink.runtime.bench_bars import lines
    from jamlink.runtime.bench_models import sizes_of

    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        plan = engine.everyone(rounds)
        report = engine.run(model_folder(model), sizes_of(sizes), plan, lambda what: status.update(what))
    screen.print("\n".join(lines(report)), highlight=False, soft_wrap=True)
    if as_json:
        print(msgspec.json.encode(report).decode())


def bench_page(quick: bool, as_json: bool) -> None:
    """The page in a headless Chromium against a real jamlink; one JSON object last."""
    from rich.console import Console

    from jamlink.web import bench_page as page

    amounts = page.Amounts(2, 40, 8, 5.0, 5.0, 500, 1, 8.0) if quick else page.Amounts()
    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        report = page.run(_start_for_bench, reap, amounts, lambda what: status.update(f"measuring {what}"))
    for line in page.lines(report):
        screen.print(line, highlight=False, soft_wrap=True)
    if as_json:
        print(msgspec.json.encode(report).decode())


def _start_for_bench(with_page: bool, file: str) -> tuple[Popen[bytes], Framed, str]:
    """A session process that plays by itself, its connection, and its page's link where it has one."""
    flags = {"session.tempo": 120.0, "session.repeat": "keep going", "session.click": "on", "ports.system": "JACK"}
    settings = load(Path(os.devnull), {}, {**flags, "page.start": with_page})
    child, connection, slip = start(JamConfig(settings, 1, file, demo=False, play=False))
    door = slip.of(Role.PLAYER) if slip else None
    return child, connection, door.link if door else ""


def _bench_hands(ideas: int, roles: Sequence[str], presses: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Press to hand at 120 bpm while the bundled musician plays, on a JACK server and in a folder of its own, with what
    the processes hold in memory."""
    from jamlink.ports.jack_server import private_jack_server
    from jamlink.runtime.bench_loop import resident_mib
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view.bench_hand import measure

    flags = {"session.tempo": 120.0, "session.bars": 4, "session.roles": list(roles), "session.hand": ideas}
    with private_jack_server(period_frames=128), tempfile.TemporaryDirectory() as folder:
        settings = load(Path(os.devnull), {}, {**flags, "session.click": "off", "ports.system": "JACK"})
        config = JamConfig(settings, 1, str(Path(folder) / "bench.jam"), demo=True, play=True)
        child, connection = spawn(SESSION_PROCESS, "--config", msgspec.json.encode(config).decode())
        held: dict[str, float] = {}

        def watched(what: str) -> None:
            held.update(_resident(child.pid, resident_mib))
            tell(f"{what}, {ideas} ideas each")

        times = measure(connection, MonotonicClock(), presses, watched)
        reap(child)
    ordered = sorted(times.spans_ms)
    pick = {
        name: round(ordered[int(part * (len(ordered) - 1))], 1) for name, part in (("p50_ms", 0.5), ("p95_ms", 0.95))
    }
    what = {"ideas": ideas, "roles": list(roles), "presses": presses, "by_model": times.by_model}
    return {**what, **pick, "max_ms": round(ordered[-1], 1), **held}


def _bench_along(commit: int, beats: int, tell: Callable[[str], None]) -> Any:
    """The bundled musician accompanied at 120 bpm for so many beats, on a JACK server and in a folder of its own."""
    from jamlink.ports.jack_server import private_jack_server
    from jamlink.runtime.bench_along import times_of
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view.bench_hand import follow

    flags = {"session.tempo": 120.0, "session.mode": "accompany", "session.click": "off", "ports.system": "JACK"}
    with private_jack_server(period_frames=128), tempfile.TemporaryDirectory() as folder:
        settings = load(Path(os.devnull), {}, {**flags, "accompany.commit": commit})
        config = JamConfig(settings, 1, str(Path(folder) / "bench.jam"), demo=True, play=True)
        child, connection = spawn(SESSION_PROCESS, "--config", msgspec.json.encode(config).decode())
        follow(connection, MonotonicClock(), beats, lambda what: tell(f"{what}, {commit} promised"))
        reap(child)
        return times_of(Path(config.file), commit)


def _resident(session: int, resident_mib: Callable[[int], float]) -> dict[str, float]:
    """Resident memory of a session process and its children, by what they run."""
    found = {"session_mib": resident_mib(session)}
    for pid in Path(f"/proc/{session}/task/{session}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        found["io_mib" if b"io_main" in words else "model_mib"] = resident_mib(int(pid))
    return found
