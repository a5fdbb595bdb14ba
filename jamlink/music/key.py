"""A key: a tonic and a mode. Estimating one from notes is in `jamlink.music.analysis`."""

from __future__ import annotations

from dataclasses import dataclass

from jamlink.errors import Nonsense
from jamlink.music.pitch import parse_pitch_class, pitch_class_name

MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)
HARMONIC_MINOR_SCALE = (0, 2, 3, 5, 7, 8, 11)
MELODIC_MINOR_SCALE = (0, 2, 3, 5, 7, 9, 11)

_SCALES = tuple(
    tuple(frozenset((tonic + step) % 12 for step in scale) for tonic in range(12))
    for scale in (MAJOR_SCALE, MINOR_SCALE, HARMONIC_MINOR_SCALE, MELODIC_MINOR_SCALE)
)

_MAJOR_WITH_FLATS = frozenset({5, 10, 3, 8, 1, 6})
"""Tonics (F Bb Eb Ab Db Gb) whose major key is written with flats."""


@dataclass(frozen=True, slots=True)
class Key:
    """`tonic` is a pitch class; `minor` is the natural minor with its raised leading note at cadences."""

    tonic: int
    minor: bool = False

    @property
    def scale(self) -> frozenset[int]:
        """The seven pitch classes of the key (natural minor where it is minor)."""
        return _SCALES[self.minor][self.tonic % 12]

    @property
    def scales(self) -> tuple[frozenset[int], ...]:
        """The scales that music in this key is made of: one in major, in minor the natural, harmonic and melodic."""
        return tuple(_SCALES[i][self.tonic % 12] for i in ((1, 2, 3) if self.minor else (0,)))

    @property
    def notes(self) -> frozenset[int]:
        """The pitch classes of its scales together."""
        return frozenset[int]().union(*self.scales)

    @property
    def flats(self) -> bool:
        """Whether the key is written with flats."""
        relative_major = (self.tonic + 3) % 12 if self.minor else self.tonic
        return relative_major in _MAJOR_WITH_FLATS

    def name(self, pitch_class: int) -> str:
        """How a pitch class is written in this key: its own notes by the signature, others as musicians borrow them
        (flat second, third, sixth and seventh, sharp fourth; in minor the raised third, sixth and seventh)."""
        step = (pitch_class - self.tonic) % 12
        if pitch_class % 12 in self.scale:
            return pitch_class_name(pitch_class, flats=self.flats)
        raised = step in ((4, 6, 9, 11) if self.minor else (6,))
        return pitch_class_name(pitch_class, flats=not raised)

    def transposed(self, semitones: int) -> Key:
        """The key `semitones` higher."""
        return Key((self.tonic + semitones) % 12, self.minor)

    def __str__(self) -> str:
        return f"{pitch_class_name(self.tonic, flats=self.flats)} {'minor' if self.minor else 'major'}"


def parse_key(text: str) -> Key:
    """Read "G", "Gm", "G minor", "bb major". Raises `Nonsense`."""
    parsed = parse_pitch_class(text.strip()[:1].upper() + text.strip()[1:])
    if parsed is None or parsed[1].strip().lower() not in ("", "m", "min", "minor", "maj", "major"):
        raise Nonsense(f"{text!r} is not a key.", "Write it as G, Gm, or G minor.")
    return Key(parsed[0], parsed[1].strip().lower() in ("m", "min", "minor"))
