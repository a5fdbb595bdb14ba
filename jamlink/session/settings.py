"""How a session is set up. A frozen record; gestures change a session's own copy, never this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace

from jamlink.errors import Nonsense
from jamlink.music.key import Key
from jamlink.session.inputs import Click, Mode, Repeat
from jamlink.session.proposal import Controls, Role
from jamlink.timing.meter import COMMON_TIME, Meter
from jamlink.timing.units import Ns, Tempo, ms, tempo_of_bpm

SLOT_BARS = (1, 2, 4, 8)
HAND_SIZES = range(1, 33)
COUNT_IN_BARS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Channels:
    """MIDI channels 0 to 15 (1 to 16 on screen) of what we play; the defaults are the project's."""

    chords: int = 0
    melody: int = 1
    bass: int = 2
    metronome: int = 9
    preview: int = 15


def with_channels(channels: Channels, changes: Sequence[tuple[str, int]]) -> Channels:
    """`channels` with outputs moved to other channels, 0 to 15. Raises `Nonsense`, also where a preview would be heard
    on the channel of something that is recorded."""
    known = [output.name for output in fields(Channels)]
    for name, channel in changes:
        _require(name in known, f"There is no output called {name!r}.", f"Use one of {', '.join(known)}.")
        _require(0 <= channel <= 15, f"There is no MIDI channel {channel + 1}.", "Choose 1 to 16.")
    moved = replace(channels, **dict(changes))
    alone = moved.preview not in (moved.chords, moved.melody, moved.bass)
    _require(alone, "Previews would be recorded with the music.", "Give them a channel of their own.")
    return moved


_POSSIBLE = {
    "look_ahead": (range(17), "beats"),
    "commit": (range(17), "beats"),
    "listen": (range(65), "beats"),
    "rest": (range(33), "bars"),
}


def check_accompany(name: str, value: int, called: str = "") -> None:
    """Raises `Nonsense` where a field of `AccompanySettings` cannot be `value` whatever the others are; `called` is how
    the player named it, where that is otherwise."""
    possible, unit = _POSSIBLE[name]
    said = f"{called or name.replace('_', '-') + ' ='} {value} is not possible."
    _require(value in possible, said, f"Choose {possible[0]} to {possible[-1]} {unit}.")


@dataclass(frozen=True, slots=True)
class AccompanySettings:
    """How the accompaniment follows, in felt beats. Raises `Nonsense` for values that it cannot have."""

    look_ahead: int = 4
    """How far ahead chords are thought of; what lies beyond `commit` is shown, and may change."""
    commit: int = 4
    """What begins within so many beats is promised and no longer changes; at 0 each chord is chosen just before it."""
    listen: int = 8
    """From the first note on so many beats are the player's alone; 0 comes in at once, before anything was heard."""
    rest: int = 2
    """After so many bars without a note of the player's the phrase is ended; 0 never ends it."""

    def __post_init__(self) -> None:
        for name in _POSSIBLE:
            check_accompany(name, getattr(self, name))
        what = f"Nothing can be promised {self.commit} beats ahead that is thought of {self.look_ahead} beats ahead."
        _require(self.commit <= self.look_ahead, what, "Choose a look-ahead that is no shorter than the commit.")


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Raises `Nonsense` for values that no session can have."""

    seed: int = 1
    tempo: Tempo = tempo_of_bpm(100)
    meter: Meter = COMMON_TIME
    bars: int = 4
    roles: frozenset[Role] = frozenset({Role.CHORDS, Role.MELODY, Role.BASS})
    hand: int = 4
    repeat: Repeat = Repeat.ONCE
    mode: Mode = Mode.PROPOSE
    click: Click = Click.COUNT_IN
    count_in: int = 1
    key: Key | None = None
    controls: Controls = field(default_factory=Controls)
    channels: Channels = field(default_factory=Channels)
    accompany: AccompanySettings = field(default_factory=AccompanySettings)
    context_bars: int = 8
    """How many bars back a proposer may look."""
    send_clock: bool = False
    """Whether others can follow our clock."""
    patience: Ns = ms(1_200)
    """How long a hand may take before the stand-in answers; the decide-by may make it shorter."""
    horizon: Ns = ms(250)
    """The commit horizon: what is closer than this is promised. At least 150 ms, so that a stalled feeder never
    leaves the io process without its next notes (128 ms was the longest stall measured)."""

    def __post_init__(self) -> None:
        _require(self.bars in SLOT_BARS, f"A slot of {self.bars} bars is not possible.", "Choose 1, 2, 4 or 8 bars.")
        _require(self.hand in HAND_SIZES, f"A hand of {self.hand} ideas is not possible.", "Choose 1 to 32.")
        _require(bool(self.roles), "No role is armed.", "Arm chords, melody or bass.")
        _require(
            self.count_in in COUNT_IN_BARS, f"A count-in of {self.count_in} bars is not possible.", "Choose 0, 1 or 2."
        )
        _require(self.mode is not Mode.ACCOMPANY or can_accompany(self.roles), *NO_ROLE_TO_ACCOMPANY)
        _require(self.horizon >= ms(150), "The commit horizon is too short to be kept.", "Choose at least 150 ms.")


def with_accompany(own: AccompanySettings, name: str, value: int) -> AccompanySettings:
    """`own` with one of its fields changed; a look-ahead and a commit that do not fit carry one another along. Raises
    `Nonsense`."""
    known = [setting.name for setting in fields(AccompanySettings)]
    shown = ", ".join(name.replace("_", "-") for name in known)
    _require(name in known, f"The accompaniment has no {name!r}.", f"Use one of {shown}.")
    check_accompany(name, value)
    changes = {name: value}
    if name == "commit":
        changes["look_ahead"] = max(own.look_ahead, value)
    elif name == "look_ahead":
        changes["commit"] = min(own.commit, value)
    return replace(own, **changes)


NO_ROLE_TO_ACCOMPANY = ("Only the melody is armed, and that is yours here.", "Arm chords or bass to be accompanied.")


def can_accompany(roles: frozenset[Role]) -> bool:
    """Whether there is anything to accompany with."""
    return bool(roles & {Role.CHORDS, Role.BASS})


def _require(good: bool, what: str, remedy: str) -> None:
    if not good:
        raise Nonsense(what, remedy)
