"""What we hear of ourselves: laws on a clock that is moved by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.midi.events import ControlChange, NoteOff, NoteOn
from jamlink.ports.base import Outgoing
from jamlink.runtime.echo import AT_ONCE, FORGOTTEN, SURE, WINDOW, Echoes, sentence
from jamlink.timing.units import NS_PER_SECOND, Ns, ms


def sound(echoes, at, pitch=60, channel=0, velocity=70):
    echoes.sounded([Outgoing(at, 0, 20, bytes((0x90 | channel, pitch, velocity)))])


def on(at, pitch=60, channel=0, velocity=70, port="DAW"):
    return NoteOn(at, port, channel, pitch, velocity)


def off(at, pitch=60, channel=0, port="DAW"):
    return NoteOff(at, port, channel, pitch)


def with_loop():
    """A loop is known by 0."""
    echoes = Echoes()
    for number in range(SURE):
        moment = Ns(-(SURE - number) * ms(100))
        sound(echoes, moment, 40 + number)
        echoes.is_echo(on(Ns(moment + ms(5)), 40 + number))
        echoes.is_echo(off(Ns(moment + ms(50)), 40 + number))
    return echoes


@given(st.integers(0, AT_ONCE), st.integers(0, 127), st.integers(0, 15), st.integers(1, 127))
def test_a_note_that_comes_back_at_once_is_no_playing_and_neither_is_its_end(delay, pitch, channel, velocity):
    echoes = Echoes()
    sound(echoes, Ns(10**9), pitch, channel, velocity)
    assert echoes.is_echo(on(Ns(10**9 + delay), pitch, channel, velocity))
    assert echoes.is_echo(off(Ns(2 * 10**9), pitch, channel))
    assert not echoes.is_echo(off(Ns(3 * 10**9), pitch, channel)), "one end for each"


@pytest.mark.parametrize(
    "event",
    [
        on(ms(5), pitch=61),
        on(ms(5), channel=1),
        on(ms(5), velocity=71),
        on(Ns(AT_ONCE + 1)),
        on(Ns(-ms(20))),
        on(Ns(WINDOW + 1)),
        ControlChange(ms(5), "DAW", 0, 64, 127),
    ],
)
def test_without_a_loop_anything_else_is_playing(event):
    echoes = Echoes()
    sound(echoes, Ns(0))
    assert not echoes.is_echo(event)
    assert not echoes.is_echo(off(ms(200)))


def test_a_loop_is_noticed_within_a_second_also_where_it_is_slow():
    echoes = Echoes()
    for number in range(SURE):
        at = Ns(number * ms(400))
        assert echoes.loops(at) == []
        sound(echoes, at, 60 + number)
        echoes.is_echo(on(Ns(at + ms(100)), 60 + number))
    assert echoes.loops(Ns(NS_PER_SECOND)) == ["DAW"]
    assert '"DAW"' in sentence(echoes.loops(Ns(NS_PER_SECOND)))


def test_echoes_farther_apart_than_a_second_are_chance():
    echoes = Echoes()
    for number in range(10):
        at = Ns(number * NS_PER_SECOND)
        sound(echoes, at)
        echoes.is_echo(on(Ns(at + ms(5))))
    assert echoes.loops(Ns(10 * NS_PER_SECOND)) == []


def test_in_a_loop_a_note_with_another_velocity_is_an_echo_too():
    echoes = with_loop()
    sound(echoes, Ns(0))
    assert echoes.is_echo(on(ms(90), velocity=127))


def test_in_a_loop_what_is_not_near_one_of_ours_is_playing():
    echoes = with_loop()
    sound(echoes, Ns(0))
    assert not echoes.is_echo(on(ms(5), pitch=65))
    assert not echoes.is_echo(on(Ns(WINDOW + ms(1))))


def test_a_loop_on_one_port_says_nothing_about_another():
    echoes = with_loop()
    sound(echoes, Ns(0))
    assert not echoes.is_echo(on(ms(90), velocity=127, port="keyboard"))


def test_a_loop_that_is_broken_is_forgotten_and_nothing_more_is_said():
    echoes = with_loop()
    assert echoes.loops(Ns(FORGOTTEN - ms(200))) == ["DAW"]
    assert echoes.loops(FORGOTTEN) == []
    assert sentence([]) == ""


def test_a_player_who_doubles_us_a_little_later_loses_no_note():
    echoes = Echoes()
    for number in range(50):
        at = Ns(number * NS_PER_SECOND)
        sound(echoes, at, 60, 0, 70)
        assert not echoes.is_echo(on(Ns(at + ms(15)), 60, 0, 71 + number % 50))


def test_no_note_of_the_player_is_left_sounding_beside_an_echo():
    """Two presses and two ends of one key, in any order: as many ends get through as presses did."""
    echoes = with_loop()
    sound(echoes, Ns(0))
    presses = [echoes.is_echo(on(ms(3))), echoes.is_echo(on(ms(300)))]
    ends = [echoes.is_echo(off(ms(400))), echoes.is_echo(off(ms(500)))]
    assert (sorted(presses), sorted(ends)) == ([False, True], [False, True])


def test_note_offs_and_controllers_of_ours_are_not_waited_for():
    echoes = Echoes()
    echoes.sounded([Outgoing(Ns(0), 0, 20, bytes((0x80, 60, 70))), Outgoing(Ns(0), 0, 20, bytes((0xC0, 5)))])
    echoes.sounded([Outgoing(Ns(0), 0, 20, bytes((0x90, 60, 0)))])
    assert not echoes.is_echo(on(ms(1)))
