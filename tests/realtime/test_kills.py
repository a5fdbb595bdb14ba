"""The model process killed again and again while somebody plays: the music goes on, and the model comes back.

The whole session process as a jam runs it, in real time: its own loop, the real link to a real model process with the
shipped network, a real session file. Only the rim is a list: ports that write down what they are handed, and a player
who takes half of the ideas. The model process is killed (SIGKILL) at moments from a seed: while it loads, while it
waits, while it computes, and with half an answer on its way.

What is checked are laws; the one promise with a time, "back within two seconds", is held against bare starts of the
same process in the same run, so that a slow machine fails nothing. `JAMLINK_KILLS=100` kills a hundred times.
"""

from __future__ import annotations

import gc
import os
import random
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from jamlink.app.proposers import chords_at_once
from jamlink.ledger.entry import HEADER, canonical
from jamlink.ledger.store import Ledger, read, verify
from jamlink.midi.actions import Action
from jamlink.ports.base import Direction, Outgoing
from jamlink.proposers.rules import RulesProposer
from jamlink.resources import data_folder
from jamlink.runtime.bench_loop import measure_starts
from jamlink.runtime.demo import Demo
from jamlink.runtime.demo_tune import demo_score
from jamlink.runtime.io_link import OUTPUT_NAMES
from jamlink.runtime.io_wire import IoReady, PortChanged
from jamlink.runtime.jam import Jam
from jamlink.runtime.model_link import FromModel, ModelLink, Ready, Stage
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.runtime.parts import Parts
from jamlink.runtime.replaying import replay
from jamlink.session.core import Session
from jamlink.session.inputs import Do, Gesture, Repeat
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header
from jamlink.timing.units import tempo_of_bpm

pytestmark = pytest.mark.real

KILLS = int(os.environ.get("JAMLINK_KILLS", "20"))
SEED = 5
MODEL = data_folder("models") / "jam-s"
SETTINGS = SessionSettings(SEED, tempo=tempo_of_bpm(240), bars=1, hand=16, repeat=Repeat.ROLL, count_in=0)
"""A bar is a second, and an idea is wanted for each; what the player does not take goes on by itself."""
BACK_WITHIN_S = 2.0
AT_REST_S = 0.5
"""A machine on which a bare start takes longer than this is given as many times more to be back."""
PATIENCE_S = 60.0
"""How long a moment to kill at is waited for. Not a measure of anything."""
NARROW = 1
"""Bytes of a buffer: the system makes it as small as it can."""
PAIR = socket.socketpair
STALL_S = 0.1
"""A last call leaves 120 ms to hand over what was taken at it."""
WAIT = """
import select, sys, time
late = 0
while True:
    began = time.monotonic()
    if select.select([sys.stdin], [], [], 0.01)[0]:
        break
    late += time.monotonic() - began > float(sys.argv[1])
print(late)
"""


class Ports:
    """An io process that is a list: what was handed over, and when."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._news: list[object] = [IoReady(True)]
        self._news += [PortChanged(Direction.OUT, n, name, "synth") for n, name in enumerate(OUTPUT_NAMES)]
        self.handed: list[tuple[int, Outgoing]] = []

    def fileno(self) -> int:
        return -1

    def receive(self) -> list[object]:
        news, self._news = self._news, []
        return news

    def send(self, batch: list[Outgoing]) -> None:
        now = self._clock.now()
        self.handed += [(now, message) for message in batch]

    def __getattr__(self, order: str) -> Any:
        return lambda *what: None


class Player:
    """A view without a screen: takes the first idea of every second hand, and leaves when told to."""

    def __init__(self, session: Session, clock: MonotonicClock) -> None:
        self._session, self._clock, self._dice = session, clock, random.Random(SEED)
        self._seen: tuple[int, ...] = ()
        self.model_at = 0
        """When the model's own ideas were on the stand last."""
        self.leaving = False

    def filenos(self) -> tuple[int, ...]:
        return ()

    def receive(self) -> list[Gesture]:
        now, hand = self._clock.now(), self._session.snapshot().hand
        if hand and hand.cards[0].made_by == MODEL.name:
            self.model_at = now
        cards = tuple(card.id for card in hand.cards) if hand else ()
        if not cards or cards == self._seen:
            return []
        self._seen = cards
        if self._dice.random() < 0.5:
            return []
        return [Do(Action.PICK_1, "test")]

    def played(self, at: int) -> tuple[()]:
        return ()

    def wishes(self) -> tuple[()]:
        return ()

    def publish(self, state: dict[str, Any]) -> None:
        """Nobody looks."""

    def goodbye(self, why: str = "") -> None:
        assert why == ""


class Noted(Ledger):
    """A session file that remembers what it was told to keep."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told: list[tuple[str, str]] = []

    def append(self, kind: str, payload: Any, at: Any, durable: bool = False) -> int:
        self.told.append((kind, canonical(payload)))
        return super().append(kind, payload, at, durable)


class Watched(ModelLink):
    """A link that writes down when each process was born and ready, and kills one in the middle of a frame."""

    def __init__(self, clock: MonotonicClock, folder: Path) -> None:
        self.born: dict[int, int] = {}
        self.ready: dict[int, int] = {}
        self.killed: list[tuple[int, str]] = []
        self.cut_next = threading.Event()
        super().__init__(clock, folder)

    def _respawn(self, now: Any) -> None:
        super()._respawn(now)
        if self.pid is not None:
            self.born[self.pid] = now

    def receive(self) -> list[FromModel]:
        before = self._child
        news = super().receive()
        if before is not None and any(isinstance(what, Ready) for what in news):
            self.ready[before.pid] = self._clock.now()
        if self.cut_next.is_set() and self._pipe is not None and self._pipe._in:
            self.kill("mid-frame")
            self.cut_next.clear()
        return news

    def kill(self, moment: str) -> None:
        child = self._child
        if child is not None and child.poll() is None:
            self.killed.append((self._clock.now(), moment))
            child.kill()


@dataclass(slots=True)
class Killer:
    """A thread that kills at moments from a seed; after each four it waits for the model to answer again, and to be
    heard. Then it lets the player leave."""

    link: Watched
    player: Player
    load_s: float
    """About how long the process takes to be ready."""
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))
    trouble: str = ""

    def run(self) -> None:
        try:
            self._until(lambda: self._ready)
            while len(self.link.killed) < KILLS:
                moments = [self._loading, self._waiting, self._computing, self._mid_frame]
                self.dice.shuffle(moments)
                for kill in moments:
                    kill()
                last = self.link.killed[-1][0]
                self._until(lambda last=last: self.player.model_at > last)
                self._rest(2.0)  # until what it made has sounded
        except AssertionError as late:
            self.trouble = f"{late} after {len(self.link.killed)} kills"
        self.player.leaving = True

    @property
    def _ready(self) -> bool:
        return self.link._stage is Stage.READY

    def _loading(self) -> None:
        if self._ready:
            self._kill()
        self._until(lambda: self.link.pid is not None and not self._ready)
        self._rest(self.dice.uniform(0, self.load_s))
        self._kill()

    def _waiting(self) -> None:
        self._until(lambda: self._ready and not self.link._open)
        self._rest(self.dice.uniform(0, 1))
        self._kill()

    def _computing(self) -> None:
        self._until(lambda: self._ready and not self.link._open)
        self._until(lambda: len(self.link._open) > 0)
        self._rest(self.dice.uniform(0, 0.03))
        self._kill()

    def _mid_frame(self) -> None:
        self._until(lambda: self._ready)
        self.link.cut_next.set()
        self._until(lambda: not self.link.cut_next.is_set())

    def _kill(self) -> None:
        busy = "computing" if self.link._open else "waiting"
        self.link.kill(busy if self._ready else "loading")

    def _rest(self, seconds: float) -> None:
        threading.Event().wait(seconds)  # the moment is random; nothing waits to be right

    def _until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert time.monotonic() < end, "the moment did not come"
            self._rest(0.001)


@dataclass(slots=True)
class Evening:
    """What there is to judge when all is over."""

    file: Path
    ports: Ports
    link: Watched
    ledger: Noted
    bare: list[float]
    """Seconds that bare starts took, before and after."""
    stalls: int
    """How often a bare waiter in a process of its own was late by more than a last call leaves."""

    @property
    def spawn_to_ready(self) -> list[float]:
        return sorted((at - self.link.born[pid]) / 1e9 for pid, at in self.link.ready.items())

    @property
    def kill_to_ready(self) -> list[float]:
        """Of every kill that was not followed by another before a process was ready."""
        kills = [at for at, _ in self.link.killed]
        found = []
        for at, following in pairwise([*kills, 2**63]):
            back = [ready for ready in self.link.ready.values() if at < ready <= following]
            found += [(min(back) - at) / 1e9] if back else []
        return sorted(found)

    @property
    def back_within_s(self) -> float:
        return BACK_WITHIN_S * max(1.0, statistics.median(self.bare) / AT_REST_S)

    def accepted(self) -> list[dict[str, Any]]:
        """The decisions to play something, but for the last two, which may not have come to sound."""
        decided = [entry.value for entry in read(self.file) if entry.kind == "decided"]
        return [decision for decision in decided if decision["verdict"] == "accepted"][:-2]

    def silent_slots(self) -> set[int]:
        """Starts of slots that nobody filled, or for which nothing was handed over before the bar line."""
        in_time = {message.owner for at, message in self.ports.handed if at < message.due}
        sent = [entry.value for entry in read(self.file) if entry.kind == "sent"]
        begun = {(value["owner"], value["at"]) for value in sent if value["owner"] in in_time}
        takers = [(decision["proposal_id"], decision["slot"]["start"]) for decision in self.accepted()]
        bar = SETTINGS.meter.bar_ticks
        return set(range(bar, takers[-1][1] + 1, bar)) - {start for taker, start in takers if (taker, start) in begun}

    def __str__(self) -> str:
        made = Counter(decision["content"]["made_by"] for decision in self.accepted())
        moments = Counter(moment for _, moment in self.link.killed)
        return (
            f"\n{len(self.link.killed)} kills ({figures(moments)}); bars played: {figures(made)}; "
            f"silent: {len(self.silent_slots())} (a bare waiter stalled {self.stalls} times)\n"
            f"spawn to ready, s: {spread(self.spawn_to_ready)}; bare starts: {spread(self.bare)}\n"
            f"kill to ready, s: {spread(self.kill_to_ready)} (promised here: {self.back_within_s:.1f})"
        )


def figures(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def spread(values: list[float]) -> str:
    ordered = sorted(values)
    p50, p95 = (ordered[int(part * (len(ordered) - 1))] for part in (0.5, 0.95))
    return f"p50 {p50:.2f}, p95 {p95:.2f}, max {ordered[-1]:.2f} of {len(ordered)}"


@contextmanager
def bare_waiter() -> Iterator[list[int]]:
    """A process that does nothing but wait; the list has in the end how often it waited too long."""
    stalls: list[int] = []
    child = subprocess.Popen(
        [sys.executable, "-c", WAIT, str(STALL_S)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield stalls
    finally:
        said, _ = child.communicate("")
        stalls.append(int(said))


def play(file: Path) -> Evening:
    """A jam with a demo musician, until the killer is done."""
    clock, bare = MonotonicClock(), seconds_of_starts()
    session = Session(SETTINGS, clock.now())
    ports, player, ledger = Ports(clock), Player(session, clock), Noted(file)
    ledger.append(HEADER, header(SETTINGS, session.now, "test", ""), session.now, durable=True)
    link = Watched(clock, MODEL)
    jam = Jam(
        Parts(
            session=session, io=ports, model=link, stand_in=RulesProposer(), chords=chords_at_once(), ledger=ledger, bindings=no_bindings,
            views=player, clock=clock, file=file.name, opening=(Do(Action.PLAY_STOP, "start"),),
            demo=Demo(demo_score(), SETTINGS.meter, output=0),
        )
    )  # fmt: skip
    with bare_waiter() as stalls:
        run(jam, Killer(link, player, statistics.median(bare)))
    return Evening(file, ports, link, ledger, bare + seconds_of_starts(), stalls[0])


def run(jam: Jam, killer: Killer) -> None:
    thread = threading.Thread(target=killer.run)
    thread.start()
    try:
        jam.run()
    finally:
        killer.player.leaving = True
        thread.join()
        gc.unfreeze()
        gc.enable()
    assert killer.trouble == ""


def seconds_of_starts() -> list[float]:
    return [ready_ms / 1e3 for ready_ms in measure_starts(MODEL, 3).ready_ms]


def no_bindings(port: str) -> Any:
    raise AssertionError(f"nothing comes in from {port}")


def narrow_pair() -> tuple[socket.socket, socket.socket]:
    """The child's end says little at a time, so that its answers come in pieces."""
    ours, theirs = PAIR()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, NARROW)
    return ours, theirs


def test_whenever_the_model_is_killed_the_music_goes_on_nothing_is_lost_and_it_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "socketpair", narrow_pair)
    descriptors = len(os.listdir("/proc/self/fd"))
    evening = play(tmp_path / "evening.jam")
    said = capfd.readouterr()
    with capfd.disabled():
        print(evening)
    assert "Traceback" not in said.out + said.err
    assert len(os.listdir("/proc/self/fd")) == descriptors, "what was opened for a process was closed with it"
    check_the_record(evening)
    check_the_music(evening)
    check_the_model(evening)


def check_the_record(evening: Evening) -> None:
    assert verify(evening.file).whole
    assert [(entry.kind, entry.payload) for entry in read(evening.file)] == evening.ledger.told
    assert replay(evening.file).same


def check_the_music(evening: Evening) -> None:
    assert len(evening.silent_slots()) <= evening.stalls
    assert {decision["content"]["made_by"] for decision in evening.accepted()} == {MODEL.name, RulesProposer().name}
    assert {decision["actor"] for decision in evening.accepted()} == {"player", "jamlink"}


def check_the_model(evening: Evening) -> None:
    link, back = evening.link, evening.kill_to_ready
    assert {moment for _, moment in link.killed} == {"loading", "waiting", "computing", "mid-frame"}
    assert back[int(0.95 * (len(back) - 1))] <= evening.back_within_s
    assert link.pid is None
    assert all(child.poll() is not None for child in link._going)
