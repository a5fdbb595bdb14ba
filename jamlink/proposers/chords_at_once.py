"""Chords for a melody from the key-and-chord model alone: quick enough to be asked between two notes of a session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jamlink.music.chord import Chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.proposers.key_chord_hmm import CHORDS, Listener, Table, chord_of, load, number_of, sounding
from jamlink.resources import data_folder
from jamlink.session.proposal import ChordsRequest
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

STAND_IN = "key-and-chord"
_FOREIGN = 1e-4
_REMEMBERED_CELLS = 24
"""What it catches up with at most, at about 0.2 ms each."""


class StandIn:
    """The key-and-chord model alone: quick enough to answer between two notes. One thread."""

    name = STAND_IN

    def __init__(self, table: Table) -> None:
        self._table = table
        self._run: tuple[int, Meter] | None = None
        self._listener: Listener | None = None
        self._cell = -1
        """The cell that the belief is about."""

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As `Accompanies.chords`; a few milliseconds, whatever was asked before."""
        cells, run = cells_in_beat(request.meter), (request.run, request.meter)
        cell = request.beat * cells
        if self._listener is None or self._run != run or not cell - _REMEMBERED_CELLS <= self._cell <= cell:
            self._run, self._listener = run, Listener(self._table, request.meter)
            self._cell = max(0, cell - _REMEMBERED_CELLS)
        listener, ticks = self._listener, vocab.cell_of(request.meter).ticks
        for each in range(self._cell, cell):
            listener.hear(sounding(_near(request.heard, each * ticks), each * ticks, (each + 1) * ticks))
            listener.move_to(each + 1)
        self._cell = cell
        return tuple(self._ahead(listener, request, cells))

    def _ahead(self, listener: Listener, request: ChordsRequest, cells: int) -> Sequence[Chord]:
        belief = listener.belief.copy()
        wanted = np.array([belongs(chord_of(number), request.key) for number in range(CHORDS)])
        found = []
        for i in range(request.ahead + 1):
            chances = listener.chords() * wanted
            if i < len(request.avoid) and request.avoid[i] is not None:
                chances[number_of(request.avoid[i])] = 0.0  # type: ignore[arg-type]
            found.append(chord_of(int(chances.argmax())))
            for step in range(cells):
                listener.move_to((request.beat + i) * cells + step + 1)
        listener.belief = belief
        return found


def belongs(chord: Chord, key: Key | None) -> float:
    """How much a chord is wanted where a key is locked: fully where all of it is in the key (in minor with its leading
    note), else hardly."""
    known = key is None or chord.pitch_classes <= key.scale | ({(key.tonic + 11) % 12} if key.minor else set())
    return 1.0 if known else _FOREIGN


def table() -> Table:
    """The key-and-chord model that ships. Raises as `key_chord_hmm.load`."""
    return load(data_folder("models") / "hmm" / "table.npz")


def cells_in_beat(meter: Meter) -> int:
    """Cells in a felt beat: one, or two where a half note is felt."""
    return max(1, meter.beat_ticks // vocab.cell_of(meter).ticks)


def _near(heard: Sequence[Note], tick: int) -> list[Note]:
    """The notes that may sound at a cell that begins at `tick`."""
    return [note for note in heard if note.end > tick]
