"""What the session process and the model process tell each other. No numpy here: the session process reads this too.

Every request that is asked is answered once, by ideas or by a failure; a cancelled or replaced one by no ideas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord
from jamlink.session.plain import plain, value
from jamlink.session.proposal import Candidate, ChordsRequest, ProposalRequest


@dataclass(frozen=True, slots=True)
class Ask:
    """Down: make ideas. A newer one for the same slot takes its place."""

    request: ProposalRequest


@dataclass(frozen=True, slots=True)
class Prepare:
    """Down: this will be asked for next, unless something changes. A newer one takes its place; it has no answer."""

    request: ProposalRequest


@dataclass(frozen=True, slots=True)
class AskChords:
    """Down: the chords of the next beats. A newer one takes its place, and no idea is made before it is answered."""

    request: ChordsRequest


@dataclass(frozen=True, slots=True)
class CancelAsk:
    """Down: nobody waits for this any more."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Up: the model is loaded and warm. `name` signs its ideas."""

    name: str


@dataclass(frozen=True, slots=True)
class CandidatesReady:
    """Up: the answer to a request, best first; empty where there is none."""

    request_id: int
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ChordsReady:
    """Up: the answer to a request for chords, one a beat; empty where a newer request took its place."""

    request_id: int
    chords: tuple[Chord, ...]
    made_by: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Up: a request came to nothing, or (None) the whole model did. One sentence for the player."""

    request_id: int | None
    sentence: str


ToModel: TypeAlias = Ask | Prepare | AskChords | CancelAsk
FromModel: TypeAlias = Ready | CandidatesReady | ChordsReady | Failed

_KINDS: dict[str, type] = {
    cls.__name__: cls for cls in (Ask, Prepare, AskChords, CancelAsk, Ready, CandidatesReady, ChordsReady, Failed)
}


def encode(message: ToModel | FromModel) -> bytes:
    """A frame."""
    return msgspec.msgpack.encode((type(message).__name__, plain(message)))


def decode(frame: bytes) -> Any:
    """The message of a frame. Raises `Nonsense` for what is none."""
    try:
        kind, payload = msgspec.msgpack.decode(frame)
        return value(payload, _KINDS[kind])
    except (msgspec.DecodeError, TypeError, ValueError, KeyError):
        raise Nonsense("A message between jamlink's processes is damaged.", "Start jamlink again.") from None
