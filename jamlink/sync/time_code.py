"""MIDI time code: quarter frames while a tape rolls, full frames where it is wound to.

Time code says where we are in hours, minutes, seconds and frames and knows no tempo, so bars are counted from `start`
(hosts like 01:00:00:00) by the session's own tempo; a tape that runs a little fast plays a little fast. Eight quarter
frames make one time, which was that of the first of them (MIDI 1.0, RP-004/008, "MIDI Time Code"). It has no stop: a
tape that says nothing for half a second stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from jamlink.errors import Nonsense
from jamlink.midi.events import FullFrame, MidiEvent, QuarterFrame
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.sync.base import Own
from jamlink.sync.pulses import Pulses
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import NS_PER_SECOND, TICKS_PER_QUARTER, Ns, Tempo, Ticks, ms

RATES = (Fraction(24), Fraction(25), Fraction(30_000, 1_001), Fraction(30))
"""Frames a second by the two bits of the hours; the third is 29.97 with frame numbers dropped."""
_DROPPED = 2
LOCKED_AFTER = 16
STANDS_AFTER = ms(500)


@dataclass(frozen=True, slots=True)
class Code:
    """A time, with the rate it is counted in (a place in RATES)."""

    rate: int
    hours: int
    minutes: int
    seconds: int
    frames: int

    @property
    def frame(self) -> int:
        """The number of the frame from 00:00:00:00."""
        nominal = round(RATES[self.rate])
        minutes = self.hours * 60 + self.minutes
        number = (minutes * 60 + self.seconds) * nominal + self.frames
        return number - 2 * (minutes - minutes // 10) if self.rate == _DROPPED else number


def read_start(text: str) -> tuple[int, int, int, int]:
    """Hours, minutes, seconds and frames of "01:00:00:00". Raises `Nonsense`."""
    parts = text.split(":")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        raise Nonsense(f"{text!r} is no time code.", "Write it as 01:00:00:00.")
    hours, minutes, seconds, frames = map(int, parts)
    if not (hours < 24 and minutes < 60 and seconds < 60 and frames < 30):
        raise Nonsense(f"{text!r} is no time code.", "Write it as 01:00:00:00.")
    return hours, minutes, seconds, frames


class TimeCode:
    """One port's time code. One thread. `start` is the time of bar 1."""

    source = Source.TIME_CODE

    def __init__(self, start: tuple[int, int, int, int] = (0, 0, 0, 0)) -> None:
        self._start = start
        self._pulses = Pulses()
        self._pieces: list[int] = []
        self._last: Ns | None = None
        self._rate = 0
        self._origin = 0
        """Quarter frames from `start` at pulse 0."""
        self._known = self._located = False

    def hear(self, event: MidiEvent, own: Own) -> None:
        """See `ClockSource`."""
        match event:
            case QuarterFrame(at=at, piece=piece, value=value):
                self._quarter(at, piece, value)
            case FullFrame(at=at):
                self._last, self._known = None, False
                self._pieces.clear()

    def reading(self, now: Ns, own: Own) -> Followed | None:
        """See `ClockSource`."""
        if self._last is None or not self._known or (line := self._pulses.line) is None:
            return None
        silent = now - self._last
        bond = Bond.LOCKED if self._pulses.heard >= LOCKED_AFTER else Bond.SEEKING
        located, self._located = self._located, False
        nominal = NS_PER_SECOND / (4 * RATES[self._rate])
        tick = round((self._origin + line.number) * nominal * TICKS_PER_QUARTER / own.tempo)
        pace = line.period / float(nominal)
        timeline = Timeline(Tempo(round(own.tempo * pace)), Ticks(tick), Ns(round(line.at)))
        if silent > own.two_bars:
            bond = Bond.LOST
        return Followed(self.source, bond, silent <= STANDS_AFTER, timeline, located)

    def _quarter(self, at: Ns, piece: int, value: int) -> None:
        if self._last is not None and at - self._last > STANDS_AFTER:
            self._pulses, self._known = Pulses(), False
            self._pieces.clear()
        self._last = at
        self._pulses.hear(at)
        if piece != len(self._pieces):
            self._pieces.clear()
        if piece == len(self._pieces):
            self._pieces.append(value)
        if len(self._pieces) == 8:
            self._whole(self._pieces)
            self._pieces = []

    def _whole(self, pieces: list[int]) -> None:
        """Eight pieces, low halves first: frames, seconds, minutes, hours with the rate."""
        frames, seconds, minutes, hours = (pieces[i] | pieces[i + 1] << 4 for i in (0, 2, 4, 6))
        self._rate = hours >> 5 & 3
        code = Code(self._rate, hours & 0x1F, minutes, seconds, frames)
        first = 4 * (code.frame - Code(self._rate, *self._start).frame)
        origin = first - (self._pulses.last - 7)
        if not self._known or abs(origin - self._origin) > 1:
            self._located, self._origin = True, origin
        self._known = True
