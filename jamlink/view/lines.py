"""The view without a screen: a line for each change worth one, and gestures as words from standard input.

For pipes, scripts, screen readers and `--plain`. A line is flushed at once; nothing is ever drawn over.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from jamlink.errors import Nonsense
from jamlink.midi.actions import KNOBS, Knob
from jamlink.session.snapshot import Card, HandView, SteeringView
from jamlink.timing.clock import Clock
from jamlink.view.client import Client
from jamlink.view.connection import Connection
from jamlink.view.picture import Picture, Standing, bar_words, is_saved, made_by, names, new_notices, standing
from jamlink.view.protocol import Quit
from jamlink.view.words import read_words

_LOOK_S = 0.25
"""How often the end is looked for while nobody says anything."""
_CHUNK = 4_096
_LONGEST_LINE = 4_096
"""A line of input beyond this is no gesture."""


def run(connection: Connection, clock: Clock, words: TextIO | None = None, out: TextIO | None = None) -> int:
    """Show the session until it ends. 0 after quit or Ctrl-C, 1 where the session was lost. Waits only for news.

    `words` is where gestures come from, standard input where None; its end does not end the jam.
    """
    view = _Lines(connection, clock, _descriptor(sys.stdin if words is None else words), out or sys.stdout)
    while view.client.end is None:
        try:
            view.turn()
        except KeyboardInterrupt:
            view.client.leave()
    if view.client.last_words:
        print(view.client.last_words, file=sys.stderr)
    return view.client.end.value


class _Lines:
    """One thread."""

    def __init__(self, connection: Connection, clock: Clock, words: int | None, out: TextIO) -> None:
        self.client = Client(connection, clock)
        self._connection = connection
        self._words = words
        self._half = b""
        self._out = out
        self._shown: Picture | None = None

    def turn(self) -> None:
        """Wait for something and deal with it."""
        readers = [r for r in (self._connection.fileno(), self._words) if r is not None and r >= 0]
        readable, _, _ = select.select(readers, [], [], _LOOK_S)
        self.client.poll()
        self._show()
        if self._words is not None and self._words in readable:
            self._listen(self._words)

    def _show(self) -> None:
        for notice in self.client.notices():
            self._print(notice)
        picture = self.client.picture
        if picture is not None and picture is not self._shown:
            for line in changes(self._shown, picture):
                self._print(line)
            self._shown = picture

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)

    def _listen(self, words: int) -> None:
        chunk = os.read(words, _CHUNK)
        if not chunk:
            self._words = None
        *lines, self._half = (self._half + chunk).split(b"\n")
        if not chunk and self._half:
            lines, self._half = [self._half], b""
        self._half = self._half[:_LONGEST_LINE]
        for line in lines:
            self._say(line.decode(errors="replace").strip())

    def _say(self, line: str) -> None:
        if not line:
            return
        try:
            command = read_words(line)
        except Nonsense as bad:
            self._print(str(bad))
            return
        if isinstance(command, Quit):
            self.client.leave()
        else:
            self.client.send(command)


def _descriptor(stream: TextIO | None) -> int | None:
    """The stream's descriptor; None where there is nothing to read from."""
    try:
        return stream.fileno() if stream is not None else None
    except (OSError, ValueError):
        return None


# -- what is worth a line ---------------------------------------------------------------------------------------------


def changes(before: Picture | None, after: Picture) -> Iterator[str]:
    """Lines for what is new in `after`, in the order in which a player needs them. Pure."""
    if before is None:
        yield f"ready: {_who(after)}; this session is {after.file}"
    yield from _clock(before, after)
    yield from _decisions(before, after)
    yield from _hand(before, after)
    yield from _playing(before, after)
    yield from _along(before, after)
    if before is not None:
        yield from _steering(before.steering, after.steering)
        if after.model != before.model:
            yield f"ideas: {_who(after)}"
        if after.missed > before.missed:
            yield f"no idea came in time ({after.missed} so far)"
        if after.key and after.key != before.key:
            yield f"key: {after.key}"
    notices = list(new_notices(before.notices if before else (), after.notices))
    yield from notices
    yield from _trouble(before.trouble if before else (), after.trouble, notices)


def _who(picture: Picture) -> str:
    return f"{picture.model} proposes" if picture.model else "no model yet, a stand-in proposes"


def _clock(before: Picture | None, after: Picture) -> Iterator[str]:
    was, now = before.clock if before else None, after.clock
    if was is None or (was.bpm, was.meter) != (now.bpm, now.meter):
        yield f"tempo {now.bpm:g}, {now.meter}"
    if now.bond and (was is None or (was.source, was.bond) != (now.source, now.bond)):
        yield f"tempo from {now.led}"
    if now.playing != (was.playing if was else False):
        yield "started" if now.playing else "stopped"


def _decisions(before: Picture | None, after: Picture) -> Iterator[str]:
    """Nothing is called taken before it is on disk."""
    was = (before.taken.id, before.taken.start) if before and before.taken and is_saved(before) else None
    now = (after.taken.id, after.taken.start) if after.taken and is_saved(after) else None
    if not is_saved(after) and (before is None or is_saved(before) or after.decision > before.decision):
        yield "saving…"
    if after.taken and now is not None and now != was:
        what = f"{names(after.taken.chords) or 'no chords'}, starts at {after.taken.start_words}"
        yield f"taken{_place(after)}: {what}, saved"
    elif before and not is_saved(before) and is_saved(after):
        yield "saved"


def _place(picture: Picture) -> str:
    hand, taken = picture.hand, picture.taken
    place = next((card.place for card in hand.cards if taken and card.id == taken.id), None) if hand else None
    return f" {place}" if place else ""


def _hand(before: Picture | None, after: Picture) -> Iterator[str]:
    hand, was = after.hand, before.hand if before else None
    if hand is None:
        return
    if was is None or (was.slot_start, was.deal) != (hand.slot_start, hand.deal):
        ideas = " | ".join(_idea(after, hand, card) for card in hand.cards)
        yield f"{hand.slot_words}, decide by {hand.decide_words}: {ideas}"
        return
    for old, card in zip(was.cards, hand.cards, strict=False):
        yield from _card(old, card, after)


def _idea(picture: Picture, hand: HandView, card: Card) -> str:
    end = {1: "safe", len(hand.cards): "bold"}.get(card.place) if len(hand.cards) > 1 else None
    marks = [mark for mark in (end, "chosen" if card.selected else None, made_by(picture, card.made_by)) if mark]
    return f"{card.place} {names(card.chords) or 'no chords'} ({', '.join(marks)})"


def _card(old: Card, card: Card, picture: Picture) -> Iterator[str]:
    if card.edits != old.edits:
        yield f"changed {card.place}: {names(card.chords) or 'no chords'} ({', '.join(card.edits)})"
    if card.selected and not old.selected and standing(picture, card) is Standing.OFFERED:
        yield f"chosen {card.place}: {names(card.chords) or 'no chords'}"


def _playing(before: Picture | None, after: Picture) -> Iterator[str]:
    was, now = before.playing if before else None, after.playing
    if now is not None and (was is None or was.id != now.id):
        yield f"playing: {names(now.chords) or 'no chords'} ({made_by(after, now.made_by)})"
    if was is not None and now is None:
        yield "played out"


def _along(before: Picture | None, after: Picture) -> Iterator[str]:
    """What the accompaniment does, where that is new, and each chord when it is promised."""
    was, now = before.accompany if before else None, after.accompany
    if now is None:
        return
    if was is None or was.phase != now.phase:
        yield f"accompanies: {now.words}"
    known = {(chord.start, chord.symbol) for chord in was.chords if chord.promised} if was else set()
    for chord in now.chords:
        if chord.promised and (chord.start, chord.symbol) not in known:
            yield f"from {bar_words(after.clock, chord.start)}: {chord.symbol}"


def _steering(was: SteeringView, now: SteeringView) -> Iterator[str]:
    if now.bars != was.bars:
        yield f"ideas of {now.bars} bar{'' if now.bars == 1 else 's'}"
    if now.roles != was.roles:
        yield f"ideas of {', '.join(now.roles)}"
    for name in ("repeat", "mode", "click"):
        if getattr(now, name) != getattr(was, name):
            yield f"{name}: {getattr(now, name)}"
    if now.key_lock != was.key_lock:
        yield f"key kept: {now.key_lock}" if now.key_lock else "key: as it is heard"
    for knob in Knob:
        value = now.controls[knob.value]
        if value != was.controls[knob.value]:
            low, high = KNOBS[knob]
            yield f"{low} to {high}: {value:.0%}"


def _trouble(was: tuple[str, ...], now: tuple[str, ...], noticed: Sequence[str]) -> Iterator[str]:
    """What was a notice a moment ago is not said twice."""
    yield from (f"trouble: {sentence}" for sentence in now if sentence not in (*was, *noticed))
    if was and not now:
        yield "all is well again"
