"""The ports that a jam has: which of those that are there it wants, what they are bound to, and what is missing. One
thread."""

from __future__ import annotations

from typing import Any

from jamlink.errors import Nonsense
from jamlink.ports.base import Listing
from jamlink.runtime.connections import Connections
from jamlink.runtime.io_link import OUTPUT_NAMES
from jamlink.runtime.io_wire import MidiSystem, OpenPorts, PortChanged
from jamlink.runtime.port_choice import PortChoice
from jamlink.runtime.screen import Screen
from jamlink.session.wishes import ChoosePorts


class PortsInUse:
    """`choice` is None where the ports are what they are."""

    def __init__(self, choice: PortChoice | None, screen: Screen) -> None:
        self._choice, self._screen = choice, screen
        self._there = Listing()
        self._outputs: tuple[str, ...] = OUTPUT_NAMES
        self._bound: dict[tuple[str, int], tuple[str, str]] = {}
        """By direction and number, a port's name and what it is bound to, empty for nothing."""
        self._systems: dict[str, str] = {}
        self._connections = Connections()
        self.asked = False
        """Whether any were wanted yet."""
        self.waits = False
        """Whether there was no time to look."""

    @property
    def all_open(self) -> bool:
        """Whether every output is bound."""
        return all(self._bound.get(("out", number), ("", ""))[1] for number in range(len(self._outputs)))

    def there_are(self, listing: Listing) -> None:
        """These can be had now."""
        self._there = listing
        self._screen.changed()

    def look(self, playing: bool) -> OpenPorts | None:
        """The ports to open now; None to leave them as they are. A port is never taken from under a player: what is
        plugged in while playing waits for a stop."""
        self.waits = playing
        wanted = self._choice.look(self._there) if self._choice and not playing else None
        if wanted is not None:
            self.asked = True
            self._bound.clear()
            self._outputs = tuple(spec.name for spec in wanted.outputs)
            self._connections.forget(self._outputs)
        return wanted

    def choose(self, wish: ChoosePorts, why_not: str) -> PortChoice:
        """Want these; -> the choice, to be remembered. Raises `Nonsense` for what is not there, or for `why_not`."""
        if self._choice is None or why_not:
            raise Nonsense(why_not or "The ports cannot be changed here.")
        self._choice.choose(wish, self._there)
        return self._choice

    def changed(self, port: PortChanged) -> None:
        """A port was bound, or is not any more, which is a trouble."""
        self._bound[port.direction.value, port.port] = (port.name, port.bound)
        self._connections.changed(port)
        missing = "" if port.bound else f"{port.what} {port.remedy}".strip()
        self._screen.trouble(f"port {port.direction.value} {port.port}", missing)
        self._screen.changed()

    def system(self, found: MidiSystem) -> None:
        """A missing MIDI system is a trouble only where no other one is there."""
        self._systems[found.name] = "" if found.there else f"{found.what} {found.remedy}"
        alone = all(self._systems.values())
        self._screen.trouble("midi", " ".join(self._systems.values()) if alone else "")

    def section(self) -> dict[str, Any]:
        """What a view shows."""
        return {
            "inputs": self._there.inputs,
            "outputs": self._there.outputs,
            "bound": [f"{name}: {port}" if port else name for _, (name, port) in sorted(self._bound.items())],
            "missing": self._screen.trouble_of("midi"),
            **(self._choice.chosen(self._there) if self._choice else {}),
            **self._connections.section(self._there),
        }
