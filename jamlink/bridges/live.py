"""Ableton Live through AbletonOSC, a remote script that its user installs (github.com/ideoforms/AbletonOSC, MIT).

Facts from its README: it listens on UDP 11000 and answers on 11001 of the machine that asked; `/live/test` is answered
with "ok"; `/live/startup` comes when it has started and `/live/error` when something went wrong; a property that is
listened to comes as `/live/song/get/PROPERTY`; tracks and slots count from 0; times and lengths of clips are quarters.

Two things that its users met (its issues 60 and 78): notes that are sent before the clip exists are lost, so a clip is
made, asked for, and only then filled (see `jamlink.bridges.hand_over`); and truths are sent as 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from jamlink.bridges import base
from jamlink.bridges.base import Can, Order, Report
from jamlink.music.note import Note
from jamlink.osc.packet import Argument, Message
from jamlink.timing.units import TICKS_PER_QUARTER

NOTES_AT_ONCE = 100
"""A message of so many notes is about 2.5 kB."""
NOTE_FIELDS = 5
"""Pitch, start, duration, velocity, mute."""


class Live:
    """See the module and `base.Bridge`."""

    name = "Ableton Live"
    can = frozenset(
        {
            Can.PLAY,
            Can.RECORD,
            Can.SET_TEMPO,
            Can.UNDO,
            Can.NEW_CLIP,
            Can.TELLS_PLAYING,
            Can.TELLS_TEMPO,
            Can.ANSWERS,
        }
    )
    port = 11_000
    reply_port = 11_001

    def greet(self) -> list[Message]:
        """Listens to the transport and the tempo."""
        return [Message(f"/live/song/start_listen/{what}") for what in ("is_playing", "tempo")]

    def ask(self) -> list[Message]:
        """Answered with "ok"."""
        return [Message("/live/test")]

    def encode(self, order: Order) -> list[Message]:
        """See `base.Bridge`."""
        match order:
            case base.Play(on):
                return [Message("/live/song/start_playing" if on else "/live/song/stop_playing")]
            case base.ToggleRecord():
                return [Message("/live/song/trigger_session_record")]
            case base.SetTempo(bpm):
                return [Message("/live/song/set/tempo", (float(bpm),))]
            case base.Undo():
                return [Message("/live/song/undo")]
            case base.AskSlot() | base.MakeClip() | base.FillClip() | base.AskNotes() | base.FireClip():
                return list(_clip(order))
            case _:
                raise base.refuse(self, order)

    def decode(self, message: Message) -> Report | None:
        """See `base.Bridge`."""
        reader = _READERS.get(message.address)
        return reader(message) if reader else None


def _clip(order: base.ClipOrder) -> Iterator[Message]:
    where = (order.track, order.slot)
    match order:
        case base.AskSlot():
            yield Message("/live/clip_slot/get/has_clip", where)
        case base.MakeClip(quarters=quarters):
            yield Message("/live/clip_slot/create_clip", (*where, float(quarters)))
        case base.FillClip(name=name, notes=notes):
            yield Message("/live/clip/set/name", (*where, name))
            left = iter(notes)
            while some := list(islice(left, NOTES_AT_ONCE)):
                yield Message("/live/clip/add/notes", (*where, *(field for note in some for field in _note(note))))
        case base.AskNotes():
            yield Message("/live/clip/get/notes", where)
        case base.FireClip():
            yield Message("/live/clip_slot/fire", where)


def _note(note: Note) -> tuple[Argument, ...]:
    start, duration = note.onset / TICKS_PER_QUARTER, note.duration / TICKS_PER_QUARTER
    return note.pitch, float(start), float(duration), note.velocity, 0


def _slot(message: Message) -> Report:
    return base.SlotIs(base.whole(message, 0), base.whole(message, 1), base.switch(message, 2))


def _notes(message: Message) -> Report:
    fields = len(message.arguments) - 2
    if fields % NOTE_FIELDS:
        raise base.odd(message)
    return base.NotesAre(base.whole(message, 0), base.whole(message, 1), fields // NOTE_FIELDS)


_READERS: dict[str, Callable[[Message], Report]] = {
    "/live/test": lambda message: base.Alive(),
    "/live/startup": lambda message: base.Alive(again=True),
    "/live/error": lambda message: base.Refused(base.words(message)),
    "/live/song/get/is_playing": lambda message: base.Playing(base.switch(message)),
    "/live/song/get/tempo": base.tempo,
    "/live/clip_slot/get/has_clip": _slot,
    "/live/clip/get/notes": _notes,
}
