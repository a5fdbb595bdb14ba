"""HUI: what a surface in this protocol says, as plain notes and controllers that a map can bind.

Facts from "MACKIE HUI MIDI protocol" (theageman, 2010; Mackie published none) and from the zones and ports listed in
MIDIKit (github.com/orchetect/MIDIKit, MIT). Tested against these documents only, on no device:

- a switch is two messages on channel 1: controller 15 chooses a zone (0 to 29), then controller 47 says port 0 to 7 of
  it, with 64 added while it is down;
- a V-Pot is controller 64 to 76, with the steps it was turned in the low six bits and 64 added for clockwise;
- faders are controllers 0 to 7 and 32 to 39; note 0 is the answer to the host's ping.

A switch becomes note zone x 8 + port on channel 1, and for zones from 16 on note (zone - 16) x 8 + port on channel 2.
V-Pot n becomes controller 16 + n, one step up 1 and down 65, as on Mackie Control. Everything else says nothing.
Nothing that such a surface sends is music. Pure; one thread.
"""

from __future__ import annotations

from jamlink.midi.events import ControlChange, MidiEvent, NoteOff, NoteOn

ZONE, PORT = 15, 47
ZONES, PORTS = 30, 8
DOWN = 0x40
POTS = range(0x40, 0x4D)
FIRST_POT = 16
_STEPS = 0x3F


class Hui:
    """The zone that was chosen last."""

    __slots__ = ("_zone",)

    def __init__(self) -> None:
        self._zone: int | None = None

    def read(self, event: MidiEvent) -> MidiEvent | None:
        """What `event` means, if it completes anything."""
        if not isinstance(event, ControlChange) or event.channel != 0:
            return None
        if event.control == ZONE:
            self._zone = event.value if event.value < ZONES else None
        elif event.control == PORT:
            return self._switch(event)
        elif event.control in POTS:
            return _pot(event)
        return None

    def _switch(self, event: ControlChange) -> MidiEvent | None:
        port, down = event.value & ~DOWN, bool(event.value & DOWN)
        if self._zone is None or port >= PORTS:
            return None
        channel, note = divmod(self._zone * PORTS + port, 128)
        if down:
            return NoteOn(event.at, event.port, channel, note, 127)
        return NoteOff(event.at, event.port, channel, note)


def _pot(event: ControlChange) -> MidiEvent | None:
    steps = event.value & _STEPS
    if not steps:
        return None
    value = steps if event.value & DOWN else DOWN + steps
    return ControlChange(event.at, event.port, 0, FIRST_POT + event.control - POTS.start, value)
