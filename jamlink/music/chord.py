"""Chords: one table of qualities, and everything derived from it.

A chord is a root, one of fourteen qualities and a bass note. Twelve roots times fourteen qualities, plus "no chord",
make the 169 chord words of the whole project: the tokens, the analysis and the screen speak the same ones. Richer
symbols (C13, Dm9, G7#9) are read and folded to the quality that carries their function.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from jamlink.errors import Nonsense
from jamlink.music.key import Key
from jamlink.music.pitch import parse_pitch_class, pitch_class_name
from jamlink.timing.units import Ticks


class Quality(Enum):
    """A chord quality: its symbol as printed, and its intervals above the root in semitones."""

    MAJOR = ("", (0, 4, 7))
    MINOR = ("m", (0, 3, 7))
    DIMINISHED = ("dim", (0, 3, 6))
    AUGMENTED = ("aug", (0, 4, 8))
    SUS2 = ("sus2", (0, 2, 7))
    SUS4 = ("sus4", (0, 5, 7))
    MAJOR_6 = ("6", (0, 4, 7, 9))
    MINOR_6 = ("m6", (0, 3, 7, 9))
    DOMINANT_7 = ("7", (0, 4, 7, 10))
    MAJOR_7 = ("maj7", (0, 4, 7, 11))
    MINOR_7 = ("m7", (0, 3, 7, 10))
    MINOR_MAJOR_7 = ("mMaj7", (0, 3, 7, 11))
    HALF_DIMINISHED = ("m7b5", (0, 3, 6, 10))
    DIMINISHED_7 = ("dim7", (0, 3, 6, 9))

    intervals: tuple[int, ...]
    on_root: tuple[frozenset[int], ...]
    """The pitch classes of the chord on each root, 0 to 11."""

    def __new__(cls, symbol: str, intervals: tuple[int, ...]) -> Quality:
        """A member whose value is its symbol, so that it is written down by it."""
        member = object.__new__(cls)
        member._value_ = symbol
        member.intervals = intervals
        member.on_root = tuple(frozenset((root + i) % 12 for i in intervals) for root in range(12))
        return member

    @property
    def symbol(self) -> str:
        """As printed after the root."""
        return str(self.value)

    @property
    def minor_third(self) -> bool:
        """Whether the chord has a minor third: it sounds minor or diminished."""
        return 3 in self.intervals


QUALITIES = tuple(Quality)
"""In the order that numbers them; the token vocabulary relies on it."""

NO_CHORD = "N.C."


@dataclass(frozen=True, slots=True)
class Chord:
    """`root` and `bass` are pitch classes 0 to 11; `bass` equals `root` unless the chord is inverted or slashed."""

    root: int
    quality: Quality
    bass: int = -1

    def __post_init__(self) -> None:
        if self.bass < 0:
            object.__setattr__(self, "bass", self.root)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes of root and quality (a foreign bass is not among them)."""
        return self.quality.on_root[self.root % 12]

    def belongs_to(self, key: Key) -> bool:
        """Whether one scale of the key has all its notes, and some scale of it the bass."""
        return self.bass % 12 in key.notes and any(self.pitch_classes <= scale for scale in key.scales)

    def transposed(self, semitones: int) -> Chord:
        """The chord `semitones` higher."""
        return replace(self, root=(self.root + semitones) % 12, bass=(self.bass + semitones) % 12)

    def symbol(self, *, flats: bool = True) -> str:
        """As on a lead sheet: Bbmaj7, Am7b5, C/E."""
        name = pitch_class_name(self.root, flats=flats) + self.quality.symbol
        return name if self.bass == self.root else f"{name}/{pitch_class_name(self.bass, flats=flats)}"

    def symbol_in(self, key: Key) -> str:
        """As on a lead sheet in `key`: Eb in G major, D# in E minor's dominant B/D#."""
        name = key.name(self.root) + self.quality.symbol
        return name if self.bass == self.root else f"{name}/{key.name(self.bass)}"

    def __str__(self) -> str:
        return self.symbol()


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord (None is "no chord") from `onset` for `duration` ticks."""

    onset: Ticks
    duration: Ticks
    chord: Chord | None

    @property
    def end(self) -> Ticks:
        """Where the span ends."""
        return Ticks(self.onset + self.duration)

    def shifted(self, by: Ticks) -> ChordSpan:
        """The same span `by` ticks later."""
        return replace(self, onset=Ticks(self.onset + by))

    def transposed(self, semitones: int) -> ChordSpan:
        """The same span with its chord `semitones` higher."""
        return replace(self, chord=self.chord.transposed(semitones) if self.chord else None)


# Symbols after the root, tried in this order; the first that matches at the start decides the quality, and what is
# left over (tensions, alterations, "no 5", parentheses) must look like a tension or the symbol is refused.
_SUFFIXES: tuple[tuple[str, Quality], ...] = (
    (r"(?:min|mi|m|-)(?:\(?)(?:maj|Maj|M|ma|Δ|j)\)?(?:7|9|11|13)?", Quality.MINOR_MAJOR_7),
    (r"(?:min|mi|m|-)7\(?(?:b5|-5|♭5)\)?|ø7?|h7?|hdim7?|%7?|m7b5", Quality.HALF_DIMINISHED),
    (r"(?:min|mi|m|-)(?:9|11)\(?(?:b5|-5|♭5)\)?", Quality.HALF_DIMINISHED),
    (r"(?:dim|o|°)7", Quality.DIMINISHED_7),
    (r"dim|o|°|(?:min|mi|m|-)\(?(?:b5|-5|♭5)\)?", Quality.DIMINISHED),
    (r"(?:maj|Maj|M|ma|Δ|j)(?:7|9|11|13)|Δ|j", Quality.MAJOR_7),
    (r"(?:min|mi|m|-)(?:6/9|69|6)", Quality.MINOR_6),
    (r"(?:min|mi|m|-)(?:7|9|11|13)", Quality.MINOR_7),
    (r"(?:7|9|13)(?:sus4|sus)|11|sus4?(?:7|9|13)|7sus2", Quality.SUS4),
    (r"(?:aug|\+|#5)(?:7|9)|(?:7|9)(?:aug|\+|#5|\(#5\))", Quality.DOMINANT_7),
    (r"aug|\+5?|\(?#5\)?", Quality.AUGMENTED),
    (r"6/9|69|6", Quality.MAJOR_6),
    (r"dom7?|7|9|13|alt", Quality.DOMINANT_7),
    (r"sus2", Quality.SUS2),
    (r"sus4?|4", Quality.SUS4),
    (r"madd(?:9|2|11|4)|(?:min|mi|m|-)(?:\(?add(?:9|2|11|4)\)?)?(?!aj)", Quality.MINOR),
    (r"maj|Maj|M|ma|5|add(?:9|2|11|4)|2|", Quality.MAJOR),
)
_COMPILED = tuple((re.compile(pattern), quality) for pattern, quality in _SUFFIXES)
_TENSIONS = re.compile(r"(?:[\s(),]|no|omit|add|sus4?|alt|[#b♯♭+-]?(?:2|3|4|5|6|7|9|11|13))*")


def parse_chord(text: str) -> Chord | None:
    """Read a chord symbol ("Bb7", "F#m7b5", "C/E", "N.C."). None means no chord; `Nonsense` means not a symbol."""
    text = text.strip()
    if text.upper().replace(".", "") in ("NC", "N"):
        return None
    parsed = parse_pitch_class(text)
    if parsed is None:
        raise Nonsense(f"{text!r} is not a chord.", "Write a root and a quality, for example Am7 or Bb/D.")
    root, rest = parsed
    rest, bass = _split_bass(rest)
    quality = _quality_of(rest)
    if quality is None:
        raise Nonsense(f"{text!r} is not a chord that jamlink knows.", "Try a plainer symbol, for example C7 or Dm.")
    return Chord(root, quality, root if bass is None else bass)


def _split_bass(suffix: str) -> tuple[str, int | None]:
    """Cut "/E" off "m7/E"; "6/9" is a quality, not a bass."""
    head, slash, tail = suffix.rpartition("/")
    parsed = parse_pitch_class(tail) if slash else None
    if parsed is None or parsed[1].strip():
        return suffix, None
    return head, parsed[0]


def _quality_of(suffix: str) -> Quality | None:
    suffix = suffix.strip()
    for pattern, quality in _COMPILED:
        match = pattern.match(suffix)
        if match and _TENSIONS.fullmatch(suffix, match.end()):
            return quality
    return None
