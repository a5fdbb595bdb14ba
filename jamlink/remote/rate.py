"""How much of what comes in by OSC reaches the session: no hand presses fifty buttons a second, and no program should.

A bucket of tokens, refilled with time. Each gesture takes one. Where a control or the tempo is moved faster than that,
only where it was moved to last is passed on, as soon as there is a token again, so that it never stops short. Panic has
a bucket of its own: it gets through whatever else floods. What is refused is counted by the caller. Pure; one thread.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jamlink.midi.actions import Action
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view.protocol import Command, Do, Tempo, Turn

A_SECOND = 50
AT_ONCE = 64
PANICS_A_SECOND = 5
SENTENCE = f"more than {A_SECOND} gestures a second came; only so many are carried out."


class Bucket:
    """`most` tokens, `a_second` new ones every second."""

    def __init__(self, most: float, a_second: float, now: Ns) -> None:
        self._most, self._a_second = most, a_second
        self._left, self._at = most, now

    def take(self, now: Ns, tokens: float = 1.0) -> bool:
        """Whether there were as many; then they are gone."""
        self._left = min(self._most, self._left + (now - self._at) * self._a_second / NS_PER_SECOND)
        self._at = now
        if self._left < tokens:
            return False
        self._left -= tokens
        return True

    def when(self, tokens: float = 1.0) -> Ns:
        """From when on there are as many, where nobody takes any."""
        return Ns(self._at + round(max(0.0, tokens - self._left) * NS_PER_SECOND / self._a_second) + 1)


@dataclass(frozen=True, slots=True)
class Passed:
    """What may go on, in order, and how much may not."""

    commands: tuple[Command, ...]
    refused: int = 0


class Rate:
    """See the module. Times must not go back."""

    def __init__(self, now: Ns) -> None:
        self._bucket = Bucket(AT_ONCE, A_SECOND, now)
        self._panics = Bucket(PANICS_A_SECOND, PANICS_A_SECOND, now)
        self._moved: dict[str, Command] = {}
        """Where controls were moved to and nobody has been told."""

    @property
    def next_deadline(self) -> Ns | None:
        """When `passed` must be called again, if with nothing; None where nothing waits."""
        return self._bucket.when() if self._moved else None

    def passed(self, commands: Iterable[Command], now: Ns) -> Passed:
        """What of `commands` may go on now, with what has waited."""
        found: list[Command] = []
        refused = 0
        for command in commands:
            what = _moves(command)
            if what:
                self._moved[what] = command
            elif self._may(command, now):
                found.append(command)
            else:
                refused += 1
        found += [self._moved.pop(what) for what in list(self._moved) if self._bucket.take(now)]
        return Passed(tuple(found), refused)

    def _may(self, command: Command, now: Ns) -> bool:
        is_panic = isinstance(command, Do) and command.action == Action.PANIC.value
        return (self._panics if is_panic else self._bucket).take(now)


def _moves(command: Command) -> str:
    """The control that `command` moves; empty for one that does something else."""
    match command:
        case Turn(control):
            return control
        case Tempo():
            return "tempo"
    return ""
