"""Records as plain data and back: what the ledger writes.

A record is a pair of its kind (the class name in lower case) and its plain payload (see `plain`); MIDI events travel
as their bytes.
"""

from __future__ import annotations

from typing import Any

import msgspec

from jamlink.errors import Nonsense
from jamlink.midi.events import MidiEvent, encode
from jamlink.midi.wire import Parser
from jamlink.session import effects as fx
from jamlink.session import inputs
from jamlink.session.effects import Recorded
from jamlink.session.inputs import Heard, Input
from jamlink.session.plain import plain, value
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns

INPUT_KINDS: dict[str, type] = {
    cls.__name__.lower(): cls
    for cls in (
        inputs.Do,
        inputs.Turn,
        inputs.SetTempo,
        inputs.SetMeter,
        inputs.SetBars,
        inputs.SetRoles,
        inputs.LockKey,
        inputs.SetRepeat,
        inputs.SetMode,
        inputs.SetStyle,
        inputs.SetChannels,
        inputs.Select,
        inputs.Hear,
        inputs.Take,
        inputs.ReplaceChord,
        inputs.MoveChord,
        inputs.EditNote,
        inputs.BringBack,
        inputs.Ideas,
        inputs.ProposerIs,
        inputs.SetAccompany,
        inputs.Foreseen,
        inputs.Recover,
        inputs.Followed,
    )
}
"""Every input but Heard, whose event travels as bytes."""

EFFECT_KINDS: dict[str, type] = {
    cls.__name__.lower(): cls for cls in (
        fx.Asked, fx.Offered, fx.Returned, fx.Decided, fx.Moved, fx.Sent, fx.Clocked, fx.AskedChords, fx.Chorded,
    )
}  # fmt: skip

HEARD = "heard"


def record(item: Recorded) -> tuple[str, Any]:
    """The kind and the payload under which `item` is written down."""
    if isinstance(item, Heard):
        return HEARD, {"port": item.event.port, "at": item.event.at, "bytes": encode(item.event).hex()}
    data = plain(item)
    return type(item).__name__.lower(), _as_first_said(data) if isinstance(item, _GROWN) else data


_GROWN = (inputs.Ideas, inputs.ReplaceChord, fx.Decided)
LATER_FIELDS = frozenset(("closest", "idea"))
"""Fields that came after the first sessions were recorded."""


def _as_first_said(data: Any) -> Any:
    """`data` without later fields that say nothing, so that older sessions replay to the byte."""
    if isinstance(data, dict):
        said = ((key, item) for key, item in data.items() if key not in LATER_FIELDS or item not in (None, ""))
        return {key: _as_first_said(item) for key, item in said}
    return [_as_first_said(item) for item in data] if isinstance(data, list | tuple) else data


def is_input(kind: str) -> bool:
    """Whether records of this kind are inputs, which a replay feeds in."""
    return kind == HEARD or kind in INPUT_KINDS


def read_input(kind: str, payload: Any) -> Input:
    """The input of a record. Raises `Nonsense`."""
    if kind == HEARD:
        return Heard(_event(payload))
    return value(payload, INPUT_KINDS[kind])


def read_record(kind: str, payload: Any) -> Recorded:
    """The input or consequence of a record. Raises `Nonsense`."""
    return value(payload, EFFECT_KINDS[kind]) if kind in EFFECT_KINDS else read_input(kind, payload)


def _event(payload: dict[str, Any]) -> MidiEvent:
    try:
        at, port, data = Ns(int(payload["at"])), str(payload["port"]), bytes.fromhex(payload["bytes"])
    except (KeyError, TypeError, ValueError) as bad:
        raise Nonsense(f"Not a heard event: {bad!r}.", "The data is damaged.") from None
    events = Parser().feed(data, at, port)
    if len(events) != 1:
        raise Nonsense(f"{payload['bytes']!r} is not one MIDI message.", "The data is damaged.")
    return events[0]


# -- the header of a recorded session ---------------------------------------------------------------------------------

FORMAT = 1
"""Counts up when records change so that older sessions can no longer be replayed."""


class Header(msgspec.Struct, frozen=True):
    """What a recorded session starts from. `wall` is the only wall time in a record, for people."""

    format: int
    jamlink: str
    wall: str
    started: int
    settings: SessionSettings


def header(settings: SessionSettings, started: Ns, version: str, wall: str) -> Any:
    """The payload of the first entry."""
    return plain(Header(FORMAT, version, wall, started, settings))


def read_header(payload: Any) -> Header:
    """The header back. Raises `Nonsense` for a session of another format."""
    found = payload.get("format") if isinstance(payload, dict) else None
    if found != FORMAT:
        raise Nonsense(f"The session is of format {found}; this jamlink reads {FORMAT}.", "Open it with that version.")
    return value(payload, Header)
