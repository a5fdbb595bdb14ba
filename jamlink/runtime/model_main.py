"""The model process: `python -m jamlink.runtime.model_main --fd N --folder models/jam-s`.

It is started and watched by `model_link.ModelLink`, knows no port and no transport, and goes when the pipe ends. One
thread serves, one computes beside it where there are two cores. Between two steps of the network a proposer asks
whether it is cancelled, and that is when the pipe is read, so a cancelled or replaced request stops within a step.
While nothing is asked, it thinks ahead of what will be. A bug is told as one sentence; its traceback goes to stderr,
which in a jam is the session's log.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import select
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from jamlink.errors import Fault, JamlinkError, Nonsense
from jamlink.proposers.base import Accompanies, Proposer, ThinksAhead
from jamlink.runtime import model_wire as wire
from jamlink.runtime.ipc import Framed, inherited
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import ChordsRequest, Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

_THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_NICENESS = 5
"""Ideas may wait for a note; a note never waits for ideas."""
_NICENESS_OF_HELPER = 5
"""On top: the second core is used as far as nobody else wants it."""


class ModelProcess:
    """Answers requests until the pipe ends, and thinks ahead of them while there are none."""

    def __init__(self, pipe: Framed, proposer: Proposer) -> None:
        self._pipe, self._proposer = pipe, proposer
        self._waiting: dict[Ticks, ProposalRequest] = {}
        self._ahead: ProposalRequest | None = None
        """What will be asked for next, and has not been thought of yet."""
        self._chords: ChordsRequest | None = None
        """What chords are asked for, before any ideas."""
        self._running: ProposalRequest | None = None
        self._stop = False
        self.damaged = 0
        """Frames that were no message and were passed over."""

    def run(self) -> None:
        """Warm up, say so, then serve."""
        with contextlib.suppress(Exception):  # a bug shows again at the first request, and is answered there
            self._proposer.propose(_small_request(), lambda: self._pipe.closed)
        self._say(wire.Ready(self._proposer.name))
        while not self._pipe.closed:
            if not self._waiting and self._ahead is None and self._chords is None:
                select.select([self._pipe], [self._pipe] if self._pipe.waiting else [], [])
            self._read()
            if self._chords is not None:
                self._find_chords(self._chords)
            elif self._waiting:
                self._answer(self._waiting.pop(next(iter(self._waiting))))
            elif self._ahead is not None:
                self._think_ahead(self._ahead)

    def _answer(self, request: ProposalRequest) -> None:
        self._running, self._stop = request, False
        try:
            ideas = self._proposer.propose(request, self._cancelled)
        except Exception as bug:
            traceback.print_exc()
            self._say(wire.Failed(request.id, f"The model stumbled ({type(bug).__name__})."))
        else:
            self._say(wire.CandidatesReady(request.id, () if self._stop else tuple(ideas)))
        self._running = None

    def _find_chords(self, request: ChordsRequest) -> None:
        self._chords, who = None, self._proposer
        try:
            found = who.chords(request) if isinstance(who, Accompanies) else ()
        except Exception as bug:
            traceback.print_exc()
            self._say(wire.Failed(request.id, f"The model stumbled ({type(bug).__name__})."))
        else:
            self._say(wire.ChordsReady(request.id, found, who.name))

    def _think_ahead(self, request: ProposalRequest) -> None:
        """Until it is done, or something newer comes: what is found is kept by the proposer."""
        self._ahead = None
        if not isinstance(self._proposer, ThinksAhead):
            return
        with contextlib.suppress(Exception):  # a bug shows again when it is asked for, and is answered there
            self._proposer.prepare(request, lambda: self._outrun(request))

    def _outrun(self, request: ProposalRequest) -> bool:
        """Whether anything newer than this thought has come. A request for just this is answered when it is done."""
        self._read()
        newer = [*self._waiting.values(), *([self._ahead] if self._ahead else [])]
        return self._pipe.closed or self._chords is not None or any(other.wish != request.wish for other in newer)

    def _cancelled(self) -> bool:
        self._read()
        return self._stop or self._pipe.closed

    def _read(self) -> None:
        for frame in self._pipe.receive():
            try:
                message = wire.decode(frame)
            except Nonsense:
                self.damaged += 1
                continue
            match message:
                case wire.Ask(request):
                    self._queue(request)
                case wire.Prepare(request):
                    self._ahead = request
                case wire.AskChords(request):
                    self._queue_chords(request)
                case wire.CancelAsk(number):
                    self._cancel(number)

    def _queue(self, request: ProposalRequest) -> None:
        """The newest request for a slot wins."""
        start = request.slot.start
        if self._running is not None and self._running.slot.start == start:
            self._stop = True
        if (older := self._waiting.pop(start, None)) is not None:
            self._say(wire.CandidatesReady(older.id, ()))
        self._waiting[start] = request

    def _queue_chords(self, request: ChordsRequest) -> None:
        """Only the newest is of any use; ideas that are being thought of ahead wait."""
        if self._chords is not None:
            self._say(wire.ChordsReady(self._chords.id, (), self._proposer.name))
        self._chords = request

    def _cancel(self, number: int) -> None:
        if self._running is not None and self._running.id == number:
            self._stop = True
        for start, request in list(self._waiting.items()):
            if request.id == number:
                del self._waiting[start]
                self._say(wire.CandidatesReady(number, ()))

    def _say(self, answer: wire.FromModel) -> None:
        self._pipe.send(wire.encode(answer))


def _small_request() -> ProposalRequest:
    """One bar out of nothing: touches all that a real request will."""
    bar = COMMON_TIME.bar_ticks
    context = ContextWindow(Ticks(0), Ticks(0), COMMON_TIME, tempo_of_bpm(120), None, (), ())
    slot = Slot(Ticks(0), 1, bar)
    return ProposalRequest(0, slot, frozenset(Role), context, Controls(), seed=1, count=4, deadline=Ns(0))


def _make(folder: Path, name: str, threads: int) -> Proposer:
    """The proposer `module:Class`, made without arguments; the network of `folder` where no name is given."""
    if name:
        module, _, cls = name.partition(":")
        try:
            made: Proposer = getattr(importlib.import_module(module), cls)()
        except (ImportError, AttributeError, ValueError):
            raise Nonsense(f"There is no proposer {name}.", "Write it as module:Class.") from None
        return made
    # Not earlier: numpy must find the number of threads set.
    from jamlink.engine.lanes import Lanes
    from jamlink.nn import checkpoint
    from jamlink.proposers.originality import index_for
    from jamlink.proposers.transformer import TransformerProposer
    from jamlink.tokens import vocab

    lanes = Lanes(_step_back) if threads > 1 else None
    return TransformerProposer(checkpoint.load(folder, vocab.HASH), index_for(folder), lanes)


def _step_back() -> None:
    """Lower this thread's priority, where threads have one of their own."""
    if sys.platform == "linux":
        os.nice(_NICENESS_OF_HELPER)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the process; see the module."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.model_main")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--proposer", default="")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args(arguments)
    try:
        pipe = inherited(given.fd)
    except OSError:
        raise Fault(f"Descriptor {given.fd} is no pipe: the model process is started by jamlink alone.") from None
    _be_modest()
    try:
        proposer = _make(given.folder, given.proposer, given.threads or min(2, os.cpu_count() or 1))
    except Exception as trouble:
        pipe.send(wire.encode(wire.Failed(None, _sentence(trouble))))
        return 1
    ModelProcess(pipe, proposer).run()
    return 0


def _sentence(trouble: Exception) -> str:
    """Why there is no model. A bug's traceback goes to the log."""
    if isinstance(trouble, JamlinkError):
        return str(trouble)
    traceback.print_exception(trouble)
    return f"The model cannot be loaded ({type(trouble).__name__}). Run: jamlink doctor"


def _be_modest() -> None:
    """Below everything that plays; numpy starts no threads."""
    for setting in _THREAD_SETTINGS:
        os.environ[setting] = "1"
    if hasattr(os, "nice"):
        os.nice(_NICENESS)


if __name__ == "__main__":
    sys.exit(main())
