"""The io process: `python -m jamlink.runtime.io_main --fd N`. Owns the MIDI ports and every note that sounds.

It is started and watched by `io_link.IoLink` and talks to it over descriptor N. It imports no numpy, no torch and no
web server, decides nothing, and is done when the pipe ends, on SIGTERM, SIGINT or SIGHUP, or when its parent is gone;
then it ends what sounds before it goes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from jamlink.errors import Fault
from jamlink.ports.base import PortSystem
from jamlink.ports.discovery import systems
from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_desk import Desk
from jamlink.runtime.ipc import Framed, inherited
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.runtime.realtime import prepare
from jamlink.timing.units import NS_PER_SECOND

_PARENT_CHECK_S = 0.5
_BACKLOG_BYTES = 64 * 1024
"""So much may wait in the pipe before the session process counts as not reading."""
BACKLOG_MOST = 100_000
"""Messages kept for a session process that does not read: over three minutes of a full cable. Beyond it, it is dead."""

_CONTROL, _PRESSURE, _CHANNEL_PRESSURE, _BEND, _CLOCK = 0xB0, 0xA0, 0xD0, 0xE0, 0xF8


class Outbox:
    """Reports on their way to the session process. Policy, where it does not read:

    notes, ends and all other reports are kept in order, up to BACKLOG_MOST; of a controller, bend or pressure only the
    newest value is kept; clock pulses are dropped, for a late pulse says nothing.
    """

    def __init__(self, pipe: Framed) -> None:
        self._pipe = pipe
        self._kept: dict[object, wire.FromIo] = {}
        self._numbers = 0
        self.coalesced = 0

    @property
    def overflowed(self) -> bool:
        """Whether the session process must be taken for dead."""
        return len(self._kept) > BACKLOG_MOST

    def say(self, report: wire.FromIo) -> None:
        """Sends now, or keeps it until `flush`."""
        if not self._kept and self._pipe.waiting < _BACKLOG_BYTES:
            self._pipe.send(wire.encode(report))
            return
        kind = self._kind(report)
        if kind is _CLOCK or kind in self._kept:
            self.coalesced += 1
            self._kept.pop(kind, None)
        if kind is not _CLOCK:
            self._kept[kind] = report

    def _kind(self, report: wire.FromIo) -> object:
        """What a newer report of the same kind replaces; a fresh number where nothing does."""
        if isinstance(report, wire.Heard):
            status = report.data[0]
            if status == _CLOCK:
                return _CLOCK
            if status & 0xF0 in (_CONTROL, _PRESSURE):
                return report.input, status, report.data[1]
            if status & 0xF0 in (_CHANNEL_PRESSURE, _BEND):
                return report.input, status
        self._numbers += 1
        return self._numbers, None, None, None

    def flush(self) -> None:
        """Sends what was kept, as far as the pipe takes it."""
        self._pipe.flush()
        while self._kept and self._pipe.waiting < _BACKLOG_BYTES:
            kind = next(iter(self._kept))
            self._pipe.send(wire.encode(self._kept.pop(kind)))


class Alarm:
    """Wakes the main thread out of its wait: for signals, and from JACK's thread. `ring` never waits."""

    def __init__(self) -> None:
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)

    def fileno(self) -> int:
        """Readable after a ring."""
        return self._read.fileno()

    def ring(self) -> None:
        """Any thread. Ringing twice wakes once."""
        with contextlib.suppress(OSError):  # full: it rings already
            self._write.send(b"!")

    def on_signals(self) -> None:
        """Lets every signal ring too; main thread only."""
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)

    def close(self) -> None:
        """Lets go; nothing may ring any more."""
        self._read.close()
        self._write.close()

    def hush(self) -> None:
        """Forgets all rings."""
        with contextlib.suppress(OSError):
            while self._read.recv(4096):
                pass


class IoProcess:
    """The main loop. `run` returns when it is time to go, with every note ended."""

    def __init__(self, pipe: Framed) -> None:
        self._pipe = pipe
        self._alarm = Alarm()
        self._outbox = Outbox(pipe)
        self._desk = Desk(MonotonicClock(), self._make_systems, self._outbox.say)
        self._parent = os.getppid()
        self._told_to_go = False
        self._last_fault = ""

    def _make_systems(self, choice: str, client: str) -> Sequence[PortSystem]:
        return systems(choice, client, MonotonicClock(), self._alarm.ring)

    def run(self) -> None:
        """Until the pipe ends, a signal comes, the parent is gone, or `Quit`."""
        self._alarm.on_signals()
        for number in (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)):
            signal.signal(number, self._told)
        promptness = prepare()
        self._outbox.say(wire.IoReady(promptness.realtime, promptness.why_not))
        try:
            while not self._time_to_go():
                self._turn()
        except Exception as bug:
            self._outbox.say(wire.IoFault(f"The MIDI process ends: {type(bug).__name__}: {bug}"))
            raise
        finally:
            self._desk.leave()
            self._outbox.flush()

    def _told(self, _number: int, _frame: object) -> None:
        self._told_to_go = True

    def _time_to_go(self) -> bool:
        gone = self._pipe.closed or self._outbox.overflowed or os.getppid() != self._parent
        return gone or self._told_to_go or self._desk.done

    def _turn(self) -> None:
        wait_s = min(self._desk.wait() / NS_PER_SECOND, _PARENT_CHECK_S)
        readers: list[Framed | Alarm] = [self._pipe, self._alarm]
        select.select(readers, [self._pipe] if self._pipe.waiting else [], [], wait_s)
        self._alarm.hush()
        for frame in self._pipe.receive():
            self._guard(self._obey, frame)
        self._guard(self._desk.turn)
        self._desk.coalesced = self._outbox.coalesced
        self._outbox.flush()

    def _obey(self, frame: bytes) -> None:
        self._desk.handle(wire.decode_order(frame))

    def _guard(self, step: Callable[..., None], *arguments: bytes) -> None:
        """A bug in one step is reported, once; the notes of all others go on."""
        try:
            step(*arguments)
        except Exception as bug:
            text = f"{type(bug).__name__}: {bug}"
            if text != self._last_fault:
                self._last_fault = text
                self._outbox.say(wire.IoFault(text))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; see the module."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.io_main")
    parser.add_argument("--fd", type=int, required=True)
    descriptor = parser.parse_args(arguments).fd
    try:
        pipe = inherited(descriptor)
    except OSError:
        raise Fault(f"Descriptor {descriptor} is no pipe: the io process is started by jamlink alone.") from None
    if not os.environ.get("JAMLINK_DEBUG"):
        _keep_off_the_screen()
    IoProcess(pipe).run()
    return 0


def _keep_off_the_screen() -> None:
    """What C libraries print about absent systems would land in the player's terminal view."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
