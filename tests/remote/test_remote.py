"""The remote control over real sockets on this machine, and the loop between it and the session."""

from __future__ import annotations

import random

import pytest

from jamlink.errors import Unavailable
from jamlink.osc.packet import Message, bundle, decode, encode
from jamlink.remote.main import (
    GREETINGS_AT_ONCE,
    MOST_SUBSCRIBERS,
    PACKETS_AT_ONCE,
    Loop,
    Refusals,
    Remote,
    open_socket,
    sockets,
)
from jamlink.remote.rate import A_SECOND, AT_ONCE
from jamlink.remote.settings import BridgeTable, OscTable, RemoteConfig
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import NS_PER_SECOND, Ns
from jamlink.view import protocol


@pytest.fixture
def remote():
    sock = open_socket("127.0.0.1", 0, "port")
    yield Remote(sock, OscTable(on=True), Ns(0))
    sock.close()


def send(remote, surface, *messages):
    for message in messages:
        data = message if isinstance(message, bytes) else encode(message)
        surface.sendto(data, remote._socket.getsockname())
    return remote.receive(Ns(0))


def heard(surface):
    said = []
    while True:
        try:
            said += decode(surface.recv(65_536))
        except BlockingIOError:
            return said


def test_a_press_is_a_gesture_and_a_bundle_is_several(remote, surface):
    assert send(remote, surface, Message("/jamlink/do/accept", (1,))) == [protocol.Do("accept")]
    both = bundle([Message("/jamlink/do/undo"), Message("/jamlink/tempo", (92.0,))])
    assert send(remote, surface, both) == [protocol.Do("undo"), protocol.Tempo(92.0)]


def test_whoever_says_hello_is_shown_everything_and_then_what_changes(remote, surface, state):
    remote.show(state, Ns(0))
    send(remote, surface, Message("/jamlink/hello"))
    first = {message.address: message.arguments for message in heard(surface)}
    assert first["/jamlink/tempo"] == (100.0,)
    remote.show({**state, "key": "G major"}, Ns(1))
    assert heard(surface) == [Message("/jamlink/key", ("G major",))]
    send(remote, surface, Message("/jamlink/bye"))
    remote.show(state, Ns(2))
    assert heard(surface) == []


def test_the_beat_is_told_once_a_beat(remote, surface, state):
    clock = {**state["clock"], "playing": True, "ns_origin": 0, "tick_origin": 0, "tempo_ns": 500_000_000}
    send(remote, surface, Message("/jamlink/hello"))
    remote.show({**state, "clock": clock}, Ns(0))
    heard(surface)
    for now in range(0, 2_100_000_000, 100_000_000):
        remote.tick(Ns(now))
    assert [m.arguments for m in heard(surface)] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]


def test_bad_packets_are_counted_and_the_good_one_behind_them_is_heard(remote, surface):
    dice = random.Random(1)
    for _ in range(20):
        send(remote, surface, *(dice.randbytes(dice.randint(0, 80)) for _ in range(40)))
    assert remote.refusals.count > 700
    assert send(remote, surface, Message("/jamlink/do/panic")) == [protocol.Do("panic")]


def test_a_flood_is_read_a_bounded_piece_at_a_time(remote, surface):
    assert len(send(remote, surface, *[Message("/jamlink/do/tap")] * (PACKETS_AT_ONCE + 10))) == PACKETS_AT_ONCE


def test_a_stranger_is_refused(remote, surface):
    remote._allowed = {"192.0.2.1"}
    assert send(remote, surface, Message("/jamlink/do/accept")) == []
    assert "may not control" in remote.refusals.sentence(Ns(0))


def test_one_sentence_a_second_about_any_number_of_refusals():
    refusals = Refusals()
    assert refusals.sentence(Ns(0)) == ""
    for _ in range(1000):
        refusals.add("cut off.")
    assert refusals.sentence(Ns(0)) == "OSC: 1000 packets were refused, 1000 in all. The last: cut off."
    refusals.add("cut off.")
    assert refusals.sentence(Ns(NS_PER_SECOND - 1)) == ""
    assert refusals.sentence(Ns(NS_PER_SECOND)).startswith("OSC: 1 packet was refused")


def test_only_the_newest_few_are_shown(remote, surface, state):
    remote.show(state, Ns(0))
    port = surface.getsockname()[1]
    send(remote, surface, Message("/jamlink/hello", (port,)))
    send(remote, surface, *(Message("/jamlink/hello", (40_000 + n,)) for n in range(MOST_SUBSCRIBERS)))
    heard(surface)
    remote.show({**state, "key": "C major"}, Ns(1))
    assert heard(surface) == []


def test_a_port_that_is_taken_is_one_sentence(remote):
    port = remote._socket.getsockname()[1]
    with pytest.raises(Unavailable, match=f"port {port}"):
        sockets(RemoteConfig(OscTable(on=True, port=port), BridgeTable()))
    with pytest.raises(Unavailable, match="another reply_port"):
        sockets(RemoteConfig(OscTable(), BridgeTable(daw="reaper", reply_port=port)))
    assert sockets(RemoteConfig(OscTable(), BridgeTable())) == (None, None)


def test_a_flood_of_greetings_is_answered_a_few_times_only(remote, surface, state):
    remote.show(state, Ns(0))
    hello, once = Message("/jamlink/hello"), None
    for round_ in range(50):
        send(remote, surface, hello)
        said = len(heard(surface))
        once = once or said
        assert said in ((once,) if round_ < GREETINGS_AT_ONCE else (0,))
    assert "hello at once" in remote.refusals.sentence(Ns(0))


def test_it_is_off_and_heard_on_this_machine_alone_unless_somebody_says_so():
    assert OscTable().on is False
    assert OscTable().address == "127.0.0.1"
    assert OscTable().senders == ()
    assert not RemoteConfig(OscTable(), BridgeTable()).wanted
    remote, _ = sockets(RemoteConfig(OscTable(on=True, port=0), BridgeTable()))
    assert remote.getsockname()[0] == "127.0.0.1"
    remote.close()


# -- the loop ---------------------------------------------------------------------------------------------------------


class Session:
    """The session's end of a connection, as lists."""

    def __init__(self):
        self.frames, self.said, self.closed = [], [], False

    def receive(self):
        frames, self.frames = self.frames, []
        return frames

    def send(self, frame):
        self.said.append(protocol.decode_from_view(frame))
        return True

    def close(self):
        self.closed = True

    def show(self, message):
        self.frames.append(protocol.encode(message))


def test_the_loop_carries_commands_to_the_session_and_its_state_to_the_surface(remote, surface, state, capsys):
    session, clock = Session(), ManualClock()
    loop = Loop(session, remote, None, clock)
    session.show(protocol.Hello())
    session.show(protocol.Snapshot(1, state))
    surface.sendto(encode(Message("/jamlink/hello")), remote._socket.getsockname())
    surface.sendto(encode(Message("/jamlink/do/accept")), remote._socket.getsockname())
    surface.sendto(b"rubbish", remote._socket.getsockname())
    loop.turn()
    assert session.said == [protocol.Do("accept")]
    assert Message("/jamlink/playing", (0,)) in heard(surface)
    assert capsys.readouterr().err.count("\n") == 1
    session.show(protocol.Delta(3, {}))
    loop.turn()
    assert session.said[-1] == protocol.Resync()
    session.show(protocol.Goodbye())
    loop.turn()
    assert session.closed


def test_a_flood_of_good_gestures_reaches_the_session_thinned_out_and_panic_gets_through(remote, surface, capsys):
    session, clock = Session(), ManualClock()
    loop = Loop(session, remote, None, clock)
    press = bundle([Message("/jamlink/do/tap")] * 100)
    for _ in range(20):
        for _ in range(5):
            surface.sendto(press, remote._socket.getsockname())
        loop.turn()
        clock.advance(Ns(NS_PER_SECOND // 20))
    assert AT_ONCE < len(session.said) <= AT_ONCE + A_SECOND
    surface.sendto(encode(Message("/jamlink/do/panic")), remote._socket.getsockname())
    loop.turn()
    assert session.said[-1] == protocol.Do("panic")
    assert "gestures a second" in capsys.readouterr().err
