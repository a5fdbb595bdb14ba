"""`python -m jamlink.app.session_process --fd N --config JSON`: started by the foreground, ends with it.

The page's process is started before anything heavy is imported here, so that both get ready at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jamlink.app.jam_config import JamConfig

if TYPE_CHECKING:
    from jamlink.runtime.jam import Jam
    from jamlink.web.process import PageProcess


def session_process() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    config = msgspec.json.decode(arguments.config, type=JamConfig)
    _quiet_errors(Path(config.file))
    page = _start_page(config.slip)
    reader, writer = _wakeup()
    running = _jam(config, arguments.fd, page, writer)
    _wake_on_signals(running, writer)
    running.run(reader)


def _quiet_errors(file: Path) -> None:
    """The terminal belongs to the view: what a library prints goes to a log beside the session file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(file.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)
    os.dup2(log, 1)


def _start_page(slip: int | None) -> PageProcess | None:
    """The page's process; None for no page."""
    from jamlink.web.process import PageProcess

    return None if slip is None else PageProcess(slip)


def _jam(config: JamConfig, descriptor: int, page: PageProcess | None, writer: int) -> Jam:
    from jamlink.app.parts import put_together

    return put_together(config, descriptor, page, lambda: _wake(writer))


def _wakeup() -> tuple[int, int]:
    """A pipe that ends a wait: whoever wants the loop to look around writes to its second end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


def _wake_on_signals(running: Jam, writer: int) -> None:
    """Signals end the loop."""
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: running.leave())


def _wake(writer: int) -> None:
    """From any thread. A full pipe wakes, too."""
    with contextlib.suppress(BlockingIOError):
        os.write(writer, b"\0")


if __name__ == "__main__":
    session_process()
