"""A jam on a hand-moved clock, small enough to read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from jamlink.midi.actions import Action
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.note import Note
from jamlink.runtime.offline import Offline, nobody
from jamlink.session.core import Session
from jamlink.session.inputs import Do, Repeat
from jamlink.session.proposal import Candidate, ProposalRequest, Role
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm

SECOND = 1_000_000_000


@dataclass
class Plain:
    """Makes ideas that can be told apart: chord i fifths up, one melody note, one bass note."""

    name: str = "plain"

    def propose(self, request: ProposalRequest, cancelled):
        length = request.slot.length
        return [self._idea(request, i, length) for i in range(request.count)]

    def _idea(self, request, i, length):
        chords = (ChordSpan(Ticks(0), length, Chord((7 * i) % 12, Quality.MAJOR)),)
        melody = (Note(Ticks(0), 72 + i, Ticks(960)), Note(Ticks(960), 74 + i, Ticks(480)))
        bass = (Note(Ticks(0), 36 + i, length),)
        return Candidate(
            chords if Role.CHORDS in request.roles else (),
            melody if Role.MELODY in request.roles else (),
            bass if Role.BASS in request.roles else (),
            score=-float(i),
            surprise=float(i),
            made_by=self.name,
            seed=request.seed + i,
        )


PLAIN, STAND_IN = Plain(), Plain("stand-in")


@pytest.fixture
def settings():
    """120 bpm: a beat is half a second and a bar two; slots of two bars; no count-in."""
    return SessionSettings(tempo=tempo_of_bpm(120), bars=2, count_in=0, repeat=Repeat.ONCE)


@pytest.fixture
def jam(settings):
    """Builds a running jam; the clock starts at bar 1 beat 1 at 60 ms."""

    def build(*, proposer=PLAIN, stand_in=STAND_IN, person=nobody, thinking=None, start=True, **changes):
        session = Session(replace(settings, **changes), Ns(0))
        kwargs = {"thinking": thinking} if thinking else {}
        offline = Offline(session, proposer, stand_in, person, **kwargs)
        if start:
            offline.at(Ns(0), Do(Action.PLAY_STOP, "test"))
        return offline

    return build
