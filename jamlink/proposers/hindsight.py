"""What the harmony was, in hindsight: the best path over key and chord through a melody that is over (Viterbi).

Beside the filter of `key_chord_hmm`, on the same table: the filter says what is likely now, this says by which way one
came there. A change of key shows itself a few notes late; looked back on from then, it lies where it began.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jamlink.proposers.key_chord_hmm import CHORDS, KINDS, Floats, Table, by_tonic, place_of
from jamlink.timing.meter import Meter

_OWN = np.arange(24).reshape(12, 2, 1) * CHORDS
"""A state is (tonic, mode, chord as a degree), counted in that order; here the first of each key."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way through the cells that are over."""

    chords: list[int]
    """By `key_chord_hmm.number_of`, in the key of the last cell."""
    shifts: list[int]
    """By how many semitones each cell is moved, that all of them are in the key of the last one."""


class Hindsight:
    """The best paths through one song. `hear` each cell, then ask for the path to any chord of it. One thread."""

    def __init__(self, table: Table, meter: Meter, trust: float, change_of_key: float, remote: int) -> None:
        """`trust` as in `key_chord_hmm.Settings`; keys `remote` fifths apart or more carry the past along."""
        self.meter, self.remote, self._trust = meter, remote, trust
        self._stay, self._leave = np.log1p(-change_of_key), np.log(change_of_key)
        self._log_sound, self._log_move = np.log(table.sound), np.log(np.maximum(table.move, 1e-9))
        self._start: Floats = np.log(np.maximum(table.start, 1e-9) / 24)[None].repeat(12, axis=0)  # (12, M, C)
        self._best = self._start
        self._back: list[npt.NDArray[np.int64]] = []
        self._cells = 0

    def hear(self, sounds: Floats) -> None:
        """The next cell is over, and this sounded in it; (12,) as from `key_chord_hmm.sounding`."""
        if self._cells:
            self._step()
        told = np.einsum("mcp,tp->tmc", self._log_sound, by_tonic(sounds))
        self._best = self._best + self._trust * told
        self._best -= self._best.max()
        self._cells += 1

    def _step(self) -> None:
        """Into the next cell: on in the same key, or anew in any."""
        place = place_of(self._cells, self.meter)
        reach = self._best[..., None] + self._log_move[None, :, place]  # (12, M, C, C)
        within, anew = reach.max(axis=2) + self._stay, self._best.max() + self._leave + self._start
        self._back.append(np.where(within >= anew, _OWN + reach.argmax(axis=2), int(self._best.argmax())).ravel())
        self._best = np.maximum(within, anew)

    def path(self, chord: int) -> Path:
        """The best way to a chord of the last cell, by its number."""
        tonics = np.arange(12)
        degrees = (chord - tonics * len(KINDS)) % CHORDS
        tonic, mode = divmod(int(self._best[tonics, :, degrees].argmax()), 2)
        state, shift = (tonic * 2 + mode) * CHORDS + int(degrees[tonic]), 0
        chords, shifts = [_number(state)], [0]
        for back in reversed(self._back):
            before = int(back[state])
            shift += _remote_step(before, state, self.remote)
            state = before
            chords.append((_number(state) + shift * len(KINDS)) % CHORDS)
            shifts.append(shift)
        return Path(chords[::-1], shifts[::-1])


def _number(state: int) -> int:
    """The number of a state's chord."""
    tonic = state // CHORDS // 2
    return (state + tonic * len(KINDS)) % CHORDS


def _remote_step(before: int, after: int, remote: int) -> int:
    """Semitones from the key of a state to that of the next, -5 to 6, where they are `remote` fifths apart or more."""
    semitones = (_signature(after) - _signature(before)) % 12
    fifths = min(7 * semitones % 12, -7 * semitones % 12)
    return (semitones + 5) % 12 - 5 if fifths >= remote else 0


def _signature(state: int) -> int:
    """The tonic of the major key with the same notes."""
    tonic, mode = divmod(state // CHORDS, 2)
    return (tonic + 3 * mode) % 12
