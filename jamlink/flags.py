"""The flags of `jamlink jam`, in the order in which `--help` has them: one table of names, words and settings.

The command line is made from it, and a value that does not fit is refused by the name that was typed. Imports nothing
heavy, so that `jamlink --help` is there at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def listed(said: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in said.split(","))


def _listed_if_any(said: str) -> tuple[str, ...] | None:
    return listed(said) if said else None


def _only_on(said: bool) -> bool | None:
    """A flag that can only be said leaves the setting as it is where it was not."""
    return said or None


@dataclass(frozen=True, slots=True)
class Flag:
    """Its name, the type of its value, what `--help` says of it, and the setting that it is for, if any.

    A number of a setting is taken as it was typed and shown as `metavar`: whether it fits, the settings say.
    `read` makes what was typed into what the setting takes; None leaves the setting as it is.
    """

    name: str
    kind: type
    help: str
    setting: str = ""
    default: Any = None
    read: Callable[[Any], Any] | None = None
    metavar: str | None = None

    @property
    def key(self) -> str:
        """What a command finds its value under."""
        return re.sub(r"\W+", "_", self.setting or self.name).strip("_")


def settings_of(flags: Iterable[Flag], said: Mapping[str, Any]) -> dict[str, Any]:
    """What was `said`, by setting; None where nothing was."""
    values = ((flag, said[flag.key]) for flag in flags if flag.setting)
    return {flag.setting: flag.read(value) if flag.read and value is not None else value for flag, value in values}


KEY = "Lock the key: every note is of it. G, F#m."
MAKERS = "Who makes the ideas: transformer, markov or rules."
JAM = (
    Flag("--demo", bool, "A bundled performance plays, so that the loop can be seen.", default=False),
    Flag("--plain", bool, "One line per event instead of the full screen.", default=False),
    Flag("--tempo", str, "Beats per minute, 40 to 240.", "session.tempo", metavar="NUMBER"),
    Flag("--meter", str, "4/4, 3/4, 6/8 ...", "session.meter"),
    Flag("--bars", str, "Bars per idea: 1, 2, 4 or 8.", "session.bars", metavar="NUMBER"),
    Flag("--roles", str, "Any of chords,melody,bass.", "session.roles", read=_listed_if_any),
    Flag("--key", str, KEY, "session.key"),
    Flag("--repeat", str, "once, loop or 'keep going'.", "session.repeat"),
    Flag("--count-in", int, "Bars counted in: 0, 1 or 2.", "session.count_in"),
    Flag("--click", str, "off, count-in or on.", "session.click"),
    Flag("--mode", str, "propose, trade or accompany.", "session.mode"),
    Flag("--look-ahead", int, "Accompany: beats that chords are thought of ahead.", "accompany.look-ahead"),
    Flag("--commit", int, "Accompany: beats that they are promised ahead.", "accompany.commit"),
    Flag("--listen", int, "Accompany: beats that are yours before they begin.", "accompany.listen"),
    Flag("--rest", int, "Accompany: bars of silence that end it; 0 never.", "accompany.rest"),
    Flag("--in", str, "Part of your keyboard's port name.", "ports.input"),
    Flag("--out", str, "Part of your synth's or DAW's port name.", "ports.output"),
    Flag("--system", str, "auto, JACK, ALSA, CoreMIDI or Windows.", "ports.system"),
    Flag("--sync", str, "auto, 'MIDI clock', 'time code', playing or internal.", "sync.source"),
    Flag("--clock-in", str, "Part of the name of the port whose clock is followed.", "sync.port"),
    Flag("--link", bool, "Join an Ableton Link session, when there is one.", "sync.link", False, _only_on),
    Flag("--send-clock", bool, "Send MIDI clock, start and stop.", "sync.send", False, _only_on),
    Flag("--proposer", str, MAKERS, "model.proposer"),
    Flag("--model", str, "A folder of models/ or a path.", "model.folder"),
    Flag("--seed", int, "The same seed and playing give the same ideas.", "session.seed"),
    Flag("--sessions", Path, "Folder for session files."),
    Flag("--clips", str, "Folder for clips of what you take and capture, or off.", "clips.folder"),
    Flag("--osc/--no-osc", bool, "Remote control by OSC, from this machine.", "osc.on"),
    Flag("--daw", str, "Talk to live, reaper, bitwig or ardour by OSC.", "bridge.daw"),
    Flag("--play", bool, "Start the clock at once.", default=False),
    Flag("--terminal", bool, "No page in the browser, the terminal alone.", default=False),
    Flag("--open/--no-open", bool, "Open the page in the browser, or only say where it is.", "page.open"),
    Flag("--port", int, "The page's port; 0 takes the usual one, or any.", "page.port"),
    Flag("--lan", bool, "Let a tablet in your network in, with a code.", "page.lan", False, _only_on),
)
NAMES = {flag.setting: flag.name.partition("/")[0] for flag in JAM if flag.setting}
"""By setting, how its flag is typed."""
