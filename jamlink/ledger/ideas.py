"""Everything that was offered in a session, page by page, from its file: what a view's own history no longer holds.

Reads the file on a connection of its own and disturbs nobody; a page of a session with 10,000 ideas takes about a
second. Any thread.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jamlink.ledger.store import read
from jamlink.session.effects import Decided, Moved, Offered, Returned
from jamlink.session.history import OFFERED, REPLACED, SHOWN, gave_way
from jamlink.session.inputs import Ideas
from jamlink.session.proposal import Candidate, Slot
from jamlink.session.snapshot import symbols
from jamlink.session.wire import read_record


@dataclass(frozen=True, slots=True)
class _Idea:
    """Where an offered idea is found: in place `place` of the answer to `request`, or in its first decision."""

    id: int
    seq: int
    slot: Slot
    by: str
    request: int = 0
    place: int = 0
    content: Candidate | None = None
    verdict: str = OFFERED
    edits: tuple[str, ...] = ()


def older(path: Path, before: int, count: int = SHOWN) -> dict[str, Any]:
    """The `count` ideas offered last before the one with the id `before`, newest first, as the state's history has
    them. Raises `Nonsense` for a file that is no session."""
    known = _offered(path)
    wanted = sorted((number for number in known if number < before), reverse=True)[:count]
    if not wanted:
        return {"count": len(known), "items": []}
    page = {number: known[number] for number in wanted}
    _fill(path, page)
    _judge(path, page, before)
    items = [_item(page[number]) for number in sorted(page, reverse=True)[:count]]
    return {"count": len(known), "items": items}


def _offered(path: Path) -> dict[int, _Idea]:
    """Every idea of every hand. One that was brought back is found where it was offered first."""
    known: dict[int, _Idea] = {}
    origins: dict[int, int] = {}
    for entry in read(path, ("offered", "returned")):
        item = read_record(entry.kind, entry.value)
        if isinstance(item, Returned):
            origins[item.proposal_id] = item.original_id
        elif isinstance(item, Offered):
            for place, (number, by) in enumerate(zip(item.proposals, item.made_by, strict=False)):
                idea = _Idea(number, entry.seq, item.slot, by, item.request_id, place)
                origin = known.get(origins.get(number, 0))
                known[number] = replace(idea, request=origin.request, place=origin.place) if origin else idea
    return known


def _fill(path: Path, page: dict[int, _Idea]) -> None:
    """What each idea plays, from the answers that brought them; newest first, until all are found."""
    missing: dict[int, list[_Idea]] = {}
    for idea in page.values():
        missing.setdefault(idea.request, []).append(idea)
    missing.pop(0, None)
    for entry in read(path, ("ideas",), newest_first=True) if missing else ():
        answer = read_record(entry.kind, entry.value)
        assert isinstance(answer, Ideas)
        for idea in missing.pop(answer.request_id, ()) if answer.candidates else ():
            if idea.place < len(answer.candidates):
                page[idea.id] = replace(idea, content=answer.candidates[idea.place])
        if not missing:
            return


def _judge(path: Path, page: dict[int, _Idea], before: int) -> None:
    """What became of each idea. One that went back to the hand under a new id has its first record here."""
    lowest = min(page)
    for entry in read(path, ("decided", "moved"), since=min(idea.seq for idea in page.values())):
        item = read_record(entry.kind, entry.value)
        if isinstance(item, Moved) and item.proposal_id in page and gave_way(item):
            page[item.proposal_id] = replace(page[item.proposal_id], verdict=REPLACED)
        elif isinstance(item, Decided) and lowest <= item.proposal_id < before:
            idea = page.get(item.proposal_id) or _Idea(item.proposal_id, entry.seq, item.slot, item.content.made_by)
            page[item.proposal_id] = replace(
                idea, content=item.content, verdict=item.verdict.value, edits=item.edits or idea.edits
            )


def _item(idea: _Idea) -> dict[str, Any]:
    return {
        "id": idea.id,
        "bar": idea.slot.start // idea.slot.bar_ticks + 1,
        "chords": symbols(idea.content.chords, None) if idea.content else [],
        "by": idea.by,
        "verdict": idea.verdict,
        "words": idea.content.note if idea.content else "",
        "edits": list(idea.edits),
    }
