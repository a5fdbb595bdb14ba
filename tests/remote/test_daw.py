"""The bridge at work against a fake Live that delays, drops, restarts and talks nonsense; the clock is moved by hand."""

from __future__ import annotations

import pytest

from jamlink.bridges.ardour import Ardour
from jamlink.bridges.live import Live
from jamlink.osc.packet import Message
from jamlink.remote.daw import GONE_AFTER, DawLink
from jamlink.remote.settings import BridgeTable
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view import protocol

CLIP = {
    "id": 20,
    "name": "bars 009-012 in G major - Am7 D7",
    "quarters": 16.0,
    "notes": [["chords", 0, 960, 60, 70], ["chords", 960, 960, 64, 71], ["bass", 0, 1920, 36, 90]],
}
STANDS = {"clock": {"playing": False, "bpm": 100.0}}


def take(one, number=20):
    one.newest = {**CLIP, "id": number}
    one.show()


def test_it_asks_first_and_says_when_nobody_answers(house):
    one = house()
    one.fake.deaf = True
    one.run(5)
    assert one.daw.link.sentence(one.now) == "", "too early to say"
    one.run(2)
    assert "Ableton Live does not answer on port" in one.daw.link.sentence(one.now)
    one.fake.deaf = False
    one.run(3)
    assert (one.daw.link.there, one.daw.link.sentence(one.now)) == (True, "")


def test_jamlink_follows_the_daw_and_never_answers_back(house):
    one = house(transport="follow")
    one.run(3)
    one.fake.set_tempo(133.0)
    one.fake.play(True)
    one.run(1)
    assert (one.playing, one.bpm) == (True, 133.0)
    one.fake.play(False)
    one.run(1)
    assert not one.playing
    orders = {"/live/song/set/tempo", "/live/song/start_playing", "/live/song/stop_playing"}
    assert not orders & {message.address for message in one.fake.heard}


def test_words_that_come_twice_do_nothing(house):
    one = house(transport="follow")
    one.run(3)
    one.fake.play(True)
    one.run(1)
    before = len(one.commands)
    for _ in range(20):
        one.fake.say("/live/song/get/is_playing", True)
    one.run(2)
    assert (len(one.commands), one.playing) == (before, True)


def test_a_stop_at_jamlink_is_kept_while_the_daw_rolls_on(house):
    one = house(transport="follow")
    one.run(3)
    one.fake.play(True)
    one.run(1)
    one.playing = False
    one.show()
    one.fake.say("/live/song/get/is_playing", True)
    one.run(3)
    assert not one.playing


def test_the_daw_follows_jamlink_where_that_is_wanted(house):
    one = house(transport="lead")
    one.run(3)
    one.playing, one.bpm = True, 92.0
    one.show()
    one.run(1)
    assert (one.fake.playing, one.fake.tempo) == (True, 92.0)
    one.playing = False
    one.show()
    one.run(1)
    assert not one.fake.playing
    assert one.commands == [], "what the DAW reports then is its own business"


def test_what_was_played_before_the_daw_answers_is_told_when_it_does(house):
    one = house(transport="lead")
    one.fake.deaf = True
    one.run(1)
    one.playing, one.bpm = True, 92.0
    one.show()
    one.run(1)
    one.fake.deaf = False
    one.run(3)
    assert (one.fake.playing, one.fake.tempo) == (True, 92.0)
    one.fake.play(False)
    one.run(3)
    assert not one.fake.playing, "told once: a stop there is kept"


def test_a_tempo_that_nobody_changed_is_not_put_on_a_daw_that_comes(house):
    one = house(transport="lead")
    one.run(3)
    assert (one.fake.playing, one.fake.tempo) == (False, 120.0)


def test_a_daw_that_stops_before_jamlink_has_said_that_it_started_is_followed():
    link = DawLink(Ardour(), BridgeTable(daw="ardour", transport="follow"), Ns(0))
    link.show(STANDS)
    said = [
        command
        for address, state in (("/transport_stop", 1), ("/transport_play", 1), ("/transport_stop", 1))
        for command in link.hear(Message(address, (state,)), Ns(0)).commands
    ]
    assert said == [protocol.Do("start"), protocol.Do("stop")]


def test_what_was_taken_becomes_a_clip_for_each_role_in_an_empty_slot(house):
    one = house(track=2)
    one.fake.clips[1, 0] = []
    one.run(3)
    take(one)
    one.run(2)
    assert one.fake.clips[1, 1] == [(60, 0.0, 1.0, 70, 0), (64, 1.0, 1.0, 71, 0)]
    assert one.fake.clips[3, 0] == [(36, 0.0, 2.0, 90, 0)]
    assert set(one.fake.names.values()) == {CLIP["name"]}
    assert one.fake.fired == [], "made, not fired: it would sound twice"


def test_a_clip_is_fired_where_that_was_asked_for(house):
    one = house(clips="fire")
    one.run(3)
    take(one)
    one.run(2)
    assert one.fake.fired == [(0, 0), (2, 0)]


def test_what_lay_there_before_the_daw_came_is_not_handed_over(house):
    one = house()
    one.fake.deaf = True
    take(one)
    one.run(1)
    one.fake.deaf = False
    one.run(4)
    assert one.fake.clips == {}


@pytest.mark.parametrize("seed", range(8))
def test_a_line_that_drops_and_delays_loses_no_clip_and_doubles_no_note(house, seed):
    one = house(poor_line=seed)
    one.run(10)
    take(one)
    one.run(12)
    assert sorted(len(notes) for notes in one.fake.clips.values() if notes) == [1, 2]


@pytest.mark.parametrize("seed", range(4))
def test_a_line_that_drops_and_delays_is_followed_in_the_end(house, seed):
    one = house(transport="follow", poor_line=seed)
    one.run(10)
    one.fake.listened |= {"is_playing", "tempo"}
    for _ in range(5):
        one.fake.play(True)
    one.run(3)
    assert one.playing


def test_a_daw_that_starts_again_is_greeted_anew(house):
    one = house(transport="follow")
    one.run(3)
    one.fake.restart()
    one.run(1)
    assert one.fake.listened == {"is_playing", "tempo"}
    one.fake.play(True)
    one.run(1)
    assert one.playing


def test_a_daw_that_goes_and_comes_without_a_word_is_greeted_anew(house):
    one = house()
    one.run(3)
    one.fake.deaf = True
    one.run(GONE_AFTER / NS_PER_SECOND + 1)
    assert not one.daw.link.there
    assert one.daw.link.sentence(one.now)
    one.fake.restart(quiet=True)
    one.fake.deaf = False
    one.run(3)
    assert one.fake.listened == {"is_playing", "tempo"}
    assert one.daw.link.sentence(one.now) == ""


def test_a_daw_that_dies_in_the_middle_of_a_clip_leaves_nothing_waiting(house):
    one = house()
    one.run(3)
    take(one)
    one.fake.deaf = True
    one.run(10)
    one.fake.restart(quiet=True)
    one.fake.deaf = False
    one.run(4)
    assert one.fake.clips == {}
    take(one, 21)
    one.run(2)
    assert len(one.fake.clips) == 2


def test_a_slot_that_is_never_made_is_given_up_with_a_sentence(house):
    one = house()
    one.run(3)
    one.fake.say = lambda *said: None
    one.fake.clips.clear()
    take(one)
    one.run(4)
    assert "did not take a clip" in one.daw.link.sentence(one.now)


def test_nonsense_is_counted_and_changes_nothing(house):
    one = house(transport="follow")
    one.run(3)
    commands = list(one.commands)
    one.fake.babble(500)
    one.run(2)
    assert one.commands == commands
    assert one.daw.refusals.count > 100
    assert one.daw.link.nonsense > 100
    one.fake.set_tempo(120.5)
    one.run(1)
    assert one.bpm == 120.5


def test_a_tempo_that_jamlink_does_not_play_is_not_followed(house):
    one = house(transport="follow")
    one.run(3)
    one.fake.set_tempo(500.0)
    one.run(1)
    assert one.bpm == 120.0


def test_what_the_daw_refuses_is_said_in_its_words(house):
    one = house()
    one.run(3)
    one.fake.say("/live/error", "No such track")
    one.run(1)
    assert one.daw.link.sentence(one.now) == "Ableton Live: No such track"


def test_a_daw_without_clips_gets_none_and_one_without_a_tempo_is_told_none():
    link = DawLink(Ardour(), BridgeTable(daw="ardour", transport="lead"), Ns(0))
    link.show(STANDS)
    assert link.tick(Ns(0)).messages == tuple(Ardour().greet())
    link.hear(Message("/heartbeat", (1.0,)), Ns(1))
    said = link.show({"clock": {"playing": True, "bpm": 120.0}, "clips": {"newest": CLIP}})
    assert said.messages == (Message("/transport_play"),)


def test_a_heart_that_beats_is_never_asked():
    link = DawLink(Ardour(), BridgeTable(daw="ardour"), Ns(0))
    link.show(STANDS)
    link.hear(Message("/heartbeat", (1.0,)), Ns(0))
    for second in range(1, 20):
        link.hear(Message("/heartbeat", (1.0,)), Ns(second * NS_PER_SECOND))
        assert link.tick(Ns(second * NS_PER_SECOND)).messages == ()
    assert link.there


def test_live_is_greeted_with_what_it_documents():
    link = DawLink(Live(), BridgeTable(daw="live"), Ns(0))
    assert link.tick(Ns(0)).messages == (), "the session has not said yet how it stands"
    link.show(STANDS)
    assert [m.address for m in link.tick(Ns(0)).messages] == [
        "/live/test",
        "/live/song/start_listen/is_playing",
        "/live/song/start_listen/tempo",
    ]
