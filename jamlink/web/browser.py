"""Opening the player's own browser, without waiting for it and without its words in our terminal."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

_OPEN = "import sys, webbrowser; webbrowser.open(sys.stdin.read())"
"""In a process of its own: some browsers' launchers take seconds, and some talk."""


def can_open() -> bool:
    """Whether there is a screen for a browser. Without one, Python would start a browser for the terminal."""
    return not sys.platform.startswith("linux") or any(os.environ.get(v) for v in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_in_browser(link: str) -> None:
    """Ask the system to; whether it does cannot be known. The link goes over a pipe: command lines can be read."""
    if not can_open():
        return
    with contextlib.suppress(OSError):
        opener = subprocess.Popen(
            [sys.executable, "-c", _OPEN],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert opener.stdin is not None
        opener.stdin.write(link.encode())
        opener.stdin.close()
        _openers.append(opener)


_openers: list[subprocess.Popen[bytes]] = []
"""Kept, so that Python does not complain of one that still works when it is forgotten."""
