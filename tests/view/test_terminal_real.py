"""The full screen on a real pseudo-terminal, with a real session process: every way out leaves the terminal whole."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

pytestmark = [pytest.mark.real, pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")]

OPENED, RESTORED = b"\x1b[?1049h", b"\x1b[?1049l"
"""The alternate screen (xterm control sequences)."""
PATIENCE_S = 60.0
"""Only bounds a failure: a test that passes never waits so long."""


OWN_TERMINAL = """
import fcntl, runpy, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing the terminal hangs up on us
runpy.run_module("tests.view.rehearsal", run_name="__main__")
"""


class Terminal:
    """`python -m tests.view.rehearsal` with a controlling terminal of its own."""

    def __init__(self, columns=80, rows=24):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.view = subprocess.Popen(
            [sys.executable, "-c", OWN_TERMINAL],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )
        os.close(slave)
        self.seen = b""

    def wait_for(self, words):
        """Read until `words` were written."""
        until = time.monotonic() + PATIENCE_S
        while words not in self.seen:
            assert self._read(until), f"{words!r} never came; the end of what did: {self.seen[-400:]!r}"

    def wait_for_the_end(self):
        """Read until the view is gone; its exit code."""
        until = time.monotonic() + PATIENCE_S
        while self._read(until):
            pass
        return self.view.wait(PATIENCE_S)

    def type(self, keys):
        os.write(self.master, keys)

    def session(self):
        """The process id of the session behind the view."""
        found = subprocess.run(["pgrep", "-P", str(self.view.pid)], capture_output=True, text=True, check=True)
        return int(found.stdout.split()[0])

    def close(self):
        self.view.kill()
        self.view.wait()
        self.hang_up()

    def hang_up(self):
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def _read(self, until):
        ready, _, _ = select.select([self.master], [], [], max(0.0, until - time.monotonic()))
        try:
            chunk = os.read(self.master, 65536) if ready else b""
        except OSError:  # Linux says EIO where the other side is closed
            chunk = b""
        self.seen += chunk
        return bool(chunk)


@pytest.fixture
def terminal():
    terminal = Terminal()
    terminal.wait_for(OPENED)
    terminal.wait_for(b"play/stop")
    yield terminal
    terminal.close()


def is_gone(pid):
    """Wait until a process that is no child of ours has ended."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        select.select([], [], [], 0.05)
    return False


def test_q_restores_the_terminal_and_ends_with_zero(terminal):
    session = terminal.session()
    terminal.type(b"q")
    assert terminal.wait_for_the_end() == 0
    assert RESTORED in terminal.seen
    assert is_gone(session)


def test_ctrl_c_ends_at_once_even_while_music_plays(terminal):
    terminal.type(b" ")
    terminal.wait_for(b"count-in")
    terminal.type(b"\x03")
    assert terminal.wait_for_the_end() == 0
    assert RESTORED in terminal.seen


def test_a_termination_signal_restores_the_terminal(terminal):
    session = terminal.session()
    terminal.view.terminate()
    assert terminal.wait_for_the_end() == 0
    assert RESTORED in terminal.seen
    assert is_gone(session)


def test_a_killed_session_is_said_in_a_sentence_on_a_restored_terminal(terminal):
    os.kill(terminal.session(), signal.SIGKILL)
    assert terminal.wait_for_the_end() == 1
    _, restored, after = terminal.seen.rpartition(RESTORED)
    assert restored
    assert b"The session has stopped by itself" in after
    assert b"Traceback" not in terminal.seen


def test_a_closed_terminal_ends_view_and_session(terminal):
    session = terminal.session()
    terminal.hang_up()
    terminal.view.wait(PATIENCE_S)
    assert is_gone(session)


def test_the_mouse_is_left_to_the_terminal(terminal):
    assert b"\x1b[?1000h" not in terminal.seen
