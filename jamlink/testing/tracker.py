"""A note tracker that shares no code with what it judges.

It reads what was sent, message by message, as a strict synthesizer would: a note ends only by its own note-off.
"All notes off" and "all sound off" end nothing here, because much real gear ignores them. Two note-ons of one pitch
need two note-offs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TrackedNote:
    """A note from `on` to `off` (None while it sounds), in whatever unit the moments were given."""

    port: str
    channel: int
    pitch: int
    velocity: int
    on: int
    off: int | None

    def __str__(self) -> str:
        end = "sounds on" if self.off is None else f"to {self.off}"
        return f"{self.port} channel {self.channel + 1} pitch {self.pitch} from {self.on} {end}"


@dataclass(slots=True)
class NoteTracker:
    """Feed it with `sent`, then ask. Not thread-safe."""

    notes: list[TrackedNote] = field(default_factory=list)
    """The notes that ended, in the order of their ends."""
    overlaps: list[TrackedNote] = field(default_factory=list)
    """The notes that sounded when the same pitch was struck again on the same port and channel."""
    unowned_offs: list[tuple[int, str, int, int]] = field(default_factory=list)
    """Note-offs for nothing that sounded: (moment, port, channel, pitch)."""
    _sounding: dict[tuple[str, int, int], list[TrackedNote]] = field(default_factory=lambda: defaultdict(list))

    def sent(self, at: int, data: bytes, port: str = "") -> None:
        """One or more whole messages left at `at`. Raises ValueError for bytes that are not whole messages."""
        rest = data
        while rest:
            size = _size(rest)
            self._message(at, rest[:size], port)
            rest = rest[size:]

    @property
    def stuck(self) -> list[TrackedNote]:
        """The notes that still sound, oldest first."""
        return sorted((n for notes in self._sounding.values() for n in notes), key=lambda n: (n.on, n.pitch))

    @property
    def all_notes(self) -> list[TrackedNote]:
        """Every note, ended or not, by onset, then port, channel and pitch."""
        return sorted(self.notes + self.stuck, key=lambda n: (n.on, n.port, n.channel, n.pitch))

    def check(self) -> None:
        """Raises AssertionError naming what is stuck, or what was turned off without sounding."""
        assert not self.stuck, "stuck: " + "; ".join(map(str, self.stuck))
        assert not self.unowned_offs, f"note-offs for nothing that sounded: {self.unowned_offs}"

    def _message(self, at: int, message: bytes, port: str) -> None:
        kind, channel = message[0] >> 4, message[0] & 15
        if kind not in (8, 9):
            return
        sounding = self._sounding[port, channel, message[1]]
        if kind == 9 and message[2]:
            self.overlaps += sounding
            sounding.append(TrackedNote(port, channel, message[1], message[2], at, None))
        elif sounding:
            n = sounding.pop(0)
            self.notes.append(TrackedNote(n.port, n.channel, n.pitch, n.velocity, n.on, at))
        else:
            self.unowned_offs.append((at, port, channel, message[1]))


def _size(data: bytes) -> int:
    """The length of the first message in `data`."""
    status = data[0]
    if status == 0xF0:
        size = data.find(0xF7) + 1
    else:
        size = 2 if status >> 4 in (12, 13) or status in (0xF1, 0xF3) else 3
        size = 1 if status >= 0xF4 else size
    whole = status >= 0x80 and 0 < size <= len(data) and all(b < 0x80 for b in data[1 : size - (status == 0xF0)])
    if not whole:
        raise ValueError(f"not a whole MIDI message: {data[:16].hex(' ')}")
    return size
