"""Pictures made by hand: every section a view can meet, without a session behind it."""

from __future__ import annotations

from typing import Any

import msgspec

from jamlink.session.snapshot import Card, ClockView, HandView, NoteView, PlacedView, SteeringView
from jamlink.view.picture import Picture, Ports

BAR = 3840
CLOCK = ClockView(True, 92.0, "4/4", 4, 960, BAR, 0, 0, 652_173_913)
STEERING = SteeringView(
    4,
    ("chords", "melody", "bass"),
    "once",
    "propose",
    "count-in",
    "",
    {"surprise": 0.5, "density": 0.25, "brightness": 1.0, "drive": 0.0},
)
CHARTS = (
    (((0, "G"), (BAR, "Em7"), (2 * BAR, "C"), (3 * BAR, "D7")), "stays at home"),
    (
        ((0, "Gmaj7"), (BAR, "Bm7"), (BAR + 1920, "Em7"), (2 * BAR, "Am7"), (3 * BAR, "D7")),
        "more colour before the turn home",
    ),
    (((0, "G"), (BAR, "B7"), (2 * BAR, "Em7"), (3 * BAR, "Am7b5"), (3 * BAR + 1920, "D7")), "a detour through E minor"),
    (
        ((0, "Gmaj7"), (BAR, "Ebmaj7"), (2 * BAR, "Abmaj7"), (3 * BAR, "D7/F#")),
        "borrowed from the far side, home by the bass",
    ),
)
MELODY = tuple(NoteView(960 * i, 900, 67 + (5 * i) % 13) for i in range(16))


def card(
    place: int, *, state: str = "offered", selected: bool = False, made_by: str = "jam-s", edits: tuple[str, ...] = ()
) -> Card:
    chords, words = CHARTS[(place - 1) % 4]
    return Card(100 + place, place, state, chords, MELODY[place - 1 :], (), words, made_by, edits, selected)


def hand(*cards: Card, late: bool = False, deal: int = 1) -> HandView:
    dealt = cards or tuple(card(place, selected=place == 2) for place in (1, 2, 3, 4))
    return HandView(4 * BAR, 4, "bars 5–8", 4 * BAR - 240, "4.4", deal, late, dealt)


def placed(start: int, place: int = 2, made_by: str = "jam-s") -> PlacedView:
    return PlacedView(100 + place, start, start + 4 * BAR, f"{start // BAR + 1}.1", CHARTS[place - 1][0], made_by)


def picture(**changes: Any) -> Picture:
    """A jam in full swing, bars 5 to 8 on offer; `changes` replace sections."""
    sections: dict[str, Any] = {
        "clock": CLOCK,
        "key": "G major",
        "chord": "C",
        "sounding": (48, 60, 64, 67),
        "asking": False,
        "hand": hand(),
        "taken": None,
        "playing": None,
        "coming": (),
        "steering": STEERING,
        "model": "jam-s",
        "missed": 0,
        "decision": 10,
        "notices": (),
        "saved": 20,
        "ports": Ports(bound=("in: MPK mini 3:MPK mini 3 MIDI 1 24:0", "chords: FLUID Synth", "melody")),
        "file": "2026-11-23 07.33.12.jam",
    }
    return Picture(**{**sections, **changes})


def steering(**changes: Any) -> SteeringView:
    return msgspec.convert({**msgspec.to_builtins(STEERING), **changes}, SteeringView)
