"""What proposers without a model share: how bold a draft is, where chords lie, a melody and a bass for them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from jamlink.music.bassline import bass_line
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.line import kept_in
from jamlink.music.motif import Manner, Motif, Wish, fitted, plain_motif, pushed, sketch, thinned_or_filled
from jamlink.music.note import Note
from jamlink.proposers.critics import surprise_of
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate, Controls, Role
from jamlink.timing.units import Ticks

_DRAFTS_PER_IDEA = 2
_FEWEST_DRAFTS = 8
_REACH = 0.35
"""How far the boldest and the safest draft lie from what the player steers to."""
_CENTRE = 71
_JAZZ = frozenset({"jazz", "swing", "bossa", "latin", "soul", "funk"})
"""Styles whose chords have sevenths."""


def drafts_for(count: int) -> int:
    """How many drafts to make for a hand of `count`."""
    return max(_FEWEST_DRAFTS, _DRAFTS_PER_IDEA * count)


def dice_for(scene: Scene, i: int) -> random.Random:
    """The dice of draft i. What was refused stirs them, so that another deal is another deal."""
    return random.Random(f"{scene.request.seed}/{len(scene.request.avoid)}/{i}")


def boldness_of(controls: Controls, i: int, count: int) -> float:
    """From safe to bold round the player's wish, within 0 and 1."""
    place = 2 * i / max(1, count - 1) - 1
    return min(1.0, max(0.0, controls.surprise + _REACH * place))


def arranged(
    scene: Scene, spans: Sequence[ChordSpan], boldness: float, dice: random.Random, name: str,
    wishes: Sequence[Wish] = (),
) -> Candidate:  # fmt: skip
    """The idea with these chords: a melody over them (from `wishes`, else from the player's motifs) and a bass under
    them, as the roles ask."""
    controls, roles = scene.request.controls, scene.request.roles
    seed = dice.getrandbits(32)
    notes = melody(scene, spans, boldness, dice, wishes) if Role.MELODY in roles else ()
    bass = bass_line(spans, scene.meter, scene.key, controls.drive, seed)
    if scene.request.key:
        notes, bass = kept_in(scene.request.key, notes), kept_in(scene.request.key, bass)
    chords = tuple(spans) if Role.CHORDS in roles else ()
    surprise = surprise_of(spans, notes, scene.key)
    return Candidate(chords, notes, bass if Role.BASS in roles else (), 0.0, surprise, name, seed)


def chords_a_bar(scene: Scene) -> float:
    """As many as have been sounding, or one; more or fewer with the density."""
    known = [span for span in scene.request.context.chords if span.chord]
    length = sum(span.duration for span in known)
    usual = min(2.0, max(0.5, len(known) * scene.meter.bar_ticks / length)) if length else 1.0
    return usual * 4 ** (scene.request.controls.density - 0.5)


def has_sevenths(scene: Scene) -> bool:
    """Whether the player's chords have sevenths, or the style does."""
    if scene.request.controls.style in _JAZZ:
        return True
    chords = [span.chord for span in scene.request.context.chords if span.chord]
    return 2 * sum(len(chord.quality.intervals) > 3 for chord in chords) > len(chords)


def suits(scene: Scene, places: Sequence[tuple[Ticks, Ticks]]) -> Callable[[int, Chord], float]:
    """How well a chord suits what was played at place i last time round, as a factor; 1 where nothing was."""
    heard = [scene.heard_at(onset, onset + length) for onset, length in places]

    def factor(i: int, chord: Chord) -> float:
        return math.exp(2.5 * (sum([heard[i][pc] for pc in chord.pitch_classes]) - 0.5 * sum(heard[i])))

    return factor


# -- melody -----------------------------------------------------------------------------------------------------------


def melody(
    scene: Scene, spans: Sequence[ChordSpan], boldness: float, dice: random.Random, wishes: Sequence[Wish] = ()
) -> tuple[Note, ...]:
    """A line over `spans` that sings `wishes`, else one that grows out of the player's motifs."""
    request, meter = scene.request, scene.meter
    slot = request.slot
    motifs = scene.motifs or (plain_motif(meter, dice),)
    manner = manner_of(scene, boldness)
    if not wishes:
        wishes = sketch(motifs, slot.bars, spans, meter, scene.key, manner, request.answer, dice)
    wishes = thinned_or_filled(wishes, slot.bars, meter, manner)
    wishes = pushed(wishes, meter, manner.drive, dice)
    return fitted(wishes, spans, slot.length, meter, scene.key, manner, _legato(motifs), dice)


def manner_of(scene: Scene, boldness: float) -> Manner:
    """How the melody is to be: where the player sings, as busy as the player, moved by the controls."""
    controls, line = scene.request.controls, scene.line
    centre = sum(note.pitch for note in line) / len(line) if line else _CENTRE
    centre = min(80.0, max(64.0, centre)) + 8 * (controls.brightness - 0.5)
    return Manner(boldness, controls.density, controls.drive, centre, _onsets_a_beat(scene))


def _onsets_a_beat(scene: Scene) -> float:
    """The player's, between one in two beats and three a beat; one (compound: two) where nobody played."""
    line, meter = scene.line, scene.meter
    if len(line) < 4:
        return 2.0 if meter.compound else 1.0
    bars = line[-1].onset // meter.bar_ticks - line[0].onset // meter.bar_ticks + 1
    return min(3.0, max(0.5, len(line) / (bars * meter.beats)))


def _legato(motifs: Sequence[Motif]) -> float:
    return sum(motif.gap for motif in motifs) / len(motifs)
