"""Where clocks come in: the clock's own port, the keyboard's, and ports that are opened for them."""

from __future__ import annotations

import pytest

from jamlink.app.following import follower
from jamlink.midi.actions import Action
from jamlink.midi.events import ClockPulse, NoteOn, Start
from jamlink.ports.base import Listing, PortSpec
from jamlink.runtime.clocks import Clocks
from jamlink.runtime.io_link import standard_ports
from jamlink.runtime.port_choice import CLOCK_INPUT, ClockPorts, PortChoice
from jamlink.session.core import Session
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.settings import Settings, SyncTable
from jamlink.timing.units import Ns, ms

PULSE = ms(500) // 24


def clocks(**sync):
    session = Session(SessionSettings(count_in=0), Ns(0))
    return session, Clocks(follower(Settings(sync=SyncTable(**sync))), session)


def follow(session, clocks, is_clock, pulses=96):
    for event in (Start(Ns(0), "p"), *(ClockPulse(Ns(i * PULSE), "p") for i in range(pulses))):
        news = clocks.hear(event, is_clock)
        if news is not None:
            session.handle(news, event.at)


def test_a_clock_at_its_own_port_is_followed():
    session, heard = clocks()
    follow(session, heard, is_clock=True)
    assert (session.playing, session.snapshot().clock.source) == (True, "MIDI clock")


def test_a_clock_that_a_keyboard_sends_of_its_own_accord_is_nobody_s_tempo():
    session, heard = clocks()
    follow(session, heard, is_clock=False)
    assert (session.playing, session.snapshot().clock.source) == (False, "own clock")


def test_a_keyboard_that_was_chosen_as_the_clock_is_followed():
    session, heard = clocks(port="same")
    follow(session, heard, is_clock=False)
    assert session.playing


def test_notes_at_the_clock_s_port_are_no_playing():
    _, heard = clocks(source="playing")
    for beat in range(12):
        assert heard.hear(NoteOn(Ns(beat * ms(500)), "p", 0, 60, 90), is_clock=True) is None


@pytest.mark.parametrize("source", ["MIDI clock", "time code", "playing", "auto"])
def test_every_source_can_be_chosen(source):
    _, heard = clocks(source=source)
    assert heard.look(Ns(0)) is None


def test_who_wants_no_clock_but_our_own_hears_none():
    session, heard = clocks(source="internal")
    follow(session, heard, is_clock=True)
    heard.done(Do(Action.HALF_TIME, "test"))
    assert not session.playing
    assert heard.next_look(Ns(0)) is None


def test_half_time_reaches_whoever_finds_the_tempo():
    session, heard = clocks(source="playing")
    for beat in range(16):
        event = NoteOn(Ns(beat * ms(500)), "keys", 0, 60, 90)
        news = heard.hear(event, is_clock=False)
        if news is not None:
            session.handle(news, event.at)
    found = session.snapshot().clock.bpm
    heard.done(Do(Action.HALF_TIME, "test"))
    session.handle(heard.look(Ns(16 * ms(500))), Ns(16 * ms(500)))
    assert session.snapshot().clock.bpm == pytest.approx(found / 2, abs=0.5)


@pytest.mark.parametrize(
    ("clocks", "inputs", "outputs"),
    [
        (ClockPorts(), (), ()),
        (ClockPorts("", None), (PortSpec(CLOCK_INPUT, ""),), ()),
        (ClockPorts("drum", "synth"), (PortSpec(CLOCK_INPUT, "drum"),), (PortSpec("clock", "synth"),)),
    ],
)
def test_ports_for_clocks_come_after_those_for_music(clocks, inputs, outputs):
    plain = standard_ports("keys", "synth", "auto")
    opened = PortChoice("keys", "synth", "auto", clocks=clocks).look(Listing())
    assert opened.inputs == plain.inputs + inputs
    assert opened.outputs == plain.outputs + outputs
