"""Where everything is put together: the one file that names concrete ports, proposers, stores and views.

Each function is one command of the command line. Heavy parts are imported where they are used.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from jamlink.settings import Places, Settings, load, remember, remembered, session_settings, with_remembered

HEADER = "header"
"""The kind of a session file's first entry: version, wall time, settings."""


# -- jam: the foreground process -----------------------------------------------------------------------------------


class JamConfig(msgspec.Struct, frozen=True):
    """What the foreground hands to the session process, as JSON."""

    settings: Settings
    seed: int
    file: str
    demo: bool
    play: bool


def jam(flags: Mapping[str, Any], sessions: Path | None, *, demo: bool, plain: bool, play: bool) -> int:
    """Run a jam until the player leaves. Returns the exit code."""
    from jamlink.runtime.ipc import spawn
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view import lines, terminal

    config = _jam_config(flags, sessions, demo, play or demo)
    child, connection = spawn("jamlink.app", "--config", msgspec.json.encode(config).decode())
    view = lines.run if plain or not (sys.stdin.isatty() and sys.stdout.isatty()) else terminal.run
    previous = {s: signal.signal(s, _leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        return view(connection, MonotonicClock())
    except _Left:
        return 0
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        connection.close()
        _reap(child)


class _Left(BaseException):
    """The machine asked us to go."""


def _leave(number: int, frame: object) -> None:
    raise _Left


def _reap(child: Any) -> None:
    """The session process sees its connection end, silences everything and goes; it has three seconds."""
    with contextlib.suppress(Exception):
        child.wait(timeout=3)
        return
    child.kill()
    child.wait()


def _jam_config(flags: Mapping[str, Any], sessions: Path | None, demo: bool, play: bool) -> JamConfig:
    places = Places()
    settings = load(places.settings, os.environ, flags)
    settings = with_remembered(settings, remembered(places.remembered))
    session_settings(settings, 1)
    remember(places.remembered, {"input": settings.ports.input, "output": settings.ports.output})
    folder = sessions or places.sessions(settings)
    file = folder / f"{datetime.now():%Y-%m-%d %H.%M.%S}.jam"
    return JamConfig(settings, secrets.randbelow(2**31), str(file), demo, play)


# -- the session process -------------------------------------------------------------------------------------------


def session_process() -> None:
    """`python -m jamlink.app --fd N --config JSON`: started by `jam`, ends with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    config = msgspec.json.decode(arguments.config, type=JamConfig)
    _quiet_errors(Path(config.file))
    running = _put_together(config, arguments.fd)
    wakeup = _wake_on_signals(running)
    running.run(wakeup)


def _quiet_errors(file: Path) -> None:
    """The terminal belongs to the view: what a library prints goes to a log beside the session file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(file.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)
    os.dup2(log, 1)


def _wake_on_signals(running: Any) -> int:
    """Signals end the loop; the descriptor wakes it up."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: running.leave())
    return reader


def _put_together(config: JamConfig, descriptor: int) -> Any:
    from jamlink.ledger.store import Ledger
    from jamlink.runtime.io_link import IoLink, standard_ports
    from jamlink.runtime.ipc import inherited
    from jamlink.runtime.jam import Jam, Parts
    from jamlink.runtime.model_link import ModelLink
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.session.core import Session
    from jamlink.view.hub import Hub

    settings, clock = config.settings, MonotonicClock()
    setup = session_settings(settings, config.seed)
    started = clock.now()
    io = IoLink(clock, standard_ports(settings.ports.input, settings.ports.output, settings.ports.system))
    io.start()
    model = _model_link(settings, clock, ModelLink)
    ledger = Ledger(Path(config.file), header(setup, started))
    parts = Parts(
        session=Session(setup, started),
        io=io,
        model=model,
        stand_in=stand_in(settings.model.stand_in),
        ledger=ledger,
        bindings=_bindings(settings.ports.map),
        views=Hub(inherited(descriptor)),
        clock=clock,
        file=Path(config.file).name,
        opening=_opening(config, setup, clock.now()),
    )
    return Jam(parts)


# -- offline: render, replay, export -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What `jamlink render` was asked for."""

    source: Path
    target: Path
    accept: str
    bars: int
    seed: int
    proposer: str
    roles: tuple[str, ...]
    mode: str
    repeat: str
    model: str


def render(request: RenderRequest) -> dict[str, Any]:
    """Run a jam over the musician's file on a hand-moved clock. Returns the report that --json prints."""
    from jamlink.runtime.rendering import Rendering

    settings = load(
        Path(os.devnull),
        {},
        {
            "session.bars": request.bars,
            "session.roles": list(request.roles),
            "session.mode": request.mode,
            "session.repeat": request.repeat,
            "session.seed": request.seed,
            "session.count_in": 0,
            "session.click": "off",
        },
    )
    maker = proposer(request.proposer, request.model)
    rendering = Rendering(request.source, settings, maker, stand_in("rules"))
    return rendering.run(request.target, _chooser(request.accept, request.seed), header)


def _chooser(accept: str, seed: int) -> Any:
    """Which place of a hand is taken, from 0; -1 takes what is selected, None takes nothing."""
    dice = random.Random(seed)
    return {
        "best": lambda hand: -1,
        "first": lambda hand: 0,
        "random": lambda hand: dice.randrange(hand),
        "none": lambda hand: None,
    }[accept]
