"""Melodies made of the player's own ideas: kept in rhythm, moved in pitch, fitted to the chords.

A *motif* is a bar of the player's line: where its notes fall and how it moves in steps of the scale. A *sketch* is a
melody before it meets the harmony: onsets with the pitch that each would like to have. `fitted` then chooses real
pitches: chord notes on strong beats, steps between them, no leap that a singer would refuse.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.music.pulse import BAR_LINE, BEAT, MID_BAR, OFF_BEAT, SIXTEENTH, strength
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

LOWEST, HIGHEST = 55, 88
"""G3 to E6: where a melody stands out over comping."""
_PLAIN_CENTRE = 71
_RHYTHM_OF_NOBODY = (1.0, 2.0)
"""Onsets a felt beat where nobody played: simple and compound meters."""


@dataclass(frozen=True, slots=True)
class Motif:
    """A bar of a line. `onsets` from the bar line; `steps` are scale steps from the first note; `gap` is the share of
    the time to the next note that sounds (1 is legato)."""

    onsets: tuple[int, ...]
    steps: tuple[int, ...]
    start: int
    gap: float = 1.0


@dataclass(frozen=True, slots=True)
class Wish:
    """A note that a sketch would like: where, and about how high. `held` keeps it to the end of its bar."""

    onset: int
    pitch: float
    held: bool = False


@dataclass(frozen=True, slots=True)
class Manner:
    """How a melody is to be: each 0 to 1 as in the player's controls; `centre` is a pitch."""

    boldness: float
    density: float
    drive: float
    centre: float
    onsets_a_beat: float


def motifs_of(line: Sequence[Note], meter: Meter, key: Key) -> list[Motif]:
    """The bars of a line on the grid that have two notes or more, newest first."""
    bars: dict[int, list[Note]] = {}
    for note in line:
        bars.setdefault(note.onset // meter.bar_ticks, []).append(note)
    return [_motif(bars[bar], meter, key) for bar in sorted(bars, reverse=True) if len(bars[bar]) >= 2]


def _motif(notes: Sequence[Note], meter: Meter, key: Key) -> Motif:
    places = [step_of(note.pitch, key) for note in notes]
    onsets = [note.onset % meter.bar_ticks for note in notes]
    waits = [b - a for a, b in zip(onsets, [*onsets[1:], meter.bar_ticks], strict=True)]
    sounding = sum(min(1.0, note.duration / wait) for note, wait in zip(notes, waits, strict=True)) / len(notes)
    return Motif(tuple(onsets), tuple(p - places[0] for p in places), notes[0].pitch, min(1.0, max(0.4, sounding)))


def step_of(pitch: int, key: Key) -> int:
    """The number of a pitch in the scale of its key, counted through the octaves; what is between goes down."""
    ladder = _ladder(key)
    octave, inside = divmod(pitch - key.tonic, 12)
    return octave * 7 + bisect_right(ladder, inside) - 1


def pitch_of(step: int, key: Key) -> int:
    """The pitch of a scale step. `step_of(pitch_of(n, key), key) == n`."""
    octave, inside = divmod(step, 7)
    return key.tonic + 12 * octave + _ladder(key)[inside]


@cache
def _ladder(key: Key) -> tuple[int, ...]:
    return tuple(sorted((pc - key.tonic) % 12 for pc in key.scale))


def plain_motif(meter: Meter, dice: random.Random) -> Motif:
    """A motif where nobody played: the strong places of the bar, in a small arch."""
    grid = [t for t in range(0, meter.bar_ticks, SIXTEENTH) if strength(t, meter) >= OFF_BEAT]
    count = max(2, round(meter.beats * _RHYTHM_OF_NOBODY[meter.compound]))
    kept = sorted(sorted(grid, key=lambda t: (-strength(t, meter), dice.random()))[: count + dice.randint(0, 1)])
    top = dice.randrange(len(kept))
    rise = dice.choice((1, 2))
    steps = [rise * (i if i <= top else 2 * top - i) for i in range(len(kept))]
    return Motif(tuple(kept), tuple(s - steps[0] for s in steps), _PLAIN_CENTRE)


# -- development ------------------------------------------------------------------------------------------------------

_FORMS: dict[int, tuple[tuple[str, ...], ...]] = {
    1: (("close",), ("vary",), ("state",)),
    2: (("state", "close"), ("vary", "close"), ("turn", "close")),
    4: (
        ("state", "sequence", "vary", "close"),
        ("state", "vary", "state", "close"),
        ("state", "turn", "break", "close"),
        ("state", "rest", "sequence", "close"),
    ),
}
"""What becomes of the motif, bar by bar; longer melodies chain these."""


def sketch(
    motifs: Sequence[Motif], bars: int, spans: Sequence[ChordSpan], meter: Meter, key: Key, manner: Manner,
    answer: bool, dice: random.Random,
) -> list[Wish]:  # fmt: skip
    """A melody over `bars` bars that develops one or two of `motifs`, as wishes in ticks from the first bar."""
    form = _form(bars, answer, dice)
    chosen = dice.choice(motifs[:3])
    other = dice.choice(motifs[:4])
    wishes: list[Wish] = []
    for bar, deed in enumerate(form):
        motif = other if bar >= 4 and bars > 4 else chosen
        root = _root_at(spans, meter.bar_start(bar), key)
        made = _develop(deed, motif, root, meter, key, manner, dice)
        start = meter.bar_start(bar)
        wishes += [Wish(wish.onset + start, wish.pitch, wish.held) for wish in made]
    return wishes


def _form(bars: int, answer: bool, dice: random.Random) -> list[str]:
    unit = max(n for n in _FORMS if n <= bars)
    form = [deed for _ in range(bars // unit) for deed in dice.choice(_FORMS[unit])]
    if answer:
        form[0] = dice.choice(("sequence", "turn", "vary"))
    if bars > unit:
        form[unit - 1] = "break"
    return form


def _root_at(spans: Sequence[ChordSpan], tick: int, key: Key) -> int:
    """The scale step, within an octave of the tonic, of the chord's root at `tick`."""
    chord = next((s.chord for s in spans if s.onset <= tick < s.end and s.chord), None)
    return step_of(chord.root + 12, key) % 7 if chord else 0


def _develop(
    deed: str, motif: Motif, root: int, meter: Meter, key: Key, manner: Manner, dice: random.Random
) -> list[Wish]:
    """One bar: the motif stated, moved to the chord, turned upside down, varied, broken off or led to a close."""
    base = _base(motif, key, manner)
    onsets, steps = motif.onsets, list(motif.steps)
    if deed == "sequence":
        base += min((root - base % 7) % 7, (root - base % 7) % 7 - 7, key=abs)
    elif deed == "turn":
        steps = [-s for s in steps]
    elif deed == "vary":
        steps = [s + dice.choice((0, 0, -1, 1, 2, -2)) for s in steps]
    elif deed in ("close", "break", "rest"):
        half = meter.bar_ticks // 2
        kept = [(o, s) for o, s in zip(onsets, steps, strict=True) if o < half] or [(0, 0)]
        onsets, steps = tuple(o for o, _ in kept), [s for _, s in kept]
    wishes = [Wish(o, pitch_of(base + s, key)) for o, s in zip(onsets, steps, strict=True)]
    if deed == "close":
        home = base + min((root - base % 7) % 7, (root - base % 7) % 7 - 7, key=abs)
        last = next(
            o for o in range(meter.bar_ticks // 2, meter.bar_ticks + 1, SIXTEENTH) if strength(o, meter) >= BEAT
        )
        wishes.append(Wish(last % meter.bar_ticks, pitch_of(home, key), held=True))
    return wishes if deed != "close" else _by_onset(wishes)


def _by_onset(wishes: Iterable[Wish]) -> list[Wish]:
    """Sorted, the later wish taken where two fall together."""
    return [w for _, w in sorted({wish.onset: wish for wish in wishes}.items())]


def _base(motif: Motif, key: Key, manner: Manner) -> int:
    """The step the motif starts on, moved by octaves to where the melody is wanted."""
    middle = motif.start + sum(motif.steps) * 1.7 / len(motif.steps)
    octaves = round((manner.centre - middle) / 12)
    return step_of(motif.start + 12 * octaves, key)


# -- density and drive ------------------------------------------------------------------------------------------------


def thinned_or_filled(wishes: Sequence[Wish], bars: int, meter: Meter, manner: Manner) -> list[Wish]:
    """As many notes as the density asks for: the weakest left out, or passing notes put between."""
    placed = {wish.onset: wish for wish in wishes}
    count = max(bars, round(bars * meter.beats * manner.onsets_a_beat * 4 ** (manner.density - 0.5)))
    held_ends = {w.onset: _bar_end(w.onset, meter) for w in wishes if w.held}
    if len(placed) > count:
        order = sorted(placed, key=lambda t: (not placed[t].held, -strength(t, meter), t))
        return [placed[t] for t in sorted(order[:count])]
    finest = SIXTEENTH if count > 1.6 * bars * meter.bar_ticks / (2 * SIXTEENTH) else 2 * SIXTEENTH
    free = [
        t
        for t in range(0, bars * meter.bar_ticks, finest)
        if t not in placed and not any(a < t < end for a, end in held_ends.items())
    ]
    free.sort(key=lambda t: (-strength(t, meter), t))
    for tick in free[: count - len(placed)]:
        placed[tick] = Wish(tick, _between(tick, wishes))
    return [placed[t] for t in sorted(placed)]


def _bar_end(onset: int, meter: Meter) -> int:
    return int(meter.next_bar(Ticks(onset)))


def _between(tick: int, wishes: Sequence[Wish]) -> float:
    """The height between the neighbours of `tick`."""
    before = max((w for w in wishes if w.onset < tick), key=lambda w: w.onset, default=wishes[0])
    after = min((w for w in wishes if w.onset > tick), key=lambda w: w.onset, default=before)
    return (before.pitch + after.pitch) / 2


def pushed(wishes: Sequence[Wish], meter: Meter, drive: float, dice: random.Random) -> list[Wish]:
    """Beats taken an eighth early, more of them as the drive grows; never the first note."""
    taken = {wish.onset for wish in wishes}
    eighth = 2 * SIXTEENTH
    moved = []
    for wish in wishes:
        early = wish.onset - eighth
        wants = dice.random() < 0.9 * (drive - 0.45)
        if wants and strength(wish.onset, meter) >= BEAT and early > 0 and not taken & {early, early + SIXTEENTH}:
            wish = Wish(early, wish.pitch, wish.held)
        moved.append(wish)
    return sorted(moved, key=lambda wish: wish.onset)


# -- pitches ----------------------------------------------------------------------------------------------------------


def fitted(
    wishes: Sequence[Wish], spans: Sequence[ChordSpan], length: Ticks, meter: Meter, key: Key, manner: Manner,
    gap: float, dice: random.Random,
) -> tuple[Note, ...]:  # fmt: skip
    """Notes for the wishes inside [0, length): chord notes where it is strong, steps between, a colour where bold."""
    pitches = _pitches(wishes, spans, meter, key, manner, dice)
    ends = [*(w.onset for w in wishes[1:]), length]
    notes = []
    for wish, pitch, end in zip(wishes, pitches, ends, strict=True):
        room = min(end, length) - wish.onset
        sounding = room if wish.held else min(room * gap, 2 * meter.beat_ticks)
        velocity = {BAR_LINE: 88, MID_BAR: 84, BEAT: 82}.get(strength(wish.onset, meter), 74)
        notes.append(Note(Ticks(wish.onset), pitch, Ticks(max(1, round(sounding))), velocity))
    return tuple(notes)


def _pitches(
    wishes: Sequence[Wish], spans: Sequence[ChordSpan], meter: Meter, key: Key, manner: Manner, dice: random.Random
) -> list[int]:
    """Left to right, the cheapest pitch for each wish; then half steps from below into strong notes."""
    weights = [MID_BAR if wish.held else strength(wish.onset, meter) for wish in wishes]
    found: list[int] = []
    before: Wish | None = None
    for wish, weight in zip(wishes, weights, strict=True):
        chord = _chord_at(spans, wish.onset)
        choices = _choices(chord, key, min(MID_BAR, max(OFF_BEAT, weight)))
        again = _AGAIN if before and before.pitch != wish.pitch else 0.0
        found.append(_pitch(wish.pitch, choices, found[-1] if found else None, again))
        before = wish
    for i in range(len(found) - 1):
        if weights[i] < BEAT and found[i] != found[i + 1] and dice.random() < 0.9 * (manner.boldness - 0.35):
            found[i] = found[i + 1] + (1 if found[i] > found[i + 1] else -1)
    return found


def _chord_at(spans: Sequence[ChordSpan], tick: int) -> Chord | None:
    for span in spans:
        if span.onset <= tick < span.end:
            return span.chord
    return None


Choice = tuple[int, float]
"""A pitch and what it costs for itself, in semitones of distance from the wish."""
_BESIDE = {OFF_BEAT: 0.7, BEAT: 1.6}
"""What a note beside the chord costs between the beats and on one; at the bar line and in the middle there is none."""
_RUB = 0.8
"""What it costs more a half step above a chord note."""
_AGAIN, _LEAP = 2.0, 0.5
"""What the same note again costs where the line would move, and each semitone of a leap beyond a fourth."""
_FAR = 5


@lru_cache(maxsize=4096)
def _choices(chord: Chord | None, key: Key, weight: int) -> tuple[Choice, ...]:
    """The pitches that suit a chord: its notes, and where it is weaker the notes of the key."""
    tones = chord.pitch_classes if chord else key.scale
    found = []
    for pitch in range(LOWEST, HIGHEST + 1):
        if pitch % 12 in tones:
            found.append((pitch, 0.0))
        elif weight in _BESIDE and pitch % 12 in key.scale:
            found.append((pitch, _BESIDE[weight] + (_RUB if (pitch - 1) % 12 in tones else 0.0)))
    return tuple(found)


def _pitch(wish: float, choices: Sequence[Choice], before: int | None, again: float) -> int:
    """The pitch near the wish that suits chord and line best; `again` is the price of the note before."""
    wish = min(HIGHEST, max(LOWEST, wish))
    best, least = LOWEST, 1e9
    for pitch, cost in choices[bisect_left(choices, (wish - _FAR, 0.0)) :]:
        if pitch > wish + _FAR:
            break
        cost += abs(pitch - wish)
        if before is not None:
            leap = abs(pitch - before)
            cost += again if leap == 0 else _LEAP * (leap - 5) if leap > 5 else 0.0
        if cost < least:
            best, least = pitch, cost
    return best
