"""The view's end of the conversation: in step after any loss, honest about the end, and never waiting."""

from __future__ import annotations

import pytest

from jamlink.session.core import Session
from jamlink.session.plain import plain
from jamlink.session.settings import SessionSettings
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns, ms
from jamlink.view import protocol
from jamlink.view.bulletin import NOTICE_STAYS, TROUBLE_TURN, Bulletin, Sentence
from jamlink.view.client import GOODBYE_WAIT, LOST, Client, End
from jamlink.view.protocol import Delta, Do, Goodbye, Hello, Notice, Quit, Resync, Snapshot
from tests.view.pictures import picture


class Wire:
    """A connection that a test holds both ends of."""

    def __init__(self):
        self.closed, self.waiting, self.deaf = False, 0, False
        self.coming, self.sent = [], []

    def fileno(self):
        return -1

    def send(self, frame):
        if not self.deaf:
            self.sent.append(protocol.decode_from_view(frame))
        return not self.deaf

    def receive(self):
        frames, self.coming = self.coming, []
        return frames

    def close(self):
        self.closed = True

    def bring(self, *messages):
        self.coming += [protocol.encode(message) for message in messages]


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def client(wire, clock):
    return Client(wire, clock)


STATE = plain(Session(SessionSettings(), Ns(0)).snapshot())


def test_a_view_says_hello_first(wire, client):
    assert wire.sent == [Hello()]


def test_the_picture_follows_snapshot_and_deltas(wire, client):
    assert client.picture is None
    wire.bring(Hello(), Snapshot(1, STATE), Delta(2, {"missed": 3}))
    assert client.poll()
    assert (client.picture.missed, client.picture.clock.meter) == (3, "4/4")
    assert not client.poll()


def test_a_gap_is_answered_by_one_resync_and_the_old_picture_stays_meanwhile(wire, client):
    wire.bring(Snapshot(1, STATE), Delta(3, {"missed": 3}), Delta(4, {"missed": 4}))
    client.poll()
    assert wire.sent == [Hello(), Resync()]
    assert client.picture.missed == 0
    wire.bring(Snapshot(9, {**STATE, "missed": 9}))
    client.poll()
    assert client.picture.missed == 9


def test_gestures_go_out_as_they_are(wire, client):
    client.send(Do("accept"))
    assert wire.sent[1:] == [Do("accept")]


def test_a_gesture_that_cannot_be_sent_is_said_once(wire, client):
    wire.deaf = True
    client.send(Do("accept"))
    assert client.notices() == ["The session does not answer; that gesture was not heard."]
    assert client.notices() == []


def test_a_notice_for_this_view_is_handed_on(wire, client):
    wire.bring(Notice("There is no gesture called 'x'."))
    client.poll()
    assert client.notices() == ["There is no gesture called 'x'."]


def test_leaving_asks_once_and_ends_with_the_goodbye(wire, client):
    client.leave()
    client.leave()
    assert wire.sent[1:] == [Quit()]
    assert client.end is None
    wire.bring(Goodbye())
    assert client.poll()
    assert (client.end, client.last_words) == (End.GOODBYE, "")


def test_a_session_that_closes_after_quit_has_said_goodbye(wire, client):
    client.leave()
    wire.closed = True
    client.poll()
    assert (client.end, client.last_words) == (End.GOODBYE, "")


def test_the_goodbye_is_waited_for_two_seconds_and_no_longer(wire, clock, client):
    client.leave()
    clock.advance(Ns(GOODBYE_WAIT - 1))
    client.poll()
    assert client.end is None
    clock.advance(Ns(1))
    client.poll()
    assert client.end is End.GOODBYE
    assert "took long" in client.last_words


def test_a_session_that_is_gone_by_itself_is_a_loss_and_is_said(wire, client):
    wire.closed = True
    assert client.poll()
    assert (client.end, client.last_words) == (End.LOST, LOST)
    client.send(Do("accept"))
    assert wire.sent == [Hello()]


def test_what_came_before_the_end_is_still_shown(wire, client):
    wire.bring(Snapshot(1, STATE), Goodbye("Not everything is saved: the disk is full."))
    wire.closed = True
    client.poll()
    assert client.picture is not None
    assert client.last_words == "Not everything is saved: the disk is full."


@pytest.mark.parametrize(
    "frame",
    [b"rubbish", b'{"kind":"x"}', protocol.encode(Hello(version=99)), protocol.encode(Snapshot(1, {"clock": 3}))],
)
def test_what_cannot_be_understood_ends_the_view_with_a_sentence(wire, client, frame):
    wire.coming.append(frame)
    client.poll()
    assert client.end is End.LOST
    assert client.last_words.endswith(".")


# -- the bulletin -----------------------------------------------------------------------------------------------------


def test_a_notice_stays_for_a_while_then_trouble_is_seen_again():
    bulletin, trouble = Bulletin(), picture(trouble=("The disk is full.",))
    assert bulletin.sentence(trouble, Ns(0)) == Sentence("The disk is full.", urgent=True)
    bulletin.look(picture(notices=("There is nothing to undo.",)), Ns(0))
    assert bulletin.sentence(trouble, Ns(NOTICE_STAYS - 1)) == Sentence("There is nothing to undo.")
    assert bulletin.sentence(trouble, NOTICE_STAYS).urgent


def test_a_notice_seen_before_is_not_shown_again():
    bulletin, said = Bulletin(), picture(notices=("once",))
    bulletin.look(said, Ns(0))
    bulletin.look(said, ms(60_000))
    assert bulletin.sentence(said, ms(60_001)) == Sentence()


def test_several_troubles_take_turns_and_say_how_many_they_are():
    several = picture(trouble=("one", "two", "three"))
    said = [Bulletin().sentence(several, Ns(turn * TROUBLE_TURN)).text for turn in range(4)]
    assert said == ["(1 of 3) one", "(2 of 3) two", "(3 of 3) three", "(1 of 3) one"]


def test_all_is_well_and_nothing_is_said():
    assert Bulletin().sentence(picture(), Ns(0)) == Bulletin().sentence(None, Ns(0)) == Sentence()
