"""Who sounds: a recorder that turns keys and the sustain pedal into heard notes.

A *key* is down from note-on to note-off. A *note* sounds until its key is up and the sustain pedal (controller 64, per
port and channel) is up too. Both ends are kept: key-down time says how a phrase was played, sounding time what was
heard. Half pedalling counts as down from 64 on (MIDI 1.0, controllers 64 to 69: "0 to 63 off, 64 to 127 on").

A key that goes down twice before it goes up (two keyboards, a splice of cables) is counted: it is up when it has gone
up as often as it went down. Each note-on begins a note of its own, and ends the sound of the one before it on the same
pitch, as it does on a piano; so the notes heard on one pitch never overlap.

An MPE keyboard's pedal is on its zone's first channel and holds the notes of all its fingers (see `mpe`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.midi.events import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    PEDAL_DOWN,
    RESET_CONTROLLERS,
    SUSTAIN,
    ControlChange,
    MidiEvent,
    NoteOff,
    NoteOn,
)
from jamlink.midi.mpe import Zones
from jamlink.music.note import Note
from jamlink.timing.units import Ns, Ticks

Key: TypeAlias = tuple[str, int, int]
"""Port, channel, pitch."""


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note that was played: onset <= key_up <= end."""

    port: str
    channel: int
    pitch: int
    velocity: int
    onset: Ns
    key_up: Ns
    """When the key went up."""
    end: Ns
    """When the sound ended: key_up, or later where the pedal held it."""

    def note(self, tick_of: Callable[[Ns], Ticks], *, pedalled: bool = True) -> Note:
        """The note in ticks, at least one long; by its sounding time, or by its key where `pedalled` is False."""
        onset, end = tick_of(self.onset), tick_of(self.end if pedalled else self.key_up)
        return Note(onset, self.pitch, Ticks(max(1, end - onset)), self.velocity)


@dataclass(slots=True)
class _Open:
    """A note that sounds."""

    velocity: int
    onset: Ns
    presses: int
    """How often the key is down; 0 where only the pedal holds the note."""
    key_up: Ns | None = None

    def ended(self, key: Key, at: Ns) -> HeardNote:
        key_up = at if self.key_up is None else self.key_up
        return HeardNote(*key, self.velocity, self.onset, key_up, at)


class HeldNotes:
    """The notes that sound now. Owned by one thread; reads no clock: every moment comes with an event."""

    __slots__ = ("_open", "_pedals", "_zones")

    def __init__(self) -> None:
        self._open: dict[Key, _Open] = {}
        self._pedals: set[tuple[str, int]] = set()
        self._zones: dict[str, Zones] = defaultdict(Zones)

    @property
    def sounding(self) -> frozenset[int]:
        """The pitches that sound, held by key or pedal."""
        return frozenset(pitch for _, _, pitch in self._open)

    @property
    def keys_down(self) -> frozenset[int]:
        """The pitches whose keys are down."""
        return frozenset(key[2] for key, note in self._open.items() if note.presses)

    def hear(self, event: MidiEvent) -> tuple[HeardNote, ...]:
        """Take in one event; the notes that it ended. Events that are no note and no pedal end nothing."""
        match event:
            case NoteOn():
                return tuple(self._key_down(event))
            case NoteOff():
                return tuple(self._key_up(event))
            case ControlChange():
                return tuple(self._control(event))
        return ()

    def so_far(self, at: Ns) -> tuple[HeardNote, ...]:
        """The notes that still sound, as they would be heard if all ended at `at`; by onset, then pitch."""
        return tuple(sorted((n.ended(key, at) for key, n in self._open.items()), key=lambda n: (n.onset, n.pitch)))

    def let_go(self, at: Ns, port: str | None = None) -> tuple[HeardNote, ...]:
        """Everything up, pedals too: the cable was pulled, or the recording ends. `port` None means every port."""
        self._pedals = {pedal for pedal in self._pedals if port not in (None, pedal[0])}
        return tuple(self._end(at, port))

    def _key_down(self, event: NoteOn) -> Iterator[HeardNote]:
        key = (event.port, event.channel, event.pitch)
        before = self._open.get(key)
        if before is not None:
            yield before.ended(key, event.at)
        presses = before.presses if before else 0
        self._open[key] = _Open(event.velocity, event.at, presses + 1)

    def _key_up(self, event: NoteOff) -> Iterator[HeardNote]:
        key = (event.port, event.channel, event.pitch)
        note = self._open.get(key)
        if note is None or note.presses == 0:
            return
        note.presses -= 1
        if note.presses:
            return
        note.key_up = event.at
        if not self._is_held(event.port, event.channel):
            yield self._open.pop(key).ended(key, event.at)

    def _is_held(self, port: str, channel: int) -> bool:
        """Whether a pedal holds the notes of a channel: its own, or that of its zone."""
        return not self._pedals.isdisjoint({(port, channel), (port, self._zones[port].master(channel))})

    def _control(self, event: ControlChange) -> Iterator[HeardNote]:
        pedal = (event.port, event.channel)
        self._zones[event.port].hear(event)
        if event.control == SUSTAIN and event.value >= PEDAL_DOWN:
            self._pedals.add(pedal)
        elif event.control in (SUSTAIN, RESET_CONTROLLERS):
            self._pedals.discard(pedal)
            for channel in self._zones[event.port].members(event.channel):
                if not self._is_held(event.port, channel):
                    yield from self._end(event.at, event.port, channel, only_released=True)
        elif event.control == ALL_NOTES_OFF:
            yield from self._keys_up(event.at, pedal)
        elif event.control == ALL_SOUND_OFF:
            yield from self._end(event.at, *pedal)

    def _keys_up(self, at: Ns, pedal: tuple[str, int]) -> Iterator[HeardNote]:
        """All notes off lets go of the keys only (MIDI 1.0, "All Notes Off"): the pedal goes on holding."""
        for key, note in self._open.items():
            if key[:2] == pedal and note.presses:
                note.presses, note.key_up = 0, at
        if not self._is_held(*pedal):
            yield from self._end(at, *pedal)

    def _end(
        self, at: Ns, port: str | None, channel: int | None = None, *, only_released: bool = False
    ) -> Iterator[HeardNote]:
        """End the notes of a port and channel (None means every one)."""
        for key, note in list(self._open.items()):
            chosen = port in (None, key[0]) and channel in (None, key[1])
            if chosen and not (only_released and note.presses):
                yield self._open.pop(key).ended(key, at)
