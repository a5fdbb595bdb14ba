"""Words to music. Total for what the grammar allows; a tail that was cut off loses its unfinished bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, Tempo, Ticks, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.phrase import Heading, Phrase, Steering, chord_spans
from jamlink.tokens.vocab import ONSET, REST, Task


@dataclass(frozen=True, slots=True)
class Piece:
    """A decoded sequence. `ended` is whether its EOS was reached; `steering` is by bar."""

    heading: Heading
    phrase: Phrase
    steering: dict[int, Steering]
    ended: bool


def decode(ids: Sequence[int]) -> Piece:
    """Read BOS heading bar* [EOS]; whole bars only. Raises `Nonsense` for ids that no grammar allows."""
    reader = _Reader(ids)
    reader.want("BOS")
    heading = _heading(reader)
    bars = _Bars(heading.task, heading.meter)
    while reader.ahead == "BAR" and bars.read(reader):
        pass
    return Piece(heading, bars.phrase(None), bars.steering, reader.ahead == "EOS")


def decode_slot(ids: Sequence[int], task: Task, meter: Meter, place: int, chord_before: Chord | None = None) -> Phrase:
    """The bars that continue a `prompt` whose last BAR was at `place`; `chord_before` sounds until the first change.

    A bar is whole when the next BAR or EOS stands after it, as a finished `Grammar` leaves it. Raises `Nonsense` as
    `decode`.
    """
    reader = _Reader([vocab.bar_id(place), *ids])
    bars = _Bars(task, meter)
    while reader.ahead == "BAR" and bars.read(reader):
        pass
    return bars.phrase(chord_before)


class _Reader:
    """A place in a list of ids."""

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = ids
        self.at = 0

    @property
    def ahead(self) -> str:
        """The group of the next id; empty at the end."""
        return vocab.group_of(self.ids[self.at]) if self.at < len(self.ids) else ""

    def take(self, group: str) -> int | None:
        """The next id's place in `group`, or None and no step where it is of another group."""
        if self.ahead != group:
            return None
        self.at += 1
        return self.ids[self.at - 1] - vocab.RANGES[group].start

    def want(self, group: str) -> int:
        """As `take`; raises `Nonsense` where the next id is of another group."""
        found = self.take(group)
        if found is None:
            raise Nonsense(f"Word {self.at + 1} is {self.ahead or 'missing'}, not {group}.", "Was it made by jamlink?")
        return found


def _heading(reader: _Reader) -> Heading:
    task = list(Task)[reader.want("TASK")]
    style = reader.take("STYLE")
    meter = vocab.METERS[reader.want("METER")]
    tempo, key = reader.take("TEMPO"), reader.take("KEY")
    return Heading(
        task,
        meter,
        "" if style is None else vocab.STYLES[style],
        None if tempo is None else tempo_of_bin(tempo),
        None if key is None else vocab.KEYS[key],
    )


def tempo_of_bin(place: int) -> Tempo:
    """The middle of a tempo bin (in ratio)."""
    return tempo_of_bpm(SLOWEST_BPM * (FASTEST_BPM / SLOWEST_BPM) ** ((place + 0.5) / vocab.TEMPO_BINS))


def _steering(reader: _Reader) -> Steering | None:
    slot = reader.take("SLOT")
    if slot is None:
        return None
    return Steering(vocab.SLOT_BARS[slot], *(reader.take(group) for group in vocab.STEERING_GROUPS))


@dataclass(slots=True)
class _Bars:
    """Bars read so far; a bar is added when it is whole."""

    task: Task
    meter: Meter
    places: list[int] = field(default_factory=list)
    changes: dict[int, Chord | None] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    steering: dict[int, Steering] = field(default_factory=dict)

    def read(self, reader: _Reader) -> bool:
        """Read one bar; False, and nothing added, where it is cut off."""
        bar = _Bar(self, reader)
        if not bar.read():
            return False
        self.places.append(bar.place)
        self.changes |= bar.changes
        self.notes = bar.notes
        if bar.steering is not None:
            self.steering[len(self.places) - 1] = bar.steering
        return True

    def phrase(self, chord_before: Chord | None) -> Phrase:
        """What was read."""
        count = len(self.places) * vocab.cells_in_bar(self.meter)
        by_cell, chord = [], chord_before
        for cell in range(count):
            chord = self.changes.get(cell, chord)
            by_cell.append(chord)
        chords = chord_spans(by_cell, self.meter) if self.task is not Task.MELODY else ()
        return Phrase(self.meter, tuple(self.places), chords, tuple(sorted(self.notes)))


class _Bar:
    """One bar being read, on top of the bars before it."""

    def __init__(self, before: _Bars, reader: _Reader) -> None:
        self.task, self.meter, self.reader = before.task, before.meter, reader
        self.cells = vocab.cells_in_bar(self.meter)
        self.first = len(before.places) * self.cells
        self.place = 0
        self.steering: Steering | None = None
        self.changes: dict[int, Chord | None] = {}
        self.notes = list(before.notes)

    def read(self) -> bool:
        """Whether the bar is whole."""
        self.place = self.reader.want("BAR")
        self.steering = _steering(self.reader)
        if self.task.has_notes and not all(self._cell(i) for i in range(self.cells)):
            return False
        if self.task.chords_after and not self._changes():
            return False
        return self.reader.ahead in ("BAR", "EOS")

    def _cell(self, i: int) -> bool:
        if self.task.chords_first and self.reader.ahead == "CHORD":
            self._chord(i)
        if not self.reader.ahead:
            return False
        rhythm = vocab.RHYTHMS[self.reader.want("RHYTHM")]
        tick, length = (self.first + i) * vocab.cell_of(self.meter).ticks, rhythm.slot_ticks
        for letter in rhythm.pattern:
            if letter == ONSET and not self._onset(tick, length):
                return False
            if letter not in (ONSET, REST):
                self._hold(tick, length)
            tick += length
        if self.task.chords_behind and self.reader.ahead == "CHORD":
            self._chord(i)
        return True

    def _onset(self, tick: int, length: int) -> bool:
        """Read the pitches of one onset; False where they are cut off."""
        while self.reader.ahead:
            pitch = self.reader.want("PITCH") + vocab.PITCHES[0]
            self.notes.append(Note(Ticks(tick), pitch, Ticks(length)))
            if self.reader.take("JOIN") is None:
                return True
        return False

    def _hold(self, tick: int, length: int) -> None:
        """Lengthen the notes that sound up to `tick`; a hold of nothing is a rest."""
        for i in range(len(self.notes) - 1, max(-1, len(self.notes) - 1 - vocab.MAX_VOICES), -1):
            note = self.notes[i]
            if note.end != tick:
                break
            self.notes[i] = Note(note.onset, note.pitch, Ticks(note.duration + length), note.velocity)

    def _changes(self) -> bool:
        """Read the bar's list of chord changes; False where it is cut off."""
        if self.reader.ahead == "CHORD":
            self._chord(0)
        while self.reader.ahead == "POS":
            cell = self.reader.want("POS") + 1
            if not self.reader.ahead:
                return False
            self._chord(cell)
        return True

    def _chord(self, i: int) -> None:
        chord = vocab.chord_of(self.reader.want("CHORD") + vocab.RANGES["CHORD"].start)
        bass = self.reader.take("BASS") if chord else None
        self.changes[self.first + i] = chord if chord is None or bass is None else replace(chord, bass=bass)
