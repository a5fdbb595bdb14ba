"""A session that follows a host: where it is, what it says, and that nothing of it is left sounding."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from jamlink.midi.actions import Action
from jamlink.midi.events import NoteOff, NoteOn
from jamlink.music.chord import Chord, Quality
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.inputs import (
    Bond,
    Do,
    Followed,
    Foreseen,
    Heard,
    Ideas,
    Mode,
    ProposerIs,
    Repeat,
    SetTempo,
    Source,
)
from jamlink.session.settings import AccompanySettings, SessionSettings
from jamlink.session.wire import is_input, read_input, record
from jamlink.sync.follower import Follower
from jamlink.sync.midi_clock import MidiClock
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks, bpm_of_tempo, tempo_of_bpm
from tests.session.conftest import Plain
from tests.sync.conftest import MS, Led, jittered, period_of

SECOND = 1_000 * MS
BAR = 3840


def run(led, start, pulses, bpm=120.0):
    """So many pulses from `start`; -> the moment of the next."""
    for i in range(pulses):
        led.pulse(start + i * period_of(bpm))
    return start + pulses * period_of(bpm)


def clock(led):
    return led.session.snapshot().clock


def bar_of(led, at):
    return led.session.timeline.tick_at(Ns(round(at))) / BAR


def test_a_host_that_starts_starts_us_at_its_first_pulse(led):
    at = run(led, SECOND, 48)
    assert not led.session.playing
    led.start(at - 5 * MS)
    assert not led.session.playing
    led.pulse(at)
    assert led.session.playing
    assert led.session.timeline.tick_at(Ns(round(at))) == 0
    assert clock(led).source == "MIDI clock"
    assert clock(led).bond == "locked"


def test_its_tempo_is_taken_over_and_kept_for_hours_of_pulses_without_a_word(led):
    led.start(SECOND)
    run(led, SECOND, 24 * 64, 123)
    assert bpm_of_tempo(led.session.timeline.tempo) == pytest.approx(123, abs=0.001)
    assert led.told <= 12


def test_a_song_position_puts_us_into_its_bar_with_the_next_pulse(led):
    led.place(SECOND, 9 * 16)
    led.go_on(SECOND + MS)
    led.pulse(SECOND + 2 * MS)
    assert led.session.playing
    assert led.session.timeline.tick_at(Ns(SECOND + 2 * MS)) == 9 * BAR


def test_a_loop_takes_what_plays_along(led):
    """Bars 1 to 4 go round: what was taken for bar 3 goes on sounding in its bars."""
    led = Led(SessionSettings(tempo=tempo_of_bpm(120), bars=2, count_in=0, repeat=Repeat.LOOP))
    people = Person(led)
    people.accept_all = True
    at = SECOND
    led.start(at)
    for i in range(4):
        if i:
            led.place(at, 0)
        at = run_with(led, people, at, 4 * 96)
    starts = [m.at for m in people.onsets(fx.Out.MELODY)]
    assert led.session.snapshot().playing is not None
    assert max(starts) < 4.1 * BAR
    people.all_quiet()


def run_with(led, people, start, pulses):
    for i in range(pulses):
        led.pulse(start + i * period_of(120))
        people.answer()
    return start + pulses * period_of(120)


class Person:
    """Answers for the model and decides; counts what sounds as the io process would."""

    def __init__(self, led):
        self.led, self.done, self.accept_all = led, 0, False
        self.sounding = Counter()
        self.proposer = Plain()
        self.sent = []
        led.effects += led.session.handle(ProposerIs(True, "plain"), led.session.now)

    def answer(self):
        while self.done < len(self.led.effects):
            effect = self.led.effects[self.done]
            self.done += 1
            self._count(effect)
            if isinstance(effect, fx.AskProposer | fx.AskStandIn):
                ideas = tuple(self.proposer.propose(effect.request, lambda: False))
                item = Ideas(effect.request.id, ideas, isinstance(effect, fx.AskStandIn))
                self.led.effects += self.led.session.handle(item, self.led.session.now)
            if isinstance(effect, fx.Record) and isinstance(effect.value, fx.Offered) and self.accept_all:
                self.led.effects += self.led.session.handle(Do(Action.ACCEPT, "test"), self.led.session.now)

    def _count(self, effect):
        match effect:
            case fx.Send(messages):
                for timed in messages:
                    self._message(timed.message)
                    self.sent.append(timed)
            case fx.Silence() | fx.Panic():
                self.sounding.clear()
            case fx.Cancel(owner):
                for key in [key for key in self.sounding if key[0] == owner]:
                    del self.sounding[key]

    def _message(self, message):
        status, key = message.data[0] & 0xF0, (message.owner, message.out, message.data[0] & 15, message.data[-2:-1])
        if status == 0x90:
            self.sounding[key] += 1
        elif status == 0x80 and self.sounding[key] > 0:
            self.sounding[key] -= 1

    def onsets(self, out):
        return [t.message for t in self.sent if t.message.out is out and t.message.data[0] & 0xF0 == 0x90]

    def all_quiet(self):
        """Stopped, nothing of ours sounds."""
        now = self.led.session.now
        if self.led.session.playing:
            self.led.stop(now)
        self.answer()
        assert not +self.sounding


def test_random_starts_stops_and_jumps_are_in_the_right_bar_after_the_next_pulse(long):
    """Ten thousand with --long."""
    dice = random.Random(11)
    wrong = sent = 0
    rounds, each = (50, 200) if long else (4, 100)
    for _ in range(rounds):
        led = Led(SessionSettings(tempo=tempo_of_bpm(120), bars=dice.choice([1, 2, 4]), count_in=0, repeat=Repeat.LOOP))
        people = Person(led)
        people.accept_all = True
        wrong += jump_about(led, people, dice, each)
        people.all_quiet()
        sent += len(people.sent)
    print(f"{rounds * each} jumps: {wrong} wrong bars, {sent} messages, no note left")
    assert sent > 2 * rounds * each
    assert wrong == 0


def jump_about(led, people, dice, times):
    bpm, at, tick, rolling, wrong = 120.0, float(SECOND), 0, False, 0
    for _ in range(times):
        what = dice.choice(["start", "stop", "continue", "place", "play", "play", "play"])
        if what == "start":
            led.start(at - 2 * MS)
            tick, rolling = 0, True
        elif what == "stop":
            led.stop(at - 2 * MS)
            rolling = False
        elif what == "place":
            sixteenths = 16 * dice.randrange(60) if dice.random() < 0.5 else dice.randrange(1_000)
            led.place(at - 2 * MS, sixteenths)
            tick = sixteenths * 240
        elif what == "continue" and not rolling:
            led.go_on(at - 2 * MS)
            rolling = True
        else:
            what = "play"
        if dice.random() < 0.05:
            bpm = dice.choice([90.0, 120.0, 140.0])
        for i in range(dice.choice([1, 1, 30, 96, 200])):
            led.pulse(at)
            people.answer()
            if i == 0 and rolling and abs(led.session.timeline.tick_at(Ns(round(at))) - tick) > 20:
                wrong += what != "play"  # after a step of tempo alone the place is known within a bar
            if i == 0 and rolling != led.session.playing:
                wrong += 1
            tick += 40 if rolling else 0
            at += period_of(bpm)
    return wrong


def test_a_drop_out_is_bridged_for_two_bars_and_then_shown(led):
    led.start(SECOND)
    at = run(led, SECOND, 24 * 16)
    led.wait(Ns(round(at + 1 * SECOND)))
    assert (clock(led).bond, led.session.playing) == ("holding", True)
    assert clock(led).led == "MIDI clock silent: holding 120"
    led.wait(Ns(round(at + 5 * SECOND)))
    assert (clock(led).bond, led.session.playing) == ("lost", True)
    assert clock(led).led == "MIDI clock lost: going on at 120"
    assert led.session.snapshot().notices == ("The MIDI clock is gone; going on at 120.",)
    assert bar_of(led, at + 5 * SECOND) == pytest.approx(4 + 2.5, abs=0.01)
    at = run(led, at + 6 * SECOND, 96)
    assert clock(led).bond == "locked"
    assert bar_of(led, at) == pytest.approx(4 + 3 + 1, abs=0.02)


def test_a_clock_lost_on_the_way_to_it_is_met_all_the_same_and_its_tempo_outlives_a_stop():
    session = Session(SessionSettings(tempo=tempo_of_bpm(100), count_in=0), Ns(0))
    line = Timeline(tempo_of_bpm(120), Ticks(0), Ns(SECOND))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, line, True), Ns(SECOND))
    late = Timeline(line.tempo, Ticks(0), Ns(SECOND + 6 * MS))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, late), Ns(2 * SECOND))
    assert session.timeline.tempo != line.tempo
    assert session.snapshot().clock.bpm == 120, "the screen says the host's tempo"
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOST, True, late), Ns(2 * SECOND + MS))
    session.advance(Ns(5 * SECOND))
    assert session.timeline == late
    for at in (5, 6):
        session.handle(Do(Action.PLAY_STOP, "test"), Ns(at * SECOND))
    assert session.timeline.tempo == line.tempo


def test_a_tempo_that_is_set_after_a_loss_stays():
    session = Session(SessionSettings(tempo=tempo_of_bpm(100), count_in=0), Ns(0))
    line = Timeline(tempo_of_bpm(120), Ticks(0), Ns(SECOND))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, line, True), Ns(SECOND))
    late = Timeline(line.tempo, Ticks(0), Ns(SECOND + 6 * MS))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, late), Ns(2 * SECOND))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOST, True, late), Ns(2 * SECOND + MS))
    session.handle(SetTempo(90, "test"), Ns(2 * SECOND + 2 * MS))
    session.advance(Ns(6 * SECOND))
    assert session.timeline.tempo == tempo_of_bpm(90)


def test_the_tempo_of_a_host_is_never_ours_to_change(led):
    led.start(SECOND)
    led.session.advance(Ns(round(run(led, SECOND, 24 * 16))))
    before = led.session.timeline
    led.session.handle(SetTempo(90, "test"), led.session.now)
    for _ in range(6):
        led.session.handle(Do(Action.TAP, "test"), Ns(led.session.now + 400 * MS))
    led.session.handle(Do(Action.THIS_IS_ONE, "test"), led.session.now)
    assert led.session.timeline == before
    said = led.session.snapshot().notices
    assert "The tempo comes from the MIDI clock: change it there." in said
    assert "The bars come from the MIDI clock: move them there." in said


def test_a_player_may_stay_out_and_come_back_in(led):
    led.start(SECOND)
    at = run(led, SECOND, 96)
    led.session.handle(Do(Action.PLAY_STOP, "test"), Ns(round(at)))
    at = run(led, at, 96)
    assert not led.session.playing
    led.session.handle(Do(Action.PLAY_STOP, "test"), Ns(round(at)))
    assert led.session.playing
    assert bar_of(led, at) == pytest.approx(2, abs=0.01)
    led.stop(at)
    led.session.handle(Do(Action.PLAY_STOP, "test"), Ns(round(at + MS)))
    assert not led.session.playing
    assert led.session.snapshot().notices[-1].startswith("Press play there")


def test_a_bare_clock_gives_the_tempo_and_we_say_when(led):
    at = run(led, SECOND, 96, 140)
    led.effects += led.session.handle(Do(Action.PLAY_STOP, "test"), Ns(round(at)))
    assert led.session.playing
    at = run(led, at, 24 * 40, 140)
    tick = led.session.timeline.tick_at(Ns(round(at)))
    assert tick % 40 in (0, 1, 39)
    assert bpm_of_tempo(led.session.timeline.tempo) == pytest.approx(140, abs=0.01)


@pytest.mark.parametrize("jitter", [0, 1, 3])
def test_the_session_itself_stays_with_a_steady_host(jitter, minutes):
    led = Led()
    period = period_of(120)
    led.start(SECOND - MS * 50)
    off, steps = [], []
    for i, at in enumerate(
        jittered([SECOND + i * period for i in range(round(minutes * 60 * SECOND / period))], jitter, 4)
    ):
        before = led.session.timeline.tempo
        led.pulse(at)
        if i > 192:
            tick = led.session.timeline.tick_at(led.session.now)
            true = SECOND + tick * period / 40
            off.append(abs(led.session.timeline.ns_at(tick) - true))
            steps.append(abs(led.session.timeline.tempo / before - 1))
    p99 = sorted(off)[int(0.99 * len(off))] / MS
    print(
        f"{jitter} ms: session p99 {p99:.2f} ms, last {off[-1] / MS:.2f}, step {max(steps):.3%}, told {led.told} times"
    )
    assert p99 <= 3
    assert max(steps) <= 0.02
    assert led.told <= len(off) / 24 + 20


def test_what_was_followed_replays_to_the_byte():
    led = Led(SessionSettings(tempo=tempo_of_bpm(100), bars=1, count_in=0, repeat=Repeat.ROLL, send_clock=True))
    people = Person(led)
    people.accept_all = True
    led.start(SECOND)
    at = run_with(led, people, SECOND, 24 * 20)
    led.effects += led.session.handle(Heard(NoteOn(Ns(round(at)), "keys", 0, 60, 90)), Ns(round(at)))
    led.effects += led.session.handle(Heard(NoteOff(Ns(round(at + MS)), "keys", 0, 60)), Ns(round(at + MS)))
    led.place(at + 2 * MS, 16)
    at = run_with(led, people, at + 3 * MS, 24 * 20)
    led.stop(at)
    people.answer()
    written = [(*record(e.value), e.at) for e in led.effects if isinstance(e, fx.Record)]
    again = Session(led.settings, Ns(0))
    replayed = []
    for kind, payload, moment in written:
        if is_input(kind):
            replayed += again.handle(read_input(kind, json.loads(json.dumps(payload))), moment)
    replayed += again.advance(led.session.now)
    assert [(*record(e.value), e.at) for e in replayed if isinstance(e, fx.Record)] == written


def test_the_most_trusted_source_that_is_alive_leads():
    class Fixed:
        def __init__(self, source, bond):
            self.source, self.bond = source, bond

        def hear(self, event, own):
            pass

        def reading(self, now, own):
            return self.bond and Followed(self.source, self.bond, None, own.timeline)

    playing, clock, link = (Fixed(s, Bond.LOCKED) for s in (Source.PLAYING, Source.MIDI_CLOCK, Source.LINK))
    link.bond = None
    follower = Follower([playing, link, clock])
    own = Led().own()
    assert follower.look(Ns(0), own).source is Source.MIDI_CLOCK
    assert follower.look(Ns(1), own) is None
    link.bond = Bond.LOCKED
    assert follower.look(Ns(2), own).source is Source.LINK
    link.bond = clock.bond = Bond.LOST
    assert follower.look(Ns(3), own).source is Source.PLAYING
    playing.bond = Bond.LOST
    assert follower.look(Ns(4), own).bond is Bond.LOST
    assert follower.look(Ns(5), own) is None


def test_a_port_s_delay_is_taken_away():
    follower = Follower([MidiClock()], Ns(5 * MS))
    led = Led(follower=follower)
    led.start(SECOND)
    at = run(led, SECOND, 24 * 16)
    assert led.session.timeline.ns_at(Ticks(4 * BAR)) == pytest.approx(at - 5 * MS, abs=MS // 10)


def test_small_differences_are_played_out_and_large_ones_are_jumps():
    session = Session(SessionSettings(count_in=0), Ns(0))
    line = Timeline(tempo_of_bpm(100), Ticks(0), Ns(SECOND))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, line, True), Ns(SECOND))
    late = Timeline(line.tempo, Ticks(0), Ns(SECOND + 4 * MS))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, late), Ns(2 * SECOND))
    assert session.timeline.tempo != line.tempo
    assert abs(session.timeline.tempo / line.tempo - 1) < 0.011
    session.advance(Ns(4 * SECOND))
    assert session.timeline == late
    far = Timeline(line.tempo, Ticks(BAR), Ns(4 * SECOND))
    session.handle(Followed(Source.MIDI_CLOCK, Bond.LOCKED, True, far), Ns(4 * SECOND))
    assert session.timeline == far


class Companion(Plain):
    def chords(self, request):
        return tuple(Chord((request.beat + i) % 12, Quality.MAJOR) for i in range(request.ahead + 1))


class Accompanied(Led):
    """As `Led`, with somebody at the keys and a model that finds a chord for every beat."""

    def carry(self, companion):
        """What was asked for is answered at once."""
        while asks := [e for e in self.effects if isinstance(e, fx.AskChords | fx.AskChordsStandIn)]:
            self.effects = [e for e in self.effects if e not in asks]
            for ask in asks:
                stand_in = isinstance(ask, fx.AskChordsStandIn)
                answer = Foreseen(ask.request.id, companion.chords(ask.request), "plain", stand_in)
                self.effects += self.session.handle(answer, self.session.now)


def test_an_accompaniment_goes_along_with_a_host_that_jumps_starts_and_stops():
    own = AccompanySettings(commit=2, listen=2)
    led = Accompanied(SessionSettings(tempo=tempo_of_bpm(120), count_in=0, mode=Mode.ACCOMPANY, accompany=own))
    companion, everything = Companion(), []

    def play(at, beats):
        for beat in range(beats):
            for pulse in range(24):
                led.pulse(at + (24 * beat + pulse) * period_of(120))
                led.carry(companion)
                if pulse == 12:
                    now = led.session.now
                    led.effects += led.session.handle(Heard(NoteOn(now, "keys", 0, 60 + beat, 80)), now)
                    led.effects += led.session.handle(Heard(NoteOff(now, "keys", 0, 60 + beat)), now)
                    led.carry(companion)
                everything.extend(led.effects)
                led.effects = []
        return at + beats * 24 * period_of(120)

    led.effects += led.session.handle(ProposerIs(True, "plain"), Ns(0))
    led.start(SECOND)
    at = play(SECOND, 12)
    led.place(at - 5 * MS, 32 * 4)
    at = play(at, 10)
    led.place(at - 5 * MS, 0)
    at = play(at, 10)
    led.effects += led.session.handle(Do(Action.PLAY_STOP, "test"), led.session.now)
    everything.extend(led.effects)
    settled = [e.value.at // 960 for e in everything if isinstance(e, fx.Record) and isinstance(e.value, fx.Chorded)]
    assert any(beat > 33 for beat in settled), "it plays on where the host has gone to"
    assert settled.index(max(settled)) < len(settled) - 3, "and again at the beginning"
    sounding: Counter = Counter()
    for effect in everything:
        match effect:
            case fx.Send(messages):
                for timed in messages:
                    message = timed.message
                    if message.owner >= fx.FIRST_PROPOSAL:
                        sounding[message.owner, message.data[1]] += 1 if message.data[0] & 0xF0 == 0x90 else -1
                        assert sounding[message.owner, message.data[1]] in (0, 1)
            case fx.Cancel(owner):
                for key in [key for key in sounding if key[0] == owner]:
                    del sounding[key]
            case fx.Silence():
                sounding.clear()
    assert not +sounding
