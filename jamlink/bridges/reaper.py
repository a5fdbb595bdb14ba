"""REAPER through its OSC control surface, with the pattern file that REAPER ships ("Default").

Facts from that file's own lines (Default.ReaperOSC) and from reaper.fm/sdk/osc/osc.php: `t/play`, `t/stop`, `t/record`,
`t/repeat` are triggers, which a message without arguments or with 1 presses, and which come back with their state as a
float; `f/tempo/raw` is the tempo both ways; `s/beat/str` says where it is, "12.3.45"; `i/action` runs an action by its
number from the action list. Ports are what the user types in; 8000 to listen on and 9000 to send to are what most
guides have. OSC puts no notes into a project: use the MIDI ports, or the clips folder in the Media Explorer.

Nothing in the pattern file is a question, and nothing comes while nothing happens: asked is action 41743 of the list,
"Control surface: refresh all surfaces", after which everything is told anew.
"""

from __future__ import annotations

from collections.abc import Callable

from jamlink.bridges import base
from jamlink.bridges.base import Can, Order, Report
from jamlink.osc.packet import Message

UNDO_ACTION = 40_029
MARKER_ACTION = 40_157
REFRESH_ACTION = 41_743


class Reaper:
    """See the module and `base.Bridge`."""

    name = "REAPER"
    can = frozenset(
        {
            Can.PLAY,
            Can.RECORD,
            Can.SET_TEMPO,
            Can.LOOP,
            Can.UNDO,
            Can.MARKER,
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
        """See the module."""
        return [_action(REFRESH_ACTION)]

    def encode(self, order: Order) -> list[Message]:
        """See `base.Bridge`. A marker gets a number, no name."""
        match order:
            case base.Play(on):
                return [Message("/play" if on else "/stop", (1.0,))]
            case base.ToggleRecord():
                return [Message("/record", (1.0,))]
            case base.SetTempo(bpm):
                return [Message("/tempo/raw", (float(bpm),))]
            case base.ToggleLoop():
                return [Message("/repeat", (1.0,))]
            case base.Undo():
                return [_action(UNDO_ACTION)]
            case base.Marker():
                return [_action(MARKER_ACTION)]
            case _:
                raise base.refuse(self, order)

    def decode(self, message: Message) -> Report | None:
        """See `base.Bridge`. Anything that comes says that it is there."""
        reader = _READERS.get(message.address)
        return reader(message) if reader else base.Alive()


def _action(number: int) -> Message:
    return Message("/action", (number,))


def _position(message: Message) -> Report:
    """ "12.3.45": bar, beat, hundredths."""
    bar, _, rest = base.words(message).partition(".")
    beat, _, _ = rest.partition(".")
    try:
        return base.PositionIs(int(bar), int(beat))
    except ValueError:
        raise base.odd(message) from None


def _stopped(message: Message) -> Report:
    return base.Playing(False) if base.switch(message) else base.Alive()


_READERS: dict[str, Callable[[Message], Report]] = {
    "/play": lambda message: base.Playing(base.switch(message)),
    "/stop": _stopped,
    "/record": lambda message: base.Recording(base.switch(message)),
    "/tempo/raw": base.tempo,
    "/beat/str": _position,
}
