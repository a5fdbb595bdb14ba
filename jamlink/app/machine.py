"""What this machine and this installation have: ports, and everything that can be wrong with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jamlink.app.proposers import model_folder
from jamlink.errors import JamlinkError, Unavailable
from jamlink.ports.base import Listing
from jamlink.settings import Places, Settings, load

if TYPE_CHECKING:
    from jamlink.nn.checkpoint import Checkpoint


def ports() -> Listing:
    """What can be heard from and played to. Raises `Unavailable` where no MIDI system answers."""
    from jamlink.ports.base import Direction
    from jamlink.ports.discovery import list_ports
    from jamlink.runtime.monotonic import MonotonicClock

    found = list_ports(MonotonicClock())
    if not found.systems:
        raise Unavailable(" ".join(str(trouble) for trouble in found.missing))
    names = {way: tuple(port.name for port in found.ports if port.direction is way) for way in Direction}
    return Listing(names[Direction.IN], names[Direction.OUT])


def loopback(heard: str, played: str, system: str) -> list[Any]:
    """The way out of one port and into another, measured, with the offset to set."""
    from jamlink.runtime.doctor import loopback as measure
    from jamlink.runtime.monotonic import MonotonicClock

    return measure(MonotonicClock(), heard, played, system)


def doctor() -> list[Any]:
    """Everything that can be wrong with this machine or installation, checked; the model last."""
    from jamlink.runtime.doctor import run_checks
    from jamlink.runtime.monotonic import MonotonicClock

    settings = load(Places().settings, os.environ, {})
    return run_checks(MonotonicClock(), Places().sessions(settings), more=(lambda: _check_model(settings),))


def _check_model(settings: Settings) -> list[Any]:
    """Whether the model's files are whole, and what computes it."""
    from jamlink.engine.choose import engine_for
    from jamlink.nn.checkpoint import load as load_checkpoint
    from jamlink.runtime.doctor import Check
    from jamlink.tokens import vocab

    folder = model_folder(settings.model.folder)
    try:
        found = load_checkpoint(folder, vocab.HASH)
    except JamlinkError as trouble:
        return [Check("model", False, trouble.what, trouble.remedy)]
    size = sum(array.size for array in found.weights.values())
    whole = Check("model", True, f"{folder.name} is whole, {size / 1e6:.1f} million parameters.", "")
    try:
        engine = engine_for(found.config, found.weights).name
    except JamlinkError as trouble:
        return [whole, Check("engine", False, trouble.what, trouble.remedy)]
    return [whole, Check("engine", True, engine + (_why_numpy(found) if engine.startswith("numpy") else ""))]


def _why_numpy(found: Checkpoint) -> str:
    """Why numpy computes and nothing faster."""
    from jamlink.engine.native import LEVEL_SETTING, NativeDecoder

    if os.environ.get(LEVEL_SETTING):
        return ", as was asked for"
    try:
        NativeDecoder(found.config, found.weights)
    except Unavailable as missing:
        return f", several times as slow as the other. {missing}"
    return ", the fastest for this processor"
