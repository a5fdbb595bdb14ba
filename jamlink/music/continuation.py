"""Going on as the player would: a memory of a line, learnt on the spot.

Each move of the line (how many scale steps, after how long) is remembered with the moves that led to it, one to three
of them, and with the place in the bar where it began. Asked to go on, the memory looks for the longest past that fits
and makes one of the moves that followed it then (Pachet's Continuator works so). Where no past fits the place in the
beat decides, so that the line never drifts off the pulse.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jamlink.music.key import Key
from jamlink.music.motif import Wish, pitch_of, step_of
from jamlink.music.note import Note
from jamlink.timing.meter import Meter

LONGEST = 3
_ENOUGH = 6
"""Fewer notes than this are no line to go on from."""
_STRAY = 9
"""How far from its centre, in semitones, the line may go before it is turned back."""

_LEAP = 4
"""Scale steps that make a leap: a fifth and more."""

Move = tuple[int, int]
"""Scale steps up or down, ticks until the next note."""
_Past = tuple[int, tuple[Move, ...]]
"""Place in the bar (below 0: only the place in the beat is known, as -1 - place), and the last moves, newest last."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What followed what. `onset` is the place in its bar of the line's last note, `step` its scale step."""

    followed: dict[_Past, tuple[Move, ...]]
    moves: tuple[Move, ...]
    onset: int
    step: int
    bar: int
    beat: int

    @staticmethod
    def of(line: Sequence[Note], key: Key, meter: Meter) -> Memory | None:
        """The memory of a line on the grid; None where there is too little of it. Rests count up to a bar."""
        if len(line) < _ENOUGH:
            return None
        bar, beat = meter.bar_ticks, meter.beat_ticks
        steps = [step_of(note.pitch, key) for note in line]
        waits = [min(b.onset - a.onset, int(bar)) for a, b in pairwise(line)]
        moves = [(b - a, wait) for (a, b), wait in zip(pairwise(steps), waits, strict=True)]
        followed: defaultdict[_Past, list[Move]] = defaultdict(list)
        for i, move in enumerate(moves):
            for order in range(min(i, LONGEST) + 1):
                followed[line[i].onset % bar, tuple(moves[i - order : i])].append(move)
            followed[-1 - line[i].onset % beat, ()].append(move)
        kept = {past: tuple(found) for past, found in followed.items()}
        return Memory(kept, tuple(moves), line[-1].onset % bar, steps[-1], bar, beat)

    def next(self, onset: int, moves: Sequence[Move], longest: int, dice: random.Random) -> Move:
        """The next move from `onset` after `moves`, by a past of at most `longest` moves."""
        for order in range(min(longest, len(moves)), -1, -1):
            found = self.followed.get((onset % self.bar, tuple(moves[len(moves) - order :])))
            if found:
                return dice.choice(found)
        found = self.followed.get((-1 - onset % self.beat, ()))
        return dice.choice(found) if found else (dice.choice(self.moves)[0], self.beat - onset % self.beat)


def continued(memory: Memory, length: int, key: Key, centre: float, longest: int, dice: random.Random) -> list[Wish]:
    """A line of wishes in [0, length) that goes on from the memory, as if its last note lay in the bar before.

    `longest` is 1 (free) to 3 (true); `centre` a pitch, round which the line stays.
    """
    octaves = round((centre - pitch_of(memory.step, key)) / 12)
    step, onset, moves = memory.step + 7 * octaves, memory.onset - memory.bar, list(memory.moves[-LONGEST:])
    wishes: list[Wish] = []
    while onset < length:
        if onset >= 0:
            wishes.append(Wish(onset, pitch_of(step, key)))
        rise, wait = memory.next(onset, moves, longest, dice)
        moves.append((rise, wait))
        step, onset = _kept_near(step, rise, key, centre), onset + wait
    return wishes


def _kept_near(step: int, rise: int, key: Key, centre: float) -> int:
    """Where a move leads. What would stray turns back: a step goes the other way, a leap falls octaves short."""
    away = pitch_of(step + rise, key) - centre
    if abs(away) > _STRAY and abs(rise) < _LEAP and (away > 0) == (rise > 0):
        return step - rise
    while abs(away) > _STRAY:
        rise += -7 if away > 0 else 7
        away = pitch_of(step + rise, key) - centre
    return step + rise
