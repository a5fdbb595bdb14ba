"""The units of time, as types. A bare `int` that means time does not exist in jamlink.

`Ns` is a moment or a span on the machine's monotonic clock. `Ticks` is a moment or a span in the music.
`Tempo` is the length of a quarter note; beats per minute exist only where a person reads or types them.
"""

from __future__ import annotations

from typing import NewType

from jamlink.errors import Nonsense

Ns = NewType("Ns", int)
Ticks = NewType("Ticks", int)
Tempo = NewType("Tempo", int)

TICKS_PER_QUARTER = Ticks(960)
NS_PER_SECOND = Ns(1_000_000_000)
NS_PER_MS = Ns(1_000_000)

SLOWEST_BPM = 40.0
FASTEST_BPM = 240.0

_NS_PER_MINUTE = 60 * NS_PER_SECOND


def tempo_of_bpm(bpm: float) -> Tempo:
    """Nanoseconds per quarter for `bpm` quarters per minute, 40 to 240. Raises `Nonsense` outside."""
    if not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise Nonsense(f"{bpm:g} bpm is outside what jamlink plays.", f"Choose {SLOWEST_BPM:g} to {FASTEST_BPM:g} bpm.")
    return Tempo(round(_NS_PER_MINUTE / bpm))


def bpm_of_tempo(tempo: Tempo) -> float:
    """Quarters per minute, for a person to read."""
    return _NS_PER_MINUTE / tempo


def ms(milliseconds: float) -> Ns:
    """A span of milliseconds."""
    return Ns(round(milliseconds * NS_PER_MS))
