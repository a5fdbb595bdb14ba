"""Everything that can reach a session. Each input is a value, is recorded as it came, and replays.

Inputs of the person at the instrument carry `via`, the way the gesture came ("keys", "pad: MPK mini", "terminal"),
so that the record says how each decision was made.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from jamlink.midi.actions import Action
from jamlink.midi.events import MidiEvent
from jamlink.music.chord import Chord
from jamlink.music.key import Key
from jamlink.session.proposal import Candidate, Role
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline


class Repeat(Enum):
    """What an accepted idea does after its slot."""

    ONCE = "once"
    LOOP = "loop"
    ROLL = "keep going"
    """The best of each hand is taken unless it was refused; until then the last one loops."""


class Mode(Enum):
    """How the player and jamlink share the bars."""

    PROPOSE = "propose"
    TRADE = "trade"
    ACCOMPANY = "accompany"
    """Chords follow the melody, beat by beat."""


class Source(Enum):
    """Whose clock the session follows, the most trusted first; the value is its name on the screen."""

    LINK = "Link"
    MIDI_CLOCK = "MIDI clock"
    TIME_CODE = "time code"
    TAP = "tap"
    PLAYING = "your playing"
    OWN = "own clock"


class Bond(Enum):
    """How sure a clock from outside is."""

    SEEKING = "listening"
    LOCKED = "locked"
    BRIDGED = "holding"
    """Nothing has come for a moment; the tempo goes on."""
    LOST = "lost"


class Click(Enum):
    """When the metronome sounds."""

    OFF = "off"
    COUNT_IN = "count-in"
    ON = "on"


@dataclass(frozen=True, slots=True)
class Heard:
    """The musician played something. `event.at` is the driver's time stamp."""

    event: MidiEvent


@dataclass(frozen=True, slots=True)
class Do:
    """A named action: from a key, a pad, a pedal, the page."""

    action: Action
    via: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A control was moved to `value`, 0 to 1. `control` names a number field of Controls."""

    control: str
    value: float
    via: str


@dataclass(frozen=True, slots=True)
class SetTempo:
    """Play at `bpm` quarters per minute from now on."""

    bpm: float
    via: str


@dataclass(frozen=True, slots=True)
class SetMeter:
    """Count in `meter`; only while stopped."""

    meter: Meter
    via: str


@dataclass(frozen=True, slots=True)
class SetBars:
    """Slots of `bars` bars: 1, 2, 4 or 8."""

    bars: int
    via: str


@dataclass(frozen=True, slots=True)
class SetRoles:
    """Ask for these roles from the next hand on; at least one."""

    roles: frozenset[Role]
    via: str


@dataclass(frozen=True, slots=True)
class LockKey:
    """Stay in `key`; None follows what is heard."""

    key: Key | None
    via: str


@dataclass(frozen=True, slots=True)
class SetRepeat:
    """What accepted ideas do after their slot."""

    repeat: Repeat
    via: str


@dataclass(frozen=True, slots=True)
class SetMode:
    """Propose, trade or accompany."""

    mode: Mode
    via: str


@dataclass(frozen=True, slots=True)
class SetAccompany:
    """How the accompaniment follows: `name` is a field of AccompanySettings, which says what fits."""

    name: str
    value: int
    via: str


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Ask for ideas in `style`, a name that the proposer knows; empty leaves it to the music."""

    style: str
    via: str


@dataclass(frozen=True, slots=True)
class SetChannels:
    """Play outputs, by name, on these MIDI channels, 0 to 15; those not named keep theirs. What is laid out already
    stays where it is, so every note-off finds its note-on."""

    channels: tuple[tuple[str, int], ...]
    via: str


@dataclass(frozen=True, slots=True)
class Select:
    """Choose the idea in place `index` of the hand (from 0), without taking it."""

    index: int
    via: str


@dataclass(frozen=True, slots=True)
class Hear:
    """Play the idea in place `index` of the hand on the preview output; what is chosen stays so."""

    index: int
    via: str


@dataclass(frozen=True, slots=True)
class Take:
    """Accept the idea in place `index` of the hand, of whatever size."""

    index: int
    via: str


@dataclass(frozen=True, slots=True)
class ReplaceChord:
    """Put the chord named `symbol` in place `index` (from 0) of the idea in place `idea` of the hand, the selected one
    where that is None."""

    index: int
    symbol: str
    via: str
    idea: int | None = None


@dataclass(frozen=True, slots=True)
class MoveChord:
    """The chord in place `index` begins `beats` felt beats later, or earlier where that is below 0; `idea` as above."""

    index: int
    beats: float
    via: str
    idea: int | None = None


@dataclass(frozen=True, slots=True)
class EditNote:
    """In the idea in place `index`, give note number `note` (from 0, melody first, then bass) another pitch; None takes
    it out."""

    index: int
    note: int
    pitch: int | None
    via: str


@dataclass(frozen=True, slots=True)
class BringBack:
    """The idea that was offered under the id `idea` comes back to the stand, as a hand of one."""

    idea: int
    via: str


@dataclass(frozen=True, slots=True)
class Ideas:
    """Candidates for request `request_id`; `stand_in` where rules or markov answered in the model's place."""

    request_id: int
    candidates: tuple[Candidate, ...]
    stand_in: bool


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Chords for the beat that request `request_id` was about and those after it; none where nothing was found."""

    request_id: int
    chords: tuple[Chord, ...]
    made_by: str
    stand_in: bool


@dataclass(frozen=True, slots=True)
class ProposerIs:
    """The model came (`present`) or went; `name` signs its ideas, `why` is one sentence for the screen."""

    present: bool
    name: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recover:
    """A mistake of ours came up (`why`, for the record) while the session did something: put right what that can have
    left half done, and go on. Never asked for by a player."""

    why: str


@dataclass(frozen=True, slots=True)
class Followed:
    """What a clock from outside says; told when it says something new, not with every pulse.

    `timeline` is its line, in its own song's ticks. `rolling` is whether its song plays; None where it knows nothing of
    starts and stops. `located` is true where it has gone to a place just now, which is then gone to at once.
    """

    source: Source
    bond: Bond
    rolling: bool | None
    timeline: Timeline
    located: bool = False


Edit: TypeAlias = ReplaceChord | MoveChord | EditNote
Setting: TypeAlias = (
    Turn
    | SetTempo
    | SetMeter
    | SetBars
    | SetRoles
    | LockKey
    | SetRepeat
    | SetMode
    | SetStyle
    | SetChannels
    | SetAccompany
)
Gesture: TypeAlias = Do | Select | Hear | Take | BringBack | Edit | Setting
Input: TypeAlias = Heard | Gesture | Ideas | Foreseen | ProposerIs | Followed | Recover
