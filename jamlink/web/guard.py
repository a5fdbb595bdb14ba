"""The guard before the application: every request and every WebSocket passes here first, whatever its path.

ASGI, so that what is checked is what came over the wire. What is let in carries the door it came by and its Host in
`scope["state"]`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from jamlink.web import access
from jamlink.web.access import Refusal
from jamlink.web.slip import Door

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

DOOR, HOST = "door", "host"
"""Names in `scope["state"]`."""


def policy(host: str) -> str:
    """What the page may load: its own files, and the WebSocket of the very address it came from."""
    return (
        f"default-src 'self'; connect-src 'self' ws://{host}; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _headers(host: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-security-policy", policy(host.decode("latin-1")).encode("latin-1")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-frame-options", b"DENY"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cross-origin-embedder-policy", b"require-corp"),
        (b"cache-control", b"no-cache"),
    ]


class Guard:
    """An application behind its doors."""

    def __init__(self, app: App, doors: Sequence[Door]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in, or answer with one sentence."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        web_socket = scope["type"] == "websocket"
        try:
            door, host = self._check_socket(scope) if web_socket else self._check_request(scope)
        except Refusal as refusal:
            await refuse(refusal, send, web_socket=web_socket, reading=scope.get("method") != "HEAD")
            return
        scope.setdefault("state", {}).update({DOOR: door, HOST: host})
        await self._app(scope, receive, send if web_socket else _guarded(send, host))

    def _check_request(self, scope: Scope) -> tuple[Door, bytes]:
        headers = scope["headers"]
        door = access.door_of(self._doors, scope.get("server"))
        host = access.check_host(door, headers)
        access.check_origin(host, headers, required=False)
        access.check_fetch(headers, navigable=scope["path"] == "/")
        access.check_reading(scope["method"].encode(), headers)
        return door, host

    def _check_socket(self, scope: Scope) -> tuple[Door, bytes]:
        headers = scope["headers"]
        door = access.door_of(self._doors, scope.get("server"))
        host = access.check_host(door, headers)
        access.check_origin(host, headers, required=True)
        access.check_subprotocols(door, scope["subprotocols"])
        return door, host


def _guarded(send: Send, host: bytes) -> Send:
    """Every answer carries the page's rules."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *(h for h in _headers(host) if h[0] not in names)]
        await send(message)

    return sending


async def refuse(refusal: Refusal, send: Send, *, web_socket: bool, reading: bool = True) -> None:
    """The sentence as plain text. A WebSocket is refused before it is opened."""
    kind = "websocket.http.response" if web_socket else "http.response"
    body = refusal.sentence.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body if reading else b""})
