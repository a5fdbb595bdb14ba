"""The hub: nobody who looks, reads slowly or talks nonsense can hurt the session."""

from __future__ import annotations

import socket

import pytest

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.runtime.ipc import Framed
from jamlink.session.inputs import Do
from jamlink.session.wishes import ChoosePorts, Teach, Tell
from jamlink.timing.units import Ns
from jamlink.view import protocol
from jamlink.view.hub import BACKLOG, PLAYED_WAITING, Hub
from jamlink.view.protocol import Applied, Delta, Goodbye, Hello, Mirror, Notice, Play, Snapshot


class Pair:
    """A hub and the view's end of its first connection, over a real socket."""

    def __init__(self):
        ours, self.view = (Framed(end) for end in socket.socketpair())
        self.hub = Hub(ours)

    def another(self, via):
        ours, theirs = (Framed(end) for end in socket.socketpair())
        self.hub.add(ours, via)
        return theirs


@pytest.fixture
def pair():
    pair = Pair()
    yield pair
    pair.hub.goodbye()
    pair.view.close()


def heard(view):
    return [protocol.decode_from_session(frame) for frame in view.receive()]


def say(view, *messages):
    for message in messages:
        view.send(message if isinstance(message, bytes) else protocol.encode(message))


def test_a_view_gets_hello_then_one_snapshot_then_deltas(pair):
    pair.hub.publish({"key": "C"})
    pair.hub.publish({"key": "D"})
    pair.hub.publish({"key": "D"})
    assert heard(pair.view) == [Hello(), Snapshot(1, {"key": "C"}), Delta(2, {"key": "D"})]


def test_a_view_that_comes_late_gets_the_newest_state_at_once(pair):
    pair.hub.publish({"key": "C"})
    pair.hub.publish({"key": "D"})
    page = pair.another("page")
    assert heard(page) == [Hello(), Snapshot(2, {"key": "D"})]
    page.close()


def test_gestures_carry_the_name_of_the_view_they_came_from(pair):
    page = pair.another("page")
    say(pair.view, protocol.Do("accept"))
    say(page, protocol.Do("panic"))
    assert list(pair.hub.receive()) == [Do(Action.ACCEPT, "terminal"), Do(Action.PANIC, "page")]
    page.close()


def test_a_bad_command_is_answered_to_its_view_alone_and_the_rest_is_carried_out(pair):
    page = pair.another("page")
    say(page, b"\xff", protocol.Do("dance"), b"[" * 3000, b"x" * 9000, protocol.Do("accept"))
    assert list(pair.hub.receive()) == [Do(Action.ACCEPT, "page")]
    answers = heard(page)
    assert [type(answer) for answer in answers] == [Hello, Notice, Notice, Notice, Notice]
    assert heard(pair.view) == [Hello()]
    page.close()


def test_a_view_that_does_not_read_gets_one_fresh_snapshot_instead_of_a_backlog(pair):
    states = [{"n": number, "ballast": f"{number}" * 2_000} for number in range(1_000)]
    waiting = []
    for state in states:
        pair.hub.publish(state)
        pair.hub.receive()
        waiting.append(pair.hub._clients[0].connection.waiting)
    assert BACKLOG < max(waiting) < 2 * BACKLOG
    mirror, kinds = Mirror(), []
    for _ in range(20):
        for message in heard(pair.view)[:]:
            kinds.append(type(message))
            if isinstance(message, Snapshot | Delta):
                assert mirror.apply(message) is not Applied.GAP
        pair.hub.receive()
    assert mirror.state == states[-1]
    assert kinds.count(Snapshot) == 2
    assert len(kinds) < 200


class Slow:
    """A connection whose backlog is what the test says."""

    closed = False

    def __init__(self):
        self.waiting, self.sent = 0, []

    def fileno(self):
        return 0

    def send(self, frame):
        self.sent.append(protocol.decode_from_session(frame))
        return True

    def receive(self):
        return []

    def close(self):
        self.closed = True


def test_a_view_that_fell_behind_gets_nothing_before_it_has_read_everything():
    slow = Slow()
    hub = Hub(slow)
    hub.publish({"n": 0})
    slow.waiting = BACKLOG + 1
    hub.publish({"n": 1})
    slow.waiting = 1
    hub.publish({"n": 2})
    hub.receive()
    assert slow.sent == [Hello(), Snapshot(1, {"n": 0})]
    slow.waiting = 0
    hub.receive()
    hub.publish({"n": 3})
    assert slow.sent[2:] == [Snapshot(3, {"n": 2}), Delta(4, {"n": 3})]


def test_a_resync_gets_a_snapshot(pair):
    pair.hub.publish({"key": "C"})
    heard(pair.view)
    say(pair.view, protocol.Resync())
    pair.hub.receive()
    assert heard(pair.view) == [Snapshot(1, {"key": "C"})]


def test_quit_from_any_view_leaves_and_everybody_is_told(pair):
    page = pair.another("page")
    assert not pair.hub.leaving
    say(page, protocol.Quit())
    assert list(pair.hub.receive()) == []
    assert pair.hub.leaving
    pair.hub.goodbye()
    assert heard(page)[-1] == heard(pair.view)[-1] == Goodbye()


def test_the_session_goes_on_until_the_last_view_is_gone(pair):
    page = pair.another("page")
    pair.view.close()
    pair.hub.receive()
    assert not pair.hub.leaving
    page.close()
    pair.hub.receive()
    assert pair.hub.leaving


def test_what_a_view_said_before_it_went_is_still_done(pair):
    say(pair.view, protocol.Do("accept"))
    pair.view.close()
    assert list(pair.hub.receive()) == [Do(Action.ACCEPT, "terminal")]
    assert pair.hub.leaving


def test_a_view_of_another_version_is_sent_away_with_a_sentence(pair):
    page = pair.another("page")
    say(page, Hello(99))
    pair.hub.receive()
    assert "two versions" in heard(page)[-1].why
    assert not pair.hub.leaving


def test_a_view_that_is_gone_is_waited_for_no_more(pair):
    page = pair.another("page")
    page.close()
    pair.hub.publish({"key": "C"})
    pair.hub.receive()
    assert len(pair.hub.filenos()) == 1
    assert all(number >= 0 for number in pair.hub.filenos())


def test_notes_played_on_a_view_are_heard_once_under_its_name_and_impossible_ones_are_refused(pair):
    page = pair.another("page")
    for note in (Play(True, 60, 90), Play(False, 60), Play(True, 61, 0), Play(True, 128), Play(True, 60, -1)):
        page.send(protocol.encode(note))
    assert list(pair.hub.receive()) == []
    on, off = NoteOn(Ns(7), "page", 0, 60, 90), NoteOff(Ns(7), "page", 0, 60, 80)
    assert pair.hub.played(Ns(7)) == [on, off, NoteOff(Ns(7), "page", 0, 61, 0)]
    assert pair.hub.played(Ns(8)) == []
    refused = [message.text for message in heard(page) if isinstance(message, Notice)]
    assert refused == ["There is no key 128. Keys go from 0 to 127.", "-1 is no velocity. It goes from 0 to 127."]
    page.close()


def test_notes_that_nobody_fetches_do_not_pile_up(pair):
    for pitch in (0, *[60] * PLAYED_WAITING):
        pair.view.send(protocol.encode(Play(True, pitch)))
        pair.hub.receive()
    assert [event.pitch for event in pair.hub.played(Ns(0))] == [60] * PLAYED_WAITING


def test_what_a_view_asks_of_the_process_is_kept_apart_from_gestures_with_who_asked(pair):
    page = pair.another("page")
    say(page, protocol.Learn("accept"), protocol.Do("panic"), protocol.Ports("MPK"), protocol.Learn("dance"))
    assert list(pair.hub.receive()) == [Do(Action.PANIC, "page")]
    assert pair.hub.wishes() == [(Teach(Action.ACCEPT), "page"), (ChoosePorts("MPK", None), "page")]
    assert pair.hub.wishes() == []
    pair.hub.tell("page", "No.")
    assert [type(answer) for answer in heard(page)] == [Hello, Notice, Notice]
    assert heard(pair.view) == [Hello()]
    page.close()


def test_views_of_one_name_are_told_apart(pair):
    pages = [pair.another("page") for _ in range(3)]
    for page in pages:
        say(page, protocol.Do("panic"))
    assert [gesture.via for gesture in pair.hub.receive()] == ["page", "page 2", "page 3"]
    pages[1].close()
    list(pair.hub.receive())
    again = pair.another("page")
    say(again, protocol.Do("panic"))
    assert [gesture.via for gesture in pair.hub.receive()] == ["page 2"]
    for page in (pages[0], pages[2], again):
        page.close()


def test_a_view_that_goes_takes_its_fingers_off_its_keys(pair):
    page = pair.another("page")
    say(page, Play(True, 60), Play(True, 64), Play(False, 60))
    pair.hub.receive()
    pair.hub.played(Ns(0))
    page.close()
    pair.hub.receive()
    assert pair.hub.played(Ns(5)) == [NoteOff(Ns(5), "page", 0, 64, 80)]


def test_a_ping_that_comes_this_far_changes_nothing(pair):
    say(pair.view, protocol.Ping(3), protocol.Do("accept"))
    assert list(pair.hub.receive()) == [Do(Action.ACCEPT, "terminal")]


def test_a_helper_does_not_keep_the_session_and_may_tell_of_its_troubles(pair):
    ours, helper = (Framed(end) for end in socket.socketpair())
    pair.hub.add(ours, "OSC", helper=True)
    report = protocol.Report("DAW", "It does not answer.")
    say(pair.view, report)
    say(helper, report)
    pair.hub.receive()
    assert pair.hub.wishes() == [(Tell("DAW", "It does not answer."), "OSC")], "nobody else is listened to"
    pair.view.close()
    pair.hub.receive()
    assert pair.hub.leaving
    helper.close()
