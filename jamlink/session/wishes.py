"""What a player asks of what is around the session rather than of the session: other ports, a pad taught.

The session process carries these out by itself. They change nothing that the session does, so they are no inputs and
are not recorded; what comes of them (a pad that accepts) is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from jamlink.midi.actions import Action, Knob


@dataclass(frozen=True, slots=True)
class ChoosePorts:
    """Listen to `input` and play to `output`, by the names of a listing; empty: a port of our own; None: as it is."""

    input: str | None
    output: str | None


@dataclass(frozen=True, slots=True)
class Teach:
    """The next pad, key, pedal or knob that is moved does `control` from then on; None stops waiting for one."""

    control: Action | Knob | None


@dataclass(frozen=True, slots=True)
class Tell:
    """`part`, which is around the session, has trouble: one sentence for the player, empty where all is well again."""

    part: str
    sentence: str


Wish: TypeAlias = ChoosePorts | Teach | Tell
