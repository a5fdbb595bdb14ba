"""Many pages, one session: each sees the same, the slow one least often, the loud one not for long."""

from __future__ import annotations

import json

import pytest

from jamlink.midi.events import NoteOff, NoteOn
from jamlink.timing.units import Ns, ms
from jamlink.view.client import LOST
from jamlink.view.protocol import COMMAND_LIMIT, Delta, Goodbye, Hello, Mirror, Notice, Snapshot
from jamlink.web.access import Refusal
from jamlink.web.pages import BACKLOG, BURST, MOST_PAGES, RATE
from jamlink.web.slip import Role
from tests.web.house import read


def got(page):
    return [read(text) for text in page.fetch()]


def state_of(messages):
    mirror = Mirror()
    for message in messages:
        if isinstance(message, Snapshot | Delta):
            mirror.apply(message)
    return {name: section for name, section in mirror.state.items() if name != "page"}


def test_a_page_gets_hello_one_snapshot_and_then_deltas(house):
    page = house.pages.open(Role.PLAYER)
    assert [type(m) for m in got(page)] == [Hello, Snapshot]
    house.say({"key": "D"})
    house.say({"key": "E", "chord": "A"})
    assert got(page) == [Delta(2, {"key": "D"}), Delta(3, {"key": "E", "chord": "A"})]
    assert got(page) == []


def test_every_page_sees_the_same_whenever_it_came(house):
    pages, heard = [], []
    for n in range(6):
        pages.append(house.pages.open(Role.PLAYER))
        heard.append([])
        house.say({"key": f"{n}", "chord": "A" if n % 2 else "B", **({"only": n} if n == 3 else {})})
        for page, messages in zip(pages, heard, strict=True):
            messages += got(page)
    assert all(state_of(messages) == {"key": "5", "chord": "A"} for messages in heard)


def test_a_page_that_does_not_read_is_given_one_snapshot_instead_of_what_it_missed(house):
    page, quick = house.pages.open(Role.PLAYER), house.pages.open(Role.PLAYER)
    heard = got(page)
    for n in range(100):
        house.say({"key": f"{n}", "roll": "x" * 10_000 + str(n)})
        got(quick)
    late = got(page)
    assert [type(m) for m in late] == [Snapshot], "ten thousand bytes a hundred times are more than wait for anybody"
    assert sum(len(m.state["roll"]) for m in late) < BACKLOG
    house.say({"key": "last", "roll": "y"})
    assert state_of([*heard, *late, *got(page)]) == {"key": "last", "roll": "y"}


def test_what_is_said_to_a_slow_page_alone_is_kept(house):
    page = house.pages.open(Role.PLAYER)
    got(page)
    house.pages.said(page, '{"kind":"dance"}')
    for n in range(100):
        house.say({"roll": "x" * 10_000 + str(n)})
    assert [type(m) for m in got(page)] == [Notice, Snapshot]


def test_a_bad_message_is_answered_to_its_page_alone(house):
    page, other = house.pages.open(Role.PLAYER), house.pages.open(Role.PLAYER)
    got(page), got(other)
    bad = [
        "",
        "[",
        "null",
        "[" * 3000,
        "\ud800",
        '{"kind":"do"}',
        '{"kind":"tempo","bpm":1e9}',
        "x" * COMMAND_LIMIT * 2,
    ]
    bad += ['{"kind":"ping"}', '{"kind":"ping","t":"<b>"}', '{"kind":"play","on":true,"pitch":1000}', '{"kind":7}']
    for text in bad:
        house.pages.said(page, text)
        (answer,) = got(page)
        assert isinstance(answer, Notice), text
    assert got(other) == []
    assert house.gestures() == []


def test_a_ping_is_answered_at_once_with_the_machines_time(house):
    house.clock.move_to(Ns(123))
    page = house.pages.open(Role.PLAYER)
    got(page)
    house.pages.said(page, '{"kind":"ping","t":4.25}')
    (answer,) = page.fetch()
    assert json.loads(answer) == {"kind": "pong", "t": 4.25, "now": 123}


def test_a_page_that_asks_anew_gets_a_snapshot(house):
    page = house.pages.open(Role.PLAYER)
    got(page)
    house.pages.said(page, '{"kind":"resync"}')
    assert [type(m) for m in got(page)] == [Snapshot]


def test_a_page_that_goes_lets_its_keys_up(house):
    page = house.pages.open(Role.PLAYER)
    for message in ('{"kind":"play","on":true,"pitch":60}', '{"kind":"play","on":true,"pitch":64}'):
        house.pages.said(page, message)
    house.pages.said(page, '{"kind":"play","on":false,"pitch":64}')
    house.pages.close(page)
    house.gestures()
    played = house.hub.played(Ns(5))
    assert [type(event) for event in played] == [NoteOn, NoteOn, NoteOff, NoteOff]
    assert [event.pitch for event in played] == [60, 64, 64, 60]


def test_a_page_may_send_what_a_player_can_and_is_ended_beyond_that(house):
    page = house.pages.open(Role.PLAYER)
    for _ in range(10):
        for _ in range(RATE // 10):
            house.pages.said(page, '{"kind":"do","action":"tap"}')
        house.clock.advance(ms(100))
    assert not page.ended
    for _ in range(BURST + 1):
        house.pages.said(page, '{"kind":"do","action":"tap"}')
    assert page.ended
    assert isinstance(got(page)[-1], Goodbye)


def test_too_many_pages_are_told_so(house):
    pages = [house.pages.open(Role.PLAYER) for _ in range(MOST_PAGES)]
    with pytest.raises(Refusal):
        house.pages.open(Role.PLAYER)
    house.pages.close(pages.pop())
    house.pages.open(Role.PLAYER)


def test_the_sessions_goodbye_reaches_every_page_and_nobody_comes_after(house):
    page = house.pages.open(Role.PLAYER)
    house.hub.goodbye("Not everything is saved.")
    house.pages.hear()
    assert got(page)[-1] == Goodbye("Not everything is saved.")
    assert house.pages.over
    with pytest.raises(Refusal):
        house.pages.open(Role.PLAYER)


def test_a_session_that_stops_by_itself_is_told_in_words(house):
    page = house.pages.open(Role.PLAYER)
    house.close()
    house.pages.hear()
    assert got(page)[-1] == Goodbye(LOST)


def test_names_are_text_wherever_they_come_from(house):
    name = "<img src=x onerror=alert(1)>"
    page = house.pages.open(Role.PLAYER)
    house.say({"ports": {"inputs": [name]}, "file": f"{name}.jam"})
    (shown,) = [m for m in got(page) if isinstance(m, Snapshot)]
    assert shown.state["ports"]["inputs"] == [name], "the page is handed the words as they are and writes them as text"
