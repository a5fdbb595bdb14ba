"""Ardour through its OSC surface: transport, recording, loop, markers, position.

Facts from the Ardour manual, "Controlling Ardour with OSC" (manual.ardour.org/using-control-surfaces/
controlling-ardour-with-osc, pages "OSC control", "Feedback in OSC" and "Calculating Feedback and Strip-types Values"):

- listens on UDP 3819, on every interface; answers to the port that asked where its port mode is "auto", to 8000 where
  it is "manual";
- `/set_surface bank_size strip_types feedback fadermode` says what is wanted to be told; the bits of `feedback` are 8
  for a heart beat, 16 for the state of transport buttons (master section), 32 for bar and beat;
- a button's path comes back with its state: `/transport_play 1`, `/transport_stop 1`, `/rec_enable_toggle 1`;
  `/heartbeat` comes once a second; `/position/bbt` as text, "003|02|0480";
- `/add_marker` takes a name since 6.0.

OSC sets no tempo there, and notes get in by MIDI only: hand clips over by the clips folder.
"""

from __future__ import annotations

from collections.abc import Callable

from jamlink.bridges import base
from jamlink.bridges.base import Can, Order, Report
from jamlink.osc.packet import Message

HEARTBEAT, TRANSPORT, BAR_AND_BEAT = 8, 16, 32
FEEDBACK = HEARTBEAT | TRANSPORT | BAR_AND_BEAT
ALL_STRIPS, NO_STRIPS_WANTED, FADER_POSITION = 0, 0, 1


class Ardour:
    """See the module and `base.Bridge`."""

    name = "Ardour"
    can = frozenset(
        {
            Can.PLAY,
            Can.RECORD,
            Can.LOOP,
            Can.UNDO,
            Can.MARKER,
            Can.TELLS_PLAYING,
            Can.TELLS_POSITION,
            Can.ANSWERS,
        }
    )
    port = 3819
    reply_port = 8000

    def greet(self) -> list[Message]:
        """Asks for the heart beat, the transport's buttons, and bar and beat."""
        return [Message("/set_surface", (ALL_STRIPS, NO_STRIPS_WANTED, FEEDBACK, FADER_POSITION))]

    def ask(self) -> list[Message]:
        """Its heart beat says that it is there."""
        return []

    def encode(self, order: Order) -> list[Message]:
        """See `base.Bridge`."""
        match order:
            case base.Play(on):
                return [Message("/transport_play" if on else "/transport_stop")]
            case base.ToggleRecord():
                return [Message("/rec_enable_toggle")]
            case base.ToggleLoop():
                return [Message("/loop_toggle")]
            case base.Undo():
                return [Message("/undo")]
            case base.Marker(name):
                return [Message("/add_marker", (name,) if name else ())]
            case _:
                raise base.refuse(self, order)

    def decode(self, message: Message) -> Report | None:
        """See `base.Bridge`."""
        reader = _READERS.get(message.address)
        return reader(message) if reader else None


def _position(message: Message) -> Report | None:
    """ "003|02|0480"; a blank while no session is loaded."""
    text = base.words(message)
    if not text.strip():
        return None
    bar, _, rest = text.partition("|")
    beat, _, _ = rest.partition("|")
    try:
        return base.PositionIs(int(bar), int(beat))
    except ValueError:
        raise base.odd(message) from None


def _stopped(message: Message) -> Report | None:
    """The stop button's state: it is lit while nothing rolls."""
    return base.Playing(False) if base.switch(message) else None


def _rolls(message: Message) -> Report | None:
    """The play button's state. It is dark at any other speed than 1 too, so dark alone is no stop."""
    return base.Playing(True) if base.switch(message) else None


_READERS: dict[str, Callable[[Message], Report | None]] = {
    "/heartbeat": lambda message: base.Alive(),
    "/transport_play": _rolls,
    "/transport_stop": _stopped,
    "/rec_enable_toggle": lambda message: base.Recording(base.switch(message)),
    "/position/bbt": _position,
}
