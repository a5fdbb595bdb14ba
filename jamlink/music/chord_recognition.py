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
    """How strongly each kind of evidence counts; the defaults were tuned on songs that no test uses."""

    member: tuple[float, ...] = (0.34, 0.28, 0.22, 0.16)
    """Share of sound expected on root, third, fifth and seventh; scaled up for triads."""
    in_key: float = 0.03
    """Share expected on a pitch class of the key that is not in the chord."""
    foreign: float = 0.006
    bass_is_root: float = 0.62
    bass_in_chord: float = 0.12
    bass_foreign: float = 0.015
    habit: float = 0.55
    change: float = 1.6
    """What a change of chord costs on the bar line."""
    change_mid_bar: float = 2.4
    change_off: float = 3.4
    evidence: float = 5.0
    """How much a full cell of sound weighs."""
    held_evidence: float = 12.0
    """How much a chord under the fingers weighs: nothing passes there."""


EAR = Ear()
_CANDIDATES = 5
"""Roots that are looked at for a cell; the right one is practically always among them."""


@cache
def _member_logs(ear: Ear, quality: Quality) -> tuple[float, ...]:
    """log p of each chord note, root first."""
    shares = ear.member[: len(quality.intervals)]
    inside = 1 - 7 * ear.in_key
    return tuple(math.log(inside * share / sum(shares)) for share in shares)


@cache
def _outside_logs(ear: Ear, key: Key | None) -> tuple[float, ...]:
    """log p of each pitch class where it is not in the chord."""
    scale = key.scale if key else frozenset(range(12))
    leading = {(key.tonic + 11) % 12} if key and key.minor else set()
    return tuple(math.log(ear.in_key if pc in scale or pc in leading else ear.foreign) for pc in range(12))


@cache
def _bass_logs(ear: Ear) -> tuple[tuple[float, ...], ...]:
    """log p(bass | chord), by quality number and semitones from the root to the bass."""
    return tuple(
        tuple(
            math.log(ear.bass_is_root if step == 0 else ear.bass_in_chord if step in q.intervals else ear.bass_foreign)
            for step in range(12)
        )
        for q in QUALITIES
    )


Scores = dict[tuple[int, int], float]
"""Log probability by (root, quality number), up to a constant."""


def _scores(weights: Sequence[float], bass: int | None, key: Key | None, ear: Ear) -> Scores:
    """Score the likely chords for a sound. `weights` by pitch class; `bass` is a pitch class."""
    outside = _outside_logs(ear, key)
    habits = log_habits(key) if key else None
    found: Scores = {}
    for root in _likely_roots(weights, bass):
        degree = (root - key.tonic) % 12 if key else 0
        for number, quality in enumerate(QUALITIES):
            score = 0.0
            for interval, log in zip(quality.intervals, _member_logs(ear, quality), strict=True):
                pc = (root + interval) % 12
                if weights[pc]:
                    score += weights[pc] * (log - outside[pc])
            if bass is not None:
                score += _bass_logs(ear)[number][(bass - root) % 12]
            if habits:
                score += ear.habit * habits[degree, quality]
            found[root, number] = score
    return found


def _likely_roots(weights: Sequence[float], bass: int | None) -> list[int]:
    """Roots whose fifth, third and own note are heard most."""
    fit = [
        weights[r] + max(weights[(r + 3) % 12], weights[(r + 4) % 12]) + 0.9 * weights[(r + 7) % 12]
        + 0.3 * max(weights[(r + 10) % 12], weights[(r + 11) % 12], weights[(r + 6) % 12])
        for r in range(12)
    ]  # fmt: skip
    best = sorted(range(12), key=fit.__getitem__, reverse=True)[:_CANDIDATES]
    return best if bass is None or bass in best else [*best, bass]


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
    weights = [EAR.held_evidence * heard * weight / total for weight in weights]
    scores = _scores(weights, min(sound) % 12, key, EAR)
    (root, number), best = max(scores.items(), key=lambda item: item[1])
    confidence = 1 / sum(math.exp(score - best) for score in scores.values())
    return ChordGuess(_named(root, number, min(sound) % 12), heard * confidence)


def _named(root: int, number: int, bass: int | None) -> Chord:
    """The chord, inverted where its own third, fifth or seventh is lowest."""
    quality = QUALITIES[number]
    inverted = bass is not None and (bass - root) % 12 in quality.intervals
    return Chord(root, quality, bass if inverted and bass is not None else root)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A stretch of time: what sounds in it, and what a change at its start costs."""

    weights: tuple[float, ...]
    bass: int | None
    cost: float


def chords_of(
    notes: Iterable[Note], meter: Meter, start: Ticks, end: Ticks, key: Key | None = None, ear: Ear = EAR
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
    length = _cell_length(meter, chordal)
    edges = [*range(start, end, length), end]
    cells = _cells(ordered, edges, meter, chordal, ear)
    path = _best_path([_scores(cell.weights, cell.bass, key, ear) for cell in cells], [cell.cost for cell in cells])
    return _spans(path, cells, edges, meter)


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


def _best_path(scores: Sequence[Scores], costs: Sequence[float]) -> list[tuple[int, int]]:
    """The path that scores best: staying is free, changing costs. Chords a cell did not look at get its worst score."""
    best = dict(scores[0])
    backs: list[dict[tuple[int, int], tuple[int, int]]] = []
    for cell, cost in zip(scores[1:], costs[1:], strict=True):
        top = max(best, key=best.__getitem__)
        leap = best[top] - cost
        floor = min(cell.values())
        back: dict[tuple[int, int], tuple[int, int]] = {}
        new: Scores = {}
        for chord in cell.keys() | best.keys():
            stay = best.get(chord, -math.inf)
            back[chord] = chord if stay >= leap else top
            new[chord] = max(stay, leap) + cell.get(chord, floor)
        best = new
        backs.append(back)
    path = [max(best, key=best.__getitem__)]
    for back in reversed(backs):
        path.append(back[path[-1]])
    return path[::-1]


def _spans(
    path: Sequence[tuple[int, int]], cells: Sequence[_Cell], edges: Sequence[int], meter: Meter
) -> tuple[ChordSpan, ...]:
    """Join cells of one chord; bars without a sound have none."""
    silent = _silent_cells(cells, edges, meter)
    words = [None if silent[i] else path[i] for i in range(len(cells))]
    spans = []
    begin = 0
    for i in range(1, len(cells) + 1):
        if i == len(cells) or words[i] != words[begin]:
            word = words[begin]
            bass = next((cell.bass for cell in cells[begin:i] if cell.bass is not None), None)
            chord = _named(*word, bass) if word else None
            spans.append(ChordSpan(Ticks(edges[begin]), Ticks(edges[i] - edges[begin]), chord))
            begin = i
    return tuple(spans)


def _silent_cells(cells: Sequence[_Cell], edges: Sequence[int], meter: Meter) -> list[bool]:
    """Which cells lie in a bar where nothing sounds."""
    bars = [(edge - edges[0]) // meter.bar_ticks for edge in edges[:-1]]
    sounding = {bar for bar, cell in zip(bars, cells, strict=True) if any(cell.weights)}
    return [bar not in sounding for bar in bars]
