"""`jamlink jam` in the terminal: starts the session process, shows what it says, and ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec

from jamlink.app.jam_config import JamConfig, jam_config, wanted
from jamlink.runtime.ipc import Framed, spawn
from jamlink.settings import PageTable, Places, remember
from jamlink.web.slip import Door, Role, Slip, close_doors, open_doors, write_slip

SESSION_PROCESS = "jamlink.app.session_process"


def jam(flags: Mapping[str, Any], sessions: Path | None, *, demo: bool, plain: bool, play: bool) -> int:
    """Run a jam until the player leaves. Returns the exit code."""
    config = _config(flags, sessions, demo=demo, play=play or demo)
    child, connection, slip = start(config)
    previous = {s: signal.signal(s, _leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        welcome = [] if slip is None else _show_page(slip, config.settings.page)
        return _show(connection, welcome, slip, plain)
    except _Left:
        return 0
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        connection.close()
        reap(child)


def _config(flags: Mapping[str, Any], sessions: Path | None, *, demo: bool, play: bool) -> JamConfig:
    """What was asked for, looked at before anything starts, and the ports remembered for next time."""
    from jamlink.app.before_starting import look_before_starting

    settings = wanted(flags, demo=demo)
    look_before_starting(settings)
    remember(Places().remembered, {"input": settings.ports.input, "output": settings.ports.output})
    return jam_config(settings, sessions, demo=demo, play=play)


def _show(connection: Framed, welcome: list[str], slip: Slip | None, plain: bool) -> int:
    """Show the jam until the player leaves; imported while the session process gets ready. Returns the exit code."""
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view import lines, terminal

    if not plain and sys.stdin.isatty() and sys.stdout.isatty():
        return terminal.run(connection, MonotonicClock(), welcome, _open_to(slip))
    return lines.run(connection, MonotonicClock())


def start(config: JamConfig) -> tuple[Popen[bytes], Framed, Slip | None]:
    """The session process, the connection to it, and where its page is; None where no page is wanted."""
    slip = _open_page(config)
    if slip is None:
        return *spawn(SESSION_PROCESS, "--config", msgspec.json.encode(config).decode()), None
    written = write_slip(slip)
    config = msgspec.structs.replace(config, slip=written)
    keep = (written, *slip.descriptors)
    try:
        return *spawn(SESSION_PROCESS, "--config", msgspec.json.encode(config).decode(), keep=keep), slip
    finally:
        os.close(written)
        close_doors(slip.doors)


def _open_page(config: JamConfig) -> Slip | None:
    """Doors for the page where one is wanted. Raises `Unavailable` where it cannot be shown."""
    page = config.settings.page
    if not page.start:
        return None
    return Slip(open_doors(page.port, lan=page.lan, address=page.address), config.file)


def _show_page(slip: Slip, page: PageTable) -> list[str]:
    """Say where the page is, and open it in the browser. -> what was said."""
    from rich.console import Console
    from rich.text import Text

    from jamlink.web.browser import open_in_browser

    player = slip.of(Role.PLAYER)
    out, said = Console(highlight=False, soft_wrap=True), [_where(door) for door in slip.doors]
    for door, words in zip(slip.doors, said, strict=True):
        out.print(Text(words, "" if door.role is Role.PLAYER else "bold red"))
    sys.stdout.flush()
    if page.open and player is not None:
        open_in_browser(player.link)
    return said


def _where(door: Door) -> str:
    if door.role is Role.PLAYER:
        return f"The page is at {door.link}"
    return f"Open to your network at {door.address} with the code {door.code}: to see, choose, take and refuse ideas."


def _open_to(slip: Slip | None) -> str:
    """Where others in the network may come in, and with which code; empty where nobody may."""
    doors = [door for door in slip.doors if door.role is Role.TABLET] if slip else []
    return " · ".join(f"Open to your network: {door.address}  code {door.code}" for door in doors)


class _Left(BaseException):
    """The machine asked us to go."""


def _leave(number: int, frame: object) -> None:
    raise _Left


def reap(child: Popen[bytes]) -> None:
    """The session process sees its connection end, silences everything and goes; it has three seconds."""
    with contextlib.suppress(Exception):
        child.wait(timeout=3)
        return
    child.kill()
    child.wait()
