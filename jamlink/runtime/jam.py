"""The session process: the one loop that carries a session's effects out and brings the world in.

Everything here belongs to one thread. It waits in a single place, until something can be read or the session's next
deadline, and nothing that it calls waits: ports and model live in processes of their own, the disk in a thread of
its own, and views that are slow get less. A mistake of ours is written to the log and the loop goes on: the session is
told to recover, and what else broke is left out. Only a session that cannot recover ends the jam, silenced and saved.

    hearing         what keyboards and controllers say
    ports_in_use    which ports there are, and which of them are ours
    sending         what was promised, to the io process
    asking          the model, and who stands in for it
    keeping         clips of what was taken and captured
    screen          troubles, and when to show a picture
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from jamlink.errors import Nonsense
from jamlink.midi.actions import Action
from jamlink.ports.base import Direction
from jamlink.runtime import io_wire
from jamlink.runtime.asking import Asking
from jamlink.runtime.clocks import Clocks
from jamlink.runtime.demo import Demo
from jamlink.runtime.echo import Echoes, sentence
from jamlink.runtime.errands import Errands
from jamlink.runtime.faults import Faults
from jamlink.runtime.hearing import Hearing
from jamlink.runtime.io_link import IoBack, IoGone
from jamlink.runtime.keeping import Keeping
from jamlink.runtime.lateness import Lateness
from jamlink.runtime.model_link import FromModel
from jamlink.runtime.parts import Parts
from jamlink.runtime.ports_in_use import PortsInUse
from jamlink.runtime.realtime import never_pause
from jamlink.runtime.screen import Screen
from jamlink.runtime.sending import Sending
from jamlink.session import effects as fx
from jamlink.session.effects import Effect
from jamlink.session.inputs import Do, Heard, Input, Recover
from jamlink.session.wire import record
from jamlink.session.wishes import ChoosePorts, Teach, Tell, Wish
from jamlink.sync.link import LinkBeat
from jamlink.timing.units import Ns, ms

LONGEST_WAIT = ms(100)
"""The io link wants to be looked at this often, to see whether its process still answers."""
PATIENCE_AT_START = ms(5_000)
BROKE = "Something in jamlink went wrong; it plays on. Please report the log beside the session file."


_Got = TypeVar("_Got")


class _Lost(Exception):
    """The session cannot recover."""


class Jam:
    """See the module."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._session = parts.session
        self._screen, self._errands, self._lateness = Screen(), Errands(), Lateness()
        self._clocks, self._echoes = Clocks(parts.follower, parts.session), Echoes()
        self._loops: list[str] = []
        self._hearing = Hearing(
            self._feed, parts.bindings, parts.teacher, self._clocks, self._echoes, self._errands, self._screen
        )
        self._ports = PortsInUse(parts.ports, self._screen)
        self._sending = Sending(parts.io, parts.clock, self._echoes, parts.offsets, parts.programs)
        self._asking = Asking(parts.model, parts.stand_in, parts.chords, self._screen)
        self._keeping = Keeping(parts.clips, self._errands, self._screen, self._tell)
        self._demo = parts.demo
        self._faults = Faults(sys.stderr.write)  # standard error is the log beside the session file
        self._opened = self._leaving = False
        self._open_by = Ns(0)

    @property
    def mistakes(self) -> int:
        """How many mistakes of ours came up."""
        return self._faults.count

    def leave(self) -> None:
        """End the loop soon. Safe in a signal handler."""
        self._leaving = True

    def run(self, wakeup: int | None = None) -> None:
        """Until somebody leaves. `wakeup` is a descriptor that signals write to. Ends everything that sounds."""
        never_pause()
        try:
            self._open_by = Ns(self._parts.clock.now() + PATIENCE_AT_START)
            while not (self._leaving or self._parts.views.leaving):
                self._safely("waiting", self._wait, wakeup)
                self._turn()
                self._safely("starting", self._open_when_ready)
        finally:
            self._close()

    # -- the loop -----------------------------------------------------------------------------------------------------

    def _wait(self, wakeup: int | None) -> None:
        now = self._parts.clock.now()
        until = min(due for due in self._deadlines(now) if due is not None)
        readable, _, _ = select.select(list(self._readers(wakeup)), [], [], max(0, until - now) / 1e9)
        if wakeup in readable and wakeup is not None:
            os.read(wakeup, 512)

    def _deadlines(self, now: Ns) -> Iterable[Ns | None]:
        yield Ns(now + LONGEST_WAIT)
        yield self._session.next_deadline
        yield from self._hearing.deadlines()
        yield self._demo.next_moment(self._session.timeline) if self._demo and self._opened else None
        yield self._clocks.next_look(now)
        yield self._screen.next_frame

    def _readers(self, wakeup: int | None) -> Iterable[Any]:
        parts = self._parts
        wanted: list[Any] = [parts.io, *parts.views.filenos(), *self._asking.readers]
        wanted += [parts.link] if parts.link else []
        wanted += [wakeup] if wakeup is not None else []
        return (reader for reader in wanted if _open(reader))

    def _turn(self) -> None:
        parts = self._parts
        for message in self._got("hearing the ports", parts.io.receive):
            self._safely("hearing the ports", self._from_io, message)
        for answer in self._got("hearing the model", self._asking.receive):
            self._safely("hearing the model", self._from_model, answer)
        if parts.link is not None:
            for beat in self._got("hearing Link", parts.link.receive):
                self._safely("hearing Link", self._from_link, beat)
            self._screen.trouble("link", parts.link.trouble)
        self._hear_views()
        self._safely("tidying up", self._tidy_up)
        if self._demo is not None and self._opened:
            self._safely("playing the demo", self._play_demo, self._demo)
        now = parts.clock.now()
        self._safely("looking at what is held", self._hearing.look_at_holds, now)
        self._safely("passing time", self._advance, now)
        self._safely("showing", self._publish, now)

    def _hear_views(self) -> None:
        views, clock = self._parts.views, self._parts.clock
        for gesture in self._got("hearing a view", views.receive):
            self._safely("hearing a view", self._feed, gesture)
        for event in self._got("hearing a view", lambda: views.played(clock.now())):
            self._safely("hearing a view", self._feed, Heard(event), event.at)
        for wish, via in self._got("hearing a view", views.wishes):
            self._safely("granting a wish", self._grant, wish, via)

    def _tidy_up(self) -> None:
        if self._errands.finished():
            self._screen.changed()
        if self._ports.waits and not self._session.playing:
            self._choose_ports()
        now = self._parts.clock.now()
        self._feed(self._clocks.look(now), now)
        self._tell_of_loops(now)

    def _open_when_ready(self) -> None:
        """The first gestures wait until ports are open and the model is warm, or have had long enough."""
        if self._opened:
            return
        ready = self._ports.all_open and self._asking.ready
        if ready or self._parts.clock.now() >= self._open_by:
            self._opened = True
            self._screen.changed()
            if not self._ports.asked:
                self._choose_ports()
            for item in self._parts.opening:
                self._feed(item)

    def _close(self) -> None:
        """Silence first; then let everything go, each with a bounded wait of its own."""
        parts = self._parts
        parts.io.silence()
        with suppress(_Lost):
            if self._session.playing:
                self._feed(Do(Action.PLAY_STOP, "leaving"))
        parts.io.close()
        self._asking.close()
        if parts.link is not None:
            parts.link.close()
        self._errands.close()
        parts.views.goodbye("" if parts.ledger.close() else f"Not everything is saved: {parts.ledger.trouble}")

    # -- mistakes of ours ---------------------------------------------------------------------------------------------

    def _safely(self, doing: str, work: Callable[..., object], *arguments: Any) -> None:
        """Do `work`; a mistake in it is written down, said, and over."""
        try:
            work(*arguments)
        except _Lost:
            raise
        except Exception as bug:
            self._broke(bug, doing)

    def _got(self, doing: str, receive: Callable[[], Iterable[_Got]]) -> Iterable[_Got]:
        """What has come in; nothing where a mistake came up instead."""
        try:
            return receive()
        except Exception as bug:
            self._broke(bug, doing)
            return ()

    def _by_session(self, work: Callable[[], list[Effect]]) -> list[Effect]:
        """What the session wants done; where it breaks, what it did until then and what it takes to go on."""
        try:
            return work()
        except Exception as bug:
            why = self._broke(bug, "deciding")
            try:
                return self._session.handle(Recover(why), self._session.now)
            except Exception as worse:
                self._broke(worse, "recovering")
                raise _Lost(why) from bug

    def _broke(self, bug: Exception, doing: str) -> str:
        self._screen.trouble("jamlink", BROKE)
        return self._faults.note(bug, doing, self._parts.clock.now())

    # -- in -----------------------------------------------------------------------------------------------------------

    def _feed(self, item: Input | None, at: Ns | None = None) -> None:
        """Tell the session what was so at a moment, or now; None is nothing to tell."""
        if item is None:
            return
        now = self._parts.clock.now()
        self._clocks.done(item)
        moment = now if at is None else min(at, now)
        self._carry_out(self._by_session(lambda: self._session.handle(item, moment)))

    def _advance(self, now: Ns) -> None:
        self._carry_out(self._by_session(lambda: self._session.advance(now)))

    def _from_io(self, message: object) -> None:
        match message:
            case io_wire.Heard():
                self._hearing.hear(message)
            case io_wire.Sent() | io_wire.Counters() | io_wire.IoReady():
                self._lateness.hear(message)
            case io_wire.PortChanged():
                self._port_changed(message)
            case io_wire.PortsThere():
                self._ports.there_are(message.listing)
                self._choose_ports()
            case io_wire.MidiSystem():
                self._ports.system(message)
            case io_wire.IoFault():
                print(message.text, file=sys.stderr)  # standard error is the log beside the session file
            case IoGone():
                self._screen.trouble("ports", f"{message.what} It is being started again.")
            case IoBack():
                self._screen.trouble("ports", "")
                self._sending.send_again()

    def _from_model(self, answer: FromModel) -> None:
        self._feed(self._asking.heard(answer))

    def _from_link(self, beat: LinkBeat) -> None:
        self._feed(self._clocks.hear_link(beat), beat.at)

    def _port_changed(self, port: io_wire.PortChanged) -> None:
        self._ports.changed(port)
        if port.direction is Direction.IN:
            self._hearing.input_changed(port.port, port.name, port.bound, self._parts.clock.now())
        elif port.bound:
            self._sending.choose_sound(port.port, self._session.snapshot().channels)

    def _choose_ports(self) -> None:
        wanted = self._ports.look(self._session.playing)
        if wanted is not None:
            self._hearing.forget_inputs()
            self._sending.outputs_are([spec.name for spec in wanted.outputs])
            self._parts.io.open(wanted)

    def _grant(self, wish: Wish, via: str) -> None:
        """What was asked of this process; whoever asked is told why not."""
        try:
            match wish:
                case ChoosePorts():
                    choice = self._ports.choose(wish, self._session.why_not("ports"))
                    self._choose_ports()
                    self._errands.run(choice.remember, lambda trouble: self._screen.trouble("remembering", trouble))
                case Teach(control):
                    self._hearing.teach(control)
                case Tell(part, said):
                    self._screen.trouble(part, said)
        except Nonsense as refused:
            self._parts.views.tell(via, str(refused))
        self._screen.changed()

    def _play_demo(self, demo: Demo) -> None:
        """The bundled musician: heard like any other, and sent to the synth so that the room hears it too."""
        if not self._session.playing:
            self._demo = None
            return
        now, timeline = self._parts.clock.now(), self._session.timeline
        self._parts.io.send(demo.sounding(now, timeline))
        for event in demo.heard(now, timeline):
            self._feed(Heard(event), event.at)

    # -- out ----------------------------------------------------------------------------------------------------------

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        """Everything in order; answers that are there at once are fed in after the last effect, never between two, so
        that the record keeps the session's own order."""
        for effect in effects:
            self._safely(f"carrying out {type(effect).__name__}", self._do, effect)
        while self._asking.at_once:
            self._feed(self._asking.at_once.popleft())

    def _do(self, effect: Effect) -> None:
        match effect:
            case fx.Record():
                self._write_down(effect)
            case fx.Send():
                self._sending.send(effect)
            case fx.Cancel():
                self._sending.cancel(effect.owner)
            case fx.Silence():
                self._sending.silence()
            case fx.Panic():
                self._sending.panic()
            case fx.Taken():
                self._keeping.idea(effect)
            case fx.Capture():
                self._keeping.capture(self._parts.clock.now())
            case fx.Publish() | fx.Notice():
                self._screen.changed()
            case _:
                self._asking.ask(effect)

    def _write_down(self, entry: fx.Record) -> None:
        kind, payload = record(entry.value)
        number = self._parts.ledger.append(kind, payload, entry.at, durable=entry.durable)
        if entry.durable:
            self._screen.decided(number)
        self._keeping.remember(entry)

    def _tell(self, said: str) -> None:
        self._screen.tell(said, self._session.snapshot().notices)

    def _tell_of_loops(self, now: Ns) -> None:
        loops = self._echoes.loops(now)
        if loops != self._loops:
            self._loops = loops
            self._screen.trouble("loop", sentence(loops))

    # -- what views show ----------------------------------------------------------------------------------------------

    def _publish(self, now: Ns) -> None:
        ledger = self._parts.ledger
        self._screen.trouble("ledger", ledger.trouble or "")
        if self._screen.is_due(now, ledger.acknowledged):
            self._parts.views.publish(self._state())

    def _state(self) -> dict[str, Any]:
        parts, state = self._parts, self._session.state()
        self._hearing.controls_are(state["steering"]["controls"])
        state["saved"] = parts.ledger.acknowledged
        state["notices"] = self._screen.notices(state["notices"])
        state["ports"] = self._ports.section()
        state["lateness"] = self._lateness.section()
        state["trouble"] = self._screen.troubles
        state["file"], state["ready"], state["styles"] = parts.file, self._opened, parts.styles
        return state | self._hearing.sections() | self._keeping.sections()


def _open(reader: Any) -> bool:
    number = reader if isinstance(reader, int) else reader.fileno()
    return isinstance(number, int) and number >= 0
