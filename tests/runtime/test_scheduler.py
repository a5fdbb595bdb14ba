"""Laws of the timed queue, whatever is sent, cancelled and silenced in whatever order."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jamlink.ports.base import HOUSE, Outgoing
from jamlink.runtime.scheduler import QUEUE_MOST, STALE, Scheduler, is_note_off, is_note_on, key_of
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms

SUSTAIN_DOWN = bytes((0xB0, 64, 127))
SUSTAIN_UP = bytes((0xB0, 64, 0))


def on(at: int, owner: int = 1, pitch: int = 60, output: int = 0) -> Outgoing:
    return Outgoing(Ns(at), output, owner, bytes((0x90, pitch, 80)))


def off(at: int, owner: int = 1, pitch: int = 60, output: int = 0) -> Outgoing:
    return Outgoing(Ns(at), output, owner, bytes((0x80, pitch, 0)))


def data_of(messages: list[Outgoing]) -> list[str]:
    return [m.data.hex(" ") for m in messages]


class Wire:
    """What a synth sees: which keys are down, and whether ons and offs alternate on each."""

    def __init__(self) -> None:
        self.down: set[tuple[int, int, int]] = set()
        self.ons = self.offs = 0

    def feel(self, messages: list[Outgoing]) -> None:
        for message in messages:
            if is_note_on(message.data):
                assert key_of(message) not in self.down, "an onset on a key that is down"
                self.down.add(key_of(message))
                self.ons += 1
            elif is_note_off(message.data) and key_of(message) in self.down:
                self.down.discard(key_of(message))
                self.offs += 1


notes = st.tuples(
    st.integers(0, 40).map(ms), st.integers(0, 30).map(ms), st.integers(0, 3), st.integers(60, 62), st.integers(0, 1)
)


class QueueMachine(RuleBasedStateMachine):
    """Random hands on the queue; one wire per output listens all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.queue = Scheduler()
        self.wire = Wire()
        self.absent: set[int] = set()

    @rule(batch=st.lists(notes, max_size=6), ends_first=st.booleans())
    def send(self, batch, ends_first):
        now = self.clock.now()
        ons = [on(now + wait, owner, pitch, output) for wait, _, owner, pitch, output in batch]
        offs = [off(now + wait + length, owner, pitch, output) for wait, length, owner, pitch, output in batch]
        # Ends may be handed over before unrelated onsets, never before their own at the same moment.
        pairs = sorted(zip(ons, offs, strict=True), key=lambda pair: pair[0].due, reverse=ends_first)
        self.queue.push([message for pair in pairs for message in pair])

    @rule(span=st.integers(0, 60).map(ms))
    def time_goes_on(self, span):
        self.take(self.clock.advance(span))

    @rule(owner=st.integers(0, 3))
    def cancel(self, owner):
        self.queue.cancel(owner, self.clock.now())
        self.take(self.clock.now())
        assert self.queue.is_idle(owner)

    @rule(panic=st.booleans())
    def silence(self, panic):
        self.queue.panic(self.clock.now(), (0, 1)) if panic else self.queue.silence(self.clock.now())
        self.take(self.clock.now())
        assert self.queue.owed() == ()
        assert len(self.queue) == 0
        assert not {key for key in self.wire.down if key[0] not in self.absent}

    @rule(output=st.integers(0, 1))
    def cable_pulled(self, output):
        self.absent.add(output)
        self.queue.lost(output)

    @precondition(lambda self: self.absent)
    @rule()
    def cable_back(self):
        output = self.absent.pop()
        self.queue.back(output, self.clock.now())
        self.take(self.clock.now())
        assert {key for key in self.wire.down if key[0] == output} <= set(self.queue.owed())

    @rule()
    def dropout(self):
        self.queue.dropout(self.clock.now())
        self.take(self.clock.now())

    def take(self, now):
        taken = self.queue.take_due(now)
        assert all(message.due <= now for message in taken), "something left early"
        assert not [m for m in taken if m.port in self.absent], "something went to an output that is not there"
        self.wire.feel(taken)

    @invariant()
    def the_ledger_is_what_the_synth_hears(self):
        audible = {key for key in self.wire.down if key[0] not in self.absent}
        assert {key for key in self.queue.owed() if key[0] not in self.absent} == audible

    def teardown(self):
        self.absent.clear()
        for output in (0, 1):
            self.queue.back(output, self.clock.now())
        self.take(self.clock.now())
        self.silence(panic=False)
        assert self.wire.ons == self.wire.offs


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_every_note_on_gets_exactly_one_note_off_nothing_leaves_early_and_silence_owes_nothing = QueueMachine.TestCase


@given(st.lists(notes, max_size=30))
def test_a_piece_played_to_its_end_owes_nothing(batch):
    queue, wire = Scheduler(), Wire()
    for at, length, owner, pitch, output in batch:
        queue.push([on(at, owner, pitch, output), off(at + length, owner, pitch, output)])
    wire.feel(queue.take_due(ms(100)))
    assert queue.owed() == ()
    assert not wire.down
    assert wire.ons == wire.offs == len(batch)


@given(st.lists(notes, max_size=20), st.lists(st.integers(1, 30).map(ms), max_size=20))
def test_it_does_not_matter_how_often_one_looks(batch, steps):
    at_once, in_steps = Scheduler(), Scheduler()
    for queue in (at_once, in_steps):
        for at, length, owner, pitch, output in batch:
            queue.push([on(at, owner, pitch, output), off(at + length, owner, pitch, output)])
    clock, taken = ManualClock(), []
    for step in steps:
        taken += in_steps.take_due(clock.advance(step))
    end = clock.advance(ms(100))
    assert taken + in_steps.take_due(end) == at_once.take_due(end)


def test_an_end_goes_before_an_onset_of_the_same_moment():
    queue = Scheduler()
    queue.push([on(0), on(10), off(10), off(20)])
    queue.push([on(30, pitch=64), off(40, pitch=64), on(40, pitch=67)])
    assert data_of(queue.take_due(Ns(41)))[-2:] == ["80 40 00", "90 43 50"]


def test_a_note_without_length_begins_before_it_ends():
    queue = Scheduler()
    queue.push([on(10), off(10)])
    assert data_of(queue.take_due(Ns(11))) == ["90 3c 50", "80 3c 00"]


def test_messages_of_one_moment_keep_their_order():
    queue = Scheduler()
    program, pedal = (Outgoing(Ns(5), 0, 1, data) for data in (bytes((0xC0, 4)), SUSTAIN_DOWN))
    queue.push([program, pedal, on(5), on(5, pitch=64)])
    assert data_of(queue.take_due(Ns(6))) == ["c0 04", "b0 40 7f", "90 3c 50", "90 40 50"]


def test_the_last_end_of_a_shared_key_ends_it():
    queue = Scheduler()
    queue.push([on(0, owner=1), on(10, owner=2), off(20, owner=1), off(30, owner=2)])
    assert data_of(queue.take_due(Ns(11))) == ["90 3c 50", "80 3c 00", "90 3c 50"]
    assert queue.take_due(Ns(21)) == []
    assert data_of(queue.take_due(Ns(31))) == ["80 3c 00"]


def test_an_end_from_a_stranger_cuts_nobody():
    queue = Scheduler()
    queue.push([on(0, owner=1), off(5, owner=2), off(6, owner=HOUSE)])
    assert data_of(queue.take_due(Ns(10))) == ["90 3c 50"]


def test_a_key_let_go_by_the_player_passes_through_where_nothing_sounds():
    queue = Scheduler()
    queue.push([off(5, owner=HOUSE)])
    assert data_of(queue.take_due(Ns(10))) == ["80 3c 00"]


def test_a_doubled_note_on_of_the_players_is_ended_by_one_note_off():
    queue = Scheduler()
    queue.push([on(0, owner=HOUSE), on(1, owner=HOUSE), on(2, owner=5), off(3, owner=HOUSE), off(4, owner=5)])
    assert data_of(queue.take_due(Ns(3))) == ["90 3c 50", "80 3c 00", "90 3c 50", "80 3c 00", "90 3c 50"]
    assert queue.take_due(Ns(4)) == []
    assert data_of(queue.take_due(Ns(5))) == ["80 3c 00"]


def test_cancel_lifts_the_pedal_its_owner_holds_and_no_other():
    queue = Scheduler()
    queue.push([Outgoing(Ns(0), 0, 1, SUSTAIN_DOWN), Outgoing(Ns(0), 1, 2, SUSTAIN_DOWN), on(0)])
    queue.take_due(Ns(1))
    queue.cancel(1, Ns(2))
    assert queue.take_due(Ns(3)) == [off(2), Outgoing(Ns(2), 0, 1, SUSTAIN_UP)]


def test_silence_says_ends_then_pedals_then_bends_on_used_channels_only():
    queue = Scheduler()
    queue.push([on(0), Outgoing(Ns(0), 1, 1, bytes((0xE3, 0, 0x50))), on(500)])
    queue.take_due(Ns(1))
    queue.silence(Ns(2))
    assert [(m.port, m.data.hex(" ")) for m in queue.take_due(Ns(3))] == [
        (0, "80 3c 00"),
        (0, "b0 40 00"),
        (0, "b0 42 00"),
        (1, "b3 40 00"),
        (1, "b3 42 00"),
        (0, "e0 00 40"),
        (1, "e3 00 40"),
    ]
    queue.silence(Ns(4))
    assert queue.take_due(Ns(5)) == [], "a second silence has nothing to say"


def test_panic_is_silence_and_three_controllers_on_sixteen_channels():
    queue = Scheduler()
    queue.push([on(0)])
    queue.take_due(Ns(1))
    queue.panic(Ns(2), (0, 4))
    said = queue.take_due(Ns(3))
    assert data_of(said)[:4] == ["80 3c 00", "b0 40 00", "b0 42 00", "e0 00 40"]
    assert {(m.port, m.data[0] & 15, m.data[1]) for m in said[4:]} == {
        (output, channel, control) for output in (0, 4) for channel in range(16) for control in (120, 121, 123)
    }


def test_farewell_ends_with_all_notes_off_where_something_was_played():
    queue = Scheduler()
    queue.push([on(0), Outgoing(Ns(0), 0, 1, SUSTAIN_DOWN)])
    queue.take_due(Ns(1))
    queue.farewell(Ns(2))
    assert data_of(queue.take_due(Ns(3))) == ["80 3c 00", "b0 40 00", "b0 42 00", "e0 00 40", "b0 7b 00"]


def test_farewell_to_one_output_leaves_the_others_playing():
    queue = Scheduler()
    queue.push([on(0), on(0, output=1), on(500, pitch=64), on(500, pitch=64, output=1)])
    queue.take_due(Ns(1))
    queue.farewell(Ns(2), {1})
    assert {m.port for m in queue.take_due(Ns(3))} == {1}
    assert queue.owed() == ((0, 0, 60),)
    assert queue.take_due(Ns(501)) == [on(500, pitch=64)]


def test_ends_of_cancel_overtake_the_queue():
    queue = Scheduler()
    queue.push([on(0), on(10, owner=2, pitch=72)])
    queue.take_due(Ns(1))
    queue.cancel(1, Ns(15))
    assert data_of(queue.take_due(Ns(16))) == ["80 3c 00", "90 48 50"]


def test_after_a_long_sleep_old_onsets_are_dropped_and_ends_are_not():
    queue = Scheduler()
    queue.push([on(0), off(ms(100)), on(ms(200), pitch=64), off(ms(300), pitch=64)])
    assert data_of(queue.take_due(Ns(1))) == ["90 3c 50"]
    assert data_of(queue.take_due(Ns(ms(200) + STALE + 1))) == ["80 3c 00"]
    assert queue.dropped.too_late == 1
    assert queue.owed() == ()


def test_an_output_that_returns_is_told_the_ends_it_missed():
    queue = Scheduler()
    queue.push([on(0), on(0, pitch=64), off(ms(10)), on(ms(20), pitch=67)])
    queue.take_due(Ns(1))
    queue.lost(0)
    assert queue.take_due(ms(30)) == []
    assert queue.dropped.unheard == 1
    queue.back(0, ms(40))
    assert data_of(queue.take_due(ms(41))) == ["80 3c 00", "b0 40 00", "b0 42 00"]
    assert queue.owed() == ((0, 0, 64),), "what still sounds keeps its own end"


def test_a_dropout_says_recent_ends_again_but_not_of_what_sounds_anew():
    queue = Scheduler()
    queue.push([on(0), off(10), on(0, pitch=64), off(10, pitch=64), on(20, pitch=64)])
    queue.take_due(Ns(21))
    queue.dropout(Ns(30))
    assert data_of(queue.take_due(Ns(31))) == ["80 3c 00"]


def test_what_a_dead_process_owed_is_said_now_or_when_the_output_is_there():
    queue = Scheduler()
    queue.lost(1)
    queue.owed_by_another([(0, 2, 60), (1, 0, 61)], Ns(5))
    assert data_of(queue.take_due(Ns(6))) == ["82 3c 00"]
    queue.back(1, Ns(7))
    assert data_of(queue.take_due(Ns(8))) == ["80 3d 00"]


def test_a_flood_is_refused_but_never_an_end():
    queue = Scheduler()
    queue.push([on(0)])
    queue.take_due(Ns(1))
    queue.push([on(10, pitch=64)] * QUEUE_MOST)
    queue.push([on(10, pitch=65), off(10)])
    assert queue.dropped.refused == 1
    assert len(queue) == QUEUE_MOST + 1


@pytest.mark.parametrize("data", [bytes((0x90, 60, 0)), bytes((0x80, 60, 64))])
def test_both_ways_to_end_a_note_are_ends(data):
    assert is_note_off(data)
    assert not is_note_on(data)
