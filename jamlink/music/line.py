"""The line a player draws: the top voice of what two hands play, put on the grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from jamlink.music.feel import Feel
from jamlink.music.key import Key
from jamlink.music.key_estimate import together
from jamlink.music.note import Note
from jamlink.music.pulse import SIXTEENTH
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

LEFT_HAND_BELOW = 55
"""Below G3 a note is taken for accompaniment where higher ones are played too."""
_SWUNG = 0.57
"""A player whose off-beats lie later than this means eighths."""


def top_line(notes: Iterable[Note]) -> tuple[Note, ...]:
    """One note at a time: of what strikes at once the highest, unless a higher one still sounds; cut by the next."""
    every = sorted(notes)
    right = [note for note in every if note.pitch >= LEFT_HAND_BELOW]
    line: list[Note] = []
    for group in together(right if 2 * len(right) > len(every) else every):
        note = max(group, key=lambda n: n.pitch)
        if line and line[-1].end > note.onset and line[-1].pitch > note.pitch:
            continue
        line.append(note)
    return _cut(line)


def on_grid(line: Sequence[Note], meter: Meter) -> tuple[Note, ...]:
    """The line on sixteenths, swing taken back to even eighths; what falls together keeps the first note."""
    swung = Feel.of(line, meter).swing > _SWUNG
    placed: dict[int, Note] = {}
    for note in line:
        onset = _nearest(note.onset, meter, swung)
        length = max(SIXTEENTH, round(note.duration / SIXTEENTH) * SIXTEENTH)
        placed.setdefault(onset, Note(Ticks(onset), note.pitch, Ticks(length), note.velocity))
    return _cut([placed[onset] for onset in sorted(placed)])


def _nearest(onset: int, meter: Meter, swung: bool) -> int:
    inside = onset % meter.beat_ticks
    if swung and 5 * meter.beat_ticks <= 12 * inside <= 9 * meter.beat_ticks:
        return onset - inside + meter.beat_ticks // 2
    return max(0, round(onset / SIXTEENTH) * SIXTEENTH)


def _cut(line: Sequence[Note]) -> tuple[Note, ...]:
    """Each note ended by the next one's onset."""
    ends = [*(note.onset for note in line[1:]), *(note.end for note in line[-1:])]
    pairs = zip(line, ends, strict=True)
    return tuple(Note(n.onset, n.pitch, Ticks(min(n.end, end) - n.onset), n.velocity) for n, end in pairs)


def kept_in(key: Key, line: Sequence[Note]) -> tuple[Note, ...]:
    """The line with each note foreign to the key a half step beside, away from the note that follows, so that it moves
    on to that still. Both neighbours of a foreign note are of the key."""
    ahead = [*line[1:], *line[-1:]]
    return tuple(_kept(note, after.pitch, key) for note, after in zip(line, ahead, strict=True))


def _kept(note: Note, after: int, key: Key) -> Note:
    return note if note.pitch % 12 in key.notes else note.transposed(-1 if after >= note.pitch else 1)


Turn = tuple[int, int, int]
"""Two moves in rough steps and the wait between them in ticks: enough to know a motif again in another place."""
_ROUGH = {i: (abs(i) + 1) // 2 * (1 if i > 0 else -1) for i in range(-12, 13)}
"""Intervals in rough steps: a half step and a step are one size, so are both thirds and so on up to the octave."""


def turns(notes: Sequence[Note]) -> Iterable[Turn]:
    """The turns of a line: one for each three notes on end."""
    moves = [_ROUGH[max(-12, min(12, b.pitch - a.pitch))] for a, b in pairwise(notes)]
    waits = [b.onset - a.onset for a, b in pairwise(notes)]
    return zip(moves, moves[1:], waits, strict=False)
