"""What a part of the session wants done. The parts decide and yield; the session carries out, in order.

Each deed is carried out before its part goes on, so a part finds done what it has asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.session import effects as fx


@dataclass(frozen=True, slots=True)
class Lay:
    """These are to sound."""

    messages: Iterable[fx.ScheduledMessage]


Deed: TypeAlias = fx.Effect | fx.Consequence | Lay
"""An effect is given out (`Cancel`, `Silence` and `Panic` empty the outbox, too), a consequence recorded."""
Deeds: TypeAlias = Iterator[Deed]
