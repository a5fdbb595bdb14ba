"""What the page's process answers: the page itself, its WebSocket, and files to take home. Behind the guard.

GET /                   the page
GET /static/...         its parts
GET /pair               the token of this door, for the code on the host's screen (Authorization: Code 123456)
GET /history?before=ID  older ideas, as JSON           (Authorization: Bearer TOKEN)
GET /export/KIND?name=  a file                         (likewise, and only at the host's own machine)
/ws                     the conversation of jamlink/view/protocol.py, one JSON text frame a message
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from jamlink.errors import JamlinkError, Nonsense
from jamlink.web import access, exports
from jamlink.web.access import Pairing, Refusal
from jamlink.web.guard import DOOR, App, Guard, refuse
from jamlink.web.pages import Page, Pages
from jamlink.web.slip import Door, Role, Slip

STATIC = Path(__file__).parent / "static"
TOO_MUCH = 1008
"""The code with which a WebSocket is closed on somebody who broke a rule (RFC 6455, 7.4.1)."""
OVER = 1001
"""And where the server goes."""

_KINDS = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
"""Said here, because what the system's own table says can be anything, and a module of another type does not run."""


T = TypeVar("T")


class _Parts(StaticFiles):
    """The page's own files, each with a type that a browser takes."""

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        kind = _KINDS.get(Path(full_path).suffix)
        if kind is not None and "content-type" in response.headers:
            response.headers["content-type"] = f"{kind}; charset=utf-8"
        return response


class Server:
    """The answers, of one session. One thread, the event loop's; files are made in others."""

    def __init__(self, pages: Pages, slip: Slip) -> None:
        self._pages = pages
        self._session = Path(slip.session)
        self._pairing = Pairing()
        self._modules = _preloads()
        self._one_at_a_time = anyio.CapacityLimiter(1)
        """Files and old ideas take a processor for up to a second; the pages' news go on beside one, not ten."""

    def routes(self) -> Sequence[Any]:
        """For Starlette."""
        return [
            Route("/", self.page),
            Route("/pair", self.pair),
            Route("/history", self.history),
            Route("/export/{kind}", self.export),
            WebSocketRoute("/ws", self.socket),
            Mount("/static", _Parts(directory=STATIC, check_dir=False)),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        headers = {"link": self._modules} if self._modules else {}
        return FileResponse(STATIC / "index.html", media_type="text/html", headers=headers)

    async def pair(self, request: Request) -> Response:
        """The token for the code."""
        return JSONResponse({"token": self._pairing.token(_door(request.scope), request.scope["headers"])})

    async def history(self, request: Request) -> Response:
        """Older ideas."""
        access.check_bearer(_door(request.scope), request.scope["headers"])
        before = request.query_params.get("before", "")
        if not before.isascii() or not before.isdigit() or len(before) > 12:
            raise Nonsense("There is no such idea.", "Ask for the ideas before one of the list.")
        return JSONResponse(await self._made(exports.history, self._session, int(before)))

    async def export(self, request: Request) -> Response:
        """A file to take home."""
        door = _door(request.scope)
        access.check_bearer(door, request.scope["headers"])
        if door.role is not Role.PLAYER:
            raise Refusal(403, "Files are taken home at the computer that jamlink runs on.")
        kind = exports.EXPORTS.get(request.path_params["kind"])
        if kind is None:
            raise Refusal(404, f"There is no such export; choose one of {', '.join(exports.EXPORTS)}.")
        title = request.query_params.get("name", "")
        name = exports.plain_name(title, self._session.stem) + kind.ending
        body = await self._made(kind.make, self._session, title.strip())
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(body, media_type=kind.media_type, headers=headers)

    async def _made(self, make: Callable[..., T], *of: Any) -> T:
        return await anyio.to_thread.run_sync(make, *of, limiter=self._one_at_a_time)

    async def socket(self, socket: WebSocket) -> None:
        """One page's conversation, until either side ends it."""
        try:
            page = self._pages.open(_door(socket.scope).role)
        except Refusal as refusal:
            await refuse(refusal, socket._send, web_socket=True)
            return
        try:
            await socket.accept(subprotocol=access.SUBPROTOCOL)
            await _converse(socket, page, self._pages)
        finally:
            self._pages.close(page)


def _preloads() -> str:
    """A Link header with every module of the page: a browser then asks for all at once, not level by level."""
    paths = sorted(path.relative_to(STATIC).as_posix() for path in (STATIC / "js").rglob("*.js"))
    return ", ".join(f"</static/{path}>; rel=modulepreload" for path in paths)


async def _converse(socket: WebSocket, page: Page, pages: Pages) -> None:
    """Both directions at once; the first that ends ends the other."""

    async def one(way: Awaitable[None]) -> None:
        with suppress(WebSocketDisconnect):
            await way
        both.cancel_scope.cancel()

    async with anyio.create_task_group() as both:
        both.start_soon(one, _tell(socket, page))
        both.start_soon(one, _listen(socket, page, pages))


async def _tell(socket: WebSocket, page: Page) -> None:
    while True:
        for text in page.fetch():
            await socket.send_text(text)
        if page.ended:
            await socket.close(OVER)
            return
        await page.news.wait()


async def _listen(socket: WebSocket, page: Page, pages: Pages) -> None:
    while not page.ended:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        pages.said(page, message.get("text") or "")
    await anyio.sleep_forever()  # the last words are on their way; telling ends the conversation


def _door(scope: Scope) -> Door:
    door = scope["state"][DOOR]
    assert isinstance(door, Door)
    return door


def about(slip: Slip, role: Role) -> dict[str, Any]:
    """The section "page" of a page's state: its role, and for the player what a tablet needs to come in."""
    tablet = slip.of(Role.TABLET) if role is Role.PLAYER else None
    return {
        "role": role.value,
        "lan": tablet.address if tablet else "",
        "code": tablet.code if tablet else "",
    }


def _trouble(status: int) -> Any:
    async def answer(request: Request, trouble: Exception) -> Response:
        return PlainTextResponse(str(trouble), status)

    return answer


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return PlainTextResponse(refusal.sentence, refusal.status)


async def _not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse("There is nothing at this address.", error.status_code)


def application(pages: Pages, slip: Slip) -> App:
    """Everything, behind the guard."""
    handlers: dict[Any, Any] = {
        Nonsense: _trouble(400),
        JamlinkError: _trouble(503),
        Refusal: _refused,
        HTTPException: _not_found,
    }
    inner = Starlette(routes=list(Server(pages, slip).routes()), exception_handlers=handlers)
    inner.router.redirect_slashes = False  # it would send the client where the client's own words say
    return Guard(inner, slip.doors)
