"""How much a player wants who turns a control: notes and push in a quarter, so that critics and guides mean the same.

Push counts the onsets and those off the beat once more: what the corpus calls drive, the tempo aside. A control in the
middle leaves it to the music.
"""

from __future__ import annotations

import math

from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Controls
from jamlink.timing.units import TICKS_PER_QUARTER

NOTES = 1.1
"""Onsets a quarter in the middle of songs that people wrote (quintiles of four bars: .75, 1, 1.25, 1.56)."""
_FEWEST, _MOST = 0.6, 2.0
"""A player outside of this is taken to be at its border."""
_REACH = 2.2
"""How many times more or less the ends of density and drive are than the middle."""
_OFF_BEAT = 0.35
"""The usual share of onsets off the beat."""
_CALM, _DRIVING = 0.05, 0.75
"""The share at the ends of drive, where the number of notes is given."""


def turned(value: float) -> float:
    """How far a control is turned, -1 to 1; 0 in the middle, where nothing is said to the network either."""
    return 2 * (value - 0.5) if abs(value - 0.5) >= 0.1 else 0.0


def notes_wanted(scene: Scene) -> float | None:
    """Onsets of the melody in a quarter, between what is usual and what the player plays; None: as it comes."""
    density = turned(scene.request.controls.density)
    return _usual(scene) * _REACH**density if density else None


def push_wanted(scene: Scene) -> float | None:
    """Onsets in a quarter, those off the beat twice; None: as it comes."""
    controls: Controls = scene.request.controls
    drive, notes = turned(controls.drive), notes_wanted(scene)
    if not drive:
        return None
    if notes is not None:
        return notes * (1 + _CALM + (_DRIVING - _CALM) * controls.drive)
    return _usual(scene) * (1 + _OFF_BEAT) * _REACH**drive


def notes_of_push(push: float) -> float:
    """How many onsets usually make so much push."""
    return push / (1 + _OFF_BEAT)


def _usual(scene: Scene) -> float:
    """The geometric mean of what is usual and what the player played lately."""
    line, bar = scene.line, scene.meter.bar_ticks
    if len(line) < 4:
        return NOTES
    bars = line[-1].onset // bar - line[0].onset // bar + 1
    played = len(line) * TICKS_PER_QUARTER / (bars * bar)
    return math.sqrt(NOTES * min(_MOST, max(_FEWEST, played)))
