"""The take so far, bar by bar, as a lead sheet shows it: chords over the notes of both players.

A bar is written down once it is over, and then stays as it is. Our own chords where we sounded any, else the chords
that are heard in what was played. Bounded: the newest `BARS` bars.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from jamlink.music.analysis import chords_of
from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.session.effects import Out
from jamlink.session.roll import PLAYER, Roll, Rolled
from jamlink.session.snapshot import symbol_of
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

BARS = 64
_WRITTEN = frozenset({"", Out.MELODY.value})
"""The roles whose notes are written out; chords and bass stand as symbols."""

_Part = tuple[Rolled, Ticks, Ticks]


class Lead:
    """One owner: the session. Call `close` often enough that a bar's notes are still in the roll when it is over."""

    def __init__(self) -> None:
        self._bars: deque[dict[str, Any]] = deque(maxlen=BARS)
        self._next = 0
        self._section: list[dict[str, Any]] | None = None

    def clear(self) -> None:
        """A new take begins, with bar 1."""
        self._bars.clear()
        self._next, self._section = 0, None

    def is_due(self, tick: Ticks, meter: Meter) -> bool:
        """Whether a bar is over that is not written down yet."""
        return tick >= meter.bar_start(self._next + 1)

    def close(self, tick: Ticks, meter: Meter, roll: Roll, ours: Sequence[ChordSpan], key: Key | None) -> None:
        """Write down every bar that is over at `tick`. `ours` are the chords that we sounded."""
        self._next = max(self._next, tick // meter.bar_ticks - BARS)
        while self.is_due(tick, meter):
            self._write(self._next, meter, roll, ours, key)
            self._next += 1

    def finish(self, tick: Ticks, meter: Meter, roll: Roll, ours: Sequence[ChordSpan], key: Key | None) -> None:
        """The clock stops at `tick`: the bar that was begun counts as it is, if anything is in it."""
        self.close(tick, meter, roll, ours, key)
        start = meter.bar_start(self._next)
        if tick > start and any(roll.between(start, tick)):
            self._write(self._next, meter, roll, ours, key)
            self._next += 1

    def section(self) -> list[dict[str, Any]]:
        """What a view shows, in order; the same object until a bar is added, and never changed itself."""
        if self._section is None:
            self._section = list(self._bars)
        return self._section

    def _write(self, bar: int, meter: Meter, roll: Roll, ours: Sequence[ChordSpan], key: Key | None) -> None:
        start, end = meter.bar_start(bar), meter.bar_start(bar + 1)
        parts = list(roll.between(start, end))
        chords = [span for span in ours if span.onset < end and span.end > start] or _heard(parts, meter, start, key)
        notes = [_note(part, start) for part in parts if part[0].role in _WRITTEN]
        self._bars.append({"bar": bar + 1, "chords": _symbols(chords, start, meter, key), "notes": notes})
        self._section = None


def _note(part: _Part, start: Ticks) -> dict[str, Any]:
    rolled, onset, end = part
    note = {"tick": onset - start, "ticks": end - onset, "pitch": rolled.pitch, "who": rolled.who}
    return note if rolled.tick == onset else {**note, "tied": True}


def _heard(parts: Iterable[_Part], meter: Meter, start: Ticks, key: Key | None) -> Sequence[ChordSpan]:
    """The chords in what the player played."""
    played = [
        Note(onset, rolled.pitch, Ticks(end - onset), rolled.velocity)
        for rolled, onset, end in parts
        if rolled.who == PLAYER
    ]
    return chords_of(played, meter, start, Ticks(start + meter.bar_ticks), key) if played else ()


def _symbols(chords: Iterable[ChordSpan], start: Ticks, meter: Meter, key: Key | None) -> list[dict[str, Any]]:
    """Each chord with its beat, counted from 1; what began before the bar stands on its first beat."""
    ordered = sorted(chords, key=lambda span: span.onset)
    first = next((i for i in range(len(ordered) - 1, -1, -1) if ordered[i].onset <= start), 0)
    return [
        {"beat": _counted(max(0, span.onset - start) / meter.beat_ticks), "symbol": symbol_of(span.chord, key)}
        for span in islice(ordered, first, None)
    ]


def _counted(beats: float) -> float:
    """From 1; a whole number where it is on the beat."""
    return int(beats) + 1 if beats == int(beats) else round(beats + 1, 3)
