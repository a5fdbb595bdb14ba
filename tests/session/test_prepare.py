"""What the session lets the model think of before it is asked: the very thing it will be asked for, and not too often."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.session import effects as fx
from jamlink.session.asking import PREPARE_AFTER, PREPARE_EVERY
from jamlink.session.inputs import Heard, LockKey, Turn
from jamlink.session.proposal import ProposalRequest
from jamlink.timing.units import Ns, ms
from tests.session.test_scenarios import BEAT, do, when


class Timed:
    """An offline jam whose effects are looked at with their moments."""

    def __init__(self, offline) -> None:
        self.offline, self.found = offline, []

    def run_until(self, end: Ns) -> None:
        step = ms(1)
        while (now := self.offline.session.now) < end:
            seen = len(self.offline.effects)
            self.offline.run_until(min(end, Ns(now + step)))
            self.found += [(self.offline.session.now, effect) for effect in self.offline.effects[seen:]]

    @property
    def prepared(self) -> list[tuple[Ns, ProposalRequest]]:
        return [(at, effect.request) for at, effect in self.found if isinstance(effect, fx.Prepare)]

    @property
    def asked(self) -> list[tuple[Ns, ProposalRequest]]:
        return [(at, effect.request) for at, effect in self.found if isinstance(effect, fx.AskProposer)]


def sung(offline, *places: tuple[int, float], pitch: int = 67) -> None:
    """A note of half a beat at each place."""
    for bar, beat in places:
        at = when(bar, beat)
        offline.at(at, Heard(NoteOn(at, "keys", 0, pitch, 80)))
        offline.at(Ns(at + BEAT // 2), Heard(NoteOff(Ns(at + BEAT // 2), "keys", 0, pitch, 0)))


def test_what_is_asked_for_at_its_time_was_prepared_just_so(jam):
    timed = Timed(jam(bars=4))
    sung(timed.offline, (1, 1), (1, 3), (2, 1), (2, 2.5), (2, 4))
    timed.run_until(when(4))
    (asked_at, asked), *_ = timed.asked
    assert asked_at == when(3)
    before = [request for at, request in timed.prepared if at < asked_at]
    assert before[-1].wish == asked.wish
    assert before[0].wish != asked.wish


def test_a_note_that_is_held_is_thought_of_as_held_still(jam):
    timed = Timed(jam(bars=4))
    timed.offline.at(when(2, 2), Heard(NoteOn(when(2, 2), "keys", 0, 60, 80)))
    timed.run_until(when(4))
    (asked_at, asked), *_ = timed.asked
    assert [request for at, request in timed.prepared if at < asked_at][-1].wish == asked.wish


def test_the_next_hand_of_a_slot_is_prepared_once_the_first_is_dealt(jam):
    timed = Timed(jam(bars=4))
    timed.offline.at(when(3, 2), do(Action.NEXT_HAND))
    timed.run_until(when(4))
    (_, first), (_, second), *_ = timed.asked
    assert first.seed != second.seed
    between = [request for at, request in timed.prepared if when(3) <= at < when(3, 2)]
    assert [replace(r.wish, context=second.context) for r in between] == [second.wish]


def test_a_chord_counts_as_one_and_a_flood_is_told_now_and_then(jam):
    timed = Timed(jam(bars=8))
    timed.run_until(when(2))
    before = len(timed.prepared)
    for i in range(200):
        at = Ns(when(2) + i * ms(10))
        timed.offline.at(at, Heard(NoteOn(at, "keys", 0, 40 + i % 40, 80)))
    timed.run_until(Ns(when(2) + ms(2_100)))
    moments = [at for at, _ in timed.prepared[before:]]
    assert moments[0] <= when(2) + PREPARE_AFTER + ms(1)
    assert all(b - a >= PREPARE_EVERY for a, b in pairwise(moments))
    assert len(moments) <= ms(2_100) // PREPARE_EVERY + 1


def test_a_turned_knob_and_a_locked_key_are_thought_of_too(jam):
    from jamlink.music.key import parse_key

    timed = Timed(jam(bars=8))
    timed.run_until(when(2))
    for number, item in enumerate((Turn("density", 0.9, "test"), LockKey(parse_key("Eb"), "test"))):
        timed.offline.at(when(2, 1 + number), item)
    timed.run_until(when(3))
    last = timed.prepared[-1][1]
    assert last.controls.density == 0.9
    assert str(last.context.key) == str(parse_key("Eb"))


def test_nobody_is_told_where_there_is_no_model_or_while_it_is_asked(jam):
    alone = Timed(jam(proposer=None))
    sung(alone.offline, (1, 1), (2, 1))
    alone.run_until(when(5))
    assert not alone.prepared
    busy = Timed(jam(bars=4, thinking=lambda request: ms(900)))
    sung(busy.offline, *((bar, beat) for bar in (1, 2, 3) for beat in (1, 2, 3, 4)))
    busy.run_until(when(4))
    (asked_at, _), *_ = busy.asked
    assert not [at for at, _ in busy.prepared if asked_at <= at < asked_at + ms(900)]
