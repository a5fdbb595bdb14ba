"""One entry of a ledger, and the hash that ties it to the one before.

The canonical form of an entry is a JSON object with its keys in order and no spaces, in ASCII (other letters escaped):

    {"at":AT,"kind":KIND,"parent":PARENT,"payload":PAYLOAD,"seq":SEQ}

PAYLOAD is canonical JSON too, and is stored as that very text, so that nobody has to write a number the same way twice.
The hash is the SHA-256 of the canonical form, tagged with its algorithm: "sha256/1:" and 64 hexadecimal digits. The
parent of entry 0 is "sha256/1:" and 64 zeros.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from jamlink.errors import Fault
from jamlink.timing.units import Ns

ALGORITHM = "sha256/1"
NO_PARENT = f"{ALGORITHM}:{'0' * 64}"

HEADER = "header"
"""The kind of entry 0, which alone holds wall time."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """`payload` is canonical JSON; `at` is on the session's monotonic clock. Immutable."""

    seq: int
    parent: str
    kind: str
    payload: str
    at: Ns
    hash: str

    @property
    def value(self) -> Any:
        """The payload as numbers, strings, lists and dicts."""
        return json.loads(self.payload)


def canonical(payload: Any) -> str:
    """`payload` as canonical JSON. Raises `Fault` for what JSON cannot say (a set, not-a-number, a key of no text)."""
    try:
        return json.dumps(payload, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Fault(f"This cannot be recorded: {error}.") from error


def digest(seq: int, parent: str, kind: str, payload: str, at: int) -> str:
    """The tagged hash of an entry's canonical form."""
    form = f'{{"at":{at},"kind":{canonical(kind)},"parent":{canonical(parent)},"payload":{payload},"seq":{seq}}}'
    return f"{ALGORITHM}:{hashlib.sha256(form.encode('utf-8', 'surrogateescape')).hexdigest()}"


def entry_after(seq: int, parent: str, kind: str, payload: Any, at: Ns) -> LedgerEntry:
    """The entry number `seq` whose parent's hash is `parent`."""
    text = canonical(payload)
    return LedgerEntry(seq, parent, kind, text, at, digest(seq, parent, kind, text, at))
