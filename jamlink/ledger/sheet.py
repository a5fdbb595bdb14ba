"""What a lead sheet of a session shows, whatever it is written in: bars, chords, and the notes of both players.

The chords are those that we sounded; where we sounded none, those that are heard in what the player played.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jamlink.ledger.export import score_of, sounded_chords
from jamlink.ledger.story import Story
from jamlink.midi.score import MidiScore, TempoMark
from jamlink.music.analysis import chords_of, estimate_key
from jamlink.music.chord import ChordSpan
from jamlink.music.key import Key
from jamlink.music.notation import Bar, bars_until
from jamlink.music.note import Note
from jamlink.session.effects import Out
from jamlink.timing.units import Ticks

_FIFTHS = {0: 0, 7: 1, 2: 2, 9: 3, 4: 4, 11: 5, 6: -6, 1: -5, 8: -4, 3: -3, 10: -2, 5: -1}
"""Sharps (above 0) or flats of the major key on a pitch class, as `Key.flats` writes it."""


def fifths(key: Key) -> int:
    """How many sharps (below 0: flats) the signature of `key` has."""
    return _FIFTHS[(key.tonic + 3 * key.minor) % 12]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything on the page. `chords` lie beside one another, by onset; notes are by onset."""

    title: str
    bars: list[Bar]
    key: Key
    chords: list[ChordSpan]
    tempos: tuple[TempoMark, ...]
    player: list[Note]
    ours: list[Note]
    """Our melody."""


def sheet_from(story: Story, title: str = "") -> Sheet:
    """The sheet of a story, named `title` or by its day. Any thread; takes as long as the session is."""
    score = score_of(story, title)
    player, ours = _players(score), _melody(score)
    chords = sounded_chords(story)
    ends = [note.end for note in (*player, *ours)] + [span.end for span in chords]
    bars = bars_until(max(ends, default=Ticks(0)), [(mark.at, mark.meter) for mark in score.meters])
    estimate = estimate_key(sorted((*player, *ours)))
    key = estimate.key if estimate else Key(0)
    heard = _with_heard(chords, player, bars, key)
    return Sheet(score.name or title or "Jam", bars, key, heard, score.tempos, player, ours)


def _players(score: MidiScore) -> list[Note]:
    ours = {out.value for out in (Out.CHORDS, Out.MELODY, Out.BASS)}
    return sorted(note for part in score.parts if part.name not in ours for note in part.notes)


def _melody(score: MidiScore) -> list[Note]:
    return sorted(note for part in score.parts if part.name == Out.MELODY.value for note in part.notes)


def _with_heard(chords: Sequence[ChordSpan], player: Sequence[Note], bars: Iterable[Bar], key: Key) -> list[ChordSpan]:
    """`chords`, and for the bars without any those that are heard in what the player played."""
    found = list(chords)
    for bar in bars:
        if any(span.onset < bar.end and span.end > bar.start for span in chords):
            continue
        played = [note for note in player if note.onset < bar.end and note.end > bar.start]
        found += chords_of(played, bar.meter, bar.start, bar.end, key) if played else ()
    return _changes(sorted(found, key=lambda span: span.onset))


def _changes(spans: Iterable[ChordSpan]) -> list[ChordSpan]:
    """Without those that only say again what is there."""
    kept: list[ChordSpan] = []
    for span in spans:
        if not kept or kept[-1].chord != span.chord or kept[-1].end < span.onset:
            kept.append(span)
        else:
            kept[-1] = ChordSpan(kept[-1].onset, Ticks(span.end - kept[-1].onset), span.chord)
    return kept
