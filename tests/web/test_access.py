"""Who is let in, over every route: only jamlink's own page, with the token of this start, at its own address."""

from __future__ import annotations

import pytest
from starlette.testclient import WebSocketDenialResponse

from jamlink.midi.actions import Action
from jamlink.session.inputs import Do
from jamlink.view.protocol import Hello, Notice, Snapshot
from jamlink.web.access import TRIES, Pairing, Refusal, check_host, check_origin, hosts
from jamlink.web.guard import policy
from jamlink.web.pages import NOT_A_TABLET
from tests.web.house import CODE, ORIGIN, PLAYER_DOOR, TABLET_DOOR, TABLET_TOKEN, TABLET_WORDS, TOKEN, WORDS, read

ROUTES = ("/", "/static/index.html", "/pair", "/history", "/export/midi", "/export/session", "/nowhere", "//evil/")
SOCKET = "ws://127.0.0.1:5265/ws"
BEARER = {"authorization": f"Bearer {TOKEN}"}

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:5265",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1:5266",
    "127.0.0.1:52650",
    "127.0.0.1:05265",
    "127.0.0.2:5265",
    "127.1:5265",
    "0x7f000001:5265",
    "2130706433:5265",
    "0.0.0.0:5265",
    "[::1]:5265",
    "[::ffff:127.0.0.1]:5265",
    "localhost",
    "localhost:80",
    "localhost.:5265",
    "localhost.evil.example:5265",
    "LOCALHOST:5265",
    "evil@localhost:5265",
    "localhost:5265@evil.example",
    "localhost:5265/evil",
    "localhost:5265,evil.example",
    "127.0.0.1:5265 evil.example",
    "192.168.1.5:5265",
    "",
    " ",
    "?",
    "#",
    "jamlink:5265",
]

FOREIGN_ORIGINS = [
    "null",
    "",
    "http://evil.example",
    "https://evil.example",
    "http://evil.example:5265",
    "http://127.0.0.1",
    "http://127.0.0.1:80",
    "http://127.0.0.1:5266",
    "http://127.0.0.1:52650",
    "http://127.0.0.1:5265/",
    "http://127.0.0.1:5265/page",
    "http://127.0.0.1:5265#",
    "http://127.0.0.1:5265 http://evil.example",
    "http://127.0.0.1:5265, http://evil.example",
    "http://127.0.0.1:5265.evil.example",
    "http://127.0.0.1:5265@evil.example",
    "http://127.0.0.1.evil.example:5265",
    "https://127.0.0.1:5265",
    "ws://127.0.0.1:5265",
    "wss://127.0.0.1:5265",
    "file://",
    "file:///tmp/page.html",
    "data:",
    "blob:http://127.0.0.1:5265",
    "about:blank",
    "javascript:0",
    "chrome-extension://abcdefghijklmnop",
    "moz-extension://2c7e",
    "capacitor://localhost",
    "ionic://localhost",
    "app://localhost",
    "tauri://localhost",
    "http://localhost",
    "http://localhost:80",
    "http://localhost:3000",
    "http://localhost:5266",
    "http://localhost.:5265",
    "http://localhost.evil.example:5265",
    "http://localhost:5265.evil.example",
    "http://evil.localhost:5265",
    "http://LOCALHOST:5265",
    "HTTP://127.0.0.1:5265",
    "http://[::1]:5265",
    "http://[::ffff:127.0.0.1]:5265",
    "http://0.0.0.0:5265",
    "http://127.1:5265",
    "http://2130706433:5265",
    "http://192.168.1.5:5265",
    "http://user@127.0.0.1:5265",
    "http://127.0.0.1:5265\u00a0evil",
    "127.0.0.1:5265",
    "//127.0.0.1:5265",
]


def one_sentence(text: str) -> bool:
    return len(text) > 10 and text.count("\n") == 0


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("route", ROUTES)
def test_a_name_that_is_not_ours_gets_nothing(house, host, route):
    answer = house.client().get(route, headers={"host": host, **BEARER})
    assert answer.status_code == 400
    assert "own address" in answer.text
    assert one_sentence(answer.text)


def refused(house, *, words=WORDS, headers) -> WebSocketDenialResponse:
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        house.client().websocket_connect(SOCKET, words, headers=headers),
    ):
        pass
    assert one_sentence(denied.value.text)
    return denied.value


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_is_not_ours_opens_no_websocket(house, host):
    assert refused(house, headers={"host": host, "origin": f"http://{host}"}).status_code == 400


def test_there_are_fifty_foreign_origins():
    assert len(set(FOREIGN_ORIGINS)) >= 50


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_opens_no_websocket_even_with_the_token(house, origin):
    assert refused(house, headers={"origin": origin.encode()}).status_code == 403
    assert house.gestures() == []


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_page_fetches_nothing_even_with_the_token(house, origin):
    for route in ROUTES:
        answer = house.client().get(route, headers={"origin": origin.encode(), **BEARER})
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("headers", [[b"http://127.0.0.1:5265"] * 2, [b"http://127.0.0.1:5265", b"null"]])
def test_two_origins_are_no_origin(headers):
    with pytest.raises(Refusal):
        check_origin(b"127.0.0.1:5265", [(b"origin", value) for value in headers], required=True)


@pytest.mark.parametrize("values", [[], [b"127.0.0.1:5265"] * 2, [b"127.0.0.1:5265", b"evil.example"]])
def test_two_names_or_none_are_no_name(values):
    with pytest.raises(Refusal):
        check_host(PLAYER_DOOR, [(b"host", value) for value in values])


def test_nobody_says_no_origin(house):
    assert refused(house, headers={}).status_code == 403


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["jamlink"],
        ["jamlink", "token."],
        ["jamlink", f"token.{TOKEN[:-1]}"],
        ["jamlink", f"token.{TOKEN}x"],
        ["jamlink", f"token.{TABLET_TOKEN}"],
        ["jamlink", f"token.{TOKEN}", f"token.{TABLET_TOKEN}"],
        ["jamlink", TOKEN],
        [f"token.{TOKEN}"],
        ["chat", f"token.{TOKEN}"],
    ],
)
def test_without_the_token_no_websocket_opens(house, words):
    assert refused(house, words=words, headers={"origin": ORIGIN}).status_code in (400, 401)


@pytest.mark.parametrize("route", ["/history?before=1", "/export/midi", "/export/session", "/export/nothing"])
@pytest.mark.parametrize(
    "shown", [None, "", TOKEN, "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Code {CODE}"]
)
def test_without_the_token_nothing_is_given(house, route, shown):
    answer = house.client().get(route, headers={} if shown is None else {"authorization": shown})
    assert answer.status_code == 401
    assert one_sentence(answer.text)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_nothing_can_be_changed_over_http(house, method, route):
    answer = house.client().request(method, route, headers=BEARER)
    assert answer.status_code == 405
    assert "read" in answer.text


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
def test_a_form_of_another_site_does_nothing(house, kind):
    headers = {"content-type": kind, "origin": "http://evil.example", "sec-fetch-site": "cross-site"}
    for route in ROUTES:
        assert house.client().post(route, content=b"kind=panic", headers=headers).status_code == 403
    assert house.client().post("/", content=b"kind=panic", headers={"content-type": kind}).status_code == 405
    assert house.gestures() == []


def test_nothing_is_sent_along_with_a_question(house):
    assert house.client().request("GET", "/", content=b"x" * 100).status_code == 413


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
def test_another_site_may_link_to_the_page_and_fetch_no_part_of_it(house, site):
    linked = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    fetched = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    assert house.client().get("/", headers=linked).status_code == 200
    assert house.client().get("/", headers=fetched).status_code == 403
    assert house.client().get("/static/index.html", headers=linked).status_code == 403


@pytest.mark.parametrize("route", ["/", "/static/index.html", "/nowhere"])
def test_every_answer_carries_the_pages_rules(house, route):
    headers = house.client().get(route).headers
    rules = headers["content-security-policy"]
    assert rules == policy("127.0.0.1:5265")
    assert "default-src 'self'" in rules
    assert "unsafe" not in rules
    assert "frame-ancestors 'none'" in rules
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert not [name for name in headers if name.startswith("access-control")]
    assert "set-cookie" not in headers


def test_the_page_itself_is_let_in_and_plays(house):
    with house.client().websocket_connect(SOCKET, WORDS, headers={"origin": ORIGIN}) as page:
        assert page.accepted_subprotocol == "jamlink"
        assert read(page.receive_text()) == Hello()
        shown = read(page.receive_text())
        assert isinstance(shown, Snapshot)
        assert shown.state["key"] == "C"
        assert shown.state["page"] == {"role": "player", "lan": TABLET_DOOR.address, "code": CODE}
        page.send_text('{"kind":"do","action":"panic"}')
        page.send_text('{"kind":"dance"}')
        assert isinstance(read(page.receive_text()), Notice)
    assert house.gestures() == [Do(Action.PANIC, "page")]


def test_localhost_is_a_name_of_this_machine_and_not_of_the_network_door():
    assert hosts(PLAYER_DOOR) == {b"127.0.0.1:5265", b"localhost:5265"}
    assert hosts(TABLET_DOOR) == {b"192.168.1.5:5265"}


# -- the tablet -------------------------------------------------------------------------------------------------------

LAN, LAN_SOCKET = "http://192.168.1.5:5265", "ws://192.168.1.5:5265/ws"


def test_whoever_knows_the_code_is_given_the_tablets_token(house):
    answer = house.client(LAN).get("/pair", headers={"authorization": f"Code {CODE}"})
    assert answer.json() == {"token": TABLET_TOKEN}


def test_the_players_own_door_gives_no_token_away(house):
    assert house.client().get("/pair", headers={"authorization": f"Code {CODE}"}).status_code == 404
    assert house.client().get("/pair", headers={"authorization": "Code "}).status_code == 404


def test_ten_thousand_guesses_are_refused_and_then_the_right_code_too(house):
    client = house.client(LAN)
    wrong = [client.get("/pair", headers={"authorization": f"Code {n:06}"}).status_code for n in range(TRIES)]
    assert wrong == [401] * TRIES
    pairing = Pairing()
    for guess in range(10_000):
        with pytest.raises(Refusal):
            pairing.token(TABLET_DOOR, [(b"authorization", b"Code %06d" % guess)])
    locked = client.get("/pair", headers={"authorization": f"Code {CODE}"})
    assert locked.status_code == 429
    assert "start jamlink again" in locked.text


def test_the_players_token_opens_nothing_at_the_networks_door(house):
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        house.client(LAN).websocket_connect(LAN_SOCKET, WORDS, headers={"origin": LAN}),
    ):
        pass
    assert denied.value.status_code == 401


@pytest.mark.parametrize(
    "message",
    [
        '{"kind":"quit"}',
        '{"kind":"do","action":"play-stop"}',
        '{"kind":"do","action":"clear"}',
        '{"kind":"tempo","bpm":90}',
        '{"kind":"roles","roles":["chords"]}',
        '{"kind":"ports","input":"","output":""}',
        '{"kind":"channels","channels":{"chords":1}}',
        '{"kind":"note","index":0,"note":0,"pitch":60}',
        '{"kind":"bring_back","id":1}',
        '{"kind":"style","style":"jazz"}',
        '{"kind":"learn","control":"accept"}',
        '{"kind":"chord","index":0,"symbol":"C"}',
        '{"kind":"play","on":true,"pitch":60}',
        '{"kind":"quit","action":"accept"}',
    ],
)
def test_a_tablet_may_not(house, message):
    with house.client(LAN).websocket_connect(LAN_SOCKET, TABLET_WORDS, headers={"origin": LAN}) as tablet:
        assert read(tablet.receive_text()) == Hello()
        shown = read(tablet.receive_text())
        assert shown.state["page"] == {"role": "tablet", "lan": "", "code": ""}
        tablet.send_text(message)
        assert read(tablet.receive_text()) == Notice(NOT_A_TABLET)
    assert house.gestures() == []
    assert not house.hub.leaving
    assert house.hub.played(0) == []


def test_a_tablet_may_take_refuse_take_back_and_silence(house):
    actions = [Action.ACCEPT, Action.REJECT, Action.PICK_3, Action.UNDO, Action.PREVIEW, Action.PANIC, Action.SELECT]
    with house.client(LAN).websocket_connect(LAN_SOCKET, TABLET_WORDS, headers={"origin": LAN}) as tablet:
        for action in actions:
            tablet.send_text(f'{{"kind":"do","action":"{action.value}"}}')
        tablet.send_text('{"kind":"ping","t":1}')
        while '"pong"' not in tablet.receive_text():
            pass
    assert house.gestures() == [Do(action, "page") for action in actions]


@pytest.mark.parametrize("kind", ["midi", "musicxml", "session", "nothing"])
def test_a_tablet_takes_no_files_home(house, kind):
    answer = house.client(LAN).get(f"/export/{kind}", headers={"authorization": f"Bearer {TABLET_TOKEN}"})
    assert answer.status_code == 403
    assert "at the computer" in answer.text
