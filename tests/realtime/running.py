"""A jam as a player starts it, for tests: `jamlink jam --plain` in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


class Running:
    """`jamlink jam --plain` in a folder of its own, with the lines it has said."""

    def __init__(self, folder: Path, *flags: str, play: bool = True, system: str = "JACK") -> None:
        self.folder = folder
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_DATA_HOME": str(folder / "data")}
        command = [sys.executable, "-m", "jamlink", "jam", "--plain", "--system", system]
        self.process = subprocess.Popen(
            [*command, *(["--play"] if play else []), *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **home},
        )
        self.lines: list[str] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def says(self, words: str) -> bool:
        return any(words in line for line in self.lines)

    @property
    def has_its_model(self) -> bool:
        """Whether ideas come from what was asked for: the first line says so, or a later one where that came first."""
        return any(" proposes" in line and "stand-in" not in line for line in self.lines)

    @property
    def session_file(self) -> Path:
        (file,) = (self.folder / "data").rglob("*.jam")
        return file

    def type(self, words: str) -> None:
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def end(self, how: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=20)
        self._listener.join(timeout=20)
        self.process.stdin.close()
        self.process.stdout.close()
