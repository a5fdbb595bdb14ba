"""Which words may come next, so that the model can only say what a musician can hear.

A `Grammar` starts where a `prompt` ends: in the first bar of a slot, after its BAR and steering. It ends with the word
after the slot's last bar, which the model says too (only then is it sure that the last bar has no more to it); that
word belongs to nobody.

`allowed` and `mask` are cached by what is expected, so a step costs a dictionary look-up, and the same expectation
gives the same object.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache

from jamlink.errors import Fault
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab
from jamlink.tokens.encode import words_of_changes, words_of_notes
from jamlink.tokens.phrase import Phrase, quantise
from jamlink.tokens.vocab import Cell, Task

Part = tuple[str | int, ...]
"""A kind of word that is expected, and its limits: see `_ids_of_part`."""

WHOLE_PIANO = (vocab.PITCHES[0], vocab.PITCHES[-1])


def _ids_of_part(part: Part) -> range | list[int]:
    """The ids of one expectation."""
    kind, *limits = part
    match kind:
        case "only":
            return [int(limits[0])]
        case "rhythm":
            cell, sounding, may_rest = list(Cell)[int(limits[0])], bool(limits[1]), bool(limits[2])
            pairs = zip(vocab.RANGES["RHYTHM"], vocab.RHYTHMS, strict=True)
            mine = [(i, rhythm) for i, rhythm in pairs if rhythm.cell is cell and (may_rest or not rhythm.silent)]
            return [i for i, rhythm in mine if sounding or not rhythm.enters_held]
        case "pitch":
            return range(vocab.pitch_id(int(limits[0])), vocab.pitch_id(int(limits[1])) + 1)
        case "position":
            return range(vocab.position_id(int(limits[0])), vocab.position_id(int(limits[1])) + 1)
        case "end":
            return [vocab.EOS, *vocab.RANGES["BAR"]]
        case group:
            return vocab.RANGES[str(group)]


@cache
def _allowed(expected: tuple[Part, ...]) -> tuple[int, ...]:
    return tuple(sorted({i for part in expected for i in _ids_of_part(part)}))


@cache
def _mask(expected: tuple[Part, ...]) -> bytes:
    allowed = set(_allowed(expected))
    return bytes(i in allowed for i in range(vocab.SIZE))


class Grammar:
    """The words of one slot, step by step.

    `places` gives the slot's bars. `voices` is how many notes may begin at once (1 for a single line, up to
    MAX_VOICES), `pitches` the lowest and highest of them. `sounding` says whether a note of the line is held into the
    slot. `opens` is True where nothing stands before the slot, so that its first chord must be said. `longest_rest` is
    how many cells in a row may be silent; 0 sets no limit (a player's silence, too, is catching).

    Given `chords` (spans from the slot's start; tasks that write the chord first) only these are said, where they
    change from `chord_before`; given `notes` only these are said. Raises `Fault` for a task that cannot use them.
    """

    __slots__ = (
        "_bar", "_cell", "_cells", "_chord_words", "_given_chords", "_given_notes", "_high", "_kind", "_last",
        "_left", "_longest_rest", "_low", "_may_join", "_note_words", "_opens", "_places", "_rested", "_sounding",
        "_task", "_voices", "_voices_left", "expected", "finished",
    )  # fmt: skip

    def __init__(
        self,
        task: Task,
        meter: Meter,
        places: Sequence[int],
        *,
        pitches: tuple[int, int] = WHOLE_PIANO,
        voices: int = 1,
        sounding: bool = False,
        opens: bool = False,
        longest_rest: int = 0,
        chords: Sequence[ChordSpan] | None = None,
        chord_before: Chord | None = None,
        notes: Sequence[Note] | None = None,
    ) -> None:
        if not places or pitches[0] > pitches[1] or not 1 <= voices <= vocab.MAX_VOICES:
            raise Fault(f"No slot has bars at {places}, pitches {pitches} and {voices} voices.")
        if (chords is not None and not task.chords_first) or (notes is not None and not task.has_notes):
            raise Fault(f"What is given is not said in the task {task.value}.")
        self._task, self._places, self._opens = task, tuple(places), opens
        self._cells, self._kind = vocab.cells_in_bar(meter), list(Cell).index(vocab.cell_of(meter))
        self._low, self._high = max(pitches[0], WHOLE_PIANO[0]), min(pitches[1], WHOLE_PIANO[1])
        given = Phrase(meter, self._places, tuple(chords or ()), tuple(notes or ()))
        self._given_chords = None if chords is None else words_of_changes(given, chord_before)
        self._given_notes = None if notes is None else words_of_notes(quantise(given, Task.MELODY))
        self._longest_rest, self._rested = longest_rest, 0
        self._chord_words: list[int] = []
        self._note_words: list[int] = []
        self._voices, self._voices_left, self._may_join = voices, 0, False
        self._bar, self._cell, self._left, self._last, self._sounding = 0, 0, 0, 0, sounding
        self.finished = False
        self.expected: tuple[Part, ...] = self._enter_bar()

    def allowed(self) -> tuple[int, ...]:
        """The ids that may come next, rising; empty when finished. The same expectation gives the same tuple."""
        return _allowed(self.expected)

    def mask(self) -> bytes:
        """One byte an id, 1 where it may come next. The same expectation gives the same bytes object."""
        return _mask(self.expected)

    def clone(self) -> Grammar:
        """An independent copy in the same state."""
        return copy.copy(self)

    def advance(self, token: int) -> None:
        """Take one word. Raises `Fault` for one that is not allowed."""
        if not _mask(self.expected)[token]:
            raise Fault(f"{vocab.NAMES[token]} cannot stand here.")
        if self._may_join:
            self._may_join = False
            if token != vocab.JOIN:
                self._next_onset()
        self.expected = self._after(token)

    def _after(self, token: int) -> tuple[Part, ...]:
        """What may follow `token`, after taking it."""
        match vocab.group_of(token):
            case "CHORD" | "BASS" if self._task.chords_first:
                return self._after_chord(token)
            case "CHORD" | "BASS" if self._task.chords_behind:
                return (*_bass_part(token), *self._cell_parts())
            case "CHORD" | "BASS" | "POS":
                return self._after_change(token)
            case "RHYTHM" | "PITCH" | "JOIN" if self._given_notes is not None:
                self._note_words = self._note_words[1:]
                return self._note_parts() if self._note_words else self._next_cell()
            case "RHYTHM":
                rhythm = vocab.rhythm_of(token)
                self._left, self._sounding = rhythm.onsets, rhythm.leaves_sounding
                self._rested = self._rested + 1 if rhythm.silent else 0
                return self._next_onset()
            case "PITCH":
                return self._after_pitch(vocab.pitch_of(token))
            case "JOIN":
                return (("pitch", self._low, self._last - 1),)
            case _:
                return self._after_bar()

    def _after_bar(self) -> tuple[Part, ...]:
        self._bar += 1
        self.finished = self._bar == len(self._places)
        return () if self.finished else self._enter_bar()

    def _enter_bar(self) -> tuple[Part, ...]:
        self._cell = -1
        return self._next_cell() if self._task.has_notes else self._first_change()

    def _bar_line(self) -> tuple[Part, ...]:
        last = self._bar == len(self._places) - 1
        return (("end",),) if last else (("only", vocab.bar_id(self._places[self._bar + 1])),)

    @property
    def _at_opening(self) -> bool:
        return self._opens and self._bar == 0 and self._cell == int(self._task.chords_behind)

    def _next_cell(self) -> tuple[Part, ...]:
        """Go to the next cell: what may stand at its start, or after the last one."""
        self._cell += 1
        place = self._bar * self._cells + self._cell
        inside = self._cell < self._cells
        self._note_words = self._given_notes[place] if self._given_notes is not None and inside else []
        if self._cell and self._task.chords_behind:
            return (("CHORD",),) if self._at_opening else (("CHORD",), *self._cell_parts())
        return self._cell_parts()

    def _cell_parts(self) -> tuple[Part, ...]:
        """What may stand at the start of a cell, or after the last one, but for a chord behind the cell before."""
        if self._cell == self._cells:
            return self._first_change() if self._task.chords_after else self._bar_line()
        if not self._task.chords_first:
            return self._note_parts()
        place = self._bar * self._cells + self._cell
        if self._given_chords is not None:
            self._chord_words = self._given_chords[place]
            return (("only", self._chord_words[0]),) if self._chord_words else self._note_parts()
        return (("CHORD",),) if self._at_opening else (("CHORD",), *self._note_parts())

    def _note_parts(self) -> tuple[Part, ...]:
        if self._note_words:
            return (("only", self._note_words[0]),)
        may_rest = not self._longest_rest or self._rested < self._longest_rest
        return (("rhythm", self._kind, self._sounding, may_rest),)

    def _after_chord(self, token: int) -> tuple[Part, ...]:
        """After a chord that stands before the notes of its cell."""
        if self._given_chords is not None:
            self._chord_words = self._chord_words[1:]
            return (("only", self._chord_words[0]),) if self._chord_words else self._note_parts()
        return (*_bass_part(token), *self._note_parts())

    def _next_onset(self) -> tuple[Part, ...]:
        """Go to the next onset of the cell, or to the next cell."""
        if not self._left:
            return self._next_cell()
        self._left -= 1
        self._voices_left = self._voices
        return (("pitch", self._low, self._high),)

    def _after_pitch(self, pitch: int) -> tuple[Part, ...]:
        self._last = pitch
        self._voices_left -= 1
        self._may_join = self._voices_left > 0 and pitch > self._low
        if not self._may_join:
            return self._next_onset()
        return (("JOIN",), *self.clone()._next_onset())

    def _first_change(self) -> tuple[Part, ...]:
        """What may stand where a bar's chord changes are listed."""
        self._cell = 0
        return (("CHORD",),) if self._at_opening else (("CHORD",), *self._later_changes())

    def _later_changes(self) -> tuple[Part, ...]:
        more = self._cell < self._cells - 1
        return (*((("position", self._cell + 1, self._cells - 1),) if more else ()), *self._bar_line())

    def _after_change(self, token: int) -> tuple[Part, ...]:
        """After a word of the list of chord changes."""
        if vocab.group_of(token) == "POS":
            self._cell = token - vocab.RANGES["POS"].start + 1
            return (("CHORD",),)
        return (*_bass_part(token), *self._later_changes())


def _bass_part(token: int) -> tuple[Part, ...]:
    """A bass may follow a chord, not "no chord" and not another bass."""
    is_chord = vocab.group_of(token) == "CHORD" and vocab.chord_of(token) is not None
    return (("BASS",),) if is_chord else ()
