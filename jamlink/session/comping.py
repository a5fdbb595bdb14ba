"""Chords, settled one beat after the other, as what two hands and a bass play: voiced, struck, held on, let go.

A chord is not known to end before the next one is settled, so a note goes on until something takes its place: each
stroke comes with the ends of what it follows. Whoever strikes owns the note and its end. One owner: the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jamlink.midi.events import note_off, note_on
from jamlink.music.bassline import bass_on_beat
from jamlink.music.chord import Chord
from jamlink.music.feel import Feel, humanise
from jamlink.music.note import Note
from jamlink.music.voicing import is_struck_again, voice_beside
from jamlink.session.effects import Out, ScheduledMessage
from jamlink.session.proposal import Role
from jamlink.session.settings import Channels
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks

_BREATH = 20
"""A stroke ends so small a part of a beat before the next one begins: a twentieth."""
_PLAIN, _ACCENT, _BASS = 72, 82, 80


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is to be played. `others` is the register, lowest to highest pitch, that the player is in."""

    meter: Meter
    feel: Feel
    density: float
    drive: float
    roles: frozenset[Role]
    channels: Channels
    others: tuple[int, int] | None


@dataclass(slots=True)
class Struck:
    """A note that was laid out; `end` is None while it is held."""

    owner: int
    out: Out
    channel: int
    note: Note
    end: Ticks | None = None


class Comping:
    """See the module. Beats come in order."""

    def __init__(self) -> None:
        self._held: list[Struck] = []
        self._voicing: tuple[int, ...] = ()
        self._bass: int | None = None

    @property
    def owners(self) -> set[int]:
        """Who holds something."""
        return {struck.owner for struck in self._held}

    def play(self, tick: Ticks, chord: Chord, owner: int, manner: Manner, *, fresh: bool) -> tuple[
        list[ScheduledMessage], list[Struck]
    ]:  # fmt: skip
        """The beat at `tick`: messages, and the notes that they begin. `fresh` where the chord begins here."""
        struck = [
            *self._chord(tick, chord, owner, manner, fresh),
            *self._bass_note(tick, chord, owner, manner, fresh),
        ]
        outs = {each.out for each in struck} | {each.out for each in self._held if not _wanted(each.out, manner.roles)}
        messages = list(self._let_go(outs, Ticks(tick - manner.meter.beat_ticks // _BREATH)))
        messages += [
            ScheduledMessage(s.note.onset, note_on(s.channel, s.note.pitch, s.note.velocity), s.out, s.owner)
            for s in struck
        ]
        self._held += struck
        return messages, struck

    def end(self, tick: Ticks) -> list[ScheduledMessage]:
        """Everything that is held ends at `tick`."""
        return list(self._let_go(set(Out), tick))

    def forget(self) -> None:
        """What was held has been ended by others."""
        self._held.clear()

    def _chord(self, tick: Ticks, chord: Chord, owner: int, manner: Manner, fresh: bool) -> Iterable[Struck]:
        if Role.CHORDS not in manner.roles:
            return []
        if not fresh and self._holds(Out.CHORDS) and not self._again(tick, manner):
            return []
        if fresh or not self._voicing:
            self._voicing = voice_beside(chord, self._voicing, manner.others)
        plain = [Note(tick, pitch, manner.meter.beat_ticks, _ACCENT if fresh else _PLAIN) for pitch in self._voicing]
        return _played(plain, Out.CHORDS, manner.channels.chords, owner, manner)

    def _bass_note(self, tick: Ticks, chord: Chord, owner: int, manner: Manner, fresh: bool) -> Iterable[Struck]:
        if Role.BASS not in manner.roles:
            return []
        begins = fresh or not self._holds(Out.BASS)
        pitch = bass_on_beat(
            chord, tick, manner.meter, fresh=begins, drive=manner.drive, previous=self._bass, seed=owner + tick
        )
        if pitch is None:
            return []
        self._bass = pitch
        plain = [Note(tick, pitch, manner.meter.beat_ticks, _BASS)]
        return _played(plain, Out.BASS, manner.channels.bass, owner, manner)

    def _holds(self, out: Out) -> bool:
        return any(struck.out is out for struck in self._held)

    def _again(self, tick: Ticks, manner: Manner) -> bool:
        return is_struck_again(tick, manner.meter, manner.feel, manner.density)

    def _let_go(self, outs: set[Out], at: Ticks) -> Iterator[ScheduledMessage]:
        for struck in (each for each in self._held if each.out in outs):
            struck.end = Ticks(max(at, struck.note.onset + 1))
            yield ScheduledMessage(struck.end, note_off(struck.channel, struck.note.pitch), struck.out, struck.owner)
        self._held = [each for each in self._held if each.out not in outs]


def _wanted(out: Out, roles: frozenset[Role]) -> bool:
    return out.value in roles


def _played(plain: list[Note], out: Out, channel: int, owner: int, manner: Manner) -> Iterator[Struck]:
    """With the player's dynamics; on the beat, as written."""
    for note in humanise(plain, manner.feel, owner * 1_009 + plain[0].onset):
        yield Struck(owner, out, channel, note)
