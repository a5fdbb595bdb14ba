"""A session to look at: the real core, a musician and a proposer with a script, and the hub that views talk to.

`python -m tests.view.rehearsal [--plain]` shows it in real time on this terminal; tests move its clock by hand.
"""

from __future__ import annotations

import argparse
import random
import select
import sys
from collections import deque
from typing import Any

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import ChordSpan, parse_chord
from jamlink.music.note import Note
from jamlink.runtime.offline import Offline
from jamlink.session.core import Session
from jamlink.session.inputs import Do, Heard
from jamlink.session.proposal import Candidate, ProposalRequest, Role
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm
from jamlink.view.hub import Hub

HANDS = (
    (
        ("G | Em7 | C | D7", "stays at home; the bass walks down in thirds"),
        ("Gmaj7 | Bm7 Em7 | Am7 | D7sus4 D7", "more colour, and a pause before the turn home"),
        ("G | B7 | Em7 A7 | Am7b5 D7", "a detour through E minor, each chord pulls to the next"),
        ("Gmaj7 | Ebmaj7 | Abmaj7 | D7/F#", "borrowed from the far side: down in thirds, home by the bass"),
    ),
    (
        ("C | G/B | Am7 | D7", "the bass steps down under plain chords"),
        ("C6 | Bm7 E7 | Am7 | Cm6", "ends on the sad subdominant"),
        ("Cmaj7 | F#m7b5 B7 | Em7 | Ebdim7 D7", "turns to E minor, then slides home"),
        ("Bbmaj7 | Ebmaj7 | Am7b5 | D7", "a minor light on everything"),
    ),
)
SCALE = (67, 69, 71, 72, 74, 76, 78, 79, 81, 83, 84, 86)


class Arranger:
    """Deals the hands above in turn, with a melody that wanders up and down the scale."""

    def __init__(self, name: str = "jam-s") -> None:
        self.name = name
        self._dealt = 0

    def propose(self, request: ProposalRequest, cancelled: Any) -> list[Candidate]:
        """One hand."""
        ideas = HANDS[self._dealt % len(HANDS)]
        self._dealt += 1
        return [self._idea(request, i, *ideas[i % len(ideas)]) for i in range(request.count)]

    def _idea(self, request: ProposalRequest, i: int, chart: str, words: str) -> Candidate:
        spans = _spans(chart, request.slot.bars, request.slot.bar_ticks)
        melody = _wander(random.Random(i), request.slot.length, 480 >> (i // 2))
        return Candidate(
            spans if Role.CHORDS in request.roles else (),
            melody if Role.MELODY in request.roles else (),
            tuple(Note(s.onset, 36 + s.chord.bass, s.duration) for s in spans if s.chord)
            if Role.BASS in request.roles
            else (),
            score=-abs(i - 1.0),
            surprise=float(i),
            made_by=self.name,
            seed=request.seed + i,
            note=words,
        )


def _spans(chart: str, bars: int, bar_ticks: int) -> tuple[ChordSpan, ...]:
    cells = (chart.split(" | ") * bars)[:bars]
    spans = []
    for bar, cell in enumerate(cells):
        symbols = cell.split()
        each = bar_ticks // len(symbols)
        spans += [
            ChordSpan(Ticks(bar * bar_ticks + n * each), Ticks(each), parse_chord(s)) for n, s in enumerate(symbols)
        ]
    return tuple(spans)


def _wander(dice: random.Random, length: int, step: int) -> tuple[Note, ...]:
    notes, place, at = [], 4, 0
    while at < length:
        place = min(len(SCALE) - 1, max(0, place + dice.choice((-2, -1, -1, 1, 1, 2))))
        long = dice.choice((1, 1, 2, 3)) * step
        if dice.random() > 0.15:
            notes.append(Note(Ticks(at), SCALE[place], Ticks(min(long, length - at))))
        at += long
    return tuple(notes)


class Rehearsal:
    """The session with its hub. `held_back` records are not yet on disk."""

    def __init__(self, hub: Hub, clock: Any, *, model: bool = True, think: float = 0.12, **changes: Any) -> None:
        self.hub, self.clock = hub, clock
        settings = SessionSettings(**{"tempo": tempo_of_bpm(92), "hand": 4, **changes})
        self.session = Session(settings, clock.now())
        arranger = Arranger() if model else None
        self.jam = Offline(self.session, arranger, Arranger("rules"), thinking=lambda request: ms(1000 * think))
        self.held_back = 0
        self.trouble: list[str] = []
        self.bound = [
            "in: MPK mini 3:MPK mini 3 MIDI 1 24:0",
            *(f"{r}: FLUID Synth (412):0" for r in ("chords", "bass")),
        ]
        self.late: deque[float] = deque([0.3])

    def turn(self) -> None:
        """Bring everything up to the clock's moment and show it."""
        now = self.clock.now()
        for gesture in self.hub.receive():
            self.jam.at(now, gesture)
        self.jam.run_until(now)
        self.hub.publish(self.state())

    def state(self) -> dict[str, Any]:
        """As the session process builds it."""
        state = self.session.state()
        state["saved"] = len(self.jam.records) - self.held_back
        state["ports"] = {"inputs": [], "outputs": [], "bound": list(self.bound)}
        state["lateness"] = {"p50_ms": 0.1, "p99_ms": self.late[-1], "count": 10, "lost": 0, "realtime": True}
        state["trouble"] = list(self.trouble)
        state["file"] = "2026-11-23 07.33.12.jam"
        return state

    def play(self, at: Ns, chord: tuple[int, ...], held: Ns) -> None:
        """The musician plays a chord at `at`."""
        for pitch in chord:
            self.jam.at(at, Heard(NoteOn(at, "in", 0, pitch, 80)))
            self.jam.at(Ns(at + held), Heard(NoteOff(Ns(at + held), "in", 0, pitch)))

    def musician(self, start: Ns, chords: int = 200) -> None:
        """G, Em7, C, D7 from `start`, one a bar of 4/4."""
        bar = Ns(4 * self.session.snapshot().clock.tempo_ns)
        shapes = ((55, 59, 62, 67), (52, 59, 62, 67), (48, 60, 64, 67), (50, 60, 66, 69))
        for n in range(chords):
            self.play(Ns(start + n * bar), shapes[n % 4], Ns(bar - ms(80)))

    def do(self, action: Action) -> None:
        """A gesture at the instrument, now."""
        self.jam.at(self.clock.now(), Do(action, "pad"))


def main() -> None:
    """`--fd N` is the session process; without it, the view."""
    from jamlink.runtime.ipc import inherited, spawn
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view import lines, terminal

    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--no-model", action="store_true")
    options = parser.parse_args()
    clock = MonotonicClock()
    if options.fd is None:
        child, connection = spawn("tests.view.rehearsal", *(["--no-model"] if options.no_model else []))
        code = (lines if options.plain else terminal).run(connection, clock)
        connection.close()
        child.wait(timeout=3)
        sys.exit(code)
    hub = Hub(inherited(options.fd))
    rehearsal = Rehearsal(hub, clock, model=not options.no_model)
    rehearsal.musician(Ns(clock.now() + ms(2500)))
    while not hub.leaving:
        select.select(hub.filenos(), [], [], 0.03)
        rehearsal.turn()


if __name__ == "__main__":
    main()
