"""What the session promised, on its way to the io process. One thread; nothing here waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from jamlink.midi.events import program_change
from jamlink.ports.base import HOUSE, Outgoing
from jamlink.runtime.echo import Echoes
from jamlink.runtime.io_link import OUTPUT_NAMES, IoLink, output_number
from jamlink.session import effects as fx
from jamlink.session.effects import Out
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns


class Sending:
    """`offsets` say how much later than the clock (below 0: earlier) an output's messages leave, `programs` are General
    MIDI programs (from 0) by role."""

    def __init__(
        self, io: IoLink, clock: Clock, echoes: Echoes, offsets: Mapping[Out, Ns], programs: Mapping[str, int]
    ) -> None:
        self._io, self._clock, self._echoes = io, clock, echoes
        self._offsets, self._programs = offsets, programs
        self._outputs: Sequence[str] = OUTPUT_NAMES
        self._in_flight: deque[Outgoing] = deque()

    def outputs_are(self, names: Sequence[str]) -> None:
        """The outputs are open under these names from now on."""
        self._outputs = names

    def send(self, send: fx.Send) -> None:
        """Hand over."""
        batch = [self._outgoing(timed) for timed in send.messages]
        self._echoes.sounded(batch)
        self._io.send(batch)
        now = self._clock.now()
        while self._in_flight and self._in_flight[0].due < now:
            self._in_flight.popleft()
        self._in_flight.extend(batch)

    def send_again(self) -> None:
        """A new io process has taken over: what the old one still had queued is lost, so hand it over once more."""
        now = self._clock.now()
        self._io.send([timed for timed in self._in_flight if timed.due > now])

    def cancel(self, owner: int) -> None:
        """Take back what is queued for `owner`, and end what sounds for it."""
        self._io.cancel(owner)
        self._in_flight = deque(timed for timed in self._in_flight if timed.owner != owner)

    def silence(self) -> None:
        """Take back and end everything."""
        self._io.silence()
        self._in_flight.clear()

    def panic(self) -> None:
        """Silence, and every channel told to be quiet."""
        self._io.panic()
        self._in_flight.clear()

    def choose_sound(self, number: int, channels: Mapping[str, int]) -> None:
        """Output `number` is there: the programs of the roles that play on it, where the player asked for some.
        `channels` are 1 to 16."""
        for role, program in self._programs.items():
            if output_number(self._outputs, role) == number:
                data = program_change(channels[role] - 1, program)
                self._io.send([Outgoing(self._clock.now(), number, HOUSE, data)])

    def _outgoing(self, timed: fx.Timed) -> Outgoing:
        """A promised message as the io process gets it, moved by what its output is early or late."""
        message = timed.message
        due = Ns(timed.due + self._offsets.get(message.out, 0))
        return Outgoing(due, output_number(self._outputs, message.out.value), message.owner, message.data)
