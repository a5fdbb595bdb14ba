"""What a part of the session wants done. The parts decide and yield; the session carries out, in order.

Each deed is carried out before its part goes on, so a part finds done what it has asked for.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from jamlink.session import effects as fx
from jamlink.session.proposal import Happening, Proposal, next_state
from jamlink.session.stand import Placed
from jamlink.timing.units import Ticks


@dataclass(frozen=True, slots=True)
class Lay:
    """These are to sound."""

    messages: Iterable[fx.ScheduledMessage]


@dataclass(frozen=True, slots=True)
class Place:
    """This idea is to sound where it starts."""

    placed: Placed


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing of `owner` sounds any more, and what of ours was to begin from tick `since` on does not."""

    owner: int
    since: Ticks


Deed: TypeAlias = fx.Effect | fx.Consequence | Lay | Place | Drop
"""An effect is given out (`Cancel`, `Silence` and `Panic` empty the outbox, too), a consequence recorded."""
Deeds: TypeAlias = Iterator[Deed]


def moving(proposal: Proposal, happening: Happening) -> Generator[Deed, None, Proposal]:
    """One step in an idea's life, recorded. Returns the idea after it; `Fault` where the table has no such step."""
    after = replace(proposal, state=next_state(proposal.state, happening))
    yield fx.Moved(proposal.id, proposal.state, happening, after.state)
    return after
