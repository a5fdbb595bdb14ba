"""A session as a MIDI file: a track for each instrument the player used and for each role, tempo, meter and chords.

Metronome and previews are left out. The player's notes are as long as the keys were down; pedals and bends are kept
beside them, each on its channel, so the fingers of an MPE keyboard stay apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from jamlink.ledger.ruler import Ruler, Span
from jamlink.ledger.story import Idea, Sounded, Story, tell
from jamlink.midi.score import Bend, Control, Marker, MidiScore, Part
from jamlink.midi.smf import write_score
from jamlink.music.chord import NO_CHORD, ChordSpan
from jamlink.music.note import Note
from jamlink.session.effects import Out, Verdict
from jamlink.timing.units import Ns, Ticks

ROLES = (Out.CHORDS, Out.MELODY, Out.BASS)


def export(path: Path, out: Path) -> None:
    """Write the session at `path` as a type-1 MIDI file. Raises `Nonsense` for a file that is no session, `Unavailable`
    where `out` cannot be written."""
    write_score(score_of(tell(path)), out)


def score_of(story: Story, title: str = "") -> MidiScore:
    """The session on one page (see `ruler`), named `title` or by its day."""
    if not story.clocks:
        return MidiScore(())
    ruler = Ruler(story.clocks, _spans(story))
    parts = (*_players(story, ruler), *_roles(story, ruler))
    name = _printable(title or _named_by_day(story))
    return MidiScore(parts, ruler.tempos, ruler.meters, (), tuple(_markers(story, ruler)), name)


def _named_by_day(story: Story) -> str:
    if story.header is None:
        return "Jam"
    try:
        return f"Jam {datetime.fromisoformat(story.header.wall):%Y-%m-%d %H:%M}"
    except ValueError:  # a header of somebody else's making
        return f"Jam {story.header.wall}"


def _printable(text: str) -> str:
    """Without what no format has a place for."""
    return "".join(c for c in text if c.isprintable())


def _spans(story: Story) -> Iterator[Span]:
    for heard in story.heard:
        yield heard.onset, heard.key_up
    for sounded in story.sounded:
        yield sounded.onset, _end(story, sounded)


def _end(story: Story, note: Sounded) -> Ns:
    return story.ended if note.end is None else note.end


def _players(story: Story, ruler: Ruler) -> Iterator[Part]:
    notes: dict[tuple[str, int], list[Note]] = defaultdict(list)
    controls: dict[tuple[str, int], list[Control]] = defaultdict(list)
    for heard in story.heard:
        notes[heard.port, heard.channel].append(heard.note(ruler.tick, pedalled=False))
    for move in story.controls:
        controls[move.port, move.channel].append(Control(ruler.tick(move.at), move.control, move.value))
    bends: dict[tuple[str, int], list[Bend]] = defaultdict(list)
    for bend in story.bends:
        bends[bend.port, bend.channel].append(Bend(ruler.tick(bend.at), bend.value))
    for port, channel in sorted({*notes, *controls, *bends}):
        key = (port, channel)
        yield Part(port, channel, tuple(sorted(notes[key])), tuple(controls[key]), bends=tuple(bends[key]))


def _roles(story: Story, ruler: Ruler) -> Iterator[Part]:
    for role in ROLES:
        notes: dict[int, list[Note]] = defaultdict(list)
        for note in (sounded for sounded in story.sounded if sounded.out is role):
            onset, end = ruler.tick(note.onset), ruler.tick(_end(story, note))
            notes[note.channel].append(Note(onset, note.pitch, Ticks(max(1, end - onset)), note.velocity))
        for channel, played in sorted(notes.items()):
            yield Part(role.value, channel, tuple(sorted(played)))


def _markers(story: Story, ruler: Ruler) -> Iterator[Marker]:
    """The chords of what sounded, each time it came round; as symbols."""
    for span in _sounded_chords(story, ruler):
        yield Marker(span.onset, span.chord.symbol() if span.chord else NO_CHORD)


def sounded_chords(story: Story) -> list[ChordSpan]:
    """The chords of what sounded, where they lie on the page, by onset; each lasts until the next one at most."""
    return _sounded_chords(story, Ruler(story.clocks, _spans(story))) if story.clocks else []


def _sounded_chords(story: Story, ruler: Ruler) -> list[ChordSpan]:
    onsets: dict[int, list[Ns]] = defaultdict(list)
    for note in story.sounded:
        onsets[note.idea].append(note.onset)
    found = {
        span.onset: span
        for number, idea in sorted(story.ideas.items())
        for span in _chords(idea, [ruler.tick(onset) for onset in onsets[number]], ruler)
    }
    found |= {span.onset: span for span in _along(story, ruler)}
    ordered = [found[onset] for onset in sorted(found)]
    ends = [*(span.onset for span in ordered[1:]), *(span.end for span in ordered[-1:])]
    return [
        replace(span, duration=Ticks(min(span.end, end) - span.onset)) for span, end in zip(ordered, ends, strict=True)
    ]


def _along(story: Story, ruler: Ruler) -> Iterator[ChordSpan]:
    """The chords of an accompaniment that sounded, each from where it begins to where it ends."""
    sounded = {note.idea for note in story.sounded}
    span: ChordSpan | None = None
    for at, chorded in story.along:
        if chorded.chord is None or chorded.proposal_id not in sounded:
            continue
        start = ruler.page_tick(chorded.at, at)
        if span is not None and span.chord == chorded.chord and span.end == start:
            span = replace(span, duration=Ticks(span.duration + chorded.duration))
            continue
        if span is not None:
            yield span
        span = ChordSpan(start, chorded.duration, chorded.chord)
    if span is not None:
        yield span


def _chords(idea: Idea, onsets: list[Ticks], ruler: Ruler) -> Iterator[ChordSpan]:
    """Where the chords of an idea lie on the page: from its slot on, and again for each time it was looped."""
    accepted = [(at, decided) for at, decided in idea.decisions if decided.verdict is Verdict.ACCEPTED]
    if not accepted or not onsets:
        return
    at, decided = accepted[-1]
    slot, start = decided.slot, ruler.page_tick(decided.slot.start, at)
    for round_ in range((max(onsets) - start) // slot.length + 1):
        for span in decided.content.chords:
            again = span.shifted(Ticks(start + round_ * slot.length))
            if again.onset <= max(onsets):
                yield again
