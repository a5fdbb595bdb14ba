"""Which ideas deserve a place in the hand: musical judgement over candidates, whoever made them.

`rank` judges how well each idea fits what was played, throws out doubles and what was refused, keeps away from what is
like it, and picks a hand that is good, varied and spread from safe to bold. Judgements are in the unit of
`Candidate.score`, natural logs, so that a model's own opinion and the critics' add up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.chord_habits import log_habit
from jamlink.music.key import Key
from jamlink.music.line import turns
from jamlink.music.note import Note
from jamlink.music.pulse import BEAT, strength
from jamlink.proposers.amounts import notes_of_push, notes_wanted, push_wanted, turned
from jamlink.proposers.likeness import Look
from jamlink.proposers.scene import Scene
from jamlink.proposers.words import special
from jamlink.session.proposal import Candidate, ProposalRequest, Role
from jamlink.timing.units import TICKS_PER_QUARTER

SAME = 0.97
"""Ideas more alike than this are one idea."""
_REFUSED_WEIGHT = 3.0
"""What an idea loses that is nearly a refused one; one less like it loses less, down to nothing at _UNLIKE."""
_UNLIKE = 0.3
_ALIKE_WEIGHT = 2.0
"""What an idea loses that is like one in the hand already. Of hands for two books of tunes the mean distance between
two ideas was .76 and .79 at 1.2, .78 and .80 at 2, .80 and .83 at 3 (people who go on from like contexts: .69 and .67),
and the hands' mean score fell by .03, and from 2 to 3 by .05, in natural logs."""
_SAME_CHORDS_WEIGHT = 0.8
"""What an idea loses whose chords are in the hand already: chord names are what a player sees first."""
_OFF_TARGET_WEIGHT = 1.5
_SINGS_WELL = 0.875
"""Notes of a melody in a quarter: three and a half a bar."""
_LOWEST_MELODY, _HIGHEST_MELODY = 53, 89
_PHRASE_BARS = 8
_END_MATTERS, _ELSEWHERE_MATTERS = {0: 1.0, 4: 0.3}, 0.1
"""How much a loose end matters where a phrase ends, in its middle, and in other bars."""
_RAREST = math.log(2 / 10_000)
_FOUR_TIMES = math.log(4)
"""A quarter of what is wanted, or four times as much, is as wrong as an amount can be."""


def rank(
    candidates: Sequence[Candidate],
    request: ProposalRequest,
    scene: Scene | None = None,
    also: Sequence[tuple[float, Judgement]] = (),
) -> list[Candidate]:
    """The best request.count of `candidates` (fewer where there are fewer different ones), from safe to bold.

    Each gets the critics' judgement added to its score, and a `note` that says what is special about it. The same
    arguments give the same hand. Any thread. `scene` saves looking at the request twice; `also` are judgements of the
    proposer's own beside JUDGEMENTS.
    """
    scene = scene or Scene.of(request)
    refused = [Look.at(idea, request) for idea in request.avoid]
    seen = [(idea, Look.at(idea, request)) for idea in candidates]
    judges = (*JUDGEMENTS, *also)
    judged = [(_judged(idea, look, refused, scene, judges), look) for idea, look in seen if not _refused(look, refused)]
    hand = _spread(_distinct(judged), request)
    return [replace(idea, note=special(idea, scene)) for idea in hand]


def surprise_of(chords: Sequence[ChordSpan], melody: Sequence[Note], key: Key) -> float:
    """How far chords and melody leave the habits of the key: near 0 for tonics alone, about 1 for wild ones."""
    rare, length = 0.0, 0
    for span in chords:
        if span.chord:
            rare += span.duration * min(1.0, log_habit(span.chord, key) / _RAREST)
            length += span.duration
    foreign = sum(note.pitch % 12 not in key.scale for note in melody)
    return 0.85 * (rare / length if length else 0.0) + 0.6 * (foreign / len(melody) if melody else 0.0)


# -- judgement: each from 0 (nothing to complain of) to 1 -------------------------------------------------------------


def _clashes(idea: Candidate, scene: Scene) -> float:
    """Melody notes on strong beats that the chord does not have."""
    chords = idea.chords or scene.under
    strong = [n for n in idea.melody if strength(n.onset, scene.meter) >= BEAT]
    named = [(n, chord) for n in strong if (chord := _chord_at(chords, n.onset))]
    return sum(n.pitch % 12 not in chord.pitch_classes for n, chord in named) / len(named) if named else 0.0


def _deafness(idea: Candidate, scene: Scene) -> float:
    """Chords under which the player's notes of last time round would not be chord notes."""
    missed = length = 0.0
    for span in idea.chords:
        heard = scene.heard_at(span.onset, span.end)
        if span.chord and any(heard):
            inside = sum(heard[pc] for pc in span.chord.pitch_classes)
            missed += span.duration * (1 - inside / sum(heard))
            length += span.duration
    return missed / length if length else 0.0


def _jerks(idea: Candidate, scene: Scene) -> float:
    """Changes of chord that keep no note, counting the one into the slot."""
    chords = [scene.last, *(span.chord for span in idea.chords)]
    pairs = [(a, b) for a, b in pairwise(chords) if a and b and a != b]
    return sum(not a.pitch_classes & b.pitch_classes for a, b in pairs) / len(pairs) if pairs else 0.0


def _loose_end(idea: Candidate, scene: Scene) -> float:
    """A last chord that neither rests nor leads on; in mid-phrase that is no matter."""
    last = idea.chords[-1].chord if idea.chords else None
    if last is None:
        return 0.0
    degree = (last.root - scene.key.tonic) % 12
    loose = 0.0 if degree in (0, 7) else 0.5 if last.pitch_classes <= scene.key.scale else 1.0
    return loose * _END_MATTERS.get(_end(scene), _ELSEWHERE_MATTERS)


def _end(scene: Scene) -> int:
    """In which bar of its phrase the slot ends; 0 is a phrase's end."""
    slot = scene.request.slot
    return (slot.end // slot.bar_ticks) % _PHRASE_BARS


def _foreignness(idea: Candidate, scene: Scene) -> float:
    """Melody notes outside key and chord, less where boldness is wanted."""
    chords = idea.chords or scene.under
    odd = 0
    for note in idea.melody:
        chord = _chord_at(chords, note.onset)
        odd += note.pitch % 12 not in scene.key.scale and not (chord and note.pitch % 12 in chord.pitch_classes)
    return (1 - scene.request.controls.surprise) * odd / len(idea.melody) if idea.melody else 0.0


def _wandering(idea: Candidate, scene: Scene) -> float:
    """Time spent on chords with notes foreign to the key, those of the player aside, less where boldness is wanted."""
    own = {span.chord for span in scene.loop}
    home = scene.key.scale | {(scene.key.tonic + 11) % 12} if scene.key.minor else scene.key.scale
    away = [s for s in idea.chords if s.chord and s.chord not in own and not s.chord.pitch_classes <= home]
    length = sum(span.duration for span in idea.chords)
    share = sum(span.duration for span in away) / length if length else 0.0
    return (1 - scene.request.controls.surprise) * share


def _out_of_range(idea: Candidate, scene: Scene) -> float:
    """Melody notes that are too low or too high to sing over the rest."""
    outside = sum(not _LOWEST_MELODY <= note.pitch <= _HIGHEST_MELODY for note in idea.melody)
    return outside / len(idea.melody) if idea.melody else 0.0


def _monotony(idea: Candidate, scene: Scene) -> float:
    """One note again and again, or one chord throughout where the player changes."""
    same = sum(a.pitch == b.pitch for a, b in pairwise(idea.melody)) / max(1, len(idea.melody) - 1)
    stuck = len(idea.chords) == 1 and len(scene.loop) > 1
    return min(1.0, max(0.0, 2 * same - 0.4) + 0.5 * stuck)


def _leaps(idea: Candidate, scene: Scene) -> float:
    """Leaps wider than a fifth, twice as bad beyond an octave."""
    sizes = [abs(b.pitch - a.pitch) for a, b in pairwise(idea.melody)]
    return min(1.0, sum((size > 7) + (size > 12) for size in sizes) / len(sizes)) if sizes else 0.0


def _strangeness(idea: Candidate, scene: Scene) -> float:
    """A melody that has no turn in common with what the player played."""
    own = list(turns(idea.melody))
    return 1 - sum(turn in scene.turns for turn in own) / len(own) if own and scene.turns else 0.0


def _wrong_amount(idea: Candidate, scene: Scene) -> float:
    """A melody with far fewer or far more notes than the player wants, or, as it comes, than sings well."""
    if Role.MELODY not in scene.request.roles:
        return 0.0
    push = push_wanted(scene)
    wanted = notes_wanted(scene) or (notes_of_push(push) if push else _SINGS_WELL)
    return _times_off((len(idea.melody) + 0.5) / _quarters(scene), wanted)


def _wrong_push(idea: Candidate, scene: Scene) -> float:
    """A melody that is far calmer or pushes far more than the player wants: see `jamlink.proposers.amounts`."""
    wanted = push_wanted(scene)
    if wanted is None or Role.MELODY not in scene.request.roles:
        return 0.0
    off_beat = sum(note.onset % scene.meter.beat_ticks != 0 for note in idea.melody)
    return _times_off((len(idea.melody) + off_beat + 0.5) / _quarters(scene), wanted)


def _quarters(scene: Scene) -> float:
    return scene.request.slot.length / TICKS_PER_QUARTER


def _times_off(found: float, wanted: float) -> float:
    return min(1.0, abs(math.log(found / wanted)) / _FOUR_TIMES)


def _wrong_colour(idea: Candidate, scene: Scene) -> float:
    """Chords of the wrong brightness, as far as the player asks for one: 1 for minor where all should be major."""
    asked = turned(scene.request.controls.brightness)
    length = sum(span.duration for span in idea.chords if span.chord)
    if not asked or not length:
        return 0.0
    bright = sum(_brightness(span.chord) * span.duration for span in idea.chords if span.chord) / length
    return abs(asked) * min(1.0, abs(math.copysign(1, asked) - bright) / 2)


def _brightness(chord: Chord) -> float:
    """A major third is bright, a minor one dark, a low fifth darker: as in the words the network learnt."""
    intervals = chord.quality.intervals
    return (4 in intervals) - (3 in intervals) - 0.5 * (6 in intervals) + 0.25 * (8 in intervals)


def _wrong_boldness(idea: Candidate, scene: Scene) -> float:
    """Chords and notes nearer to habit, or farther from it, than the player asks for."""
    asked = turned(scene.request.controls.surprise)
    found = min(1.0, surprise_of(idea.chords, idea.melody, scene.key))
    return abs(asked) * (1 - found if asked > 0 else found)


def _wrong_pace(idea: Candidate, scene: Scene) -> float:
    """Chords that change far more seldom or more often than the player wants: lead sheets change about once a bar."""
    if not idea.chords:
        return 0.0
    wanted = (0.5 + scene.request.controls.drive) * scene.request.slot.bars
    return min(1.0, abs(math.log(len(idea.chords) / wanted)) / _FOUR_TIMES)


Judgement = Callable[[Candidate, Scene], float]
JUDGEMENTS: tuple[tuple[float, Judgement], ...] = (
    (1.2, _clashes),
    (0.8, _deafness),
    (0.4, _jerks),
    (1.0, _loose_end),
    (2.0, _foreignness),
    (2.0, _wandering),
    (1.0, _out_of_range),
    (0.6, _monotony),
    (0.8, _leaps),
    (0.5, _strangeness),
    (1.5, _wrong_amount),
    (0.8, _wrong_pace),
    (1.5, _wrong_push),
    (1.5, _wrong_colour),
    (3.0, _wrong_boldness),
)
"""What each complaint costs at most."""


def fit(idea: Candidate, scene: Scene, judges: Sequence[tuple[float, Judgement]] = JUDGEMENTS) -> float:
    """The critics' judgement of an idea: 0 is the best, each complaint takes from it."""
    return -sum(weight * judge(idea, scene) for weight, judge in judges)


def _chord_at(spans: Sequence[ChordSpan], tick: int) -> Chord | None:
    return next((span.chord for span in spans if span.onset <= tick < span.end), None)


# -- choosing ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Seen:
    idea: Candidate
    look: Look
    alike: float = 0.0
    """How much like the idea of the hand that it is most like."""
    said_twice: bool = False
    """Whether the hand has its chords already."""

    def stands_beside(self, other: _Seen) -> None:
        """`other` is in the hand now."""
        self.alike = max(self.alike, self.look.likeness(other.look))
        self.said_twice = self.said_twice or bool(self.idea.chords and self.idea.chords == other.idea.chords)


def _refused(look: Look, refused: Sequence[Look]) -> bool:
    return any(look.likeness(other) >= SAME for other in refused)


def _judged(
    idea: Candidate, look: Look, refused: Sequence[Look], scene: Scene, judges: Sequence[tuple[float, Judgement]]
) -> Candidate:
    like = max((look.likeness(other) for other in refused), default=0.0)
    near = max(0.0, like - _UNLIKE) / (1 - _UNLIKE)
    return replace(idea, score=idea.score + fit(idea, scene, judges) - _REFUSED_WEIGHT * near)


def _distinct(ideas: Sequence[tuple[Candidate, Look]]) -> list[_Seen]:
    """Of ideas that sound the same, the best one."""
    kept: list[_Seen] = []
    for idea, look in sorted(ideas, key=lambda seen: -seen[0].score):
        if not any(look.likeness(other.look) >= SAME for other in kept):
            kept.append(_Seen(idea, look))
    return kept


def _spread(ideas: Sequence[_Seen], request: ProposalRequest) -> list[Candidate]:
    """A hand from safe to bold round the player's wish: good, on target, unlike what is in it already."""
    left = sorted(ideas, key=lambda seen: seen.idea.surprise)
    surprises = [seen.idea.surprise for seen in left]
    scale = max(0.05, surprises[-1] - surprises[0]) if surprises else 1.0
    hand: list[Candidate] = []
    for target in _targets(surprises, request):
        best = max(left, key=lambda seen: _worth(seen, target, scale))
        left.remove(best)
        hand.append(best.idea)
        for seen in left:
            seen.stands_beside(best)
    return sorted(hand, key=lambda idea: idea.surprise)


def _worth(seen: _Seen, target: float, scale: float) -> float:
    off = abs(seen.idea.surprise - target) / scale
    cost = _OFF_TARGET_WEIGHT * off + _ALIKE_WEIGHT * seen.alike + _SAME_CHORDS_WEIGHT * seen.said_twice
    return seen.idea.score - cost


def _targets(surprises: Sequence[float], request: ProposalRequest) -> list[float]:
    """Surprises evenly spaced over the ideas that lie round the player's wish, both ends among them."""
    count = min(request.count, len(surprises))
    wish = request.controls.surprise
    low, high = max(0.0, wish - 0.5), min(1.0, wish + 0.5)
    places = [low + (high - low) * i / (count - 1) for i in range(count)] if count > 1 else [wish] * count
    return [surprises[round(place * (len(surprises) - 1))] for place in places]
