"""Whose clock a jam follows."""

from __future__ import annotations

from jamlink.settings import WITH_MUSIC, Settings
from jamlink.sync.base import ClockSource
from jamlink.sync.follower import Follower
from jamlink.sync.link import LinkBeats
from jamlink.sync.midi_clock import MidiClock
from jamlink.sync.playing import Playing
from jamlink.sync.time_code import TimeCode, read_start
from jamlink.timing.units import ms


def follower(settings: Settings) -> Follower | None:
    """Who listens to clocks; None where the player wants the session's own. Raises `Nonsense` for a wrong time code."""
    start = read_start(settings.sync.starts_at)
    sources: tuple[ClockSource, ...] = {
        "auto": (MidiClock(), TimeCode(start)),
        "MIDI clock": (MidiClock(),),
        "time code": (TimeCode(start),),
        "playing": (Playing(),),
        "internal": (),
    }[settings.sync.source]
    if settings.sync.link:
        sources = (LinkBeats(), *sources)
    return Follower(sources, ms(settings.sync.offset), settings.sync.port == WITH_MUSIC) if sources else None
