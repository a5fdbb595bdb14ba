"""The words of the model: one id per thing that can happen in a beat.

Everything is derived from the tables below: names from the tables, offsets from the sizes, the hash from the names.
`python -m jamlink.tokens.vocab` prints the map.

    piece    := BOS heading bar* EOS
    heading  := TASK [STYLE] METER [TEMPO] [KEY]            what is left out is "as it comes"
    bar      := BAR_k [steering] content                    k = place in the phrase, 0 to 15
    steering := SLOT_n [BRIGHT] [DRIVE] [DENSITY] [SURPRISE]   what the next n bars are like, each 0 to 4
    content  := cell*                    lead, bass, answer, fill: [CHORD [BASS]] RHYTHM (PITCH (JOIN PITCH)*)*
              | cell*                    follow: RHYTHM (PITCH (JOIN PITCH)*)* [CHORD [BASS]]
              | cell*                    melody: RHYTHM (PITCH (JOIN PITCH)*)*
              | changes                  chords
              | cell* changes            harmonise: the notes of the bar first, then its chords
    changes  := [CHORD [BASS]] (POS_i CHORD [BASS])*        i = cell in the bar, rising, from 1

In a fill the bars that come after the gap stand first, closed by an EOS; then the bars before it and the gap.

A *cell* is the span of one RHYTHM word: the felt beat where that is a quarter, a dotted quarter or an eighth; half of
it where the felt beat is a half note. A chord is written only where it changes, before the notes of its cell (but
for harmonise and follow), so a model that writes left to right never peeks at notes not yet played.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import product

from jamlink.music.chord import NO_CHORD, QUALITIES, Chord
from jamlink.music.key import Key
from jamlink.music.pitch import HIGHEST_PIANO_PITCH, LOWEST_PIANO_PITCH, SHARP_NAMES, pitch_name
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, TICKS_PER_QUARTER, Tempo, Ticks, bpm_of_tempo


class Task(Enum):
    """What is written, and in what order. The value is its name in the vocabulary."""

    LEAD = "lead"
    """Chords and melody; with the chords given, a melody over them."""
    CHORDS = "chords"
    """Chord changes alone."""
    MELODY = "melody"
    """Notes alone, no harmony known."""
    BASS = "bass"
    """Chords and a bass line."""
    ANSWER = "answer"
    """As LEAD; the steered bars answer the phrase before them."""
    HARMONISE = "harmonise"
    """The notes of each bar, then chords for them."""
    FOLLOW = "follow"
    """The notes of each cell, then the chord that goes with them: harmony a beat behind the player."""
    FILL = "fill"
    """As LEAD, for bars between others: what comes after the gap stands first, closed by EOS."""

    @property
    def has_notes(self) -> bool:
        """Whether notes are written."""
        return self is not Task.CHORDS

    @property
    def chords_first(self) -> bool:
        """Whether a chord stands before the notes of its cell."""
        return self in (Task.LEAD, Task.BASS, Task.ANSWER, Task.FILL)

    @property
    def chords_behind(self) -> bool:
        """Whether a chord stands behind the notes of its cell."""
        return self is Task.FOLLOW

    @property
    def chords_after(self) -> bool:
        """Whether a bar ends with a list of its chord changes."""
        return self in (Task.CHORDS, Task.HARMONISE)


STYLES = (
    "pop", "jazz", "blues", "latin", "funk", "folk", "baroque", "classical", "romantic", "hymn", "song", "ragtime",
)  # fmt: skip
TEMPO_BINS = 12
LEVELS = 5
"""Steps of each steering word, from little to much."""
PLACES = 16
SLOT_BARS = (1, 2, 4, 8)
MAX_VOICES = 4
"""Notes of one onset that are kept, highest first."""

ONSET, HOLD, REST = "x", "-", "."


class Cell(Enum):
    """The span of one RHYTHM word: its letter in names, its length, and the grids that divide it."""

    QUARTER = ("q", 960, (4, 3))
    DOTTED = ("d", 1440, (6,))
    EIGHTH = ("e", 480, (2,))

    def __init__(self, letter: str, ticks: int, grids: tuple[int, ...]) -> None:
        self.letter = letter
        self.ticks = Ticks(ticks)
        self.grids = grids


def cell_of(meter: Meter) -> Cell:
    """The cell of a meter."""
    if meter.compound:
        return Cell.DOTTED
    return Cell.EIGHTH if meter.beat_ticks == Cell.EIGHTH.ticks else Cell.QUARTER


def cells_in_bar(meter: Meter) -> int:
    """Cells in a bar, 1 to 7."""
    return meter.bar_ticks // cell_of(meter).ticks


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What happens in the slots of a cell: an onset, a hold of what sounded before, or a rest, one letter each."""

    cell: Cell
    pattern: str

    @property
    def slot_ticks(self) -> Ticks:
        """Length of a slot."""
        return Ticks(self.cell.ticks // len(self.pattern))

    @property
    def onsets(self) -> int:
        """How many onsets want a pitch."""
        return self.pattern.count(ONSET)

    @property
    def enters_held(self) -> bool:
        """Whether it begins with the hold of a note from before."""
        return self.pattern[0] == HOLD

    @property
    def silent(self) -> bool:
        """Whether nothing sounds in it."""
        return self.pattern == REST * len(self.pattern)

    @property
    def leaves_sounding(self) -> bool:
        """Whether a note still sounds at its end."""
        return self.pattern[-1] != REST


def _patterns(slots: int) -> list[str]:
    """Every pattern of `slots` letters; a hold never follows a rest."""
    every = ("".join(letters) for letters in product(ONSET + HOLD + REST, repeat=slots))
    return [pattern for pattern in every if REST + HOLD not in pattern]


def _rhythms() -> tuple[Rhythm, ...]:
    """Each cell's patterns on its first grid, then those of its further grids that the first cannot say."""
    found: list[Rhythm] = []
    for cell in Cell:
        first, *further = cell.grids
        found += [Rhythm(cell, pattern) for pattern in _patterns(first)]
        same = {letters[0] + letters[1] * 2 for letters in (ONSET + HOLD, HOLD * 2, REST * 2)}
        found += [Rhythm(cell, pattern) for grid in further for pattern in _patterns(grid) if pattern not in same]
    return tuple(found)


RHYTHMS = _rhythms()
METERS = tuple(Meter(n, d) for n, d in KNOWN_METERS)
POSITIONS = max(cells_in_bar(meter) for meter in METERS) - 1
PITCHES = tuple(range(LOWEST_PIANO_PITCH, HIGHEST_PIANO_PITCH + 1))
KEYS = tuple(Key(tonic, minor) for minor in (False, True) for tonic in range(12))


def _chord_names() -> tuple[str, ...]:
    return (NO_CHORD, *(SHARP_NAMES[root] + quality.symbol for root in range(12) for quality in QUALITIES))


_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("PAD", ("",)),
    ("BOS", ("",)),
    ("EOS", ("",)),
    ("JOIN", ("",)),
    ("TASK", tuple(task.value for task in Task)),
    ("STYLE", STYLES),
    ("METER", tuple(map(str, METERS))),
    ("TEMPO", tuple(map(str, range(TEMPO_BINS)))),
    ("KEY", tuple(str(key).replace(" ", "-") for key in KEYS)),
    ("SLOT", tuple(map(str, SLOT_BARS))),
    ("BRIGHT", tuple(map(str, range(LEVELS)))),
    ("DRIVE", tuple(map(str, range(LEVELS)))),
    ("DENSITY", tuple(map(str, range(LEVELS)))),
    ("SURPRISE", tuple(map(str, range(LEVELS)))),
    ("BAR", tuple(map(str, range(PLACES)))),
    ("POS", tuple(map(str, range(1, POSITIONS + 1)))),
    ("CHORD", _chord_names()),
    ("BASS", SHARP_NAMES),
    ("RHYTHM", tuple(f"{r.cell.letter}:{r.pattern}" for r in RHYTHMS)),
    ("PITCH", tuple(pitch_name(pitch, flats=False) for pitch in PITCHES)),
)


def _ranges() -> dict[str, range]:
    found, start = {}, 0
    for group, words in _GROUPS:
        found[group] = range(start, start + len(words))
        start += len(words)
    return found


RANGES = _ranges()
"""Group name -> its ids."""
NAMES = tuple(f"{group} {word}".strip() for group, words in _GROUPS for word in words)
"""Id -> readable name."""
SIZE = len(NAMES)
HASH = hashlib.sha256("\n".join(NAMES).encode()).hexdigest()
"""Weights carry it; weights with another one do not fit."""

PAD, BOS, EOS, JOIN = (RANGES[group].start for group in ("PAD", "BOS", "EOS", "JOIN"))
STEERING_GROUPS = ("BRIGHT", "DRIVE", "DENSITY", "SURPRISE")

assert sum(len(ids) for ids in RANGES.values()) == SIZE == len(set(NAMES))


@cache
def group_of(token: int) -> str:
    """The name of the group that `token` belongs to. Raises IndexError for no id of ours."""
    for group, ids in RANGES.items():
        if token in ids:
            return group
    raise IndexError(token)


def _index(group: str, place: int) -> int:
    return RANGES[group][place]


def task_id(task: Task) -> int:
    """The id of a task."""
    return _index("TASK", list(Task).index(task))


def style_id(style: str) -> int:
    """The id of a style. Raises ValueError for one not in STYLES."""
    return _index("STYLE", STYLES.index(style))


def meter_id(meter: Meter) -> int:
    """The id of a meter."""
    return _index("METER", METERS.index(meter))


def tempo_bin(tempo: Tempo) -> int:
    """0 (40 quarters a minute) to TEMPO_BINS - 1 (240), in equal ratios; what lies outside counts as the end."""
    ratio, found = FASTEST_BPM / SLOWEST_BPM, 0
    for edge in range(1, TEMPO_BINS):
        if bpm_of_tempo(tempo) >= SLOWEST_BPM * ratio ** (edge / TEMPO_BINS):
            found = edge
    return found


def tempo_id(tempo: Tempo) -> int:
    """The id of a tempo's bin."""
    return _index("TEMPO", tempo_bin(tempo))


def key_id(key: Key) -> int:
    """The id of a key."""
    return _index("KEY", KEYS.index(key))


def bar_id(place: int) -> int:
    """The id of a bar at `place` of its phrase, 0 to 15."""
    return _index("BAR", place)


def position_id(cell: int) -> int:
    """The id of a chord's place in the bar, from cell 1."""
    return _index("POS", cell - 1)


def chord_id(chord: Chord | None) -> int:
    """The id of root and quality; None is "no chord". The bass has a word of its own."""
    return _index("CHORD", 0 if chord is None else 1 + chord.root * len(QUALITIES) + QUALITIES.index(chord.quality))


def chord_of(token: int) -> Chord | None:
    """The chord of a CHORD id, in root position. Inverse of `chord_id`."""
    place = token - RANGES["CHORD"].start
    return None if place == 0 else Chord((place - 1) // len(QUALITIES), QUALITIES[(place - 1) % len(QUALITIES)])


def bass_id(pitch_class: int) -> int:
    """The id of a bass that is not the root."""
    return _index("BASS", pitch_class)


_RHYTHM_IDS = {rhythm: RANGES["RHYTHM"][i] for i, rhythm in enumerate(RHYTHMS)}


def rhythm_id(rhythm: Rhythm) -> int:
    """The id of a rhythm. Raises KeyError where another grid of the cell says the same."""
    return _RHYTHM_IDS[rhythm]


def rhythm_of(token: int) -> Rhythm:
    """The rhythm of a RHYTHM id."""
    return RHYTHMS[token - RANGES["RHYTHM"].start]


def pitch_id(pitch: int) -> int:
    """The id of a piano pitch, 21 to 108."""
    return _index("PITCH", pitch - LOWEST_PIANO_PITCH)


def pitch_of(token: int) -> int:
    """The pitch of a PITCH id."""
    return token - RANGES["PITCH"].start + LOWEST_PIANO_PITCH


def transposed_id(token: int, semitones: int) -> int:
    """The same word in another key; a pitch that would leave the piano moves by octaves."""
    group = group_of(token)
    place = token - RANGES[group].start
    if group == "CHORD" and place:
        chord = chord_of(token)
        return chord_id(chord.transposed(semitones)) if chord else token
    if group == "BASS":
        return bass_id((place + semitones) % 12)
    if group == "KEY":
        return key_id(KEYS[place].transposed(semitones))
    return pitch_id(on_piano(pitch_of(token) + semitones)) if group == "PITCH" else token


def on_piano(pitch: int) -> int:
    """`pitch`, moved by octaves onto the piano's 88 keys."""
    while pitch < LOWEST_PIANO_PITCH:
        pitch += 12
    while pitch > HIGHEST_PIANO_PITCH:
        pitch -= 12
    return pitch


def ticks_of_cells(cells: int, meter: Meter) -> Ticks:
    """Length of `cells` cells."""
    return Ticks(cells * cell_of(meter).ticks)


assert Cell.QUARTER.ticks == TICKS_PER_QUARTER


def _main() -> None:
    print(f"{SIZE} words, hash {HASH[:16]}")
    for group, ids in RANGES.items():
        print(f"{ids.start:4d} - {ids.stop - 1:4d}  {group:9s} {NAMES[ids.start]} ... {NAMES[ids.stop - 1]}")


if __name__ == "__main__":
    _main()
