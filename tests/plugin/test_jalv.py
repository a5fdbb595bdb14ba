"""The plug-in in a real host: jalv, under JACK's dummy driver. What the host is fed and what comes out of it are seen by
JACK clients of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import statistics
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import jack
import pytest

from jamlink.ledger.store import verify
from jamlink.plugin.build import URI
from jamlink.ports.jack_server import JackServer
from jamlink.testing.jack import JackPlayer, JackRecorder
from jamlink.timing.units import NS_PER_SECOND, Ns, ms
from tests.daw.take import Drummer
from tests.plugin.meeting import CHORDS, CLOCK, Meeting
from tests.realtime.conftest import jack_server_or_skip, wait_until
from tests.realtime.running import Running

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

BPM = 120
STOP = b"\xfc"
RATE = 48_000
FRAMES_PER_BEAT = RATE * 60 // BPM
FRAMES_PER_CLOCK = FRAMES_PER_BEAT // 24
TOLD_FRAMES = 2
"""Two clocks of one machine are compared by whole frames, on the way in and out."""
MOST = 0.8
"""Of the messages. The drummer strikes all the time and so into every stumble of JACK's time; many of these few may fall
into one."""


@pytest.fixture(scope="module")
def studio() -> Iterator[JackServer]:
    with jack_server_or_skip(period_frames=256) as server:
        yield server


class Jalv:
    """One jalv with the plug-in, as the JACK client "host"."""

    def __init__(self, bundle: Path, part: int = 0) -> None:
        where = {"LV2_PATH": f"{bundle.parent}:/usr/lib/lv2"}
        self.process = subprocess.Popen(
            ["jalv", "-x", "-i", "-n", "host", "-c", f"part={part}", URI],
            env={**os.environ, **where},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def end(self, how: int = signal.SIGTERM) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(how)
        self.process.wait(timeout=20)


@pytest.fixture
def jalv(studio, bundle, socket_of_our_own) -> Iterator[Jalv]:
    if shutil.which("jalv") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("jalv is missing; run: make tools")
        pytest.skip("jalv is not installed")
    host = Jalv(bundle)
    yield host
    host.end()


@pytest.fixture
def player(jalv) -> Iterator[JackPlayer]:
    with JackPlayer("player") as player:
        wait_until(lambda: _connected(player.client, "player:out", "host:in"))
        yield player


@pytest.fixture
def recorder(jalv) -> Iterator[JackRecorder]:
    with JackRecorder("recorder") as recorder:
        wait_until(lambda: _connected(recorder.client, "host:out", "recorder:in"))
        yield recorder


@pytest.fixture
def drummer(studio) -> Iterator[Drummer]:
    """A bare client that keeps the machine's time, as the plug-in does, and shows how far JACK's stumbles against it."""
    with Drummer() as drummer:
        drummer.begin()
        yield drummer


def off_frames(places: list[float]) -> list[float]:
    """How far each is from where most are, the least first."""
    return sorted(abs(place - statistics.median(places)) for place in places)


def must_keep_time_like(drummer: Drummer, off: list[float]) -> None:
    """As well as a bare client did meanwhile; each may take a stumble once more when it finds its way back."""
    drummer.end()
    struck = [r.frame for r in drummer.player.played if r.data[0] & 0xF0 == 0x90]
    bare = off_frames([f - s.begins * FRAMES_PER_BEAT for f, s in zip(struck, drummer.struck, strict=True)])
    most = off[int(len(off) * MOST)]
    print(f"frames off: most within {most:.1f}, all within {off[-1]:.1f}; the drummer's all within {bare[-1]:.1f}")
    assert most <= 2 * bare[-1] + TOLD_FRAMES


def _connected(client, source: str, target: str) -> bool:
    with contextlib.suppress(jack.JackError):
        client.connect(source, target)
        return True
    return False


def test_notes_of_jamlink_come_out_of_the_host_at_their_frames(meeting, player, recorder, drummer):
    meeting.start()
    first = Ns(CLOCK.now() + ms(1500))  # meanwhile the plug-in finds out when its blocks come
    for k in range(100):
        begins = Ns(first + k * ms(20))
        meeting.play((begins, CHORDS, bytes((0x90, k, 80))), (Ns(begins + ms(10)), CHORDS, bytes((0x80, k, 0))))
    wait_until(lambda: meeting.turn() or len(meeting.written) == 200)
    wait_until(lambda: meeting.turn() or len(recorder.recorded) == 200)
    ons = recorder.note_ons()
    assert [r.data[1] for r in ons] == list(range(100))
    must_keep_time_like(drummer, off_frames([r.frame - k * 960 for k, r in enumerate(ons)]))
    assert meeting.ports.losses.unwritten == 0


def test_what_is_played_into_the_host_is_heard_with_its_frames_moment(meeting, player, recorder, drummer):
    meeting.start()
    begins = player.client.frame_time + 48_000
    for k in range(50):
        player.play(bytes((0x90, k, 80)), begins + k * 960)
        player.play(bytes((0x80, k, 0)), begins + k * 960 + 480)
    wait_until(lambda: meeting.turn() or sum(h.data != STOP for h in meeting.heard) == 100)
    assert meeting.heard[0].data == STOP, "asked where it is, a host that stands says so first"
    notes = meeting.heard[1:]
    assert [h.data for h in notes] == [p.data for p in player.played]
    assert [r.data for r in recorder.recorded] == [p.data for p in player.played], "it passes through"
    must_keep_time_like(drummer, off_frames([h.at * RATE / NS_PER_SECOND - k * 480 for k, h in enumerate(notes)]))


def test_the_hosts_transport_is_a_clock_for_jamlink(meeting, jalv, player, drummer):
    meeting.start()
    transport = Transport(player.client)
    transport.roll()
    try:
        wait_until(lambda: meeting.turn() or sum(h.data == b"\xf8" for h in meeting.heard) >= 48)
    finally:
        transport.stop()
    stood, *said = [h.data for h in meeting.heard if h.data != b"\xf8"]
    assert stood == STOP
    assert said[0] in (b"\xfa", b"\xfb") or said[0][0] == 0xF2
    at = [h.at * RATE / NS_PER_SECOND for h in meeting.heard if h.data == b"\xf8"]
    assert round(statistics.median(b - a for a, b in pairwise(at))) == FRAMES_PER_CLOCK
    must_keep_time_like(drummer, off_frames([a - k * FRAMES_PER_CLOCK for k, a in enumerate(at)]))
    assert meeting.ports.transport.bpm == BPM
    wait_until(lambda: meeting.turn() or sum(h.data == STOP for h in meeting.heard) == 2)


class Transport:
    """JACK's own, with bars and beats, which jalv passes on to its plug-in."""

    def __init__(self, client) -> None:
        self._client = client
        client.set_timebase_callback(self._fill)
        client.transport_frame = 0

    def _fill(self, state: int, frames: int, position, new: bool) -> None:
        beats = position.frame / FRAMES_PER_BEAT
        position.valid = jack.POSITION_BBT
        position.bar, position.beat = 1 + int(beats) // 4, 1 + int(beats) % 4
        position.tick = int(beats % 1 * 1920)
        position.beats_per_bar, position.beat_type = 4, 4
        position.ticks_per_beat, position.beats_per_minute = 1920, BPM

    def roll(self) -> None:
        self._client.transport_start()

    def stop(self) -> None:
        self._client.transport_stop()


def test_a_whole_jam_through_the_plug_in(studio, jalv, player, recorder, tmp_path):
    """What was taken comes out of the host, note for note, and the player's own notes once; no click, no preview."""
    flags = ("--tempo", "240", "--bars", "1", "--seed", "3", "--proposer", "rules", "--repeat", "keep going")
    running = Running(tmp_path, *flags, "--click", "on", system="plug-in")
    try:
        wait_until(lambda: running.says("started"))
        wait_until(lambda: len({r.data[0] for r in recorder.note_ons()} & {0x90, 0x91, 0x92}) == 3)
        player.play(b"\x93\x40\x55")
        player.play(b"\x83\x40\x00")
        wait_until(lambda: running.says("bar 8,"))
    finally:
        running.end()
    wait_until(lambda: not recorder.sounding())
    assert verify(running.session_file).whole
    heard = Counter(r.data for r in recorder.note_ons())
    assert heard.pop(b"\x93\x40\x55") == 1
    assert {data[0] & 0x0F for data in heard} == {0, 1, 2}


def test_when_jamlink_is_killed_the_host_lets_go_of_its_notes(studio, jalv, recorder, tmp_path):
    flags = ("--tempo", "240", "--bars", "1", "--seed", "3", "--proposer", "rules", "--repeat", "keep going")
    running = Running(tmp_path, *flags, system="plug-in")
    try:
        wait_until(recorder.sounding)
    finally:
        running.end(signal.SIGKILL)
    wait_until(lambda: not recorder.sounding())


def test_a_host_that_was_killed_is_said_and_taken_up_again(studio, jalv, bundle, recorder, tmp_path):
    flags = ("--tempo", "240", "--bars", "1", "--seed", "3", "--proposer", "rules", "--repeat", "keep going")
    running = Running(tmp_path, *flags, system="plug-in")
    try:
        wait_until(recorder.sounding)
        jalv.end(signal.SIGKILL)
        wait_until(lambda: running.says("trouble"))
        before = len(recorder.recorded)
        again = Jalv(bundle)
        try:
            wait_until(lambda: _connected(recorder.client, "host:out", "recorder:in"))
            wait_until(lambda: len(recorder.note_ons()) and len(recorder.recorded) > before + 10)
            wait_until(lambda: running.says("all is well again"))
        finally:
            again.end()
    finally:
        running.end()


def test_a_meeting_ends_cleanly_with_the_host_still_there(jalv):
    """The plug-in outlives many jamlinks."""
    for _ in range(5):
        meeting = Meeting()
        meeting.start()
        meeting.ports.stop()
    assert jalv.process.poll() is None
