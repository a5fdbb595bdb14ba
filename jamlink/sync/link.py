"""Ableton Link: beats of a session that nobody leads and all share. Pure; whoever talks to the network hands beats in.

Link counts beats and has no song: bars are its phase, a multiple of our bar from beat 0, and a song begins where
somebody who shares start and stop begins it. So its beats are our quarters, our first bar starts on one of its bars,
and until anybody has started nothing is known of starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from jamlink.midi.events import MidiEvent
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.sync.base import Own
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Tempo, Ticks, ms

SILENT_AFTER = ms(500)
"""Beats are handed in several times in this time."""
_BEFORE = Ns(0)
_AT_ONCE = 0.25
"""A start this little after its bar, in beats, is at that bar."""


@dataclass(frozen=True, slots=True)
class LinkBeat:
    """What a Link session says: at `at` its beat was `beat`, at `tempo` ns each; `peers` others are in it. `playing` is
    what those who share start and stop have said since we joined, at `joined`."""

    at: Ns
    beat: float
    tempo: Tempo
    peers: int
    playing: bool = False
    joined: Ns = _BEFORE


class LinkBeats:
    """One thread."""

    source = Source.LINK

    def __init__(self) -> None:
        self._last: LinkBeat | None = None
        self._joined = _BEFORE
        self._alone = True
        self._rolling: bool | None = None
        self._first = 0
        """The beat that is our tick 0."""
        self._located = False

    def hear(self, event: MidiEvent, own: Own) -> None:
        """See `ClockSource`: nothing in MIDI is about Link."""

    def tell(self, beat: LinkBeat, own: Own) -> None:
        """Take a beat in."""
        self._alone = beat.peers == 0
        if self._alone:
            return
        if beat.joined != self._joined:
            self._joined_again(beat)
        if beat.playing != bool(self._rolling):
            self._turned(beat, own.bar // TICKS_PER_QUARTER)
        self._last = beat

    def reading(self, now: Ns, own: Own) -> Followed | None:
        """See `ClockSource`. `located` is said once."""
        last = self._last
        if last is None:
            return None
        located, self._located = self._located, False
        return Followed(self.source, self._bond(now - last.at, own), self._rolling, self._timeline(last), located)

    def _joined_again(self, beat: LinkBeat) -> None:
        """Who joins counts beats from elsewhere, by whole bars, and is not told of a start before."""
        self._joined, self._last, self._rolling, self._first = beat.joined, None, None, 0

    def _turned(self, beat: LinkBeat, bar: int) -> None:
        """Somebody has started or stopped. Who comes in late comes in at the bar that is under way."""
        known, self._rolling = self._last is not None, beat.playing
        if beat.playing:
            bars = (beat.beat - _AT_ONCE) / bar
            self._first = bar * (ceil(bars) if known else floor(bars))
            self._located = True

    def _bond(self, silent: int, own: Own) -> Bond:
        if self._alone or silent > own.two_bars:
            return Bond.LOST
        return Bond.BRIDGED if silent > SILENT_AFTER else Bond.LOCKED

    def _timeline(self, last: LinkBeat) -> Timeline:
        """To the nanosecond: a whole tick, and the moment that it has."""
        ticks = (last.beat - self._first) * TICKS_PER_QUARTER
        tick = Ticks(floor(ticks))
        return Timeline(last.tempo, tick, Ns(last.at - round((ticks - tick) * last.tempo / TICKS_PER_QUARTER)))
