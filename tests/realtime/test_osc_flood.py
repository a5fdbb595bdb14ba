"""Ten thousand OSC packets a second, sense and nonsense: the notes go on as if nothing were, and panic is heard.

A real jam on a private JACK server; the flood comes from a process of its own. What came out of JACK is compared with
what the session's record says was sent; no figure depends on how fast the machine is.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections import Counter

import pytest

from jamlink.ledger.store import read, verify
from jamlink.midi.smf import read_score
from jamlink.osc.packet import Message, decode, encode
from jamlink.runtime.replaying import replay
from jamlink.testing.jack import JackPlayer, JackRecorder
from tests.realtime.conftest import wait_until
from tests.realtime.running import Running
from tests.realtime.test_jam_end_to_end import PIANIST, _bytes, notes, wire_up

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("jack")]

SECONDS, A_SECOND = 5, 10_000
FLOOD = """
import random, socket, sys, time
sys.path.insert(0, sys.argv[4])
from jamlink.osc.packet import BUNDLE, Message, bundle, encode
port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
dice = random.Random(1)
deep = bundle([Message("/jamlink/do/select")])
for _ in range(300):
    deep = BUNDLE + bytes(8) + len(deep).to_bytes(4) + deep
packets = [
    *(dice.randbytes(dice.randint(0, 200)) for _ in range(40)),
    dice.randbytes(60_000), deep, bundle([Message("/jamlink/do/select")] * 250),
    *(encode(Message("/jamlink/turn/drive", (dice.random(),))) for _ in range(20)),
    *(encode(Message("/jamlink/do/select")) for _ in range(20)),
    *(encode(Message("/jamlink/do/metronome", (dice.choice([0, 0.0, float("nan")]),))) for _ in range(5)),
    encode(Message("/jamlink/nowhere")), encode(Message("/jamlink/tempo", (float("inf"),))),
    encode(Message("/jamlink/hello")),
]
sock, start, sent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), time.monotonic(), 0
while time.monotonic() - start < seconds:
    while sent < (time.monotonic() - start) * rate:
        sock.sendto(dice.choice(packets), ("127.0.0.1", port))
        sent += 1
    time.sleep(0.001)
print(sent)
"""


@pytest.fixture
def recorder(jack_server):
    with JackRecorder("recorder") as recorder:
        yield recorder


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def surface():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        yield sock


def asked(surface, port):
    """What a surface is told that says hello, as far as it has come."""
    surface.sendto(encode(Message("/jamlink/hello")), ("127.0.0.1", port))
    said = {}
    with contextlib.suppress(BlockingIOError):
        while True:
            said |= {message.address: message.arguments for message in decode(surface.recv(65_536))}
    return said


def test_a_flood_of_osc_harms_no_note_and_panic_is_heard_through_it(
    jack_server,
    recorder,
    tmp_path,
    monkeypatch,
    surface,
):
    port = free_port()
    monkeypatch.setenv("JAMLINK_OSC_PORT", str(port))
    flags = ("--osc", "--tempo", "240", "--bars", "1", "--repeat", "keep going", "--proposer", "rules")
    running = Running(tmp_path, *flags, "--roles", "chords,bass")
    try:
        wire_up(running, recorder)
        with JackPlayer("musician") as musician:
            musician.play_into("jamlink:in")
            wait_until(recorder.sounding)
            begun = len(recorder.note_ons())
            flood = subprocess.Popen(
                [sys.executable, "-c", FLOOD, str(port), str(SECONDS), str(A_SECOND), os.getcwd()],
                stdout=subprocess.PIPE,
                text=True,
            )
            for event in read_score(PIANIST).parts[0].notes[:40]:
                musician.play(bytes((0x90, event.pitch, 80)))
                musician.play(bytes((0x80, event.pitch, 0)))
            sent, _ = flood.communicate(timeout=60)
            assert int(sent) >= SECONDS * A_SECOND * 0.9, "the flood itself was slow"
            wait_until(lambda: len(recorder.note_ons()) > begun + 20)
        wait_until(lambda: "/jamlink/playing" in asked(surface, port))
        surface.sendto(encode(Message("/jamlink/do/panic")), ("127.0.0.1", port))
        wait_until(lambda: not recorder.sounding())
    finally:
        running.end()
    assert verify(running.session_file).whole
    assert replay(running.session_file).same
    said = list(read(running.session_file))
    ours = Counter(_bytes(e.value["data"]) for e in said if e.kind == "sent" and e.value["out"] in ("chords", "bass"))
    for channel in (0, 2):
        heard = {data: count for data, count in notes(recorder.recorded, channel).items() if data[0] & 0xF0 == 0x90}
        meant = {d: n for d, n in ours.items() if d[0] == 0x90 | channel and d[2]}
        assert sum(heard.values()) >= sum(meant.values()) - 12, "but for what panic took back, every note was heard"
        assert not Counter(heard) - Counter(meant), "and no other"
    assert any(entry.kind == "do" and entry.value["action"] == "panic" for entry in said)
    heard_from_player = [entry for entry in said if entry.kind == "heard"]
    assert len(heard_from_player) == 80, "and every key of the player's"
    gestures = [entry for entry in said if entry.kind in ("do", "turn") and "OSC" in entry.value["via"]]
    assert 10 < len(gestures) < 64 + 50 * (SECONDS + 20)
    log = running.session_file.with_suffix(".log").read_text()
    assert "refused, " in log
    assert "Traceback" not in log
