"""Whose clock is followed, and when the session is told.

The most trusted source that is alive leads; when it falls silent the next one does, and when there is none the tempo
goes on. The session is not told every pulse but what its line would get wrong otherwise, so a steady clock costs the
record nothing: at most one line a beat, and only where the old one would be more than a third of a millisecond off now,
or a millisecond in a bar.
"""

from __future__ import annotations

from collections.abc import Sequence

from jamlink.midi.events import MidiEvent
from jamlink.session.inputs import Bond, Followed, Source
from jamlink.sync.base import ClockSource, Own, later, lost
from jamlink.sync.link import LinkBeat, LinkBeats
from jamlink.sync.playing import Playing
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Ticks, ms

_OFF_NOW, _OFF_LATER = ms(0.33), ms(1)
_LOOK_AFTER = ms(50)
_NONE = Ns(0)
TRUST = tuple(Source)


class Follower:
    """One thread. `delay` is how late a source's events come in, which is taken away from what it says; `anywhere`
    where a clock may come in with the music."""

    def __init__(self, sources: Sequence[ClockSource], delay: Ns = _NONE, anywhere: bool = False) -> None:
        self.anywhere = anywhere
        self._sources = sorted(sources, key=lambda source: TRUST.index(source.source))
        self._delay = delay
        self._told: Followed | None = None
        self._told_at = Ns(0)

    def hear(self, event: MidiEvent, own: Own) -> Followed | None:
        """Take an event of a clock's port in. What the session is to be told because of it, if anything."""
        for source in self._sources:
            source.hear(event, own)
        return self.look(event.at, own)

    def hear_link(self, beat: LinkBeat, own: Own) -> Followed | None:
        """Take a beat of a Link session in. What the session is to be told because of it, if anything."""
        for source in self._sources:
            if isinstance(source, LinkBeats):
                source.tell(beat, own)
        return self.look(beat.at, own)

    def felt(self, factor: float) -> None:
        """The player feels the beat `factor` times as fast: what finds the tempo by itself is told."""
        for source in self._sources:
            if isinstance(source, Playing):
                source.doubled() if factor > 1 else source.halved()

    def look(self, now: Ns, own: Own) -> Followed | None:
        """What the session is to be told at `now`, if anything; to be asked also when nothing comes in."""
        said = self._most_trusted(now, own)
        if said is None:
            if self._told is None or self._told.bond is Bond.LOST:
                return None
            said = lost(self._told)
        elif not self._is_news(said, now):
            return None
        self._told, self._told_at = said, now
        return said

    def next_look(self, now: Ns) -> Ns | None:
        """When to look, unless something comes in; None while nobody leads."""
        return None if self._told is None or self._told.bond is Bond.LOST else Ns(now + _LOOK_AFTER)

    def _most_trusted(self, now: Ns, own: Own) -> Followed | None:
        readings = [said for source in self._sources if (said := source.reading(now, own)) is not None]
        alive = (said for said in readings if said.bond is not Bond.LOST)
        first = next(alive, None)
        return later(first, Ns(-self._delay)) if first else None

    def _is_news(self, said: Followed, now: Ns) -> bool:
        told = self._told
        if told is None or said.located:
            return True
        if (said.source, said.bond, said.rolling) != (told.source, told.bond, told.rolling):
            return True
        beat = told.timeline.tempo
        soon = said.bond is Bond.SEEKING
        return now - self._told_at >= (beat // 4 if soon else beat) and _differ(said.timeline, told.timeline, now)


def _differ(line: Timeline, other: Timeline, now: Ns) -> bool:
    """Whether the two are not as good as the same, now and for a bar."""
    tick = line.tick_at(now)
    bar = Ticks(tick + 4 * TICKS_PER_QUARTER)
    now_off = abs(line.ns_at(tick) - other.ns_at(tick))
    return now_off > _OFF_NOW or abs(line.ns_at(bar) - other.ns_at(bar)) > _OFF_LATER
