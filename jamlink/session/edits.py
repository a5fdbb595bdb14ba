"""What a gesture changes in an idea, and the words that say it. Pure; `music.edit` makes the changes.

Raises `Nonsense` for a chord that is none, and where a change is made that the idea does not allow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from jamlink.midi.actions import Action
from jamlink.music import edit
from jamlink.music.chord import parse_chord
from jamlink.music.edit import Content
from jamlink.music.pitch import pitch_name
from jamlink.session import inputs
from jamlink.session.proposal import Proposal
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

BEAT_GRID = 4
"""A chord is moved by whole quarters of a beat."""


@dataclass(frozen=True, slots=True)
class Change:
    """Made by `make`, said by `words`."""

    words: str
    make: Callable[[Content], Content]

    def of(self, proposal: Proposal) -> Proposal:
        """The idea with this change, which remembers what it was before the first."""
        old = proposal.content
        new = self.make(Content(old.chords, old.melody, old.bass))
        content = replace(old, chords=new.chords, melody=new.melody, bass=new.bass)
        edits, original = (*proposal.edits, self.words), proposal.original or old
        return replace(proposal, content=content, edits=edits, original=original)


def asked_for(gesture: inputs.Edit, meter: Meter) -> Change:
    """What `gesture` changes."""
    match gesture:
        case inputs.ReplaceChord(index, symbol):
            chord = parse_chord(symbol)
            return Change(f"chord {index + 1} became {symbol}", lambda content: edit.with_chord(content, index, chord))
        case inputs.MoveChord(index, beats):
            by = Ticks(round(beats * BEAT_GRID) * meter.beat_ticks // BEAT_GRID)
            words = f"chord {index + 1} moved by {beats:+g} beats"
            return Change(words, lambda content: edit.with_chord_moved(content, index, by))
        case inputs.EditNote(_, note, pitch):
            became = "left out" if pitch is None else f"became {pitch_name(pitch)}"
            return Change(f"note {note + 1} {became}", lambda content: edit.with_note(content, note, pitch))
        case _:
            assert_never(gesture)


def place_of(gesture: inputs.Edit, selected: int) -> int:
    """The place in the hand of the idea that `gesture` is about, the selected one where it does not say."""
    place = gesture.index if isinstance(gesture, inputs.EditNote) else gesture.idea
    return selected if place is None else place


def _transposed(semitones: int) -> Change:
    return Change(f"moved {semitones:+d}", lambda content: edit.transpose(content, semitones))


ACTIONS: dict[Action, Callable[[Meter], Change]] = {
    Action.TRANSPOSE_UP: lambda meter: _transposed(1),
    Action.TRANSPOSE_DOWN: lambda meter: _transposed(-1),
    Action.INVERT: lambda meter: Change("inverted", edit.invert),
    Action.SIMPLIFY: lambda meter: Change("simplified", lambda content: edit.simplify(content, meter)),
}
"""What an action changes in the selected idea."""
