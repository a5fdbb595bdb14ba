"""Which sentence the player sees: a new notice for a while, else what is wrong now, one trouble after the other."""

from __future__ import annotations

from dataclasses import dataclass

from jamlink.timing.units import Ns, ms
from jamlink.view.picture import Picture

NOTICE_STAYS = ms(6_000)
TROUBLE_TURN = ms(4_000)
"""Where several things are wrong, each is shown so long."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`urgent` where the player should do something about it."""

    text: str = ""
    urgent: bool = False


class Bulletin:
    """One thread. Knows which notices it has seen."""

    def __init__(self) -> None:
        self._seen: tuple[str, ...] = ()
        self._notice = ""
        self._until = Ns(0)

    def say(self, text: str, now: Ns) -> None:
        """A sentence of the view itself."""
        self._notice, self._until = text, Ns(now + NOTICE_STAYS)

    def look(self, picture: Picture, now: Ns) -> None:
        """Take up what the session says, if it is new."""
        if picture.notices != self._seen:
            self._seen = picture.notices
            if picture.notices:
                self.say(picture.notices[-1], now)

    def sentence(self, picture: Picture | None, now: Ns) -> Sentence:
        """What to show at `now`; empty where all is well."""
        if now < self._until:
            return Sentence(self._notice)
        if picture is None or not picture.trouble:
            return Sentence()
        turn = now // TROUBLE_TURN % len(picture.trouble)
        count = f"({turn + 1} of {len(picture.trouble)}) " if len(picture.trouble) > 1 else ""
        return Sentence(count + picture.trouble[turn], urgent=True)
