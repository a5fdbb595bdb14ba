"""The session around one of its parts when something happens: all that a part goes by beside what it owns itself."""

from __future__ import annotations

from typing import NamedTuple

from jamlink.music.key import Key
from jamlink.session.listener import Listener
from jamlink.session.ours import Ours
from jamlink.session.proposal import Controls
from jamlink.session.settings import AccompanySettings, SessionSettings
from jamlink.timing.meter import Meter
from jamlink.timing.timeline import Timeline
from jamlink.timing.transport import Transport
from jamlink.timing.units import Ns, Ticks

Keys = tuple[Key | None, Key | None]
"""The key that is locked or heard, and the lock, if there is one."""


class Around(NamedTuple):
    """`model` is whether there is one to ask. What is here is looked at, never changed. A tuple, since one is made for
    everything that happens."""

    now: Ns
    transport: Transport
    listener: Listener
    settings: SessionSettings
    controls: Controls
    model: bool
    ours: Ours

    @property
    def meter(self) -> Meter:
        """As counted now."""
        return self.transport.meter

    @property
    def line(self) -> Timeline:
        """What ties ticks to the clock now."""
        return self.transport.timeline

    @property
    def tick(self) -> Ticks:
        """The last tick reached."""
        return self.transport.tick(self.now)

    @property
    def beat(self) -> int:
        """The felt beat that we are in."""
        return self.tick // self.meter.beat_ticks

    @property
    def key(self) -> Key | None:
        """The key locked or heard."""
        return self.listener.key

    @property
    def keys(self) -> Keys:
        """What a hand is made in."""
        return self.listener.key, self.listener.locked_key

    @property
    def own(self) -> AccompanySettings:
        """How the accompaniment follows."""
        return self.settings.accompany
