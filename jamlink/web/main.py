"""The page's process: `python -m jamlink.web.main --fd N --slip M`, started by the session process, ends with it.

One event loop: the connection to the session, and every page. When the session says goodbye, or is gone, the pages are
told and the process ends. It may be killed at any moment: the keeper starts another at the same address.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from jamlink.runtime.ipc import Framed, inherited
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.view.protocol import COMMAND_LIMIT
from jamlink.web.pages import MOST_PAGES, Pages
from jamlink.web.server import about, application
from jamlink.web.slip import Slip, read_slip

MOST_CONNECTIONS = 4 * MOST_PAGES
"""A browser opens up to six to fetch a page's parts."""
_LONGEST_HEAD = 16 * 1024
_LAST_WORDS_S = 1
"""How long pages have to take the goodbye."""


def main() -> None:
    """Serve until the session goes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--slip", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(serve(inherited(arguments.fd), read_slip(arguments.slip)))


class _Server(uvicorn.Server):
    """A server that leaves signals alone: the page's process may end on one as it stands."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is caught."""
        yield


async def serve(hub: Framed, slip: Slip) -> None:
    """Answer at every door of `slip`, showing what `hub` says. Each door has a server of its own: strangers who fill
    the one to the network do not shut the player out."""
    pages = Pages(hub, MonotonicClock(), lambda role: about(slip, role))
    app = application(pages, slip)
    servers = [_Server(_config(app)) for _ in slip.doors]
    loop, reading = asyncio.get_running_loop(), hub.fileno()

    def hear() -> None:
        pages.hear()
        if pages.over:
            loop.remove_reader(reading)
            for server in servers:
                server.should_exit = True

    loop.add_reader(reading, hear)
    listeners = [socket.socket(fileno=descriptor) for descriptor in slip.descriptors]
    await asyncio.gather(*(server.serve([at]) for server, at in zip(servers, listeners, strict=True)))


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # our guard's types are its own
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=COMMAND_LIMIT,
        ws_per_message_deflate=False,  # this machine or the next room: bytes are cheaper than time
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_LAST_WORDS_S,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


if __name__ == "__main__":
    main()
