"""Who is at the other end: whether a synth or DAW takes what we play, and whether a keyboard is plugged in. One thread.

RtMidi cannot tell who listens to a port of our own; such a port counts as nobody's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jamlink.ports.base import CLIENT_NAME, Direction, Listing
from jamlink.ports.discovery import is_loop_cable
from jamlink.runtime.io_link import OUTPUT_NAMES, output_number
from jamlink.runtime.io_wire import PortChanged

_OF_MUSIC = ("chords", "melody", "bass")
"""Who listens to these plays our part; click and preview alone are no music."""


class Connections:
    """Told every change of a port."""

    def __init__(self) -> None:
        self._names: Sequence[str] = OUTPUT_NAMES
        self._ends: dict[tuple[Direction, int], bool] = {}

    def changed(self, port: PortChanged) -> None:
        """A port of ours was bound, or its peers are others now."""
        self._ends[port.direction, port.port] = bool(port.bound) and (bool(port.peers) or not _is_ours(port.bound))

    def forget(self, names: Sequence[str]) -> None:
        """All ports are opened anew, the outputs under these names."""
        self._names = names
        self._ends.clear()

    def section(self, there: Listing) -> dict[str, Any]:
        """`sound` is "page" where nothing takes our notes, so that a page may sound them, else "out"; `keyboard` is
        whether there is anything to play on."""
        played = (self._ends.get((Direction.OUT, output_number(self._names, name)), False) for name in _OF_MUSIC)
        heard = any(end for (direction, _), end in self._ends.items() if direction is Direction.IN)
        return {"sound": "out" if any(played) else "page", "keyboard": heard or any(_real(there.inputs))}


def _is_ours(bound: str) -> bool:
    return bound.lower().startswith(CLIENT_NAME)


def _real(names: Iterable[str]) -> Iterable[str]:
    return (name for name in names if not is_loop_cable(name))
