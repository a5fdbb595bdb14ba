"""Controller maps: ours, and the player's own, which win."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from jamlink.app.files import check_folder
from jamlink.app.machine import ports
from jamlink.errors import Nonsense
from jamlink.midi.map_files import read_map, read_maps
from jamlink.midi.maps import GENERIC, Bindings, ControllerMap, choose
from jamlink.resources import data_folder
from jamlink.settings import Places, remembered


def bindings(forced: str) -> Callable[[str], Bindings]:
    """The gestures of a port, by its map."""
    map_for = map_of(forced, own_maps())
    return lambda port: Bindings(map_for(port))


def map_of(forced: str, own: Mapping[str, ControllerMap]) -> Callable[[str], ControllerMap]:
    """The map that fits a port's name, of the player's `own` maps before ours. Raises `Nonsense` for a forced map that
    is not there."""
    ours, _ = read_maps(data_folder("midi_maps"))
    maps = {**ours, **own}
    chosen = maps.get(forced)
    if forced and chosen is None:
        raise Nonsense(f"There is no map called {forced!r}.", f"Choose one of {', '.join(sorted(maps))}.")
    return lambda port: chosen or choose(list(maps.values()), port, ours[GENERIC])


def own_folder() -> Path:
    """Where the player's own maps are."""
    return Places().config / "maps"


def own_maps() -> dict[str, ControllerMap]:
    """The player's own maps that can be read, by file name without its ending."""
    return read_maps(own_folder())[0]


def mistakes_in_own_maps() -> list[Nonsense]:
    """Why the others cannot be read."""
    return read_maps(own_folder())[1]


def maps() -> list[ControllerMap]:
    """Every map; raises the first mistake found in one of the player's own."""
    found: dict[str, ControllerMap] = {}
    for folder in (data_folder("midi_maps"), own_folder()):
        readable, mistakes = read_maps(folder)
        for mistake in mistakes:
            raise mistake
        found |= readable
    return list(found.values())


def check_map(file: Path) -> str:
    """One sentence about a good map; raises `Nonsense` for a bad one."""
    found = read_map(file)
    return f"{found.name}, {len(found.buttons)} buttons, {len(found.knobs)} knobs."


def learn_map(wanted: str | None, target: Path | None, say: Callable[[str], None]) -> None:
    """Write a controller map from what the player presses."""
    from jamlink.runtime.learning import learn
    from jamlink.runtime.monotonic import MonotonicClock

    # before the player has pressed thirty pads
    check_folder(target or own_folder() / "new.toml", ours=target is None)
    pattern = wanted or remembered(Places().remembered).get("input", "") or _only_input()
    learn(MonotonicClock(), pattern, target, own_folder(), say)


def _only_input() -> str:
    inputs = ports().inputs
    if len(inputs) != 1:
        raise Nonsense(f"{len(inputs) or 'No'} controllers are plugged in.", "Name one: jamlink maps learn --in NAME")
    return inputs[0]
