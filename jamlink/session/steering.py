"""What a gesture makes of the settings and the controls. Pure; raises `Nonsense` for what they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeAlias, assert_never

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.session.inputs import (
    Click,
    Mode,
    Repeat,
    SetAccompany,
    SetBars,
    SetChannels,
    SetMode,
    SetRepeat,
    SetRoles,
    SetStyle,
    Turn,
)
from jamlink.session.proposal import Controls
from jamlink.session.settings import SessionSettings, with_accompany, with_channels

STEP = 0.1
"""How far one press of "bolder" or "denser" moves its control."""

Change: TypeAlias = SetBars | SetRoles | SetRepeat | SetMode | SetChannels | SetAccompany

_CLICK_AFTER = {Click.OFF: Click.COUNT_IN, Click.COUNT_IN: Click.ON, Click.ON: Click.OFF}
_COUNT_IN_AFTER = {1: 2, 2: 0, 0: 1}
_NUMBERS = sorted({field.name for field in fields(Controls)} - {"style"})


def changed(settings: SessionSettings, change: Change) -> SessionSettings:
    """The settings after `change`."""
    match change:
        case SetBars(bars):
            return replace(settings, bars=bars)
        case SetRoles(roles):
            return replace(settings, roles=roles)
        case SetRepeat(repeat):
            return replace(settings, repeat=repeat)
        case SetMode(mode):
            return replace(settings, mode=mode)
        case SetChannels(channels):
            return replace(settings, channels=with_channels(settings.channels, channels))
        case SetAccompany(name, value):
            return replace(settings, accompany=with_accompany(settings.accompany, name, value))
        case _:
            assert_never(change)


def steered(controls: Controls, turn: Turn | SetStyle) -> Controls:
    """The controls after `turn`; each stays within 0 to 1."""
    if isinstance(turn, SetStyle):
        return replace(controls, style=turn.style)
    if turn.control not in _NUMBERS:
        raise Nonsense(f"There is no control called {turn.control!r}.", f"Use one of {', '.join(_NUMBERS)}.")
    number: dict[str, Any] = {turn.control: min(1.0, max(0.0, turn.value))}
    return replace(controls, **number)


def toggled(mode: Mode, wanted: Mode) -> Mode:
    """What a press of the gesture for `wanted` goes on to."""
    return Mode.PROPOSE if mode is wanted else wanted


def _step(control: str, by: float) -> Callable[[Controls], Controls]:
    return lambda controls: steered(controls, Turn(control, getattr(controls, control) + by, ""))


def _repeat(wanted: Repeat) -> Callable[[SessionSettings], SessionSettings]:
    return lambda now: replace(now, repeat=Repeat.ONCE if now.repeat is wanted else wanted)


STEPS: dict[Action, Callable[[Controls], Controls]] = {
    Action.SURPRISE_UP: _step("surprise", STEP),
    Action.SURPRISE_DOWN: _step("surprise", -STEP),
    Action.DENSITY_UP: _step("density", STEP),
    Action.DENSITY_DOWN: _step("density", -STEP),
    Action.BRIGHTNESS_UP: _step("brightness", STEP),
    Action.BRIGHTNESS_DOWN: _step("brightness", -STEP),
    Action.DRIVE_UP: _step("drive", STEP),
    Action.DRIVE_DOWN: _step("drive", -STEP),
}
"""What an action makes of the controls."""

SWITCHES: dict[Action, Callable[[SessionSettings], SessionSettings]] = {
    Action.METRONOME: lambda now: replace(now, click=_CLICK_AFTER[now.click]),
    Action.COUNT_IN: lambda now: replace(now, count_in=_COUNT_IN_AFTER[now.count_in]),
    Action.LOOP: _repeat(Repeat.LOOP),
    Action.KEEP_GOING: _repeat(Repeat.ROLL),
}
"""What an action makes of the settings."""
