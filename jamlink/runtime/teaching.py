"""Learning on the page: a control is chosen, the next pad, key, pedal or knob that moves is bound to it, at once and
for the next jams.

What is learned goes into the player's own map of that device. Where it has none yet, it gets one that begins as the map
it had, so that nothing which worked stops working.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import MidiEvent
from jamlink.midi.map_files import learned, pressed, turned, write_map
from jamlink.midi.maps import ControllerMap, Signal, Source, Turning

Control: TypeAlias = Action | Knob


@dataclass(frozen=True, slots=True)
class Taught:
    """A map with what was learned, and the file it belongs in."""

    map: ControllerMap
    file: Path

    def save(self) -> None:
        """Write it, whole or not at all. Waits for the disk; any thread. Raises `Nonsense` or `Unavailable`."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_map(self.map, self.file)


class Teacher:
    """Knows the maps of this machine. One thread; writes nothing by itself."""

    def __init__(
        self, folder: Path, map_of: Callable[[str], ControllerMap], own: Mapping[str, ControllerMap] | None = None
    ) -> None:
        """`map_of` gives the map of a port; `own` are the player's, by file name without its ending, in `folder`."""
        self._folder = folder
        self._map_of = map_of
        self._own = dict(own or {})
        self._taught: dict[str, Taught] = {}

    def teach(self, port: str, source: Source, control: Control) -> Taught:
        """The map of `port` with `source` doing `control` from now on, instead of whatever it did."""
        before = self._taught.get(port) or self._begin(port)
        taught = replace(before, map=with_binding(before.map, source, control))
        self._taught[port] = taught
        return taught

    def _begin(self, port: str) -> Taught:
        found = self._map_of(port)
        own = next((stem for stem, made in self._own.items() if made is found), None)
        if own is not None:
            return Taught(found, self._folder / f"{own}.toml")
        made = replace(found, name=port, ports=(port,), preset=found.preset or "as it was when learned")
        return Taught(made, self._free_file(port))

    def _free_file(self, port: str) -> Path:
        """A file of its own: one that is there already is the player's, even where it cannot be read."""
        stem = file_stem(port)
        names = (f"{stem}.toml" if number == 1 else f"{stem}-{number}.toml" for number in count(1))
        used = {taught.file.name for taught in self._taught.values()}
        return next(self._folder / name for name in names if name not in used and not (self._folder / name).exists())


def file_stem(port: str) -> str:
    """The name of a map's file for a port."""
    return re.sub(r"[^a-z0-9]+", "-", port.casefold()).strip("-") or "controller"


def with_binding(before: ControllerMap, source: Source, control: Control) -> ControllerMap:
    """`before`, with `source` doing `control` alone."""
    buttons = tuple(button for button in before.buttons if not button.source.meets(source))
    knobs = tuple(turning for turning in before.knobs if not turning.source.meets(source))
    if isinstance(control, Action):
        return replace(before, buttons=(*buttons, learned(source, control)), knobs=knobs)
    return replace(before, buttons=buttons, knobs=(*knobs, Turning(source, control)))


def in_words(source: Source, port: str) -> str:
    """Where a control is, for people: "controller 21 on channel 1 of MPK mini 3"."""
    where = "" if source.channel is None else f" on channel {source.channel + 1}"
    return f"{_KINDS[source.signal]} {source.number}{where} of {port}"


_KINDS = {Signal.NOTE: "note", Signal.CC: "controller", Signal.PROGRAM: "program"}


class Teaching:
    """The lesson under way, and how far it has come. One thread."""

    def __init__(self, teacher: Teacher) -> None:
        self._teacher = teacher
        self._control: Control | None = None
        self._waiting = False
        self._heard = self._saved = ""

    def want(self, control: Control | None) -> None:
        """Wait for what should do `control`; None waits no more, and forgets what was learned last."""
        self._control, self._waiting = control, control is not None
        self._heard = self._saved = ""

    def hear(self, port: str, event: MidiEvent) -> Taught | None:
        """What is learned from `event`, if it is what was waited for; then it is neither music nor a gesture."""
        if not self._waiting or self._control is None:
            return None
        source = pressed(event) if isinstance(self._control, Action) else turned(event)
        if source is None:
            return None
        self._waiting, self._heard = False, in_words(source, port)
        return self._teacher.teach(port, source, self._control)

    def is_saved(self, taught: Taught) -> None:
        """The disk has it."""
        if not self._waiting and self._control is not None:
            self._saved = taught.file.name

    def section(self) -> dict[str, Any]:
        """What a view shows."""
        control = self._control.value if self._control else ""
        return {"control": control, "heard": self._heard, "saved": self._saved}
