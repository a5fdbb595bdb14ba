"""Harmony written by people as Roman numerals: RomanText (When in Rome) and **harm beside **kern (TAVERN).

Numerals are folded to the chords that jamlink counts: an augmented sixth is the dominant seventh it sounds like, a
cadential six-four the tonic over its fifth, ninths are sevenths. In minor, VI and VII stand on the low steps and vi and
vii on the high ones, whatever sign is written to be sure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.pitch import parse_pitch_class
from jamlink.timing.meter import Meter, parse_meter
from jamlink.timing.units import Ticks
from jamlink.training.read_kern import Kern, KernReader
from jamlink.training.tune import Bar, Score

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_STEPS = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}
_NUMERAL = re.compile(r"([b#\-]*)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(o|ø|%|\+|x)?([\dbcdmMDad#+\-]*)")
_SIXTH = re.compile(r"(Ger|Gn|Fr|It|Lt)(.*)")
_TONIC_OVER_FIFTH = re.compile(r"Cad(64)?|Cc")
_NEAPOLITAN = re.compile(r"N(.*)")
_INVERSIONS = {"6": 1, "63": 1, "64": 2, "65": 1, "43": 2, "42": 3, "2": 3, "b": 1, "c": 2, "d": 3}


def numeral(text: str, key: Key) -> Chord:
    """The chord of "viio65/V" in `key`. Raises `Nonsense` for what is no numeral."""
    plain = re.sub(r"\[.*?\]|\(.*?\)|[\s?]", "", text).replace("6/4", "64").replace("6/5", "65").replace("4/3", "43")
    head, slash, over = plain.partition("/")
    if slash:
        tonic = numeral(over, key)
        key = Key(tonic.root, tonic.quality.minor_third)
    if _TONIC_OVER_FIFTH.fullmatch(head):
        return Chord(key.tonic, Quality.MINOR if key.minor else Quality.MAJOR, (key.tonic + 7) % 12)
    if match := _SIXTH.fullmatch(head):
        return Chord((key.tonic + 8) % 12, Quality.DOMINANT_7)
    if match := _NEAPOLITAN.fullmatch(head):
        return _inverted((key.tonic + 1) % 12, Quality.MAJOR, match.group(1))
    match = _NUMERAL.fullmatch(head)
    if not match:
        raise Nonsense(f"{text!r} is no Roman numeral.")
    signs, step, mark, figures = match.groups()
    degree = _STEPS[step.upper()]
    root = (key.tonic + _height(degree, step.islower(), signs, key)) % 12
    seventh = ((_MINOR if key.minor else _MAJOR)[(degree + 6) % 7] + key.tonic - root) % 12
    return _inverted(root, _quality(step.islower(), mark or "", figures, seventh == 11), figures)


def _height(degree: int, small: bool, signs: str, key: Key) -> int:
    """Semitones of a step above the tonic."""
    raised = signs.count("#") - signs.count("b") - signs.count("-")
    if key.minor and degree >= 5:
        return _MAJOR[degree] if small or raised > 0 else _MINOR[degree]
    return (_MINOR if key.minor else _MAJOR)[degree] + raised


def _quality(small: bool, mark: str, figures: str, great_seventh: bool) -> Quality:
    seventh = bool(re.search(r"7|9|65|43|42|^2", figures))
    if mark == "o":
        if "m7" in figures:
            return Quality.HALF_DIMINISHED
        return Quality.DIMINISHED_7 if seventh else Quality.DIMINISHED
    if mark in ("ø", "%", "x"):
        return Quality.HALF_DIMINISHED
    if mark == "+":
        return Quality.DOMINANT_7 if seventh else Quality.AUGMENTED
    if figures == "54" or figures == "4":
        return Quality.SUS4
    if not seventh:
        return Quality.MINOR if small else Quality.MAJOR
    if "M7" in figures or (great_seventh and "m7" not in figures):
        return Quality.MINOR_MAJOR_7 if small else Quality.MAJOR_7
    return Quality.MINOR_7 if small else Quality.DOMINANT_7


def _inverted(root: int, quality: Quality, figures: str) -> Chord:
    """The chord with the bass its figures ask for: 65 and b have the third below, 42 and d the seventh."""
    letter = figures[-1:] if figures[-1:] in ("b", "c", "d") else ""
    digits = match.group() if (match := re.match(r"\d+", figures)) else ""
    place = _INVERSIONS.get(letter or digits, 0)
    intervals = quality.intervals
    return Chord(root, quality, (root + intervals[place]) % 12 if place < len(intervals) else root)


# -- RomanText ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """From a beat (from 1, as written) of a measure (as numbered) on, `chord` sounds; `key` is the key there."""

    measure: int
    beat: Fraction
    chord: Chord | None
    key: Key


@dataclass(slots=True)
class Analysis:
    """A RomanText file: what changes in which measure. `meters` are by the measure from which they count."""

    changes: list[Change] = field(default_factory=list)
    meters: dict[int, Meter] = field(default_factory=dict)
    slow: bool = False
    """Whether beats of a compound meter are its eighths."""
    last: int = 0
    """The last measure that is named."""

    def meter_at(self, measure: int) -> Meter:
        """The meter of a measure."""
        before = [at for at in self.meters if at <= measure]
        return self.meters[max(before)] if before else next(iter(self.meters.values()))

    def tick_in_bar(self, change: Change) -> int:
        """Where in its bar a change falls."""
        meter = self.meter_at(change.measure)
        unit = 480 if self.slow else meter.beat_ticks
        return int((change.beat - 1) * unit)


_MEASURE = re.compile(r"m(\d+)[a-z]?(?:-(\d+)[a-z]?)?\b\s*(.*)")
_COPY = re.compile(r"=\s*m(\d+)(?:-(\d+))?")
_KEY = re.compile(r"([A-Ga-g])(b+|#+|)(?::)")


def read_analysis(path: Path) -> Analysis:
    """Raises `Nonsense` for a file without numerals or with a meter we do not count."""
    found, key = Analysis(), Key(0)
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "time signature":
            _meter(found, value.strip().lower())
        elif (match := _MEASURE.match(line)) and "var" not in line.split()[0]:
            key = _measure(found, match, key)
    if not found.changes:
        raise Nonsense(f"{path.name} holds no numerals.")
    found.meters = found.meters or {0: Meter(4, 4)}
    return found


def _meter(found: Analysis, text: str) -> None:
    found.slow |= "slow" in text
    text = text.replace("slow", "").replace("fast", "").strip()
    found.meters[found.last + 1 if found.changes else 0] = parse_meter(
        {"c": "4/4", "c|": "2/2", "¢": "2/2"}.get(text, text)
    )


def _measure(found: Analysis, match: re.Match[str], key: Key) -> Key:
    """One line; the key it ends in."""
    first, last = int(match.group(1)), int(match.group(2) or match.group(1))
    found.last = max(found.last, last)
    if copied := _COPY.match(match.group(3)):
        source = int(copied.group(1))
        same = [c for c in found.changes if source <= c.measure <= source + last - first]
        found.changes += [Change(c.measure - source + first, c.beat, c.chord, c.key) for c in same]
        return same[-1].key if same else key
    beat = Fraction(1)
    for word in match.group(3).split():
        if named := _KEY.fullmatch(word):
            parsed = parse_pitch_class(named.group(1).upper() + named.group(2))
            key = Key(parsed[0], named.group(1).islower()) if parsed else key
        elif re.fullmatch(r"b\d+(\.\d+)?", word):
            beat = _beat(word[1:])
        elif word == "NC":
            found.changes.append(Change(first, beat, None, key))
        elif not set(word) <= set("|:") and not re.fullmatch(r"b\d.*|:?\|\|.*|\{|\}", word):
            found.changes.append(Change(first, beat, numeral(word, key), key))
    return key


def _beat(text: str) -> Fraction:
    """ "2.5", and "2.33" or "2.66" for thirds."""
    whole, _, part = text.partition(".")
    return int(whole) + {"33": Fraction(1, 3), "66": Fraction(2, 3), "67": Fraction(2, 3)}.get(
        part[:2], Fraction(f"0.{part or 0}")
    )


def spans_on(analysis: Analysis, bars: Sequence[Bar]) -> list[ChordSpan]:
    """The chords laid on the bars of the score, measure 1 being the first whole bar; ticks of the score."""
    first = 0 if bars and bars[0].meter and bars[0].length < bars[0].meter.bar_ticks else 1
    marks: list[tuple[int, Chord | None]] = []
    for change in analysis.changes:
        if 0 <= change.measure - first < len(bars):
            bar = bars[change.measure - first]
            lack = bar.meter.bar_ticks - bar.length if bar.meter and change.measure == 0 else 0
            marks.append((bar.start + max(0, analysis.tick_in_bar(change) - lack), change.chord))
    marks.sort(key=lambda mark: mark[0])
    end = bars[-1].start + bars[-1].length
    ends = [*(at for at, _ in marks[1:]), end]
    return [
        ChordSpan(Ticks(at), Ticks(until - at), chord)
        for (at, chord), until in zip(marks, ends, strict=True)
        if until > at
    ]


def chart_of(analysis: Analysis, name: str, style: str) -> Score:
    """The chords alone, on bars as long as their meters say."""
    bars, start = [], 0
    for measure in range(1, analysis.last + 1):
        meter = analysis.meter_at(measure)
        bars.append(Bar(start, meter.bar_ticks, meter, opens=measure == 1))
        start += meter.bar_ticks
    return Score(name, style, bars, chords=spans_on(analysis, bars), key=analysis.changes[0].key)


# -- **harm ------------------------------------------------------------------------------------------------------------


class _HarmReader(KernReader):
    """Reads the notes, and beside them the column of numerals, which stands left of them and never splits."""

    def __init__(self) -> None:
        super().__init__()
        self.column = -1
        self.tonality = Key(0)
        self.marks: list[tuple[int, Chord | None]] = []
        self.doubts = 0

    def line(self, line: str) -> None:
        if line.startswith("**"):
            self.column = [*line.split("\t"), "**harm"].index("**harm")
        super().line(line)
        tokens = line.split("\t")
        if not line or line.startswith(("!", "**", "=")) or len(tokens) <= self.column:
            return
        token = tokens[self.column]
        if match := re.fullmatch(r"\*([A-Ga-g][#\-]?):", token):
            parsed = parse_pitch_class(match.group(1).replace("-", "b"))
            self.tonality = Key(parsed[0], match.group(1)[0].islower()) if parsed else self.tonality
        elif not token.startswith("*") and token != ".":
            self._numeral(re.sub(r"^[\d%]+\.*", "", token))

    def _numeral(self, text: str) -> None:
        try:
            chord = None if text in ("r", "") else numeral(text, self.tonality)
        except Nonsense:
            self.doubts += 1
            chord = None
        self.marks.append((int(self.now * 3840), chord))


def read_harm(path: Path) -> tuple[Kern, list[ChordSpan]]:
    """The notes and the chords of one file. Raises `Nonsense` as `read_kern`, and for a file without numerals."""
    reader = _HarmReader()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        reader.line(line)
    reader.bar_line("=")
    if not any(reader.kern.parts) or not any(chord for _, chord in reader.marks):
        raise Nonsense(f"{path.name} holds no notes with numerals.")
    end = reader.kern.bars[-1].start + reader.kern.bars[-1].length
    marks = [*reader.marks, (end, None)]
    spans = [
        ChordSpan(Ticks(at), Ticks(until - at), chord) for (at, chord), (until, _) in pairwise(marks) if until > at
    ]
    return reader.kern, spans
