"""The bundled musician of `jamlink jam --demo`: a performance that plays round and round along the session's timeline,
heard and seen like any player's, and sent to the synth on a channel of its own so that it can be heard."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from jamlink.midi.events import ChannelEvent, NoteOff, NoteOn, encode
from jamlink.midi.score import MidiScore
from jamlink.ports.base import Outgoing
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms

PORT = "demo"
OWNER = 3
CHANNEL = 3
"""Channel 4 on screen: beside the roles, so that a synth can give it a sound of its own."""
AHEAD = ms(300)

Stroke = tuple[Ticks, int, int]
"""Tick, pitch, velocity; velocity 0 lets go."""


class Demo:
    """Plays `score` again and again, from tick 0 of a run. One thread; moments come with each call."""

    def __init__(self, score: MidiScore, meter: Meter, output: int) -> None:
        self._output = output
        self._to_hear = _rounds(score, meter)
        self._to_sound = _rounds(score, meter)
        self._heard_next = next(self._to_hear)
        self._sounds_next = next(self._to_sound)

    def next_moment(self, timeline: Timeline) -> Ns:
        """When there is something to do next."""
        return min(timeline.ns_at(self._heard_next[0]), Ns(timeline.ns_at(self._sounds_next[0]) - AHEAD))

    def heard(self, now: Ns, timeline: Timeline) -> list[ChannelEvent]:
        """What the demo has played by `now`, since the last call."""
        events = []
        while (at := timeline.ns_at(self._heard_next[0])) <= now:
            events.append(_event(self._heard_next, at))
            self._heard_next = next(self._to_hear)
        return events

    def sounding(self, now: Ns, timeline: Timeline) -> list[Outgoing]:
        """What will sound within the look-ahead."""
        batch = []
        while (at := timeline.ns_at(self._sounds_next[0])) - AHEAD <= now:
            batch.append(Outgoing(at, self._output, OWNER, encode(_event(self._sounds_next, at))))
            self._sounds_next = next(self._to_sound)
        return batch


def _event(stroke: Stroke, at: Ns) -> ChannelEvent:
    _, pitch, velocity = stroke
    return NoteOn(at, PORT, CHANNEL, pitch, velocity) if velocity else NoteOff(at, PORT, CHANNEL, pitch)


def _rounds(score: MidiScore, meter: Meter) -> Iterator[Stroke]:
    """The strokes of all parts, each round beginning on a bar line; at one tick keys go up before they go down."""
    notes = [note for part in score.parts for note in part.notes]
    strokes = [(n.onset, n.pitch, n.velocity) for n in notes] + [(n.end, n.pitch, 0) for n in notes]
    strokes.sort(key=lambda stroke: (stroke[0], stroke[2] > 0))
    length = -(-score.end // meter.bar_ticks) * meter.bar_ticks
    for turn in count():
        for tick, pitch, velocity in strokes:
            yield Ticks(tick + turn * length), pitch, velocity
