"""The plain view: what it says, what it hears, how it ends."""

from __future__ import annotations

import os
import socket
from io import StringIO

import pytest

from jamlink.midi.actions import Action
from jamlink.runtime.ipc import Framed
from jamlink.session.inputs import ProposerIs
from jamlink.session.plain import plain
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms
from jamlink.view import lines, protocol
from jamlink.view.hub import Hub
from jamlink.view.picture import Along, AlongChord, picture_of
from jamlink.view.protocol import Hello, Quit, Snapshot
from tests.view.pictures import picture
from tests.view.rehearsal import Rehearsal

SECOND = 1_000_000_000


class Nobody:
    """A connection that nobody is at the other end of."""

    closed, waiting = False, 0

    def fileno(self):
        return -1

    def send(self, frame):
        return True

    def receive(self):
        return []

    def close(self):
        self.closed = True


class Jam:
    """A rehearsal on a hand-moved clock, with every line that the plain view says."""

    def __init__(self, **changes):
        self.clock = ManualClock()
        self.rehearsal = Rehearsal(Hub(Nobody()), self.clock, **changes)
        self.shown, self.said = None, []

    def until(self, seconds, step=ms(40)):
        while self.clock.now() < seconds * SECOND:
            self.clock.advance(step)
            self.rehearsal.turn()
            self.look()

    def look(self):
        picture = picture_of(self.rehearsal.state())
        self.said += lines.changes(self.shown, picture)
        self.shown = picture

    def do(self, *actions):
        for action in actions:
            self.rehearsal.do(action)
        self.rehearsal.turn()
        self.look()

    def new(self):
        said, self.said = self.said, []
        return "\n".join(said)


@pytest.fixture
def jam():
    jam = Jam(bars=2, count_in=0)
    jam.look()
    jam.new()
    return jam


def test_the_first_line_says_who_proposes_and_where_it_is_kept():
    jam = Jam()
    jam.look()
    assert jam.new() == (
        "ready: no model yet, a stand-in proposes; this session is 2026-11-23 07.33.12.jam\ntempo 92, 4/4"
    )


def test_a_jam_from_start_to_stop_in_lines(jam):
    jam.do(Action.PLAY_STOP)
    jam.until(4)
    jam.do(Action.SELECT, Action.ACCEPT)
    jam.until(11)
    jam.do(Action.LOOP, Action.SURPRISE_UP)
    jam.do(Action.PLAY_STOP)
    assert jam.new() == GOLDEN


GOLDEN = """\
started
ideas: jam-s proposes
bars 3–4, decide by 2.4: 1 G Em7 (safe, jam-s) | 2 Gmaj7 Bm7 Em7 (chosen, jam-s) | 3 G B7 (jam-s) | 4 Gmaj7 Ebmaj7 (bold, jam-s)
taken 3: G B7, starts at 3.1, saved
playing: G B7 (jam-s)
bars 5–6, decide by 4.4: 1 C G/B (safe, jam-s) | 2 C6 Bm7 E7 (chosen, jam-s) | 3 Cmaj7 Gbm7b5 B7 (jam-s) | 4 Bbmaj7 Ebmaj7 (bold, jam-s)
played out
repeat: loop
safe to bold: 60%
stopped"""


def test_nothing_is_called_taken_before_it_is_saved(jam):
    jam.do(Action.PLAY_STOP)
    jam.until(4)
    jam.rehearsal.held_back = 10
    jam.new()
    jam.do(Action.ACCEPT)
    assert jam.new() == "saving…"
    jam.rehearsal.held_back = 0
    jam.look()
    assert jam.new() == "taken 2: Gmaj7 Bm7 Em7, starts at 3.1, saved"


def test_trouble_is_said_once_and_so_is_its_end(jam):
    jam.rehearsal.trouble = ["The synth is not there; plug it in."]
    jam.look()
    jam.look()
    jam.rehearsal.trouble = []
    jam.look()
    assert jam.new() == "trouble: The synth is not there; plug it in.\nall is well again"


# -- the loop ---------------------------------------------------------------------------------------------------------


class Session(Framed):
    """The view's end of a connection whose other side is played here: it keeps what was sent and goes after `Quit`."""

    def __init__(self, *messages, goes=False):
        ours, theirs = socket.socketpair()
        super().__init__(ours)
        self.theirs, self.heard = Framed(theirs), []
        for message in messages:
            self.theirs.send(protocol.encode(message))
        if goes:
            self.theirs.close()

    def send(self, frame):
        sent = super().send(frame)
        message = protocol.decode_from_view(frame)
        self.heard.append(message)
        if isinstance(message, Quit):
            self.theirs.close()
        return sent


class Interrupted(Session):
    """Ctrl-C arrives while the view looks."""

    pressed = False

    def receive(self):
        if not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt
        return super().receive()


def test_what_is_both_a_notice_and_a_trouble_is_said_once(jam):
    jam.new()
    sentence = "The model broke; a stand-in plays."
    jam.rehearsal.trouble = [sentence]
    jam.rehearsal.jam.at(jam.clock.now(), ProposerIs(False, "", sentence))
    jam.rehearsal.turn()
    jam.look()
    assert jam.new().count(sentence) == 1
    jam.rehearsal.trouble = []
    jam.look()
    assert jam.new() == "all is well again"
    jam.rehearsal.jam.at(jam.clock.now(), ProposerIs(True, "jam-s", "Only a word in passing."))
    jam.rehearsal.turn()
    jam.look()
    assert "well again" not in jam.new()


@pytest.fixture
def state():
    return Rehearsal(Hub(Nobody()), ManualClock()).state()


@pytest.fixture
def typed():
    """Standard input with these bytes in it, and then its end."""
    streams = []

    def build(data):
        reader, writer = os.pipe()
        os.write(writer, data)
        os.close(writer)
        streams.append(os.fdopen(reader))
        return streams[-1]

    yield build
    for stream in streams:
        stream.close()


def test_words_become_gestures_and_quit_ends_with_zero(state, typed):
    session, out = Session(Hello(), Snapshot(1, state)), StringIO()
    words = typed(b"accept\n\nnonsense\ntempo 92\nchord 1 Am7\nkey G\npick-2\nquit")
    assert lines.run(session, ManualClock(), words, out) == 0
    assert session.heard[1:] == [
        protocol.Do("accept"),
        protocol.Tempo(92.0),
        protocol.ReplaceChord(0, "Am7"),
        protocol.LockKey("G"),
        protocol.Do("pick-2"),
        Quit(),
    ]
    assert out.getvalue().splitlines()[0].startswith("ready: ")
    assert "'nonsense' is nothing that can be asked for." in out.getvalue()


def test_the_end_of_the_input_does_not_quit_but_the_end_of_the_session_is_one_sentence(state, typed, capsys):
    session = Session(Hello(), Snapshot(1, state), goes=True)
    assert lines.run(session, ManualClock(), typed(b""), StringIO()) == 1
    assert Quit() not in session.heard
    assert capsys.readouterr().err.count("\n") == 1


def test_input_that_has_ended_is_not_read_again(state, typed, monkeypatch):
    class Leaving(Session):
        looked = 0

        def receive(self):
            self.looked += 1
            if self.looked == 4:
                self.theirs.close()
            return super().receive()

    reads, read = [], os.read
    monkeypatch.setattr(lines.os, "read", lambda *args: reads.append(args) or read(*args))
    lines.run(Leaving(Hello(), Snapshot(1, state)), ManualClock(), typed(b"accept\n"), StringIO())
    assert len(reads) == 2


def test_ctrl_c_ends_in_order_with_zero(state, typed):
    session = Interrupted(Hello(), Snapshot(1, state))
    assert lines.run(session, ManualClock(), typed(b""), StringIO()) == 0
    assert session.heard[-1] == Quit()


def test_a_session_that_says_no_goodbye_is_left_after_two_seconds(state, typed, capsys):
    class Deaf(Session):
        def send(self, frame):
            return True

        def receive(self):
            clock.advance(Ns(SECOND))
            return super().receive()

    clock = ManualClock()
    session = Deaf(Hello(), Snapshot(1, state))
    assert lines.run(session, clock, typed(b"quit\n"), StringIO()) == 0
    assert clock.now() <= 4 * SECOND
    session.theirs.close()
    session.close()


def test_a_line_without_end_is_not_kept_without_end(state, typed):
    session, out = Session(Hello(), Snapshot(1, state)), StringIO()
    assert lines.run(session, ManualClock(), typed(b"x" * 20_000 + b"\nquit\n"), out) == 0
    assert max(map(len, out.getvalue().splitlines())) < 200


def test_what_the_view_reads_is_the_same_over_the_wire(state):
    wire = protocol.decode_from_session(protocol.encode(Snapshot(1, state)))
    assert picture_of(wire.state) == picture_of(plain(state))


def test_an_accompaniment_is_told_phase_by_phase_and_promise_by_promise():
    def along(phase, words, *chords):
        return picture(hand=None, accompany=Along(phase, words, "jam-s", chords))

    first = along("listening", "Listens for 8 beats more.")
    second = along(
        "following",
        "Follows you.",
        AlongChord(8 * 960, 10 * 960, "C", True),
        AlongChord(10 * 960, 11 * 960, "F", False),
    )
    third = along(
        "following", "Follows you.", AlongChord(8 * 960, 10 * 960, "C", True), AlongChord(10 * 960, 11 * 960, "F", True)
    )
    assert list(lines.changes(first, second)) == ["accompanies: Follows you.", "from bar 3: C"]
    assert list(lines.changes(second, third)) == ["from 3.3: F"]
    assert list(lines.changes(third, third)) == []
