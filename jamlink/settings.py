"""The player's settings: a TOML file, then the environment, then the command line.

    # ~/.config/jamlink/settings.toml (Linux); every line may be left out
    [session]
    tempo = 92
    meter = "3/4"
    bars = 4
    roles = ["chords", "bass"]
    repeat = "loop"

    [ports]
    input = "launchkey"
    output = "fluid"

    [page]
    open = false

What jamlink itself remembers (the ports chosen last) lives beside it in remembered.json and is never edited by hand.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import msgspec
from platformdirs import user_config_path, user_data_path

from jamlink.errors import Nonsense
from jamlink.flags import NAMES
from jamlink.music.key import parse_key
from jamlink.remote.settings import BridgeTable, OscTable, RemoteConfig
from jamlink.session.effects import Out
from jamlink.session.inputs import Click, Mode, Repeat
from jamlink.session.proposal import Controls, Role
from jamlink.session.settings import AccompanySettings, SessionSettings
from jamlink.timing.meter import parse_meter
from jamlink.timing.units import Ns, ms, tempo_of_bpm
from jamlink.tokens.vocab import STYLES

PREFIX = "JAMLINK_"
"""JAMLINK_SESSION_TEMPO=92 sets [session] tempo."""


class SessionTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[session]: how a jam starts."""

    tempo: float = 100.0
    meter: str = "4/4"
    bars: int = 4
    roles: tuple[Role, ...] = tuple(Role)
    hand: int = 4
    repeat: Repeat = Repeat.ONCE
    mode: Mode = Mode.PROPOSE
    click: Click = Click.COUNT_IN
    count_in: int = 1
    key: str = ""
    seed: int = 0
    surprise: float = 0.5
    density: float = 0.5
    brightness: float = 0.5
    drive: float = 0.5
    style: str = ""


class AccompanyTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename="kebab"):
    """[accompany]: how chords follow the melody. Beats of look-ahead (0 to 16), of which the first `commit` are kept,
    and of listening first (0 to 64); after `rest` bars without a note (0 to 32) the phrase is ended, 0 never."""

    look_ahead: int = 4
    commit: int = 4
    listen: int = 8
    rest: int = 2


class PortsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[ports]: parts of port names; empty opens ports of our own: one for each role, or with `own` "one" a single one
    for all of them, told apart by their channels. `map` forces a controller map. `offsets` are milliseconds by output,
    or for "all": so much later what is played there leaves, or earlier where it is below 0."""

    input: str = ""
    output: str = ""
    system: str = "auto"
    own: Literal["roles", "one"] = "roles"
    map: str = ""
    offsets: dict[str, float] = {}


class ModelTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[model]: which ideas. `folder` is a name in models/ or a path; `stand_in` answers when the model does not;
    `threads` compute: 1, 2, or 0 for two where there are two processor cores."""

    proposer: Literal["transformer", "markov", "rules"] = "transformer"
    folder: str = "jam-s"
    stand_in: Literal["rules", "markov"] = "rules"
    threads: Literal[0, 1, 2] = 0


WITH_MUSIC = "same"


class SyncTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[sync]: whose clock. `auto` follows what comes in at the clock port, the most trusted first; "playing" finds the
    tempo in what you play; `port` is a part of the name of the port to listen to, empty opens one of our own, "same" is
    the one that you play into; `offset` says how many ms late it comes; `starts_at` is the time code of bar 1; `link`
    joins Ableton Link; `send` lets others follow us, at `to`."""

    source: Literal["auto", "MIDI clock", "time code", "playing", "internal"] = "auto"
    port: str = ""
    offset: float = 0.0
    starts_at: str = "00:00:00:00"
    link: bool = False
    send: bool = False
    to: str = ""


class PageTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[page]: the page in the browser. `start` false leaves it out, `open` false opens no browser; `port` 0 takes the
    usual one, or any where that is taken. `lan` lets a tablet in the network in, at `address` where one is said."""

    start: bool = True
    open: bool = True
    port: int = 0
    lan: bool = False
    address: str = ""


class ClipsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[clips]: `folder` for MIDI files of what was taken and captured: empty for the folder clips beside the session
    files, "off" for none; `bars` is how far "capture" reaches back."""

    folder: str = ""
    bars: int = 8


class ProgramsTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[programs]: General MIDI programs by role, 1 to 128; 0 leaves the sound to whoever plays it."""

    chords: int = 0
    melody: int = 0
    bass: int = 0


class Settings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Everything a player can set before starting."""

    session: SessionTable = SessionTable()
    accompany: AccompanyTable = AccompanyTable()
    ports: PortsTable = PortsTable()
    model: ModelTable = ModelTable()
    sync: SyncTable = SyncTable()
    page: PageTable = PageTable()
    clips: ClipsTable = ClipsTable()
    programs: ProgramsTable = ProgramsTable()
    osc: OscTable = OscTable()
    bridge: BridgeTable = BridgeTable()
    sessions_folder: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """Where files live."""

    config: Path = field(default_factory=lambda: user_config_path("jamlink"))
    data: Path = field(default_factory=lambda: user_data_path("jamlink"))

    @property
    def settings(self) -> Path:
        """The player's own file."""
        return self.config / "settings.toml"

    @property
    def remembered(self) -> Path:
        """What jamlink remembers."""
        return self.config / "remembered.json"

    def sessions(self, settings: Settings) -> Path:
        """The folder of session files."""
        return Path(settings.sessions_folder).expanduser() if settings.sessions_folder else self.data / "sessions"


def load(path: Path, environment: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """The file (which may be missing), then JAMLINK_* variables, then `flags` ("session.tempo": 92).

    Raises `Nonsense` naming the file, the key and what fits there.
    """
    tables = _read(path)
    settings = _convert(tables, str(path))
    for name, value in environment.items():
        _check_named_whole(name)
        if name.startswith(PREFIX) and "_" in name[len(PREFIX) :]:
            table, _, key = name[len(PREFIX) :].lower().partition("_")
            key = key.replace("_", "-") if table == "accompany" else key
            tables.setdefault(table, {})[key] = value.split(",") if key == "roles" else value
            settings = _convert(tables, name)
    for dotted, value in flags.items():
        table, _, key = dotted.partition(".")
        if value is not None:
            tables.setdefault(table, {})[key] = value
            settings = _convert(tables, NAMES.get(dotted) or f"--{key.replace('_', '-')}")
    return settings


def _check_named_whole(variable: str) -> None:
    """Raises `Nonsense` for a variable that names a key without its table."""
    key = variable.removeprefix(PREFIX).lower()
    if variable.startswith(PREFIX):
        owners = [table for table in _TABLES if {key, key.replace("_", "-")} & set(_fields(table))]
        meant = " or ".join(f"{PREFIX}{table.upper()}_{key.upper()}" for table in owners)
        if meant:
            raise Nonsense(f"{variable} does not say in which table {key} stands.", f"Call it {meant}.")


def session_settings(settings: Settings, seed: int) -> SessionSettings:
    """The session's own record. Raises `Nonsense` for an impossible tempo, meter, key and the like."""
    table = settings.session
    controls = Controls(table.surprise, table.density, table.brightness, table.drive, table.style)
    for name in ("surprise", "density", "brightness", "drive"):
        if not 0.0 <= getattr(controls, name) <= 1.0:
            raise Nonsense(f"{name} = {getattr(controls, name)} is out of range.", "Choose a number from 0 to 1.")
    if table.style not in ("", *STYLES):
        raise Nonsense(f"There is no style called {table.style!r}.", f"Choose one of {', '.join(STYLES)}.")
    return SessionSettings(
        seed=table.seed or seed,
        tempo=tempo_of_bpm(table.tempo),
        meter=parse_meter(table.meter),
        bars=table.bars,
        roles=frozenset(table.roles),
        hand=table.hand,
        repeat=table.repeat,
        mode=table.mode,
        click=table.click,
        count_in=table.count_in,
        key=parse_key(table.key) if table.key else None,
        accompany=AccompanySettings(**msgspec.structs.asdict(settings.accompany)),
        controls=controls,
        send_clock=settings.sync.send,
    )


EARLIEST_MS, LATEST_MS = -100.0, 250.0
"""A note is handed over 150 ms ahead at least, so an offset cannot be earlier than that by far."""


def offsets_ns(settings: Settings) -> dict[Out, Ns]:
    """By how much each output is later (below 0: earlier) than the clock. "all" is what makes music: our
    clock for others is asked about by name. Raises `Nonsense`."""
    said = settings.ports.offsets
    names = ["all", *(out.value for out in Out)]
    for name, value in said.items():
        if name not in names:
            raise Nonsense(f"[ports] offsets: there is no output called {name!r}.", f"Use {', '.join(names)}.")
        if not EARLIEST_MS <= value <= LATEST_MS:
            remedy = f"Choose {EARLIEST_MS:g} to {LATEST_MS:g} ms."
            raise Nonsense(f"[ports] offsets: {name} = {value:g} is too far.", remedy)
    others = {Out.CLOCK: 0.0}
    return {out: ms(said.get(out.value, others.get(out, said.get("all", 0.0)))) for out in Out}


def programs(settings: Settings) -> dict[str, int]:
    """General MIDI programs (from 0) of the roles for which one was asked. Raises `Nonsense`."""
    said = msgspec.structs.asdict(settings.programs)
    for role, number in said.items():
        if not 0 <= number <= 128:
            raise Nonsense(f"[programs] {role} = {number}: there is no such sound.", "Choose 1 to 128, or 0 for none.")
    return {role: number - 1 for role, number in said.items() if number}


def remote_config(settings: Settings) -> RemoteConfig:
    """What the OSC process is told. Raises `Nonsense`."""
    osc, bridge = settings.osc, settings.bridge
    for name, port in (("[osc] port", osc.port), ("[bridge] port", bridge.port), ("reply_port", bridge.reply_port)):
        if not 0 <= port <= 65_535:
            raise Nonsense(f"{name} = {port}: there is no such port.", "Choose 1024 to 65535.")
    if bridge.track < 1:
        raise Nonsense(f"[bridge] track = {bridge.track}: tracks count from 1.", "Choose the first track for clips.")
    return RemoteConfig(osc, bridge)


CLIPS_OFF = "off"
MOST_CAPTURED_BARS = 256


def clips_folder(settings: Settings, session_file: Path) -> Path | None:
    """The folder for the clips of this session, inside the one that a DAW's browser watches; None where none are
    wanted. Raises `Nonsense`."""
    table = settings.clips
    if not 1 <= table.bars <= MOST_CAPTURED_BARS:
        raise Nonsense(f"[clips] bars = {table.bars} is not possible.", f"Choose 1 to {MOST_CAPTURED_BARS}.")
    if table.folder == CLIPS_OFF:
        return None
    watched = Path(table.folder).expanduser() if table.folder else session_file.parent / "clips"
    return watched / session_file.stem


def with_remembered(settings: Settings, remembered: Mapping[str, str]) -> Settings:
    """The ports chosen last, where nothing else was said."""
    ports = settings.ports
    ports = msgspec.structs.replace(
        ports, input=ports.input or remembered.get("input", ""), output=ports.output or remembered.get("output", "")
    )
    return msgspec.structs.replace(settings, ports=ports)


def remembered(path: Path) -> dict[str, str]:
    """What was remembered; nothing where the file is missing or damaged (it is only a convenience)."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in data.items()} if isinstance(data, dict) else {}


def remember(path: Path, choices: Mapping[str, str]) -> None:
    """Write `choices` for next time; a folder that cannot be written is no reason to stop."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(dict(choices), indent=1))
        os.replace(fresh, path)
    except OSError:
        return


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise Nonsense(f"{path} is not text.", "Write it again, or delete the file.") from None
    except tomllib.TOMLDecodeError as bad:
        raise Nonsense(f"{path} cannot be read: {bad}.", "Mend that line, or delete the file.") from None
    except OSError as gone:
        raise Nonsense(
            f"{path} cannot be read: {(gone.strerror or 'no reason given').lower()}.", "Check what is there."
        ) from None


def _convert(tables: dict[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(tables, Settings, strict=False)
    except msgspec.ValidationError as bad:
        raise _mistake(tables, where, str(bad)) from None


_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`(?: - at `\$\.?(?P<table>\w+))?")
_AT = re.compile(r"- at `\$\.?(?P<path>[\w.]+)")


def _mistake(tables: dict[str, Any], where: str, bad: str) -> Nonsense:
    """What msgspec found, in the words of a settings file: the line, the key, what it says and what fits there."""
    unknown, at = _UNKNOWN.search(bad), _AT.search(bad)
    if unknown:
        table = unknown["table"] or ""
        place = f"in [{table}]" if table else "in the settings"
        what = f"{_line(where, table, unknown['name'])}: there is nothing called {unknown['name']} {place}."
        return Nonsense(what, f"Choose one of {', '.join(_fields(table))}, or leave it out.")
    path = at["path"] if at else ""
    table, _, key = path.rpartition(".")
    said = (tables.get(table, {}) if table else tables).get(key)
    name = "" if where.startswith(("--", PREFIX)) else f"{path} = "
    return Nonsense(
        f"{_line(where, table, key)}: {name}{_shown(said)} does not fit.", f"Choose {_fitting(table, key)}."
    )


def _shown(said: Any) -> str:
    return ", ".join(map(repr, said)) if isinstance(said, (list, tuple)) else repr(said)


def _line(where: str, table: str, key: str) -> str:
    """`where`, with the line of `key` in `table` (or of the table itself) where it is a file."""
    try:
        lines = Path(where).read_text().splitlines() if where.endswith(".toml") else []
    except (OSError, UnicodeDecodeError):
        lines = []
    inside = ""
    for number, line in enumerate(lines, 1):
        text = line.strip()
        inside = text[1:].partition("]")[0].strip() if text.startswith("[") else inside
        if (inside, text.partition("=")[0].strip()) == (table, key) or (not table and text == f"[{key}]"):
            return f"{where}, line {number}"
    return where


def _fields(table: str) -> list[str]:
    owner = _TABLES.get(table, Settings)
    return [found.name for found in msgspec.structs.fields(owner)]


_TABLES: dict[str, type[msgspec.Struct]] = {
    "session": SessionTable,
    "accompany": AccompanyTable,
    "ports": PortsTable,
    "model": ModelTable,
    "sync": SyncTable,
    "page": PageTable,
    "clips": ClipsTable,
    "programs": ProgramsTable,
    "osc": OscTable,
    "bridge": BridgeTable,
}


def _fitting(table: str, key: str) -> str:
    """What may stand there, in words."""
    kind: Any = typing.get_type_hints(_TABLES.get(table, Settings)).get(key)
    if typing.get_origin(kind) is tuple:
        is_role = typing.get_args(kind)[0] is Role
        return f"any of {', '.join(role.value for role in Role)}" if is_role else 'a list, like ["this", "that"]'
    choices = [c.value for c in kind] if isinstance(kind, type) and issubclass(kind, Enum) else typing.get_args(kind)
    if choices:
        said = ", ".join(str(choice) for choice in choices if choice != "")
        return f"one of {said}, or leave it empty" if "" in choices else f"one of {said}"
    return {float: "a number", int: "a whole number", bool: "true or false", str: 'text in quotes, "like this"'}.get(
        kind, "lines of a table, under its name in brackets"
    )
