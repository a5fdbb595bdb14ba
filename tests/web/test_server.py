"""The page's process over real sockets: what a browser, a stranger and a slow reader get."""

from __future__ import annotations

import http.client
import socket
import time
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from jamlink.errors import Nonsense, Unavailable
from jamlink.midi.actions import Action
from jamlink.session.inputs import Do
from jamlink.view.hub import Hub
from jamlink.view.protocol import COMMAND_LIMIT, Delta, Goodbye, Hello, Mirror, Snapshot
from jamlink.web.main import MOST_CONNECTIONS
from jamlink.web.pages import BURST
from jamlink.web.slip import Door, close_doors, open_doors
from tests.web.house import PATIENCE_S, gestures, open_house, read, words
from tests.web.test_access import FOREIGN_HOSTS, FOREIGN_ORIGINS


@pytest.fixture(scope="module")
def opened():
    """One house for every test here that leaves it as it was."""
    with open_house(lan="127.0.0.2") as (hub, slip):
        yield hub, slip


@pytest.fixture
def hub(opened):
    return opened[0]


@pytest.fixture
def door(opened) -> Door:
    return opened[1].doors[0]


def page(door: Door, *, origin: str | None = None, offered: list[str] | None = None):
    """A page's WebSocket, or a forged one."""
    return connect(
        f"ws://{door.host}:{door.port}/ws",
        origin=origin or f"http://{door.host}:{door.port}",
        subprotocols=words(door) if offered is None else offered,
        open_timeout=PATIENCE_S,
        compression=None,
        proxy=None,
    )


def ask(door: Door, request: bytes) -> bytes:
    """The whole answer to a request that is written as it stands."""
    with socket.create_connection((door.host, door.port), timeout=PATIENCE_S) as stranger:
        stranger.sendall(request)
        stranger.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := stranger.recv(65536):
            answer += chunk
        return answer


def messages(socket: ClientConnection, until: type):
    """What comes, to the first of a kind."""
    found = []
    while not found or not isinstance(found[-1], until):
        found.append(read(socket.recv(PATIENCE_S)))
    return found


def test_a_page_sees_the_state_and_is_heard(door, hub):
    with page(door) as socket:
        assert [type(m) for m in messages(socket, Snapshot)] == [Hello, Snapshot]
        socket.send('{"kind":"do","action":"panic"}')
        assert gestures(hub, 1) == [Do(Action.PANIC, "page")]
        hub.publish({"key": "D"})
        assert messages(socket, Delta)[-1].changes == {"key": "D"}


@pytest.mark.parametrize("origin", [o for o in FOREIGN_ORIGINS if o and o.isascii()])
def test_a_foreign_origin_is_refused_before_the_websocket_opens(door, origin):
    with pytest.raises(InvalidStatus) as refused, page(door, origin=origin.replace("5265", str(door.port + 1))):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("host", [h for h in FOREIGN_HOSTS if h.strip()])
def test_a_foreign_name_is_refused_on_every_route(door, host):
    name = host.replace("127.0.0.1:5265", f"127.0.0.1:{door.port + 1}").encode()
    for route in (b"/", b"/static/index.html", b"/export/session", b"/ws", b"http://127.0.0.1:%d/" % door.port):
        answer = ask(door, b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (route, name))
        assert answer.startswith(b"HTTP/1.1 400"), (host, route)


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {own}\r\nHost: {own}\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: {own}\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"rubbish\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: {own}\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_request_without_one_right_name_gets_nothing(door, request_line):
    own = f"{door.host}:{door.port}".encode()
    answer = ask(door, request_line.replace(b"{own}", own))
    assert not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")), answer[:200]
    assert b"<html" not in answer


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nkind=panic",
        b"Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nkind=panic\r\n0\r\n\r\n",
        b"Content-Length: 1000000000\r\n\r\n" + b"x" * 1000,
    ],
)
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"GET"])
def test_a_form_changes_nothing(door, method, body):
    own = f"{door.host}:{door.port}".encode()
    answer = ask(door, b"%s /ws HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s" % (method, own, body))
    assert answer.startswith((b"HTTP/1.1 405", b"HTTP/1.1 413", b"HTTP/1.1 400")), answer[:100]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/",
        "/static",
        "/../server.py",
        "/export/..%2f..%2fetc%2fpasswd",
        "/export/",
        "/server.py",
        "//127.0.0.1/",
        "/static/" + "x" * 5000,
    ],
)
def test_no_path_leads_out_of_the_page(door, path):
    connection = http.client.HTTPConnection(door.host, door.port, timeout=PATIENCE_S)
    connection.request("GET", path, headers={"Authorization": f"Bearer {door.token}"})
    answer = connection.getresponse()
    assert answer.status in (400, 404), path
    assert b"import" not in answer.read()
    connection.close()


@pytest.mark.parametrize("offered", [["jamlink"], ["jamlink", "token.x"], ["jamlink", "token." + "A" * 43]])
def test_a_wrong_token_opens_nothing_over_the_wire(door, offered):
    with pytest.raises(InvalidStatus) as refused, page(door, offered=offered):
        pass
    assert refused.value.response.status_code == 401
    assert b"open the address" in refused.value.response.body


@pytest.mark.parametrize("size", [COMMAND_LIMIT + 1, 100_000, 3_000_000])
def test_an_oversized_frame_ends_its_page_and_no_other(door, hub, size):
    with page(door) as good, page(door) as bad:
        messages(good, Snapshot)
        with suppress(ConnectionClosed):
            bad.send("x" * size)
        with pytest.raises(ConnectionClosed):
            messages(bad, type(None))
        good.send('{"kind":"do","action":"tap"}')
        assert gestures(hub, 1) == [Do(Action.TAP, "page")]


def test_a_flood_ends_its_page_with_a_sentence_and_no_other(door, hub):
    with page(door) as good, page(door) as bad:
        messages(bad, Snapshot)
        with suppress(ConnectionClosed):
            for _ in range(20 * BURST):
                bad.send('{"kind":"resync"}')
        with pytest.raises(ConnectionClosed):
            messages(bad, type(None))
        good.send('{"kind":"do","action":"tap"}')
        assert gestures(hub, 1) == [Do(Action.TAP, "page")]


def test_the_names_of_a_page_that_links_here_are_never_sent_on(door):
    connection = http.client.HTTPConnection(door.host, door.port, timeout=PATIENCE_S)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.getheader("referrer-policy") == "no-referrer"
    assert answer.getheader("server") is None
    connection.close()


def test_the_tablets_door_pairs_with_the_code_alone(opened):
    tablet = opened[1].doors[1]
    assert tablet.host == "127.0.0.2"
    connection = http.client.HTTPConnection(tablet.host, tablet.port, timeout=PATIENCE_S)
    connection.request("GET", "/pair", headers={"Authorization": "Code nope"})
    assert connection.getresponse().read() == b"That is not the code on jamlink's screen."
    connection.request("GET", "/pair", headers={"Authorization": f"Code {tablet.code}"})
    assert tablet.token.encode() in connection.getresponse().read()
    connection.close()
    with page(tablet) as socket:
        assert messages(socket, Snapshot)[-1].state["page"]["role"] == "tablet"


def test_a_page_that_does_not_read_holds_nobody_up_and_is_shown_how_things_stand():
    with open_house() as (hub, slip):
        (door,) = slip.doors
        with page(door) as quick, page(door) as slow:
            mirror, sent = Mirror(), 0
            for n in range(400):
                state = {"n": n, "roll": f"{n}" + "x" * 20_000}
                hub.publish(state)
                sent += len(state["roll"]) if _read_to(n, quick, mirror, hub) else 0
            late = Mirror()
            taken = _read_to(399, slow, late, hub)
            assert late.state["roll"] == state["roll"]
            assert taken < sent / 2, "eight megabytes went by; it was not handed all of them"


def _read_to(number: int, socket: ClientConnection, mirror: Mirror, hub: Hub) -> int:
    """Read until the state has this number, the session turning meanwhile; how many bytes that took."""
    taken, deadline = 0, time.monotonic() + PATIENCE_S
    while mirror.state is None or mirror.state.get("n") != number:
        assert time.monotonic() < deadline, "it did not come"
        hub.receive()
        with suppress(TimeoutError):
            text = socket.recv(0.05)
            taken += len(text)
            if isinstance(message := read(text), Snapshot | Delta):
                mirror.apply(message)
    return taken


def test_the_sessions_goodbye_is_the_last_word():
    with open_house() as (hub, slip), page(slip.doors[0]) as socket:
        messages(socket, Snapshot)
        hub.goodbye("Not everything is saved.")
        assert messages(socket, Goodbye)[-1] == Goodbye("Not everything is saved.")
        with pytest.raises(ConnectionClosed):
            socket.recv(PATIENCE_S)


def test_strangers_who_fill_the_networks_door_do_not_shut_the_player_out():
    with open_house(lan="127.0.0.2") as (_, slip), ExitStack() as crowd:
        player, tablet = slip.doors
        for _ in range(MOST_CONNECTIONS + 10):
            crowd.enter_context(socket.create_connection((tablet.host, tablet.port), timeout=PATIENCE_S))
        own = f"{tablet.host}:{tablet.port}".encode()
        assert b"503" in ask(tablet, b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % own)
        with page(player) as mine:
            assert messages(mine, Snapshot)


@pytest.mark.parametrize(("port", "address"), [(-1, ""), (65_536, ""), (0, "0.0.0.0"), (0, "::")])
def test_no_door_opens_where_there_is_none(port, address):
    with pytest.raises(Nonsense) as refused:
        open_doors(port, lan=bool(address), address=address)
    assert refused.value.remedy


@pytest.mark.parametrize("address", ["192.0.2.77", "nowhere.invalid"])
def test_an_address_that_is_not_ours_is_said_and_nothing_stays_open(address):
    with pytest.raises(Unavailable) as refused:
        open_doors(0, lan=True, address=address)
    assert refused.value.remedy


def test_a_port_that_is_taken_is_said_and_the_usual_one_gives_way():
    first = open_doors(0)
    try:
        with pytest.raises(Unavailable, match="Choose another with --port"):
            open_doors(first[0].port)
        second = open_doors(0)
        assert second[0].port != first[0].port
        close_doors(second)
    finally:
        close_doors(first)
