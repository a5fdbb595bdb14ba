"""Which ports a jam has: named on the command line, chosen on the page, or the only one that is plugged in.

A device that is alone is the player's instrument and gets everything; so is a program that only listens: a synth. One
that sends as well may be a DAW with a track armed: where nobody named it, it gets what was taken and neither click nor
previews, and of its two ends one, since what it hears it may send on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jamlink.errors import Nonsense
from jamlink.ports.base import CLOCK_INPUT, Listing, PortSpec
from jamlink.ports.discovery import find, is_loop_cable
from jamlink.runtime.io_link import standard_ports
from jamlink.runtime.io_wire import OpenPorts
from jamlink.session.wishes import ChoosePorts

Remember = Callable[[dict[str, str]], None]
"""Keeps the names for the next start; may wait for the disk."""


@dataclass(frozen=True, slots=True)
class ClockPorts:
    """Ports for clocks beside the musical ones: parts of port names, empty for ports of our own, None for no port."""

    input: str | None = None
    output: str | None = None

    def added_to(self, ports: OpenPorts) -> OpenPorts:
        """Clocks come last, so that the others keep their numbers."""
        heard = () if self.input is None else (PortSpec(CLOCK_INPUT, self.input),)
        told = () if self.output is None else (PortSpec("clock", self.output),)
        return replace(ports, inputs=ports.inputs + heard, outputs=ports.outputs + told)


class PortChoice:
    """One thread. `input` and `output` are parts of port names, empty for ports of our own; with `together` those are
    one for all roles instead of one each."""

    def __init__(
        self,
        input: str,
        output: str,
        system: str,
        remember: Remember = lambda names: None,
        clocks: ClockPorts = ClockPorts(),
        *,
        together: bool = False,
    ) -> None:
        self._clocks = clocks
        self.input, self.output = input, output
        self._system = system
        self._together = together
        self._remember = remember
        self._open_minded = {"input": not input, "output": not output}
        """Where nobody has said anything yet, the only device there is taken."""
        self._apart = False
        """Whether click and previews keep off the output."""
        self._had: tuple[str, str, bool] | None = None

    def look(self, there: Listing) -> OpenPorts | None:
        """The ports to have, now that these are there; None to leave them as they are."""
        if self._open_minded["output"] and (alone := _only_one(there.outputs, self.input, there)):
            self.output, self._open_minded["output"] = alone, False
            self._apart = _sends(there.programs.get(alone, ""), there)
        if self._open_minded["input"] and (alone := _only_one(there.inputs, self.output, there)):
            self.input, self._open_minded["input"] = alone, False
        if self._had == (self.input, self.output, self._apart):
            return None
        self._had = self.input, self.output, self._apart
        ports = standard_ports(self.input, self.output, self._system, together=self._together, apart=self._apart)
        return self._clocks.added_to(ports)

    def choose(self, wish: ChoosePorts, there: Listing) -> None:
        """Have these from now on; `look` says what that means. Raises `Nonsense` for a port that is not there, and
        nothing is changed."""
        for name, had, names in ((wish.input, self.input, there.inputs), (wish.output, self.output, there.outputs)):
            if name and name != had and find(name, names) is None:
                raise Nonsense(f"There is no port called {name!r} now.", "Choose one of the list.")
        if wish.input is not None:
            self.input, self._open_minded["input"] = wish.input, False
        if wish.output is not None:
            self.output, self._open_minded["output"], self._apart = wish.output, False, False

    def chosen(self, there: Listing) -> dict[str, str]:
        """What a view shows as chosen: the full name where the port is there, else as it was said."""
        wanted = {"input": (self.input, there.inputs), "output": (self.output, there.outputs)}
        return {way: (said and find(said, names)) or said for way, (said, names) in wanted.items()}

    def remember(self) -> None:
        """Keep the choice for the next start. May wait for the disk; any thread."""
        self._remember({"input": self.input, "output": self.output})


def _only_one(names: tuple[str, ...], other: str, there: Listing) -> str:
    """The only port of one direction, unless `other`, the end that is had already, is of the same program."""
    real = [name for name in names if not is_loop_cable(name)]
    program = there.programs.get(_meant(other, there), "")
    return real[0] if len(real) == 1 and not (program and there.programs.get(real[0]) == program) else ""


def _sends(program: str, there: Listing) -> bool:
    return bool(program) and any(there.programs.get(name) == program for name in there.inputs)


def _meant(said: str, there: Listing) -> str:
    return (said and find(said, (*there.inputs, *there.outputs))) or said
