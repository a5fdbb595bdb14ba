"""The clock that we send: pulse by pulse on the session's own line, and another jamlink that follows it."""

from __future__ import annotations

import pytest

from jamlink.midi.actions import Action
from jamlink.midi.wire import Parser
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.inputs import Click, Do, SetTempo
from jamlink.session.settings import SessionSettings
from jamlink.timing.units import Ns, Ticks, tempo_of_bpm
from tests.sync.conftest import MS, Led

SECOND = 1_000 * MS
PULSE = 40


class Sender:
    """A session that sends its clock, and what has left it by now, as the io process would have sent it."""

    def __init__(self, bpm=120.0, count_in=0, send_clock=True):
        settings = SessionSettings(tempo=tempo_of_bpm(bpm), count_in=count_in, send_clock=send_clock, click=Click.OFF)
        self.session = Session(settings, Ns(0))
        self.waiting, self.sent = [], []

    def do(self, action, at):
        self._take(self.session.handle(Do(action, "test"), Ns(at)))

    def tempo(self, bpm, at):
        self._take(self.session.handle(SetTempo(bpm, "test"), Ns(at)))

    def wait(self, until):
        at = self.session.now
        while at < until:
            at = min(Ns(at + 20 * MS), until)
            self._leave(at)
            self._take(self.session.advance(Ns(at)))
        self._leave(at)

    def _take(self, effects):
        for effect in effects:
            match effect:
                case fx.Send(messages):
                    self.waiting += [timed for timed in messages if timed.message.owner == fx.CLOCK_OUT]
                case fx.Silence() | fx.Panic() | fx.Cancel(owner=fx.CLOCK_OUT):
                    self._leave(self.session.now)
                    self.waiting.clear()

    def _leave(self, now):
        self.sent += [(timed.due, timed.message.data) for timed in self.waiting if timed.due <= now]
        self.waiting = [timed for timed in self.waiting if timed.due > now]

    def events(self):
        parser = Parser()
        return [
            event for due, data in sorted(self.sent, key=lambda one: one[0]) for event in parser.feed(data, due, "j")
        ]

    def moments(self, data):
        return sorted(due for due, sent in self.sent if sent == data)


def test_twenty_four_pulses_a_quarter_fall_exactly_on_the_session_s_line():
    sender = Sender(97.3)
    sender.do(Action.PLAY_STOP, SECOND)
    sender.wait(30 * SECOND)
    line, pulses = sender.session.timeline, sender.moments(b"\xf8")
    assert pulses == [line.ns_at(Ticks(n * PULSE)) for n in range(len(pulses))]
    assert len(pulses) == pytest.approx(29 * 97.3 / 60 * 24, abs=2)


def test_start_comes_half_a_pulse_before_the_first_beat_and_stop_at_the_stop():
    sender = Sender(count_in=1)
    sender.do(Action.PLAY_STOP, SECOND)
    sender.wait(9 * SECOND)
    sender.do(Action.PLAY_STOP, 9 * SECOND)
    sender.wait(12 * SECOND)
    assert sender.moments(b"\xfa") == [sender.session.timeline.ns_at(Ticks(-PULSE // 2))]
    (stop,) = sender.moments(b"\xfc")
    assert 0 <= stop - 9 * SECOND < 2 * MS
    assert max(sender.moments(b"\xf8")) <= stop


def test_nothing_of_a_clock_is_sent_or_recorded_unless_it_is_wanted():
    silent = Sender(send_clock=False)
    silent.do(Action.PLAY_STOP, SECOND)
    silent.wait(5 * SECOND)
    assert silent.sent == []


def follow(sender, delay=2 * MS):
    """Another jamlink hears all of it, `delay` later."""
    led = Led(SessionSettings(tempo=tempo_of_bpm(75), count_in=0))
    for event in sender.events():
        led.wait(Ns(event.at + delay))
        led.hear(type(event)(Ns(event.at + delay), *[getattr(event, name) for name in event.__slots__[1:]]))
    return led


def off_ms(sender, led, delay=2 * MS):
    at = led.session.now
    tick = led.session.timeline.tick_at(at)
    return (led.session.timeline.ns_at(tick) - delay - sender.session.timeline.ns_at(tick)) / MS


def test_another_jamlink_is_in_the_same_bar_after_a_start_a_new_tempo_and_a_new_one():
    sender = Sender()
    sender.do(Action.PLAY_STOP, SECOND)
    sender.wait(8 * SECOND)
    sender.tempo(90, 8 * SECOND)
    sender.wait(16 * SECOND)
    sender.do(Action.THIS_IS_ONE, 16 * SECOND)
    sender.wait(22 * SECOND)
    led = follow(sender)
    assert led.session.playing
    assert abs(off_ms(sender, led)) < 2
    assert led.session.snapshot().clock.bpm == pytest.approx(90, abs=0.2)


def test_panic_leaves_those_who_follow_where_they_are():
    sender = Sender()
    sender.do(Action.PLAY_STOP, SECOND)
    sender.wait(6 * SECOND)
    sender.do(Action.PANIC, 6 * SECOND)
    sender.wait(10 * SECOND)
    led = follow(sender)
    assert led.session.playing
    assert abs(off_ms(sender, led)) < 2
