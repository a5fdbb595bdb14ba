"""Watching, replacing and silencing after a child process that a test plays by hand."""

from __future__ import annotations

import socket
import subprocess

import hypothesis.strategies as st
import pytest
from hypothesis import given

from jamlink.errors import Unavailable
from jamlink.ports.base import Direction, Outgoing, PortSpec
from jamlink.runtime import io_link as module
from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_link import (
    FIRST_ANSWER,
    OUTPUT_NAMES,
    PING_EVERY,
    SILENT_TOO_LONG,
    IoBack,
    IoGone,
    IoLink,
    Ledger,
    output_number,
    standard_ports,
)
from jamlink.runtime.ipc import Framed
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms

PORTS = wire.OpenPorts((PortSpec("in"),), (PortSpec("chords"),))
READY = wire.IoReady(True)


def on(due, pitch=60, output=0, owner=7):
    return Outgoing(Ns(due), output, owner, bytes((0x90, pitch, 80)))


def off(due, pitch=60, output=0, owner=7):
    return Outgoing(Ns(due), output, owner, bytes((0x80, pitch, 0)))


def sent(message, late=0):
    return wire.Sent(Ns(message.due + late), message.due, message.port, message.owner, message.data)


class Child:
    """A process that does what the test does."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.link_end, self.pipe = Framed(ours), Framed(theirs)
        self.code: int | None = None
        self.pid = 1

    def poll(self):
        return self.code

    def wait(self, timeout=None):
        if self.code is None:
            raise subprocess.TimeoutExpired("child", timeout)
        return self.code

    def kill(self):
        self.die(-9)

    def die(self, code):
        self.code = code
        self.pipe.close()

    def say(self, *reports):
        for report in reports:
            assert self.pipe.send(wire.encode(report))

    def orders(self, kind=object):
        return [o for o in map(wire.decode_order, self.pipe.receive()) if isinstance(o, kind)]


@pytest.fixture
def clock():
    return ManualClock(5_000_000_000)


@pytest.fixture
def children(monkeypatch):
    """Every process started so far, the newest last."""
    started: list[Child] = []

    def spawn(name, *arguments):
        started.append(Child())
        return started[-1], started[-1].link_end

    monkeypatch.setattr(module, "spawn", spawn)
    return started


@pytest.fixture
def link(clock, children):
    link = IoLink(clock, PORTS)
    link.start()
    yield link
    for child in children:
        child.die(0)
    link.close()
    for child in children:
        child.link_end.close()


def test_a_new_process_is_told_its_ports_first(link, children):
    assert children[0].orders()[:2] == [PORTS, wire.Thru(None)]


def test_orders_go_down_and_reports_come_up_in_order(link, children):
    children[0].orders()
    link.send([on(10), off(20)])
    link.cancel(7)
    link.silence()
    link.panic()
    link.thru(0)
    assert children[0].orders() == [
        wire.Send((on(10), off(20))),
        wire.Cancel(7),
        wire.Silence(),
        wire.Panic(),
        wire.Thru(0),
    ]
    reports = [READY, wire.Heard(Ns(3), 0, b"\x90\x3c\x50"), wire.OwnerBegan(7, Ns(10))]
    children[0].say(*reports)
    assert link.receive() == reports


def test_a_long_batch_is_sent_in_pieces_that_together_are_the_whole(link, children):
    children[0].orders()
    batch = [on(i) for i in range(2000)]
    link.send(iter(batch))
    pieces = children[0].orders(wire.Send)
    assert [message for piece in pieces for message in piece.batch] == batch
    assert max(len(piece.batch) for piece in pieces) < 1000


def test_it_pings_and_a_process_that_answers_is_left_alone(link, children, clock):
    for number in range(1, 20):
        children[0].say(wire.Pong(number))
        assert link.receive() == []
        clock.advance(PING_EVERY)
    assert len(children) == 1
    assert len(children[0].orders(wire.Ping)) == 19


def test_a_process_that_hangs_is_killed_and_replaced(link, children, clock):
    children[0].say(READY)
    link.receive()
    clock.advance(SILENT_TOO_LONG)
    assert link.receive() == []
    clock.advance(ms(1))
    assert link.receive() == [IoGone("The MIDI process hung."), IoBack()]
    assert children[0].code == -9
    assert len(children) == 2


def test_a_link_that_stood_still_itself_blames_nobody(link, children, clock):
    children[0].say(READY)
    link.receive()
    children[0].say(wire.Pong(1))
    clock.advance(Ns(100 * SILENT_TOO_LONG))
    assert link.receive() == []
    clock.advance(Ns(SILENT_TOO_LONG - 1))
    assert link.receive() == []


def test_a_process_may_take_longer_to_start_than_to_answer(link, children, clock):
    clock.advance(Ns(FIRST_ANSWER - 1))
    assert link.receive() == []
    clock.advance(ms(1))
    assert link.receive()[0] == IoGone("The MIDI process hung.")


@pytest.mark.parametrize(("code", "said"), [(-11, "SIGSEGV"), (1, "1")])
def test_a_process_that_dies_is_replaced_and_the_cause_is_said(link, children, code, said):
    children[0].say(wire.Heard(Ns(3), 0, b"\xf8"))
    children[0].die(code)
    assert link.receive() == [wire.Heard(Ns(3), 0, b"\xf8"), IoGone(f"The MIDI process ended ({said})."), IoBack()]


def test_a_process_that_keeps_dying_is_replaced_at_growing_distances(link, children, clock):
    waits = []
    for _ in range(7):
        children[-1].die(1)
        died, number = clock.now(), len(children)
        link.receive()
        while len(children) == number:
            clock.advance(ms(100))
            link.receive()
        waits.append((clock.now() - died) // ms(100))
    assert waits == [0, 2, 5, 10, 20, 20, 20]


def test_a_new_process_is_told_what_the_dead_one_may_have_left_sounding(link, children, clock):
    now = clock.now()
    link.send([on(now, 60), off(now + ms(900), 60), on(now, 61), off(now + ms(10), 61), on(now + ms(800), 62)])
    children[0].say(sent(on(now, 60)), sent(on(now, 61)), sent(off(now + ms(10), 61)))
    children[0].say(sent(on(now, 72, output=1, owner=0)))  # the player's own, passed through
    link.receive()
    clock.advance(ms(100))
    children[0].die(-9)
    link.receive()
    (owed,) = children[1].orders(wire.Owed)
    assert sorted(owed.notes) == [(0, 0, 60), (1, 0, 72)]


def test_a_new_process_is_connected_as_the_dead_one_was_and_passes_notes_as_it_did(link, children):
    link.thru(0)
    children[0].say(wire.PortChanged(Direction.OUT, 0, "chords", "jamlink:chords", ("synth:in",)))
    link.receive()
    children[0].die(-9)
    link.receive()
    reopened, thru = children[1].orders()[:2]
    assert reopened == wire.OpenPorts((PortSpec("in"),), (PortSpec("chords", "", ("synth:in",)),))
    assert thru == wire.Thru(0)


def test_other_ports_are_remembered_for_the_next_process(link, children):
    others = wire.OpenPorts((), (PortSpec("solo"),))
    link.open(others)
    children[0].die(-9)
    link.receive()
    assert children[1].orders()[0] == others


def test_what_is_ordered_while_there_is_no_process_is_no_error(link, children, clock):
    children[0].die(1)
    link.receive()
    children[1].die(1)
    link.receive()
    assert link.fileno() == -1
    link.send([on(clock.now())])
    link.panic()
    assert link.receive() == []


def test_closing_asks_first_gives_the_last_reports_and_kills_who_does_not_listen(clock, children):
    link = IoLink(clock, PORTS)
    link.start()
    polite = children[0]
    polite.say(sent(off(5)), wire.OwnerEnded(7, Ns(5)))
    polite.die(0)
    assert link.close() == [sent(off(5)), wire.OwnerEnded(7, Ns(5))]
    assert link.close() == []
    assert link.pid is None


def test_a_machine_that_starts_no_process_is_unavailable(clock, monkeypatch):
    def refuse(name):
        raise OSError("out of memory")

    monkeypatch.setattr(module, "spawn", refuse)
    with pytest.raises(Unavailable, match="out of memory"):
        IoLink(clock, PORTS).start()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(60, 62), st.booleans()), max_size=30), st.integers(0, 60))
def test_the_ledger_never_forgets_a_note_that_sounds(plan, died_at):
    """A process plays what it was given, in order of due time, and dies; reports of what it did arrive or do not."""
    ledger, down = Ledger(), set()
    messages = sorted((on(at, pitch) if begins else off(at, pitch)) for at, pitch, begins in plan)
    for message in messages:
        ledger.handed_over(message)
    for position, message in enumerate(m for m in messages if m.due <= died_at):
        key = (0, 0, message.data[1])
        down.add(key) if message.data[0] == 0x90 else down.discard(key)
        if position % 3:  # a report may be lost with the process, here every third
            ledger.reported(sent(message))
    assert down <= set(ledger.may_sound(Ns(died_at)))


def test_the_ledger_forgets_what_has_ended():
    ledger = Ledger()
    for message in (on(0), off(10)):
        ledger.handed_over(message)
        ledger.reported(sent(message))
    assert ledger.may_sound(Ns(100)) == ()


def test_an_ordinary_jam_has_an_output_for_every_role():
    ports = standard_ports()
    assert [spec.name for spec in ports.outputs] == ["chords", "melody", "bass", "metronome", "preview"]
    assert not any(spec.pattern for spec in (*ports.inputs, *ports.outputs))
    assert {spec.pattern for spec in standard_ports("keys", "synth").outputs} == {"synth"}


def test_one_port_of_our_own_can_carry_all_roles_but_never_a_preview():
    names = [spec.name for spec in standard_ports(together=True).outputs]
    assert names == ["out", "metronome", "preview"]
    assert [output_number(names, role) for role in OUTPUT_NAMES] == [0, 0, 0, 1, 2]
    assert [output_number(OUTPUT_NAMES, role) for role in OUTPUT_NAMES] == [0, 1, 2, 3, 4]
    assert output_number(names, "clock") == 3, "a clock that nobody asked for goes nowhere"
    assert output_number([*names, "clock"], "clock") == 3
    assert standard_ports("keys", "synth", together=True) == standard_ports("keys", "synth")
