"""What a Windows machine lacks before a DAW and jamlink can play into each other, as one step.

Windows lets no program of this kind make MIDI ports, so two cables are made once, by hand: one called "jamlink in",
which the DAW or keyboard plays into, and one called "jamlink out". Two programs make such cables:

- Windows MIDI Services, which is part of newer Windows 11 (its service is midisrv.exe in the system's folder); its MIDI
  Settings app makes "basic loopbacks", one name at both ends, which older programs see as well
  (microsoft.github.io/MIDI, "About the MIDI 1.0 Basic Loopback Transport");
- loopMIDI by Tobias Erichsen, on every Windows (tobias-erichsen.de/software/loopmidi.html).

The judging is pure. What is looked at is two files and the list of ports. Never tried on Windows itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath

from jamlink.ports.base import CLIENT_NAME, Direction, Listing

CABLES: Mapping[Direction, str] = {Direction.IN: f"{CLIENT_NAME} in", Direction.OUT: f"{CLIENT_NAME} out"}
"""The cables by the end that is jamlink's."""
_ANY_CASE = str.casefold


@dataclass(frozen=True, slots=True)
class WindowsFacts:
    """What was found: whether each of the two makers of cables is installed, and the ports that jamlink is offered."""

    midi_services: bool
    loop_midi: bool
    there: Listing


def facts(environment: Mapping[str, str], exists: Callable[[str], bool], there: Listing) -> WindowsFacts:
    """Looked up by the folders that `environment` names. `exists` may ask the disk."""
    root = PureWindowsPath(environment.get("SystemRoot", r"C:\Windows"))
    programs = [environment[name] for name in ("ProgramFiles(x86)", "ProgramFiles") if environment.get(name)]
    loops = [PureWindowsPath(folder, "Tobias Erichsen", "loopMIDI", "loopMIDI.exe") for folder in programs]
    return WindowsFacts(
        midi_services=exists(str(root / "System32" / "midisrv.exe")),
        loop_midi=any(exists(str(path)) for path in loops),
        there=there,
    )


def missing(found: WindowsFacts) -> tuple[str, ...]:
    """The cables that are not there."""
    return tuple(name for way, name in CABLES.items() if not _has(found.there.of(way), name))


def next_step(found: WindowsFacts) -> str:
    """The one thing to do next, as a sentence; empty where both cables are there."""
    names = " and ".join(f'"{name}"' for name in missing(found))
    if not names:
        return ""
    what = f"basic loopbacks called {names}" if "and" in names else f"a basic loopback called {names}"
    if found.midi_services:
        return f"Open Windows' MIDI Settings and make {what}."
    if found.loop_midi:
        return f"Open loopMIDI, type {names} under New port-name, and press + after each."
    return "Install loopMIDI, or update Windows 11: newer ones have Windows MIDI Services. Then run this again."


def _has(names: tuple[str, ...], wanted: str) -> bool:
    """Whether a cable is among the ports, whatever the system added behind its name."""
    return any(_ANY_CASE(name).startswith(wanted) for name in names)
