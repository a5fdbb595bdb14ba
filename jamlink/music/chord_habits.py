"""How often each chord sounds in a key, counted, so that a guess can prefer the usual.

Shares of sounding time in ten thousand, over the Billboard charts (CC0), the Weimar jazz changes (MIT) and stock
progressions (MIT); by semitones from the tonic to the root, then by quality. What is too rare to list gets RARE.
"""

from __future__ import annotations

import math

from jamlink.music.chord import Chord, Quality
from jamlink.music.key import Key

Counts = dict[int, dict[str, int]]

RARE = 2

_IN_MAJOR: Counts = {
    0: {
        "": 1910,
        "7": 770,
        "maj7": 375,
        "m": 176,
        "6": 121,
        "m7": 54,
        "sus4": 34,
        "sus2": 11,
        "m6": 6,
        "dim7": 6,
        "dim": 5,
    },
    1: {"": 126, "7": 33, "maj7": 31, "m7": 12, "dim": 10, "m": 7, "m6": 4},
    2: {"m7": 419, "7": 188, "m": 179, "": 88, "m7b5": 23, "sus4": 17, "maj7": 16, "m6": 7, "dim": 3},
    3: {"": 127, "7": 32, "m7": 27, "maj7": 21, "dim7": 11, "m": 10, "dim": 9, "6": 5, "sus2": 5},
    4: {"m7": 128, "m": 113, "7": 83, "": 37, "m7b5": 18, "maj7": 17},
    5: {"": 917, "7": 337, "maj7": 101, "m": 101, "m7": 54, "6": 31, "sus4": 16, "m6": 14},
    6: {"7": 23, "": 22, "dim": 17, "m7b5": 14, "m7": 12, "m": 4, "dim7": 3},
    7: {"7": 678, "": 634, "sus4": 90, "m7": 51, "m": 45, "6": 11, "maj7": 9, "dim": 9, "m7b5": 4},
    8: {"": 134, "7": 48, "maj7": 34, "m7": 6, "dim": 4},
    9: {"m": 321, "7": 216, "m7": 140, "": 55, "m6": 15, "sus4": 11, "maj7": 5},
    10: {"": 223, "7": 67, "maj7": 25, "m": 23, "m7": 17, "6": 9, "sus4": 6},
    11: {"7": 54, "m": 19, "m7": 16, "m7b5": 15, "maj7": 9, "": 8},
}
_IN_MINOR: Counts = {
    0: {"m": 2171, "m7": 1343, "m6": 132, "": 94, "7": 86, "sus4": 66, "mMaj7": 34, "maj7": 10},
    1: {"7": 75, "maj7": 36, "m7": 25, "m": 12, "": 10, "m6": 8},
    2: {"m": 126, "m7b5": 104, "m7": 77, "7": 62, "": 26, "maj7": 5},
    3: {"": 443, "maj7": 59, "7": 52, "m7": 35, "6": 9, "sus4": 8},
    4: {"": 5, "m7b5": 4},
    5: {"m": 606, "m7": 278, "7": 143, "": 135, "sus4": 79, "m6": 26, "6": 19, "maj7": 9, "m7b5": 6},
    6: {"7": 21, "maj7": 8, "": 7, "m": 4},
    7: {"m": 533, "7": 412, "m7": 108, "": 80, "sus4": 30, "m7b5": 17, "dim": 15, "aug": 13},
    8: {"": 796, "maj7": 162, "7": 124, "6": 19, "m7": 12, "m6": 5, "sus4": 4},
    9: {"m7b5": 30, "7": 29, "m": 17, "": 11, "sus4": 5, "m7": 4},
    10: {"": 779, "7": 84, "m7": 55, "6": 48, "sus4": 32, "maj7": 19, "m6": 8, "m": 6},
    11: {"7": 20, "dim7": 9, "": 5, "maj7": 4, "m": 4},
}

_LOGS = tuple(
    {
        (degree, quality): math.log(habits[degree].get(quality.symbol, RARE) / 10_000)
        for degree in range(12)
        for quality in Quality
    }
    for habits in (_IN_MAJOR, _IN_MINOR)
)


def log_habit(chord: Chord, key: Key) -> float:
    """Natural log of the share of time that `chord` sounds in `key`."""
    return _LOGS[key.minor][(chord.root - key.tonic) % 12, chord.quality]


def log_habits(key: Key) -> dict[tuple[int, Quality], float]:
    """The same for all chords of `key`, by (semitones from tonic to root, quality)."""
    return _LOGS[key.minor]
