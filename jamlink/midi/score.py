"""What a MIDI file holds, as a value: parts, tempo, meter, key and markers, in ticks of 960 to the quarter.

`jamlink.midi.smf` reads and writes it; `performance` plays it out as the events a keyboard would have sent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from jamlink.midi.events import ChannelEvent, ControlChange, NoteOff, NoteOn
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Tempo, Ticks

DEFAULT_TEMPO = Tempo(500_000_000)
"""120 quarters per minute: what a file without a tempo means (Standard MIDI Files 1.0, "Set Tempo")."""


@dataclass(frozen=True, slots=True, order=True)
class Control:
    """A controller's move inside a part; `control` 64 is the sustain pedal."""

    at: Ticks
    control: int
    value: int


@dataclass(frozen=True, slots=True, order=True)
class Bend:
    """The pitch wheel of a part's channel moves to `value`, -8192 to 8191, 0 in the middle."""

    at: Ticks
    value: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one track plays on one channel (0 to 15): notes by their keys, pedals and bends apart, all sorted."""

    name: str
    channel: int
    notes: tuple[Note, ...]
    controls: tuple[Control, ...] = ()
    program: int | None = None
    bends: tuple[Bend, ...] = ()


@dataclass(frozen=True, slots=True)
class TempoMark:
    """From `at` on, a quarter lasts `tempo`."""

    at: Ticks
    tempo: Tempo


@dataclass(frozen=True, slots=True)
class MeterMark:
    """From `at` on, bars are `numerator`/`denominator`. Files hold meters that jamlink does not count."""

    at: Ticks
    numerator: int
    denominator: int

    @property
    def meter(self) -> Meter:
        """The meter. Raises `Nonsense` for one that jamlink does not count."""
        return Meter(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class KeyMark:
    """From `at` on, the music is written in `key`."""

    at: Ticks
    key: Key


@dataclass(frozen=True, slots=True)
class Marker:
    """A text at a moment: a chord symbol, a rehearsal mark."""

    at: Ticks
    text: str


@dataclass(frozen=True)
class MidiScore:
    """A whole file. `tempos` and `meters` are sorted and begin at tick 0; keys and markers are sorted.

    (No slots: the timelines are worked out once and kept.)
    """

    parts: tuple[Part, ...]
    tempos: tuple[TempoMark, ...] = (TempoMark(Ticks(0), DEFAULT_TEMPO),)
    meters: tuple[MeterMark, ...] = (MeterMark(Ticks(0), 4, 4),)
    keys: tuple[KeyMark, ...] = ()
    markers: tuple[Marker, ...] = ()
    name: str = ""
    texts: tuple[Marker, ...] = ()
    """Texts and lyrics, by time; read only: some programs write chord symbols so."""

    @property
    def end(self) -> Ticks:
        """Where the last note ends."""
        return Ticks(max((note.end for part in self.parts for note in part.notes), default=0))

    @cached_property
    def timelines(self) -> tuple[Timeline, ...]:
        """One timeline for each tempo mark, each beginning where the one before it is left; tick 0 is at 0 ns."""
        lines = [Timeline(self.tempos[0].tempo, Ticks(0), Ns(0))]
        for before, mark in pairwise(self.tempos):
            origin = Ns(lines[-1].ns_origin + lines[-1].span_ns(Ticks(mark.at - before.at)))
            lines.append(Timeline(mark.tempo, mark.at, origin))
        return tuple(lines)

    def ns_at(self, tick: Ticks) -> Ns:
        """The moment of `tick`, counted from the start of the file."""
        index = bisect_right(self.timelines, tick, key=lambda line: line.tick_origin)
        return self.timelines[max(0, index - 1)].ns_at(tick)

    @property
    def length(self) -> Ns:
        """How long it lasts, to the end of the last note."""
        return self.ns_at(self.end)


def performance(score: MidiScore, port: str) -> tuple[ChannelEvent, ...]:
    """The events of all parts, as if played: by time; at one moment note-offs, then controllers, then note-ons.

    Moments count from the start of the file, at 0 ns.
    """
    events = [event for part in score.parts for event in _played(score, part, port)]
    return tuple(sorted(events, key=lambda e: (e.at, _ORDER[type(e)])))


def _played(score: MidiScore, part: Part, port: str) -> Iterator[ChannelEvent]:
    for note in part.notes:
        yield NoteOn(score.ns_at(note.onset), port, part.channel, note.pitch, note.velocity)
        yield NoteOff(score.ns_at(note.end), port, part.channel, note.pitch)
    for move in part.controls:
        yield ControlChange(score.ns_at(move.at), port, part.channel, move.control, move.value)


_ORDER: dict[type, int] = {NoteOff: 0, ControlChange: 1, NoteOn: 2}
