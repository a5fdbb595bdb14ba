"""Every gesture, in one table: its name in map files, its computer key, and what it does in musical words.

The terminal view, `midi_maps/README.md` and the docs are made from this table; the session carries the actions out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What a gesture can ask for. The value is its name in map files, on the wire and in records."""

    ACCEPT = "accept"
    REJECT = "reject"
    PICK_1 = "pick-1"
    PICK_2 = "pick-2"
    PICK_3 = "pick-3"
    PICK_4 = "pick-4"
    SELECT = "select"
    NEXT_HAND = "next-hand"
    PREVIEW = "preview"
    UNDO = "undo"
    LET_PASS = "let-pass"
    TRANSPOSE_UP = "transpose-up"
    TRANSPOSE_DOWN = "transpose-down"
    INVERT = "invert"
    SIMPLIFY = "simplify"
    PLAY_STOP = "play-stop"
    START = "start"
    STOP = "stop"
    TAP = "tap"
    THIS_IS_ONE = "this-is-one"
    HALF_TIME = "half-time"
    DOUBLE_TIME = "double-time"
    METRONOME = "metronome"
    LOOP = "loop"
    KEEP_GOING = "keep-going"
    TRADE = "trade"
    ACCOMPANY = "accompany"
    COUNT_IN = "count-in"
    CAPTURE = "capture"
    CLEAR = "clear"
    PANIC = "panic"
    SURPRISE_UP = "surprise-up"
    SURPRISE_DOWN = "surprise-down"
    DENSITY_UP = "density-up"
    DENSITY_DOWN = "density-down"
    BRIGHTNESS_UP = "brightness-up"
    BRIGHTNESS_DOWN = "brightness-down"
    DRIVE_UP = "drive-up"
    DRIVE_DOWN = "drive-down"


class Knob(Enum):
    """What a knob can move, from 0 to 1. The value names the field of the session's controls."""

    SURPRISE = "surprise"
    DENSITY = "density"
    BRIGHTNESS = "brightness"
    DRIVE = "drive"


@dataclass(frozen=True, slots=True)
class Gesture:
    """An action as the player meets it: `key` on the computer keyboard, and `does`, one line in musical words."""

    action: Action
    key: str
    does: str


GESTURES: tuple[Gesture, ...] = (
    Gesture(Action.ACCEPT, "enter", "take the chosen idea; it starts on its bar"),
    Gesture(Action.REJECT, "backspace", "throw this hand away; the next one moves away from it"),
    Gesture(Action.PICK_1, "1", "take the first idea, the safest"),
    Gesture(Action.PICK_2, "2", "take the second idea"),
    Gesture(Action.PICK_3, "3", "take the third idea"),
    Gesture(Action.PICK_4, "4", "take the fourth idea, the boldest"),
    Gesture(Action.SELECT, "tab", "choose the next idea of the hand, to hear, change or take it"),
    Gesture(Action.NEXT_HAND, "n", "see other ideas for the same bars"),
    Gesture(Action.PREVIEW, "p", "hear the chosen idea on the preview channel only"),
    Gesture(Action.UNDO, "u", "take back the last decision"),
    Gesture(Action.LET_PASS, "0", "let these bars go by without an idea"),
    Gesture(Action.TRANSPOSE_UP, "+", "move the chosen idea up a semitone"),
    Gesture(Action.TRANSPOSE_DOWN, "-", "move the chosen idea down a semitone"),
    Gesture(Action.INVERT, "i", "turn the chosen idea's chords over: the next inversion"),
    Gesture(Action.SIMPLIFY, "s", "make the chosen idea plainer"),
    Gesture(Action.PLAY_STOP, "space", "start with a count-in, or stop"),
    Gesture(Action.START, "y", "start with a count-in; nothing while it plays"),
    Gesture(Action.STOP, "x", "stop; nothing while it is stopped"),
    Gesture(Action.TAP, "t", "tap the tempo; from the fourth tap it is taken over"),
    Gesture(Action.THIS_IS_ONE, "o", "the bar starts here"),
    Gesture(Action.HALF_TIME, "h", "half the tempo: the beat is felt twice as long"),
    Gesture(Action.DOUBLE_TIME, "g", "double the tempo: the beat is felt half as long"),
    Gesture(Action.METRONOME, "m", "the click: off, count-in only, always"),
    Gesture(Action.LOOP, "l", "what is taken plays once, or loops until replaced"),
    Gesture(Action.KEEP_GOING, "k", "go on by itself: the best of each hand is taken unless you refuse it"),
    Gesture(Action.TRADE, "r", "trade: you play, it answers, in turn; again to stop trading"),
    Gesture(Action.ACCOMPANY, "a", "accompany: chords follow your melody, beat by beat; again to stop that"),
    Gesture(Action.COUNT_IN, "e", "how many bars are counted in: one, two, none"),
    Gesture(Action.CAPTURE, "w", "keep the last bars, yours and ours, as a MIDI file among the clips"),
    Gesture(Action.CLEAR, "c", "forget everything taken (only when stopped)"),
    Gesture(Action.PANIC, "escape", "silence everything, now"),
    Gesture(Action.SURPRISE_UP, "]", "bolder ideas"),
    Gesture(Action.SURPRISE_DOWN, "[", "safer ideas"),
    Gesture(Action.DENSITY_UP, ".", "more notes"),
    Gesture(Action.DENSITY_DOWN, ",", "fewer notes"),
    Gesture(Action.BRIGHTNESS_UP, "b", "brighter"),
    Gesture(Action.BRIGHTNESS_DOWN, "d", "darker"),
    Gesture(Action.DRIVE_UP, ">", "more driving"),
    Gesture(Action.DRIVE_DOWN, "<", "calmer"),
)

KNOBS: dict[Knob, tuple[str, str]] = {
    Knob.SURPRISE: ("safe", "bold"),
    Knob.DENSITY: ("sparse", "dense"),
    Knob.BRIGHTNESS: ("dark", "bright"),
    Knob.DRIVE: ("calm", "driving"),
}
"""What the two ends of a knob mean."""

GESTURE_OF: dict[Action, Gesture] = {gesture.action: gesture for gesture in GESTURES}
ACTION_OF_KEY: dict[str, Action] = {gesture.key: gesture.action for gesture in GESTURES}

UNDOABLE = frozenset({Action.ACCEPT, Action.PICK_1, Action.PICK_2, Action.PICK_3, Action.PICK_4})
"""What a pedal may do at once on the way down, because a long press can take it back."""
