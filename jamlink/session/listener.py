"""What the player plays, as music: notes in ticks, key, harmony.

Keeps a bounded past: enough for the longest context, the feel and the key. Each moment is turned into ticks by the
timeline that held then, so a tempo change between note-on and note-off does no harm.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from operator import attrgetter

from jamlink.midi.events import ControlChange, MidiEvent, NoteOff, NoteOn
from jamlink.midi.held import HeldNotes
from jamlink.music.analysis import ChordGuess, KeyTracker, chords_of, recognise_chord
from jamlink.music.chord import ChordSpan
from jamlink.music.feel import Feel
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.context import ContextWindow
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks

REMEMBERED_NOTES = 4096
"""About 20 minutes of steady playing; what is older lives in the ledger."""
REMEMBERED_TIMELINES = 1024
FEEL_BARS = 4
_ORDER = attrgetter("onset", "pitch", "duration", "velocity")
"""That of notes themselves; comparing tuples is several times as quick."""


class Listener:
    """One owner: the session."""

    def __init__(self, key: Key | None, timeline: Timeline) -> None:
        self.locked_key = key
        self._held = HeldNotes()
        self._notes: deque[Note] = deque(maxlen=REMEMBERED_NOTES)
        self._tracker = KeyTracker()
        self._timelines: deque[tuple[Ns, Timeline]] = deque([(Ns(0), timeline)], maxlen=REMEMBERED_TIMELINES)

    def hear(self, event: MidiEvent) -> bool:
        """Take an event in. True where it was one that sounds or ends a sound."""
        for ended in self._held.hear(event):
            note = ended.note(self._tick_of, pedalled=False)
            self._notes.append(note)
            self._tracker = self._tracker.updated(note)
        return isinstance(event, NoteOn | NoteOff | ControlChange)

    def clocked(self, at: Ns, timeline: Timeline) -> None:
        """From `at` on, ticks are counted along `timeline`."""
        self._timelines.append((at, timeline))

    def forget(self, at: Ns, timeline: Timeline) -> None:
        """Start listening anew: a new run of the clock has begun. What is held now began before tick 0."""
        self._notes.clear()
        self._timelines.clear()
        self._timelines.append((at, timeline))

    def gone_to(self, at: Ns, timeline: Timeline, by: Ticks | None) -> None:
        """The song went `by` on at `at`, as when a loop begins again: what was heard stays just before. None where it
        went anywhere: then what was heard has no place any more."""
        if by is None:
            self.forget(at, timeline)
            return
        self._notes = deque((note.shifted(by) for note in self._notes), maxlen=REMEMBERED_NOTES)
        self._timelines.clear()
        self._timelines.append((at, timeline))

    def _tick_of(self, at: Ns) -> Ticks:
        """The tick of a moment, by the timeline that held then."""
        lines = reversed(self._timelines)
        line = next((line for since, line in lines if since <= at), self._timelines[0][1])
        return line.tick_reached(at)

    @property
    def key(self) -> Key | None:
        """The key locked, else the key heard; None where nothing was heard."""
        return self.locked_key or self._tracker.key

    @property
    def sounding(self) -> tuple[int, ...]:
        """Pitches that sound under the player's hands and pedal, low to high."""
        return tuple(sorted(self._held.sounding))

    @property
    def keys_down(self) -> frozenset[int]:
        """Pitches whose keys are down."""
        return self._held.keys_down

    @property
    def chord(self) -> ChordGuess | None:
        """The chord under the player's hands; None with fewer than three pitches."""
        sounding = self.sounding
        return recognise_chord(dict.fromkeys(sounding, 1.0), self.key) if len(sounding) >= 3 else None

    def notes(self, start: Ticks, end: Ticks, now: Ns) -> tuple[Note, ...]:
        """Everything heard with an onset in [start, end), what is still held included, sorted."""
        held = [note.note(self._tick_of, pedalled=False) for note in self._held.so_far(now)]
        return tuple(sorted((n for n in [*self._notes, *held] if start <= n.onset < end), key=_ORDER))

    def feel(self, meter: Meter, now: Ns) -> Feel:
        """How the player plays, from the last bars."""
        tick = self._tick_of(now)
        return Feel.of(self.notes(Ticks(tick - FEEL_BARS * meter.bar_ticks), tick, now), meter)

    def context(
        self, now: Ns, bars: int, meter: Meter, tempo: Tempo, ours: tuple[ChordSpan, ...], melody: tuple[Note, ...]
    ) -> ContextWindow:
        """The last `bars` bars up to `now`. `ours` are chords that we sounded; where there are none, what is heard."""
        end = Ticks(max(0, self._tick_of(now)))
        first_bar = max(0, (end - 1) // meter.bar_ticks + 1 - bars)
        start = Ticks(first_bar * meter.bar_ticks)
        heard = self.notes(start, end, now)
        chords = _overlaid(chords_of(heard, meter, start, end, self.key) if heard else (), ours, start, end)
        mine = tuple(note for note in melody if start <= note.onset < end)
        return ContextWindow(start, end, meter, tempo, self.key, heard, chords, mine)


def _overlaid(
    under: tuple[ChordSpan, ...], over: tuple[ChordSpan, ...], start: Ticks, end: Ticks
) -> tuple[ChordSpan, ...]:
    """`over` cut to [start, end), with `under` in its gaps."""
    kept = [cut for span in over if (cut := _cut(span, start, end))]
    gaps, at = [], start
    for span in sorted(kept, key=lambda s: s.onset):
        gaps.append((at, span.onset))
        at = span.end
    gaps.append((at, end))
    kept += [cut for a, b in gaps if b > a for span in under if (cut := _cut(span, a, b))]
    return tuple(sorted(kept, key=lambda s: s.onset))


def _cut(span: ChordSpan, start: Ticks, end: Ticks) -> ChordSpan | None:
    a, b = max(span.onset, start), min(span.end, end)
    return replace(span, onset=a, duration=Ticks(b - a)) if b > a else None
