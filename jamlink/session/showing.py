"""The state as views get it: plain data, where what did not change is the same object as before.

A large hand is the dearest part of a picture (a millisecond for 32 ideas), and it changes rarely, so it is kept.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from jamlink.music.key import Key
from jamlink.session.proposal import Hand
from jamlink.session.snapshot import HandView, Snapshot, hand_view
from jamlink.session.stand import Stand
from jamlink.session.wire import plain
from jamlink.timing.meter import Meter

_NAMES = tuple(field.name for field in fields(Snapshot) if field.name != "hand")


class Showing:
    """One owner: the session."""

    def __init__(self) -> None:
        self._of: tuple[Hand | None, int, Meter, Key | None] | None = None
        self._hand: HandView | None = None
        self._said: tuple[HandView | None, Any] = (None, None)

    def hand(self, stand: Stand, meter: Meter, key: Key | None) -> HandView | None:
        """The hand as cards; made anew only where it differs. A hand is a value, so the same one shows the same."""
        old, now = self._of, (stand.hand, stand.selected, meter, key)
        if old is None or old[0] is not now[0] or old[1:] != now[1:]:
            self._of, self._hand = now, hand_view(stand, meter, key)
        return self._hand

    def plain(self, snapshot: Snapshot) -> dict[str, Any]:
        """`snapshot` as plain data that must not be changed."""
        if snapshot.hand is not self._said[0]:
            self._said = snapshot.hand, plain(snapshot.hand)
        return {"hand": self._said[1], **{name: plain(getattr(snapshot, name)) for name in _NAMES}}
