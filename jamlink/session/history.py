"""Everything that was offered in a session and what became of it. Told by the session's records; decides nothing.

Bounded: what a view shows is kept ready for the newest `SHOWN`; the ideas themselves wait as bytes (about two
kilobytes each) for the player to bring one back, the newest `KEPT` of them. All of it is in the ledger for good.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from itertools import islice
from typing import Any

import msgspec

from jamlink.errors import Nonsense
from jamlink.music.key import Key
from jamlink.session.effects import Decided, Moved
from jamlink.session.proposal import Candidate, Hand, Proposal, Role, Slot, State
from jamlink.session.snapshot import symbols
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

SHOWN = 200
KEPT = 10_000

OFFERED, REPLACED = "offered", "replaced"
"""What a view is told of an idea that is on the stand, and of one that gave way to others."""
_GAVE_WAY = frozenset({State.SUPERSEDED, State.LAPSED, State.WITHDRAWN})

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder(Proposal)


class History:
    """One owner: the session."""

    def __init__(self) -> None:
        self._items: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._count = 0
        self._section: dict[str, Any] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing was offered yet."""
        return not self._kept

    def offered(self, hand: Hand, meter: Meter, key: Key | None) -> None:
        """A hand was dealt."""
        bar = meter.at(hand.slot.start).bar + 1
        for proposal in hand.proposals:
            self._add(proposal, bar, key)

    def decided(self, decided: Decided, meter: Meter, key: Key | None) -> None:
        """There is a verdict; the idea is kept as it was decided on, edits and all. An idea that went back to the hand
        under a new id is an item of its own from its next verdict on."""
        if decided.proposal_id not in self._kept:
            self._add(_decided_on(decided), meter.at(decided.slot.start).bar + 1, key)
        elif decided.edits:
            self._keep(_decided_on(decided))
            self._change(decided.proposal_id, chords=symbols(decided.content.chords, key), edits=list(decided.edits))
        self._change(decided.proposal_id, verdict=decided.verdict.value)

    def moved(self, moved: Moved) -> None:
        """An idea went on in its life. A verdict, where there is one, comes after this."""
        if gave_way(moved) and moved.proposal_id in self._items:
            self._change(moved.proposal_id, verdict=REPLACED)

    def brought_back(self, idea: int, id: int, start: Ticks, meter: Meter) -> Proposal:
        """The idea that was `idea`, on offer as `id` from `start`. Raises `Nonsense` for one that is not remembered or
        was made for bars of another length."""
        kept = self._kept.get(idea)
        if kept is None:
            raise Nonsense("That idea is not remembered.", "Choose one of the history.")
        old = _DECODER.decode(kept)
        if old.slot.bar_ticks != meter.bar_ticks:
            raise Nonsense("That idea was made for bars of another length.", "Go back to the meter it was made in.")
        return replace(old, id=id, slot=Slot(start, old.slot.bars, old.slot.bar_ticks), state=State.OFFERED)

    def section(self) -> dict[str, Any]:
        """What a view shows, newest first; the same object until something changes, and never changed itself."""
        if self._section is None:
            self._section = {"count": self._count, "items": list(islice(reversed(self._items.values()), SHOWN))}
        return self._section

    def _add(self, proposal: Proposal, bar: int, key: Key | None) -> None:
        content = proposal.content
        self._count += 1
        self._items[proposal.id] = {
            "id": proposal.id,
            "bar": bar,
            "chords": symbols(content.chords, key),
            "by": content.made_by,
            "verdict": OFFERED,
            "words": content.note,
            "edits": list(proposal.edits),
        }
        self._keep(proposal)
        _trim(self._items, SHOWN)
        _trim(self._kept, KEPT)
        self._section = None

    def _keep(self, proposal: Proposal) -> None:
        self._kept[proposal.id] = _ENCODER.encode(proposal)

    def _change(self, id: int, **changes: Any) -> None:
        item = self._items.get(id)
        if item is not None:
            self._items[id] = {**item, **changes}
            self._section = None


def gave_way(moved: Moved) -> bool:
    """Whether an idea left the stand for others; a verdict that comes after says it better."""
    return moved.after in _GAVE_WAY


def _decided_on(decided: Decided) -> Proposal:
    """The idea as it was when it was decided about."""
    content = decided.content
    return Proposal(
        decided.proposal_id,
        decided.slot,
        _roles_of(content),
        content,
        edits=decided.edits,
        original=decided.original,
    )


def _roles_of(content: Candidate) -> frozenset[Role]:
    parts = {Role.CHORDS: content.chords, Role.MELODY: content.melody, Role.BASS: content.bass}
    return frozenset(role for role, part in parts.items() if part)


def _trim(kept: OrderedDict[int, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)
