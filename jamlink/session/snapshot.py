"""What a view shows, as one frozen value in a musician's words. Views get nothing else.

Positions come both as words ("8.4") and as ticks with the timeline, so that a view draws the beat from its own clock
and never from the arrival of a message. Beats and bars in words count from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from jamlink.music.chord import NO_CHORD, Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.session.accompany import Accompaniment
from jamlink.session.along import Phase, spans_of
from jamlink.session.around import Around
from jamlink.session.following import Led
from jamlink.session.listener import Listener
from jamlink.session.planner import Plan
from jamlink.session.proposal import Controls, Proposal, Role, Slot
from jamlink.session.settings import Channels, SessionSettings
from jamlink.session.stand import Placed, Stand
from jamlink.timing.meter import Meter
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ticks

COMING_CHORDS = 8


@dataclass(frozen=True, slots=True)
class ClockView:
    """Where we are: tick = tick_origin + (now - ns_origin) * 960 / tempo_ns, all on the monotonic clock."""

    playing: bool
    bpm: float
    meter: str
    beats: int
    beat_ticks: int
    bar_ticks: int
    tick_origin: int
    ns_origin: int
    tempo_ns: int
    source: str = "own clock"
    """Whose tempo it is, in the player's words."""
    bond: str = ""
    """How sure that is; empty for our own."""
    led: str = "own clock"
    """Both in a few words."""


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note of an idea, in ticks from its slot."""

    onset: int
    duration: int
    pitch: int


@dataclass(frozen=True, slots=True)
class Card:
    """One idea. `place` is 1 for the first of the hand; `chords` are symbols with their tick from the slot."""

    id: int
    place: int
    state: str
    chords: tuple[tuple[int, str], ...]
    melody: tuple[NoteView, ...]
    bass: tuple[NoteView, ...]
    words: str
    made_by: str
    edits: tuple[str, ...]
    selected: bool
    closest: str = ""
    """The known piece that it comes near to; empty where it comes near to none."""


@dataclass(frozen=True, slots=True)
class HandView:
    """The hand on the stand. `late` says that a stand-in filled it because the model had no idea in time."""

    slot_start: int
    slot_bars: int
    slot_words: str
    decide_by: int
    decide_words: str
    deal: int
    late: bool
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class VoiceView:
    """A note as it is laid out to sound, in ticks from where its idea starts."""

    onset: int
    duration: int
    pitch: int
    velocity: int
    role: str


@dataclass(frozen=True, slots=True)
class PlacedView:
    """An accepted idea: waiting for its slot, or sounding. `voices` is all that will sound of it, in order."""

    id: int
    start: int
    end: int
    start_words: str
    chords: tuple[tuple[int, str], ...]
    made_by: str
    voices: tuple[VoiceView, ...] = ()
    edited: bool = False


@dataclass(frozen=True, slots=True)
class SteeringView:
    """What the player has set."""

    bars: int
    roles: tuple[str, ...]
    repeat: str
    mode: str
    click: str
    key_lock: str
    controls: dict[str, float]
    style: str = ""
    count_in: int = 1
    """Bars."""
    accompany: dict[str, int] = field(default_factory=dict)
    """Beats of look-ahead, commit and listening; bars of rest."""


@dataclass(frozen=True, slots=True)
class AlongChord:
    """A chord of the accompaniment, in ticks; `promised` where it no longer changes."""

    start: int
    end: int
    symbol: str
    promised: bool


@dataclass(frozen=True, slots=True)
class AlongVoice:
    """A note of it, in ticks; `end` may still move on while the note is held. `id` names it."""

    id: str
    tick: int
    end: int
    pitch: int
    velocity: int
    role: str


@dataclass(frozen=True, slots=True)
class AccompanyView:
    """What the accompaniment does: a `phase` and a sentence, its chords from the one that sounds on, and its notes."""

    phase: str
    words: str
    made_by: str
    """Who made the chord that sounds; empty where none does."""
    chords: tuple[AlongChord, ...]
    voices: tuple[AlongVoice, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything. `decision` is the record number of the newest decision: it is safe once the ledger has it."""

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
    channels: dict[str, int]
    """The MIDI channel of each output, counted from 1."""
    disabled: dict[str, str]
    """Controls that would be refused now, each with the reason in a sentence."""
    accompany: AccompanyView | None = None
    """Only while jamlink accompanies."""


def clock_view(transport: Transport, led: Led) -> ClockView:
    """The clock as numbers a view can run by itself."""
    line, meter = transport.timeline, transport.meter
    return ClockView(
        playing=transport.playing,
        bpm=led.bpm(line.tempo),
        meter=str(meter),
        beats=meter.beats,
        beat_ticks=meter.beat_ticks,
        bar_ticks=meter.bar_ticks,
        tick_origin=line.tick_origin,
        ns_origin=line.ns_origin,
        tempo_ns=line.tempo,
        source=led.source,
        bond=led.bond,
        led=led.words(led.bpm(line.tempo)),
    )


def hand_view(stand: Stand, meter: Meter, key: Key | None) -> HandView | None:
    """The hand as cards."""
    hand = stand.hand
    if hand is None:
        return None
    cards = tuple(_card(i, p, i == stand.selected, key) for i, p in enumerate(hand.proposals))
    return HandView(
        slot_start=hand.slot.start,
        slot_bars=hand.slot.bars,
        slot_words=_bars_in_words(hand.slot, meter),
        decide_by=hand.decide_by,
        decide_words=str(meter.at(hand.decide_by)),
        deal=hand.deal,
        late=hand.late,
        cards=cards,
    )


def placed_view(placed: Placed | None, meter: Meter, key: Key | None) -> PlacedView | None:
    """An accepted idea."""
    if placed is None:
        return None
    proposal = placed.proposal
    return PlacedView(
        id=proposal.id,
        start=placed.start,
        end=placed.end,
        start_words=str(meter.at(placed.start)),
        chords=named(proposal.content.chords, key),
        made_by=proposal.content.made_by,
        voices=voices_of(placed.plan),
        edited=bool(proposal.edits),
    )


def voices_of(plan: Plan) -> tuple[VoiceView, ...]:
    """All that a plan sounds, in order of onset."""
    found = (
        VoiceView(n.onset, n.duration, n.pitch, n.velocity, out.value)
        for out, notes in plan.notes.items()
        for n in notes
    )
    return tuple(sorted(found, key=lambda voice: voice.onset))


def coming_chords(placed: Iterable[Placed | None], tick: Ticks, key: Key | None) -> tuple[tuple[int, str], ...]:
    """Chords of ours from the one that sounds now on, each with its tick."""
    spans = [span.shifted(p.start) for p in placed if p for span in p.proposal.content.chords]
    ahead = sorted((span for span in spans if span.end > tick), key=lambda span: span.onset)
    return named(ahead[:COMING_CHORDS], key)


def steering_view(settings: SessionSettings, controls: Controls, locked: Key | None) -> SteeringView:
    """What the player has set."""
    numbers = {name: getattr(controls, name) for name in ("surprise", "density", "brightness", "drive")}
    return SteeringView(
        bars=settings.bars,
        roles=tuple(role.value for role in Role if role in settings.roles),
        repeat=settings.repeat.value,
        mode=settings.mode.value,
        click=settings.click.value,
        key_lock=str(locked) if locked else "",
        controls=numbers,
        style=controls.style,
        count_in=settings.count_in,
        accompany={each.name: getattr(settings.accompany, each.name) for each in fields(settings.accompany)},
    )


def accompany_view(along: Accompaniment, around: Around, key: Key | None) -> AccompanyView:
    """What the accompaniment does."""
    now, beat_ticks = along.promised.sounding(around), around.meter.beat_ticks
    sounds = now is not None and now.beat == around.beat
    return AccompanyView(
        phase=along.phase().value,
        words=_along_in_words(along, around, key),
        made_by=now.made_by if now is not None and sounds else "",
        chords=(*_along_chords(_promised(along, around), beat_ticks, key, True), *_maybe(along, around, key)),
        voices=tuple(_along_voices(along, around)),
    )


def promised_chords(along: Accompaniment, around: Around, key: Key | None) -> tuple[tuple[int, str], ...]:
    """Chords of the accompaniment that no longer change, from the one that sounds now on, each with its tick."""
    chords = _along_chords(_promised(along, around), around.meter.beat_ticks, key, True)
    return tuple((chord.start, chord.symbol) for chord in chords)


def _promised(along: Accompaniment, around: Around) -> list[tuple[int, Chord]]:
    """With the beats before in which the chord that sounds has sounded already."""
    beats = [(each.beat, each.chord) for each in along.promised.settled]
    first = next((i for i, (beat, _) in enumerate(beats) if beat >= around.beat), len(beats))
    while 0 < first < len(beats) and beats[first - 1] == (beats[first][0] - 1, beats[first][1]):
        first -= 1
    return beats[first:]


def _maybe(along: Accompaniment, around: Around, key: Key | None) -> tuple[AlongChord, ...]:
    return _along_chords(along.maybe, around.meter.beat_ticks, key, False)


def _along_chords(
    beats: Sequence[tuple[int, Chord]], beat_ticks: int, key: Key | None, promised: bool
) -> tuple[AlongChord, ...]:
    spans = spans_of(beats, beat_ticks)
    return tuple(AlongChord(start, end, symbol_of(chord, key), promised) for start, end, chord in spans)


def _along_voices(along: Accompaniment, around: Around) -> Iterable[AlongVoice]:
    """What has not ended. A note that is held lasts to the end of what is promised, and perhaps longer."""
    tick, settled = around.tick, along.promised.settled
    until = (settled[-1].beat + 1) * around.meter.beat_ticks if settled else tick
    for struck in along.promised.notes:
        note, end = struck.note, until if struck.end is None else struck.end
        if end > tick:
            name = f"{struck.owner}:{struck.out.value}:{note.pitch}:{note.onset}"
            yield AlongVoice(name, note.onset, end, note.pitch, note.velocity, struck.out.value)


def _along_in_words(along: Accompaniment, around: Around, key: Key | None) -> str:
    """What it does, in a sentence."""
    phase, beats = along.phase(), along.listens_for(around)
    if not around.transport.playing:
        return "Press play, and play: chords come in under your melody."
    if phase is Phase.LISTENING:
        return (
            f"Listens for {beats} beat{'' if beats == 1 else 's'} more." if along.heard_something else "Play: I listen."
        )
    if phase is Phase.RESTING:
        return "Waits for you; play on, and it comes in again."
    if along.round is not None:
        held = symbol_of(along.round.chords[0].chord, key)
        return (
            f"{held} is held."
            if along.round.hold
            else f"Goes round {len(along.round.chords) // around.meter.beats} bars."
        )
    return "Follows you."


def channels_view(channels: Channels) -> dict[str, int]:
    """The MIDI channel of each output by its name, counted from 1."""
    return {output.name: getattr(channels, output.name) + 1 for output in fields(channels)}


def heard_chord(listener: Listener) -> str:
    """The chord under the player's hands, by name; empty where there is none."""
    guess = listener.chord
    return symbol_of(guess.chord, listener.key) if guess else ""


def _card(index: int, proposal: Proposal, selected: bool, key: Key | None) -> Card:
    content = proposal.content
    return Card(
        id=proposal.id,
        place=index + 1,
        state=proposal.state.value,
        chords=named(content.chords, key),
        melody=tuple(NoteView(n.onset, n.duration, n.pitch) for n in content.melody),
        bass=tuple(NoteView(n.onset, n.duration, n.pitch) for n in content.bass),
        words=content.note,
        made_by=content.made_by,
        edits=proposal.edits,
        selected=selected,
        closest=content.closest,
    )


def named(spans: Iterable[ChordSpan], key: Key | None) -> tuple[tuple[int, str], ...]:
    """Each chord's onset and symbol."""
    return tuple((span.onset, symbol_of(span.chord, key)) for span in spans)


def symbols(spans: Iterable[ChordSpan], key: Key | None) -> list[str]:
    """The chords' symbols in a row."""
    return [symbol_of(span.chord, key) for span in spans]


def symbol_of(chord: Chord | None, key: Key | None) -> str:
    """As on a lead sheet, in `key` where it is known."""
    if chord is None:
        return NO_CHORD
    return chord.symbol_in(key) if key else chord.symbol()


def _bars_in_words(slot: Slot, meter: Meter) -> str:
    first = meter.at(slot.start).bar + 1
    return f"bar {first}" if slot.bars == 1 else f"bars {first}–{first + slot.bars - 1}"
