"""The asking end of `bench_worker`: starts an engine's process, gives it turns, and notices when it is gone."""

from __future__ import annotations

import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from jamlink.errors import Unavailable
from jamlink.runtime.bench_wire import Answer, Done, Failed, Ready, Setup, Subject, Turn, Work
from jamlink.runtime.ipc import spawn

_GRACE_S = 2.0
_Kind = TypeVar("_Kind", Ready, Done)


class Worker:
    """One engine's process. Raises `Unavailable`, with why, wherever it is not there or not in time."""

    def __init__(self, subject: Subject, work: Work, folder: Path, scratch: Path, limit_s: float) -> None:
        self.subject = subject
        own = Path(tempfile.mkdtemp(dir=scratch))
        self._log = own / "log"
        setup = Setup(subject, work, str(folder), str(own), str(self._log))
        self._child, self._link = spawn("jamlink.runtime.bench_worker", msgspec.json.encode(setup).decode())
        try:
            self._answer(Ready, limit_s)
        except Unavailable:
            self.end()
            raise

    def turn(self, rows: int, limit_s: float) -> Done:
        """One turn of so many rows; of more context with 0."""
        self._link.send(msgspec.json.encode(Turn(rows)))
        return self._answer(Done, limit_s)

    def end(self) -> None:
        """The process goes, if need be by force."""
        self._link.close()
        try:
            self._child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _answer(self, kind: type[_Kind], limit_s: float) -> _Kind:
        answer = msgspec.json.decode(self._frame(limit_s), type=Answer)
        if isinstance(answer, Failed):
            raise Unavailable(answer.why)
        assert isinstance(answer, kind)
        return answer

    def _frame(self, limit_s: float) -> bytes:
        end = time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            if frames := self._link.receive():
                return frames[0]
            if self._link.closed:
                raise Unavailable(f"it ended without a word ({self._last_words()})")
            select.select([self._link], [self._link] if self._link.waiting else [], [], left)
        self._child.kill()
        raise Unavailable(f"it took longer than {limit_s:g} s")

    def _last_words(self) -> str:
        """Of its log, or how it ended."""
        try:
            code = self._child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            code = None
        lines = self._log.read_text(errors="replace").split("\n") if self._log.is_file() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), f"exit status {code}")
