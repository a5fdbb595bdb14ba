"""Whole frames over a socket that never waits: what every pair of jamlink's processes talks through.

A frame is its length in four bytes, network order, and that many bytes. Both ends are non-blocking: what cannot be
written now is kept and goes out at the next call; what came in half is kept until the rest is there. Standard library
only, so that the io process stays tiny. One thread per end.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence

_LENGTH = struct.Struct("!I")
FRAME_LIMIT = 16 * 1024 * 1024
"""No frame of ours is near this long; a longer one means that the stream is not ours or is damaged."""
_CHUNK = 65_536


class Framed:
    """One end. `limit` bounds what waits to be written, in bytes; `send` says no beyond it."""

    def __init__(self, sock: socket.socket, limit: int = FRAME_LIMIT) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._limit = limit
        self._in = bytearray()
        self._out = bytearray()
        self.closed = False
        """True when the other end is gone, or sent what is no frame; nothing more comes or goes."""

    def fileno(self) -> int:
        """For select; -1 once closed."""
        return -1 if self.closed else self._socket.fileno()

    @property
    def waiting(self) -> int:
        """Bytes that could not be written yet."""
        return len(self._out)

    def send(self, frame: bytes) -> bool:
        """Send a frame. False where it was refused: the other end is gone, or does not read."""
        if self.closed or len(self._out) + len(frame) > self._limit:
            return False
        self._out += _LENGTH.pack(len(frame)) + frame
        self.flush()
        return not self.closed

    def flush(self) -> bool:
        """Write what can be written now. True when nothing waits any more."""
        while self._out and not self.closed:
            try:
                del self._out[: self._socket.send(self._out)]
            except BlockingIOError:
                break
            except OSError:
                self._end()
        return not self._out

    def receive(self) -> list[bytes]:
        """Every whole frame that is there now. An empty list does not mean the end; `closed` does."""
        self.flush()
        while not self.closed:
            try:
                chunk = self._socket.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                chunk = b""
            if not chunk:
                frames = self._frames()
                self._end()
                return frames
            self._in += chunk
        return self._frames()

    def close(self) -> None:
        """Let go; the other end sees the end of the stream after what was written."""
        self._end()

    def _frames(self) -> list[bytes]:
        frames = []
        while len(self._in) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._in)
            if length > FRAME_LIMIT:
                self._end()
                break
            end = _LENGTH.size + length
            if len(self._in) < end:
                break
            frames.append(bytes(self._in[_LENGTH.size : end]))
            del self._in[:end]
        return frames

    def _end(self) -> None:
        self.closed = True
        with contextlib.suppress(OSError):
            self._socket.close()


def spawn(module: str, *arguments: str, keep: Sequence[int] = ()) -> tuple[subprocess.Popen[bytes], Framed]:
    """Start `python -m module --fd N arguments` with its end of a fresh socket pair as descriptor N.

    The child gets no other descriptor of ours but those to `keep`, under their own numbers. It reads nothing from the
    terminal, and is in a process group of its own, so that Ctrl-C reaches the foreground alone, which then says goodbye
    in order. Raises OSError.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        child = subprocess.Popen(
            [sys.executable, "-m", module, "--fd", str(theirs.fileno()), *arguments],
            pass_fds=[theirs.fileno(), *keep],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    return child, Framed(ours)


def inherited(descriptor: int) -> Framed:
    """The child's end, from the descriptor number it was given."""
    return Framed(socket.socket(fileno=descriptor))
