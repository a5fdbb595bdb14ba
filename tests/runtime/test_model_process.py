"""Real model processes: asked, cancelled, broken and killed."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan, Quality, parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.nn import checkpoint
from jamlink.nn.checkpoint import Checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.proposers.transformer import TransformerProposer
from jamlink.resources import data_folder
from jamlink.runtime import model_link
from jamlink.runtime import model_wire as wire
from jamlink.runtime.ipc import Framed, spawn
from jamlink.runtime.model_link import (
    MOST_MISSED,
    CandidatesReady,
    ChordsReady,
    Failed,
    FromModel,
    ModelLink,
    Ready,
    Stage,
)
from jamlink.runtime.model_main import ModelProcess
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Candidate, ChordsRequest, Controls, ProposalRequest, Role, Slot
from jamlink.testing.clock import ManualClock
from jamlink.testing.proposers import Companion, ScriptedProposer, SlowProposer
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ns, Ticks, ms, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.grammar import Grammar

FAKES = "jamlink.testing.proposers"
PATIENCE_S = 60.0
SECOND = ms(1000)


def request(number: int = 1, *, slot: int = 4, seed: int = 1, deadline: int = 10**12) -> ProposalRequest:
    bar = Meter(6, 8).bar_ticks
    chord = ChordSpan(Ticks(0), Ticks(bar * 2), parse_chord("F#m7b5/C"))
    context = ContextWindow(
        Ticks(0), Ticks(bar * 4), Meter(6, 8), tempo_of_bpm(93.5), Key(6, True),
        (Note(Ticks(13), 61, Ticks(500), 77),), (chord,), (Note(Ticks(0), 90, Ticks(1)),),
    )  # fmt: skip
    refused = Candidate((chord,), (), (), -1.25, 1.25, "jam-s", 3, "late")
    return ProposalRequest(
        number, Slot(Ticks(slot * bar), 2, bar), frozenset({Role.CHORDS, Role.BASS}), context,
        Controls(0.1, 0.9, style="jazz"), seed, 3, Ns(deadline), True, (refused,),
    )  # fmt: skip


@contextmanager
def linked(proposer: str | None, folder: Path = Path("none")) -> Iterator[tuple[ModelLink, ManualClock]]:
    clock = ManualClock()
    link = ModelLink(clock, folder, proposer and f"{FAKES}:{proposer}")
    try:
        yield link, clock
    finally:
        link.close()


def listen(link: ModelLink, count: int) -> list[FromModel]:
    """The next things the link says; the clock that it goes by stands still."""
    said: list[FromModel] = []
    end = time.monotonic() + PATIENCE_S
    while len(said) < count and time.monotonic() < end:
        said += link.receive()
        select.select([link] if link.fileno() >= 0 else [], [], [], 0 if said else 0.02)
    assert len(said) == count
    return said


def news(link: ModelLink) -> FromModel:
    """The next thing the link says."""
    return listen(link, 1)[0]


# -- one process ----------------------------------------------------------------------------------------------------


ticks = st.integers(0, 2**40)
chords = st.one_of(st.none(), st.builds(Chord, st.integers(0, 11), st.sampled_from(Quality), st.integers(-1, 11)))
spans = st.lists(st.builds(ChordSpan, ticks, ticks, chords), max_size=3).map(tuple)
notes = st.lists(st.builds(Note, ticks, st.integers(0, 127), ticks, st.integers(1, 127)), max_size=3).map(tuple)
real = st.floats(allow_nan=False)
candidates = st.lists(
    st.builds(Candidate, spans, notes, notes, real, real, st.text(), st.integers(-(2**63), 2**64 - 1), st.text()),
    max_size=2,
).map(tuple)
keys = st.one_of(st.none(), st.builds(Key, st.integers(0, 11), st.booleans()))
meters = st.sampled_from(KNOWN_METERS).map(lambda known: Meter(*known))
contexts = st.builds(ContextWindow, ticks, ticks, meters, ticks, keys, notes, spans, notes)
requests = st.builds(
    ProposalRequest, ticks, st.builds(Slot, ticks, st.integers(1, 8), ticks), st.frozensets(st.sampled_from(Role)),
    contexts, st.builds(Controls, real, real, real, real, st.text()), st.integers(-(2**63), 2**64 - 1),
    st.integers(1, 64), ticks, st.booleans(), candidates,
)  # fmt: skip
messages = st.one_of(
    requests.map(wire.Ask),
    requests.map(wire.Prepare),
    ticks.map(wire.CancelAsk),
    st.text().map(Ready),
    st.builds(CandidatesReady, ticks, candidates),
    st.builds(Failed, st.one_of(st.none(), ticks), st.text()),
)


@given(messages)
def test_what_is_sent_arrives_equal(message: wire.ToModel | FromModel) -> None:
    assert wire.decode(wire.encode(message)) == message


@given(messages, st.integers(0, 10**6))
def test_a_message_that_was_cut_short_is_nonsense(message: wire.ToModel | FromModel, at: int) -> None:
    frame = wire.encode(message)
    with pytest.raises(Nonsense):
        wire.decode(frame[: at % len(frame)])


def thought_of(link: ModelLink, seed: int) -> str:
    """The seeds that were thought of to the end, told once `seed` is asked for and has been. Nobody says when a thought
    is done: so ask until it shows, now and then, for it has time to think only while nothing is asked."""
    for number in range(1, 500):
        select.select([link], [], [], number / 1000)
        link.ask(request(number, seed=seed))
        said = news(link).candidates[0].note
        if str(seed) in said:
            break
    return said


def test_what_was_told_to_come_is_thought_of_before_it_is_asked() -> None:
    with linked("ThoughtfulProposer") as (link, _):
        assert isinstance(news(link), Ready)
        for seed, said in ((3, "3"), (5, "3, 5")):
            link.prepare(request(0, seed=seed))
            assert thought_of(link, seed) == said


def test_a_thought_gives_way_at_once_to_a_request_and_to_a_newer_thought() -> None:
    with linked("ThoughtfulProposer") as (link, _):
        assert isinstance(news(link), Ready)
        link.prepare(request(0, seed=2))
        link.ask(request(1, seed=4))
        assert news(link).candidates[0].note == ""
        link.prepare(request(0, seed=6))
        link.prepare(request(0, seed=7))
        assert thought_of(link, 7) == "7"


def test_a_thought_that_fails_costs_nothing() -> None:
    with linked("FailingProposer") as (link, _):
        assert isinstance(news(link), Ready)
        link.prepare(request(0))
        link.ask(request(1))
        assert isinstance(news(link), Failed)


def test_ideas_come_back_as_the_proposer_made_them() -> None:
    with linked("ScriptedProposer") as (link, _):
        assert news(link) == Ready("scripted")
        link.ask(request(5, seed=8))
        ideas = ScriptedProposer().propose(request(5, seed=8), lambda: False)
        assert news(link) == CandidatesReady(5, tuple(ideas))


def test_a_cancelled_request_stops_and_says_nothing() -> None:
    with linked("SlowProposer") as (link, _):
        news(link)
        link.ask(request(1, seed=2))
        link.cancel(1)
        link.ask(request(2, seed=3, slot=8))
        assert news(link) == CandidatesReady(2, tuple(SlowProposer().propose(request(2, seed=3), lambda: False)))


def test_a_newer_request_for_the_slot_replaces_the_one_that_runs() -> None:
    with linked("SlowProposer") as (link, _):
        news(link)
        link.ask(request(1, seed=2))
        link.ask(request(2, seed=3))
        replaced, answer = listen(link, 2)
        assert replaced == CandidatesReady(1, ())
        assert isinstance(answer, CandidatesReady)
        assert (answer.request_id, len(answer.candidates)) == (2, 3)


def test_a_bug_in_a_proposer_costs_one_answer_and_not_the_process() -> None:
    with linked("FailingProposer") as (link, _):
        assert news(link) == Ready("failing")
        pid = link.pid
        for number in (1, 2):
            link.ask(request(number))
            assert news(link) == Failed(number, "The model stumbled (ZeroDivisionError).")
        assert link.pid == pid


def test_the_process_goes_when_its_pipe_ends() -> None:
    clock = ManualClock()
    link = ModelLink(clock, Path("none"), f"{FAKES}:SlowProposer")
    news(link)
    link.ask(request(1, seed=2))
    child = link._child
    assert child is not None
    assert link._pipe is not None
    link._pipe.close()
    assert child.wait(PATIENCE_S) == 0


def test_damaged_frames_are_counted_and_passed_over() -> None:
    with linked("ScriptedProposer") as (link, _):
        news(link)
        assert link._pipe is not None
        link._pipe.send(wire.encode(wire.Ask(request(1)))[:-3])
        link._pipe.send(b"")
        link.ask(request(2))
        answer = news(link)
        assert isinstance(answer, CandidatesReady)
        assert answer.request_id == 2


def test_a_damaged_answer_is_counted_and_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    with linked("ScriptedProposer") as (link, _):
        news(link)
        link.ask(request(1))
        assert link._pipe is not None
        frames = [b"?", wire.encode(CandidatesReady(1, ()))]
        monkeypatch.setattr(link._pipe, "receive", lambda: frames)
        assert link.receive() == [CandidatesReady(1, ())]
        assert link.damaged == 1


# -- trouble --------------------------------------------------------------------------------------------------------


STOPPED = Failed(None, "The model stopped; it is being started again.")


def kill(link: ModelLink) -> int:
    """Kill its process; the number that it had."""
    assert link._child is not None
    link._child.kill()
    link._child.wait()
    return link._child.pid


def test_one_that_was_ready_is_reported_and_replaced_at_once() -> None:
    with linked("ScriptedProposer") as (link, _):
        for _ in range(4):
            assert news(link) == Ready("scripted")
            pid = kill(link)
            assert link.receive() == [STOPPED]
            assert link.pid not in (None, pid)
        assert news(link) == Ready("scripted")


@pytest.mark.parametrize("answers", [False, True])
def test_only_where_many_in_a_row_answered_nothing_there_is_a_second_between_them(answers: bool) -> None:
    with linked("ScriptedProposer") as (link, clock):
        waits = []
        for number in range(7):
            assert news(link) == Ready("scripted")
            if answers:
                link.ask(request(number))
                assert isinstance(news(link), CandidatesReady)
            waits += waits_of(link, clock, 1)
        assert waits == [0] * 7 if answers else [0, 0, 0, 0, 1, 1, 1]


def waits_of(link: ModelLink, clock: ManualClock, deaths: int) -> list[float]:
    """Seconds until the next process is started, after each of so many deaths."""
    waits = []
    for _ in range(deaths):
        kill(link)
        link.receive()
        waited = 0
        while link.pid is None:
            clock.advance(ms(250))
            waited += 250
            link.receive()
        waits.append(waited / 1000)
    return waits


def test_one_that_dies_while_it_loads_is_replaced_at_once_and_then_after_growing_waits() -> None:
    with linked("ScriptedProposer") as (link, clock):
        assert waits_of(link, clock, 11) == [0, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_one_that_becomes_ready_begins_the_count_anew() -> None:
    with linked("ScriptedProposer") as (link, clock):
        waits_of(link, clock, 4)
        assert news(link) == Ready("scripted")
        kill(link)
        link.receive()
        assert waits_of(link, clock, 3) == [0, 0.25, 0.5]


def test_one_that_says_why_it_cannot_be_is_asked_again_later_and_later() -> None:
    with linked("MissingProposer") as (link, clock):
        assert news(link) == Failed(None, "The model is not there. Put it back.")
        for wait_s in (1, 2, 4, 8, 16, 30, 30):
            again(link, clock, wait_s)
            wait_until_refused(link)


def again(link: ModelLink, clock: ManualClock, wait_s: int = 30) -> None:
    """One that refused ends, and the next is started after the wait, not before."""
    if link._child is not None:  # else its end was heard together with its last word
        assert link._child.wait(PATIENCE_S) == 1
        assert link.receive() == []
    if wait_s < 30:
        clock.advance(Ns(wait_s * SECOND - 1))
        assert link.receive() == []
        assert link.pid is None
    clock.advance(Ns(30 * SECOND) if wait_s == 30 else Ns(1))
    link.receive()
    assert link.pid is not None


def wait_until_refused(link: ModelLink) -> None:
    """The same trouble is not told again, but it is heard."""
    end = time.monotonic() + PATIENCE_S
    while link._stage is not Stage.REFUSED and time.monotonic() < end:
        assert link.receive() == []
        select.select([link] if link.fileno() >= 0 else [], [], [], 0.02)


def test_nobody_waits_for_one_that_does_not_die(monkeypatch: pytest.MonkeyPatch) -> None:
    with linked("ScriptedProposer") as (link, clock):
        news(link)
        stuck = link._child
        assert stuck is not None
        os.kill(stuck.pid, signal.SIGSTOP)
        with monkeypatch.context() as patched:
            patched.setattr(stuck, "kill", lambda: None)
            for number in range(MOST_MISSED):
                link.ask(request(number, slot=number, deadline=clock.now()))
            clock.advance(SECOND)
            link.receive()
        assert stuck.poll() is None
        assert news(link) == Ready("scripted")
        stuck.kill()
        stuck.wait()
        link.receive()
        assert link._going == []


def test_one_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with linked("ScriptedProposer") as (link, clock):
        news(link)

        def refuse(*arguments: str) -> None:
            raise OSError("no room for another process")

        with monkeypatch.context() as patched:
            patched.setattr(model_link, "spawn", refuse)
            kill(link)
            assert link.receive() == [
                STOPPED,
                Failed(
                    None, "The model process cannot be started (no room for another process). Close other programs."
                ),
            ]
            assert link.pid is None
            clock.advance(SECOND)
            assert link.receive() == []
        clock.advance(Ns(30 * SECOND))
        assert news(link) == Ready("scripted")


@pytest.mark.parametrize("seed", range(6))
def test_a_process_killed_at_any_moment_leaves_no_request_without_its_one_answer(seed: int) -> None:
    dice = random.Random(seed)
    with linked("ScriptedProposer") as (link, clock):
        for looks in range(dice.randrange(3)):
            news(link) if not looks else link.receive()
        asked = dice.randrange(1, 5)
        for number in range(asked):
            link.ask(request(number, slot=number))
        for _ in range(dice.randrange(4)):
            select.select([link], [], [], 0.001)
        assert link.pid is not None
        os.kill(link.pid, signal.SIGKILL)
        said: list[FromModel] = []
        while STOPPED not in said:
            said += link.receive()
        answers = [what.request_id for what in said if not isinstance(what, Ready) and what.request_id is not None]
        assert sorted(answers) == list(range(asked))
        clock.advance(SECOND)
        assert news(link) == Ready("scripted")


def test_what_was_asked_of_a_process_that_died_fails() -> None:
    with linked("SlowProposer") as (link, _):
        news(link)
        link.ask(request(1, seed=2))
        link.ask(request(2, seed=2, slot=8))
        link.cancel(2)
        assert link.pid is not None
        os.kill(link.pid, signal.SIGKILL)
        assert link._child is not None
        link._child.wait()
        said = listen(link, 2)
        assert [what.request_id for what in said if isinstance(what, Failed)] == [1, None]
        link.ask(request(3))
        ready, answer = listen(link, 2)
        assert ready == Ready("slow")
        assert isinstance(answer, CandidatesReady)
        assert answer.request_id == 3


def test_a_hung_process_is_replaced_after_three_missed_answers() -> None:
    with linked("ScriptedProposer") as (link, clock):
        news(link)
        assert link.pid is not None
        os.kill(link.pid, signal.SIGSTOP)
        for number in (1, 2, 3):
            assert link.pid is not None
            link.ask(request(number, slot=4 * number, deadline=clock.now() + SECOND))
            clock.advance(SECOND)
            link.cancel(number)
            clock.advance(SECOND)
            said = link.receive()
        assert said == [Failed(None, "The model does not answer; it is being started again.")]
        assert news(link) == Ready("scripted")


def test_one_that_is_only_slow_is_not_replaced() -> None:
    with linked("SlowProposer") as (link, clock):
        news(link)
        pid = link.pid
        for number in range(1, 6):
            link.ask(request(number, seed=2, deadline=clock.now() + SECOND))
            clock.advance(SECOND)
            link.cancel(number)
            link.ask(request(100 + number, slot=8, deadline=clock.now() + SECOND))
            answer = news(link)
            assert isinstance(answer, CandidatesReady)
            clock.advance(SECOND)
        assert link.receive() == []
        assert link.pid == pid


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small random network that speaks our words."""
    config = ModelConfig(vocab.SIZE, hidden_size=16, num_hidden_layers=1, num_attention_heads=1,
                         num_key_value_heads=1, intermediate_size=16, head_dim=16)  # fmt: skip
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.2, shape) for name, shape in config.shapes().items()}
    checkpoint.save(tmp_path, config, weights, {"names": vocab.NAMES, "hash": vocab.HASH}, {"name": "tiny"})
    return tmp_path


def test_a_network_proposes_through_the_process(model: Path) -> None:
    with linked(None, model) as (link, _):
        assert news(link) == Ready("tiny")
        link.ask(request(4))
        answer = news(link)
        assert isinstance(answer, CandidatesReady)
        assert [idea.made_by for idea in answer.candidates] == ["tiny"] * 3


def test_damaged_weights_are_told_once_and_taken_when_they_are_whole_again(model: Path) -> None:
    whole = (model / "model.safetensors").read_bytes()
    (model / "model.safetensors").write_bytes(whole[:-100])
    with linked(None, model) as (link, clock):
        trouble = news(link)
        assert isinstance(trouble, Failed)
        assert trouble.request_id is None
        assert trouble.sentence.startswith("The weights in")
        for _ in range(3):
            again(link, clock)
            wait_until_refused(link)
        (model / "model.safetensors").write_bytes(whole)
        again(link, clock)
        assert news(link) == Ready("tiny")


@pytest.mark.parametrize(
    ("proposer", "sentence"),
    [
        ("MissingProposer", "The model is not there. Put it back."),
        ("BrokenProposer", "The model cannot be loaded (MemoryError). Run: jamlink doctor"),
        ("Nobody", "There is no proposer jamlink.testing.proposers:Nobody. Write it as module:Class."),
    ],
)
def test_a_proposer_that_cannot_be_made_is_one_sentence(proposer: str, sentence: str) -> None:
    with linked(proposer) as (link, _):
        assert news(link) == Failed(None, sentence)


def test_the_session_process_needs_no_numpy_for_it() -> None:
    code = "import sys, jamlink.runtime.model_link; sys.exit('numpy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- what it brings along ---------------------------------------------------------------------------------------------

NEEDLESS = {
    "torch", "transformers", "accelerate", "music21", "symusic", "scipy", "mido", "rtmidi", "jack", "rich", "textual",
    "typer", "sqlite3", "asyncio",
}  # fmt: skip
AND_WHAT_IT_IMPORTED = """
import sys
from jamlink.runtime.model_main import main
code = main(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules})
print(*(name for name in sys.modules if name.startswith("jamlink.")))
sys.exit(code)
"""


@pytest.mark.parametrize("engine", ["", "numpy"])
def test_the_process_of_the_shipped_model_imports_nothing_that_it_does_not_need(engine: str) -> None:
    """Torch alone would take longer to import than all that it does until it is ready."""
    ours, theirs = socket.socketpair()
    with theirs:
        flags = ["--fd", str(theirs.fileno()), "--folder", str(data_folder("models") / "jam-s")]
        child = subprocess.Popen(
            [sys.executable, "-c", AND_WHAT_IT_IMPORTED, *flags],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JAMLINK_ENGINE": engine},
        )
    pipe = Framed(ours)
    styled = replace(request(1), controls=Controls(style="hymn"), roles=frozenset(Role))
    pipe.send(wire.encode(wire.Ask(styled)))
    said: list[FromModel] = []
    while len(said) < 2 and not pipe.closed:
        select.select([pipe], [], [], PATIENCE_S)
        said += [wire.decode(frame) for frame in pipe.receive()]
    pipe.close()
    printed, _ = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 0
    assert [type(what) for what in said] == [Ready, CandidatesReady]
    imported, of_ours = (set(line.split()) for line in printed.splitlines())
    assert "numpy" in imported
    assert not imported & NEEDLESS
    assert not {name for name in of_ours if name.startswith(("jamlink.training", "jamlink.view", "jamlink.ledger"))}
    assert "jamlink.session.core" not in of_ours


# -- without a process ----------------------------------------------------------------------------------------------


class Pipe(Framed):
    """What comes in is scripted, one batch a look; what goes out is kept."""

    def __init__(self, *batches: list[object]) -> None:
        self.batches, self.said, self.closed = list(batches), [], False

    waiting = 0

    def fileno(self) -> int:
        return -1

    def send(self, frame: bytes) -> bool:
        self.said.append(wire.decode(frame))
        return True

    def receive(self) -> list[bytes]:
        batch = self.batches.pop(0) if self.batches else []
        self.closed = not self.batches
        return [wire.encode(message) for message in batch]  # type: ignore[arg-type]


def test_each_request_is_answered_once_also_where_a_newer_one_or_a_cancel_finds_it_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    asks = [wire.Ask(request(n, slot=4 + n % 2, seed=1)) for n in range(1, 7)]
    pipe = Pipe([*asks, wire.CancelAsk(6), wire.CancelAsk(99)], [], [], [], [])
    ModelProcess(pipe, ScriptedProposer()).run()
    answers = {said.request_id: len(said.candidates) for said in pipe.said if isinstance(said, CandidatesReady)}
    assert answers == {1: 0, 2: 0, 3: 0, 4: 0, 5: 3, 6: 0}
    assert len(pipe.said) == 7


# -- stopped, cut off and misled, at every look of a real network's ------------------------------------------------------


class Talk(Pipe):
    """What comes with which look (from 1), then one message after another, each when all is answered, then the end.

    `ends` is a look at which the other end is gone.
    """

    def __init__(self, at: dict[int, list[object]], then: Sequence[object] = (), ends: int | None = None) -> None:
        super().__init__()
        self.at, self.then, self.ends = dict(at), list(then), ends
        self.looks = self.open = 0

    def receive(self) -> list[bytes]:
        self.looks += 1
        answered = sum(not isinstance(what, Ready) for what in self.said)
        due = self.at.pop(self.looks, [])
        if not due and answered >= self.open and self.looks > 1:
            due = [self.then.pop(0)] if self.then else []
            self.closed = not due
        self.open += sum(isinstance(message, wire.Ask) for message in due)
        self.closed = self.closed or self.looks == self.ends
        return [wire.encode(message) for message in due]  # type: ignore[arg-type]


def busy(number: int) -> ProposalRequest:
    """Chords, melody and bass in a style: every pass that there is."""
    return replace(request(number, slot=4 * number), roles=frozenset(Role), controls=Controls(style="hymn"))


@pytest.fixture
def network(model: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    monkeypatch.setattr(select, "select", lambda *_: ([], [], []))
    return checkpoint.load(model, vocab.HASH)


def talk(network: Checkpoint, pipe: Talk) -> dict[int, wire.FromModel]:
    """The answers by request."""
    ModelProcess(pipe, TransformerProposer(network)).run()
    answers = [what for what in pipe.said if not isinstance(what, Ready)]
    assert len({what.request_id for what in answers}) == len(answers), "each request has one answer"
    return {what.request_id: what for what in answers}


def answer_of(network: Checkpoint, number: int) -> CandidatesReady:
    ideas = TransformerProposer(network).propose(busy(number), lambda: False)
    assert ideas
    return CandidatesReady(number, tuple(ideas))


def looks_taken(network: Checkpoint, first: object) -> int:
    """How often it looks up until it has done what was asked first."""
    pipe = Talk({1: [first]}, [wire.Ask(busy(1))] if isinstance(first, wire.Prepare) else [])
    talk(network, pipe)
    return pipe.looks


def test_a_cancel_at_any_look_stops_its_request_alone(network: Checkpoint) -> None:
    """Before the first step, between chunks of a prompt, in each pass, in the last step, too late; twice, and of
    requests that nobody made."""
    first, second = answer_of(network, 1), answer_of(network, 2)
    cancels = [wire.CancelAsk(1), wire.CancelAsk(1), wire.CancelAsk(77)]
    looks = looks_taken(network, wire.Ask(busy(1)))
    for look in sorted({1, 2, 3, *range(4, looks, 7), looks - 2, looks - 1, looks}):
        script = {1: [wire.Ask(busy(1)), *(cancels if look == 1 else [])]} | ({look: cancels} if look > 1 else {})
        answers = talk(network, Talk(script, [wire.Ask(busy(2))]))
        assert answers[1] in (CandidatesReady(1, ()), first)
        assert answers[2] == second
        assert set(answers) == {1, 2}


@pytest.mark.parametrize("kind", [wire.Ask, wire.Prepare])
def test_the_other_end_may_go_at_any_look(network: Checkpoint, kind: type) -> None:
    looks = looks_taken(network, kind(busy(1)))
    for look in sorted({1, 2, *range(3, looks, 11), looks - 1}):
        pipe = Talk({1: [kind(busy(1))]}, ends=look)
        talk(network, pipe)
        assert pipe.closed


def test_a_grammar_that_allows_nothing_fails_its_request_alone_and_the_stand_in_is_asked(
    network: Checkpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = Grammar.mask
    second = answer_of(network, 2)
    pipe = Talk({1: [wire.Ask(busy(1))]}, [wire.Ask(busy(2))])
    monkeypatch.setattr(Grammar, "mask", lambda self: allowed(self) if pipe.then == [] else bytes(vocab.SIZE))
    answers = talk(network, pipe)
    failed = answers[1]
    assert isinstance(failed, Failed)
    assert failed.sentence.startswith("The model stumbled")
    assert answers[2] == second
    assert "Traceback" in capsys.readouterr().err, "the log says where"


@pytest.mark.parametrize("window", [1, 8, 16])
def test_a_window_that_is_too_short_for_anything_gives_no_ideas_and_the_stand_in_is_asked(
    network: Checkpoint, window: int
) -> None:
    short = replace(network, config=replace(network.config, max_position_embeddings=window))
    answers = talk(short, Talk({1: [wire.Ask(busy(1))]}, [wire.Ask(busy(2))]))
    assert [getattr(answer, "candidates", ()) for answer in answers.values()] == [(), ()]


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.2, 0.3, 0.5])
def test_a_real_process_whose_pipe_ends_at_any_moment_goes_without_a_word(
    model: Path, capfd: pytest.CaptureFixture[str], after_s: float
) -> None:
    """While Python starts, while it loads, while it warms up, while it computes."""
    child, pipe = spawn("jamlink.runtime.model_main", "--folder", str(model))
    for number in range(1, 4):
        pipe.send(wire.encode(wire.Ask(busy(number))))
    threading.Event().wait(after_s)  # any moment will do
    pipe.close()
    assert child.wait(PATIENCE_S) == 0
    assert capfd.readouterr().err == ""


# -- chords for a melody that is played --------------------------------------------------------------------------------


def chords_request(number: int, beat: int, deadline: int = 10**12) -> ChordsRequest:
    heard = tuple(Note(Ticks(i * 960), 60 + i % 5, Ticks(900)) for i in range(beat))
    return ChordsRequest(number, 1, Meter(4, 4), beat, 4, 0, heard, (None,) * 5, Ns(deadline))


@given(
    st.integers(0, 40), st.lists(st.one_of(st.none(), st.builds(Chord, st.integers(0, 11), st.sampled_from(Quality))))
)
def test_requests_and_answers_about_chords_survive_the_wire(beat, avoid):
    asked = replace(chords_request(3, beat), avoid=tuple(avoid))
    assert wire.decode(wire.encode(wire.AskChords(asked))).request == asked
    found = tuple(chord for chord in avoid if chord)
    assert wire.decode(wire.encode(ChordsReady(3, found, "jam-s"))) == ChordsReady(3, found, "jam-s")


def test_chords_are_asked_for_and_come() -> None:
    with linked("Companion") as (link, _):
        assert isinstance(news(link), Ready)
        link.ask_chords(chords_request(7, 4))
        said = news(link)
        assert said == ChordsReady(7, tuple(Chord(4 + i, Quality.MAJOR) for i in range(5)), "scripted")


def test_who_cannot_accompany_says_nothing_and_who_stumbles_says_so() -> None:
    with linked("ScriptedProposer") as (link, _):
        assert isinstance(news(link), Ready)
        link.ask_chords(chords_request(7, 4))
        assert news(link) == ChordsReady(7, (), "scripted")
    with linked("FailingProposer") as (link, _):
        assert isinstance(news(link), Ready)
        link.ask_chords(chords_request(8, 4))
        assert news(link) == Failed(8, "The model stumbled (ZeroDivisionError).")


def test_one_that_dies_while_it_is_asked_answers_and_the_next_one_catches_up() -> None:
    with linked("Companion") as (link, _):
        assert isinstance(news(link), Ready)
        link.ask_chords(chords_request(7, 5))
        os.kill(link.pid, signal.SIGKILL)
        said = listen(link, 3)
        assert Failed(7, "The model stopped; it is being started again.") in said
        assert any(isinstance(each, Ready) for each in said)
        link.ask_chords(chords_request(9, 6))
        assert news(link).chords[0] == Chord(6, Quality.MAJOR)


def test_only_the_newest_question_about_chords_is_answered_with_any() -> None:
    ours, theirs = socket.socketpair()
    process = ModelProcess(Framed(theirs), Companion())
    process._queue_chords(chords_request(1, 2))
    process._queue_chords(chords_request(2, 4))
    process._find_chords(process._chords)
    pipe = Framed(ours)
    said = [wire.decode(frame) for frame in pipe.receive()]
    assert [(each.request_id, len(each.chords)) for each in said] == [(1, 0), (2, 5)]
    pipe.close()
    process._pipe.close()


def test_the_shipped_model_accompanies() -> None:
    with linked(None, data_folder("models") / "jam-s") as (link, _):
        assert isinstance(news(link), Ready)
        for beat in (8, 9, 30):
            link.ask_chords(chords_request(beat, beat))
            said = news(link)
            assert isinstance(said, ChordsReady)
            assert len(said.chords) == 5
            assert said.made_by == "jam-s"
