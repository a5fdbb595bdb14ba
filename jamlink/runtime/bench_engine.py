"""How fast the network computes here: jamlink's engines and those that others made, on the same weights, in one run.

The work: ideas of 64 words behind a context of 256 that is read already, greedy; and four more words of context. Each
engine is a process of its own that waits while others work. Every round asks each once, in an order drawn anew, so that
what else the machine does falls on all alike; quantiles over rounds are reported. An engine that says other words than
it should is reported as wrong and not timed; one that is missing, dies or takes too long is named, and the run goes on.
"""

from __future__ import annotations

import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jamlink.engine.decoder import Decoder
from jamlink.errors import Nonsense, Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.checkpoint import Checkpoint
from jamlink.runtime.bench_bars import bars
from jamlink.runtime.bench_entrant import Entrant
from jamlink.runtime.bench_floor import BYTES_OF, Limits, Probe, floor_ms, matrix_bytes
from jamlink.runtime.bench_models import shape_of, write_random
from jamlink.runtime.bench_turns import Worker
from jamlink.runtime.bench_wire import Subject, Work
from jamlink.runtime.peers import Ids
from jamlink.runtime.peers.ours import Ours
from jamlink.runtime.peers.table import PEERS, Kind, native_missing, ours
from jamlink.tokens import vocab

_PATIENCE_S = 5.0
"""For one turn of another way to set an engine up, or as long as all turns of the first way take together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of whom.

    A turn that takes longer than `limit_s` ends the engine's part in the run; its first ones, and starting it, may take
    `start_limit_s`. `settle_s` lies between two turns: threads that still spin go to sleep.
    """

    kinds: Sequence[Kind]
    rounds: int = 9
    context: int = 256
    tokens: int = 64
    batches: Sequence[int] = (1, 16)
    more: int = 4
    settle_s: float = 0.02
    limit_s: float = 120.0
    start_limit_s: float = 300.0

    def work(self, words: int) -> Work:
        """The same for everyone, of ids below `words`; each row begins with one of its own."""
        draw = np.random.default_rng(0)
        lengths = self.context, max(self.batches), self.more
        context, firsts, more = (draw.integers(0, words, length).tolist() for length in lengths)
        return Work(context, firsts, self.tokens, more)


def everyone(rounds: int = 9) -> Plan:
    """The plan of the command line."""
    return Plan((*ours(), *PEERS), rounds)


def run(
    folder: Path, sizes: Sequence[int], plan: Plan, tell: Callable[[str], None] = lambda line: None
) -> dict[str, Any]:
    """The report on the network in `folder` and on random ones of so many million weights (`bench_models.SIZES`).

    Raises as `checkpoint.load`.
    """
    absent = {kind.engine: why for kind in plan.kinds if (why := kind.missing())}
    if why := native_missing():
        absent = {"native": why, **absent}
    with tempfile.TemporaryDirectory(prefix="jamlink-bench-") as made:
        scratch = Path(made)
        folders = [folder, *(write_random(scratch / f"random-{size}m", shape_of(size)) for size in sizes)]
        networks = [_Network(one, scratch, plan, tell) for one in folders]
        probe, no_floor = _probe(networks, plan, scratch)
        for network in networks:
            network.measure(probe)
    limits = probe.limits if probe else Limits({}, {})
    rows = [row for network in networks for row in network.rows(limits)]
    return {
        "machine": _machine(), "commit": _commit(), "rounds": plan.rounds, "rows": rows,
        "more_context": [row for network in networks for row in network.more()],
        "bars": bars(rows, {kind.engine for kind in plan.kinds if kind.ours}),
        "limits": limits.as_lists(), "no_floor": no_floor,
        "wrong": {name: why for network in networks for name, why in network.wrong.items()},
        "not_measured": absent | {name: why for network in networks for name, why in network.gone.items()},
    }  # fmt: skip


def _probe(networks: Sequence[_Network], plan: Plan, scratch: Path) -> tuple[Probe | None, str]:
    """What measures the machine's limits, or why there is nothing."""
    sets = {matrix_bytes(network.found.config, precision) for network in networks for precision in BYTES_OF}
    try:
        return Probe(scratch, sets, {threads for kind in plan.kinds for threads in kind.threads}), ""
    except Unavailable as missing:
        return None, missing.what


class _Network:
    """One network and everyone who computes it. `wrong` and `gone` say why, by name."""

    def __init__(self, folder: Path, scratch: Path, plan: Plan, tell: Callable[[str], None]) -> None:
        self.found: Checkpoint = checkpoint.load(folder, vocab.HASH)
        self.wrong: dict[str, str] = {}
        self.gone: dict[str, str] = {}
        self._folder, self._scratch, self._plan, self._tell = folder, scratch, plan, tell
        self._parameters = sum(array.size for array in self.found.weights.values())
        self._work = plan.work(self.found.config.vocab_size)
        self._entrants: list[Entrant] = []

    def measure(self, probe: Probe | None) -> None:
        """Start everyone, see what they say, then the rounds."""
        right = self._right()
        try:
            for kind in self._plan.kinds:
                for ways in () if kind.missing() else kind.subjects():
                    self._admit(ways, right)
            for number in range(self._plan.rounds):
                if probe:
                    probe.measure()
                self._round(number)
        finally:
            for entrant in self._entrants:
                entrant.worker.end()

    def _right(self) -> Ids:
        """What our floats say."""
        reference = Ours(Decoder(self.found.config, self.found.weights))
        reference.read(self._work.context)
        reference.fork(self._work.firsts, self._work.tokens)
        return reference.decode()

    def _admit(self, ways: Sequence[Subject], right: Ids) -> None:
        """All ways to set an engine up, but for those that are slower by far than the first."""
        limit_s = self._plan.start_limit_s
        for subject in ways:
            if entrant := self._started(subject, right, limit_s):
                self._entrants.append(entrant)
                limit_s = max(_PATIENCE_S, entrant.warm_s)

    def _started(self, subject: Subject, right: Ids, limit_s: float) -> Entrant | None:
        self._tell(f"starting {self._name(subject)}")
        try:
            worker = Worker(subject, self._work, self._folder, self._scratch, self._plan.start_limit_s)
        except Unavailable as trouble:
            self.gone[self._name(subject)] = str(trouble)
            return None
        entrant = Entrant(worker, right, self._plan.batches)
        return entrant if self._went_well(entrant, lambda: entrant.warm_up(limit_s)) else None

    def _round(self, number: int) -> None:
        turns = [(entrant, rows) for entrant in self._entrants for rows in entrant.turns_in(number)]
        random.Random(number).shuffle(turns)
        for entrant, rows in turns:
            if entrant in self._entrants:
                self._tell(f"round {number + 1} of {self._plan.rounds}: {self._name(entrant.subject)}")
                time.sleep(self._plan.settle_s)
                turn = partial(entrant.turn, rows, self._plan.limit_s)
                if not self._went_well(entrant, turn):
                    self._entrants.remove(entrant)

    def _went_well(self, entrant: Entrant, act: Callable[[], None]) -> bool:
        """Whoever is gone, or says something wrong, has no further turn and no row."""
        try:
            act()
        except (Unavailable, Nonsense) as trouble:
            kept = self.gone if isinstance(trouble, Unavailable) else self.wrong
            kept[self._name(entrant.subject)] = str(trouble)
            entrant.worker.end()
            return False
        return True

    def _name(self, subject: Subject) -> str:
        return f"{subject.name}, {self._parameters / 1e6:.1f}M weights"

    def rows(self, limits: Limits) -> Iterator[dict[str, Any]]:
        """Ideas, by engine and batch.

        `same` is how many rows say the first words of our floats; `waited` how long threads waited for a processor, of
        the time that turns took (the sum over threads, so it may be above 1).
        """
        for entrant in self._entrants:
            for batch in self._plan.batches:
                yield self._row(entrant, batch, self._plan.tokens) | {
                    "floor_ms": self._floor_ms(limits, entrant.subject, batch), "same": entrant.same[batch],
                }  # fmt: skip

    def more(self) -> Iterator[dict[str, Any]]:
        """More context, and how many steps of one row it takes as long as."""
        for entrant in self._entrants:
            row = self._row(entrant, 0, self._plan.more) | {"batch": 1}
            step = _quantile(entrant.seconds[self._plan.batches[0]], 0.5) / self._plan.tokens
            yield row | {"steps": round(row["ms"]["p50"] / step, 2)}

    def _row(self, entrant: Entrant, batch: int, tokens: int) -> dict[str, Any]:
        subject = entrant.subject
        ms = {f"p{share:.0%}".rstrip("%"): _quantile(entrant.seconds[batch], share) for share in (0.1, 0.5, 0.9)}
        return {
            "engine": subject.engine, "threads": subject.threads, "precision": subject.precision,
            "params": self._parameters, "batch": batch, "context": self._plan.context, "tokens": tokens, "ms": ms,
            "waited": round(sum(entrant.waited_s[batch]) / sum(entrant.seconds[batch]), 3),
            "environment": subject.environment,
        }  # fmt: skip

    def _floor_ms(self, limits: Limits, subject: Subject, batch: int) -> float | None:
        lowest = floor_ms(
            limits, self.found.config, subject.precision, subject.threads, batch, self._plan.context, self._plan.tokens
        )
        return None if lowest is None else round(lowest, 2)


def _quantile(seconds: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return round(float(np.quantile(np.array(seconds) * 1e3, share)), 3)


def _machine() -> dict[str, Any]:
    return {"processor": _processor(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _commit() -> str:
    """Of the clone this runs from; empty elsewhere."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
