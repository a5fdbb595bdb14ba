"""What was promised leaves by its output, at its moment, once."""

from __future__ import annotations

import pytest

from jamlink.runtime.echo import Echoes
from jamlink.runtime.sending import Sending
from jamlink.session import effects as fx
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ticks, ms

CHANNELS = {"chords": 1, "melody": 2, "bass": 3}


class Io:
    """An io process that is a list of what was handed over."""

    def __init__(self):
        self.batches = []

    def send(self, batch):
        self.batches.append(list(batch))

    def __getattr__(self, order):
        return lambda *what: None


@pytest.fixture
def io():
    return Io()


def sending(io, clock=None, offsets=None, programs=None):
    return Sending(io, clock or ManualClock(), Echoes(), offsets or {}, programs or {})


def promised(out, due, owner=20):
    return fx.Timed(due, fx.ScheduledMessage(Ticks(0), bytes((0x90, 60, 70)), out, owner))


def test_each_output_leaves_by_its_own_offset(io):
    outs = (fx.Out.CHORDS, fx.Out.MELODY, fx.Out.BASS)
    moved = sending(io, offsets={fx.Out.CHORDS: ms(-10), fx.Out.BASS: ms(5)})
    moved.send(fx.Send(tuple(promised(out, ms(300)) for out in outs)))
    assert [message.due for message in io.batches[0]] == [ms(290), ms(300), ms(305)]


def test_a_program_is_chosen_only_where_it_was_asked_for(io):
    ours = sending(io, programs={"bass": 32})
    for number in range(5):
        ours.choose_sound(number, CHANNELS)
    assert [(m.port, m.data) for batch in io.batches for m in batch] == [(2, bytes((0xC2, 32)))]


@pytest.mark.parametrize(
    ("order", "left"),
    [
        (lambda ours: None, [(ms(300), 20), (ms(400), 21)]),
        (lambda ours: ours.cancel(20), [(ms(400), 21)]),
        (lambda ours: ours.silence(), []),
        (lambda ours: ours.panic(), []),
    ],
)
def test_a_new_io_process_gets_what_is_still_to_come_and_was_not_taken_back(io, order, left):
    clock = ManualClock()
    ours = sending(io, clock)
    early, later, last = (
        promised(fx.Out.CHORDS, ms(100)),
        promised(fx.Out.CHORDS, ms(300)),
        promised(fx.Out.BASS, ms(400), 21),
    )
    ours.send(fx.Send((early, later, last)))
    order(ours)
    clock.advance(ms(200))
    ours.send_again()
    assert [(message.due, message.owner) for message in io.batches[-1]] == left
