"""What the page's process is told by whoever starts it: doors that are open already, and the words that open them.

The foreground opens the doors (listening sockets), so that an address that is taken is said before anything starts, and
so that the address stays the same when the page's process is started again. Words that must stay secret travel in a
file without a name that the children inherit: a command line can be read by everybody on the machine. Standard
library and msgspec only.
"""

from __future__ import annotations

import errno
import os
import secrets
import socket
import tempfile
from collections.abc import Iterable
from enum import Enum

import msgspec

from jamlink.errors import Nonsense, Unavailable

USUAL_PORT = 5265
"""Tried first where no port is named, so that the page's address is the same each time."""
TOKEN_BYTES = 32
CODE_DIGITS = 6
WAITING_CONNECTIONS = 64
_SEND_BUFFER = 64 * 1024
"""Bytes that the system keeps for a page that does not read; what more it misses comes as one snapshot."""
_SLIP_LIMIT = 64 * 1024


class Role(Enum):
    """Who comes in by a door."""

    PLAYER = "player"
    """At this machine: may do everything."""
    TABLET = "tablet"
    """In the same network, with the pairing code: may see, choose, hear, take, refuse, take back and silence."""


class Door(msgspec.Struct, frozen=True):
    """A listening socket, by its descriptor, and the token that whoever comes in by it must show."""

    descriptor: int
    host: str
    port: int
    role: Role
    token: str
    code: str = ""
    """Shown on the host's screen; whoever knows it is given the token. Empty: nobody is."""

    @property
    def address(self) -> str:
        """Without the token."""
        return f"http://{self.host}:{self.port}/"

    @property
    def link(self) -> str:
        """What opens the page at once. The part after # is never sent over a wire nor written to a log."""
        return f"{self.address}#{self.token}"


class Slip(msgspec.Struct, frozen=True):
    """Everything the page's process needs. `session` is the session file."""

    doors: tuple[Door, ...]
    session: str

    def of(self, role: Role) -> Door | None:
        """The door for `role`."""
        return next((door for door in self.doors if door.role is role), None)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a child must inherit beside the slip."""
        return tuple(door.descriptor for door in self.doors)


def open_doors(port: int, *, lan: bool = False, address: str = "") -> tuple[Door, ...]:
    """Listen: on `port`, or on the usual one or any where that is 0; with `lan` in the network too, at `address` where
    one is said. Raises `Unavailable` where the port is taken or there is no network, `Nonsense` for no port at all."""
    if not 0 <= port <= 65_535:
        raise Nonsense(f"{port} is no port.", "Choose a number from 1024 to 65535, or 0 for any.")
    if address in ("0.0.0.0", "::"):
        raise Nonsense(f"{address} is every address at once.", "Name the one that the tablet can reach.")
    doors = [_door("127.0.0.1", port, Role.PLAYER)]
    if lan:
        try:
            doors.append(_door(address or _own_address(), port or doors[0].port, Role.TABLET))
        except Unavailable:
            close_doors(doors)
            raise
    return tuple(doors)


def close_doors(doors: Iterable[Door]) -> None:
    """Give this process's hold on the doors up; children that inherited them keep theirs."""
    for door in doors:
        os.close(door.descriptor)


def _door(host: str, port: int, role: Role) -> Door:
    with _listen(host, port) as listener:
        taken = listener.getsockname()[1]
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS)) if role is Role.TABLET else ""
        return Door(listener.detach(), host, taken, role, secrets.token_urlsafe(TOKEN_BYTES), code)


def _listen(host: str, port: int) -> socket.socket:
    for attempt in (port,) if port else (USUAL_PORT, 0):
        try:
            return _listener(host, attempt)
        except OSError as trouble:
            found = trouble
            if trouble.errno != errno.EADDRINUSE:
                break
    why = (found.strerror or "the system refuses").lower()
    remedy = "Choose another with --port, or leave it out." if port else "Start without --lan, or with --terminal."
    raise Unavailable(f"The page cannot be shown at {host}, port {port or USUAL_PORT}: {why}.", remedy)


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        listener.bind((host, port))
        listener.listen(WAITING_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


def _own_address() -> str:
    """This machine's address in its network, as the routing table has it; nothing is sent. Raises `Unavailable`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that nobody has (RFC 5737)
            return str(probe.getsockname()[0])
        except OSError:
            raise Unavailable(
                "This machine is in no network that a tablet could reach it by.",
                "Join one, or name this machine's address: JAMLINK_PAGE_ADDRESS=192.168.1.5.",
            ) from None


# -- handing it on ----------------------------------------------------------------------------------------------------


def write_slip(slip: Slip) -> int:
    """A descriptor of an unnamed file that holds `slip`, for children to inherit."""
    with tempfile.TemporaryFile() as file:
        file.write(msgspec.json.encode(slip))
        file.flush()
        return os.dup(file.fileno())


def read_slip(descriptor: int) -> Slip:
    """What `write_slip` wrote. May be read any number of times, by any process that inherited it."""
    return msgspec.json.decode(os.pread(descriptor, _SLIP_LIMIT, 0), type=Slip)
