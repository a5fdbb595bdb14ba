"""How soon an accompaniment is decided, told by the record of a session that played: beat to decision, and by whom.

A beat is asked for at one moment of the record and settled at another; what lies between is the way to the model
process, its thinking, and the way back, or the wait for it and the stand-in.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jamlink.errors import Unavailable
from jamlink.ledger.store import read
from jamlink.music.note import Note
from jamlink.proposers.chords_at_once import StandIn, table
from jamlink.session.effects import AskedChords, Chorded, Clocked
from jamlink.session.proposal import ChordsRequest
from jamlink.session.wire import EFFECT_KINDS, read_record
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks

_KINDS = tuple(kind for kind, made in EFFECT_KINDS.items() if made in (AskedChords, Chorded, Clocked))


@dataclass(frozen=True, slots=True)
class AlongTimes:
    """One promise: `late` are beats that were settled after they had begun, or that nobody settled in time."""

    commit: int
    beats: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    by_network: float
    """The share of the beats."""
    late: float
    """The share of the beats."""


@dataclass(frozen=True, slots=True)
class StandInTimes:
    """What the stand-in takes between two notes of the session: beat after beat, and when it is first asked in the
    middle of a song."""

    p50_ms: float
    max_ms: float
    first_ms: float


def stand_in_times(beats: int = 200) -> StandInTimes:
    """Measured here, over a melody that sounds all the time. Raises as `chords_at_once.table`."""
    meter, known = Meter(4, 4), table()
    heard = tuple(Note(Ticks(i * 480), 60 + i * 5 % 13, Ticks(480)) for i in range(2 * beats))
    who = StandIn(known)
    spans = [_asked_ms(who, meter, beat, heard) for beat in range(beats)]
    first = _asked_ms(StandIn(known), meter, beats - 1, heard)
    return StandInTimes(round(statistics.median(spans[1:]), 2), round(max(spans[1:]), 2), round(first, 2))


def _asked_ms(who: StandIn, meter: Meter, beat: int, heard: Sequence[Note]) -> float:
    told = tuple(note for note in heard if note.onset < beat * meter.beat_ticks)
    request = ChordsRequest(beat, 1, meter, beat, 4, 0, told, (None,) * 5, Ns(0))
    began = time.perf_counter()
    who.chords(request)
    return 1e3 * (time.perf_counter() - began)


def times_of(file: Path, commit: int) -> AlongTimes:
    """What the record says. Raises `Unavailable` where nothing was accompanied, `Nonsense` for no session."""
    entries = ((entry.at, read_record(entry.kind, entry.value)) for entry in read(file) if entry.kind in _KINDS)
    settled = list(_settled(entries))
    if not settled:
        raise Unavailable("Nothing was accompanied.", "See the session's log beside its file.")
    spans = sorted(span / 1e6 for _, span, _ in settled)

    def at(part: float) -> float:
        return round(spans[int(part * (len(spans) - 1))], 1)

    late = sum(beat.held or after for beat, _, after in settled)
    network = sum(not beat.stand_in and not beat.held for beat, _, _ in settled)
    count = len(settled)
    return AlongTimes(commit, count, at(0.5), at(0.95), at(1), round(network / count, 4), round(late / count, 4))


def _settled(entries: Iterable[tuple[Ns, object]]) -> Iterator[tuple[Chorded, Ns, bool]]:
    """Each beat that was asked for, how long it took, and whether it had begun by then."""
    asked: tuple[int, Ns] | None = None
    line: Timeline | None = None
    for at, item in entries:
        match item:
            case Clocked():
                line = item.timeline
            case AskedChords() if asked is None or asked[0] != item.request_id:
                asked = (item.request_id, at)
            case Chorded(chord=chord) if chord is not None and asked is not None and line is not None:
                yield item, Ns(at - asked[1]), line.ns_at(item.at) < at
