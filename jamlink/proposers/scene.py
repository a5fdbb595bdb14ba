"""What a musician would make of a request before answering it: key, line, harmony so far, what lies under the slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.harmony import joined
from jamlink.music.key import Key
from jamlink.music.key_estimate import estimate_key
from jamlink.music.line import Turn, on_grid, top_line, turns
from jamlink.music.motif import Motif, motifs_of
from jamlink.music.note import Note
from jamlink.session.proposal import ProposalRequest
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks


@dataclass(frozen=True, slots=True)
class Scene:
    """Made once a request. Ticks of `under`, `loop` and `echo` count from the slot's start."""

    request: ProposalRequest
    key: Key
    line: tuple[Note, ...]
    """The player's top line on the grid, in the session's ticks."""
    motifs: tuple[Motif, ...]
    """The bars of that line, newest first."""
    turns: frozenset[Turn]
    """The turns of that line."""
    last: Chord | None
    """The chord that sounded last."""
    under: tuple[ChordSpan, ...]
    """Chords already settled for the slot; empty where they do not cover it."""
    loop: tuple[ChordSpan, ...]
    """The harmony of the last stretch as long as the slot, as it would come round again; empty if little is known."""
    echo: tuple[tuple[float, ...], ...]
    """For each beat of the slot the shares of pitch classes played there last time round; zeros where none were."""

    @staticmethod
    def of(request: ProposalRequest) -> Scene:
        """Pure; about a millisecond for eight bars of playing."""
        context = request.context
        known = request.key or context.key
        estimate = None if known else estimate_key(context.heard)
        key = known or (estimate.key if estimate else Key(0))
        line = on_grid(top_line(context.heard), context.meter)
        chords = [span.chord for span in context.chords if span.chord]
        return Scene(
            request,
            key,
            line,
            tuple(motifs_of(line, context.meter, key)),
            frozenset(turns(line)),
            chords[-1] if chords else None,
            _under(request),
            _loop(request),
            _echo(request),
        )

    @property
    def meter(self) -> Meter:
        """The meter of slot and context."""
        return self.request.context.meter

    def heard_at(self, onset: int, end: int) -> tuple[float, ...]:
        """Weights by pitch class of what was played in [onset, end) last time round; all 0 where nothing was."""
        beat = self.meter.beat_ticks
        rows = self.echo[onset // beat : max(onset // beat + 1, -(-end // beat))]
        return tuple(sum(column) / len(rows) for column in zip(*rows, strict=True))


def _under(request: ProposalRequest) -> tuple[ChordSpan, ...]:
    slot = request.slot
    inside = []
    for span in request.context.chords:
        onset, end = max(span.onset, slot.start), min(span.end, slot.end)
        if onset < end:
            inside.append(ChordSpan(Ticks(onset - slot.start), Ticks(end - onset), span.chord))
    covered = sum(span.duration for span in inside) == slot.length
    return joined(inside) if covered and any(span.chord for span in inside) else ()


def _loop(request: ProposalRequest) -> tuple[ChordSpan, ...]:
    """Beat by beat the chord that would sound if what went round lately went round again."""
    beat = request.context.meter.beat_ticks
    at = {tick: span.chord for span in request.context.chords for tick in _beats(span, beat)}
    played = [at.get(tick) for tick in _last_time(request)]
    if 2 * sum(chord is not None for chord in played) < max(1, len(played)):
        return ()
    return _filled(played, beat)


def _beats(span: ChordSpan, beat: Ticks) -> range:
    """The beats that a span touches; a chord that comes between two counts for the one before it too."""
    return range(span.onset // beat * beat, span.end, beat)


def _last_time(request: ProposalRequest) -> list[int]:
    """For each beat of the slot the tick of the same beat last time round; empty before a bar was heard.

    What goes round is the last 1, 2, 4 or 8 bars, as many as were heard and the slot has.
    """
    slot, context, beat = request.slot, request.context, request.context.meter.beat_ticks
    heard = context.end // slot.bar_ticks - context.start // slot.bar_ticks
    periods = [bars for bars in (1, 2, 4, 8) if bars <= min(heard, slot.bars)]
    if not periods:
        return []
    period = periods[-1] * slot.bar_ticks
    newest = context.end // slot.bar_ticks * slot.bar_ticks
    since = newest - period
    return [since + (tick - since) % period for tick in range(slot.start, slot.end, beat)]


def _filled(played: list[Chord | None], beat: Ticks) -> tuple[ChordSpan, ...]:
    """Spans of the beats, gaps filled with the chord before (at the start: the first one known)."""
    sounding = next(chord for chord in played if chord)
    spans = []
    for i, chord in enumerate(played):
        sounding = chord or sounding
        spans.append(ChordSpan(Ticks(i * beat), beat, sounding))
    return joined(spans)


def _echo(request: ProposalRequest) -> tuple[tuple[float, ...], ...]:
    beat = request.context.meter.beat_ticks
    rows: dict[int, list[float]] = {}
    for note in request.context.heard:
        row = rows.setdefault(note.onset // beat * beat, [0.0] * 12)
        row[note.pitch % 12] += min(note.duration, beat)
    silent = [0.0] * 12
    ticks = _last_time(request) or [-1] * (request.slot.length // beat)
    return tuple(_shares(rows.get(tick, silent)) for tick in ticks)


def _shares(row: Sequence[float]) -> tuple[float, ...]:
    total = sum(row)
    return tuple(weight / total for weight in row) if total else (0.0,) * 12
