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
COUNT_IN_AFTER = {1: 2, 2: 0, 0: 1}
"""What a press of the count-in gesture goes on to."""


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
        _require(self.horizon >= ms(150), "The commit horizon is too short to be kept.", "Choose at least 150 ms.")


def _require(good: bool, what: str, remedy: str) -> None:
    if not good:
        raise Nonsense(what, remedy)
