"""Views get a picture when there is something new, not too often, and a decision at once."""

from __future__ import annotations

from jamlink.runtime.screen import FRAME, Screen
from jamlink.timing.units import Ns


def test_one_picture_in_a_frame_and_none_where_nothing_is_new():
    screen = Screen()
    assert screen.is_due(Ns(0), 0)
    assert not screen.is_due(FRAME, 0), "nothing is new"
    screen.changed()
    assert not screen.is_due(Ns(FRAME - 1), 0)
    assert screen.next_frame == FRAME
    assert screen.is_due(FRAME, 0)
    assert screen.next_frame is None


def test_a_decision_is_shown_at_once_and_once_more_when_it_is_saved():
    screen = Screen()
    screen.is_due(Ns(0), 3)
    screen.decided(5)
    screen.changed()
    assert screen.is_due(Ns(1), 3)
    assert not screen.is_due(Ns(2), 4), "what is saved is another entry"
    assert screen.is_due(Ns(3), 5)


def test_a_trouble_is_news_when_it_begins_and_when_it_ends_and_is_said_once():
    screen = Screen()
    screen.is_due(Ns(0), 0)
    at = Ns(0)
    for part, sentence, troubles, is_news in (
        ("port 1", "Gone.", ["Gone."], True),
        ("port 1", "Gone.", ["Gone."], False),
        ("port 2", "Gone.", ["Gone."], True),
        ("port 1", "", ["Gone."], True),
        ("port 2", "", [], True),
        ("port 2", "", [], False),
    ):
        screen.trouble(part, sentence)
        at = Ns(at + FRAME)
        assert (screen.troubles, screen.is_due(at, 0)) == (troubles, is_news)


def test_what_is_told_stands_until_the_session_says_something_new():
    screen = Screen()
    screen.tell("Kept as a.mid.", ("one",))
    assert screen.notices(("one",)) == ("one", "Kept as a.mid.")
    assert screen.notices(("one", "two")) == ("one", "two")
