"""Ideas from what usually follows what: chord changes counted over a thousand songs, moves of the player's line.

The chords go on from the last ones with a variable-order chain (`markov_table`): safe drafts keep to the likeliest
changes, bold ones even the chances out. The melody goes on from the player's own line with a memory learnt on the spot
(`jamlink.music.continuation`), fitted to the chords. Where the player has not sung yet, it takes the plain motifs that
the rules use.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.continuation import LONGEST, Memory, continued
from jamlink.music.harmony import joined, laid_out, light
from jamlink.music.motif import Wish
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
from jamlink.proposers.markov_table import LONGEST_PAST, MarkovTable, load
from jamlink.proposers.scene import Scene
from jamlink.resources import data_folder
from jamlink.session.proposal import Candidate, ProposalRequest, Role

_SAFE, _BOLD = 0.45, 2.2
"""Temperatures of the safest and the boldest draft; 1 keeps the counted chances."""
_MOST = 40
"""Of the changes that were ever seen so many are considered; even the boldest would hardly take another."""
_TRIES, _HOTTER = 4, 1.6
"""How often a walk is tried again that came out like another, and how much hotter each time."""
_HOME_OR_AWAY = 2.0
"""How much gladlier a slot ends on tonic or dominant."""


class MarkovProposer:
    """See the module. Any thread; keeps nothing but its table.

    Raises `Nonsense` or `Unavailable` with the remedy where the table is broken or missing.
    """

    name = "markov"

    def __init__(self, table: MarkovTable | None = None) -> None:
        self._table = table or load(data_folder("models") / "markov" / "chords.json")

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
    wishes = _line(scene, memory, boldness, dice) if memory and Role.MELODY in scene.request.roles else ()
    return arranged(scene, spans, boldness, dice, MarkovProposer.name, wishes)


class _Walks:
    """Walks along the chain for one request, each on a way of its own as long as there are others."""

    def __init__(self, table: MarkovTable, scene: Scene) -> None:
        request = scene.request
        self._table, self._key, self._brightness = table, scene.key, request.controls.brightness
        self._places = laid_out(scene.meter, request.slot.bars, chords_a_bar(scene))
        self._suit = suits(scene, self._places)
        self._past = _changes(request.context.chords)
        self._taken = {tuple(_changes(idea.chords)) for idea in request.avoid}
        self._recalled: dict[tuple[Chord, ...], list[tuple[Chord, float]]] = {}

    def another(self, boldness: float, dice: random.Random) -> tuple[ChordSpan, ...]:
        """The chords of a draft; hotter, where it comes out like one before it."""
        heat = temperature(boldness)
        for _ in range(_TRIES):
            path = self._walk(heat, dice)
            if tuple(path) not in self._taken:
                break
            heat *= _HOTTER
        self._taken.add(tuple(path))
        return joined([ChordSpan(on, length, chord) for (on, length), chord in zip(self._places, path, strict=True)])

    def _walk(self, heat: float, dice: random.Random) -> list[Chord]:
        path = list(self._past)
        for i in range(len(self._places)):
            chances = self._after(path)
            last = i == len(self._places) - 1
            weights = [p ** (1 / heat) * self._taste(i, chord, last) for chord, p in chances]
            path.append(dice.choices([chord for chord, _ in chances], weights)[0])
        return path[len(self._past) :]

    def _after(self, path: Sequence[Chord]) -> list[tuple[Chord, float]]:
        past = tuple(path[-LONGEST_PAST:])
        if past not in self._recalled:
            self._recalled[past] = self._table.chances(past, self._key)[:_MOST]
        return self._recalled[past]

    def _taste(self, i: int, chord: Chord, last: bool) -> float:
        """What speaks for a chord besides habit: what was played there, the light wanted, a good end."""
        factor = self._suit(i, chord) * light(chord.quality, self._brightness)
        ends = last and (chord.root - self._key.tonic) % 12 in (0, 7)
        return factor * _HOME_OR_AWAY if ends else factor


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


def _line(scene: Scene, memory: Memory, boldness: float, dice: random.Random) -> list[Wish]:
    """The player's line gone on with: true to it where safe, freer where bold."""
    longest = max(1, round(LONGEST * (1 - boldness) + 0.5))
    centre = manner_of(scene, boldness).centre
    return continued(memory, scene.request.slot.length, scene.key, centre, longest, dice)
