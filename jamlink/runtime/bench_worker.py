"""One engine in a process of its own: `python -m jamlink.runtime.bench_worker --fd N SETUP`.

So no library's threads disturb another's turn, and one that dies takes nobody with it. Between turns the process waits
on its socket and takes no time of a processor; it goes when the socket ends.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import select
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jamlink.runtime.bench_wire import Done, Failed, Ready, Setup, Turn, Work
from jamlink.runtime.ipc import Framed, inherited

if TYPE_CHECKING:
    from jamlink.runtime.peers import Ids, Peer

_THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def _made(setup: Setup) -> Peer:
    """Imports happen here, behind the environment."""
    from jamlink.nn import checkpoint
    from jamlink.runtime.peers import Order
    from jamlink.tokens import vocab

    subject, folder = setup.subject, Path(setup.folder)
    found = checkpoint.load(folder, vocab.HASH)
    module, function = subject.make.split(":")
    order = Order(
        subject.engine, subject.precision, subject.threads, folder, Path(setup.scratch), found.config, found.weights
    )
    peer: Peer = getattr(importlib.import_module(module), function)(order)
    return peer


def take(peer: Peer, work: Work, rows: int) -> Done:
    """One turn; what comes before the clock starts is the context, and room for the rows."""
    peer.read(work.context)
    act: Callable[[], Ids | None] = partial(peer.append, work.more)
    if rows:
        peer.fork(work.firsts[:rows], work.tokens)
        act = peer.decode
    waited_s, start = _waited_s(), time.perf_counter()
    said = act()
    seconds = time.perf_counter() - start
    return Done(seconds, _waited_s() - waited_s, said or [])


def _waited_s() -> float:
    """How long this process's threads were ready to run and did not, so far (Linux: schedstat); elsewhere 0."""
    found = 0.0
    for file in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            found += int(file.read_text().split()[1]) / 1e9
    return found


def _serve(link: Framed, setup: Setup) -> None:
    peer = _made(setup)
    link.send(msgspec.json.encode(Ready()))
    while not link.closed:
        select.select([link], [link] if link.waiting else [], [])
        for frame in link.receive():
            turn = msgspec.json.decode(frame, type=Turn)
            link.send(msgspec.json.encode(take(peer, setup.work, turn.rows)))


def main() -> int:
    """The command line, which only `bench_turns` types."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.bench_worker")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("setup")
    arguments = parser.parse_args()
    setup = msgspec.json.decode(arguments.setup, type=Setup)
    with open(setup.log, "w") as log:
        os.dup2(log.fileno(), 1), os.dup2(log.fileno(), 2)
    os.environ |= dict.fromkeys(_THREAD_SETTINGS, str(setup.subject.threads)) | setup.subject.environment
    link = inherited(arguments.fd)
    try:
        _serve(link, setup)
    except Exception as trouble:  # of whatever library
        traceback.print_exc()
        first = (str(trouble).strip() or "no reason given").splitlines()[0]
        link.send(msgspec.json.encode(Failed(f"{type(trouble).__name__}: {first}")))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
