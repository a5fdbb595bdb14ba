"""What every view reads off a state: where we are, what comes next and how sure it is, what became of an idea."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Nonsense
from jamlink.session.core import Session
from jamlink.session.plain import plain
from jamlink.session.settings import SessionSettings
from jamlink.session.snapshot import Card, HandView, PlacedView
from jamlink.timing.meter import KNOWN_METERS, Meter
from jamlink.timing.units import Ns, Ticks
from jamlink.view.picture import (
    Promise,
    Standing,
    bar_words,
    beats_left,
    coming,
    made_by,
    new_notices,
    now_and_next,
    picture_of,
    place_of,
    showing_tick,
    standing,
)

BAR = 3840
CHORDS = ((0, "C"), (1920, "Am"))
TAKEN = PlacedView(9, 2 * BAR, 3 * BAR, "3.1", CHORDS, "jam-s")
PLAYING = PlacedView(8, BAR, 2 * BAR, "2.1", ((0, "F"), (1920, "G")), "jam-s")


def card(state="offered", selected=True, number=5):
    return Card(number, 1, state, ((0, "Dm"), (960, "G7")), (), (), "", "jam-s", (), selected)


def hand(*cards):
    return HandView(2 * BAR, 1, "bar 3", 2 * BAR - 960, "2.4", 1, False, cards or (card(),))


@pytest.fixture(scope="module")
def fresh():
    """A running session's picture with nothing on the stand."""
    state = plain(Session(SessionSettings(), Ns(0)).snapshot())
    picture = picture_of({**state, "saved": 0, "unknown": 1})
    return msgspec.structs.replace(
        picture, clock=picture_of({**state, "clock": {**state["clock"], "playing": True}}).clock
    )


def but(picture, **changes):
    repeat = changes.pop("repeat", None)
    if repeat:
        steering = {**plain(picture.steering), "repeat": repeat}
        changes["steering"] = msgspec.convert(steering, type(picture.steering))
    return msgspec.structs.replace(picture, **changes)


def told(picture, tick):
    return [(chord.tick, chord.symbol, chord.promise.name) for chord in coming(picture, tick)]


def test_a_state_of_another_version_is_nonsense_in_one_sentence():
    with pytest.raises(Nonsense, match="was not understood"):
        picture_of({"clock": 1})


# -- where we are -----------------------------------------------------------------------------------------------------


@given(st.sampled_from(KNOWN_METERS), st.integers(-20_000, 2_000_000))
def test_a_place_is_what_the_meter_says(meter, tick):
    clock = picture_of(plain(Session(SessionSettings(meter=Meter(*meter)), Ns(0)).snapshot())).clock
    place, at = place_of(clock, tick), Meter(*meter).at(Ticks(tick))
    assert (place.bar, place.beat) == (at.bar + 1, at.beat + 1)
    assert place.through == at.tick / Meter(*meter).beat_ticks
    assert place.counting_in == (tick < 0)
    whole = f"bar {place.bar}" if tick % Meter(*meter).bar_ticks == 0 else str(at)
    assert bar_words(clock, tick) == whole


def test_the_tick_runs_with_the_machines_clock_and_stands_while_stopped(fresh):
    clock = fresh.clock
    assert showing_tick(fresh, Ns(clock.ns_origin + 4 * clock.tempo_ns)) == clock.tick_origin + BAR
    stopped = picture_of(plain(Session(SessionSettings(), Ns(0)).snapshot()))
    assert showing_tick(stopped, Ns(10**12)) == stopped.clock.tick_origin


@pytest.mark.parametrize(
    ("before", "left"), [(960 * 3, 3), (960 * 3 - 1, 3), (961, 2), (960, 1), (1, 1), (0, 0), (-99, 0)]
)
def test_beats_left_to_decide_are_rounded_up_and_never_negative(fresh, before, left):
    picture = but(fresh, hand=hand())
    assert beats_left(picture, picture.hand.decide_by - before) == left


# -- what comes next --------------------------------------------------------------------------------------------------


def test_an_idea_on_offer_is_only_an_idea(fresh):
    picture = but(fresh, hand=hand())
    assert told(picture, BAR) == [(2 * BAR, "Dm", "IDEA"), (2 * BAR + 960, "G7", "IDEA")]


def test_what_was_taken_is_promised_only_when_it_is_saved(fresh):
    picture = but(fresh, taken=TAKEN, decision=7, saved=6)
    assert {chord.promise for chord in coming(picture, BAR)} == {Promise.SAVING}
    assert {chord.promise for chord in coming(but(picture, saved=7), BAR)} == {Promise.KEPT}


def test_what_plays_comes_before_what_was_taken_and_ends_where_that_begins(fresh):
    picture = but(fresh, playing=PLAYING, taken=but_start(TAKEN, BAR + 1920), hand=hand())
    assert told(picture, BAR + 10) == [
        (BAR, "F", "KEPT"),
        (BAR + 1920, "C", "KEPT"),
        (BAR + 1920 + 1920, "Am", "KEPT"),
    ]


def but_start(placed, start):
    return PlacedView(placed.id, start, start + placed.end - placed.start, "", placed.chords, placed.made_by)


def test_a_loop_comes_again_unless_something_was_taken(fresh):
    picture = but(fresh, playing=PLAYING, hand=hand(), repeat="loop")
    assert told(picture, BAR + 1920) == [
        (BAR + 1920, "G", "KEPT"),
        (2 * BAR, "F", "LOOP"),
        (2 * BAR + 1920, "G", "LOOP"),
    ]
    assert told(but(picture, taken=TAKEN), BAR + 1920)[1:] == [(2 * BAR, "C", "KEPT"), (2 * BAR + 1920, "Am", "KEPT")]


def test_a_loop_that_was_placed_again_still_sounds_its_last_chord(fresh):
    picture = but(fresh, playing=but_start(PLAYING, 2 * BAR), repeat="loop")
    now, following = now_and_next(coming(picture, 2 * BAR - 100), 2 * BAR - 100)
    assert (now.symbol, following.symbol, following.tick) == ("G", "F", 2 * BAR)


def test_nothing_sounds_once_what_played_is_over(fresh):
    picture = but(fresh, playing=PLAYING)
    assert now_and_next(coming(picture, 2 * BAR), 2 * BAR) == (None, None)


def test_an_idea_does_not_sound_although_its_bars_have_begun(fresh):
    picture = but(fresh, hand=hand())
    now, following = now_and_next(coming(picture, 2 * BAR + 10), 2 * BAR + 10)
    assert now is None
    assert following.symbol == "G7"


@given(st.integers(0, 5 * BAR))
def test_chords_ahead_are_in_order_and_none_is_over(tick):
    state = plain(Session(SessionSettings(), Ns(0)).snapshot())
    picture = but(picture_of(state), playing=PLAYING, taken=TAKEN, hand=hand())
    chords = coming(picture, tick)
    assert [c.tick for c in chords] == sorted(c.tick for c in chords)
    assert all(chord.end > tick for chord in chords)


# -- ideas ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "saved", "shown"),
    [
        ("offered", True, Standing.OFFERED),
        ("scheduled", False, Standing.SAVING),
        ("scheduled", True, Standing.TAKEN),
        ("sounding", True, Standing.SOUNDS),
        ("rejected", True, Standing.GONE),
        ("offered", False, Standing.OFFERED),
    ],
)
def test_a_card_stands_as_its_life_and_the_disk_say(fresh, state, saved, shown):
    picture = but(fresh, decision=3, saved=3 if saved else 2)
    assert standing(picture, card(state)) is shown


def test_whoever_is_not_the_model_is_called_a_stand_in(fresh):
    assert made_by(but(fresh, model="jam-s"), "jam-s") == "jam-s"
    assert made_by(but(fresh, model="jam-s"), "rules") == "stand-in: rules"
    assert made_by(but(fresh, model=""), "rules") == "stand-in: rules"


@given(st.lists(st.text(max_size=3), max_size=12), st.integers(0, 12))
def test_new_notices_bring_the_old_ones_up_to_date(said, seen):
    """Both are the newest five of one growing list; appending what is new to the old and keeping five gives the new."""
    before, after = tuple(said[:seen][-5:]), tuple(said[-5:])
    assert (before + new_notices(before, after))[-5:] == after
