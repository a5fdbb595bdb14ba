"""The state as views get it: plain data, where what did not change is the same object as before.

A large hand is the dearest part of a picture (a millisecond for 32 ideas), then the ideas that were taken, and they
change rarely, so they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from jamlink.music.key import Key
from jamlink.session.snapshot import HandView, PlacedView, Snapshot, hand_view, placed_view
from jamlink.session.stand import Placed, Stand
from jamlink.session.wire import plain
from jamlink.timing.meter import Meter

_NAMES = tuple(field.name for field in fields(Snapshot))
_DEAR = frozenset(("hand", "taken", "playing"))
View = TypeVar("View")


class Showing:
    """One owner: the session."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[object, tuple[object, ...], Any]] = {}
        self._said: dict[str, tuple[object, Any]] = {}

    def hand(self, stand: Stand, meter: Meter, key: Key | None) -> HandView | None:
        """The hand as cards."""
        return self._view("hand", stand.hand, (stand.selected, meter, key), lambda: hand_view(stand, meter, key))

    def placed(self, name: str, placed: Placed | None, meter: Meter, key: Key | None) -> PlacedView | None:
        """An accepted idea; `name` is "taken" or "playing"."""
        return self._view(name, placed, (meter, key), lambda: placed_view(placed, meter, key))

    def _view(self, name: str, of: object, beside: tuple[object, ...], make: Callable[[], View]) -> View:
        """Made anew only where it differs. What it is of is a value, so the same one shows the same."""
        old = self._views.get(name)
        if old is None or old[0] is not of or old[1] != beside:
            old = self._views[name] = (of, beside, make())
        found: View = old[2]
        return found

    def plain(self, snapshot: Snapshot) -> dict[str, Any]:
        """`snapshot` as plain data that must not be changed."""
        return {name: self._plain(name, getattr(snapshot, name)) for name in _NAMES}

    def _plain(self, name: str, view: object) -> Any:
        if name not in _DEAR:
            return plain(view)
        if name not in self._said or self._said[name][0] is not view:
            self._said[name] = (view, plain(view))
        return self._said[name][1]
