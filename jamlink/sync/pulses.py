"""Where a steady row of pulses falls: a line fitted over the recent ones.

    moment(n) = at + (n - number) * period

Two questions are kept apart.

*Which number has a pulse?* As long as the line foretells pulses well, the number of the nearest foretold one: then a
lost pulse leaves a gap, a doubled one is seen to be the same again, and nothing adds up over hours. Where several in a
row stand beside the line, its tempo has changed or it has slipped; then they are counted on from the last that stood on
it, as a receiver without a line would do, and the line begins anew with them.

*How long is the memory?* Jitter asks for a long one, a change of tempo for a short one. Lines over the last 12, 24, 48
... pulses are fitted, and the longest is taken that does not contradict a shorter one (intersection of confidence
intervals: A. Goldenshluger, A. Nemirovski, "On spatial adaptive estimation of nonparametric regression", 1997). Of two
nested least-squares lines over pulses that all lie on one, the difference has the variance of the shorter less that of
the longer, which is the measure of a contradiction here.

Figures of plain windows of fixed length, to compare with: 48 pulses with a deviation of 1 ms give a tempo within 0.13
bpm and a phase within 0.18 ms; after a step of tempo they need 1.75 beats. No clock is read here; moments come in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt

from jamlink.timing.units import Ns, ms

WINDOWS = (12, 24, 48, 96, 192, 384, 768)
"""In pulses; twelve are half a beat of MIDI clock."""
_SHORTEST = WINDOWS[0]
_RAW = 48
"""So many of the newest pulses are kept one by one, older ones as means of `_BLOCK`: nothing that counts is lost."""
_BLOCK = 12
_LOOK_EVERY = 6
"""The long windows are looked at anew after so many pulses."""
_CONTRADICTION = 5.5
"""In standard deviations; four hours are half a million looks at seven windows each."""
_LEAST_DOUBT = ms(0.02)
"""Below this lines do not contradict each other: timers and periods of drivers round."""
_OUTLIER = 4.0
_OUTLIER_SHARE = 0.2
"""A pulse this far from the line (in deviations, and at least in periods) does not stand on it."""
_YOUNG_SHARE = 0.5
"""The same for a line that has not found its own period yet."""
_CROWDED, _CROWDED_LOSSY = 1 / 12, 1 / 4
"""Where the jitter is more than this part of a period, a place says little: then pulses are counted. A row in which
pulses were lost or doubled lately is counted later, for its count says little, too."""
_LOSSY_FOR = 480
_HOLE, _HOLE_NOISE = 0.7, 4.0
"""A single gap so much longer or shorter than a period (in periods, and at least in deviations of a gap) between two
that are not: a pulse was lost, or doubled."""
_SLIPPED = 0.6
"""Where counted pulses stand so far off in the mean, in periods, one was lost or doubled."""
_SMOOTHING = 1 / 12
_NOISE_SMOOTHING = 1 / 16
_COUNTED = 6
"""As long as nothing is known of the tempo, so many pulses are counted as they come."""
_STRANGE, _STRANGE_SHARE = 2.5, 0.06
"""The last twelve are this far from the line (in deviations, and at least in periods): something has changed."""
_BETTER = 0.6
"""Counted, they stand on a line of their own by so much better."""
_IN_A_ROW, _STEADY, _STEADY_SHARE = 6, 1.5, 0.03
"""So many in a row that are this near to the line (in deviations, and in periods) certainly stand on it."""
_GROWN = 36
_REMEMBERED = 48
_FASTEST, _SLOWEST = ms(4), ms(250)
"""A row outside this is none: 10 to 625 quarters a minute."""
_DOUBLED = 0.2
"""A pulse nearer than this part of a period to the one before is the same again."""
_DOUBLED_YOUNG = ms(0.2)
"""The same while nothing is known of the jitter."""
_BETWEEN = 0.75
"""A young line may be this far off, in periods, before a pulse counts as lost rather than late."""


@dataclass(frozen=True, slots=True)
class Line:
    """Pulse `number` falls on `at` and the others follow, `period` ns each. `deviation` is the jitter found, in ns."""

    number: int
    at: float
    period: float
    deviation: float = 0.0

    def moment(self, number: float) -> float:
        """When pulse `number` is due, in ns."""
        return self.at + (number - self.number) * self.period

    def nearest(self, at: float) -> int:
        """The pulse due nearest to `at`."""
        return self.number + round((at - self.at) / self.period)


class Pulses:
    """Hears pulses and knows their line. One thread. `period` is what is expected before anything is heard, in ns;
    None where nothing is."""

    def __init__(self, period: float | None = None) -> None:
        self._expected = period
        self._raw: deque[tuple[int, float, int]] = deque()
        """(number, moment, weight), oldest first."""
        self._blocks: deque[tuple[float, float, int]] = deque(maxlen=WINDOWS[-1] // _BLOCK)
        self._arrivals: deque[_Arrival] = deque(maxlen=_REMEMBERED)
        self._line: Line | None = None
        self._left: Line | None = None
        """The line that was given up."""
        self._noise = 0.0
        self._off = 0.0
        """How far counted pulses stand off the line in the mean, in periods."""
        self._until_look = 0
        self._length, self._doubted = 0.0, False
        """How many pulses the line goes over; whether they contradicted it at the last look."""
        self._young = True
        self._came: deque[float] = deque(maxlen=4)
        self._lossy_until = 0
        """Pulses were lost or doubled not long before this number."""
        self._last = -1
        self.heard = 0
        """Pulses that stood on the line since it began."""

    @property
    def line(self) -> Line | None:
        """The line; None before anything is known of the period. The old one, until a new one has been found."""
        return self._line or self._left

    @property
    def last(self) -> int:
        """The number of the newest pulse; -1 before the first."""
        return self._last

    @property
    def counted(self) -> int:
        """The number of the newest pulse where those beside the line are counted, too: as long as nobody knows whether
        a tempo has changed or pulses were lost, hosts go by the count."""
        if self._line is None or not self._arrivals:
            return self._last
        arrivals = list(self._arrivals)
        return _number_at(len(arrivals) - 1, arrivals, self._last, self._steady(self._line))

    def _steady(self, line: Line) -> float:
        return _STEADY * self._noise + _STEADY_SHARE * line.period

    def hear(self, at: Ns) -> None:
        """Take a pulse in. One that is the same again, or stands beside the line, does not move it."""
        line = self._line
        if line is not None:
            self._watch_for_holes(at, line)
        if not self._raw:
            self._begin_with(0, at)
        elif line is None:
            self._count(at)
        elif not self._is_again(line, at):
            number = self._number(line, at)
            if abs(at - line.moment(number)) > self._tolerance(line) or number <= self.last:
                self._last += self._is_crowded(line)
                self._arrivals.append(_Arrival(at, None, 0, at - line.moment(number)))
            else:
                self._arrivals.append(_Arrival(at, number, number - self.last, at - line.moment(number)))
                self._take(number, at)
            self._challenge(line)
            self._grow_up(line)

    def begin_at(self, at: Ns) -> None:
        """This pulse certainly is one; where it stands beside the line, the line begins anew with it and keeps its
        period."""
        line, before, heard = self._line, self.last, self.heard
        if line is None or abs(at - line.moment(line.nearest(at))) <= self._tolerance(line):
            self.hear(at)
        if self.heard != heard + 1:
            self._forget(line.period if line else None)
            self._take(before + 1, at)
            self._young = True
        self._arrivals.clear()  # what comes is counted from here
        self._arrivals.append(_Arrival(at, self.last, 1, 0.0))

    def _begin_with(self, number: int, at: Ns) -> None:
        self._take(number, at)
        self._arrivals.append(_Arrival(at, number, 1, 0.0))

    def _tolerance(self, line: Line) -> float:
        share = _OUTLIER_SHARE if self.heard >= _SHORTEST else _YOUNG_SHARE
        return max(_OUTLIER * self._noise, share * line.period)

    def _is_again(self, line: Line, at: float) -> bool:
        if self._is_crowded(line):
            return False
        return at - self._raw[-1][1] < (_DOUBLED * line.period if self._noise else _DOUBLED_YOUNG)

    def _watch_for_holes(self, at: float, line: Line) -> None:
        self._came.append(at)
        if len(self._came) < 4 or not self._noise:
            return
        before, gap, after = ((b - a) / line.period for a, b in pairwise(self._came))
        room = max(_HOLE, _HOLE_NOISE * sqrt(2) * self._noise / line.period)
        if abs(gap - 1) > room and abs(before - 1) < room and abs(after - 1) < room:
            self._lossy_until = self._last + _LOSSY_FOR

    def _grow_up(self, line: Line) -> None:
        """At the start nothing is known of the jitter; where it turns out to be large, the places of the first pulses
        said nothing, and they are counted after all."""
        if not self._young or len(self._arrivals) < _GROWN:
            return
        self._young = False
        if self._is_crowded(line) and (first := self._arrivals[0].number) is not None:
            self._count_on(first - 1, list(self._arrivals))

    def _is_crowded(self, line: Line) -> bool:
        lossy = self._last < self._lossy_until
        return self._noise >= (_CROWDED_LOSSY if lossy else _CROWDED) * line.period

    def _number(self, line: Line, at: float) -> int:
        """The number of the pulse at `at`."""
        counted = self.last + 1
        off = (at - line.moment(counted)) / line.period
        if self._is_crowded(line):
            return counted + self._slipped(off)
        return counted if self.heard < _RAW and abs(off) < _BETWEEN else line.nearest(at)

    def _slipped(self, off: float) -> int:
        """By how many counting has been off in the mean for a while; then the last ones are numbered anew."""
        self._off += _SMOOTHING * (off - self._off)
        if abs(self._off) < _SLIPPED:
            return 0
        slip, self._off = (1 if self._off > 0 else -1), 0.0
        latest = [self._raw.pop() for _ in range(min(_SHORTEST, len(self._raw) - 1))]
        self._raw.extend((number + slip, at, weight) for number, at, weight in reversed(latest))
        self._look()
        return slip

    def _take(self, number: int, at: float) -> None:
        self._raw.append((number, at, 1))
        self._last = number
        self.heard += 1
        if len(self._raw) > _RAW + _BLOCK:
            self._fold()
        if self.heard < _SHORTEST:
            self._line = self._fit_few()
            return
        self._until_look -= 1
        if self._until_look <= 0:
            self._until_look = _LOOK_EVERY if self.heard > _RAW else 1
            self._look()

    def _look(self) -> None:
        """Fit the line anew, and what is known of the jitter."""
        found, length = _longest(self._newest_first(), self._noise)
        if 2 * length < self._length and self._length >= _RAW and not self._doubted:
            self._doubted = True  # by chance that comes about once in hours; a change is there at the next look, too
            return
        self._length, self._doubted = length, False
        if not _FASTEST < found.period < _SLOWEST:
            self._forget(None)
            return
        weight = _NOISE_SMOOTHING if self._noise and self.heard > _RAW else 1.0
        self._noise += weight * (found.deviation - self._noise)
        self._line = found

    def _fold(self) -> None:
        """The oldest pulses become one point, their mean."""
        block = [self._raw.popleft() for _ in range(_BLOCK)]
        first = block[0][1]
        mean = first + sum(at - first for _, at, _ in block) / _BLOCK
        self._blocks.append((sum(number for number, _, _ in block) / _BLOCK, mean, _BLOCK))

    def _newest_first(self) -> Iterator[tuple[float, float, int]]:
        yield from reversed(self._raw)
        yield from reversed(self._blocks)

    def _fit_few(self) -> Line | None:
        """The line while there are few pulses: with the period expected, where there is one."""
        if self._expected is None:
            found = _last_fit(self._newest_first()) if self.heard >= _COUNTED else None
            return found if found and _FASTEST < found.period < _SLOWEST else None
        number, at, _ = self._raw[-1]
        late = sum(t - at + (number - n) * self._expected for n, t, _ in self._raw) / len(self._raw)
        return Line(number, at + late, self._expected)

    def _count(self, at: Ns) -> None:
        """Nothing is known yet: the next pulse has the next number, unless it is the same again."""
        if at - self._raw[-1][1] >= _DOUBLED_YOUNG:
            self._begin_with(self.last + 1, at)

    def _challenge(self, line: Line) -> None:
        """Whether the last ones, simply counted, stand on a line of their own far better than on this one."""
        arrivals = list(self._arrivals)
        latest = arrivals[-_SHORTEST:]
        if len(latest) < _SHORTEST:
            return
        off = sqrt(sum(arrival.off**2 for arrival in latest) / _SHORTEST)
        if off > max(_STRANGE * self._noise, _STRANGE_SHARE * line.period):
            other = _last_fit([(i, latest[i].at, 1) for i in reversed(range(_SHORTEST))])
            if other.deviation < _BETTER * off and _FASTEST < other.period < _SLOWEST:
                self._begin_anew(arrivals, other)
        elif len({arrival.gap for arrival in latest}) == 1 and latest[0].gap > 1:  # slower, and nothing was lost
            self._count_on(self.last - sum(arrival.gap for arrival in latest), latest)

    def _begin_anew(self, arrivals: Sequence[_Arrival], line: Line) -> None:
        """The row goes along `line`, on which the newest of `arrivals` stand, from the first that does."""
        room = max(_OUTLIER * line.deviation, _STRANGE_SHARE * line.period)
        newest = len(arrivals) - 1
        first = newest - _SHORTEST + 1
        while first and abs(arrivals[first - 1].at - line.moment(line.number - newest + first - 1)) <= room:
            first -= 1
        before = _number_at(first, arrivals, self.last, self._steady(line)) - 1
        self._count_on(before, arrivals[first:])

    def _count_on(self, before: int, counted: Sequence[_Arrival]) -> None:
        """A new line, with these pulses counted on from number `before`."""
        self._forget(None)
        for number, arrival in enumerate(counted, before + 1):
            self._take(number, arrival.at)
        if (line := self._line) is not None:
            for number, arrival in enumerate(counted, before + 1):
                self._arrivals.append(_Arrival(arrival.at, number, 1, arrival.at - line.moment(number)))

    def _forget(self, period: float | None) -> None:
        self._expected, self._left = period, self._line or self._left
        self._raw.clear()
        self._blocks.clear()
        self._arrivals.clear()
        self._line = None
        self._off = 0.0
        self.heard = self._until_look = 0


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A pulse as it came; `number` is None where it stood beside the line, `gap` how far from the one before."""

    at: Ns
    number: int | None
    gap: int
    off: float
    """How far from where its line foretold it, in ns."""


def _number_at(place: int, arrivals: Sequence[_Arrival], last: int, room: float) -> int:
    """The number of the arrival in `place`, counted on from the nearest before it where several in a row stood on their
    line within `room`, which those of a tempo that is changing do not; `last` is the number of the newest where none
    has a number."""
    steady = (i for i in range(place, _IN_A_ROW - 2, -1) if _are_steady(arrivals[i - _IN_A_ROW + 1 : i + 1], room))
    first = (i for i, arrival in enumerate(arrivals) if arrival.number is not None)
    sure = next(steady, next(first, None))
    return last - len(arrivals) + 1 + place if sure is None else (arrivals[sure].number or 0) + place - sure


def _are_steady(arrivals: Sequence[_Arrival], room: float) -> bool:
    mean = sum(arrival.off**2 for arrival in arrivals) / _IN_A_ROW
    return mean <= room**2 and all(arrival.number is not None for arrival in arrivals)


@dataclass(slots=True)
class _Sums:
    """Sums for a weighted least-squares line, relative to the newest point."""

    weight: float = 0.0
    x: float = 0.0
    t: float = 0.0
    xx: float = 0.0
    xt: float = 0.0
    tt: float = 0.0

    def add(self, x: float, t: float, weight: float) -> None:
        self.weight += weight
        self.x += weight * x
        self.t += weight * t
        self.xx += weight * x * x
        self.xt += weight * x * t
        self.tt += weight * t * t

    def solved(self) -> tuple[float, float, float, float]:
        """The value at x = 0, the slope, the deviation of the points, and the variance of x."""
        n = self.weight
        spread = self.xx - self.x * self.x / n
        slope = (self.xt - self.x * self.t / n) / spread
        left = self.tt - self.t * self.t / n - slope * slope * spread
        return (self.t - slope * self.x) / n, slope, sqrt(max(left, 0.0) / max(n - 2, 1)), spread


def _last_fit(newest_first: Iterable[tuple[float, float, int]]) -> Line:
    """The line over all these."""
    points = list(newest_first)
    number, at, _ = points[0]
    sums = _Sums()
    for n, t, weight in points:
        sums.add(n - number, t - at, weight)
    value, slope, deviation, _ = sums.solved()
    return Line(int(number), at + value, slope, deviation)


def _longest(newest_first: Iterable[tuple[float, float, int]], noise: float) -> tuple[Line, float]:
    """The line over the longest window that contradicts no shorter one, and the pulses in it; `noise` is the jitter as
    known so far."""
    points = iter(newest_first)
    first = next(points)
    number, at, _ = first
    sums, found = _Sums(), _Nested(noise)
    sums.add(0.0, 0.0, first[2])
    milestones = iter(WINDOWS)
    milestone: float = next(milestones)
    for n, t, weight in points:
        sums.add(n - number, t - at, weight)
        if sums.weight >= milestone:
            if not found.goes_along(sums):
                break
            milestone = next(milestones, inf)
    return Line(int(number), at + found.value, found.slope, found.deviation), found.length


class _Nested:
    """The fits of the windows so far: what each shorter one allows."""

    def __init__(self, noise: float) -> None:
        self.value = self.slope = self.deviation = self.length = 0.0
        self._noise = noise
        self._fits: list[tuple[float, float, float, float]] = []

    def goes_along(self, sums: _Sums) -> bool:
        """Whether the line of `sums` contradicts no shorter one; then it is the one found."""
        value, slope, deviation, spread = sums.solved()
        doubt = max(self._noise, deviation if not self._noise else 0.0) ** 2
        mean = sums.x / sums.weight
        of_value, of_slope = doubt * (1 / sums.weight + mean * mean / spread), doubt / spread
        for shorter, shorter_slope, value_doubt, slope_doubt in self._fits:
            room = _CONTRADICTION * sqrt(max(value_doubt - of_value, 0.0)) + _LEAST_DOUBT
            slope_room = _CONTRADICTION * sqrt(max(slope_doubt - of_slope, 0.0)) + _LEAST_DOUBT / _SHORTEST
            if abs(value - shorter) > room or abs(slope - shorter_slope) > slope_room:
                return False
        self._fits.append((value, slope, of_value, of_slope))
        self.value, self.slope, self.length = value, slope, sums.weight
        if sums.weight <= _RAW:  # beyond, means hide the jitter of single pulses
            self.deviation = deviation
        return True
