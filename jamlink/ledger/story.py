"""What happened in a session, told from its records: notes heard, notes sounded and whose they are, ideas and what
became of them, and the clock. The report and the export both start here; no other place in the ledger knows what the
records mean (`jamlink.session.effects` does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from jamlink.errors import Nonsense
from jamlink.ledger.entry import HEADER, LedgerEntry
from jamlink.ledger.store import read
from jamlink.midi.events import ControlChange, PitchBend
from jamlink.midi.held import HeardNote, HeldNotes
from jamlink.session.effects import (
    FIRST_PROPOSAL,
    Chorded,
    Clocked,
    Decided,
    Moved,
    Offered,
    Out,
    Recorded,
    Sent,
    Verdict,
)
from jamlink.session.inputs import Heard
from jamlink.session.proposal import State
from jamlink.session.wire import EFFECT_KINDS, HEARD, Header, read_header, read_record
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks

_UNHEARD = frozenset({State.WITHDRAWN, State.CUT})
"""States that take back what was promised and not yet due, and end what sounds."""

_NOTE_OFF, _NOTE_ON = 0x80, 0x90
_NEVER = Ns(0)


@dataclass(slots=True)
class Sounded:
    """A note of ours, as it left: `end` is None for one whose end is not in the record."""

    idea: int
    out: Out
    channel: int
    pitch: int
    velocity: int
    onset: Ns
    end: Ns | None = None


@dataclass(slots=True)
class Idea:
    """An offered idea and everything decided about it, in order."""

    made_by: str
    offered: Ns
    decisions: list[tuple[Ns, Decided]] = field(default_factory=list)

    @property
    def author(self) -> str:
        """Who made what sounded: "jam-s", or "jam-s, changed by the player"."""
        edited = any(decided.edits for _, decided in self.decisions if decided.verdict is Verdict.ACCEPTED)
        return f"{self.made_by}, changed by the player" if edited else self.made_by


@dataclass(slots=True)
class Story:
    """See the module. Ideas are numbered as in the record; a session that was taken up again adds to the numbers."""

    header: Header | None = None
    heard: list[HeardNote] = field(default_factory=list)
    controls: list[ControlChange] = field(default_factory=list)
    """What pedals and controllers the player moved."""
    bends: list[PitchBend] = field(default_factory=list)
    sounded: list[Sounded] = field(default_factory=list)
    """Accepted material only: no metronome, no preview. By onset."""
    ideas: dict[int, Idea] = field(default_factory=dict)
    along: list[tuple[Ns, Chorded]] = field(default_factory=list)
    """The chords of an accompaniment, beat by beat, each when it was settled; numbered like ideas."""
    hands: int = 0
    late_hands: int = 0
    """Hands that a stand-in dealt, because the model had no idea in time."""
    clocks: list[tuple[Ns, Clocked]] = field(default_factory=list)
    """The clock at each of its changes, the first at the start."""
    began: Ns = _NEVER
    ended: Ns = _NEVER


def tell(path: Path) -> Story:
    """The story of a session file. Raises `Nonsense` for a file that is no session or whose records make no sense."""
    return _Teller(path).tell(read(path))


def retell(began: Ns, clock: Clocked, moments: Iterable[tuple[Ns, Recorded]], ended: Ns) -> Story:
    """The story of what was recorded between two moments, from memory; `clock` ran at the first. Any thread."""
    teller = _Teller(Path("a session that is going on"))
    return teller.retell(began, clock, moments, ended)


class _Teller:
    """Takes the entries one by one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._story = Story()
        self._held = HeldNotes()
        self._now = Ns(0)
        self._base = 0  # added to the ids of a session that was taken up again, which counts from the start
        self._highest = 0
        self._open: dict[tuple[int, Out, int, int], Sounded] = {}
        self._by_idea: dict[int, list[Sounded]] = {}

    def tell(self, entries: Iterable[LedgerEntry]) -> Story:
        story = self._story
        for entry in entries:
            self._now = entry.at
            story.began = story.began if entry.seq else entry.at
            self._take_in(entry)
        return self._finished()

    def retell(self, began: Ns, clock: Clocked, moments: Iterable[tuple[Ns, Recorded]], ended: Ns) -> Story:
        self._story.began = began
        self._story.clocks.append((began, clock))
        for self._now, item in moments:
            self._take(item)
        self._now = ended
        return self._finished()

    def _finished(self) -> Story:
        story = self._story
        story.ended = self._now
        story.heard += self._held.let_go(self._now)
        story.heard.sort(key=lambda note: (note.onset, note.pitch))
        story.sounded = [note for notes in self._by_idea.values() for note in notes]
        story.sounded.sort(key=lambda note: (note.onset, note.pitch))
        return story

    def _take_in(self, entry: LedgerEntry) -> None:
        try:
            self._entry(entry.kind, entry.value)
        except (Nonsense, ValueError) as trouble:
            what = f"Entry {entry.seq} of {self._path} makes no sense: {trouble}"
            raise Nonsense(what, "See `jamlink ledger verify`.") from None

    def _entry(self, kind: str, payload: Any) -> None:
        if kind == HEADER:
            self._begin(read_header(payload))
        elif kind == HEARD or kind in EFFECT_KINDS:
            self._take(read_record(kind, payload))

    def _take(self, item: Recorded) -> None:
        handler = self._HANDLERS.get(type(item))
        if handler is not None:
            handler(self, item)

    def _begin(self, header: Header) -> None:
        self._base = self._highest
        self._story.header = self._story.header or header
        start, settings = Ns(header.started), header.settings
        stopped = Clocked(False, Timeline(settings.tempo, Ticks(0), start), str(settings.meter))
        self._story.clocks.append((start, stopped))

    def _number(self, recorded: int) -> int:
        number = recorded + self._base
        self._highest = max(self._highest, number)
        return number

    def _heard(self, item: Heard) -> None:
        self._story.heard += self._held.hear(item.event)
        if isinstance(item.event, ControlChange):
            self._story.controls.append(item.event)
        elif isinstance(item.event, PitchBend):
            self._story.bends.append(item.event)

    def _clocked(self, item: Clocked) -> None:
        self._story.clocks.append((self._now, item))

    def _offered(self, item: Offered) -> None:
        self._story.hands += 1
        self._story.late_hands += item.late
        for proposal, made_by in zip(item.proposals, item.made_by, strict=False):
            self._story.ideas[self._number(proposal)] = Idea(made_by, self._now)

    def _chorded(self, item: Chorded) -> None:
        number = self._number(item.proposal_id)
        self._story.along.append((self._now, replace(item, proposal_id=number)))

    def _decided(self, item: Decided) -> None:
        number = self._number(item.proposal_id)
        idea = self._story.ideas.setdefault(number, Idea(item.content.made_by, self._now))
        idea.decisions.append((self._now, item))

    def _moved(self, item: Moved) -> None:
        if item.after in _UNHEARD:
            self._silence(self._number(item.proposal_id))

    def _silence(self, idea: int) -> None:
        """Of the notes of `idea`, those not begun are not heard, and those that sound end now."""
        begun = [note for note in self._by_idea.get(idea, []) if note.onset <= self._now]
        for note in begun:
            note.end = self._now if note.end is None else min(note.end, self._now)
        self._by_idea[idea] = begun
        self._open = {key: note for key, note in self._open.items() if key[0] != idea}

    def _sent(self, item: Sent) -> None:
        if item.owner < FIRST_PROPOSAL or len(item.data) != 3:
            return
        status, pitch, velocity = item.data
        idea, channel = self._number(item.owner), status & 0x0F
        key = (idea, item.out, channel, pitch)
        if status & 0xF0 == _NOTE_ON and velocity:
            note = Sounded(idea, item.out, channel, pitch, velocity, item.due)
            self._open[key] = note
            self._by_idea.setdefault(idea, []).append(note)
        elif status & 0xF0 in (_NOTE_ON, _NOTE_OFF) and key in self._open:
            self._open.pop(key).end = item.due

    _HANDLERS: ClassVar[dict[type, Callable[[_Teller, Any], None]]] = {
        Heard: _heard,
        Clocked: _clocked,
        Offered: _offered,
        Decided: _decided,
        Chorded: _chorded,
        Moved: _moved,
        Sent: _sent,
    }
