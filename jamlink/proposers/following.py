"""Answers to a session that accompanies: a request about felt beats becomes questions about cells.

A request tells all that was heard, so whoever is asked for the first time in the middle of a song, a process that has
just been started again, hears the bars before by itself. Whoever is asked beat after beat has heard them already.
What is told begins anew every 32 bars; whoever shall go on from there listens beside before that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jamlink.engine.choose import Engine
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.proposers.chords_at_once import cells_in_beat, table
from jamlink.proposers.foresight import FarSighted
from jamlink.session.proposal import ChordsRequest
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab

_BARS_BEFORE_HAND_OVER = 48
"""From here on the one for the next window listens beside."""
_WINDOW_BARS = 32
_CELLS_BESIDE = 12
"""As many cells a beat are caught up with: about as many milliseconds."""
_BARS_AT_FIRST, _PHRASE_BARS = 16, 8


class _Ear:
    """One who listens from a cell on. Cells are counted from there."""

    def __init__(self, player: FarSighted, first: int) -> None:
        self.player, self.first = player, first
        self.heard_to = 0
        """The next cell to come."""

    def listen(self, cell: int, heard: Sequence[Note], most: int = 1 << 30) -> None:
        """Follow up to `cell`, as far as `most` cells reach."""
        for each in range(self.heard_to, min(cell, self.heard_to + most)):
            self.player.follow(each, heard)
            self.heard_to = each + 1


class Follower:
    """Chords by network and key-and-chord model together. Keeps what it has heard of one run. One thread."""

    def __init__(self, name: str, make: Callable[[Meter], FarSighted]) -> None:
        self.name, self._make = name, make
        self._run: tuple[int, Meter] | None = None
        self._ears: dict[int, _Ear] = {}
        """By their first cell: who answers now, and who will."""

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As `Accompanies.chords`."""
        cells, meter = cells_in_beat(request.meter), request.meter
        if self._run != (request.run, meter):
            self._run, self._ears = (request.run, meter), {}
        first = request.base * cells
        ear = self._ear(first, request.beat * cells, meter)
        heard, cell = from_cell(request.heard, ear.first, meter), request.beat * cells - ear.first
        ear.listen(cell, heard)
        ear.player.keep_to(request.key)
        if ear.heard_to == cell:
            ear.player.decide(cell, heard, request.avoid[0] if request.avoid else None)
            ear.heard_to = cell + 1
        self._listen_beside(request, first, cells)
        avoid = [chord for chord in request.avoid for _ in range(cells)][1:]
        return (ear.player.newest, *ear.player.foresee(request.ahead * cells, avoid)[cells - 1 :: cells])

    def _ear(self, first: int, cell: int, meter: Meter) -> _Ear:
        found = self._ears.get(first)
        if found is None or found.first + found.heard_to > cell + 1:  # none yet, or it has heard further than we are
            found = _Ear(self._make(meter), max(first, _recent(cell, meter)))
            self._ears = {first: found}
        for old in [each for each in self._ears if each < first]:
            del self._ears[old]
        return found

    def _listen_beside(self, request: ChordsRequest, first: int, cells: int) -> None:
        bar = (request.beat - request.base) // request.meter.beats
        if bar < _BARS_BEFORE_HAND_OVER:
            return
        start = first + _WINDOW_BARS * request.meter.beats * cells
        if start not in self._ears:
            self._ears[start] = _Ear(self._make(request.meter), start)
        self._ears[start].listen(
            request.beat * cells - start, from_cell(request.heard, start, request.meter), _CELLS_BESIDE
        )


def follower_for(network: Engine, name: str) -> Follower:
    """The network with the key-and-chord model that ships. Raises as `table`."""
    known = table()
    return Follower(name, lambda meter: FarSighted(network, known, meter))


def _recent(cell: int, meter: Meter) -> int:
    """The cell from which on somebody hears who is asked for the first time: 16 bars back, on an eighth bar."""
    bars = (cell // vocab.cells_in_bar(meter) - _BARS_AT_FIRST) // _PHRASE_BARS * _PHRASE_BARS
    return max(0, bars) * vocab.cells_in_bar(meter)


def from_cell(heard: Sequence[Note], first: int, meter: Meter) -> list[Note]:
    """What sounds from a cell on, counted from there."""
    start = first * vocab.cell_of(meter).ticks
    if not start:
        return list(heard)
    return [note.shifted(Ticks(-start)) for note in heard if note.onset >= start]
