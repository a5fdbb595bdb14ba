"""The state as a view reads it: typed, with what every view works out in the same way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from jamlink.errors import Nonsense
from jamlink.session import inputs
from jamlink.session.proposal import State
from jamlink.session.snapshot import Card, ClockView, HandView, PlacedView, SteeringView
from jamlink.timing.units import TICKS_PER_QUARTER, Ns


class Ports(msgspec.Struct, frozen=True):
    """MIDI ports that are there, and what is connected to what, as "role: port"."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()


class Lateness(msgspec.Struct, frozen=True):
    """How late notes left over the last thousand, in ms, and how many were lost."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0
    count: int = 0
    lost: int = 0
    realtime: bool = False


class AlongChord(msgspec.Struct, frozen=True):
    """A chord of the accompaniment; `promised` where it no longer changes."""

    start: int
    end: int
    symbol: str
    promised: bool


class Along(msgspec.Struct, frozen=True):
    """What the accompaniment does: see `jamlink.session.snapshot.AccompanyView`."""

    phase: str
    words: str
    made_by: str
    chords: tuple[AlongChord, ...]


class Picture(msgspec.Struct, frozen=True):
    """One state: the session's snapshot and what its process knows. `saved` is the newest record on disk."""

    clock: ClockView
    key: str
    chord: str
    sounding: tuple[int, ...]
    asking: bool
    hand: HandView | None
    taken: PlacedView | None
    playing: PlacedView | None
    coming: tuple[tuple[int, str], ...]
    steering: SteeringView
    model: str
    missed: int
    decision: int
    notices: tuple[str, ...]
    accompany: Along | None = None
    saved: int = -1
    ports: Ports = Ports()
    lateness: Lateness = Lateness()
    trouble: tuple[str, ...] = ()
    file: str = ""


def picture_of(state: dict[str, Any]) -> Picture:
    """The picture of a state; sections it does not know are left aside. Raises `Nonsense` where one does not fit."""
    try:
        return msgspec.convert(state, Picture)
    except msgspec.ValidationError as bad:
        raise Nonsense(f"The session's state was not understood: {bad}.", "Start jamlink again.") from None


def is_saved(picture: Picture) -> bool:
    """Whether the newest decision is on disk. Before that it must not be shown as taken."""
    return picture.decision <= picture.saved


# -- where we are -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Bar and beat counted from 1 (bar 0 and below is the count-in); `through` the beat, from 0 up to 1."""

    bar: int
    beat: int
    through: float

    @property
    def counting_in(self) -> bool:
        """Whether bar 1 is still to come."""
        return self.bar < 1


def showing_tick(picture: Picture, now: Ns) -> int:
    """The tick at `now`, by the session's line and the machine's own clock; where it stands while stopped."""
    clock = picture.clock
    if not clock.playing:
        return clock.tick_origin
    return clock.tick_origin + (now - clock.ns_origin) * TICKS_PER_QUARTER // clock.tempo_ns


def place_of(clock: ClockView, tick: int) -> Place:
    """Bar, beat and how far through it."""
    bar, inside = divmod(tick, clock.bar_ticks)
    beat, rest = divmod(inside, clock.beat_ticks)
    return Place(bar + 1, beat + 1, rest / clock.beat_ticks)


def bar_words(clock: ClockView, tick: int) -> str:
    """Where something begins: "bar 9", or "9.3" where it is not on the bar line."""
    place = place_of(clock, tick)
    return f"bar {place.bar}" if tick % clock.bar_ticks == 0 else f"{place.bar}.{place.beat}"


def beats_left(picture: Picture, tick: int) -> int | None:
    """Felt beats left to decide, rounded up, 0 when it is too late; None without a hand or while stopped."""
    if picture.hand is None or not picture.clock.playing:
        return None
    return max(0, -((tick - picture.hand.decide_by) // picture.clock.beat_ticks))


def is_late(hand: HandView, tick: int) -> bool:
    """Whether what is taken now no longer starts with the hand's own bars."""
    return tick > hand.decide_by


# -- what comes next --------------------------------------------------------------------------------------------------


class Promise(Enum):
    """How sure a chord is."""

    KEPT = "sounds, or was taken and is saved"
    LOOP = "sounds again unless something else is taken"
    SAVING = "taken, and on its way to the disk"
    IDEA = "only if the chosen idea is taken"
    MAYBE = "as it is thought of now; the next notes may change it"


@dataclass(frozen=True, slots=True)
class Coming:
    """A chord of ours; `tick` and `end` are absolute."""

    tick: int
    end: int
    symbol: str
    promise: Promise


def coming(picture: Picture, tick: int) -> list[Coming]:
    """Our chords in order, from the one that sounds at `tick` on: what plays, then what follows or would follow."""
    chords = [*_playing(picture, tick), *_after(picture), *_along(picture)]
    return [chord for chord in chords if chord.end > tick]


def now_and_next(chords: Sequence[Coming], tick: int) -> tuple[Coming | None, Coming | None]:
    """The chord that sounds at `tick` and the first after it."""
    now = next((chord for chord in reversed(chords) if chord.tick <= tick and _sounds(chord)), None)
    return now, next((chord for chord in chords if chord.tick > tick), None)


def _sounds(chord: Coming) -> bool:
    return chord.promise not in (Promise.IDEA, Promise.MAYBE)


def _playing(picture: Picture, tick: int) -> list[Coming]:
    """What plays until it is over or what was taken begins. A loop is told its next round just before the old ends."""
    placed = picture.playing
    if placed is None:
        return []
    rounds = [placed.start]
    if tick < placed.start:
        rounds.insert(0, placed.start - (placed.end - placed.start))
    until = picture.taken.start if picture.taken else placed.end
    spans = [span for start in rounds for span in _spans(placed, start, Promise.KEPT)]
    return [span for span in spans if span.tick < until]


def _after(picture: Picture) -> list[Coming]:
    if picture.taken is not None:
        return _spans(picture.taken, picture.taken.start, Promise.KEPT if is_saved(picture) else Promise.SAVING)
    if picture.playing is not None and picture.steering.repeat == inputs.Repeat.LOOP.value:
        return _spans(picture.playing, picture.playing.end, Promise.LOOP)
    return _idea(picture)


def _along(picture: Picture) -> list[Coming]:
    chords = picture.accompany.chords if picture.accompany else ()
    return [Coming(c.start, c.end, c.symbol, Promise.KEPT if c.promised else Promise.MAYBE) for c in chords]


def _idea(picture: Picture) -> list[Coming]:
    hand = picture.hand
    chosen = next((card for card in hand.cards if card.selected), None) if hand else None
    if hand is None or chosen is None or chosen.state != State.OFFERED.value:
        return []
    length = hand.slot_bars * picture.clock.bar_ticks
    return _between(chosen.chords, hand.slot_start, length, Promise.IDEA)


def _spans(placed: PlacedView, start: int, promise: Promise) -> list[Coming]:
    return _between(placed.chords, start, placed.end - placed.start, promise)


def _between(chords: Iterable[tuple[int, str]], start: int, length: int, promise: Promise) -> list[Coming]:
    """Each chord lasts until the next one begins, the last one to the end."""
    entries = list(chords)
    ends = [*(tick for tick, _ in entries[1:]), length][: len(entries)]
    return [Coming(start + tick, start + end, name, promise) for (tick, name), end in zip(entries, ends, strict=True)]


# -- ideas ------------------------------------------------------------------------------------------------------------


class Standing(Enum):
    """What has become of a card, in a word for the screen."""

    OFFERED = "offered"
    SAVING = "saving"
    TAKEN = "taken"
    SOUNDS = "sounds"
    GONE = "gone"


_STANDING = {
    State.OFFERED.value: Standing.OFFERED,
    State.SCHEDULED.value: Standing.TAKEN,
    State.SOUNDING.value: Standing.SOUNDS,
}


def standing(picture: Picture, card: Card) -> Standing:
    """What has become of `card`; one that was taken is so only once that is saved."""
    found = _STANDING.get(card.state, Standing.GONE)
    return Standing.SAVING if found is Standing.TAKEN and not is_saved(picture) else found


def made_by(picture: Picture, maker: str) -> str:
    """Who made it, honestly: whoever answers in the model's place is called a stand-in."""
    return maker if maker == picture.model else f"stand-in: {maker}"


def names(chords: Iterable[tuple[int, str]]) -> str:
    """The symbols in a row."""
    return " ".join(symbol for _, symbol in chords)


def new_notices(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """What was said since: both are the newest few, so the end of the one overlaps the start of the other."""
    for overlap in range(min(len(before), len(after)), -1, -1):
        if before[len(before) - overlap :] == after[:overlap]:
            return after[overlap:]
    return after
