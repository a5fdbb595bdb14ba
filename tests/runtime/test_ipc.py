"""Frames arrive whole, in order and once, however the stream is cut."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.runtime.ipc import FRAME_LIMIT, Framed


@pytest.fixture
def pair():
    a, b = socket.socketpair()
    yield Framed(a), Framed(b)
    a.close()
    b.close()


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(1, 50), min_size=1, max_size=10))
def test_frames_survive_any_cutting_of_the_stream(frames, cuts):
    a, b = socket.socketpair()
    with a, b:
        reader = Framed(b)
        stream = b"".join(struct.pack("!I", len(f)) + f for f in frames)
        got, at, turn = [], 0, 0
        while at < len(stream):
            size = cuts[turn % len(cuts)]
            a.sendall(stream[at : at + size])
            at, turn = at + size, turn + 1
            got += reader.receive()
        assert got == frames


def test_what_does_not_fit_waits_and_then_arrives(pair):
    ours, theirs = pair
    frames = [bytes([i]) * 100_000 for i in range(20)]
    assert all(ours.send(frame) for frame in frames)
    assert ours.waiting > 0
    got = []
    while ours.waiting:
        got += theirs.receive()
        ours.flush()
    got += theirs.receive()
    assert got == frames


def test_a_reader_that_never_reads_is_refused_at_the_limit():
    a, b = socket.socketpair()
    with a, b:
        ours = Framed(a, limit=1_000_000)
        sent = 0
        while ours.send(b"x" * 100_000):
            sent += 1
        assert 10 <= sent < 100
        assert ours.waiting <= 1_000_000


def test_the_end_is_seen_after_the_last_frame(pair):
    ours, theirs = pair
    ours.send(b"last words")
    ours.close()
    assert theirs.receive() == [b"last words"]
    assert theirs.receive() == []
    assert theirs.closed
    assert theirs.fileno() == -1


def test_sending_to_nobody_is_refused(pair):
    ours, theirs = pair
    theirs.close()
    ours.send(b"hello")
    assert not ours.send(b"anybody?")
    assert ours.closed


def test_a_stream_that_is_not_ours_is_closed(pair):
    ours, theirs = pair
    ours._socket.send(struct.pack("!I", FRAME_LIMIT + 1))
    assert theirs.receive() == []
    assert theirs.closed
