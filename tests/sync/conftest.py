"""Hosts on a hand-moved clock: seeded jitter, losses, jumps; and a session that follows."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from jamlink.midi.events import ClockPulse, Continue, MidiEvent, SongPosition, Start, Stop
from jamlink.session.core import Session
from jamlink.session.effects import Effect
from jamlink.session.settings import SessionSettings
from jamlink.sync.base import Own
from jamlink.sync.follower import Follower
from jamlink.sync.midi_clock import MidiClock
from jamlink.timing.units import NS_PER_SECOND, Ns, tempo_of_bpm

MS = 1_000_000
PORT = "host"


def period_of(bpm: float) -> float:
    """Between two pulses, in ns."""
    return 60 * NS_PER_SECOND / bpm / 24


def jittered(times: list[float], jitter_ms: float, seed: int, shape: str = "gauss") -> list[Ns]:
    dice = random.Random(seed)
    draw = {
        "gauss": lambda: dice.gauss(0, jitter_ms * MS),
        "even": lambda: dice.uniform(-jitter_ms * MS, jitter_ms * MS),
    }[shape]
    return sorted(Ns(round(t + draw())) for t in times)


@dataclass
class Led:
    """A session that follows a host's events, as the session process does it."""

    settings: SessionSettings = field(default_factory=lambda: SessionSettings(tempo=tempo_of_bpm(100), count_in=0))
    follower: Follower = field(default_factory=lambda: Follower([MidiClock()]))

    def __post_init__(self) -> None:
        self.session = Session(self.settings, Ns(0))
        self.effects: list[Effect] = []
        self.told = 0

    def own(self) -> Own:
        return Own(self.session.timeline, self.settings.meter.bar_ticks, self.session.own_tempo)

    def hear(self, event: MidiEvent) -> None:
        self._tell(self.follower.hear(event, self.own()), event.at)

    def wait(self, until: Ns, step: int = 50 * MS) -> None:
        at = self.session.now
        while at < until:
            at = min(Ns(at + step), until)
            self._tell(self.follower.look(at, self.own()), at)
            self.effects += self.session.advance(at)

    def pulse(self, at: float) -> None:
        self.hear(ClockPulse(Ns(round(at)), PORT))

    def start(self, at: float) -> None:
        self.hear(Start(Ns(round(at)), PORT))

    def go_on(self, at: float) -> None:
        self.hear(Continue(Ns(round(at)), PORT))

    def stop(self, at: float) -> None:
        self.hear(Stop(Ns(round(at)), PORT))

    def place(self, at: float, sixteenths: int) -> None:
        self.hear(SongPosition(Ns(round(at)), PORT, sixteenths))

    def _tell(self, news, at) -> None:
        if news is not None:
            self.told += 1
            self.effects += self.session.handle(news, at)
        else:
            self.effects += self.session.advance(at)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="four hours of every jitter, ten thousand jumps")


@pytest.fixture
def long(request):
    return request.config.getoption("--long", default=False)


@pytest.fixture
def minutes(long):
    return 240 if long else 5


@pytest.fixture
def led():
    return Led()
