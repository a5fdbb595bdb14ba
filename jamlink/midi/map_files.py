"""Map files: TOML text into a `ControllerMap` and back. `midi_maps/README.md` has the format in twenty lines.

Whatever is wrong with a file becomes a `Nonsense` that names file, line and key and says what to write instead.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec

from jamlink.errors import Nonsense
from jamlink.midi.actions import UNDOABLE, Action, Knob
from jamlink.midi.events import PEDAL_DOWN, SUSTAIN, ControlChange, MidiEvent, NoteOn, ProgramChange
from jamlink.midi.files import read_whole, write_whole
from jamlink.midi.maps import Button, ControllerMap, Protocol, Relative, Signal, Source, Takeover, Turning

FILE_LIMIT = 2**18

_Byte = Annotated[int, msgspec.Meta(ge=0, le=127)]


class _Bind(msgspec.Struct, forbid_unknown_fields=True):
    """A [[bind]] table as it is written."""

    note: _Byte | None = None
    cc: _Byte | None = None
    program: _Byte | None = None
    channel: Annotated[int, msgspec.Meta(ge=1, le=16)] | None = None
    press: str | None = None
    release: str | None = None
    tap: str | None = None
    hold: str | None = None
    long_hold: str | None = None
    early: bool = False
    knob: str | None = None
    takeover: str | None = None
    relative: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """A map file as it is written."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    ports: list[Annotated[str, msgspec.Meta(min_length=1)]]
    preset: str = ""
    tried: bool = False
    protocol: str = ""
    bind: list[_Bind] = []


_WRITE = {
    "name": 'the device\'s name, for example name = "MPK mini 3"',
    "ports": 'parts of port names in a list, for example ports = ["MPK mini 3"]',
    "preset": "the device's preset, in quotes",
    "tried": "true or false",
    "protocol": '"hui", or leave it out',
    "bind": "each binding under a line of its own, [[bind]]",
    "note": "a note number from 0 to 127",
    "cc": "a controller number from 0 to 127",
    "program": "a program number from 0 to 127, as sent",
    "channel": "a channel from 1 to 16",
    "early": "true or false",
    **dict.fromkeys(("press", "release", "tap", "hold", "long_hold"), 'an action in quotes, for example "accept"'),
    "knob": f"one of {', '.join(repr(knob.value) for knob in Knob)}",
    "takeover": f"one of {', '.join(repr(way.value) for way in Takeover)}",
    "relative": f"one of {', '.join(repr(way.value) for way in Relative)}",
}
"""What to write for each key."""

_INSTANT = ("press", "release")
_HELD = ("tap", "hold", "long_hold")


def read_map(path: Path) -> ControllerMap:
    """The map in a file. Raises `Nonsense`."""
    data = read_whole(path, FILE_LIMIT)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Nonsense(f"{path} is not a text file.", "Write the map as TOML, in UTF-8.") from None
    return parse_map(text, str(path))


def read_maps(folder: Path) -> tuple[dict[str, ControllerMap], list[Nonsense]]:
    """Every map of a folder by file name without its ending, and what is wrong with those that cannot be read."""
    maps: dict[str, ControllerMap] = {}
    troubles: list[Nonsense] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            maps[path.stem] = read_map(path)
        except Nonsense as trouble:
            troubles.append(trouble)
    return maps, troubles


def parse_map(text: str, file: str) -> ControllerMap:
    """The map that `text` says. `file` is its name in messages. Raises `Nonsense`."""
    return _Reader(text, file).read()


_E = TypeVar("_E", bound=Enum)


class _Reader:
    """Turns one file into a map; knows the lines, for messages."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file

    def read(self) -> ControllerMap:
        written = self._decode()
        buttons: list[Button] = []
        knobs: list[Turning] = []
        sources: list[Source] = []
        for index, bind in enumerate(written.bind):
            source = self._source(index, bind)
            self._not_twice(index, source, sources)
            sources.append(source)
            if bind.knob is None:
                buttons.append(self._button(index, bind, source))
            else:
                knobs.append(self._knob(index, bind, source))
        return ControllerMap(
            written.name,
            tuple(written.ports),
            written.preset,
            written.tried,
            tuple(buttons),
            tuple(knobs),
            self._protocol(written.protocol),
        )

    def _protocol(self, said: str) -> Protocol:
        try:
            return Protocol(said)
        except ValueError:
            self._refuse(None, "protocol", f'there is no protocol "{said}"', f"Write {_WRITE['protocol']}")

    def _decode(self) -> _File:
        try:
            return msgspec.convert(self._toml(), _File)
        except msgspec.ValidationError as error:
            self._invalid(str(error))

    def _toml(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except (ValueError, RecursionError) as error:  # the text is no TOML, or a number or nesting has no end
            where = re.search(r"\(at line (\d+)", str(error))
            line = int(where[1]) if where else len(self._text.splitlines())
            what = f"{self._file}, line {line}: this is not TOML."
            raise Nonsense(what, "Write key = value, and texts in quotes.") from None

    def _invalid(self, message: str) -> NoReturn:
        """Raise what msgspec found, in our words. Its messages end in a path such as $.bind[2].note."""
        bind = re.search(r"\$\.bind\[(\d+)\](?:\.(\w+))?", message)
        index = int(bind[1]) if bind else None
        unknown = re.search(r"(unknown|missing required) field `(\w+)`", message)
        if unknown:
            self._key_error(unknown[1] == "unknown", unknown[2], index)
        top = re.search(r"\$\.(\w+)", message)
        key = (bind[2] if bind else None) or (top[1] if top and not bind else "bind")
        self._refuse(index, key, f"{key} is not right", f"Write {_WRITE[key]}")

    def _key_error(self, unknown: bool, key: str, index: int | None) -> NoReturn:
        if not unknown:
            self._refuse(None, key, f"{key} is missing", f"Write {_WRITE[key]}")
        keys = [k for k in _WRITE if hasattr(_Bind if index is not None else _File, k)]
        near = get_close_matches(key, keys, 1)
        self._refuse(index, key, f"there is no key {key}", f"Did you mean {near[0]}?" if near else f"Use {_list(keys)}")

    def _source(self, index: int, bind: _Bind) -> Source:
        found = [(signal, getattr(bind, signal.value)) for signal in Signal if getattr(bind, signal.value) is not None]
        if len(found) != 1:
            self._refuse(index, "", "a binding needs one thing that is pressed", "Write one of note, cc and program")
        signal, number = found[0]
        return Source(signal, number, None if bind.channel is None else bind.channel - 1)

    def _not_twice(self, index: int, source: Source, earlier: Iterable[Source]) -> None:
        for number, other in enumerate(earlier):
            if source.meets(other):
                line = self._line(number, "")
                self._refuse(index, source.signal.value, f"{source} is bound already in line {line}", "Take one out")

    def _button(self, index: int, bind: _Bind, source: Source) -> Button:
        given = [key for key in (*_INSTANT, *_HELD) if getattr(bind, key) is not None]
        for key in ("takeover", "relative"):
            if getattr(bind, key) is not None:
                self._refuse(index, key, f"{key} is only for knobs", f"Write {_WRITE['knob']} as knob, or take it out")
        if not given:
            self._refuse(index, "", "this binding does nothing", 'Write an action, for example press = "accept"')
        if any(key in _INSTANT for key in given) and any(key in _HELD for key in given):
            self._refuse(index, given[-1], "press and release cannot be mixed with tap and hold", "Keep one kind")
        if source.signal is Signal.PROGRAM and given != ["press"]:
            self._refuse(index, given[-1], "a program change is never let go", "Use press")
        actions = {key: self._choice(index, bind, key, Action, "action") for key in given}
        if bind.early and not (actions.get("tap") in UNDOABLE and actions.get("hold") is Action.UNDO):
            remedy = 'Write tap = "accept" or a pick, and hold = "undo"'
            self._refuse(index, "early", "an early tap must be one that hold can take back", remedy)
        return Button(source, **actions, early=bind.early)

    def _knob(self, index: int, bind: _Bind, source: Source) -> Turning:
        pressed = [key for key in (*_INSTANT, *_HELD) if getattr(bind, key) is not None]
        if pressed or bind.early:
            self._refuse(index, (*pressed, "early")[0], "a knob cannot be pressed", "Take one of the two out")
        if source.signal is not Signal.CC:
            self._refuse(index, source.signal.value, "a knob sends a controller", "Write cc")
        if bind.relative is not None and bind.takeover is not None:
            self._refuse(index, "takeover", "an endless knob needs no takeover", "Take it out")
        relative = None if bind.relative is None else self._choice(index, bind, "relative", Relative, "way")
        takeover = Takeover.PICK_UP if bind.takeover is None else self._choice(index, bind, "takeover", Takeover, "way")
        return Turning(source, self._choice(index, bind, "knob", Knob, "knob"), takeover, relative)

    def _choice(self, index: int, bind: _Bind, key: str, kind: type[_E], what: str) -> _E:
        """The member of `kind` that `key` names."""
        written = getattr(bind, key)
        try:
            return kind(written)
        except ValueError:
            names = [member.value for member in kind]
            near = get_close_matches(written, names, 1)
            remedy = f'Did you mean "{near[0]}"?' if near else f"Use one of {', '.join(names)}"
        self._refuse(index, key, f'there is no {what} "{written}"', remedy)

    def _refuse(self, index: int | None, key: str, what: str, remedy: str) -> NoReturn:
        end = "" if remedy.endswith("?") else "."
        raise Nonsense(f"{self._file}, line {self._line(index, key)}: {what}.", remedy + end) from None

    def _line(self, index: int | None, key: str) -> int:
        """The line of `key` in binding `index` (None: above the bindings); where it is not there, the first line."""
        lines = self._text.splitlines()
        heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[\[\s*bind\s*\]\]", line)]
        if index is None:
            start, end = 0, heads[0] if heads else len(lines)
        elif index < len(heads):
            start, end = heads[index], [*heads, len(lines)][index + 1]
        else:  # written as bind = [{...}]
            start, end = 0, len(lines)
        found = (n for n in range(start, end) if key and re.match(rf"\s*{key}\s*=", lines[n]))
        return next(found, start) + 1


def _list(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" or {words[-1]}"


# -- learning ---------------------------------------------------------------------------------------------------------

_PEDALS = range(SUSTAIN, 70)
"""Controllers 64 to 69 are foot switches (MIDI 1.0, table III)."""


def pressed(event: MidiEvent) -> Source | None:
    """The control that `event` shows being pressed; None for letting go, for knobs at rest and for everything else."""
    match event:
        case NoteOn():
            return Source(Signal.NOTE, event.pitch, event.channel)
        case ControlChange(value=value) if value >= PEDAL_DOWN:
            return Source(Signal.CC, event.control, event.channel)
        case ProgramChange():
            return Source(Signal.PROGRAM, event.program, event.channel)
    return None


def turned(event: MidiEvent) -> Source | None:
    """The knob that `event` shows being turned."""
    return Source(Signal.CC, event.control, event.channel) if isinstance(event, ControlChange) else None


def learned(source: Source, action: Action) -> Button:
    """What a press that was shown should do: at once, but on letting go for a pedal, so that it can be held too."""
    is_pedal = source.signal is Signal.CC and source.number in _PEDALS
    return Button(source, tap=action) if is_pedal else Button(source, press=action)


def map_text(made: ControllerMap) -> str:
    """The file that `parse_map` reads back as the same map."""
    lines = [f"name = {_quoted(made.name)}", f"ports = [{', '.join(map(_quoted, made.ports))}]"]
    lines += [f"preset = {_quoted(made.preset)}", f"tried = {str(made.tried).lower()}"]
    lines += [f"protocol = {_quoted(made.protocol.value)}"] if made.protocol is not Protocol.PLAIN else []
    bindings: tuple[Button | Turning, ...] = (*made.buttons, *made.knobs)
    for binding in bindings:
        lines += ["", "[[bind]]", *_binding_lines(binding)]
    return "\n".join(lines) + "\n"


def write_map(made: ControllerMap, path: Path) -> None:
    """Write a map file, whole or not at all. Raises `Nonsense` for a map that could not be read back (two bindings for
    one control), `Unavailable` where the disk refuses."""
    text = map_text(made)
    parse_map(text, str(path))
    write_whole(path, text.encode())


def _binding_lines(binding: Button | Turning) -> Iterable[str]:
    source = binding.source
    yield f"{source.signal.value} = {source.number}"
    if source.channel is not None:
        yield f"channel = {source.channel + 1}"
    if isinstance(binding, Turning):
        yield f"knob = {_quoted(binding.knob.value)}"
        if binding.relative is None:
            yield f"takeover = {_quoted(binding.takeover.value)}"
        else:
            yield f"relative = {_quoted(binding.relative.value)}"
        return
    for key in (*_INSTANT, *_HELD):
        action: Action | None = getattr(binding, key)
        if action is not None:
            yield f"{key} = {_quoted(action.value)}"
    if binding.early:
        yield "early = true"


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's, but for the delete character, which JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
