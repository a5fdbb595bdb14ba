"""Ideas from the rules of the craft: functional harmony, motifs of the player's own, a bass that leads.

It needs no model and little time, so it stands in when the model is late, dead or absent. A dozen drafts are made, from
safe to bold: some vary the harmony that has been going round, some set out a progression of their own. Each draft's
melody develops a bar of what the player played. The critics choose among them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from jamlink.music.bassline import bass_line
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.harmony import coloured, joined, laid_out, progression, with_sevenths
from jamlink.music.motif import Manner, Motif, fitted, plain_motif, pushed, sketch, thinned_or_filled
from jamlink.music.note import Note
from jamlink.proposers.base import Cancelled
from jamlink.proposers.critics import rank, surprise_of
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate, Controls, ProposalRequest, Role

_DRAFTS_PER_IDEA = 2
_FEWEST_DRAFTS = 8
_REACH = 0.35
"""How far the boldest and the safest draft lie from what the player steers to."""
_CENTRE = 71
_JAZZ = frozenset({"jazz", "swing", "bossa", "latin", "soul", "funk"})
"""Styles whose chords have sevenths."""


class RulesProposer:
    """See the module. Keeps nothing between requests; any thread."""

    name = "rules"

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """As `Proposer.propose`: nothing when cancelled, else up to request.count ideas."""
        scene = Scene.of(request)
        drafts: list[Candidate] = []
        count = max(_FEWEST_DRAFTS, _DRAFTS_PER_IDEA * request.count)
        for i in range(count):
            if cancelled():
                return []
            drafts.append(_draft(scene, i, count, self.name))
        return rank(drafts, request, scene)


def _draft(scene: Scene, i: int, count: int, name: str) -> Candidate:
    """One idea. What was refused stirs the dice, so that another deal is another deal."""
    request = scene.request
    dice = random.Random(f"{request.seed}/{len(request.avoid)}/{i}")
    boldness = boldness_of(request.controls, i, count)
    spans = harmony(scene, i, boldness, dice)
    return arranged(scene, spans, boldness, dice, name)


def boldness_of(controls: Controls, i: int, count: int) -> float:
    """From safe to bold round the player's wish, within 0 and 1."""
    place = 2 * i / max(1, count - 1) - 1
    return min(1.0, max(0.0, controls.surprise + _REACH * place))


def arranged(
    scene: Scene, spans: Sequence[ChordSpan], boldness: float, dice: random.Random, name: str,
    tune: Sequence[Note] | None = None,
) -> Candidate:  # fmt: skip
    """The idea with these chords: a melody (or the given `tune`) over them, a bass under them, as the roles ask."""
    controls, roles = scene.request.controls, scene.request.roles
    seed = dice.getrandbits(32)
    notes = tuple(tune) if tune is not None else melody(scene, spans, boldness, dice)
    bass = bass_line(spans, scene.meter, scene.key, controls.drive, seed)
    chords = tuple(spans) if Role.CHORDS in roles else ()
    notes = notes if Role.MELODY in roles else ()
    surprise = surprise_of(spans, notes, scene.key)
    return Candidate(chords, notes, bass if Role.BASS in roles else (), 0.0, surprise, name, seed)


# -- chords -----------------------------------------------------------------------------------------------------------


def harmony(scene: Scene, i: int, boldness: float, dice: random.Random) -> tuple[ChordSpan, ...]:
    """The chords of draft i: settled ones where the slot has them, else the loop varied or a new progression."""
    request, controls = scene.request, scene.request.controls
    if scene.under and Role.CHORDS not in request.roles:
        return scene.under
    if scene.loop and _goes_round(i, bool(request.avoid)):
        spans: Sequence[ChordSpan] = scene.loop
    else:
        spans = _progression(scene, boldness, dice)
    if _has_sevenths(scene):
        spans = with_sevenths(spans, scene.key)
    return joined(coloured(spans, scene.key, scene.meter, boldness, controls.brightness, dice))


def _goes_round(i: int, refused: bool) -> bool:
    """Whether draft i starts from the loop: two in three do, one in four once something was refused."""
    return i % 4 == 0 if refused else i % 3 != 2


def _progression(scene: Scene, boldness: float, dice: random.Random) -> list[ChordSpan]:
    request, controls = scene.request, scene.request.controls
    places = laid_out(scene.meter, request.slot.bars, _chords_a_bar(scene))

    def suits(i: int, chord: Chord) -> float:
        heard = scene.heard_at(places[i][0], places[i][0] + places[i][1])
        return math.exp(2.5 * (sum(heard[pc] for pc in chord.pitch_classes) - 0.5 * sum(heard)))

    chords = progression(scene.key, len(places), scene.last, boldness, controls.brightness, suits, dice)
    return [ChordSpan(onset, length, chord) for (onset, length), chord in zip(places, chords, strict=True)]


def _chords_a_bar(scene: Scene) -> float:
    """As many as the player has been using, or one; more or fewer with the density."""
    bars = scene.request.slot.bars
    usual = min(2.0, max(0.5, len(scene.loop) / bars)) if scene.loop else 1.0
    return usual * 4 ** (scene.request.controls.density - 0.5)


def _has_sevenths(scene: Scene) -> bool:
    """Whether the player's chords have sevenths, or the style does."""
    if scene.request.controls.style in _JAZZ:
        return True
    chords = [span.chord for span in scene.request.context.chords if span.chord]
    return 2 * sum(len(chord.quality.intervals) > 3 for chord in chords) > len(chords)


# -- melody -----------------------------------------------------------------------------------------------------------


def melody(scene: Scene, spans: Sequence[ChordSpan], boldness: float, dice: random.Random) -> tuple[Note, ...]:
    """A line that grows out of the player's, over `spans`."""
    request, meter = scene.request, scene.meter
    slot = request.slot
    motifs = scene.motifs or (plain_motif(meter, dice),)
    manner = manner_of(scene, boldness)
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
    line, beat = scene.line, scene.meter.beat_ticks
    if len(line) < 4:
        return 2.0 if scene.meter.compound else 1.0
    return min(3.0, max(0.5, len(line) * beat / max(beat, line[-1].end - line[0].onset)))


def _legato(motifs: Sequence[Motif]) -> float:
    return sum(motif.gap for motif in motifs) / len(motifs)
