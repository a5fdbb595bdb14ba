"""Ideas from what usually follows what: chord changes counted over a thousand songs, moves of the player's line.

The chords go on from the last ones with a variable-order chain (`markov_table`): safe drafts keep to the likeliest
changes, bold ones even the chances out. They change as often as the player changes them, and where nobody has yet, as
songs do. The melody goes on from the player's own line with a memory learnt on the spot
(`jamlink.music.continuation`), fitted to the chords; where it answers, it begins with the player's last motif, moved,
turned or varied. Where the player has not sung yet, it takes the plain motifs that the rules use.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from jamlink.music.chord import QUALITIES, Chord, ChordSpan, Quality
from jamlink.music.continuation import LONGEST, Memory, continued
from jamlink.music.harmony import joined, laid_out, light
from jamlink.music.motif import Wish, sketch, step_of
from jamlink.proposers.arrange import (
    arranged,
    boldness_of,
    chords_a_bar,
    dice_for,
    drafts_for,
    manner_of,
    suits,
)
from jamlink.proposers.base import Cancelled
from jamlink.proposers.critics import rank
from jamlink.proposers.markov_table import LONGEST_PAST, MarkovTable, load_published
from jamlink.proposers.scene import Scene
from jamlink.resources import data_folder
from jamlink.session.proposal import Candidate, ProposalRequest, Role
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

_SAFE, _BOLD = 0.45, 2.2
"""Temperatures of the safest and the boldest draft; 1 keeps the counted chances."""
_MOST = 40
"""Of the changes that were ever seen so many are considered; even the boldest would hardly take another."""
_TRIES, _HOTTER = 4, 1.6
"""How often a walk is tried again that came out like another, and how much hotter each time."""
_HOME_OR_AWAY = 2.0
"""How much gladlier a slot ends on tonic or dominant."""
_STEADY, _LOOSE = 5.0, 1.5
"""How strongly the safest and the boldest draft keep to the length of chords that is wanted."""
_FEWEST_LENGTHS = 300
"""Fewer chords than this tell nothing about how long chords last in a meter."""

Place = tuple[Ticks, Ticks]
"""Onset and duration of a chord."""


class MarkovProposer:
    """See the module. Any thread; keeps nothing but its table.

    Raises `Nonsense` or `Unavailable` with the remedy where the table is broken or missing.
    """

    name = "markov"

    def __init__(self, table: MarkovTable | None = None) -> None:
        self._table = table or load_published(data_folder("models") / "markov")

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """As `Proposer.propose`: nothing when cancelled, else up to request.count ideas."""
        scene = Scene.of(request)
        memory = Memory.of(scene.line, scene.key, scene.meter)
        walks = _Walks(self._table, scene)
        count = drafts_for(request.count)
        drafts: list[Candidate] = []
        for i in range(count):
            if cancelled():
                return []
            drafts.append(_draft(scene, walks, memory, i, count))
        return rank(drafts, request, scene)


def _draft(scene: Scene, walks: _Walks, memory: Memory | None, i: int, count: int) -> Candidate:
    """One idea."""
    dice = dice_for(scene, i)
    boldness = boldness_of(scene.request.controls, i, count)
    settled = scene.under if Role.CHORDS not in scene.request.roles else ()
    spans = settled or walks.another(boldness, dice)
    wishes = _line(scene, memory, spans, boldness, dice) if memory and Role.MELODY in scene.request.roles else ()
    return arranged(scene, spans, boldness, dice, MarkovProposer.name, wishes)


class _Walks:
    """Walks along the chain for one request, each on a way of its own as long as there are others."""

    def __init__(self, table: MarkovTable, scene: Scene) -> None:
        request = scene.request
        self._table, self._scene, self._key = table, scene, scene.key
        self._light = {quality: light(quality, request.controls.brightness) for quality in QUALITIES}
        self._wanted = scene.meter.beats / chords_a_bar(scene) * 2 ** (0.5 - request.controls.drive)
        self._past = _changes(request.context.chords)
        self._taken = {tuple(_changes(idea.chords)) for idea in request.avoid}
        self._recalled: dict[tuple[Place, tuple[Chord, ...]], list[tuple[Chord, float, float]]] = {}

    def another(self, boldness: float, dice: random.Random) -> tuple[ChordSpan, ...]:
        """The chords of a draft; hotter, where it comes out like one before it."""
        heat, places = temperature(boldness), self._places(boldness, dice)
        for _ in range(_TRIES):
            path = self._walk(places, heat, dice)
            if tuple(path) not in self._taken:
                break
            heat *= _HOTTER
        self._taken.add(tuple(path))
        return joined([ChordSpan(on, length, chord) for (on, length), chord in zip(places, path, strict=True)])

    def _places(self, boldness: float, dice: random.Random) -> list[Place]:
        """Chords come as often as the player changes them; who has played none gets the lengths of songs."""
        scene = self._scene
        meter, bars = scene.meter, scene.request.slot.bars
        counts = self._table.lengths.get(meter.beats, {})
        if scene.last or sum(counts.values()) < _FEWEST_LENGTHS:
            return laid_out(meter, bars, chords_a_bar(scene))
        return rhythm(counts, meter, bars, self._wanted, boldness, dice)

    def _walk(self, places: Sequence[Place], heat: float, dice: random.Random) -> list[Chord]:
        path = list(self._past)
        suit = suits(self._scene, places)
        for i, place in enumerate(places):
            known = self._after(path, i, place, suit)
            weights = [p ** (1 / heat) * taste for _, p, taste in known]
            path.append(dice.choices(known, weights)[0][0])
        return path[len(self._past) :]

    def _after(
        self, path: Sequence[Chord], i: int, place: Place, suit: Callable[[int, Chord], float]
    ) -> list[tuple[Chord, float, float]]:
        """What may come after `path` at place i: chords, their chances, and what else speaks for them as a factor."""
        past = tuple(path[-LONGEST_PAST:])
        found = self._recalled.get((place, past))
        if found is None:
            found = [(chord, p, suit(i, chord) * self._taste(place, chord)) for chord, p in self._chances(past)]
            self._recalled[place, past] = found
        return found

    def _chances(self, past: Sequence[Chord]) -> list[tuple[Chord, float]]:
        """The likeliest chords after `past`; of a locked key alone, where nothing else ever followed its usual ones."""
        locked = self._scene.request.key
        if locked is None:
            return self._table.chances(past, self._key)[:_MOST]
        for known in (past, ()):
            kept = [pair for pair in self._table.chances(known, self._key) if pair[0].belongs_to(locked)]
            if kept:
                return kept[:_MOST]
        return [(Chord(locked.tonic, Quality.MINOR if locked.minor else Quality.MAJOR), 1.0)]

    def _taste(self, place: Place, chord: Chord) -> float:
        """What speaks for a chord besides habit and what was played there: the light wanted, a good end."""
        factor = self._light[chord.quality]
        last = sum(place) == self._scene.request.slot.length
        ends = last and (chord.root - self._key.tonic) % 12 in (0, 7)
        return factor * _HOME_OR_AWAY if ends else factor


def rhythm(
    counts: Mapping[int, int], meter: Meter, bars: int, wanted: float, boldness: float, dice: random.Random
) -> list[Place]:
    """Where chords change in `bars` bars: lengths in beats from `counts`, leaning to `wanted`, the more the safer.

    What begins inside a bar ends with it at the latest, and what outlasts a bar lasts whole bars.
    """
    steady = _STEADY + (_LOOSE - _STEADY) * boldness
    weights = {n: count * math.exp(-steady * math.log(n / wanted) ** 2) for n, count in counts.items()}
    beats, places, at = meter.beats, list[Place](), 0
    while at < bars * beats:
        inside = at % beats
        room = beats - inside if inside else bars * beats - at
        fits = [n for n in weights if n <= room and (n < beats or n % beats == 0)]
        chances = [weights[n] for n in fits]
        length = dice.choices(fits, chances)[0] if any(chances) else min(room, beats)
        places.append((Ticks(at * meter.beat_ticks), Ticks(length * meter.beat_ticks)))
        at += length
    return places


def temperature(boldness: float) -> float:
    """How far the chances are evened out, from keeping to the likeliest to nearly any change that ever was."""
    return float(_SAFE * (_BOLD / _SAFE) ** boldness)


def _changes(spans: Sequence[ChordSpan]) -> list[Chord]:
    """The chords of the past without inversions, none twice on end."""
    found: list[Chord] = []
    for span in spans:
        if span.chord and (not found or (span.chord.root, span.chord.quality) != (found[-1].root, found[-1].quality)):
            found.append(Chord(span.chord.root, span.chord.quality))
    return found


def _line(scene: Scene, memory: Memory, spans: Sequence[ChordSpan], boldness: float, dice: random.Random) -> list[Wish]:
    """The player's line gone on with, true to it where safe, freer where bold; behind an answer if one is asked for."""
    longest = max(1, round(LONGEST * (1 - boldness) + 0.5))
    manner, length = manner_of(scene, boldness), scene.request.slot.length
    if not (scene.request.answer and scene.motifs):
        return continued(memory, length, scene.key, manner.centre, longest, dice)
    answer = sketch(scene.motifs[:1], 1, spans, scene.meter, scene.key, manner, True, dice)
    bar = scene.meter.bar_ticks
    memory = replace(memory, step=step_of(round(answer[-1].pitch), scene.key), onset=answer[-1].onset)
    rest = continued(memory, length - bar, scene.key, manner.centre, longest, dice)
    return answer + [replace(wish, onset=wish.onset + bar) for wish in rest]
