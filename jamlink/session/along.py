"""What an accompaniment goes by: chords that are settled, and what follows from them and what is around. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.feel import Feel
from jamlink.music.note import Note
from jamlink.session.around import Around
from jamlink.session.comping import Manner
from jamlink.session.listener import FEEL_BARS
from jamlink.session.proposal import Candidate, Proposal, Role, Slot
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

_WINDOW_BARS = 32
"""Heard is at least so much, and at most twice as much."""
_REGISTER_BARS = 2
"""The register that the player is in is told by the last bars."""


class Phase(Enum):
    """What the accompaniment does; the value is its word on the screen."""

    LISTENING = "listening"
    FOLLOWING = "following"
    ROUND = "going round"
    RESTING = "resting"


@dataclass(frozen=True, slots=True)
class Settled:
    """The chord of a beat."""

    beat: int
    chord: Chord
    owner: int
    made_by: str
    stand_in: bool


@dataclass(frozen=True, slots=True)
class Round:
    """Chords that go round, one a beat, from `start` on; `hold` where it is one chord that is held."""

    start: int
    chords: tuple[Settled, ...]
    hold: bool

    def at(self, beat: int) -> Settled:
        """What this beat gets."""
        return self.chords[(beat - self.start) % len(self.chords)]


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be decided about now: whether a chord of ours is settled, whether a whole bar is, and whether something
    goes round."""

    chord: bool
    bar: bool
    round: bool


def window_of(beat: int, meter: Meter) -> int:
    """The beat from which on is told what was heard."""
    bar = beat // meter.beats
    return max(0, (bar - _WINDOW_BARS) // _WINDOW_BARS * _WINDOW_BARS) * meter.beats


def is_open(note: Note, around: Around) -> bool:
    """Whether a note lasts until now."""
    return note.end >= around.tick


def held_on(note: Note, tick: Ticks, sounding: frozenset[int], around: Around) -> Note:
    """A note whose key is down is taken to last until the beat, and everything is cut off there."""
    end = tick if note.pitch in sounding and is_open(note, around) else min(note.end, tick)
    return note if end == note.end else replace(note, duration=Ticks(max(1, end - note.onset)))


def manner_of(tick: Ticks, heard: Sequence[Note], around: Around) -> Manner:
    """How a beat at `tick` is to be played: with the player's feel, out of the player's register."""
    controls, settings, meter = around.controls, around.settings, around.meter
    roles = frozenset(settings.roles & {Role.CHORDS, Role.BASS})
    now = around.tick
    pitches = [note.pitch for note in heard if note.onset >= now - _REGISTER_BARS * meter.bar_ticks]
    others = (min(pitches), max(pitches)) if pitches else None
    feel = Feel.of([note for note in heard if note.onset >= now - FEEL_BARS * meter.bar_ticks], meter)
    return Manner(meter, feel, controls.density, controls.drive, roles, settings.channels, others)


def home_chord(around: Around) -> Chord:
    """The chord of the key; C where none was heard."""
    key = around.key
    return Chord(key.tonic, Quality.MINOR if key.minor else Quality.MAJOR) if key else Chord(0, Quality.MAJOR)


def related_chord(chord: Chord) -> Chord:
    """The relative minor of a major chord, the relative major of a minor one: what shares most with it."""
    if chord.quality.minor_third:
        return Chord((chord.root + 3) % 12, Quality.MAJOR)
    return Chord((chord.root + 9) % 12, Quality.MINOR)


def name_of(chord: Chord, around: Around) -> str:
    """Its symbol, in the key where one was heard."""
    key = around.key
    return chord.symbol_in(key) if key else chord.symbol()


def as_candidate(settled: Sequence[Settled], meter: Meter, start: Ticks) -> Candidate:
    """Settled beats as an idea of whole bars from `start` on."""
    beats = [(each.beat, each.chord) for each in settled]
    if len(beats) == 1:
        beats = [(start // meter.beat_ticks + i, beats[0][1]) for i in range(meter.beats)]
    chords = tuple(
        ChordSpan(Ticks(begin - start), Ticks(end - begin), chord)
        for begin, end, chord in spans_of(beats, meter.beat_ticks)
    )
    return Candidate(chords, (), (), 0.0, 0.0, settled[-1].made_by, 0, "as it was accompanied")


def as_proposal(settled: Sequence[Settled], id: int, meter: Meter) -> Proposal:
    """Settled beats as an idea of whole bars, for a decision about them."""
    bars = max(1, len(settled) // meter.beats)
    slot = Slot(Ticks(settled[0].beat // meter.beats * meter.bar_ticks), bars, meter.bar_ticks)
    return Proposal(id, slot, frozenset({Role.CHORDS}), as_candidate(settled, meter, slot.start))


def spans_of(beats: Sequence[tuple[int, Chord]], beat_ticks: int) -> list[tuple[int, int, Chord]]:
    """Chords one a beat as spans: start, end, chord; equal neighbours together."""
    found: list[tuple[int, int, Chord]] = []
    for beat, chord in beats:
        start, end = beat * beat_ticks, (beat + 1) * beat_ticks
        if found and found[-1][2] == chord and found[-1][1] == start:
            found[-1] = (found[-1][0], end, chord)
        else:
            found.append((start, end, chord))
    return found
