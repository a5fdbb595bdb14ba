"""Playing a recorded session's inputs into a fresh session, and comparing everything it does with the record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.ledger.entry import HEADER, LedgerEntry, canonical
from jamlink.ledger.store import read
from jamlink.session.core import Session
from jamlink.session.effects import Effect, Record
from jamlink.session.inputs import Recover
from jamlink.session.wire import is_input, read_header, read_input, record
from jamlink.timing.units import Ns


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the replay did the same; the sentence says what differed first."""

    same: bool
    sentence: str


def replay(path: Path) -> Verdict:
    """Raises `Nonsense` for a file that is not a session. Needs no model: the ideas are in the record."""
    entries = list(read(path))
    if not entries or entries[0].kind != HEADER:
        raise Nonsense(f"{path.name} is not a jamlink session.", "Choose a .jam file.")
    header = read_header(entries[0].value)
    session = Session(header.settings, Ns(header.started))
    recorded = [(entry.kind, entry.payload, entry.at) for entry in entries[1:]]
    done = list(_again(session, entries[1:]))
    for number, (was, now) in enumerate(zip_longest(recorded, done), start=1):
        if was != now:
            said = f"The replay differs at entry {number}: the record says {_brief(was)}, now {_brief(now)}."
            return Verdict(False, said + (_MENDED if was is not None and was[0] == _RECOVER else ""))
    return Verdict(True, f"The replay did the same: {len(done)} entries, equal in every byte.")


_RECOVER = Recover.__name__.lower()
_MENDED = " A mistake in jamlink came up there, and does not come up again."

Line = tuple[str, str, Ns]
"""Kind, payload as canonical text, moment."""


def _again(session: Session, entries: list[LedgerEntry]) -> Iterator[Line]:
    """As it was on stage: where the session broke and was put right, it may break again at that place."""
    inputs = [(read_input(entry.kind, entry.value), entry.at) for entry in entries if is_input(entry.kind)]
    broke = False
    for (item, at), (then, _) in zip(inputs, [*inputs[1:], (None, None)], strict=True):
        if isinstance(item, Recover) and not broke:
            with suppress(Exception):
                yield from _recorded(session.advance(at))
        broke = False
        try:
            yield from _recorded(session.handle(item, at))
        except Exception:
            if not isinstance(then, Recover):
                raise
            broke = True
    yield from _recorded(session.advance(entries[-1].at if entries else session.now))


def _recorded(effects: list[Effect]) -> Iterator[Line]:
    for effect in effects:
        if isinstance(effect, Record):
            kind, payload = record(effect.value)
            yield kind, canonical(payload), effect.at


def _brief(line: Line | None) -> str:
    return f"{line[0]} at {line[2] / 1e9:.3f} s" if line else "nothing"
