"""Gestures in words, one a line: for the view without a screen, for scripts, and for what no single key can say.

accept · pick-2 · play-stop ...   any gesture by its name, or by its key (1, space, enter)
tempo 92 · meter 3/4 · bars 8     the clock, and how long ideas are
roles chords bass · key G minor · key        what they are made of; the key they keep to, or none
style jazz · style                the style of ideas, or none
repeat keep going · mode trade    what a taken idea does after its bars, and who plays when
look-ahead 4 · commit 2           how far ahead chords are thought of while jamlink accompanies, and promised; beats
listen 8 · rest 2                 beats that are yours before it comes in; bars of silence after which it ends
surprise 0.7                      a control from 0 to 1; so density, brightness, drive
chord 2 Am7                       put Am7 in place of the chosen idea's second chord
quit
"""

from __future__ import annotations

from collections.abc import Callable

from jamlink.errors import Nonsense
from jamlink.midi.actions import ACTION_OF_KEY, Action, Knob
from jamlink.view import protocol
from jamlink.view.protocol import Command, Quit

_NONE = ("", "off", "none", "any")
_QUIT = ("quit", "q", "exit", "leave")


def read_words(text: str) -> Command | Quit:
    """The gesture that `text` asks for. Raises `Nonsense` with what could be said instead."""
    words = text.strip()
    first, _, rest = words.partition(" ")
    if words.lower() in _QUIT:
        return Quit()
    action = _action(words)
    if action is not None:
        return protocol.Do(action.value)
    if first.lower() not in _READERS:
        raise Nonsense(f"{words[:40]!r} is nothing that can be asked for.", "Try accept, play-stop, tempo 92 or quit.")
    command = _READERS[first.lower()](rest.strip())
    protocol.to_gesture(command, "")
    return command


def _action(words: str) -> Action | None:
    """By its name, with "-", "_" or " " between its words, or by its key."""
    name = words.lower().replace("_", "-").replace(" ", "-")
    known = {action.value: action for action in Action}
    return known.get(name) or ACTION_OF_KEY.get(words) or ACTION_OF_KEY.get(words.lower())


def _knob(name: str) -> Callable[[str], Command]:
    return lambda rest: protocol.Turn(name, _number(rest))


def _chord(rest: str) -> Command:
    place, _, symbol = rest.partition(" ")
    if not symbol.strip():
        raise Nonsense("Which chord, and what instead?", "Say it like: chord 2 Am7.")
    return protocol.ReplaceChord(_whole(place) - 1, symbol.strip())


def _following(name: str) -> Callable[[str], Command]:
    return lambda rest: protocol.Accompany(name, _whole(rest))


def _roles(rest: str) -> Command:
    return protocol.Roles(rest.replace(",", " ").lower().split())


def _key(rest: str) -> Command:
    return protocol.LockKey("" if rest.lower() in _NONE else rest)


_READERS: dict[str, Callable[[str], Command]] = {
    "tempo": lambda rest: protocol.Tempo(_number(rest)),
    "meter": protocol.Meter,
    "bars": lambda rest: protocol.Bars(_whole(rest)),
    "roles": _roles,
    "key": _key,
    "style": lambda rest: protocol.Style("" if rest.lower() in _NONE else rest.lower()),
    "repeat": lambda rest: protocol.Repeat(rest.lower()),
    "mode": lambda rest: protocol.Mode(rest.lower()),
    **{name: _following(name) for name in ("look-ahead", "commit", "listen", "rest")},
    "chord": _chord,
    **{knob.value: _knob(knob.value) for knob in Knob},
}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Nonsense(f"{text[:20]!r} is not a number.", "Say it like: tempo 92, or surprise 0.7.") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        raise Nonsense(f"{text[:20]!r} is not a whole number.", "Say it like: bars 4, or chord 2 Am7.")
    return int(text)
