"""Ideas from the rules of the craft: functional harmony, motifs of the player's own, a bass that leads.

It needs no model and little time, so it stands in when the model is late, dead or absent. A dozen drafts are made, from
safe to bold: some vary the harmony that has been going round, some set out a progression of their own. Each draft's
melody develops a bar of what the player played. The critics choose among them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from jamlink.music.chord import ChordSpan
from jamlink.music.harmony import coloured, joined, laid_out, leaves, progression, with_sevenths
from jamlink.proposers.arrange import arranged, boldness_of, chords_a_bar, dice_for, drafts_for, has_sevenths, suits
from jamlink.proposers.base import Cancelled
from jamlink.proposers.critics import rank
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate, ProposalRequest, Role


class RulesProposer:
    """See the module. Keeps nothing between requests; any thread."""

    name = "rules"

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """As `Proposer.propose`: nothing when cancelled, else up to request.count ideas."""
        scene = Scene.of(request)
        drafts: list[Candidate] = []
        count = drafts_for(request.count)
        for i in range(count):
            if cancelled():
                return []
            drafts.append(_draft(scene, i, count, self.name))
        return rank(drafts, request, scene)


def _draft(scene: Scene, i: int, count: int, name: str) -> Candidate:
    """One idea."""
    dice = dice_for(scene, i)
    boldness = boldness_of(scene.request.controls, i, count)
    spans = harmony(scene, i, boldness, dice)
    return arranged(scene, spans, boldness, dice, name)


# -- chords -----------------------------------------------------------------------------------------------------------


def harmony(scene: Scene, i: int, boldness: float, dice: random.Random) -> tuple[ChordSpan, ...]:
    """The chords of draft i: settled ones where the slot has them, else the loop varied or a new progression."""
    request, controls = scene.request, scene.request.controls
    if scene.under and Role.CHORDS not in request.roles:
        return scene.under
    goes_round = scene.loop and not (request.key and leaves(request.key, scene.loop))
    if goes_round and _goes_round(i, bool(request.avoid)):
        spans: Sequence[ChordSpan] = scene.loop
    else:
        spans = _progression(scene, boldness, dice)
    if has_sevenths(scene):
        spans = with_sevenths(spans, scene.key)
    locked = request.key is not None
    return joined(coloured(spans, scene.key, scene.meter, boldness, controls.brightness, dice, locked=locked))


def _goes_round(i: int, refused: bool) -> bool:
    """Whether draft i starts from the loop: two in three do, one in four once something was refused."""
    return i % 4 == 0 if refused else i % 3 != 2


def _progression(scene: Scene, boldness: float, dice: random.Random) -> list[ChordSpan]:
    request, controls = scene.request, scene.request.controls
    places = laid_out(scene.meter, request.slot.bars, chords_a_bar(scene))

    chords = progression(scene.key, len(places), scene.last, boldness, controls.brightness, suits(scene, places), dice)
    return [ChordSpan(onset, length, chord) for (onset, length), chord in zip(places, chords, strict=True)]
