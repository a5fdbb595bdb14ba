"""What `jamlink bench engine` and the processes of its engines say to each other, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Subject(msgspec.Struct, frozen=True):
    """One engine as it is measured. `make` is "module:function", which takes an `Order` and gives a `Peer`.

    `environment` is set in its process before any library is there.
    """

    engine: str
    precision: str
    threads: int
    make: str
    environment: dict[str, str] = {}

    @property
    def name(self) -> str:
        """For people."""
        return label(self.engine, self.precision, self.threads, self.environment)


def label(engine: str, precision: str, threads: int, environment: Mapping[str, str]) -> str:
    """An engine as it is set up, for people."""
    way = "".join(f", {name}={value}" for name, value in environment.items())
    return f"{engine}, {precision}, {threads} thread{'s'[: threads > 1]}{way}"


class Work(msgspec.Struct, frozen=True):
    """What is asked of everyone: rows of `tokens` steps behind a context, row i beginning with firsts[i]; and to read
    `more` ids behind the same context."""

    context: list[int]
    firsts: list[int]
    tokens: int
    more: list[int]


class Setup(msgspec.Struct, frozen=True):
    """What a process is started with. `log` gets what its libraries print."""

    subject: Subject
    work: Work
    folder: str
    scratch: str
    log: str


class Turn(msgspec.Struct, frozen=True, tag=True):
    """Do it once: so many rows, or with 0 rows read more context."""

    rows: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The engine is there."""


class Done(msgspec.Struct, frozen=True, tag=True):
    """How long a turn took, for how much of it threads waited for a processor, and what was said, (rows, tokens)."""

    seconds: float
    waited_s: float
    said: list[list[int]]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Why the engine is not there any more, in a sentence."""

    why: str


Answer = Ready | Done | Failed
