"""How soon the model process has ideas, asked without any of it prepared: the part of `jamlink bench loop` in which
nothing else takes part. The bundled musician plays; every request knows a little more of it than the one before.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from jamlink.errors import Unavailable
from jamlink.music.pulse import SIXTEENTH
from jamlink.runtime.bench_loop import Spread, spread
from jamlink.runtime.demo import Demo
from jamlink.runtime.demo_tune import demo_score
from jamlink.runtime.model_link import CandidatesReady, Failed, ModelLink, Ready
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.session.listener import Listener
from jamlink.session.proposal import Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm

BARS = 4
_CONTEXT_BARS = 16
_FIRST_SIXTEENTH = 8 * 16
"""The musician has played eight bars before the first request."""
_ALL, _LEAD = frozenset(Role), frozenset((Role.CHORDS, Role.MELODY))
_PATIENCE = ms(10_000)
_CLOCK = MonotonicClock()


@dataclass(frozen=True, slots=True)
class Hands:
    """From a request to its hand, nothing being prepared; ms."""

    ideas: int
    roles: tuple[str, ...]
    asked: int
    spread_ms: Spread


@dataclass(frozen=True, slots=True)
class Sixteenths:
    """A fresh hand asked for on every sixteenth: which share came before the next one ("interaction success rate" of
    StreamMUSE, with staleness 0), and how long each took."""

    bpm: float
    asked: int
    in_time: int
    spread_ms: Spread

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.in_time / self.asked


@dataclass(frozen=True, slots=True)
class ModelTimes:
    """Everything."""

    hands: tuple[Hands, ...]
    sixteenths: tuple[Sixteenths, ...]


def measure(folder: Path, hands: int, sixteenths: int, tell: Callable[[str], None] = lambda what: None) -> ModelTimes:
    """Asks for `hands` hands of each kind, and for a hand on so many sixteenths at each tempo.

    Raises `Unavailable` where the model does not answer.
    """
    link = ModelLink(_CLOCK, folder)
    try:
        _until(link, lambda news: isinstance(news, Ready))
        found = []
        for ideas, roles in ((4, _ALL), (4, _LEAD), (32, _LEAD)):
            tell(f"hands of {ideas}, {', '.join(sorted(roles))}")
            found.append(_hands(link, requests(120.0, ideas, roles), hands))
        beats = []
        for bpm in (120.0, 200.0):
            tell(f"a hand on every sixteenth at {bpm:g} bpm")
            beats.append(_sixteenths(link, bpm, requests(bpm, 4, _LEAD, number=hands * 10), sixteenths))
        return ModelTimes(tuple(found), tuple(beats))
    finally:
        link.close()


def requests(bpm: float, ideas: int, roles: frozenset[Role], number: int = 1) -> Iterator[ProposalRequest]:
    """One request after the other, each a sixteenth later; `number` is the first one's."""
    tempo, bar = tempo_of_bpm(bpm), COMMON_TIME.bar_ticks
    line, demo = Timeline(tempo, Ticks(0), Ns(0)), Demo(demo_score(), COMMON_TIME, 0)
    listener = Listener(None, line)
    for i in count():
        tick = Ticks((_FIRST_SIXTEENTH + i) * SIXTEENTH)
        now = line.ns_at(tick)
        for event in demo.heard(now, line):
            listener.hear(event)
        context = listener.context(now, _CONTEXT_BARS, COMMON_TIME, tempo, (), ())
        slot = Slot(Ticks((tick // bar + 1) * bar), BARS, bar)
        deadline = Ns(_CLOCK.now() + _PATIENCE)
        yield ProposalRequest(number + i, slot, roles, context, Controls(), number + i, ideas, deadline)


def _hands(link: ModelLink, asked: Iterator[ProposalRequest], number: int) -> Hands:
    spans = []
    for request, _ in zip(asked, range(number), strict=False):
        began = _CLOCK.now()
        link.ask(request)
        _until(link, partial(_answers, request))
        spans.append((_CLOCK.now() - began) / 1e6)
    return Hands(request.count, tuple(sorted(request.roles)), number, spread(spans))


def _answers(request: ProposalRequest, news: object) -> bool:
    return isinstance(news, CandidatesReady) and news.request_id == request.id and bool(news.candidates)


def _sixteenths(link: ModelLink, bpm: float, asked: Iterator[ProposalRequest], number: int) -> Sixteenths:
    """In step with the clock, whether the hand before has come or not."""
    step = tempo_of_bpm(bpm) * SIXTEENTH // 960
    began = Ns(_CLOCK.now() + step)
    spans, in_time = [], 0
    for i in range(number):
        request, due = next(asked), Ns(began + i * step)
        _hear(link, due)
        link.ask(request)
        came = next((at for news, at in _news(link, Ns(due + step)) if _answers(request, news)), None)
        in_time += came is not None
        spans.append(((came or Ns(due + step)) - due) / 1e6)
    return Sixteenths(bpm, number, in_time, spread(spans))


def _hear(link: ModelLink, until: Ns) -> None:
    for _ in _news(link, until):
        pass


def _until(link: ModelLink, enough: Callable[[object], bool]) -> None:
    for news, _ in _news(link, Ns(_CLOCK.now() + _PATIENCE)):
        if enough(news):
            return
        if isinstance(news, Failed):
            raise Unavailable(news.sentence)
    raise Unavailable("The model does not answer.", "See `jamlink doctor`.")


def _news(link: ModelLink, until: Ns) -> Iterator[tuple[object, Ns]]:
    """What comes until then, each with its moment."""
    while (left := until - _CLOCK.now()) > 0:
        select.select([link] if link.fileno() >= 0 else [], [], [], min(left / 1e9, 0.05))
        now = _CLOCK.now()
        for news in link.receive():
            yield news, now
