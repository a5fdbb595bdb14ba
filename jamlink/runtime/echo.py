"""What we sound and hear again: a cable that leads from our outputs back to our input, and is not taken for playing.

A DAW whose track is armed for our input, or a loop-back port chosen at both ends, sends every note of ours back a few
milliseconds later. Taken for the player's playing it would be answered, and the answer would come back, too.

A note that comes in within `WINDOW` of one of ours on the same channel and pitch, with the same velocity, looks like an
echo. `SURE` of them within a second are a loop, and as long as it lasts every note near one of ours is an echo,
whatever its velocity, since a DAW may change that. Before there is a loop, only what comes back at once (`AT_ONCE`) is
left out: a player who doubles our chord must not lose a note, and hardly hits the same velocity so soon. The key that
an echo pressed is let go by the echo's note-off. What is left out is no gesture either. Pure: each moment comes with
what it is the moment of. One thread.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from jamlink.midi.events import MidiEvent, NoteOff, NoteOn
from jamlink.ports.base import Outgoing
from jamlink.timing.units import NS_PER_SECOND, Ns, ms

WINDOW = ms(120)
"""The way through a DAW and back; longer ones are heard as a delay by everybody."""
AT_ONCE = ms(30)
"""The way through a cable, or through a DAW that monitors."""
EARLY = ms(6)
"""A stamp may lie so much before the moment that it was asked for (one short period)."""
SURE = 3
WITHIN = Ns(NS_PER_SECOND)
"""So many echoes within so long are a loop."""
FORGOTTEN = Ns(10 * NS_PER_SECOND)
"""A loop without an echo for so long is gone."""
_REMEMBERED = 1_024
_NOTE_ON = 0x90


@dataclass(slots=True)
class _Sounded:
    due: Ns
    velocity: int


@dataclass(slots=True)
class Echoes:
    """See the module."""

    _sounded: dict[tuple[int, int], deque[_Sounded]] = field(default_factory=dict)
    _held: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    """Keys that echoes hold down, by port, channel and pitch."""
    _recent: dict[str, deque[Ns]] = field(default_factory=dict)
    _loop: dict[str, Ns] = field(default_factory=dict)
    """By port, when its last echo came; only where there is a loop."""

    def sounded(self, batch: Iterable[Outgoing]) -> None:
        """These will leave at their moments."""
        for message in batch:
            if len(message.data) == 3 and message.data[0] & 0xF0 == _NOTE_ON and message.data[2]:
                key = (message.data[0] & 0x0F, message.data[1])
                kept = self._sounded.setdefault(key, deque(maxlen=_REMEMBERED))
                kept.append(_Sounded(message.due, message.data[2]))

    def is_echo(self, event: MidiEvent) -> bool:
        """Whether `event` is ours coming back."""
        match event:
            case NoteOn():
                return self._pressed(event)
            case NoteOff():
                return self._released(event)
        return False

    def loops(self, now: Ns) -> list[str]:
        """The ports on which we hear ourselves, as far as is known at `now`."""
        self._loop = {port: at for port, at in self._loop.items() if now - at < FORGOTTEN}
        return list(self._loop)

    def _pressed(self, event: NoteOn) -> bool:
        kept = self._sounded.get((event.channel, event.pitch))
        while kept and kept[0].due < event.at - WINDOW:
            kept.popleft()
        near = [note for note in kept or () if note.due - EARLY <= event.at]
        alike = [note for note in near if note.velocity == event.velocity]
        if alike or (near and self._is_loop(event.port, event.at)):
            self._heard_echo(event.port, event.at)
        at_once = any(event.at - note.due <= AT_ONCE for note in alike)
        if not (at_once or (near and self._is_loop(event.port, event.at))):
            return False
        self._held[event.port, event.channel, event.pitch] += 1
        return True

    def _released(self, event: NoteOff) -> bool:
        key = (event.port, event.channel, event.pitch)
        if not self._held[key]:
            del self._held[key]
            return False
        self._held[key] -= 1
        return True

    def _is_loop(self, port: str, at: Ns) -> bool:
        return port in self._loop and at - self._loop[port] < FORGOTTEN

    def _heard_echo(self, port: str, at: Ns) -> None:
        recent = self._recent.setdefault(port, deque(maxlen=SURE))
        recent.append(at)
        if self._is_loop(port, at) or (len(recent) == SURE and at - recent[0] <= WITHIN):
            self._loop[port] = at


def sentence(ports: Iterable[str]) -> str:
    """What the player is told; empty where there is no loop."""
    names = ", ".join(f'"{port}"' for port in ports)
    what = f"What jamlink plays comes back into its input {names}; those notes are left out."
    return f"{what} Listen to your keyboard alone, or disarm the track that sends them back." if names else ""
