"""Computer keys: which gesture a key is, and how keys are written. Everything comes from the one table of gestures."""

from __future__ import annotations

from jamlink.midi.actions import ACTION_OF_KEY, GESTURE_OF, GESTURES, Action, Knob

ALSO: dict[str, Action] = {"ctrl+z": Action.UNDO, "f12": Action.PANIC}
"""Keys that hands reach for anyway, beside the table's."""

LEAVE_KEYS = ("ctrl+c", "ctrl+q")
"""Leave at once. "q" asks once more while music plays."""

_CAPS = {"backspace": "bksp", "escape": "esc"}
_PICKS = (Action.PICK_1, Action.PICK_2, Action.PICK_3, Action.PICK_4)
_FIRST = (
    Action.PLAY_STOP,
    Action.ACCEPT,
    Action.REJECT,
    Action.PICK_1,
    Action.SELECT,
    Action.NEXT_HAND,
    Action.UNDO,
    Action.PANIC,
    Action.TAP,
    Action.LOOP,
    Action.KEEP_GOING,
    Action.PREVIEW,
    Action.LET_PASS,
)
"""What the hands need most comes first, so that a narrow terminal shows it; the rest follows the table."""
_SHORT = {
    Action.ACCEPT: "take",
    Action.REJECT: "refuse",
    Action.PICK_1: "take that one",
    Action.PLAY_STOP: "play/stop",
    Action.SELECT: "choose",
    Action.NEXT_HAND: "others",
    Action.TRANSPOSE_UP: "up",
    Action.TRANSPOSE_DOWN: "down",
    Action.THIS_IS_ONE: "one",
    Action.METRONOME: "click",
}
"""Where the action's own name is longer than the line has room for."""


def action_of(key: str, character: str | None) -> Action | None:
    """The gesture of a key press, by what it prints or by the name of the key; None where it is none."""
    by_print = ACTION_OF_KEY.get(character or "") if character and character.strip() else None
    return by_print or ACTION_OF_KEY.get(key) or ALSO.get(key)


def cap(action: Action) -> str:
    """What is printed on the key of `action`."""
    key = GESTURE_OF[action].key
    return _CAPS.get(key, key)


def hints() -> list[tuple[str, str]]:
    """(key, word) for the line at the bottom; picks are one, knobs stand on a line of their own."""
    rest = [g.action for g in GESTURES if g.action not in (*_FIRST, *_PICKS) and not _is_knob(g.action)]
    return [(_caps_of(action), _SHORT.get(action, action.value.replace("-", " "))) for action in (*_FIRST, *rest)]


def all_keys() -> list[tuple[str, str]]:
    """(key, what it does) for every gesture and for the view itself."""
    own = [
        (":", "say it in words: tempo 92, bars 8, key G minor, chord 2 Am7, ..."),
        ("?", "these keys"),
        ("q", "leave"),
    ]
    also = [(key, GESTURE_OF[action].does) for key, action in ALSO.items()]
    return [(cap(g.action), g.does) for g in GESTURES] + also + own


def _caps_of(action: Action) -> str:
    return f"{cap(_PICKS[0])}–{cap(_PICKS[-1])}" if action is Action.PICK_1 else cap(action)


def _is_knob(action: Action) -> bool:
    return any(action.value.startswith(f"{knob.value}-") for knob in Knob)
