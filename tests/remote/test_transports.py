"""The bridges to Ardour, REAPER and Bitwig at work, each against a fake that delays, drops, restarts and talks nonsense.
The clock is moved by hand."""

from __future__ import annotations

import pytest

from jamlink.bridges.base import Can
from jamlink.remote.daw import GONE_AFTER
from jamlink.remote.main import BRIDGES
from jamlink.timing.units import NS_PER_SECOND

DAWS = ["ardour", "reaper", "bitwig"]


def tells_tempo(kind):
    return Can.TELLS_TEMPO in BRIDGES[kind].can


@pytest.mark.parametrize("kind", DAWS)
def test_jamlink_follows_and_gives_no_orders(house, kind):
    one = house(kind)
    one.run(3)
    one.fake.play(True)
    one.fake.set_tempo(133.0)
    one.run(2)
    assert one.playing
    assert one.bpm == (133.0 if tells_tempo(kind) else 100.0)
    one.fake.play(False)
    one.run(2)
    assert not one.playing
    orders = {"/transport_play", "/transport_stop", "/play", "/stop", "/tempo/raw", "/record"}
    assert not orders & {message.address for message in one.fake.heard}


@pytest.mark.parametrize("kind", DAWS)
def test_it_follows_jamlink_where_that_is_wanted(house, kind):
    one = house(kind, transport="lead")
    one.run(3)
    one.playing, one.bpm = True, 92.0
    one.show()
    one.run(1)
    assert one.fake.playing
    assert one.fake.tempo == (92.0 if tells_tempo(kind) else 120.0)
    one.playing = False
    one.show()
    one.run(1)
    assert not one.fake.playing
    assert one.commands == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", DAWS)
def test_over_a_line_that_drops_and_delays_both_agree_in_the_end(house, kind, seed):
    one = house(kind, poor_line=seed)
    one.run(10)
    for on in (True, False, True):
        one.fake.play(on)
        one.run(1)
    for _ in range(6):  # the button's state is told again with everything else that happens there
        one.fake.play(True)
        one.run(1)
    assert one.playing


@pytest.mark.parametrize("kind", DAWS)
def test_one_that_is_gone_is_said_to_be_and_greeted_when_it_is_back(house, kind):
    one = house(kind)
    one.run(3)
    assert (one.daw.link.there, one.daw.link.sentence(one.now)) == (True, "")
    one.fake.deaf = True
    one.run(GONE_AFTER / NS_PER_SECOND + 1)
    assert f"{BRIDGES[kind].name} does not answer" in one.daw.link.sentence(one.now)
    one.fake.restart()
    one.fake.deaf = False
    one.run(4)
    assert (one.fake.asked, one.daw.link.there, one.daw.link.sentence(one.now)) == (True, True, "")
    one.fake.play(True)
    one.run(1)
    assert one.playing


@pytest.mark.parametrize("kind", DAWS)
def test_nonsense_is_counted_and_changes_nothing(house, kind):
    one = house(kind)
    one.run(3)
    commands = list(one.commands)
    one.fake.babble(400)
    one.run(2)
    assert one.commands == commands
    assert one.daw.refusals.count > 100
    assert one.daw.link.nonsense > 50
    one.fake.play(True)
    one.run(1)
    assert one.playing
