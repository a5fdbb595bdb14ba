"""Who may come in. Pure: raw headers go in, a role or one sentence comes out.

A page of another site open in the same browser, a name that was made to point here, another machine in the network and
a forged form are all told apart from jamlink's own page by what they cannot forge: the exact Host, the exact Origin,
and a token that no other page knows. Starlette's own tools are not asked: they rebuild the address from what the client
sent, and let foreign Origins open a WebSocket.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from jamlink.web.slip import Door, Role

Headers = Sequence[tuple[bytes, bytes]]
"""As they came over the wire, names in lower case, doubles kept."""

SUBPROTOCOL = "jamlink"
TOKEN_MARK = "token."
"""A page shows its token as a second subprotocol: a WebSocket of a browser can carry nothing else of its own."""
BEARER = b"Bearer "
PAIRING = b"Code "
TRIES = 5
"""Wrong codes before nobody is paired any more, until jamlink is started again."""

READ_ONLY = (b"GET", b"HEAD")


class Refusal(Exception):
    """Why not, in one sentence, with the HTTP status that says so to programs."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


def hosts(door: Door) -> frozenset[bytes]:
    """The names that the door goes by."""
    names = {door.host, "localhost"} if door.role is Role.PLAYER else {door.host}
    return frozenset(f"{name}:{door.port}".encode() for name in names)


def door_of(doors: Iterable[Door], local: tuple[str, int | None] | None) -> Door:
    """The door whose socket took the connection. Raises `Refusal` for one of nobody's."""
    for door in doors:
        if local is not None and (door.host, door.port) == (local[0], local[1]):
            return door
    raise Refusal(421, "Nobody is at home at this address.")


def check_host(door: Door, headers: Headers) -> bytes:
    """The one Host header, which must be the door's own name. Raises `Refusal`."""
    found = _all(headers, b"host")
    if len(found) != 1 or found[0] not in hosts(door):
        raise Refusal(400, f"jamlink answers only to its own address, {door.address}")
    return found[0]


def check_origin(host: bytes, headers: Headers, *, required: bool) -> None:
    """The page that asks must be ours. `required` for WebSockets, where every browser says it. Raises `Refusal`."""
    found = _all(headers, b"origin")
    if not found and not required:
        return
    if found != [b"http://" + host]:
        raise Refusal(403, "Only jamlink's own page may ask.")


def check_fetch(headers: Headers, *, navigable: bool) -> None:
    """What the browser says about who asks: a foreign page may link to the page but fetch nothing. Raises `Refusal`."""
    sites, modes = _all(headers, b"sec-fetch-site"), _all(headers, b"sec-fetch-mode")
    ours = all(site in (b"same-origin", b"none") for site in sites)
    if not ours and not (navigable and modes == [b"navigate"]):
        raise Refusal(403, "Only jamlink's own page may ask.")


def check_reading(method: bytes, headers: Headers) -> None:
    """Over HTTP everything is only read, and nothing is sent along. Raises `Refusal`."""
    if method not in READ_ONLY:
        raise Refusal(405, "Here everything is only read; open the page to play.")
    if _all(headers, b"transfer-encoding") or any(length != b"0" for length in _all(headers, b"content-length")):
        raise Refusal(413, "Nothing may be sent along with a question.")


def check_bearer(door: Door, headers: Headers) -> None:
    """The token, in the Authorization header. Raises `Refusal`."""
    found = _all(headers, b"authorization")
    shown = found[0].removeprefix(BEARER) if len(found) == 1 and found[0].startswith(BEARER) else b""
    _check_token(door, shown)


def check_subprotocols(door: Door, offered: Sequence[str]) -> None:
    """Ours, and the token beside it. Raises `Refusal`."""
    if SUBPROTOCOL not in offered:
        raise Refusal(400, "This is no page of jamlink; open the address that jamlink shows.")
    shown = [word.removeprefix(TOKEN_MARK) for word in offered if word.startswith(TOKEN_MARK)]
    _check_token(door, shown[0].encode(errors="replace") if len(shown) == 1 else b"")


def _check_token(door: Door, shown: bytes) -> None:
    if not hmac.compare_digest(shown, door.token.encode()):
        raise Refusal(401, "This page is not of this start of jamlink; open the address that jamlink shows now.")


class Pairing:
    """Tokens for whoever knows the code on the host's screen. One thread."""

    def __init__(self) -> None:
        self._wrong = 0

    @property
    def closed(self) -> bool:
        """Whether too many wrong codes came."""
        return self._wrong >= TRIES

    def token(self, door: Door, headers: Headers) -> str:
        """The door's token for the right code in the Authorization header. Raises `Refusal`."""
        if not door.code:
            raise Refusal(404, "No code is needed here; open the address that jamlink shows.")
        if self.closed:
            raise Refusal(429, "Too many wrong codes came; start jamlink again to pair a tablet.")
        found = _all(headers, b"authorization")
        shown = found[0].removeprefix(PAIRING) if len(found) == 1 else b""
        if not hmac.compare_digest(shown, door.code.encode()):
            self._wrong += 1
            raise Refusal(401, "That is not the code on jamlink's screen.")
        return door.token


def _all(headers: Headers, name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
