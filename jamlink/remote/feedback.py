"""What is shown, as OSC messages: the state of a session by address, and what of it has changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jamlink.midi.actions import Knob
from jamlink.osc.packet import Argument, Message
from jamlink.remote.addresses import ROOT
from jamlink.timing.units import TICKS_PER_QUARTER, Ns

PLACES = 8
"""Of a hand; what lies behind is on the screens."""

SENT: tuple[tuple[str, str, str], ...] = (
    ("playing", "1 or 0", "whether the clock runs"),
    ("tempo", "a number", "quarters per minute"),
    ("meter", "text", "such as 6/8"),
    ("beat", "two whole numbers", "bar and beat, counted from 1, at each beat; bar 0 and below is the count-in"),
    ("bars", "a whole number", "how long ideas are"),
    ("roles", "text", "what they are made of"),
    ("mode", "text", "who plays when"),
    ("repeat", "text", "what a taken idea does after its bars"),
    ("style", "text", "the style of ideas"),
    ("key", "text", "the key that is heard or kept to"),
    ("chord", "text", "the chord that is heard"),
    ("turn/surprise", "0 to 1", "and turn/density, turn/brightness, turn/drive: where the controls stand"),
    ("hand/count", "a whole number", "how many ideas lie on the stand"),
    ("hand/selected", "a whole number", "the chosen one, from 1; 0 where there is none"),
    ("hand/decide", "text", "the last beat on which taking one is in time"),
    ("hand/1/chords", "text", "and hand/2/chords, ...: the chords of each idea"),
    ("hand/1/words", "text", "and hand/2/words, ...: what is special about it"),
    ("taken", "text", "the chords of what waits to sound"),
    ("sounding", "text", "the chords of what sounds, or what an accompaniment has promised"),
    ("clip", "text", "the file that was written last"),
    ("notice", "text", "the newest sentence for the player"),
    ("trouble", "text", "what is wrong now"),
)
"""Address after /jamlink/, arguments, meaning: for docs/osc.md. "beat" comes by the clock, the others when they
change."""


def shown(state: Mapping[str, Any]) -> dict[str, tuple[Argument, ...]]:
    """Everything that is sent of a state, by address."""
    clock, steering = state["clock"], state["steering"]
    said: dict[str, tuple[Argument, ...]] = {
        "playing": (int(clock["playing"]),),
        "tempo": (float(clock["bpm"]),),
        "meter": (clock["meter"],),
        "bars": (steering["bars"],),
        "roles": (" ".join(steering["roles"]),),
        "mode": (steering["mode"],),
        "repeat": (steering["repeat"],),
        "style": (steering["style"],),
        "key": (state["key"],),
        "chord": (state["chord"],),
        "taken": (_chords(state["taken"]),),
        "sounding": (_chords(state["playing"]) or _along(state.get("accompany")),),
        "clip": (state.get("clips", {}).get("written", ""),),
        "notice": (_last(state["notices"]),),
        "trouble": (_last(state.get("trouble", ())),),
        **{f"turn/{knob.value}": (float(steering["controls"][knob.value]),) for knob in Knob},
        **dict(_hand(state["hand"])),
    }
    return {f"{ROOT}/{name}": arguments for name, arguments in said.items()}


def changes(before: Mapping[str, tuple[Argument, ...]], after: Mapping[str, tuple[Argument, ...]]) -> list[Message]:
    """What has to be said to somebody who knows `before`."""
    return [Message(address, said) for address, said in after.items() if before.get(address) != said]


def beat(clock: Mapping[str, Any], now: Ns) -> tuple[Message, Ns] | None:
    """The beat that `now` is in, and the moment of the next one; None while nothing plays."""
    if not clock["playing"]:
        return None
    ticks = (now - clock["ns_origin"]) * TICKS_PER_QUARTER // clock["tempo_ns"] + clock["tick_origin"]
    number = ticks // clock["beat_ticks"]
    bar, inside = divmod(number * clock["beat_ticks"], clock["bar_ticks"])
    next_tick = (number + 1) * clock["beat_ticks"] - clock["tick_origin"]
    following = clock["ns_origin"] + -(-next_tick * clock["tempo_ns"] // TICKS_PER_QUARTER)
    return Message(f"{ROOT}/beat", (int(bar) + 1, int(inside // clock["beat_ticks"]) + 1)), Ns(following)


def _hand(hand: Mapping[str, Any] | None) -> Iterator[tuple[str, tuple[Argument, ...]]]:
    cards = hand["cards"] if hand else ()
    yield "hand/count", (len(cards),)
    yield "hand/selected", (next((card["place"] for card in cards if card["selected"]), 0),)
    yield "hand/decide", (hand["decide_words"] if hand else "",)
    for place in range(PLACES):
        card = cards[place] if place < len(cards) else None
        yield f"hand/{place + 1}/chords", (_chords(card),)
        yield f"hand/{place + 1}/words", (card["words"] if card else "",)


def _chords(placed: Mapping[str, Any] | None) -> str:
    return " ".join(symbol for _, symbol in placed["chords"]) if placed else ""


def _along(view: Mapping[str, Any] | None) -> str:
    """What an accompaniment has promised."""
    return " ".join(chord["symbol"] for chord in view["chords"] if chord["promised"]) if view else ""


def _last(sentences: Sequence[str]) -> str:
    return sentences[-1] if sentences else ""
