"""Which ports there are, what they are called for good, and which of them is meant.

A system's own names carry numbers that change from one plugging to the next ("MPK mini 3:MPK mini 3 MIDI 1 24:0"), and
two devices of one kind may carry the same name. The stable name drops the changing numbers; a second device of the same
name is "NAME #2", and keeps that name as long as it stays plugged in, whatever happens to the first.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from jamlink.errors import Nonsense, Unavailable
from jamlink.ports.base import CLIENT_NAME, Direction, PortSpec, PortSystem, Queue
from jamlink.timing.clock import Clock

_FIRST_PROGRAM = 128
"""ALSA's clients below are the kernel's own: devices, and the cable called Midi Through."""
_LOOP_CABLES = ("iac driver", "loopmidi", "midi through", "loopback", "loop back")


class NameBook:
    """Gives the ports of one direction their stable names, and remembers them while the ports stay. One thread."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], str] = {}

    def assign(self, raw: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Stable name -> the system's own name, in the system's order, for (own name, plain name) pairs.

        Several ports may share even their own name; they are kept apart by their order.
        """
        seen: dict[str, int] = {}
        present = []
        for own, plain in raw:
            seen[own] = seen.get(own, -1) + 1
            present.append(((own, seen[own]), plain))
        self._names = {port: self._names[port] for port, _ in present if port in self._names}
        for port, plain in present:
            if port not in self._names:
                self._names[port] = _first_free(plain, self._names.values())
        return {self._names[port]: port[0] for port, _ in present}


def _first_free(plain: str, taken: Collection[str]) -> str:
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain} #{number}"
    return name


def plain_alsa(own: str) -> str:
    """ "MPK mini 3:MPK mini 3 MIDI 1 24:0" -> "MPK mini 3 MIDI 1": without numbers, and without saying it twice."""
    client, _, port = re.sub(r" \d+:\d+$", "", own).partition(":")
    return port if port.startswith(client) else f"{client}:{port}" if port else client


def program_alsa(own: str) -> str:
    """The program that made an ALSA port, by the number of its client; empty for a device, which has the kernel's."""
    numbers = re.search(r" (\d+):\d+$", own)
    return numbers[1] if numbers and int(numbers[1]) >= _FIRST_PROGRAM else ""


def plain_jack(own: str) -> str:
    """ "a2j:MPK mini 3 [24] (capture): MIDI 1" -> "a2j:MPK mini 3 (capture): MIDI 1": the number of a bridge goes."""
    return re.sub(r" \[\d+\]", "", own)


def plain_windows(own: str) -> str:
    """ "MPK mini 3 1" -> "MPK mini 3": RtMidi adds the index of the port, which changes."""
    return re.sub(r" \d+$", "", own)


def is_ours(name: str, client: str = CLIENT_NAME) -> bool:
    """Whether a port of this (own or plain) name was made by a jamlink. Ours are never offered to ourselves."""
    return re.match(rf"{re.escape(client)}\b", name, re.IGNORECASE) is not None


def offered_without_own_ports(name: str, direction: Direction) -> bool:
    """Windows cannot make ports of our own, so a player makes cables called "jamlink in" and "jamlink out" by hand.

    Such a cable shows up in both directions; only the meant one is offered, else jamlink would hear itself.
    """
    if not is_ours(name):
        return True
    is_input = re.search(r"\bin\b", name, re.IGNORECASE) is not None
    return is_input == (direction is Direction.IN)


def no_own_ports(direction: Direction, spec: PortSpec) -> Unavailable:
    """What to tell a player on Windows, with the one missing step."""
    return Unavailable(
        f'Windows lets no program make MIDI ports, so there is no "jamlink {spec.name}".',
        f'Make a port called "jamlink {direction.value}" and choose it; `jamlink doctor` says how.',
    )


def is_loop_cable(name: str) -> bool:
    """Whether what is written to a port of this name comes back on the input of the same name."""
    return any(word in name.lower() for word in _LOOP_CABLES)


def find(pattern: str, names: Iterable[str], taken: Collection[str] = ()) -> str | None:
    """The port meant by `pattern`: the one of exactly that name, else the first that contains or matches it.

    Case does not matter; * and ? stand for anything; ports in `taken` are passed over.
    """
    wanted = pattern.strip().lower()
    free = [name for name in names if name not in taken]
    exact = [name for name in free if name.lower() == wanted]
    return next(iter(exact), None) or next((name for name in free if _matches(wanted, name.lower())), None)


def _matches(wanted: str, name: str) -> bool:
    if any(sign in wanted for sign in "*?"):
        return fnmatch.fnmatchcase(name, wanted.replace("[", "[[]"))
    return wanted in name


def systems(choice: str, client: str, clock: Clock, wake: Callable[[], None] | None = None) -> list[PortSystem]:
    """The MIDI systems that may be used on this machine, best first; none is started yet.

    `choice` is "auto" or the name of one. `wake`, if given, is called from JACK's thread when something came in or
    went out; it must not wait. Raises `Nonsense` for a name that no system has.
    """
    from jamlink.ports.jack_ports import JackPorts
    from jamlink.ports.plugin_ports import PluginPorts
    from jamlink.ports.rtmidi_ports import RTMIDI_SYSTEMS, RtMidiPorts

    makers: dict[str, Callable[[], PortSystem]] = {"JACK": lambda: JackPorts(client, clock, wake)}
    makers |= {name: partial(RtMidiPorts, name, client, clock) for name in RTMIDI_SYSTEMS}
    makers |= {PluginPorts.name: lambda: PluginPorts(clock)}
    if choice == "auto":
        return [makers[name]() for name in _usual()]
    meant = {name.lower(): name for name in makers}.get(choice.lower())
    if meant is None:
        raise Nonsense(f'There is no MIDI system called "{choice}".', f"Choose auto or one of {', '.join(makers)}.")
    return [makers[meant]()]


def _usual() -> tuple[str, ...]:
    if sys.platform == "darwin":
        return ("CoreMIDI", "plug-in")
    if sys.platform == "win32":
        return ("Windows",)
    return ("JACK", "ALSA", "plug-in")


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A port that can be asked for."""

    system: str
    direction: Direction
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """All ports that can be had now, and a sentence for each MIDI system that cannot."""

    ports: tuple[PortInfo, ...]
    missing: tuple[Unavailable, ...]
    systems: tuple[str, ...]
    """The systems that answered."""


class _NothingToSend:
    """The queue of somebody who only looks."""

    def take_due(self, until: object) -> tuple[()]:
        return ()

    def push(self, messages: object) -> None:
        return None


def list_ports(clock: Clock, choice: str = "auto") -> Found:
    """Looks once at every MIDI system of this machine. Takes up to a second; raises nothing but `Nonsense`."""
    ports: list[PortInfo] = []
    missing: list[Unavailable] = []
    answered: list[str] = []
    queue: Queue = _NothingToSend()
    for system in systems(choice, f"{CLIENT_NAME}-looking", clock):
        try:
            system.start(queue)
            listing = system.listing()
        except Unavailable as gone:
            missing.append(gone)
        else:
            answered.append(system.name)
            ports += [PortInfo(system.name, way, name) for way in Direction for name in listing.of(way)]
        finally:
            system.stop()
    return Found(tuple(ports), tuple(missing), tuple(answered))
