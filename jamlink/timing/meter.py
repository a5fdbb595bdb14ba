"""Bars and beats.

A *beat* here is the felt beat: the quarter in 4/4, the dotted quarter in 6/8, 9/8 and 12/8. Bars and beats are
counted from 0 inside the code and from 1 where a person reads them; the count-in has negative bars.
"""

from __future__ import annotations

from dataclasses import dataclass

from jamlink.errors import Nonsense
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks

KNOWN_METERS = (
    (2, 4),
    (3, 4),
    (4, 4),
    (5, 4),
    (6, 4),
    (7, 4),
    (2, 2),
    (3, 2),
    (3, 8),
    (5, 8),
    (6, 8),
    (7, 8),
    (9, 8),
    (12, 8),
)


@dataclass(frozen=True, slots=True)
class BarBeat:
    """A position read off the meter: bar, felt beat in the bar, ticks into the beat, all from 0."""

    bar: int
    beat: int
    tick: Ticks

    def __str__(self) -> str:
        """As musicians count: bar and beat from 1."""
        return f"{self.bar + 1}.{self.beat + 1}"


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature. Raises `Nonsense` for one that jamlink does not count (see KNOWN_METERS)."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        if (self.numerator, self.denominator) not in KNOWN_METERS:
            known = ", ".join(f"{n}/{d}" for n, d in KNOWN_METERS)
            raise Nonsense(f"jamlink does not count {self.numerator}/{self.denominator}.", f"Choose one of {known}.")

    @property
    def compound(self) -> bool:
        """True where three eighths make a felt beat."""
        return self.denominator == 8 and self.numerator % 3 == 0

    @property
    def beat_ticks(self) -> Ticks:
        """Length of the felt beat."""
        pulse = TICKS_PER_QUARTER * 4 // self.denominator
        return Ticks(pulse * 3 if self.compound else pulse)

    @property
    def beats(self) -> int:
        """Felt beats in a bar."""
        return self.numerator // 3 if self.compound else self.numerator

    @property
    def bar_ticks(self) -> Ticks:
        """Length of a bar."""
        return Ticks(TICKS_PER_QUARTER * 4 * self.numerator // self.denominator)

    def bar_start(self, bar: int) -> Ticks:
        """Where bar `bar` (from 0) starts."""
        return Ticks(bar * self.bar_ticks)

    def at(self, tick: Ticks) -> BarBeat:
        """The bar, beat and remainder of `tick`. Inverse of `ticks_at`."""
        bar, inside = divmod(tick, self.bar_ticks)
        beat, rest = divmod(inside, self.beat_ticks)
        return BarBeat(bar, beat, Ticks(rest))

    def ticks_at(self, where: BarBeat) -> Ticks:
        """The tick of a bar-beat position."""
        return Ticks(where.bar * self.bar_ticks + where.beat * self.beat_ticks + where.tick)

    def next_bar(self, tick: Ticks) -> Ticks:
        """The first bar line strictly after `tick`."""
        return Ticks((tick // self.bar_ticks + 1) * self.bar_ticks)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


def parse_meter(text: str) -> Meter:
    """Read "4/4". Raises `Nonsense` with the list of meters that jamlink counts."""
    top, slash, bottom = text.strip().partition("/")
    if not (slash and top.isdecimal() and bottom.isdecimal()):
        raise Nonsense(f"{text!r} is not a meter.", "Write it as 4/4 or 6/8.")
    return Meter(int(top), int(bottom))


COMMON_TIME = Meter(4, 4)
