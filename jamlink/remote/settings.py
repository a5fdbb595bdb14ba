"""What the OSC process is told when it starts."""

from __future__ import annotations

from typing import Literal

import msgspec

PORT = 9_770
"""Not 3819 (Ardour), 8000 or 9000 (TouchOSC, REAPER, Bitwig), 11000 or 11001 (Live), 57120 (SuperCollider)."""

Daw = Literal["", "live", "reaper", "bitwig", "ardour"]


class OscTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[osc]: remote control, off by default. `address` is the one that is listened on, this machine's own by default;
    `senders` are the other machines that may control it, by their addresses."""

    on: bool = False
    address: str = "127.0.0.1"
    port: int = PORT
    senders: tuple[str, ...] = ()


class BridgeTable(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """[bridge]: which DAW on this machine to talk to. Ports are the DAW's own where they are 0. `transport` "follow":
    what the DAW does, jamlink does; "lead": the other way round. `clips`: what is taken becomes a clip there, from
    track `track` on, and is fired or only made."""

    daw: Daw = ""
    port: int = 0
    reply_port: int = 0
    transport: Literal["follow", "lead", "off"] = "follow"
    clips: Literal["make", "fire", "off"] = "make"
    track: int = 1


class RemoteConfig(msgspec.Struct, frozen=True):
    """Both, as JSON on the process's command line."""

    osc: OscTable
    bridge: BridgeTable

    @property
    def wanted(self) -> bool:
        """Whether the process has anything to do."""
        return self.osc.on or bool(self.bridge.daw)
