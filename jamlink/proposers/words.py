"""What is special about an idea, in a musician's words. Computed from what it plays, never from how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.line import turns
from jamlink.music.note import Note
from jamlink.proposers.scene import Scene
from jamlink.session.proposal import Candidate

_MOST = 3
"""More than so many words are not read before the bar line."""


def special(idea: Candidate, scene: Scene) -> str:
    """Up to three remarks, the most telling first: "borrows from minor, ends on the dominant, busier". Never none."""
    remarks = [*_harmony(idea.chords, scene), *_lines(idea, scene)]
    return ", ".join(remarks[:_MOST]) or _plainly(idea)


def _plainly(idea: Candidate) -> str:
    """What it is, where nothing about it is special."""
    if idea.chords:
        return "goes its own way"
    return "a melody of its own" if idea.melody else "a bass of its own" if idea.bass else "silence"


def _harmony(spans: Sequence[ChordSpan], scene: Scene) -> Iterator[str]:
    chords = [span.chord for span in spans if span.chord]
    if not chords:
        return
    key = scene.key
    if spans == scene.loop:
        yield "your chords again"
    elif scene.loop and _kept(spans, scene.loop) >= 0.5:
        yield "your chords, varied"
    foreign = [chord for chord in chords if not chord.pitch_classes <= _heard_as_key(key)]
    yield from _from_where(foreign, chords, key) if foreign else (f"stays in {_name(key)}",)
    if _walks_down(chords):
        yield "walks down"
    yield from _ending(chords[-1], key)


def _kept(spans: Sequence[ChordSpan], loop: Sequence[ChordSpan]) -> float:
    """Share of time on which two harmonies of one length agree."""
    shared = sum(max(0, min(a.end, b.end) - max(a.onset, b.onset)) for a in spans for b in loop if a.chord == b.chord)
    return shared / loop[-1].end


def _heard_as_key(key: Key) -> frozenset[int]:
    """The scale, with the leading note that minor has at its cadences."""
    return key.scale | {(key.tonic + 11) % 12} if key.minor else key.scale


def _from_where(foreign: Sequence[Chord], chords: Sequence[Chord], key: Key) -> Sequence[str]:
    """A foreign chord that comes from nowhere in particular is at least named."""
    return [*_foreign(foreign, chords, key)] or [f"touches {foreign[0].symbol_in(key)}"]


def _foreign(foreign: Sequence[Chord], chords: Sequence[Chord], key: Key) -> Iterator[str]:
    """Where the chords that are not of the key come from."""
    parallel = _heard_as_key(Key(key.tonic, not key.minor))
    for chord, after in pairwise([*chords, chords[0]]):
        if chord in foreign and chord.quality is Quality.DOMINANT_7 and (after.root - chord.root) % 12 == 5:
            yield f"leans into {after.symbol_in(key)}"
            break
    if any(chord.quality is Quality.DOMINANT_7 and (after.root - chord.root) % 12 == 11
           for chord, after in pairwise([*chords, chords[0]]) if chord in foreign):  # fmt: skip
        yield "slides in from a half step above"
    if 2 * sum(chord.pitch_classes <= parallel for chord in foreign) >= len(foreign):
        yield f"borrows from {'major' if key.minor else 'minor'}"
    elif len(foreign) > len(chords) / 2:
        yield f"leaves {_name(key)}"


def _walks_down(chords: Sequence[Chord]) -> bool:
    """Three steps down on end in the bass."""
    steps = [(b.bass - a.bass) % 12 in (10, 11) for a, b in pairwise(chords)]
    return any(all(steps[i : i + 3]) for i in range(len(steps) - 2))


def _ending(last: Chord, key: Key) -> Iterator[str]:
    degree = (last.root - key.tonic) % 12
    if degree == 0:
        yield "comes home"
    elif degree == 7:
        yield "ends on the dominant"
    elif degree in (8, 9):
        yield "ends open"


def _lines(idea: Candidate, scene: Scene) -> Iterator[str]:
    length = scene.request.slot.length
    heard = [n for n in scene.line if n.onset >= scene.request.context.end - length]
    if idea.melody and len(heard) >= 4:
        if _shared_turns(idea.melody, heard) >= 0.35:
            yield "grows from your phrase"
        busy = len(idea.melody) / len(heard)
        if busy >= 1.4:
            yield "busier"
        elif busy <= 0.6:
            yield "sparser"
        yield from _register(idea.melody, heard)


def _shared_turns(melody: Sequence[Note], heard: Sequence[Note]) -> float:
    """Share of the melody's turns (two intervals in their rhythm) that the player made too."""
    own, theirs = list(turns(melody)), set(turns(heard))
    return sum(turn in theirs for turn in own) / len(own) if own else 0.0


def _register(melody: Sequence[Note], heard: Sequence[Note]) -> Iterator[str]:
    own = sum(n.pitch for n in melody) / len(melody)
    theirs = sum(n.pitch for n in heard) / len(heard)
    if own - theirs >= 7:
        yield "higher"
    elif theirs - own >= 7:
        yield "lower"


def _name(key: Key) -> str:
    """G, or G minor: as one says it on the stand."""
    return key.name(key.tonic) + (" minor" if key.minor else "")
