"""The demo's tune, written for jamlink: eight bars in G over a left hand, played by somebody human.

Each bar is a chord for the left hand and a melody of (beats, pitch) pairs, pitch 0 for a rest.
"""

from __future__ import annotations

from jamlink.midi.score import MeterMark, MidiScore, Part, TempoMark
from jamlink.music.chord import Chord, parse_chord
from jamlink.music.feel import Feel, humanise
from jamlink.music.note import Note
from jamlink.music.voicing import voice
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks, tempo_of_bpm

BPM = 96.0
_FEEL = Feel(level=74.0, spread=9.0, accent=10.0, swing=0.56)
_BARS: tuple[tuple[str, tuple[tuple[float, int], ...]], ...] = (
    ("G", ((1.0, 71), (0.5, 74), (0.5, 76), (1.5, 74), (0.5, 71))),
    ("Em", ((1.0, 67), (0.5, 69), (0.5, 71), (2.0, 67))),
    ("C", ((0.5, 64), (0.5, 67), (1.0, 72), (0.5, 71), (0.5, 69), (1.0, 67))),
    ("D7", ((1.0, 69), (0.5, 66), (0.5, 69), (1.5, 74), (0.5, 0))),
    ("G", ((1.0, 71), (0.5, 74), (0.5, 76), (1.0, 79), (1.0, 78))),
    ("Em", ((0.5, 76), (0.5, 74), (1.0, 71), (1.5, 76), (0.5, 74))),
    ("Am7", ((0.5, 72), (0.5, 71), (1.0, 69), (0.5, 72), (0.5, 76), (1.0, 74))),
    ("D7", ((0.5, 72), (0.5, 69), (0.5, 66), (0.5, 69), (1.0, 67), (1.0, 0))),
)


def demo_score() -> MidiScore:
    """The tune as a performance of two hands."""
    bar, beat = COMMON_TIME.bar_ticks, COMMON_TIME.beat_ticks
    melody: list[Note] = []
    for number, (_, line) in enumerate(_BARS):
        at = number * bar
        for beats, pitch in line:
            length = round(beats * beat)
            melody += [Note(Ticks(at), pitch, Ticks(length * 9 // 10), 84)] if pitch else []
            at += length
    chords: list[Chord | None] = [parse_chord(symbol) for symbol, _ in _BARS]
    left = [
        Note(Ticks(number * bar + half * bar // 2), pitch - 12, Ticks(bar * 45 // 100), 66)
        for number, voicing in enumerate(voice(chords))
        for half in (0, 1)
        for pitch in voicing[:3]
    ]
    return MidiScore(
        parts=(
            Part("right hand", 0, humanise(melody, _FEEL, seed=7)),
            Part("left hand", 0, humanise(left, _FEEL, seed=8)),
        ),
        tempos=(TempoMark(Ticks(0), tempo_of_bpm(BPM)),),
        meters=(MeterMark(Ticks(0), 4, 4),),
        name="demo",
    )
