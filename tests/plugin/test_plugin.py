"""The plug-in and its port system together: the real library in a host of ours, over the real socket.

The host gives blocks in this thread and everything else waits for conditions, so no test depends on being quick.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import struct
import subprocess
import time
from itertools import cycle, pairwise

import pytest

from jamlink.errors import Unavailable
from jamlink.plugin.build import REALTIME, SOURCES, compiled, install
from jamlink.ports.base import CLOCK_INPUT, HOUSE, Direction, PortSpec
from jamlink.ports.plugin_ports import NAME, PluginPorts
from jamlink.runtime.scheduler import Scheduler
from jamlink.timing.units import NS_PER_SECOND, Ns, ms
from tests.plugin.host import BLOCK, RATE, Host
from tests.plugin.meeting import BASS, CHORDS, CLOCK, MELODY, Meeting
from tests.realtime.conftest import wait_until

pytestmark = pytest.mark.real


@pytest.fixture
def host(bundle, socket_of_our_own):
    with Host(bundle) as host:
        yield host


def onsets(host: Host) -> list[tuple[int, int]]:
    return [(frame, data[1]) for frame, data in host.heard if data[0] & 0xF0 == 0x90]


def test_without_jamlink_what_comes_in_passes_through_at_its_frame(host):
    note = b"\x90\x3c\x40"
    assert host.run([(17, host.midi(note)), (200, host.midi(b"\xf0\x7e\x01\xf7"))]) == [
        (17, note),
        (200, b"\xf0\x7e\x01\xf7"),
    ]
    assert not host.linked


STEP = ms(20) + 1234
"""No whole number of frames."""
TRIES = 8


def misplaced(meeting: Meeting, host: Host, lengths: tuple[int, ...]) -> list[float] | None:
    """Frames by which each of 20 notes is off the middle of all; None where the machine did not keep still meanwhile,
    so that the frames of this host say nothing. `lengths` are those of its blocks."""
    host.run_for(0.5, meeting.turn)
    host.heard.clear()
    meeting.written.clear()
    missed, start = host.missed, CLOCK.now() + ms(150)
    for k in range(20):
        begins = Ns(start + k * STEP)
        on, off = bytes((0x90, 40 + k, 80)), bytes((0x80, 40 + k, 0))
        meeting.play((begins, CHORDS, on), (Ns(begins + ms(5)), CHORDS, off))
    turns = cycle(lengths)
    wait_until(lambda: meeting.turn() or host.run(frames=next(turns)) is None or len(meeting.written) == 40)
    assert [pitch for _, pitch in onsets(host)] == list(range(40, 60))
    places = [frame - k * STEP * RATE / NS_PER_SECOND for k, (frame, _) in enumerate(onsets(host))]
    return None if host.missed > missed else sorted(abs(place - statistics.median(places)) for place in places)


@pytest.mark.parametrize("lengths", [(BLOCK,), (0, 1, 17, 64, 256, 333)], ids=["one length", "any length, and none"])
def test_notes_leave_at_the_frame_of_their_moment(meeting, host, lengths):
    meeting.start_with(host)
    for _ in range(TRIES):
        off = misplaced(meeting, host, lengths)
        if off is not None:
            assert off[len(off) * 7 // 10] <= 8
            return


def test_what_is_played_reaches_jamlink_with_the_moment_of_its_frame(meeting, host):
    meeting.start_with(host)
    before = CLOCK.now()
    host.run([(10, host.midi(b"\x90\x3c\x40")), (106, host.midi(b"\x80\x3c\x00"))])
    wait_until(lambda: meeting.turn() or len(meeting.heard) == 2)
    on, off = meeting.heard
    assert (on.port, on.data, off.data) == (0, b"\x90\x3c\x40", b"\x80\x3c\x00")
    assert off.at - on.at == pytest.approx(96 * NS_PER_SECOND / RATE, abs=2)
    assert abs(on.at - before) < ms(500)


def test_a_track_plays_its_own_part_and_nobody_the_preview_unasked(meeting, bundle, host):
    with Host(bundle, part=2) as melody:
        meeting.start_with(host, melody)
        now = CLOCK.now()
        meeting.play(*((now, output, bytes((0x90 | output, 60, 80))) for output in range(5)))

        def both_played() -> bool:
            host.run()
            melody.run()
            meeting.turn()
            return len(meeting.written) == 5

        wait_until(both_played)
        assert {data[0] & 0x0F for _, data in host.heard} == {CHORDS, MELODY, BASS}
        wait_until(lambda: melody.block() or melody.heard)
        assert {data[0] & 0x0F for _, data in melody.heard} == {MELODY}


def test_an_end_never_overtakes_its_beginning(meeting, host):
    """Cancelled between being sent ahead and being due: it begins and ends, in this order."""
    meeting.start_with(host)
    meeting.play((Ns(CLOCK.now() + ms(30)), CHORDS, b"\x90\x3c\x40"))
    meeting.turn()  # it is under way now
    meeting.queue.cancel(1, CLOCK.now())
    wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 2)
    assert [data[0] & 0xF0 for _, data in host.heard] == [0x90, 0x80]


def test_when_jamlink_goes_its_notes_end_in_the_plug_in(meeting, host):
    meeting.start_with(host)
    meeting.play((CLOCK.now(), CHORDS, b"\x90\x3c\x40"), (CLOCK.now(), BASS, b"\x92\x24\x40"))
    wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 2)
    host.heard.clear()
    meeting.ports._listener.close()  # as if it had been killed: no farewell
    meeting.ports._listener = None
    for instance in meeting.ports._instances:
        instance.link.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: host.block() or len(host.heard) == 2)
    assert {data[:2] for _, data in host.heard} == {b"\x80\x3c", b"\x82\x24"}
    assert not host.linked


def test_it_comes_back_by_itself_and_nothing_old_is_played(meeting, host):
    meeting.start_with(host)
    meeting.play((Ns(CLOCK.now() + ms(20)), CHORDS, b"\x90\x3c\x40"))
    meeting.turn()
    meeting.ports.stop()
    again = Meeting()
    try:
        again.start_with(host)
        host.heard.clear()
        again.play((CLOCK.now(), CHORDS, b"\x90\x40\x40"))
        wait_until(lambda: again.turn() or host.block() or host.heard)
        assert [data for _, data in host.heard] == [b"\x90\x40\x40"]
    finally:
        again.ports.stop()


def test_when_the_host_goes_the_system_is_gone_and_said_so(meeting, bundle):
    with Host(bundle) as host:
        meeting.start_with(host)
        assert meeting.ports.listing().inputs == (NAME,)
    wait_until(lambda: meeting.turn() or not meeting.ports._instances)
    with pytest.raises(Unavailable, match="No DAW has"):
        meeting.ports.listing()


def test_a_second_jamlink_is_told_why_not(meeting, host):
    meeting.start_with(host)
    with pytest.raises(Unavailable, match="Another jamlink"):
        PluginPorts(CLOCK).start(Scheduler())


# -- the host's transport ----------------------------------------------------------------------------------------------


def clock_of(meeting: Meeting) -> list[tuple[int, bytes]]:
    """What was heard, in frames from the first."""
    first = meeting.heard[0].at
    return [(round((h.at - first) * RATE / NS_PER_SECOND), h.data) for h in meeting.heard]


def test_a_rolling_host_is_a_midi_clock_with_exact_pulses(meeting, host):
    meeting.start_with(host)
    host.run_for(0.5)
    host.run([(0, host.position(0, 0.0, 120.0))])
    host.run_for(100 * BLOCK / RATE)
    host.run([(32, host.position(0, 0.0, 120.0, rolls=False))])
    wait_until(lambda: meeting.turn() or [h.data for h in meeting.heard[-1:]] == [b"\xfc"])
    said = clock_of(meeting)
    assert said[0] == (0, b"\xfa")
    pulses = [frame for frame, data in said if data == b"\xf8"]
    assert pulses[0] == pytest.approx(0, abs=1)
    apart = [b - a for a, b in pairwise(pulses)]
    assert sum(abs(frames - 1000) <= 1 for frames in apart) >= len(apart) * 0.8, "24 to a quarter of 24,000 frames"
    assert len(pulses) == (101 * BLOCK + 31) // 1000 + 1


def test_a_host_that_starts_inside_a_bar_says_where(meeting, host):
    meeting.start_with(host)
    host.run_for(0.5)
    host.run([(0, host.position(2, 1.1, 60.0))])  # 9.1 quarters: the next sixteenth is the 37th, at 9.25
    host.run_for(0.4)
    wait_until(lambda: meeting.turn() or any(h.data == b"\xf8" for h in meeting.heard))
    where, go, pulse = [h.data for h in meeting.heard[:3]]
    assert (where, go, pulse) == (bytes((0xF2, 37, 0)), b"\xfb", b"\xf8")
    assert (meeting.heard[2].at - meeting.heard[1].at) / 1e9 == pytest.approx(0.15, abs=0.001)
    assert meeting.ports.transport.bar == 2
    assert meeting.ports.transport.beat == pytest.approx(1.1)


def test_a_jump_stops_and_goes_on_from_the_new_place_and_saying_the_same_again_is_no_jump(meeting, host):
    meeting.start_with(host)
    host.run([(0, host.position(0, 0.0, 120.0))])
    host.run([(0, host.position(0, BLOCK / 24_000, 120.0))])
    host.run([(0, host.position(8, 0.0, 120.0))])
    wait_until(lambda: meeting.turn() or any(h.data == b"\xfb" for h in meeting.heard))
    commands = [h.data for h in meeting.heard if h.data != b"\xf8"]
    assert commands == [b"\xfa", b"\xfc", bytes((0xF2, 0, 1)), b"\xfb"]


def test_only_one_of_several_tracks_is_the_clock(meeting, bundle, host):
    with Host(bundle) as other:
        meeting.start_with(host, other)
        for one in (host, other):
            one.run([(0, one.position(0, 0.0, 120.0))])
        wait_until(lambda: meeting.turn() or meeting.heard)
        for _ in range(20):
            meeting.turn()
            time.sleep(0.002)
        assert [h.data for h in meeting.heard].count(b"\xfa") == 1


def test_whoever_comes_while_the_host_rolls_is_told_where_it_is_though_the_host_says_it_no_more(meeting, host):
    meeting.start_with(host)
    host.run([(0, host.position(4, 0.0, 120.0))])
    meeting.ports.stop()
    again = Meeting()
    try:
        again.start_with(host)
        wait_until(lambda: again.turn() or host.block() or any(h.data == b"\xf8" for h in again.heard))
        where, go = [h.data for h in again.heard[:2]]
        assert (where[0], go) == (0xF2, b"\xfb")
        assert where[1] >= 4 * 16
    finally:
        again.ports.stop()


def test_the_clocks_input_hears_the_clock_and_the_other_one_the_notes(meeting, host):
    meeting.start_with(host)
    meeting.ports.bind(Direction.IN, 1, PortSpec(CLOCK_INPUT, NAME), NAME)
    host.run([(0, host.position(0, 0.0, 120.0)), (1, host.midi(b"\x90\x3c\x40"))])
    wait_until(lambda: meeting.turn() or host.block() or len(meeting.heard) > 4)
    assert {h.port for h in meeting.heard if h.data[0] >= 0xF0} == {1}
    assert [h.data for h in meeting.heard if h.port == 0] == [b"\x90\x3c\x40"]


@pytest.mark.parametrize(
    ("bpm", "per_bar", "unit", "beat"),
    [
        (float("nan"), 4, 4, 0.0),
        (0, 4, 4, 0.0),
        (1e12, 4, 4, 0.0),
        (120, 0, 4, 0.0),
        (120, 4, 0, 0.0),
        (120, 4, 4, 1e30),
    ],
)
def test_a_host_that_is_nowhere_is_not_followed(meeting, host, bpm, per_bar, unit, beat):
    meeting.start_with(host)
    host.run([(0, host.position(0, beat, bpm, per_bar=per_bar, unit=unit)), (1, host.midi(b"\x90\x3c\x40"))])
    host.run()
    wait_until(lambda: meeting.turn() or meeting.heard)
    assert [h.data for h in meeting.heard] == [b"\x90\x3c\x40"]


def test_a_note_ends_where_it_began_though_the_track_plays_another_part_by_now(meeting, bundle):
    with Host(bundle, part=1) as host:
        meeting.start_with(host)
        meeting.play((CLOCK.now(), CHORDS, b"\x90\x3c\x40"))
        wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 1)
        host.part.value = 3
        wait_until(lambda: meeting.turn() or host.block() or meeting.parts == {3})
        meeting.play((CLOCK.now(), CHORDS, b"\x80\x3c\x00"), (CLOCK.now(), CHORDS, b"\x90\x3e\x40"))
        wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 2)
        host.run_for(0.1, meeting.turn)
        assert [data[:2] for _, data in host.heard] == [b"\x90\x3c", b"\x80\x3c"]


def test_a_plug_in_that_was_switched_off_and_on_again_ends_what_it_had_begun(meeting, host):
    meeting.start_with(host)
    meeting.play((CLOCK.now(), CHORDS, b"\x90\x3c\x40"))
    wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 1)
    host.pause()
    host.run()
    assert [data[:2] for _, data in host.heard] == [b"\x90\x3c", b"\x80\x3c"]


def test_ends_that_find_no_room_come_in_the_next_block(meeting, host):
    meeting.start_with(host)
    for pitch in range(40, 60):
        meeting.play((CLOCK.now(), CHORDS, bytes((0x90, pitch, 64))))
    wait_until(lambda: meeting.turn() or host.block() or len(host.heard) == 20)
    host.heard.clear()
    host.room = 16 + 24 * 4
    meeting.ports.stop()
    wait_until(lambda: host.block() or not host.linked)
    wait_until(lambda: host.block() or len(host.heard) == 20)
    assert {data[1] for _, data in host.heard} == set(range(40, 60))


def test_a_jamlink_that_hangs_holds_no_host_up(bundle, socket_of_our_own):
    """Nobody takes the connections; a host still gets every instance and gets rid of it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
        deaf.bind(str(socket_of_our_own))
        deaf.listen(0)
        with contextlib.ExitStack() as hosts:
            many = [hosts.enter_context(Host(bundle)) for _ in range(4)]
            for host in many:
                host.run_for(0.4)


# -- the audio thread, and nonsense ------------------------------------------------------------------------------------


def test_the_audio_threads_code_can_reach_nothing_that_waits(tmp_path):
    """It reserves no memory, takes no lock, enters no kernel: the only functions it can call are these."""
    object_file = compiled(SOURCES / REALTIME, tmp_path)
    undefined = subprocess.run(["nm", "-u", object_file], capture_output=True, text=True, check=True).stdout
    reached = {line.split()[-1].split("@")[0] for line in undefined.splitlines()}
    arithmetic = {"ceil", "fabs", "llround", "lroundf", "memcpy", "memset"}
    assert reached <= arithmetic | {"clock_gettime", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}


def test_a_full_queue_is_counted_and_the_music_goes_on(meeting, host):
    """A jamlink that reads nothing for a while loses what does not fit; the plug-in does not wait for it."""
    meeting.start_with(host)
    flood = [(k, host.midi(b"\xb0\x01\x40")) for k in range(200)]
    began = time.monotonic()
    for _ in range(600):
        assert len(host.run(flood)) == 200
    assert time.monotonic() - began < 20
    meeting.turn()
    wait_until(lambda: host.block() or meeting.turn() or meeting.ports.losses.dropouts)


def test_rubbish_on_the_socket_is_passed_over(meeting, host):
    meeting.start_with(host)
    (instance,) = meeting.ports._instances
    meeting.ports._take(instance, 99, 0, 0, Ns(0), b"")
    meeting.ports._take(instance, 3, 0, 12345, Ns(0), b"")
    meeting.ports._take(instance, 6, 0, 77, Ns(0), b"")
    instance.unsent += struct.pack("=BBHIq16s", 77, 200, 9, 9, -5, b"?" * 16)
    meeting.play((CLOCK.now(), CHORDS, b"\x90\x3c\x40"))
    wait_until(lambda: meeting.turn() or host.block() or host.heard)
    assert [data for _, data in host.heard] == [b"\x90\x3c\x40"]


def test_passing_through_in_jamlink_comes_back_once(meeting, host):
    meeting.start_with(host)
    meeting.ports.through_to(CHORDS)
    host.run([(3, host.midi(b"\x93\x3c\x40"))])
    wait_until(lambda: meeting.turn() or host.block() or meeting.written)
    assert len(host.heard) == 2
    assert meeting.written[0].message.owner == HOUSE


def test_installing_puts_a_valid_bundle_where_it_was_asked_for(bundle, tmp_path):
    made = install(tmp_path / "lv2")
    assert {file.name for file in made.iterdir()} == {"jamlink.so", "jamlink.ttl", "manifest.ttl"}
    said = subprocess.run(["lv2_validate", *made.glob("*.ttl")], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "Found 0 errors" in said.stderr + said.stdout


def test_where_nothing_can_be_built_or_written_that_is_said_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot be written.*--to"):
        install(tmp_path / "file" / "lv2")
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match=r"no C compiler.*Install gcc"):
        install(tmp_path / "lv2")


def test_its_c_has_no_warning(tmp_path):
    for source in sorted(SOURCES.glob("*.c")):
        strict = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
        done = subprocess.run(
            ["cc", *strict, "-c", source, "-o", tmp_path / "made.o"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
