"""Functional harmony: which chords follow which, how phrases end, and what a bolder player puts in their place.

A progression is first made of plain degrees of the key, led to a cadence, and may then be coloured: sevenths, secondary
dominants, chords borrowed from the parallel key, a tritone's distance for a dominant. Each colour has the boldness
that it takes, so a safe progression stays in the key and a bold one leaves it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

Degrees = Mapping[str, tuple[int, Quality]]
Moves = Mapping[str, Mapping[str, float]]

MAJOR_DEGREES: Degrees = {
    "I": (0, Quality.MAJOR),
    "ii": (2, Quality.MINOR),
    "iii": (4, Quality.MINOR),
    "IV": (5, Quality.MAJOR),
    "V": (7, Quality.MAJOR),
    "vi": (9, Quality.MINOR),
}
MINOR_DEGREES: Degrees = {
    "i": (0, Quality.MINOR),
    "iio": (2, Quality.HALF_DIMINISHED),
    "bIII": (3, Quality.MAJOR),
    "iv": (5, Quality.MINOR),
    "v": (7, Quality.MINOR),
    "V": (7, Quality.MAJOR),
    "bVI": (8, Quality.MAJOR),
    "bVII": (10, Quality.MAJOR),
}
# How gladly one degree follows another; what is not listed hardly does. The usual account of textbooks, with the
# plagal and modal turns of songs; the numbers are weights, not counts.
MAJOR_MOVES: Moves = {
    "I": {"IV": 5, "V": 4, "vi": 4, "ii": 3, "iii": 1.5},
    "ii": {"V": 7, "IV": 1, "I": 0.7, "vi": 0.7, "iii": 0.5},
    "iii": {"vi": 5, "IV": 4, "ii": 1},
    "IV": {"V": 5, "I": 4, "ii": 2, "vi": 1, "iii": 0.5},
    "V": {"I": 6, "vi": 3, "IV": 2, "iii": 0.4},
    "vi": {"IV": 5, "ii": 4, "V": 3, "iii": 1.2, "I": 1},
}
MINOR_MOVES: Moves = {
    "i": {"iv": 4, "bVI": 4, "bVII": 4, "v": 1, "V": 2, "bIII": 2, "iio": 1},
    "iio": {"V": 7, "v": 1},
    "bIII": {"bVI": 3, "bVII": 3, "iv": 2, "i": 1},
    "iv": {"V": 3, "i": 3, "bVII": 3, "v": 1, "bVI": 1},
    "v": {"i": 3, "bVI": 3, "iv": 2},
    "V": {"i": 6, "bVI": 2},
    "bVI": {"bVII": 4, "iv": 2, "V": 3, "bIII": 2, "i": 1},
    "bVII": {"i": 3, "bIII": 3, "bVI": 3, "v": 1},
}
_HARDLY = 0.08
# Ends of a phrase, as degrees of (major, minor), with how usual they are: home, open, by the fourth, deceived.
CADENCES: tuple[tuple[tuple[tuple[str, ...], tuple[str, ...]], float], ...] = (
    ((("V", "I"), ("V", "i")), 3.0),
    ((("IV", "V"), ("iv", "V")), 4.0),
    ((("ii", "V"), ("iio", "V")), 3.0),
    ((("IV", "I"), ("iv", "i")), 1.5),
    ((("I", "V"), ("bVI", "bVII")), 1.5),
    ((("V", "vi"), ("V", "bVI")), 0.8),
)

Fit = Callable[[int, Chord], float]
"""How well a chord suits place i of the progression, as a factor; 1 is neutral."""


def progression(
    key: Key, count: int, last: Chord | None, boldness: float, brightness: float, fit: Fit, dice: random.Random
) -> list[Chord]:
    """`count` plain chords of the key that go on from `last` and end in a cadence.

    Boldness (0 to 1) evens out what is usual; brightness (0 to 1, 0.5 neutral) leans to major or to minor chords.
    """
    degrees, moves = (MINOR_DEGREES, MINOR_MOVES) if key.minor else (MAJOR_DEGREES, MAJOR_MOVES)
    cadence = _cadence(key, boldness, dice)[-max(1, count - 1) :] if count > 1 else ()
    path: list[str] = []
    before = _degree_of(last, key, degrees)
    for i in range(count - len(cadence)):
        target = cadence[0] if cadence and i == count - len(cadence) - 1 else None
        weights = {
            name: _move(moves, before, name, boldness)
            * (_move(moves, name, target, boldness) if target else 1.0)
            * fit(i, _chord(name, key, degrees))
            * light(degrees[name][1], brightness)
            for name in degrees
        }
        before = dice.choices(list(weights), list(weights.values()))[0]
        path.append(before)
    return [_chord(name, key, degrees) for name in (*path, *cadence)]


def _cadence(key: Key, boldness: float, dice: random.Random) -> tuple[str, ...]:
    weights = [weight ** (1 - 0.7 * boldness) for _, weight in CADENCES]
    return dice.choices([ends[key.minor] for ends, _ in CADENCES], weights)[0]


def _move(moves: Moves, before: str | None, after: str, boldness: float) -> float:
    """The weight of a move; staying put is no move. Out of the blue, the tonic is the first guess."""
    if before is None:
        return 3.0 if after in ("I", "i") else 1.0
    weight = _HARDLY if before == after else moves[before].get(after, 2 * _HARDLY)
    return float(weight ** (1 - 0.6 * boldness))


def light(quality: Quality, brightness: float) -> float:
    """A factor for a chord by how bright (0 to 1, 0.5 neutral) the music is wanted: major up or minor up."""
    tilt = 2.5 * (brightness - 0.5)
    return math.exp(-tilt if quality.minor_third else tilt)


def _chord(name: str, key: Key, degrees: Degrees) -> Chord:
    step, quality = degrees[name]
    return Chord((key.tonic + step) % 12, quality)


def _degree_of(chord: Chord | None, key: Key, degrees: Degrees) -> str | None:
    """The degree that a chord stands for: its root and mode in the key; None where it is foreign."""
    if chord is None:
        return None
    step = (chord.root - key.tonic) % 12
    named = [name for name, (root, _) in degrees.items() if root == step]
    same = [name for name in named if degrees[name][1].minor_third == chord.quality.minor_third]
    return next(iter(same or named), None)


@dataclass(frozen=True, slots=True)
class Colour:
    """A way to change the span at place i of a progression, from `boldness` on. None where it does not apply."""

    name: str
    boldness: float
    change: Callable[[list[ChordSpan], int, Key, Meter], list[ChordSpan] | None]


def coloured(
    spans: Sequence[ChordSpan], key: Key, meter: Meter, boldness: float, brightness: float, dice: random.Random,
    *, locked: bool = False,
) -> list[ChordSpan]:  # fmt: skip
    """`spans` with as many colours as the boldness asks for, each at a place of its own, the first chord last; where
    the key is locked, only such as stay in it."""
    changed = list(spans)
    wanted = round((0.1 + 0.55 * boldness) * boldness * len(changed) + 0.25 * dice.random())
    places = sorted(range(len(changed)), key=lambda i: (i == 0, dice.random()))
    for i in sorted(places[:wanted], reverse=True):
        known = [c for c in COLOURS if c.boldness <= boldness]
        weights = [math.exp(3 * boldness * c.boldness) * _lean(c, brightness) for c in known]
        for colour in _shuffled(known, weights, dice):
            new = colour.change(changed, i, key, meter)
            if new is not None and not (locked and leaves(key, new)):
                changed[i : i + 1] = new
                break
    return changed


def _lean(colour: Colour, brightness: float) -> float:
    """Dark players borrow from minor, bright ones lean on dominants."""
    tilt = 3.0 * (brightness - 0.5)
    return math.exp(-tilt if colour.name == "borrowed" else tilt)


def _shuffled(colours: list[Colour], weights: list[float], dice: random.Random) -> list[Colour]:
    """All colours, the heavy ones rather first (Efraimidis and Spirakis' keys)."""
    keys = [dice.random() ** (1 / weight) for weight in weights]
    order = sorted(range(len(colours)), key=lambda i: -keys[i])
    return [colours[i] for i in order]


def with_sevenths(spans: Sequence[ChordSpan], key: Key) -> list[ChordSpan]:
    """Triads with the seventh that the key gives them; what has a colour of its own stays."""
    return [replace(s, chord=_seventh(s.chord, key) if s.chord else None) for s in spans]


def _seventh(chord: Chord, key: Key) -> Chord:
    if chord.quality is Quality.MINOR:
        return replace(chord, quality=Quality.MINOR_7)
    if chord.quality is Quality.DIMINISHED:
        return replace(chord, quality=Quality.HALF_DIMINISHED)
    if chord.quality is not Quality.MAJOR:
        return chord
    flat, sharp = ((chord.root + i) % 12 in key.scale for i in (10, 11))
    dominant = (flat and not sharp) or (key.minor and chord.root == (key.tonic + 7) % 12)
    return replace(chord, quality=Quality.DOMINANT_7 if dominant else Quality.MAJOR_7)


def _secondary_dominant(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The dominant of the chord that comes, in the place of this one."""
    after = spans[(i + 1) % len(spans)].chord
    if after is None or after.quality in (Quality.DIMINISHED, Quality.HALF_DIMINISHED):
        return None
    root = (after.root + 7) % 12
    new = Chord(root, Quality.DOMINANT_7)
    return None if new == spans[i].chord else [replace(spans[i], chord=new)]


def _two_five(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """Two halves, ii and V of the chord that comes."""
    after = spans[(i + 1) % len(spans)].chord
    if after is None:
        return None
    two = Quality.HALF_DIMINISHED if after.quality.minor_third else Quality.MINOR_7
    return _split(spans[i], Chord((after.root + 2) % 12, two), Chord((after.root + 7) % 12, Quality.DOMINANT_7), meter)


def _split(span: ChordSpan, first: Chord | None, second: Chord, meter: Meter) -> list[ChordSpan] | None:
    """Two chords for one, the second from the beat in the middle; None where there is no such beat."""
    half = Ticks(span.duration // 2 // meter.beat_ticks * meter.beat_ticks)
    if half < meter.beat_ticks:
        return None
    rest = Ticks(span.duration - half)
    return [replace(span, duration=half, chord=first), ChordSpan(Ticks(span.onset + half), rest, second)]


_BORROWED_IN_MAJOR: dict[int, tuple[int, Quality]] = {
    0: (0, Quality.MINOR),
    2: (2, Quality.HALF_DIMINISHED),
    4: (3, Quality.MAJOR),
    5: (5, Quality.MINOR),
    7: (10, Quality.MAJOR),
    9: (8, Quality.MAJOR),
}
_BORROWED_IN_MINOR: dict[int, tuple[int, Quality]] = {
    0: (0, Quality.MAJOR),
    2: (1, Quality.MAJOR),
    3: (9, Quality.HALF_DIMINISHED),
    5: (5, Quality.MAJOR),
    7: (7, Quality.SUS4),
    8: (1, Quality.MAJOR_7),
    10: (11, Quality.DIMINISHED_7),
}


def _borrowed(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The chord of the parallel key that has the same function."""
    chord = spans[i].chord
    table = _BORROWED_IN_MINOR if key.minor else _BORROWED_IN_MAJOR
    found = table.get((chord.root - key.tonic) % 12) if chord else None
    return [replace(spans[i], chord=Chord((key.tonic + found[0]) % 12, found[1]))] if found else None


def _suspended(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The third held back by a fourth."""
    chord = spans[i].chord
    if chord is None or chord.quality not in (Quality.MAJOR, Quality.DOMINANT_7):
        return None
    return [replace(spans[i], chord=Chord(chord.root, Quality.SUS4))]


def _relative(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The chord of the key a third below: two notes stay."""
    chord = spans[i].chord
    if chord is None or not chord.pitch_classes <= key.scale:
        return None
    down = next(step for step in (3, 4) if (chord.root - step) % 12 in key.scale)
    root = (chord.root - down) % 12
    quality = next((q for q in (Quality.MAJOR, Quality.MINOR) if Chord(root, q).pitch_classes <= key.scale), None)
    return [replace(spans[i], chord=Chord(root, quality))] if quality else None


def _tritone(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The dominant a half step above the chord that comes."""
    after = spans[(i + 1) % len(spans)].chord
    if after is None:
        return None
    return [replace(spans[i], chord=Chord((after.root + 1) % 12, Quality.DOMINANT_7))]


def _mediant(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """A major chord a third away from this one, out of the key."""
    chord = spans[i].chord
    if chord is None:
        return None
    roots = [(chord.root + step) % 12 for step in (4, 8, 3, 9)]
    away = [root for root in roots if (root + 4) % 12 not in key.scale or root not in key.scale]
    return [replace(spans[i], chord=Chord(away[0], Quality.MAJOR_7))] if away else None


def _passing_diminished(spans: list[ChordSpan], i: int, key: Key, meter: Meter) -> list[ChordSpan] | None:
    """The diminished seventh chord a half step below the chord that comes, in the second half."""
    after = spans[(i + 1) % len(spans)].chord
    if after is None:
        return None
    return _split(spans[i], spans[i].chord, Chord((after.root - 1) % 12, Quality.DIMINISHED_7), meter)


COLOURS = (
    Colour("relative", 0.1, _relative),
    Colour("suspended", 0.2, _suspended),
    Colour("dominant", 0.36, _secondary_dominant),
    Colour("two-five", 0.42, _two_five),
    Colour("borrowed", 0.45, _borrowed),
    Colour("diminished", 0.55, _passing_diminished),
    Colour("tritone", 0.7, _tritone),
    Colour("mediant", 0.85, _mediant),
)
"""From the usual to the far."""


def leaves(key: Key, spans: Sequence[ChordSpan]) -> bool:
    """Whether any chord has notes foreign to the key."""
    return any(span.chord and not span.chord.belongs_to(key) for span in spans)


def joined(spans: Sequence[ChordSpan]) -> tuple[ChordSpan, ...]:
    """Spans with neighbours of one chord made one."""
    found: list[ChordSpan] = []
    for span in spans:
        if found and found[-1].chord == span.chord and found[-1].end == span.onset:
            found[-1] = replace(found[-1], duration=Ticks(found[-1].duration + span.duration))
        else:
            found.append(span)
    return tuple(found)


def laid_out(meter: Meter, bars: int, per_bar: float) -> list[tuple[Ticks, Ticks]]:
    """Onset and duration of each place for a chord: `per_bar` is about how many fall in a bar (0.5, 1, 2)."""
    if per_bar < 0.75 and bars % 2 == 0:
        return [(Ticks(i * 2 * meter.bar_ticks), Ticks(2 * meter.bar_ticks)) for i in range(bars // 2)]
    if per_bar < 1.5 or meter.beats < 2:
        return [(meter.bar_start(i), meter.bar_ticks) for i in range(bars)]
    cut = Ticks((meter.beats + 1) // 2 * meter.beat_ticks)
    halves = ((Ticks(0), cut), (cut, Ticks(meter.bar_ticks - cut)))
    return [(Ticks(meter.bar_start(i) + on), length) for i in range(bars) for on, length in halves]
