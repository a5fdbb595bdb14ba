"""OSC addresses of jamlink: one table from which packets are read and docs/osc.md is made.

A message to a gesture acts without arguments or with one that is not 0: surfaces send 1 when a button goes down and 0
when it comes up. Places are counted from 1, as on the screen. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jamlink.errors import Nonsense
from jamlink.midi.actions import GESTURES, KNOBS
from jamlink.osc.packet import Argument, Message
from jamlink.view import protocol
from jamlink.view.protocol import Command

ROOT = "/jamlink"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Send what is shown to whoever said so, to `port` of its machine where it named one."""

    port: int | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Send no more."""


Said: TypeAlias = Command | Subscribe | Unsubscribe | None
"""None for a button that comes up."""


@dataclass(frozen=True, slots=True)
class Address:
    """One row: the address, its arguments in words, what it does, and how it is read."""

    path: str
    takes: str
    does: str
    read: Callable[[Sequence[Argument]], Said]


def read(message: Message) -> Said:
    """What a message asks for. Raises `Nonsense` for an address that is not in the table and for arguments that make no
    sense."""
    row = BY_PATH.get(message.address)
    if row is None:
        raise Nonsense(f"There is no OSC address {message.address[:60]!r}.", "The table is in docs/osc.md.")
    said = row.read(message.arguments)
    if said is not None and not isinstance(said, Subscribe | Unsubscribe):
        protocol.to_gesture(said, "")
    return said


def _gesture(name: str) -> Callable[[Sequence[Argument]], Said]:
    def pressed(arguments: Sequence[Argument]) -> Said:
        return None if arguments and not arguments[0] else protocol.Do(name)

    return pressed


def _number(arguments: Sequence[Argument], place: int = 0) -> float:
    value = arguments[place] if place < len(arguments) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Nonsense("An OSC message came without its number.", "The table is in docs/osc.md.")
    return float(value)


def _whole(arguments: Sequence[Argument], place: int = 0) -> int:
    value = _number(arguments, place)
    if value != value or value in (float("inf"), float("-inf")) or value != int(value):
        raise Nonsense(f"{value:g} is not a whole number.", "The table is in docs/osc.md.")
    return int(value)


def _word(arguments: Sequence[Argument], place: int = 0) -> str:
    value = arguments[place] if place < len(arguments) else ""
    if not isinstance(value, str):
        raise Nonsense("An OSC message came without its word.", "The table is in docs/osc.md.")
    return value


def _subscribe(arguments: Sequence[Argument]) -> Said:
    port = _whole(arguments) if arguments else None
    if port is not None and not 1 <= port <= 65_535:
        raise Nonsense(f"There is no port {port}.", "Choose 1 to 65535.")
    return Subscribe(port)


def _turn(name: str) -> Callable[[Sequence[Argument]], Said]:
    return lambda arguments: protocol.Turn(name, _number(arguments))


def _chord(arguments: Sequence[Argument]) -> Said:
    return protocol.ReplaceChord(_whole(arguments) - 1, _word(arguments, 1))


def _roles(arguments: Sequence[Argument]) -> Said:
    return protocol.Roles([_word(arguments, place) for place in range(len(arguments))])


def _following(name: str) -> Callable[[Sequence[Argument]], Said]:
    return lambda arguments: protocol.Accompany(name, _whole(arguments))


_FOLLOWING = (
    ("look-ahead", "0 to 16", "beats that chords are thought of ahead while jamlink accompanies"),
    ("commit", "0 to 16", "beats ahead that they are promised"),
    ("listen", "0 to 64", "beats that are yours before they begin"),
    ("rest", "0 to 32", "bars of silence after which they end; 0 never"),
)

TABLE: tuple[Address, ...] = (
    *(Address(f"{ROOT}/do/{g.action.value}", "nothing, or 1", g.does, _gesture(g.action.value)) for g in GESTURES),
    *(
        Address(f"{ROOT}/turn/{knob.value}", "0 to 1", f"{low} to {high}", _turn(knob.value))
        for knob, (low, high) in KNOBS.items()
    ),
    Address(f"{ROOT}/tempo", "40 to 240", "quarters per minute", lambda a: protocol.Tempo(_number(a))),
    Address(f"{ROOT}/meter", '"6/8"', "the meter; only while stopped", lambda a: protocol.Meter(_word(a))),
    Address(f"{ROOT}/bars", "1, 2, 4 or 8", "how long ideas are", lambda a: protocol.Bars(_whole(a))),
    Address(
        f"{ROOT}/key",
        '"G minor", or ""',
        "lock a key, so that every chord and note of an idea is of it; or none",
        lambda a: protocol.LockKey(_word(a)),
    ),
    Address(f"{ROOT}/roles", '"chords" "bass" ...', "what ideas are made of", _roles),
    Address(
        f"{ROOT}/repeat",
        '"once", "loop" or "keep going"',
        "what a taken idea does after its bars",
        lambda a: protocol.Repeat(_word(a)),
    ),
    Address(f"{ROOT}/mode", '"propose", "trade" or "accompany"', "who plays when", lambda a: protocol.Mode(_word(a))),
    *(Address(f"{ROOT}/{name}", what, does, _following(name)) for name, what, does in _FOLLOWING),
    Address(f"{ROOT}/style", 'a style, or ""', "the style of ideas", lambda a: protocol.Style(_word(a))),
    Address(f"{ROOT}/take", "1, 2, ...", "take the idea in that place", lambda a: protocol.Take(_whole(a) - 1)),
    Address(f"{ROOT}/select", "1, 2, ...", "choose it", lambda a: protocol.Select(_whole(a) - 1)),
    Address(f"{ROOT}/hear", "1, 2, ...", "hear it on the preview channel", lambda a: protocol.Hear(_whole(a) - 1)),
    Address(f"{ROOT}/chord", '2 "Am7"', "put Am7 in place of the chosen idea's second chord", _chord),
    Address(f"{ROOT}/hello", "nothing, or a port", "send me what is shown, here or to that port", _subscribe),
    Address(f"{ROOT}/bye", "nothing", "send me no more", lambda a: Unsubscribe()),
)
BY_PATH = {row.path: row for row in TABLE}
