"""Why a control would be refused now, in one sentence: the session refuses by these rules, and views show them.

A control is named by its action ("accept", "pick-3") or by the word of its message ("take", "chord"). What depends on
more than the situation, such as a chord that is none, is refused where it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jamlink.midi.actions import Action
from jamlink.session.along import Standing
from jamlink.session.proposal import Hand, Proposal
from jamlink.session.stand import is_offered

NO_SUCH_IDEA = "There is no such idea on the stand; wait for the next hand."
NO_HAND = "There are no ideas on the stand now; ideas come while you play."
NO_IDEAS_ALONG = "While jamlink accompanies there are no ideas to choose from; leave that mode first."
NOTHING_ALONG = "Nothing of ours has sounded yet; play on."
TOO_LATE = "Too late for these bars; the next hand comes by itself."


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at. `too_late` is true between the decide-by and the slot."""

    playing: bool
    hand: Hand | None
    selected: int
    too_late: bool
    asking: bool
    undoable: bool
    remembers: bool
    """Whether anything was offered in this session."""
    leader: str = ""
    """Whose tempo we follow; empty where it is our own."""
    led_bars: bool = False
    """Whether bars, start and stop come from there as well."""
    along: Standing | None = None
    """What can be decided about while jamlink accompanies; None in every other mode."""

    def idea(self, index: int) -> Proposal | None:
        """The idea in place `index` of the hand."""
        proposals = self.hand.proposals if self.hand else ()
        return proposals[index] if 0 <= index < len(proposals) else None


Rule = Callable[[Situation], str]
"""The sentence; empty where the control may be used."""


def why_not(control: str, now: Situation) -> str:
    """Why `control` would be refused; empty where it would not be."""
    rule = _rules(now).get(control)
    return rule(now) if rule else ""


def disabled(now: Situation) -> dict[str, str]:
    """Every control that would be refused, with the sentence."""
    return {control: why for control, rule in _rules(now).items() if (why := rule(now))}


def _rules(now: Situation) -> dict[str, Rule]:
    return RULES if now.along is None else RULES_ALONG


def why_not_take(now: Situation, index: int) -> str:
    """Why the idea in place `index` cannot be accepted."""
    idea = now.idea(index)
    if idea is None:
        return NO_SUCH_IDEA if now.hand else NO_HAND
    if not is_offered(idea):
        return "That idea is taken already."
    return "" if now.playing else "Start playing first; an idea is taken for the bars that come."


def why_not_hear(now: Situation, index: int) -> str:
    """Why the idea in place `index` cannot be heard."""
    if now.hand is None:
        return "There is nothing on the stand to hear."
    return "" if now.idea(index) else NO_SUCH_IDEA


def why_not_change(now: Situation, index: int) -> str:
    """Why the idea in place `index` cannot be edited."""
    idea = now.idea(index)
    return "" if idea and is_offered(idea) else "Select an idea that is still on offer; then change it."


def why_not_select(now: Situation, index: int) -> str:
    """Why the idea in place `index` cannot be chosen."""
    if now.hand is None:
        return "There is nothing on the stand to choose from."
    return "" if now.idea(index) else NO_SUCH_IDEA


def _unless_hand(sentence: str) -> Rule:
    return lambda now: "" if now.hand else sentence


def _while_stopped(sentence: str) -> Rule:
    return lambda now: sentence if now.playing else ""


def _chosen(rule: Callable[[Situation, int], str]) -> Rule:
    return lambda now: rule(now, now.selected)


def _at(rule: Callable[[Situation, int], str], index: int) -> Rule:
    return lambda now: rule(now, index)


def _next_hand(now: Situation) -> str:
    if now.too_late:
        return TOO_LATE
    return "Ideas are coming already." if now.asking and now.hand is None else ""


def _tempo(now: Situation) -> str:
    return f"The tempo comes from the {now.leader}: change it there." if now.leader else ""


def _one(now: Situation) -> str:
    return f"The bars come from the {now.leader}: move them there." if now.led_bars else ""


def _bring_back(now: Situation) -> str:
    if not now.remembers:
        return "Nothing has been offered yet."
    return TOO_LATE if now.too_late else ""


RULES: dict[str, Rule] = {
    Action.ACCEPT.value: _chosen(why_not_take),
    Action.PICK_1.value: _at(why_not_take, 0),
    Action.PICK_2.value: _at(why_not_take, 1),
    Action.PICK_3.value: _at(why_not_take, 2),
    Action.PICK_4.value: _at(why_not_take, 3),
    Action.REJECT.value: _unless_hand("There is nothing on the stand to refuse."),
    Action.LET_PASS.value: _unless_hand("There is nothing on the stand to let pass."),
    Action.SELECT.value: _chosen(why_not_select),
    Action.NEXT_HAND.value: _next_hand,
    Action.PREVIEW.value: _chosen(why_not_hear),
    Action.UNDO.value: lambda now: "" if now.undoable else "There is nothing to undo.",
    Action.TRANSPOSE_UP.value: _chosen(why_not_change),
    Action.TRANSPOSE_DOWN.value: _chosen(why_not_change),
    Action.INVERT.value: _chosen(why_not_change),
    Action.SIMPLIFY.value: _chosen(why_not_change),
    Action.CLEAR.value: _while_stopped("Stop first; then clear."),
    Action.TAP.value: _tempo,
    Action.HALF_TIME.value: _tempo,
    Action.DOUBLE_TIME.value: _tempo,
    Action.THIS_IS_ONE.value: _one,
    "tempo": _tempo,
    "ports": _while_stopped("Stop first; then choose other ports."),
    "meter": _while_stopped("Stop first; then change the meter."),
    "take": _chosen(why_not_take),
    "hear": _chosen(why_not_hear),
    "select": _chosen(why_not_select),
    "chord": _chosen(why_not_change),
    "move_chord": _chosen(why_not_change),
    "note": _chosen(why_not_change),
    "bring_back": _bring_back,
}


def _not_along(now: Situation) -> str:
    return NO_IDEAS_ALONG


def _go_round(now: Situation) -> str:
    assert now.along is not None
    if not now.playing:
        return "Start playing first; what was played goes round then."
    return "" if now.along.bar else "No whole bar of ours has sounded yet; accept after the next one."


def _while_it_sounds(now: Situation) -> str:
    assert now.along is not None
    return "" if now.playing and now.along.chord else NOTHING_ALONG


def _undo_along(now: Situation) -> str:
    assert now.along is not None
    return "" if now.along.round else "There is nothing to undo: it follows you."


_OF_IDEAS = frozenset(
    (
        *(action.value for action in (Action.PICK_1, Action.PICK_2, Action.PICK_3, Action.PICK_4, Action.SELECT)),
        *(action.value for action in (Action.NEXT_HAND, Action.PREVIEW, Action.LET_PASS, Action.TRANSPOSE_UP)),
        *(action.value for action in (Action.TRANSPOSE_DOWN, Action.INVERT, Action.SIMPLIFY)),
        *("take", "hear", "select", "chord", "move_chord", "note", "bring_back"),
    )
)
"""Controls that are about ideas on the stand."""

RULES_ALONG: dict[str, Rule] = {
    **{control: _not_along if control in _OF_IDEAS else rule for control, rule in RULES.items()},
    Action.ACCEPT.value: _go_round,
    Action.REJECT.value: _while_it_sounds,
    Action.LOOP.value: _while_it_sounds,
    Action.KEEP_GOING.value: _while_it_sounds,
    Action.UNDO.value: _undo_along,
}
"""While jamlink accompanies some controls mean something else."""
