"""What can be wrong with a jam, looked for before it starts: later its processes would stumble over it, when nobody can
answer."""

from __future__ import annotations

import sys

from jamlink.app.following import follower
from jamlink.app.maps import bindings, mistakes_in_own_maps
from jamlink.app.proposers import without_model
from jamlink.ports.discovery import systems
from jamlink.runtime.link_peer import look_for_link
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.settings import Settings, offsets_ns, programs, remote_config, session_settings


def look_before_starting(settings: Settings) -> None:
    """Raises `Nonsense` or `Unavailable` for the first that is found."""
    session_settings(settings, 1)
    offsets_ns(settings)
    programs(settings)
    systems(settings.ports.system, "jamlink", MonotonicClock())
    bindings(settings.ports.map)
    without_model(settings)
    follower(settings)
    if settings.sync.link:
        look_for_link()
    _look_at_osc(settings)
    for mistake in mistakes_in_own_maps():
        print(f"jamlink: {mistake} Until then that map is left out.", file=sys.stderr)


def _look_at_osc(settings: Settings) -> None:
    """Raises `Unavailable` where somebody else listens where OSC is wanted."""
    config = remote_config(settings)
    if config.wanted:
        from jamlink.remote.main import sockets

        for sock in sockets(config):
            if sock is not None:
                sock.close()
