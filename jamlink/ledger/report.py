"""A session file for people: every entry on a line, or who made which notes and what became of the ideas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from jamlink.ledger.entry import LedgerEntry
from jamlink.ledger.ruler import Ruler
from jamlink.ledger.store import read
from jamlink.ledger.story import Sounded, Story, tell
from jamlink.midi.held import HeardNote
from jamlink.music.pitch import pitch_name
from jamlink.session.effects import PLAYER, Chorded, Verdict
from jamlink.timing.units import Ns

LONGEST_PAYLOAD = 120
"""Characters of a payload that are shown on a line."""


def lines(path: Path) -> Iterator[str]:
    """Every entry on a line: number, seconds since the start, kind, payload. Raises `Nonsense`."""
    start = None
    for entry in read(path):
        start = entry.at if start is None else start
        yield _line(entry, start)


def report(path: Path) -> str:
    """Who made which notes, what became of the ideas, and then note by note. Raises `Nonsense`."""
    story = tell(path)
    return "\n".join([*_summary(story), "", *_note_by_note(story)])


def authors(story: Story) -> Counter[str]:
    """How many notes each author made: the player, and who made the ideas that sounded."""
    author = _authors(story)
    made = Counter(author(note) for note in story.sounded)
    return Counter({PLAYER: len(story.heard), **made})


def decision_times(story: Story) -> list[Ns]:
    """How long each idea that the player took or refused had been on the stand."""
    mine = (Verdict.ACCEPTED, Verdict.REJECTED)
    return [
        Ns(at - idea.offered)
        for idea in story.ideas.values()
        for at, decided in idea.decisions
        if decided.verdict in mine and decided.actor == PLAYER
    ]


def _line(entry: LedgerEntry, start: Ns) -> str:
    payload = entry.payload if len(entry.payload) <= LONGEST_PAYLOAD else entry.payload[: LONGEST_PAYLOAD - 1] + "…"
    return f"{entry.seq:>7}  {(entry.at - start) / 1e9:>10.3f} s  {entry.kind:<12} {payload}"


def _summary(story: Story) -> Iterator[str]:
    wall = story.header.wall if story.header else "an unknown day"
    yield f"Session of {wall}, {_span(Ns(story.ended - story.began))}."
    yield ""
    yield "Notes"
    for author, count in authors(story).most_common():
        yield f"  {count:>6}  {author}"
    yield ""
    yield f"Ideas: {len(story.ideas)} in {story.hands} hands ({story.late_hands} by a stand-in)"
    for verdict, count in _verdicts(story).items():
        yield f"  {count:>6}  {verdict}"
    yield from _along(story)
    times = decision_times(story)
    if times:
        yield f"Decisions took {median(times) / 1e9:.1f} s in the middle, {max(times) / 1e9:.1f} s at most."


def _along(story: Story) -> Iterator[str]:
    """The beats of an accompaniment by who settled them."""
    if story.along:
        yield f"Beats accompanied: {sum(chorded.chord is not None for _, chorded in story.along)}"
    held = Counter("held, since nobody had decided" for _, chorded in story.along if chorded.held)
    made = Counter(_settled_by(chorded) for _, chorded in story.along if chorded.chord and not chorded.held)
    for maker, count in (made + held).most_common():
        yield f"  {count:>6}  {maker}"


def _settled_by(chorded: Chorded) -> str:
    return f"stand-in: {chorded.made_by}" if chorded.stand_in else chorded.made_by


def _verdicts(story: Story) -> dict[str, int]:
    """How many ideas had each last verdict, and how many none."""
    last = Counter(idea.decisions[-1][1].verdict if idea.decisions else None for idea in story.ideas.values())
    counts = {verdict.value: last[verdict] for verdict in Verdict}
    return {**counts, "withdrawn, or the session ended": last[None]}


def _note_by_note(story: Story) -> Iterator[str]:
    ruler, author = Ruler(story.clocks, ()) if story.clocks else None, _authors(story)
    yield "Note by note: bar and beat, seconds, note, where, who"
    notes: list[HeardNote | Sounded] = [*story.heard, *story.sounded]
    for note in sorted(notes, key=lambda note: (note.onset, note.pitch)):
        counted = str((ruler and ruler.counted(note.onset)) or "-")
        where = note.port if isinstance(note, HeardNote) else note.out.value
        who = PLAYER if isinstance(note, HeardNote) else author(note)
        seconds = (note.onset - story.began) / 1e9
        yield f"  {counted:>7}  {seconds:>9.3f}  {pitch_name(note.pitch):<4} {where}  {who}"


def _authors(story: Story) -> Callable[[Sounded], str]:
    """Who made a note of ours: whoever made its idea, or the chord that it accompanies with."""
    makers = {chorded.proposal_id: chorded.made_by for _, chorded in story.along}

    def author(note: Sounded) -> str:
        idea = story.ideas.get(note.idea)
        return makers.get(note.idea) or (idea.author if idea else "unknown")

    return author


def _span(span: Ns) -> str:
    minutes, seconds = divmod(round(span / 1e9), 60)
    return f"{minutes} min {seconds} s"
