"""Beats of a Link session, handed in; the real one is in tests/realtime/test_link_real.py."""

from __future__ import annotations

import random

import pytest

from jamlink.midi.actions import Action
from jamlink.runtime.link_main import tempo_said
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.sync.follower import Follower
from jamlink.sync.link import LinkBeat, LinkBeats
from jamlink.sync.midi_clock import MidiClock
from jamlink.timing.units import Ns, Tempo, Ticks, tempo_of_bpm
from tests.sync.conftest import MS, Led, period_of

SECOND = 1_000 * MS
BAR = 3840


class Room:
    """Others in a Link session, and us. Beat 0 was at moment 0, until the tempo changes."""

    def __init__(self, bpm=97.5, own=100.0):
        settings = SessionSettings(tempo=tempo_of_bpm(own), count_in=0)
        self.led = Led(settings, Follower([MidiClock(), LinkBeats()]))
        self.at, self.beat, self.bpm, self.peers, self.playing, self.joined = 0, 0.0, bpm, 1, False, Ns(0)

    def say(self):
        said = LinkBeat(Ns(round(self.at)), self.beat, tempo_of_bpm(self.bpm), self.peers, self.playing, self.joined)
        self.led._tell(self.led.follower.hear_link(said, self.led.own()), Ns(round(self.at)))

    def go_on(self, seconds, silent=False):
        for _ in range(round(seconds * 50)):
            self.at += 20 * MS
            self.beat += 0.02 * self.bpm / 60
            if not silent:
                self.say()
        self.led.wait(Ns(round(self.at)))

    @property
    def ours(self):
        """Our beat now."""
        line = self.led.session.timeline
        return line.tick_reached(self.led.session.now) / 960

    @property
    def clock(self):
        return self.led.session.snapshot().clock

    def off(self):
        """How far our beats are from theirs, in beats."""
        apart = self.ours - self.beat
        return abs(apart - round(apart))

    def do(self, action):
        self.led.effects += self.led.session.handle(Do(action, "test"), self.led.session.now)


def test_their_tempo_is_ours_before_we_play():
    room = Room()
    room.go_on(1)
    assert not room.led.session.playing
    assert (room.clock.source, room.clock.bond, room.clock.bpm) == ("Link", "locked", 97.5)


def test_we_start_on_one_of_their_bars_and_stay_on_their_beat_through_a_new_tempo():
    room = Room()
    room.go_on(1.3)
    room.do(Action.PLAY_STOP)
    room.go_on(10)
    assert room.off() < 0.002
    assert (room.beat - room.ours) % 4 == pytest.approx(0, abs=0.01) or (room.ours - room.beat) % 4 < 0.01
    room.bpm = 128.0
    room.go_on(10)
    assert room.off() < 0.002
    assert room.clock.bpm == pytest.approx(128, abs=0.01)


def test_who_shares_starts_starts_us_on_the_bar_and_stops_us():
    room = Room()
    room.go_on(1.3)
    room.playing = True
    room.go_on(0.1)
    assert room.led.session.playing
    assert room.ours <= 0, "the bar has not begun"
    room.go_on(6)
    assert (room.beat - room.ours) % 4 == pytest.approx(0, abs=0.01) or (room.ours - room.beat) % 4 < 0.01
    room.playing = False
    room.go_on(0.1)
    assert not room.led.session.playing


def test_who_comes_in_late_comes_in_at_the_bar_under_way():
    room = Room()
    room.at, room.beat, room.playing = 60 * SECOND, 97.5, True
    room.go_on(0.1)
    assert room.led.session.playing
    assert 0 <= room.ours < 4
    assert room.off() < 0.002


def test_when_all_have_gone_the_tempo_goes_on_and_a_midi_clock_is_next():
    room = Room()
    room.go_on(1)
    room.do(Action.PLAY_STOP)
    room.go_on(5)
    room.peers = 0
    room.go_on(0.1)
    assert (room.clock.bond, room.led.session.playing, room.clock.led) == ("lost", True, "Link lost: going on at 97.5")
    for i in range(96):
        room.led.pulse(room.at + i * period_of(110))
    assert (room.clock.source, room.clock.bond) == ("MIDI clock", "locked")


def test_who_joins_again_counts_from_elsewhere_knows_of_no_start_and_the_music_stays_where_it_is():
    room = Room()
    room.go_on(1.3)
    room.playing = True
    room.go_on(10)
    bars = room.ours // 4
    room.go_on(0.7, silent=True)
    room.joined, room.beat, room.playing = Ns(room.at), room.beat - 8, False
    room.go_on(5)
    assert (room.clock.bond, room.led.session.playing) == ("locked", True)
    assert room.off() < 0.002
    assert room.ours // 4 == bars + round(5.7 * 97.5 / 60) // 4, "no bar is left out and none comes twice"
    room.playing = True
    room.go_on(5)
    room.playing = False
    room.go_on(0.1)
    assert not room.led.session.playing, "a start that was heard has its stop"


def test_who_comes_when_all_had_gone_does_not_stop_what_goes_on():
    room = Room()
    room.go_on(1.3)
    room.playing = True
    room.go_on(5)
    room.peers = 0
    room.go_on(1)
    room.joined, room.peers, room.playing = Ns(room.at), 1, False
    room.go_on(1)
    assert (room.clock.bond, room.led.session.playing) == ("locked", True)


def test_silence_is_bridged_for_two_bars():
    room = Room(bpm=120)
    room.go_on(1)
    room.do(Action.PLAY_STOP)
    room.go_on(4)
    room.go_on(2, silent=True)
    assert room.clock.bond == "holding"
    room.go_on(3, silent=True)
    assert room.clock.bond == "lost"
    assert room.off() < 0.002


def test_a_beat_is_where_it_was_said_to_be_to_the_nanosecond():
    dice = random.Random(1)
    for _ in range(500):
        source, own = LinkBeats(), Led().own()
        beat, tempo, at = dice.uniform(-8, 1e5), Tempo(dice.randrange(250_000_000, 1_500_000_000)), Ns(10**12)
        source.tell(LinkBeat(at, beat, tempo, 1), own)
        line = source.reading(at, own).timeline
        tick = Ticks(round(beat * 960) + 9600)
        assert line.ns_at(tick) == pytest.approx(at + (tick / 960 - beat) * tempo, abs=1_000)


ALIVE = bytes.fromhex(
    "5f617364705f760101050000264a727d6333785d746d6c6e0000001800000000000963d900000000000c90750000000000000000"
)


@pytest.mark.parametrize(
    ("packet", "bpm"),
    [
        (ALIVE, 60e6 / 615_385),
        (ALIVE[:8] + b"\x02" + ALIVE[9:], 60e6 / 615_385),
        (ALIVE[:8] + b"\x03" + ALIVE[9:], None),
        (ALIVE[:20] + b"sess\0\0\0\x08" + bytes(8) + ALIVE[20:], 60e6 / 615_385),
        (ALIVE[:28] + bytes(8) + ALIVE[36:], None),
        (b"", None),
        (b"_asdp_v\x02" + ALIVE[8:], None),
    ],
)
def test_what_a_peer_says_of_its_tempo(packet, bpm):
    assert tempo_said(packet) == (pytest.approx(bpm) if bpm else None)


def test_rubbish_and_cut_off_packets_never_raise():
    dice = random.Random(2)
    for end in range(len(ALIVE)):
        tempo_said(ALIVE[:end])
    for _ in range(2_000):
        packet = bytearray(ALIVE)
        packet[dice.randrange(8, len(packet))] = dice.randrange(256)
        tempo_said(bytes(packet))
