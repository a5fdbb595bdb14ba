"""The tempo of what somebody plays."""

from __future__ import annotations

import random

import pytest

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOn
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.sync.follower import Follower
from jamlink.sync.playing import Playing
from jamlink.timing.units import Ns, tempo_of_bpm
from tests.sync.conftest import MS, PORT, Led

SECOND = 1_000 * MS

ROCK = [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]
WALK = [0, 1, 2, 3]
BOSSA = [0, 0.5, 1.5, 2, 2.5, 3.5]


@pytest.fixture
def band():
    return Led(SessionSettings(tempo=tempo_of_bpm(90), count_in=0), Follower([Playing()]))


def play(led, bpm, rhythm, bars, start=SECOND, sloppy=8, seed=1):
    """A rhythm of beats in a bar of four, played with so many ms of deviation; -> the moment after."""
    dice, beat = random.Random(seed), 60 * SECOND / bpm
    for bar in range(bars):
        for place in rhythm:
            at = start + (4 * bar + place) * beat + dice.gauss(0, sloppy * MS)
            led.hear(NoteOn(Ns(round(max(at, led.session.now))), PORT, 0, 60, 90))
    return start + 4 * bars * beat


def bpm(led):
    return led.session.snapshot().clock.bpm


@pytest.mark.parametrize("true", [80, 96, 120, 140])
@pytest.mark.parametrize("rhythm", [ROCK, WALK, BOSSA], ids=["rock", "walk", "bossa"])
def test_a_steady_player_is_found_at_the_beat_its_half_or_its_double(band, true, rhythm):
    play(band, true, rhythm, 8)
    found = bpm(band) / true
    assert min(abs(found - factor) for factor in (0.5, 1, 2)) < 0.03


def test_half_and_double_are_one_touch(band):
    at = play(band, 100, WALK, 8)
    assert bpm(band) == pytest.approx(100, abs=2)
    band.follower.felt(2.0)
    at = play(band, 100, WALK, 4, at, seed=2)
    assert bpm(band) == pytest.approx(200, abs=4)
    band.follower.felt(0.5)
    play(band, 100, WALK, 4, at, seed=3)
    assert bpm(band) == pytest.approx(100, abs=2)


def test_a_player_who_slows_down_is_followed(band):
    at = play(band, 120, ROCK, 6)
    for step, tempo in enumerate((118, 116, 114, 112, 110)):
        at = play(band, tempo, ROCK, 2, at, seed=step)
    assert bpm(band) == pytest.approx(110, rel=0.03)


def test_silence_is_no_trouble_and_the_tempo_stays(band):
    at = play(band, 120, ROCK, 8)
    band.wait(Ns(round(at + SECOND)))
    before = band.session.timeline.tempo
    band.wait(Ns(round(at + 20 * SECOND)))
    snapshot = band.session.snapshot()
    assert (band.session.timeline.tempo, snapshot.clock.source, snapshot.notices) == (before, "own clock", ())


def test_a_tapped_tempo_goes_before_one_that_is_found_until_the_song_stops(band):
    at = round(play(band, 120, ROCK, 6))
    band.session.handle(Do(Action.PLAY_STOP, "test"), Ns(at))
    for tap in range(5):
        band.session.handle(Do(Action.TAP, "test"), Ns(at + SECOND + tap * 600 * MS))
    assert (bpm(band), band.session.snapshot().clock.source) == (pytest.approx(100), "tap")
    at = play(band, 120, ROCK, 6, at + 5 * SECOND)
    assert bpm(band) == pytest.approx(100)
    band.session.handle(Do(Action.PLAY_STOP, "test"), Ns(round(at)))
    play(band, 120, ROCK, 6, at + SECOND)
    assert bpm(band) == pytest.approx(120, abs=3)


def test_notes_without_any_beat_never_raise_and_never_leave_the_tempi_that_music_has(band):
    dice, at = random.Random(3), SECOND
    for _ in range(2_000):
        at += dice.choice([0, MS, dice.randrange(1, 900) * MS, 7 * SECOND])
        band.hear(NoteOn(Ns(at), PORT, 0, 60, 90))
        assert 39 < bpm(band) < 241
