"""Which chord sounds.

A chord explains a sound as far as the sound lies on its notes; what lies beside them costs, less where it is in the
key. The lowest note says most about the root, and habit in the key (`chord_habits`) decides what the notes leave
open. All of it is added up as log probabilities:

    score(chord) = sum over pitch classes of weight * log p(pitch class | chord)
                 + log p(bass | chord) + HABIT * log p(chord | key)

For a stretch of music each cell (a beat, or half a bar for a single line) is scored so, and a path through the cells is
found that explains them all while changing seldom, and rather on strong beats (Viterbi). A single line gets an implied
harmony the same way; with so little said, habit speaks louder.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import add

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, Quality
from jamlink.music.chord_habits import log_habits
from jamlink.music.key import Key
from jamlink.music.key_estimate import estimate_key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import TICKS_PER_QUARTER, Ticks


@dataclass(frozen=True, slots=True)
class ChordGuess:
    """A chord and how likely it is among all, 0 to 1."""

    chord: Chord
    confidence: float


@dataclass(frozen=True, slots=True)
class Ear:
    """How strongly each kind of evidence counts. Tuned on Lieder (CC0) against their published analyses."""

    member: tuple[float, ...] = (0.29, 0.27, 0.25, 0.19)
    """Share of sound expected on root, third, fifth and seventh; scaled up for triads."""
    in_key: float = 0.015
    """Share expected on a pitch class of the key that is not in the chord."""
    foreign: float = 0.006
    bass_is_root: float = 0.5
    bass_in_chord: float = 0.12
    bass_foreign: float = 0.015
    habit: float = 0.55
    change: float = 1.6
    """What a change of chord costs on the bar line, in the middle of the bar, and elsewhere."""
    change_mid_bar: float = 2.4
    change_off: float = 3.4
    evidence: float = 7.0
    """How much a full cell of sound weighs."""


CHORDAL = Ear()
LINE = Ear(in_key=0.02, habit=0.8, change=1.0, change_mid_bar=3.4, evidence=5.0)
"""For a single line: it says less, so habit decides more and the harmony moves by bars."""
HELD = Ear(in_key=0.02, bass_is_root=0.6, evidence=12.0)
"""For a chord under the fingers: no note passes there."""

_ROOTS = 6
"""How many roots are looked at for a bar; the right one is practically always among them."""

State = int
"""A chord without its bass: 14 * root + number of the quality."""
_STATES = tuple((root, quality) for root in range(12) for quality in QUALITIES)
_NO_BASS = 12


@dataclass(frozen=True, slots=True)
class _Lens:
    """What a key and an ear make of sound, worked out once: everything by state."""

    gains: tuple[tuple[tuple[int, float], ...], ...]
    """For each chord note its pitch class, and what its sound adds compared with being outside the chord."""
    needs: tuple[int, ...]
    """The notes (bits by pitch class) that must be heard before this quality is believed."""
    roots: tuple[int, ...]
    """All twelve, up from the tonic, so that equal fits are told apart in the same way in every key."""
    start: tuple[tuple[float, ...], ...]
    """What habit and bass say, before any sound: by the pitch class of the bass (12: no bass), then by state."""


@cache
def _lens(key: Key | None, ear: Ear) -> _Lens:
    outside = _outside_logs(key, ear)
    habits = log_habits(key) if key else {}
    tonic = key.tonic if key else 0
    habit = [ear.habit * habits.get(((root - tonic) % 12, quality), 0.0) for root, quality in _STATES]
    basses = [[_bass_log(low, root, quality, ear) for root, quality in _STATES] for low in range(12)]
    return _Lens(
        tuple(_gains(root, quality, outside, ear) for root, quality in _STATES),
        tuple(_needs(root, quality) for root, quality in _STATES),
        tuple((tonic + step) % 12 for step in range(12)),
        (*(tuple(map(add, habit, bass)) for bass in basses), tuple(habit)),
    )


def _outside_logs(key: Key | None, ear: Ear) -> tuple[float, ...]:
    """log p of each pitch class where it is not in the chord."""
    scale = set(key.scale) if key else set(range(12))
    if key and key.minor:
        scale.add((key.tonic + 11) % 12)
    return tuple(math.log(ear.in_key if pc in scale else ear.foreign) for pc in range(12))


def _gains(root: int, quality: Quality, outside: Sequence[float], ear: Ear) -> tuple[tuple[int, float], ...]:
    shares = ear.member[: len(quality.intervals)]
    inside = 1 - 7 * ear.in_key
    notes = [(root + interval) % 12 for interval in quality.intervals]
    return tuple(
        (pc, math.log(inside * share / sum(shares)) - outside[pc]) for pc, share in zip(notes, shares, strict=True)
    )


def _needs(root: int, quality: Quality) -> int:
    """A seventh or sixth, a suspension, an altered fifth: what makes the quality more than a plain triad."""
    plain = (0, 3, 4, 7)
    bits = 0
    for interval in quality.intervals:
        if interval not in plain:
            bits |= 1 << (root + interval) % 12
    return bits


def _bass_log(low: int, root: int, quality: Quality, ear: Ear) -> float:
    step = (low - root) % 12
    return math.log(
        ear.bass_is_root if step == 0 else ear.bass_in_chord if step in quality.intervals else ear.bass_foreign
    )


Scores = dict[State, float]
"""Log probability of each chord that was looked at, up to a constant."""


def _score(weights: Sequence[float], bass: int | None, states: Iterable[State], lens: _Lens) -> Scores:
    """Score `states` for a sound. `weights` by pitch class; `bass` is a pitch class."""
    gains, start = lens.gains, lens.start[_NO_BASS if bass is None else bass]
    return {s: start[s] + sum([weights[pc] * gain for pc, gain in gains[s]]) for s in states}


def _candidates(weights: Sequence[float], lens: _Lens) -> list[State]:
    """Chords worth looking at: roots that the sound fits best, qualities whose own note is heard."""
    heard = sum(1 << pc for pc in range(12) if weights[pc])
    fit = [
        weights[r]
        + max(weights[r - 9], weights[r - 8])
        + 0.9 * weights[r - 5]
        + 0.3 * max(weights[r - 2], weights[r - 6])
        for r in range(12)
    ]
    roots = sorted(lens.roots, key=fit.__getitem__, reverse=True)[:_ROOTS]
    return [s for root in roots for s in range(14 * root, 14 * root + 14) if not lens.needs[s] & ~heard]


def recognise_chord(sound: Mapping[int, float], key: Key | None = None) -> ChordGuess | None:
    """The chord of sounding pitches, each with a weight above 0 (how long or how loud); None without any.

    The lowest pitch is the bass. One or two pitches give a guess too, and a low confidence.
    """
    if not sound:
        return None
    weights = [0.0] * 12
    for pitch, weight in sound.items():
        weights[pitch % 12] += weight
    total = sum(weights)
    heard = min(1.0, len(sound) / 3)
    weights = [HELD.evidence * heard * weight / total for weight in weights]
    lens = _lens(key, HELD)
    scores = _score(weights, min(sound) % 12, _candidates(weights, lens), lens)
    state, best = max(scores.items(), key=lambda item: item[1])
    confidence = 1 / sum(math.exp(score - best) for score in scores.values())
    return ChordGuess(_named(state, min(sound) % 12), heard * confidence)


def _named(state: State, bass: int | None) -> Chord:
    """The chord, inverted where its own third, fifth or seventh is lowest."""
    root, quality = _STATES[state]
    inverted = bass is not None and (bass - root) % 12 in quality.intervals
    return Chord(root, quality, bass if inverted and bass is not None else root)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A stretch of time: what sounds in it, and what a change at its start costs."""

    weights: tuple[float, ...]
    bass: int | None
    cost: float


def chords_of(
    notes: Iterable[Note], meter: Meter, start: Ticks, end: Ticks, key: Key | None = None
) -> tuple[ChordSpan, ...]:
    """The harmony of [start, end), `start` being a bar line: spans without gaps; "no chord" where a bar is silent.

    Without a key, the one that the notes suggest is taken. A single line gets its implied harmony.
    """
    ordered = sorted(note for note in notes if note.end > start and note.onset < end)
    if not ordered or end <= start:
        return ()
    if key is None:
        estimate = estimate_key(ordered)
        key = estimate.key if estimate else None
    chordal = _is_chordal(ordered)
    ear = CHORDAL if chordal else LINE
    length = _cell_length(meter, chordal)
    edges = [*range(start, end, length), end]
    cells = _cells(ordered, edges, meter, chordal, ear)
    path = _best_path(_scored(cells, edges, meter, _lens(key, ear)), [cell.cost for cell in cells])
    return _spans(path, cells, edges, meter)


def _scored(cells: Sequence[_Cell], edges: Sequence[int], meter: Meter, lens: _Lens) -> list[Scores]:
    """Each cell's scores, over chords that its bar suggests; a silent bar keeps the chords of the bar before."""
    scored: list[Scores] = []
    states: list[State] = list(range(len(_STATES)))
    for _, bar in groupby(range(len(cells)), key=lambda i: (edges[i] - edges[0]) // meter.bar_ticks):
        members = [cells[i] for i in bar]
        weights = [sum(column) for column in zip(*(cell.weights for cell in members), strict=True)]
        if any(weights):
            states = _candidates(weights, lens)
        scored += [_score(cell.weights, cell.bass, states, lens) for cell in members]
    return scored


def _is_chordal(notes: Sequence[Note]) -> bool:
    """Whether more than a single line is played: a third of the sound lies under other sound."""
    overlap = total = 0
    latest = notes[0].onset
    for note in notes:
        total += note.duration
        overlap += max(0, min(latest, note.end) - note.onset)
        latest = max(latest, note.end)
    return overlap > total / 3


def _cell_length(meter: Meter, chordal: bool) -> int:
    """A felt beat; for a single line half a bar, or the whole one where it has no half."""
    if chordal:
        return meter.beat_ticks
    return meter.bar_ticks // 2 if meter.bar_ticks % 2 == 0 and meter.beats % 2 == 0 else meter.bar_ticks


def _cells(notes: Sequence[Note], edges: Sequence[int], meter: Meter, chordal: bool, ear: Ear) -> list[_Cell]:
    """Share the notes out to the cells between `edges`."""
    length = edges[1] - edges[0]
    last = len(edges) - 2
    sound = [[0.0] * 12 for _ in range(last + 1)]
    lows: list[tuple[int, int]] = [(128, 0)] * (last + 1)
    for note in notes:
        first = max(0, (note.onset - edges[0]) // length)
        for i in range(first, min(last, (note.end - 1 - edges[0]) // length) + 1):
            span = min(note.end, edges[i + 1]) - max(note.onset, edges[i])
            sound[i][note.pitch % 12] += span
            if 4 * (note.onset - edges[i]) <= length and 6 * span >= length:
                lows[i] = min(lows[i], (note.pitch, i))
    cells = []
    for i, weights in enumerate(sound):
        bass = lows[i][0] % 12 if chordal and lows[i][0] < 128 else None
        cells.append(_Cell(_evidence(weights, length, ear), bass, _change_cost(edges[i] - edges[0], meter, ear)))
    return cells


def _evidence(weights: Sequence[float], length: int, ear: Ear) -> tuple[float, ...]:
    """Weights that add up to `evidence` for a full cell, to less where little sounds."""
    total = sum(weights)
    if not total:
        return (0.0,) * 12
    beats = length / TICKS_PER_QUARTER
    full = min(1.0, total / length) * min(1.0, beats)
    return tuple(ear.evidence * full * weight / total for weight in weights)


def _change_cost(offset: int, meter: Meter, ear: Ear) -> float:
    inside = offset % meter.bar_ticks
    if inside == 0:
        return ear.change
    return ear.change_mid_bar if meter.beats % 2 == 0 and 2 * inside == meter.bar_ticks else ear.change_off


def _best_path(scores: Sequence[Scores], costs: Sequence[float]) -> list[State]:
    """The path that scores best: staying is free where the chord is still in question, changing costs."""
    best = dict(scores[0])
    backs: list[dict[State, State]] = []
    for cell, cost in zip(scores[1:], costs[1:], strict=True):
        top = max(best, key=best.__getitem__)
        leap = best[top] - cost
        back: dict[State, State] = {}
        new: Scores = {}
        for state, score in cell.items():
            stay = best.get(state, -math.inf)
            if stay >= leap:
                back[state], new[state] = state, stay + score
            else:
                back[state], new[state] = top, leap + score
        best = new
        backs.append(back)
    path = [max(best, key=best.__getitem__)]
    for back in reversed(backs):
        path.append(back[path[-1]])
    return path[::-1]


def _spans(path: Sequence[State], cells: Sequence[_Cell], edges: Sequence[int], meter: Meter) -> tuple[ChordSpan, ...]:
    """Join cells of one chord; bars without a sound have none."""
    silent = _silent_cells(cells, edges, meter)
    words = [None if silent[i] else path[i] for i in range(len(cells))]
    spans = []
    begin = 0
    for i in range(1, len(cells) + 1):
        if i == len(cells) or words[i] != words[begin]:
            word = words[begin]
            bass = next((cell.bass for cell in cells[begin:i] if cell.bass is not None), None)
            chord = None if word is None else _named(word, bass)
            spans.append(ChordSpan(Ticks(edges[begin]), Ticks(edges[i] - edges[begin]), chord))
            begin = i
    return tuple(spans)


def _silent_cells(cells: Sequence[_Cell], edges: Sequence[int], meter: Meter) -> list[bool]:
    """Which cells lie in a bar where nothing sounds."""
    bars = [(edge - edges[0]) // meter.bar_ticks for edge in edges[:-1]]
    sounding = {bar for bar, cell in zip(bars, cells, strict=True) if any(cell.weights)}
    return [bar not in sounding for bar in bars]
