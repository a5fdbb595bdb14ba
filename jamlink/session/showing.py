"""The state as views get it: plain data, where what did not change is the same object as before.

A large hand is the dearest part of a picture (a millisecond for 32 ideas), then the ideas that were taken, and they
change rarely, so they are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

from jamlink.music.key import Key
from jamlink.session.planner import Playing, plan
from jamlink.session.proposal import Candidate, Proposal
from jamlink.session.snapshot import HandView, PlacedView, Snapshot, hand_view, placed_view, voices_of
from jamlink.session.stand import Placed, Stand, is_offered
from jamlink.session.wire import plain
from jamlink.timing.meter import Meter

_NAMES = tuple(field.name for field in fields(Snapshot))
_DEAR = frozenset(("hand", "taken", "playing"))
ARRANGED = 8
"""Ideas of a hand, the chosen one among them, that are laid out for whoever wants to hear them first: each takes up to
a millisecond, and no hand is wider on a stand."""
View = TypeVar("View")
Voice = tuple[int, int, int, int, str]
"""Onset and duration in ticks from where the idea starts, pitch, velocity, role."""
Arranged = dict[str, list[Voice]]


class Showing:
    """One owner: the session."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[object, tuple[object, ...], Any]] = {}
        self._said: dict[str, tuple[object, Any]] = {}
        self._laid_out: dict[int, tuple[Candidate, float, list[Voice]]] = {}
        self._arranged: Arranged = {}

    def hand(self, stand: Stand, meter: Meter, key: Key | None) -> HandView | None:
        """The hand as cards."""
        return self._view("hand", stand.hand, (stand.selected, meter, key), lambda: hand_view(stand, meter, key))

    def placed(self, name: str, placed: Placed | None, meter: Meter, key: Key | None) -> PlacedView | None:
        """An accepted idea; `name` is "taken" or "playing"."""
        return self._view(name, placed, (meter, key), lambda: placed_view(placed, meter, key))

    def arranged(self, stand: Stand, density: float, how: Callable[[], Playing]) -> Arranged:
        """What the ideas of the hand would sound like, by their ids as text: laid out as they would be, were they taken
        when they were dealt or last changed, played as `how` says then. The same object until one differs."""
        proposals = stand.hand.proposals if stand.hand else ()
        chosen = proposals[stand.selected : stand.selected + 1]
        shown = {p.id: p for p in (*proposals[:ARRANGED], *chosen)}
        how = cache(how)
        fresh = {p.id: self._laid(p, density, how) for p in shown.values() if is_offered(p) or p.id in self._laid_out}
        if list(fresh.items()) != list(self._laid_out.items()):
            self._arranged = {str(id): voices for id, (_, _, voices) in fresh.items()}
        self._laid_out = fresh
        return self._arranged

    def _laid(
        self, proposal: Proposal, density: float, how: Callable[[], Playing]
    ) -> tuple[Candidate, float, list[Voice]]:
        old = self._laid_out.get(proposal.id)
        if old is not None and old[0] is proposal.content and (old[1] == density or not is_offered(proposal)):
            return old
        voices = voices_of(plan(proposal, how()))
        return proposal.content, density, [(v.onset, v.duration, v.pitch, v.velocity, v.role) for v in voices]

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
