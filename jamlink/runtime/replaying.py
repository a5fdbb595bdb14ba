"""Playing a recorded session's inputs into a fresh session, and comparing everything it does with the record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense
from jamlink.ledger.entry import HEADER
from jamlink.ledger.store import read
from jamlink.session.core import Session
from jamlink.session.effects import Effect, Record
from jamlink.session.wire import is_input, read_header, read_input, record
from jamlink.timing.units import Ns


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the replay did the same; the sentence says what differed first."""

    same: bool
    sentence: str


def replay(path: Path) -> Verdict:
    """Raises `Nonsense` for a file that is not a session. Needs no model: the ideas are in the record."""
    entries = [(entry.kind, entry.value, entry.at) for entry in read(path)]
    if not entries or entries[0][0] != HEADER:
        raise Nonsense(f"{path.name} is not a jamlink session.", "Choose a .jam file.")
    header = read_header(entries[0][1])
    session = Session(header.settings, Ns(header.started))
    done = list(_again(session, entries[1:]))
    for number, (was, now) in enumerate(zip_longest(entries[1:], done), start=1):
        if was != now:
            return Verdict(
                False, f"The replay differs at entry {number}: the record says {_brief(was)}, now {_brief(now)}."
            )
    return Verdict(True, f"The replay did the same: {len(done)} entries, equal in every byte.")


def _again(session: Session, entries: list[tuple[str, Any, Ns]]) -> Iterator[tuple[str, Any, Ns]]:
    for kind, payload, at in entries:
        if is_input(kind):
            yield from _recorded(session.handle(read_input(kind, payload), at))
    yield from _recorded(session.advance(entries[-1][2] if entries else session.now))


def _recorded(effects: list[Effect]) -> Iterator[tuple[str, Any, Ns]]:
    for effect in effects:
        if isinstance(effect, Record):
            kind, payload = record(effect.value)
            yield kind, payload, effect.at


def _brief(entry: tuple[str, Any, Ns] | None) -> str:
    return f"{entry[0]} at {entry[2] / 1e9:.3f} s" if entry else "nothing"
