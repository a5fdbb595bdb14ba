"""The bridge at work: asks a DAW whether it is there, tells it and follows it, hands clips over, says when it is gone.

    silent --any word--> there --silence--> silent        (each way, it is greeted anew)

What the DAW reports is acted on only where it differs from what it reported last, so words that come twice do nothing,
and one that was lost is made up for by the next greeting. Only its first word is compared with what the session does:
the session's own word is always a little old. What makes no sense is counted. Pure: messages and moments go in,
messages and commands come out. One thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jamlink.bridges import base
from jamlink.bridges.base import Bridge, Can, Order, Report
from jamlink.bridges.hand_over import HandOver, Step
from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.music.note import Note
from jamlink.osc.packet import Message
from jamlink.remote.settings import BridgeTable
from jamlink.session.effects import Out
from jamlink.timing.units import FASTEST_BPM, NS_PER_SECOND, SLOWEST_BPM, Ns, Ticks
from jamlink.view import protocol
from jamlink.view.protocol import Command

ASK_EVERY = Ns(2 * NS_PER_SECOND)
GONE_AFTER = Ns(6 * NS_PER_SECOND)
SAME_TEMPO = 0.01
CLIPS_WAITING = 12
ROLES = (Out.CHORDS.value, Out.MELODY.value, Out.BASS.value)
"""In the order of their tracks, from the first on."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What there is to send, to the DAW and to the session."""

    messages: tuple[Message, ...] = ()
    commands: tuple[Command, ...] = ()


class DawLink:
    """See the module."""

    def __init__(self, bridge: Bridge, table: BridgeTable, now: Ns) -> None:
        self._bridge, self._table = bridge, table
        self._heard_at: Ns | None = None
        self._asked_at: Ns | None = None
        self._began = now
        self._reported: dict[type, Report] = {}
        self._clock: tuple[bool, float] | None = None
        self._told: tuple[bool, float] | None = None
        self._clip: int | None = None
        self._clips: deque[HandOver] = deque(maxlen=CLIPS_WAITING)
        self._trouble = ""
        self.nonsense = 0
        """How often the DAW said what makes no sense."""

    @property
    def there(self) -> bool:
        """Whether it was heard lately."""
        return self._heard_at is not None

    def sentence(self, now: Ns) -> str:
        """What is wrong; empty where all is well or it is too early to say."""
        if not self.there and now - self._began >= GONE_AFTER:
            port = self._table.port or self._bridge.port
            return f"{self._bridge.name} does not answer on port {port}. Start it, and switch its OSC on."
        return self._trouble

    def next_deadline(self, now: Ns) -> Ns:
        """When `tick` must be called next, unless something comes first."""
        return Ns(now + ASK_EVERY // 20) if self._clips else Ns((self._asked_at or now) + ASK_EVERY)

    def tick(self, now: Ns) -> Spoken:
        """What falls due by itself; nothing before the session has said how it stands."""
        if self._clock is None:
            return Spoken()
        said: list[Message] = []
        if self._heard_at is not None and Can.ANSWERS in self._bridge.can and now - self._heard_at > GONE_AFTER:
            self._lose(now)
        if self._asked_at is None or now - self._asked_at >= ASK_EVERY:
            self._asked_at = now
            said += self._bridge.ask() if self.there else [*self._bridge.ask(), *self._bridge.greet()]
        return Spoken((*said, *self._work_on_clips(now)))

    def hear(self, message: Message, now: Ns) -> Spoken:
        """The DAW said something."""
        try:
            report = self._bridge.decode(message)
        except Nonsense:
            self.nonsense += 1
            return Spoken()
        if report is None or self._clock is None:
            return Spoken()
        again = not self.there or (isinstance(report, base.Alive) and report.again)
        self._heard_at = now
        greeting = [*self._bridge.greet(), *self._lead()] if again else []
        if again:
            self._reported.clear()
        return Spoken((*greeting, *self._clip_reports(report)), self._follow(report))

    def show(self, state: Mapping[str, Any]) -> Spoken:
        """The session's state is this now."""
        self._clock = bool(state["clock"]["playing"]), float(state["clock"]["bpm"])
        self._told = self._told or (False, self._clock[1])
        return Spoken((*self._lead(), *self._new_clip(state.get("clips", {}).get("newest") or {})))

    # -- the DAW's transport and ours

    def _follow(self, report: Report) -> tuple[Command, ...]:
        before = self._reported.get(type(report))
        self._reported[type(report)] = report
        if self._table.transport != "follow" or before == report or self._clock is None:
            return ()
        playing, bpm = self._clock
        first = before is None
        match report:
            case base.Playing(on) if not first or on != playing:
                return (protocol.Do((Action.START if on else Action.STOP).value),)
            case base.TempoIs(wanted) if SLOWEST_BPM <= wanted <= FASTEST_BPM:
                return (protocol.Tempo(wanted),) if not first or abs(wanted - bpm) > SAME_TEMPO else ()
        return ()

    def _lead(self) -> list[Message]:
        """What the DAW was not told yet: what was played before it answered is told as soon as it does."""
        if self._table.transport != "lead" or not self.there or self._clock is None or self._told is None:
            return []
        told, self._told = self._told, self._clock
        orders: list[Order] = []
        if told[1] != self._clock[1] and Can.SET_TEMPO in self._bridge.can:
            orders.append(base.SetTempo(self._clock[1]))
        if told[0] != self._clock[0]:
            orders.append(base.Play(self._clock[0]))
        return [message for order in orders for message in self._bridge.encode(order)]

    # -- clips

    def _new_clip(self, newest: Mapping[str, Any]) -> list[Message]:
        before, self._clip = self._clip, newest.get("id", 0)
        wanted = self._table.clips != "off" and Can.NEW_CLIP in self._bridge.can and self.there
        if before in (None, self._clip) or not wanted or not newest:
            return []
        for place, role in enumerate(ROLES):
            notes = tuple(_note(row) for row in newest["notes"] if row[0] == role)
            if notes:
                track = self._table.track - 1 + place
                fire = self._table.clips == "fire"
                self._clips.append(HandOver(track, newest["name"], newest["quarters"], notes, fire))
        return []

    def _work_on_clips(self, now: Ns) -> list[Message]:
        if not self._clips or not self.there:
            return []
        orders = self._clips[0].due(now)
        self._finish_clip()
        return [message for order in orders for message in self._bridge.encode(order)]

    def _clip_reports(self, report: Report) -> list[Message]:
        if isinstance(report, base.Refused):
            self._trouble = f"{self._bridge.name}: {report.words}"
        orders = self._clips[0].hear(report) if self._clips else []
        self._finish_clip()
        return [message for order in orders for message in self._bridge.encode(order)]

    def _finish_clip(self) -> None:
        if not self._clips or not self._clips[0].over:
            return
        done = self._clips.popleft()
        failed = done.step is Step.FAILED
        self._trouble = f"{self._bridge.name} did not take a clip; it lies among the clips as a file." if failed else ""

    def _lose(self, now: Ns) -> None:
        self._heard_at, self._asked_at = None, None
        self._began = Ns(now - GONE_AFTER)
        self._reported.clear()
        self._clips.clear()


def _note(row: list[Any]) -> Note:
    _, onset, duration, pitch, velocity = row
    return Note(Ticks(onset), pitch, Ticks(duration), velocity)
