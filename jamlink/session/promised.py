"""What an accompaniment has settled, beat after beat: promised, laid out to sound, and never changed but by silence.

The beats before `open` are settled, those from it on are not. A chord that goes on belongs to whoever began it, so that
every note has one author. Pure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.session import effects as fx
from jamlink.session.along import Settled, manner_of, related_chord
from jamlink.session.around import Around
from jamlink.session.comping import Comping, Struck
from jamlink.session.deeds import Deeds, Lay
from jamlink.session.proposal import Happening, State, next_state
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks, ms

NEAREST = ms(25)
"""No stroke is laid out nearer than this: what lies between is for the stand-in, and for a machine that is busy."""
KEPT_BEATS = 192
"""More than the longest idea has and the longest promise."""
HELD_BY, ENDED_BY = "held", "ending"
"""Who signs a beat that nobody decided in time, and the chord that leads a phrase to its end."""


@dataclass(slots=True)
class Promised:
    """See the module. One owner: the accompaniment. `next_id` numbers chords, together with everything else in the
    session."""

    next_id: Callable[[], int]
    settled: deque[Settled] = field(default_factory=lambda: deque(maxlen=KEPT_BEATS))
    notes: deque[Struck] = field(default_factory=lambda: deque(maxlen=256))
    """What was laid out last, by onset."""
    open: int = 0
    """The first beat that is not settled."""
    heard: tuple[Note, ...] = ()
    """What the player had played at the last decision, which strokes keep out of the way of."""
    _silence: int | None = None
    """The beat at which the last phrase was over."""
    _refused: tuple[Chord, int] | None = None
    """A chord that is not wanted, and the beat before which it is not."""
    _comping: Comping = field(default_factory=Comping)

    # -- runs -----------------------------------------------------------------------------------------------------

    def begin(self, first: int) -> None:
        """Nothing is promised; `first` is the first beat that can be."""
        self.go_to(first)
        self._silence, self._refused = None, None
        self.notes.clear()
        self._comping = Comping()

    def go_to(self, first: int) -> None:
        """The beats have moved: those that were settled are no more, and `first` is open."""
        self.open = first
        self.settled.clear()

    def wait_until(self, tick: Ticks, meter: Meter) -> None:
        """Something else of ours plays until `tick`."""
        self.open = max(self.open, -(-tick // meter.beat_ticks))

    def cut(self, around: Around) -> Deeds:
        """Nothing more of ours sounds; what sounds is ended."""
        owners = self._comping.owners | {each.owner for each in self.settled if each.beat >= around.beat - 1}
        for owner in sorted(owners):
            after = next_state(State.SOUNDING, Happening.STOP)
            yield fx.Moved(owner, State.SOUNDING, Happening.STOP, after)
            yield fx.Cancel(owner)
        self._comping.forget()
        self.notes.clear()

    def end(self, around: Around) -> Deeds:
        """What was promised is played, then no more."""
        yield Lay(tuple(self._comping.end(Ticks(self.open * around.meter.beat_ticks))))

    def fall_silent(self, decided: int, around: Around) -> Deeds:
        """From the first open beat on there is silence on purpose, as was decided at beat `decided`."""
        beat_ticks = around.meter.beat_ticks
        self._silence, tick = self.open, Ticks(self.open * beat_ticks)
        yield fx.Chorded(self.next_id(), tick, Ticks(0), None, ENDED_BY, False, Ticks(decided * beat_ticks))
        yield from self.end(around)

    # -- settling -------------------------------------------------------------------------------------------------

    def settle(
        self, beat: int, chord: Chord, made_by: str, stand_in: bool, decided: int, around: Around, held: bool = False
    ) -> Deeds:
        """From now on this beat has this chord. One that goes on belongs to whoever began it, if the same goes on."""
        before = self.before(beat)
        if chord == self.unwanted(beat):
            chord = related_chord(chord)
        goes_on = before is not None and before.chord == chord and before.made_by == made_by
        owner = before.owner if before is not None and goes_on else self.next_id()
        yield from self._keep(Settled(beat, chord, owner, made_by, stand_in), decided, around, held=held)

    def catch_up(self, first: int, beat: int, around: Around) -> Deeds:
        """Beats that can no longer be laid out, since nobody decided in time: what sounds goes on. `first` is the first
        beat that we may play in."""
        line, bt = around.line, around.meter.beat_ticks
        reach = max(beat, self.open)
        while line.ns_at(Ticks(reach * bt)) < around.now + NEAREST:
            reach += 1
        before = self.before(self.open)
        if before is not None and first == self.open:
            for missed in range(self.open, reach):
                yield from self._keep(replace(before, beat=missed), beat, around, held=True)
        self.open = max(first, reach)

    def _keep(self, settled: Settled, decided: int, around: Around, *, held: bool = False) -> Deeds:
        beat, bt = settled.beat, around.meter.beat_ticks
        before, tick = self.before(beat), Ticks(beat * bt)
        heard_until = Ticks(min(decided * bt, around.tick))
        self.settled.append(settled)
        self.open = beat + 1
        yield fx.Chorded(settled.owner, tick, bt, settled.chord, settled.made_by, settled.stand_in, heard_until, held)
        if held and around.line.ns_at(tick) < around.now + NEAREST:
            return  # its moment is over: what sounds goes on
        fresh = before is None or before.chord != settled.chord
        messages, struck = self._comping.play(
            tick, settled.chord, settled.owner, manner_of(tick, self.heard, around), fresh=fresh
        )
        self.notes.extend(struck)
        yield Lay(tuple(messages))

    def refuse(self, chord: Chord, until: int) -> None:
        """Beats before `until` do not get `chord`."""
        self._refused = (chord, until)

    def refuse_nothing(self) -> None:
        """Every chord is welcome again."""
        self._refused = None

    # -- what there is --------------------------------------------------------------------------------------------

    def unwanted(self, beat: int) -> Chord | None:
        """The chord that this beat must not get."""
        return self._refused[0] if self._refused and beat < self._refused[1] else None

    def before(self, beat: int) -> Settled | None:
        """What is settled for the beat before, where that is the last one that is."""
        last = self.settled[-1] if self.settled else None
        follows = last is not None and last.beat == beat - 1 and beat != self._silence
        return last if follows else None

    def sounding(self, around: Around) -> Settled | None:
        """The chord of this beat, else the one settled first after it."""
        return next((each for each in self.settled if each.beat >= around.beat), None)

    def whole_bars(self, around: Around) -> tuple[Settled, ...]:
        """The chords of the last whole bars that are over, as many as an idea has; empty where there are none."""
        beats = around.meter.beats
        end = around.beat // beats * beats
        known = {each.beat: each for each in self.settled}
        bars = 0
        while bars < around.settings.bars and all(end - beats * bars - i in known for i in range(1, beats + 1)):
            bars += 1
        return tuple(known[beat] for beat in range(end - bars * beats, end))
