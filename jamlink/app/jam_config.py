"""What a jam is started with: the player's settings and flags, and what the session process needs to know."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from jamlink.errors import Nonsense
from jamlink.settings import (
    Places,
    Settings,
    clips_folder,
    load,
    remembered,
    with_remembered,
)


class JamConfig(msgspec.Struct, frozen=True):
    """What the foreground hands to the session process, as JSON."""

    settings: Settings
    seed: int
    file: str
    demo: bool
    play: bool
    slip: int | None = None
    """The descriptor of what the page's process needs to know (`jamlink.web.slip`); None for no page."""


def wanted(flags: Mapping[str, Any], *, demo: bool) -> Settings:
    """What the player's settings, the flags and what was chosen last make together. Raises `Nonsense`."""
    places = Places()
    settings = load(places.settings, os.environ, _for_demo(flags) if demo else flags)
    return with_remembered(settings, _not_said(remembered(places.remembered), flags))


def jam_config(settings: Settings, sessions: Path | None, *, demo: bool, play: bool) -> JamConfig:
    """A new jam, whose session file is in the folder `sessions`. Raises `Nonsense`."""
    folder = sessions or Places().sessions(settings)
    file = folder / f"{datetime.now():%Y-%m-%d %H.%M.%S}.jam"
    clips_folder(settings, file)
    return JamConfig(settings, secrets.randbelow(2**31), str(file), demo, play)


def _not_said(remembered_ports: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, str]:
    """What was remembered, less what a flag says; `--in ''` goes back to a port of our own."""
    return {way: name for way, name in remembered_ports.items() if flags.get(f"ports.{way}") is None}


_DEMO = {"session.tempo": 96.0, "session.repeat": "keep going"}
"""The demo's own tempo, and nobody at the keys: the best idea of each hand is taken unless it is refused. A flag that
says otherwise counts, but for the meter, which the tune is in."""

_DEMO_METER = {"session.meter": "4/4"}


def _for_demo(flags: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in flags.items() if value is not None}
    if said.get("session.meter", "4/4") != "4/4":
        raise Nonsense("The demo's tune is in 4/4.", "Leave --meter or --demo out.")
    return {**_DEMO, **said, **_DEMO_METER}
