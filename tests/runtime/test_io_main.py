"""The io process's own parts: reports that wait, alarms that wake, and what the process is made of."""

from __future__ import annotations

import select
import socket
import subprocess
import sys

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from jamlink.runtime import io_wire as wire
from jamlink.runtime.io_main import BACKLOG_MOST, Alarm, Outbox
from jamlink.runtime.ipc import Framed
from jamlink.timing.units import Ns


@pytest.fixture
def pipe():
    ours, theirs = socket.socketpair()
    near, far = Framed(ours), Framed(theirs)
    yield near, far
    near.close()
    far.close()


def heard(*data):
    return wire.Heard(Ns(1), 0, bytes(data))


def read_all(outbox, far):
    reports = []
    while frames := far.receive():
        reports += [wire.decode_report(frame) for frame in frames]
        outbox.flush()
    return reports


def block(outbox):
    """The reader stops reading: fills the pipe, and returns how many reports that took."""
    filler = wire.Heard(Ns(1), 9, b"\x90" + bytes(4000))
    count = 0
    while not outbox._kept:
        outbox.say(filler)
        count += 1
    return count


kinds = st.sampled_from([(0x90, 60, 1), (0x80, 60, 0), (0xB0, 7), (0xB0, 8), (0xE0, 0), (0xD0,), (0xF8,)])


@settings(max_examples=30)
@given(st.lists(kinds, max_size=60))
def test_to_a_reader_that_sleeps_no_note_is_lost_and_of_a_controller_only_the_newest_value_is_kept(messages):
    ours, theirs = socket.socketpair()
    near, far = Framed(ours), Framed(theirs)
    outbox = Outbox(near)
    block(outbox)
    said = [
        heard(*kind, value) if kind[0] in (0xB0, 0xE0, 0xD0) else heard(*kind) for value, kind in enumerate(messages)
    ]
    for report in said:
        outbox.say(report)
    got = [r for r in read_all(outbox, far) if r.input != 9]
    near.close()
    far.close()
    is_note = lambda r: r.data[0] in (0x90, 0x80)  # noqa: E731
    assert [r for r in got if is_note(r)] == [r for r in said if is_note(r)]
    newest = {kind: heard(*kind, value) for value, kind in enumerate(messages) if kind[0] in (0xB0, 0xE0, 0xD0)}
    assert {r.data: r for r in got if not is_note(r)} == {r.data: r for r in newest.values()}
    assert outbox.coalesced == len(said) - len(got)


def test_a_reader_that_reads_gets_everything_at_once(pipe):
    near, far = pipe
    outbox = Outbox(near)
    said = [heard(0xB0, 7, value) for value in range(50)] + [heard(0xF8)] * 50
    for report in said:
        outbox.say(report)
    assert read_all(outbox, far) == said
    assert outbox.coalesced == 0


def test_a_reader_that_never_reads_is_taken_for_dead(pipe):
    outbox = Outbox(pipe[0])
    block(outbox)
    for _ in range(BACKLOG_MOST + 1):
        outbox.say(heard(0x90, 60, 1))
    assert outbox.overflowed


def test_an_alarm_wakes_until_it_is_hushed():
    alarm = Alarm()
    for _ in range(100_000):  # ringing into a full pipe must not wait
        alarm.ring()
    assert select.select([alarm], [], [], 0)[0] == [alarm]
    alarm.hush()
    assert select.select([alarm], [], [], 0)[0] == []
    alarm.close()


def test_the_io_process_imports_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, jamlink.runtime.io_main; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"numpy", "torch", "textual", "rich", "asyncio", "sqlite3", "mido", "msgspec"} & set(loaded)


def test_a_process_that_prepared_itself_collects_no_garbage_and_says_what_it_was_granted():
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import gc, sys; from jamlink.runtime.realtime import prepare; p = prepare();"
            "print(gc.isenabled(), gc.get_freeze_count() > 0, sys.getswitchinterval(), p.realtime or bool(p.why_not))",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said == ["False", "True", "0.0005", "True"]
