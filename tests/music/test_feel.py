"""What is borrowed from the player is measured from the player, and bounded."""

from statistics import fmean

from hypothesis import given
from hypothesis import strategies as st

from jamlink.music.feel import LOUDEST, QUIETEST, Feel, humanise
from jamlink.music.note import Note
from jamlink.timing.meter import COMMON_TIME, KNOWN_METERS, Meter
from jamlink.timing.units import Ticks

notes = st.lists(
    st.builds(
        Note,
        st.integers(0, 15360).map(Ticks),
        st.integers(30, 90),
        st.integers(1, 4000).map(Ticks),
        st.integers(1, 127),
    ),
    max_size=40,
).map(lambda found: tuple(sorted(found)))


def line(velocity, offbeat=480):
    return tuple(
        Note(Ticks(beat * 960 + place), 60, Ticks(400), velocity) for beat in range(16) for place in (0, offbeat)
    )


def test_a_loud_player_gets_a_loud_band():
    plain = (Note(Ticks(0), 60, Ticks(480)), Note(Ticks(960), 62, Ticks(480)))
    levels = [
        sum(n.velocity for n in humanise(plain, Feel.of(line(v), COMMON_TIME), seed=1)) for v in (30, 60, 90, 115)
    ]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 100


def test_swing_is_heard_and_given_back():
    feel = Feel.of(line(80, offbeat=640), COMMON_TIME)
    assert abs(feel.swing - 2 / 3) < 0.01
    (played,) = humanise((Note(Ticks(480), 60, Ticks(300)),), feel, seed=3)
    assert abs(played.onset - 640) < 20


def test_straight_playing_stays_straight():
    feel = Feel.of(line(80), COMMON_TIME)
    assert feel.swing == 0.5
    (played,) = humanise((Note(Ticks(480), 60, Ticks(300)),), feel, seed=3)
    assert abs(played.onset - 480) < 20


def test_a_player_who_leans_on_the_one_gets_a_band_that_does():
    def beats(one):
        return tuple(Note(Ticks(i * 960), 60, Ticks(400), one if i % 4 == 0 else 70) for i in range(32))

    plain = tuple(Note(Ticks(i * 960), 60, Ticks(480)) for i in range(64))
    heard = [Feel.of(beats(velocity), COMMON_TIME) for velocity in (60, 70, 82)]
    assert [feel.one for feel in heard] == [-10, 0, 12]
    for feel in heard:
        played = humanise(plain, feel, seed=1)
        ones = fmean(n.velocity for n in played if n.onset % 3840 == 0)
        others = fmean(n.velocity for n in played if n.onset % 3840)
        assert abs(ones - others - feel.one) < 3


def test_silence_gives_a_calm_even_feel():
    assert Feel.of((), COMMON_TIME) == Feel()


@given(notes, notes, st.sampled_from(KNOWN_METERS), st.integers(0, 99))
def test_played_notes_stay_near_what_was_written(heard, written, meter, seed):
    feel = Feel.of(heard, Meter(*meter))
    played = humanise(written, feel, seed)
    assert humanise(written, feel, seed) == played
    for before, after in zip(written, played, strict=True):
        assert after.pitch == before.pitch
        assert QUIETEST <= after.velocity <= LOUDEST
        assert after.onset >= 0
        assert abs(after.onset - before.onset) <= feel.beat / 3
        assert after.duration >= 1


@given(notes, st.integers(0, 99))
def test_notes_on_the_beat_stay_on_the_beat(heard, seed):
    feel = Feel.of(heard, COMMON_TIME)
    on_beats = tuple(Note(Ticks(960 * i), 60, Ticks(480)) for i in range(8))
    assert [n.onset for n in humanise(on_beats, feel, seed)] == [n.onset for n in on_beats]
