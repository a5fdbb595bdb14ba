"""Bitwig Studio through the OSC protocol of DrivenByMoss, an extension that its user installs (mossgrabers.de, LGPL-3).

Facts from its documentation (git-moss/DrivenByMoss-Documentation, "Open Sound Control (OSC)"): `/play {0,1}`, `/stop`,
`/record`, `/repeat`, `/undo`, `/tempo/raw` are received; `/play`, `/record`, `/tempo/raw` and `/beat/str` (bar, quarter
and more) are sent; `/refresh` makes it send everything. Hosts and ports are typed in at both ends; 8000 to listen on
and 9000 to send to are its first values. It moves no notes into a clip: use the MIDI ports, or the clips folder in the
browser.
"""

from __future__ import annotations

from collections.abc import Callable

from jamlink.bridges import base
from jamlink.bridges.base import Can, Order, Report
from jamlink.osc.packet import Message


class Bitwig:
    """See the module and `base.Bridge`."""

    name = "Bitwig Studio"
    can = frozenset(
        {
            Can.PLAY,
            Can.RECORD,
            Can.SET_TEMPO,
            Can.LOOP,
            Can.UNDO,
            Can.TELLS_PLAYING,
            Can.TELLS_TEMPO,
            Can.TELLS_POSITION,
            Can.ANSWERS,
        }
    )
    port = 8_000
    reply_port = 9_000

    def greet(self) -> list[Message]:
        """Everything is told anew."""
        return self.ask()

    def ask(self) -> list[Message]:
        """Flushes everything it has to say."""
        return [Message("/refresh")]

    def encode(self, order: Order) -> list[Message]:
        """See `base.Bridge`."""
        match order:
            case base.Play(on):
                return [Message("/play", (int(on),))]
            case base.ToggleRecord():
                return [Message("/record")]
            case base.SetTempo(bpm):
                return [Message("/tempo/raw", (float(bpm),))]
            case base.ToggleLoop():
                return [Message("/repeat")]
            case base.Undo():
                return [Message("/undo")]
            case _:
                raise base.refuse(self, order)

    def decode(self, message: Message) -> Report | None:
        """See `base.Bridge`. Anything that comes says that it is there."""
        reader = _READERS.get(message.address)
        return reader(message) if reader else base.Alive()


def _position(message: Message) -> Report:
    """ "12.3.1:45": bar, quarter, and what lies between."""
    bar, _, rest = base.words(message).partition(".")
    beat, _, _ = rest.partition(".")
    try:
        return base.PositionIs(int(bar), int(beat))
    except ValueError:
        raise base.odd(message) from None


_READERS: dict[str, Callable[[Message], Report]] = {
    "/play": lambda message: base.Playing(base.switch(message)),
    "/record": lambda message: base.Recording(base.switch(message)),
    "/tempo/raw": base.tempo,
    "/beat/str": _position,
}
