"""Session values as plain data and back: what the ledger writes and what processes tell one another.

`plain` turns any value of the core into numbers, strings, lists and dicts that JSON or MessagePack can carry; `value`
builds it back and checks every field. Enums travel by their value (a chord quality by its symbol). Knows no kind of
value by name, so that a process which needs few of them imports few.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from jamlink.errors import Nonsense

T = TypeVar("T")


def plain(value: object) -> Any:
    """`value` as numbers, strings, lists and dicts."""
    return msgspec.to_builtins(value, order="deterministic")


def value(data: Any, kind: type[T]) -> T:
    """The `kind` that `plain` made `data` of. Raises `Nonsense` naming the field that does not fit."""
    try:
        return msgspec.convert(data, kind, strict=False)
    except (msgspec.ValidationError, Nonsense, KeyError, TypeError, ValueError) as bad:
        raise Nonsense(f"Not a {kind.__name__}: {bad}.", "The data is damaged or of another version.") from None
