"""The io process on real ports: JACK's own, its neighbours' ports, and what remains when processes die."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from itertools import pairwise

import pytest

from jamlink.ports.base import HOUSE, Direction, Outgoing, PortSpec
from jamlink.runtime.io_link import IoBack, IoGone
from jamlink.runtime.io_wire import Heard, IoReady, MidiSystem, OwnerBegan, OwnerEnded, PortChanged, PortsThere, Sent
from jamlink.testing.jack import JackPlayer, JackRecorder
from jamlink.timing.units import ms

pytestmark = pytest.mark.real

IN, CHORDS, BASS = PortSpec("in"), PortSpec("chords"), PortSpec("bass")
SYSTEMS = ["JACK", "rtmidi-JACK"]


def note_on(pitch, channel=0):
    return bytes((0x90 | channel, pitch, 80))


def note_off(pitch, channel=0):
    return bytes((0x80 | channel, pitch, 0))


def ports_of(who, **kinds):
    return {port.name for port in who.client.get_ports(is_midi=True, **kinds)}


def own_port(jam, who, name, **kinds):
    """The full name of a port of jamlink's: RtMidi numbers its clients."""
    jam.until(lambda: [p for p in ports_of(who, **kinds) if p.startswith("jamlink") and p.endswith(name)])
    return next(p for p in ports_of(who, **kinds) if p.startswith("jamlink") and p.endswith(name))


@pytest.mark.parametrize("system", SYSTEMS)
def test_own_ports_appear_and_five_hundred_messages_come_in_whole_and_in_order(jam, system):
    session = jam((IN,), (CHORDS,), system=system)
    with JackPlayer() as player:
        player.play_into(own_port(session, player, "in", is_input=True))
        messages = [note_on(i % 128, i % 16) if i % 2 else note_off(i % 128, i % 16) for i in range(500)]
        for message in messages:
            player.play(message)
        session.until(lambda: len(session.all_said(Heard)) >= 500)
    heard = session.all_said(Heard)
    assert [m.data for m in heard] == messages
    assert all(a.at <= b.at for a, b in pairwise(heard))


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_scheduled_arrives_once_in_order_and_is_reported(jam, system, until):
    session = jam((IN,), (CHORDS,), system=system)
    with JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "chords", is_output=True))
        start = session.clock.now() + ms(300)
        messages = [(note_off if i % 2 else note_on)(40 + i // 2 % 60) for i in range(400)]
        session.link.send(Outgoing(start + ms(2 * i), 0, 7, data) for i, data in enumerate(messages))
        session.until_said(OwnerEnded, owner=7)
        session.until(lambda: len(recorder.recorded) >= len(session.all_said(Sent)))
    sent = session.all_said(Sent)
    arrived = iter([r.data for r in recorder.recorded])  # a server short of breath may give a period's messages twice
    assert not [s.data for s in sent if s.data not in arrived], "every message arrives, in order"
    asked = [s for s in sent if s.owner != HOUSE]  # the house says ends again after a dropout
    assert [(s.data, s.due) for s in asked] == [(data, start + ms(2 * i)) for i, data in enumerate(messages)]
    assert all(s.at >= s.due for s in asked), "nothing leaves early"
    assert session.until_said(OwnerBegan, owner=7).at == asked[0].at


@pytest.mark.parametrize("system", SYSTEMS)
def test_thru_passes_notes_on_without_the_session(jam, system, until):
    session = jam((IN,), (CHORDS, BASS), system=system)
    session.link.thru(1)
    session.link.send([Outgoing(session.clock.now(), 0, 5, b"\xc0\x01")])
    session.until_said(Sent, data=b"\xc0\x01")  # orders are carried out in order
    with JackPlayer() as player, JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "bass", is_output=True))
        player.play_into(own_port(session, player, "in", is_input=True))
        for pitch in range(60, 70):
            player.play(note_on(pitch))
            player.play(note_off(pitch))
        until(lambda: len(recorder.recorded) == 20)
        session.link.thru(None)
        player.play(note_on(72))
        session.until(lambda: [m for m in session.all_said(Heard) if m.data == note_on(72)])
    assert recorder.note_ons()[-1].data == note_on(69)
    assert not recorder.sounding()


def chord_looper(session, owner, seed):
    """Keeps notes sounding and queued: overlapping chords, far ahead."""
    dice, now = random.Random(seed), session.clock.now()
    for step in range(60):
        for _ in range(3):
            pitch, at = dice.randrange(36, 84), now + ms(20 * step + dice.randrange(15))
            length = ms(dice.randrange(5, 400))
            session.link.send(
                [Outgoing(at, 0, owner, note_on(pitch)), Outgoing(at + length, 0, owner, note_off(pitch))]
            )


@pytest.mark.parametrize("order", ["cancel", "silence", "panic"])
def test_after_cancel_silence_and_panic_nothing_sounds(jam, order, until):
    session = jam((), (CHORDS,))
    with JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "chords", is_output=True))
        chord_looper(session, 5, seed=1)
        session.until(lambda: recorder.sounding())
        getattr(session.link, order)(*((5,) if order == "cancel" else ()))
        session.until_said(OwnerEnded, owner=5)
        until(lambda: not recorder.sounding())
        begun = len(recorder.note_ons())
        session.link.send([Outgoing(session.clock.now() + ms(50), 0, 6, d) for d in (note_on(90), note_off(90))])
        session.until_said(OwnerEnded, owner=6)
    assert len(recorder.note_ons()) == begun + 1, "what was queued came nevertheless"


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("seed", range(3))
def test_no_note_outlives_a_signal_at_any_moment(jam, signal_number, seed, until):
    session = jam((), (CHORDS,))
    with JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "chords", is_output=True))
        chord_looper(session, 5, seed)
        enough = random.Random(seed).randrange(1, 100)
        session.until(lambda: len(recorder.note_ons()) >= enough and recorder.sounding())
        os.kill(session.link.pid, signal_number)
        until(lambda: not recorder.sounding())  # without a turn of the link's, which would start a new process


PARENT = """
import os, random, sys
sys.path.insert(0, os.getcwd())
from jamlink.ports.base import Outgoing, PortSpec
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.io_wire import OpenPorts
from jamlink.runtime.monotonic import MonotonicClock
clock, dice = MonotonicClock(), random.Random(int(sys.argv[1]))
link = IoLink(clock, OpenPorts((), (PortSpec("chords", peers=(sys.argv[2],)),), "JACK"))
link.start()
import time
while True:
    now = clock.now()
    for _ in range(4):
        pitch, at = dice.randrange(36, 84), now + dice.randrange(100_000_000)
        link.send([Outgoing(at, 0, 5, bytes((0x90, pitch, 80))), Outgoing(at + 300_000_000, 0, 5, bytes((0x80, pitch, 0)))])
    link.receive()
    time.sleep(0.03)
"""


@pytest.mark.parametrize("seed", range(5))
def test_no_note_outlives_a_session_process_that_is_killed(jack_server, seed, until):
    with JackRecorder() as recorder:
        parent = subprocess.Popen([sys.executable, "-c", PARENT, str(seed), recorder.port_name], start_new_session=True)
        try:
            enough = random.Random(seed).randrange(1, 60)
            until(lambda: len(recorder.note_ons()) >= enough and recorder.sounding())
        finally:
            parent.kill()
            parent.wait()
        until(lambda: not ports_of(recorder, is_output=True) - {"system:midi_capture_1"})
        assert not recorder.sounding()


@pytest.mark.parametrize("seed", range(3))
def test_a_new_io_process_silences_what_a_killed_one_left_and_is_connected_as_it_was(jam, seed, until):
    session = jam((), (CHORDS,))
    with JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "chords", is_output=True))
        session.until_said(PortChanged, name="chords", peers=(recorder.port_name,))
        chord_looper(session, 5, seed)
        enough = random.Random(seed).randrange(1, 100)
        session.until(lambda: len(recorder.note_ons()) >= enough and recorder.sounding())
        os.kill(session.link.pid, signal.SIGKILL)
        session.until_said(IoBack)
        until(lambda: not recorder.sounding(), turn=session.turn)
        session.link.send([Outgoing(session.clock.now(), 0, 6, d) for d in (note_on(90), note_off(90))])
        session.until(lambda: recorder.recorded[-1].data == note_off(90))


def test_an_io_process_that_hangs_is_replaced_and_its_notes_are_silenced(jam):
    session = jam((), (CHORDS,))
    with JackRecorder() as recorder:
        recorder.listen_to(own_port(session, recorder, "chords", is_output=True))
        session.until_said(PortChanged, name="chords", peers=(recorder.port_name,))
        session.link.send([Outgoing(session.clock.now(), 0, 5, note_on(60))])
        session.until(lambda: recorder.sounding())
        os.kill(session.link.pid, signal.SIGSTOP)
        session.until_said(IoGone, what="The MIDI process hung.")
        session.until_said(IoBack)
        session.until(lambda: not recorder.sounding())


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_device_that_is_pulled_and_returns_is_bound_again_by_name(jam, until, system):
    session = jam((PortSpec("in", "keys"),), (PortSpec("chords", "synth*"),), system=system)
    said = session.until_said(PortChanged, name="in", bound="")
    assert 'No MIDI input is called "keys".' in said.what
    with JackPlayer("MyKeys"), JackRecorder("synth") as synth:
        session.until_bound("in", "MyKeys:out")
        session.until_bound("chords", "synth:in")
        session.link.send([Outgoing(session.clock.now(), 0, 5, d) for d in (note_on(60), note_on(64))])
        session.until(lambda: len(synth.sounding()) == 2)
    session.said.clear()
    session.until_said(PortChanged, name="chords", bound="")
    session.until_said(PortChanged, name="in", bound="")
    session.link.cancel(5)
    session.said.clear()
    with JackPlayer("MyKeys") as keys, JackRecorder("synth") as synth:
        session.until_bound("chords", "synth:in")
        session.until_bound("in", "MyKeys:out")
        until(lambda: {r.data for r in synth.recorded} >= {note_off(60), note_off(64)}, turn=session.turn)
        keys.play(note_on(61))
        session.until_said(Heard, data=note_on(61))


def test_ports_of_jamlink_are_never_offered_to_jamlink(jam):
    session = jam((IN, PortSpec("keys", "*")), (CHORDS,))
    with JackPlayer("MyKeys"):
        session.until_bound("keys", "MyKeys:out")
        there = session.until_said(PortsThere)
    assert not [name for name in (*there.listing.inputs, *there.listing.outputs) if "jamlink" in name]


def test_it_says_whether_it_runs_with_priority_and_what_is_missing(jam):
    session = jam((IN,), (CHORDS,), system="auto")
    ready = session.until_said(IoReady)
    assert ready.realtime or ready.why_not
    session.until_said(MidiSystem, name="JACK", there=True)
    session.until(lambda: [m for m in session.all_said(MidiSystem) if m.name == "ALSA"])
    assert session.until_said(PortChanged, direction=Direction.IN, name="in").bound == "jamlink:in"
