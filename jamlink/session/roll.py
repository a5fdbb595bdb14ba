"""The notes of both players as they come and go, with who made each: for a piano roll, and for the take's bars.

Told by what was heard and by what left for the io process, which is up to the commit horizon ahead of what sounds.
Ticks are of the clock's own run; a new run begins an empty roll. Bounded: the newest `MOST` notes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from jamlink.midi.events import ALL_NOTES_OFF, ALL_SOUND_OFF, ControlChange, MidiEvent, NoteOff, NoteOn
from jamlink.session.effects import FIRST_PROPOSAL, Out, Sent
from jamlink.timing.units import Ticks

MOST = 400
BARS = 8
"""How many bars back the roll shows."""

PLAYER, JAMLINK, EDITED = "player", "jamlink", "edited"
"""Who made a note; "edited" where the player changed the idea before taking it."""

_ROLES = (Out.CHORDS, Out.MELODY, Out.BASS)
_NOTE_ON, _NOTE_OFF = 0x90, 0x80
_Key: TypeAlias = tuple[str | int, str | int, int]
"""Who holds the note (port and channel, or owner and output) and its pitch."""


@dataclass(slots=True)
class Rolled:
    """A note; `end` is None while it is held. `role` is an output's name, empty for the player."""

    pitch: int
    velocity: int
    tick: Ticks
    who: str
    role: str
    end: Ticks | None = None
    view: dict[str, Any] | None = None
    """The note as a view gets it; None where that has to be made anew."""

    def shown(self) -> dict[str, Any]:
        """As plain data, the same object until the note ends."""
        if self.view is None:
            self.view = {
                "pitch": self.pitch,
                "velocity": self.velocity,
                "tick": self.tick,
                "end": self.end,
                "who": self.who,
                "role": self.role,
            }
        return self.view


class Roll:
    """One owner: the session."""

    def __init__(self) -> None:
        self._notes: deque[Rolled] = deque(maxlen=MOST)
        self._held: dict[_Key, Rolled] = {}
        self._section: list[dict[str, Any]] | None = None

    def clear(self) -> None:
        """A new run begins. What is held goes on being held, outside it."""
        self._notes.clear()
        self._held.clear()
        self._section = None

    def heard(self, event: MidiEvent, tick: Ticks) -> None:
        """The player's key went down or up at `tick`."""
        match event:
            case NoteOn():
                self._begin((event.port, event.channel, event.pitch), event.velocity, tick, PLAYER, "")
            case NoteOff():
                self._end((event.port, event.channel, event.pitch), tick)
            case ControlChange(control=control) if control in (ALL_SOUND_OFF, ALL_NOTES_OFF):
                for key in [key for key in self._held if key[:2] == (event.port, event.channel)]:
                    self._end(key, tick)

    def sent(self, sent: Sent, edited: bool) -> None:
        """A message of ours left; clicks and previews are no part of the music."""
        if sent.owner < FIRST_PROPOSAL or sent.out not in _ROLES or len(sent.data) != 3:
            return
        status, pitch, velocity = sent.data
        key = (sent.owner, sent.out.value, pitch)
        if status & 0xF0 == _NOTE_ON and velocity:
            self._begin(key, velocity, sent.at, EDITED if edited else JAMLINK, sent.out.value)
        elif status & 0xF0 in (_NOTE_ON, _NOTE_OFF):
            self._end(key, sent.at)

    def cut(self, owner: int | None, tick: Ticks) -> None:
        """What `owner` (None: every owner of ours) sounds ends at `tick`, and what was to come does not."""
        for key in [key for key in self._held if isinstance(key[0], int) and owner in (None, key[0])]:
            note = self._held[key]
            if note.tick < tick:
                self._end(key, tick)
            else:
                del self._held[key]
                self._notes.remove(note)
                self._section = None

    def between(self, start: Ticks, end: Ticks) -> Iterator[tuple[Rolled, Ticks, Ticks]]:
        """The notes that sound in [start, end), by onset, each with its part of that span; what is held lasts."""
        for note in sorted(self._notes, key=lambda note: (note.tick, note.pitch)):
            first, last = max(start, note.tick), end if note.end is None else min(end, note.end)
            if last > first:
                yield note, Ticks(first), Ticks(last)

    def section(self, since: Ticks) -> list[dict[str, Any]]:
        """What a view shows: the notes that have not ended before `since`, as they began. The same object until
        something changes, and never changed itself."""
        while self._notes and (end := self._notes[0].end) is not None and end < since:
            self._notes.popleft()
            self._section = None
        if self._section is None:
            self._section = [note.shown() for note in self._notes]
        return self._section

    def _begin(self, key: _Key, velocity: int, tick: Ticks, who: str, role: str) -> None:
        self._end(key, tick)
        note = Rolled(key[2], velocity, tick, who, role)
        if len(self._notes) == MOST:
            self._forget(self._notes[0])
        self._notes.append(note)
        self._held[key] = note
        self._section = None

    def _forget(self, oldest: Rolled) -> None:
        """It makes room; where it is still held, its end will not be shown."""
        for key in [key for key, note in self._held.items() if note is oldest]:
            del self._held[key]

    def _end(self, key: _Key, tick: Ticks) -> None:
        note = self._held.pop(key, None)
        if note is not None:
            note.end, note.view = Ticks(max(tick, note.tick + 1)), None
            self._section = None
