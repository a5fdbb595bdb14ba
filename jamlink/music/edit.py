"""What a player changes about an idea before taking it. Pure functions from content to content.

Ticks are relative to the idea's own start. Every edit keeps all notes and chords inside the span they filled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key_estimate import estimate_key
from jamlink.music.motif import pitch_of, step_of
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

_TRIAD_OF: dict[Quality, Quality] = {
    Quality.MAJOR_6: Quality.MAJOR,
    Quality.DOMINANT_7: Quality.MAJOR,
    Quality.MAJOR_7: Quality.MAJOR,
    Quality.MINOR_6: Quality.MINOR,
    Quality.MINOR_7: Quality.MINOR,
    Quality.MINOR_MAJOR_7: Quality.MINOR,
    Quality.HALF_DIMINISHED: Quality.DIMINISHED,
    Quality.DIMINISHED_7: Quality.DIMINISHED,
}


@dataclass(frozen=True, slots=True)
class Content:
    """What an idea plays: chords without gaps, melody and bass sorted by onset."""

    chords: tuple[ChordSpan, ...]
    melody: tuple[Note, ...]
    bass: tuple[Note, ...]


def transpose(content: Content, semitones: int) -> Content:
    """Everything `semitones` higher."""
    return Content(
        tuple(span.transposed(semitones) for span in content.chords),
        tuple(note.transposed(semitones) for note in content.melody),
        tuple(note.transposed(semitones) for note in content.bass),
    )


def invert(content: Content) -> Content:
    """Each chord turned over: the next of its own notes above the bass becomes the bass. As many turns as a chord
    has notes come back to the start. The bass line follows. A melody without chords is mirrored: what rose falls."""
    if not content.chords:
        return replace(content, melody=_mirrored(content.melody))
    chords = tuple(replace(span, chord=_turned(span.chord)) for span in content.chords)
    return replace(content, chords=chords, bass=_following(content.bass, content.chords, chords))


def simplify(content: Content, meter: Meter) -> Content:
    """Plainer: triads in root position, at most one chord a bar, melody on the beats, one bass note a chord."""
    chords = tuple(_plain(_one_a_bar(content.chords, meter)))
    melody = _legato([note for note in content.melody if note.onset % meter.beat_ticks == 0] or content.melody[:1])
    bass = _legato([note for note in content.bass if any(note.onset == span.onset for span in chords)])
    return Content(chords, melody, bass or content.bass[:1])


def with_chord(content: Content, index: int, chord: Chord | None) -> Content:
    """`chord` in place `index` of the chords; the bass line follows. Raises `Nonsense` where there is no such place."""
    if not 0 <= index < len(content.chords):
        raise Nonsense(f"There is no chord {index + 1}.", f"Choose 1 to {len(content.chords)}.")
    chords = list(content.chords)
    chords[index] = replace(chords[index], chord=chord)
    return replace(content, chords=tuple(chords), bass=_following(content.bass, content.chords, chords))


def with_note(content: Content, index: int, pitch: int | None) -> Content:
    """Note `index`, melody first and then bass, at another pitch; None takes it out. Raises `Nonsense`."""
    notes = [*content.melody, *content.bass]
    if not 0 <= index < len(notes):
        remedy = f"Choose 1 to {len(notes)}." if notes else "This idea has chords only."
        raise Nonsense(f"There is no note {index + 1}.", remedy)
    changed = [] if pitch is None else [replace(notes[index], pitch=pitch)]
    melody_ends = len(content.melody)
    if index < melody_ends:
        melody = (*content.melody[:index], *changed, *content.melody[index + 1 :])
        return replace(content, melody=tuple(sorted(melody)))
    place = index - melody_ends
    return replace(content, bass=tuple(sorted((*content.bass[:place], *changed, *content.bass[place + 1 :]))))


def with_chord_moved(content: Content, index: int, ticks: Ticks) -> Content:
    """Chord `index` begins `ticks` later (earlier below 0), and the one before it gives way; the bass line follows.

    Raises `Nonsense` where nothing would be left of a chord, and for the first chord, which begins with the idea.
    """
    if not 0 <= index < len(content.chords):
        raise Nonsense(f"There is no chord {index + 1}.", f"Choose 1 to {len(content.chords)}.")
    if index == 0:
        raise Nonsense("The first chord begins with the idea.", "Move the one after it.")
    before, moved = content.chords[index - 1], content.chords[index]
    onset = Ticks(moved.onset + ticks)
    if not before.onset < onset < moved.end:
        raise Nonsense(f"There is no room for chord {index + 1} there.", "Keep it between its neighbours.")
    chords = list(content.chords)
    chords[index - 1] = replace(before, duration=Ticks(onset - before.onset))
    chords[index] = replace(moved, onset=onset, duration=Ticks(moved.end - onset))
    bass = tuple(sorted(_with_boundary(content.bass, before, moved, onset)))
    return replace(content, chords=tuple(chords), bass=bass)


def _with_boundary(bass: Iterable[Note], before: ChordSpan, moved: ChordSpan, onset: Ticks) -> Iterable[Note]:
    """The bass line where `moved` begins at `onset` from now on: the note that began with it still does, what led up
    to it is cut or held, and what changes its chord goes to the new chord's bass."""
    low, high = min(onset, moved.onset), max(onset, moved.onset)
    chord, left = (moved.chord, before.chord) if onset < moved.onset else (before.chord, moved.chord)
    for note in bass:
        if note.onset == moved.onset:
            yield replace(note, onset=onset, duration=Ticks(max(1, note.end - onset)))
        elif note.end == moved.onset and note.onset < onset:
            yield replace(note, duration=Ticks(onset - note.onset))
        elif low <= note.onset < high and left and chord and note.pitch % 12 == left.bass:
            yield note.transposed((chord.bass - left.bass + 6) % 12 - 6)
        elif note.onset < onset < note.end and note.onset >= before.onset:
            yield replace(note, duration=Ticks(onset - note.onset))
        else:
            yield note


def _mirrored(melody: tuple[Note, ...]) -> tuple[Note, ...]:
    """The melody upside down between its own lowest and highest note, in the scale that its notes suggest."""
    estimate = estimate_key(melody)
    if estimate is None:
        return melody
    key = estimate.key
    steps = [step_of(note.pitch, key) for note in melody]
    around = min(steps) + max(steps)
    return tuple(replace(n, pitch=_playable(pitch_of(around - s, key))) for n, s in zip(melody, steps, strict=True))


def _playable(pitch: int) -> int:
    return min(127, max(0, pitch))


def _turned(chord: Chord | None) -> Chord | None:
    if chord is None:
        return None
    notes = sorted(chord.pitch_classes, key=lambda pitch: (pitch - chord.root) % 12)
    place = notes.index(chord.bass) if chord.bass in notes else -1
    return replace(chord, bass=notes[(place + 1) % len(notes)])


def _following(bass: tuple[Note, ...], before: Iterable[ChordSpan], after: Iterable[ChordSpan]) -> tuple[Note, ...]:
    """Bass notes that were a chord's bass, moved by the shorter way to the new chord's bass."""
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old.chord and new.chord]
    moved = list(bass)
    for i, note in enumerate(bass):
        for old, new in pairs:
            assert old.chord is not None
            assert new.chord is not None
            if old.onset <= note.onset < old.end and note.pitch % 12 == old.chord.bass:
                step = (new.chord.bass - old.chord.bass + 6) % 12 - 6
                moved[i] = note.transposed(step)
    return tuple(moved)


def _one_a_bar(chords: tuple[ChordSpan, ...], meter: Meter) -> list[ChordSpan]:
    """The first chord that begins in each bar lasts until the next one kept."""
    kept: list[ChordSpan] = []
    for span in chords:
        if not kept or span.onset // meter.bar_ticks > kept[-1].onset // meter.bar_ticks:
            kept.append(span)
        else:
            kept[-1] = replace(kept[-1], duration=Ticks(span.end - kept[-1].onset))
    return kept


def _plain(chords: Iterable[ChordSpan]) -> Iterable[ChordSpan]:
    for span in chords:
        chord = span.chord
        yield replace(span, chord=Chord(chord.root, _TRIAD_OF.get(chord.quality, chord.quality)) if chord else None)


def _legato(notes: Iterable[Note]) -> tuple[Note, ...]:
    """Each note held at least until half way to the next, so that a thinned line does not fall apart."""
    line = sorted(notes)
    held = [
        replace(note, duration=Ticks(max(note.duration, (after.onset - note.onset) // 2)))
        for note, after in pairwise(line)
    ]
    return (*held, *line[-1:])
