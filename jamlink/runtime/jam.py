"""The session process: the one loop that carries a session's effects out and brings the world in.

Everything here belongs to one thread. It waits in a single place, until something can be read or the session's next
deadline, and nothing that it calls waits: ports and model live in processes of their own, the disk in a thread of
its own, and views that are slow get less. A mistake of ours is written to the log and the loop goes on: the session is
told to recover, and what else broke is left out. Only a session that cannot recover ends the jam, silenced and saved.
"""

from __future__ import annotations

import gc
import os
import select
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from jamlink.errors import Nonsense
from jamlink.ledger.store import Ledger
from jamlink.midi.actions import Action, Knob
from jamlink.midi.events import ALL_SOUND_OFF, ControlChange, MidiEvent, NoteOn, SystemEvent, program_change
from jamlink.midi.maps import Bindings, KnobMoved
from jamlink.midi.maps import Gesture as Reading
from jamlink.midi.wire import Parser
from jamlink.ports.base import CLOCK_INPUT, HOUSE, Listing, Outgoing
from jamlink.ports.plugin_ports import NAME as PLUGIN
from jamlink.proposers.base import Accompanies, Proposer
from jamlink.runtime import io_wire, model_link
from jamlink.runtime.clips import Clips
from jamlink.runtime.clocks import Clocks
from jamlink.runtime.connections import Connections
from jamlink.runtime.demo import Demo
from jamlink.runtime.echo import Echoes, sentence
from jamlink.runtime.errands import Errands
from jamlink.runtime.faults import Faults
from jamlink.runtime.io_link import OUTPUT_NAMES, IoBack, IoGone, IoLink, output_number
from jamlink.runtime.link_peer import LinkPeer
from jamlink.runtime.model_link import ModelLink
from jamlink.runtime.port_choice import PortChoice
from jamlink.runtime.teaching import Taught, Teacher, Teaching, in_words
from jamlink.session import effects as fx
from jamlink.session.core import Session
from jamlink.session.effects import Effect, Out
from jamlink.session.inputs import Do, Followed, Foreseen, Gesture, Heard, Ideas, Input, ProposerIs, Recover, Turn
from jamlink.session.proposal import ChordsRequest
from jamlink.session.wire import record
from jamlink.session.wishes import ChoosePorts, Teach, Tell, Wish
from jamlink.sync.follower import Follower
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, ms

FRAME = ms(40)
"""Views get at most one picture in this time; a decision, and that it is saved, are shown at once."""
LONGEST_WAIT = ms(100)
"""The io link wants to be looked at this often, to see whether its process still answers."""
LATENESS_REMEMBERED = 1000
PATIENCE_AT_START = ms(5_000)
BROKE = "Something in jamlink went wrong; it plays on. Please report the log beside the session file."


_Got = TypeVar("_Got")


class _Lost(Exception):
    """The session cannot recover."""


class Views(Protocol):
    """Everybody who looks: terminal, page. No method waits."""

    def filenos(self) -> Sequence[int]:
        """What to wait on for gestures."""
        ...

    def receive(self) -> Iterable[Gesture]:
        """Gestures that came in since the last call."""
        ...

    def played(self, at: Ns) -> Iterable[MidiEvent]:
        """Notes played on views since the last call, as heard at `at`."""
        ...

    def wishes(self) -> Iterable[tuple[Wish, str]]:
        """What was asked of this process since the last call, each with the name of the view that asked."""
        ...

    def tell(self, via: str, sentence: str) -> None:
        """A sentence for the view of that name alone."""
        ...

    def publish(self, state: dict[str, Any]) -> None:
        """Show this."""
        ...

    def goodbye(self, why: str = "") -> None:
        """Everything is silent and saved; let the views go."""
        ...

    @property
    def leaving(self) -> bool:
        """Whether the player has asked to quit, or the last view is gone."""
        ...


@dataclass(slots=True)
class Status:
    """What the rim knows and a view shows beside the session's own snapshot."""

    there: Listing = field(default_factory=Listing)
    bound: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    """One sentence per part that has trouble now."""
    lateness_ns: deque[int] = field(default_factory=lambda: deque(maxlen=LATENESS_REMEMBERED))
    lost: int = 0
    realtime: bool = False
    heard_on: dict[str, Any] | None = None
    """The device on which a key was played last."""

    def lateness(self) -> dict[str, float]:
        """How late notes left, in ms, over the last thousand."""
        late = sorted(self.lateness_ns)
        if not late:
            return {"p50_ms": 0.0, "p99_ms": 0.0, "count": 0}
        return {
            "p50_ms": round(late[len(late) // 2] / 1e6, 2),
            "p99_ms": round(late[len(late) * 99 // 100] / 1e6, 2),
            "count": len(late),
        }


@dataclass(frozen=True, slots=True)
class Parts:
    """What a jam is put together from. `file` is the session file's name for the screen."""

    session: Session
    io: IoLink
    model: ModelLink | None
    stand_in: Proposer
    chords: Accompanies
    """Who finds chords for a melody at once where the model does not."""
    ledger: Ledger
    bindings: Callable[[str], Bindings]
    views: Views
    clock: Clock
    file: str
    opening: tuple[Input, ...] = ()
    """What happens at once, as if the player had done it."""
    demo: Demo | None = None
    styles: tuple[str, ...] = ()
    """The styles that ideas can be asked for in."""
    ports: PortChoice | None = None
    """Which ports to have of those that are there. Not asked while playing."""
    teacher: Teacher | None = None
    """Where pads and knobs are learned."""
    follower: Follower | None = None
    """Who listens to clocks from outside."""
    link: LinkPeer | None = None
    """Who talks Ableton Link, where that is wanted."""
    clips: Clips | None = None
    """Where what was taken and captured is kept as files."""
    offsets: Mapping[Out, Ns] = field(default_factory=dict)
    """How much later than the clock (below 0: earlier) what an output plays leaves."""
    programs: Mapping[str, int] = field(default_factory=dict)
    """General MIDI programs (from 0) by role, where the player asked for them."""


class Jam:
    """See the module."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._session = parts.session
        self._status = Status()
        self._parsers: dict[str, Parser] = {}
        self._bindings: dict[str, Bindings] = {}
        self._ports: dict[int, str] = {}
        self._outputs: tuple[str, ...] = OUTPUT_NAMES
        self._in_flight: deque[Outgoing] = deque()
        self._dirty = True
        self._next_frame = Ns(0)
        self._systems: dict[str, str] = {}
        self._answers: deque[Ideas | Foreseen] = deque()
        self._opened = False
        self._asked_for_ports = False
        self._open_by = Ns(0)
        self._model_ready = False
        self._saved = -1
        self._decided = -1
        self._at_once = False
        self._demo = parts.demo
        self._listing_waits = False
        self._errands = Errands()
        self._teaching = Teaching(parts.teacher) if parts.teacher else None
        self._places: dict[str, str] = {}
        self._clocks = Clocks(parts.follower, parts.session)
        self._echoes = Echoes()
        self._loops: list[str] = []
        self._said: tuple[Any, str] = ((), "")
        self._connections = Connections()
        self._faults = Faults(sys.stderr.write)  # standard error is the log beside the session file
        self._leaving = False

    @property
    def mistakes(self) -> int:
        """How many mistakes of ours came up."""
        return self._faults.count

    def leave(self) -> None:
        """End the loop soon. Safe in a signal handler."""
        self._leaving = True

    def run(self, wakeup: int | None = None) -> None:
        """Until somebody leaves. `wakeup` is a descriptor that signals write to. Ends everything that sounds."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            self._open_by = Ns(self._parts.clock.now() + PATIENCE_AT_START)
            while not (self._leaving or self._parts.views.leaving):
                self._safely("waiting", self._wait, wakeup)
                self._turn()
                self._safely("starting", self._open_when_ready)
        finally:
            self._close()

    def _wait(self, wakeup: int | None) -> None:
        parts, now = self._parts, self._parts.clock.now()
        deadlines = [Ns(now + LONGEST_WAIT), self._session.next_deadline, *self._binding_deadlines()]
        deadlines.append(self._demo.next_moment(self._session.timeline) if self._demo and self._opened else None)
        deadlines.append(self._clocks.next_look(now))
        if self._dirty:
            deadlines.append(self._next_frame)
        until = min(due for due in deadlines if due is not None)
        readers: list[Any] = [parts.io, *parts.views.filenos()]
        readers += [parts.model] if parts.model and parts.model.fileno() >= 0 else []
        readers += [parts.link] if parts.link and parts.link.fileno() >= 0 else []
        readers += [wakeup] if wakeup is not None else []
        readable, _, _ = select.select([r for r in readers if _open(r)], [], [], max(0, until - now) / 1e9)
        if wakeup in readable and wakeup is not None:
            os.read(wakeup, 512)

    def _turn(self) -> None:
        parts = self._parts
        for message in self._got("hearing the ports", parts.io.receive):
            self._safely("hearing the ports", self._from_io, message)
        if parts.model is not None:
            for answer in self._got("hearing the model", parts.model.receive):
                self._safely("hearing the model", self._from_model, answer)
        if parts.link is not None:
            for beat in self._got("hearing Link", parts.link.receive):
                self._safely("hearing Link", self._led, self._clocks.hear_link(beat), beat.at)
        for gesture in self._got("hearing a view", parts.views.receive):
            self._safely("hearing a view", self._feed, gesture)
        for event in self._got("hearing a view", lambda: parts.views.played(parts.clock.now())):
            self._safely("hearing a view", self._feed, Heard(event), event.at)
        for wish, via in self._got("hearing a view", parts.views.wishes):
            self._safely("granting a wish", self._grant, wish, via)
        self._safely("tidying up", self._tidy_up)
        if self._demo is not None and self._opened:
            self._safely("playing the demo", self._play_demo, self._demo)
        now = parts.clock.now()
        self._safely("looking at what is held", self._holds, now)
        self._safely("passing time", self._advance, now)
        self._safely("showing", self._publish, now)

    def _tidy_up(self) -> None:
        self._dirty = self._errands.finished() or self._dirty
        if self._listing_waits and not self._session.playing:
            self._choose_ports(self._listing)
        now = self._parts.clock.now()
        self._led(self._clocks.look(now), now)
        self._tell_of_loops(now)

    def _advance(self, now: Ns) -> None:
        self._carry_out(self._by_session(lambda: self._session.advance(now)))

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
        self._trouble("jamlink", BROKE)
        return self._faults.note(bug, doing, self._parts.clock.now())

    def _open_when_ready(self) -> None:
        """The first gestures wait until ports are open and the model is warm, or have had long enough."""
        if self._opened:
            return
        ports = all(self._status.bound.get(("out", number), ("", ""))[1] for number in range(len(self._outputs)))
        model = self._parts.model is None or self._model_ready
        if (ports and model) or self._parts.clock.now() >= self._open_by:
            self._opened = self._dirty = True
            if not self._asked_for_ports:
                self._choose_ports(self._listing)
            for item in self._parts.opening:
                self._feed(item)

    # -- in -----------------------------------------------------------------------------------------------------------

    def _feed(self, item: Input, at: Ns | None = None) -> None:
        now = self._parts.clock.now()
        self._clocks.done(item)
        moment = now if at is None else min(at, now)
        self._carry_out(self._by_session(lambda: self._session.handle(item, moment)))

    def _from_io(self, message: object) -> None:
        status = self._status
        match message:
            case io_wire.Heard():
                self._hear(message)
            case io_wire.Sent():
                if message.owner != HOUSE:
                    status.lateness_ns.append(message.at - message.due)
            case io_wire.PortChanged():
                self._port_changed(message)
            case io_wire.PortsThere():
                status.there = message.listing
                self._dirty = True
                self._choose_ports(self._listing)
            case io_wire.MidiSystem():
                self._midi_system(message)
            case io_wire.IoReady():
                status.realtime = message.realtime
            case io_wire.Counters():
                status.lost = message.too_late + message.unwritten + message.faults
            case io_wire.IoFault():
                print(message.text, file=sys.stderr)  # standard error is the log beside the session file
            case IoGone():
                self._trouble("ports", f"{message.what} It is being started again.")
            case IoBack():
                self._trouble("ports", "")
                self._send_again()

    def _hear(self, message: io_wire.Heard) -> None:
        port = self._ports.get(message.input, f"input {message.input + 1}")
        parser = self._parsers.setdefault(port, Parser())
        name, bound = self._status.bound.get(("in", message.input), ("", ""))
        for said in parser.feed(message.data, message.at, port):
            if name == CLOCK_INPUT or isinstance(said, SystemEvent):
                leads = name == CLOCK_INPUT or bound == PLUGIN
                self._led(self._clocks.hear(said, leads), said.at)
                continue
            event = self._bind(port).translated(said)
            if event is not None:
                self._event(port, event)

    def _led(self, news: Followed | None, at: Ns) -> None:
        """Whoever leads has something to say."""
        if news is not None:
            self._feed(news, at)

    def _event(self, port: str, event: MidiEvent) -> None:
        """A bound pad or knob is a gesture; everything else is music, but what we sound ourselves."""
        if self._echoes.is_echo(event):
            return
        if isinstance(event, NoteOn):
            self._status.heard_on = {"port": port, "channel": event.channel + 1, "at": event.at}
            self._dirty = True
        if self._learns(port, event):
            return
        reading = self._bind(port).read(event)
        self._gestures(reading.gestures)
        if not reading.consumed:
            self._feed(Heard(event), event.at)
            self._led(self._clocks.hear(event, is_clock=False), event.at)

    def _bind(self, port: str, made: Bindings | None = None) -> Bindings:
        """The gestures of `port`: `made`, or as they were, or by its map."""
        if made is not None or port not in self._bindings:
            self._bindings[port] = made or self._parts.bindings(port)
            self._places = {
                control.value: in_words(source, where) + (f", {way}" if way else "")
                for where, bindings in self._bindings.items()
                for control, (source, way) in bindings.places().items()
            }
            self._dirty = True
        return self._bindings[port]

    def _learns(self, port: str, event: MidiEvent) -> bool:
        """Whether `event` is what a lesson was waiting for; bound at once, and saved as soon as the disk has it."""
        taught = self._teaching.hear(port, event) if self._teaching else None
        if taught is None:
            return False
        self._bind(port, Bindings(taught.map))
        self._errands.run(taught.save, lambda trouble: self._saved_map(taught, trouble))
        return True

    def _saved_map(self, taught: Taught, trouble: str) -> None:
        self._trouble("maps", trouble)
        if self._teaching and not trouble:
            self._teaching.is_saved(taught)

    def _grant(self, wish: Wish, via: str) -> None:
        """What was asked of this process; whoever asked is told why not."""
        try:
            match wish:
                case ChoosePorts():
                    self._choose(wish)
                case Teach(control):
                    self._teach(control)
                case Tell(part, sentence):
                    self._trouble(part, sentence)
        except Nonsense as refused:
            self._parts.views.tell(via, str(refused))
        self._dirty = True

    def _teach(self, control: Action | Knob | None) -> None:
        if self._teaching is None:
            raise Nonsense("Nothing can be learned here.", "Write a map file; see `jamlink maps`.")
        self._teaching.want(control)

    def _choose(self, wish: ChoosePorts) -> None:
        choice, why_not = self._parts.ports, self._session.why_not("ports")
        if choice is None or why_not:
            raise Nonsense(why_not or "The ports cannot be changed here.")
        choice.choose(wish, self._listing)
        self._choose_ports(self._listing)
        self._errands.run(choice.remember, lambda trouble: self._trouble("remembering", trouble))

    def _play_demo(self, demo: Demo) -> None:
        """The bundled musician: heard like any other, and sent to the synth so that the room hears it too."""
        if not self._session.playing:
            self._demo = None
            return
        now, timeline = self._parts.clock.now(), self._session.timeline
        self._parts.io.send(demo.sounding(now, timeline))
        for event in demo.heard(now, timeline):
            self._feed(Heard(event), event.at)

    def _gestures(self, gestures: Iterable[Reading]) -> None:
        for gesture in gestures:
            if isinstance(gesture, KnobMoved):
                self._feed(Turn(gesture.knob.value, gesture.value, gesture.via))
            else:
                self._feed(Do(gesture.action, gesture.via))

    def _holds(self, now: Ns) -> None:
        for bindings in self._bindings.values():
            self._gestures(bindings.tick(now))

    def _binding_deadlines(self) -> list[Ns | None]:
        return [bindings.next_deadline() for bindings in self._bindings.values()]

    def _from_model(self, answer: object) -> None:
        match answer:
            case model_link.Ready():
                self._model_ready = True
                self._trouble("model", "")
                self._feed(ProposerIs(True, answer.name))
            case model_link.CandidatesReady():
                self._feed(Ideas(answer.request_id, tuple(answer.candidates), False))
            case model_link.ChordsReady():
                self._feed(Foreseen(answer.request_id, tuple(answer.chords), answer.made_by, False))
            case model_link.Failed(request_id=None):
                self._model_ready = True  # as ready as it will be; the stand-in plays
                self._trouble("model", answer.sentence)
                self._feed(ProposerIs(False, "", answer.sentence))
            case model_link.Failed(request_id=int(number)):
                self._feed(Ideas(number, (), False))

    def _port_changed(self, message: io_wire.PortChanged) -> None:
        direction, number = message.direction.value, message.port
        self._status.bound[direction, number] = (message.name, message.bound)
        self._connections.changed(message)
        self._dirty = True
        if direction == "in":
            self._input_changed(number, message.bound)
        elif message.bound:
            self._choose_sound(number)
        missing = "" if message.bound else f"{message.what} {message.remedy}".strip()
        self._trouble(f"port {direction} {number}", missing)

    def _input_changed(self, number: int, bound: str) -> None:
        """Input `number` listens to `bound` now, empty for nothing; whatever was held where it listened is let go."""
        before = self._ports.get(number, "")
        if before and before != bound:
            self._pulled(before)
        if bound:
            self._ports[number] = bound
            self._bind(bound)

    @property
    def _listing(self) -> Listing:
        return self._status.there

    def _choose_ports(self, there: Listing) -> None:
        """A port is never taken from under a player: what is plugged in while playing waits for a stop."""
        self._listing_waits = self._session.playing
        wanted = self._parts.ports.look(there) if self._parts.ports and not self._listing_waits else None
        if wanted is not None:
            self._asked_for_ports = True
            self._status.bound.clear()
            self._outputs = tuple(spec.name for spec in wanted.outputs)
            self._connections.forget(self._outputs)
            self._parts.io.open(wanted)

    def _pulled(self, port: str) -> None:
        """A keyboard that is pulled holds no keys, no pedal and no pads any more."""
        if port in self._bindings:
            self._bindings[port].let_go()
        now = self._parts.clock.now()
        for channel in range(16):
            self._feed(Heard(ControlChange(now, port, channel, ALL_SOUND_OFF, 0)))

    def _midi_system(self, message: io_wire.MidiSystem) -> None:
        """A missing MIDI system is a trouble only where no other one is there."""
        self._systems[message.name] = "" if message.there else f"{message.what} {message.remedy}"
        alone = all(self._systems.values())
        self._trouble("midi", " ".join(self._systems.values()) if alone else "")

    def _trouble(self, part: str, sentence: str) -> None:
        """`part` has trouble, or none where the sentence is empty."""
        if sentence:
            self._status.troubles[part] = sentence
        else:
            self._status.troubles.pop(part, None)
        self._dirty = True

    # -- out ----------------------------------------------------------------------------------------------------------

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        """Everything in order; answers that are there at once are fed in after the last effect, never between two, so
        that the record keeps the session's own order."""
        for effect in effects:
            self._safely(f"carrying out {type(effect).__name__}", self._do, effect)
        while self._answers:
            self._feed(self._answers.popleft())

    def _do(self, effect: Effect) -> None:
        parts = self._parts
        match effect:
            case fx.Record():
                kind, payload = record(effect.value)
                number = parts.ledger.append(kind, payload, effect.at, durable=effect.durable)
                if effect.durable:
                    self._decided, self._at_once = number, True
                if parts.clips is not None:
                    parts.clips.keep(effect.at, effect.value)
            case fx.Send():
                self._send(effect)
            case fx.Cancel():
                parts.io.cancel(effect.owner)
                self._in_flight = deque(t for t in self._in_flight if t.owner != effect.owner)
            case fx.Silence():
                parts.io.silence()
                self._in_flight.clear()
            case fx.Panic():
                parts.io.panic()
                self._in_flight.clear()
            case fx.Prepare():
                if parts.model is not None:
                    parts.model.prepare(effect.request)
            case fx.AskProposer():
                self._ask_model(effect)
            case fx.AskStandIn():
                self._ask_stand_in(effect)
            case fx.AskChords():
                self._ask_chords(effect)
            case fx.AskChordsStandIn(request):
                self._answers.append(at_once(self._parts.chords, request))
            case fx.CancelRequest():
                if parts.model is not None:
                    parts.model.cancel(effect.request_id)
            case fx.Taken():
                self._keep_idea(effect)
            case fx.Capture():
                self._capture()
            case fx.Publish() | fx.Notice():
                self._dirty = True

    def _keep_idea(self, taken: fx.Taken) -> None:
        work = self._parts.clips.idea(taken) if self._parts.clips else None
        if work is not None:
            self._errands.run(work, lambda trouble: self._trouble("clips", trouble))

    def _capture(self) -> None:
        clips = self._parts.clips
        if clips is None:
            return
        try:
            work = clips.capture(self._parts.clock.now())
        except Nonsense as refused:
            self._tell(str(refused))
        else:
            self._errands.run(work, lambda trouble: self._tell(trouble or f"Kept as {clips.written}."))

    def _tell(self, sentence: str) -> None:
        """A sentence for every view, until the session says something new."""
        self._said = (self._session.snapshot().notices, sentence)
        self._dirty = True

    def _tell_of_loops(self, now: Ns) -> None:
        loops = self._echoes.loops(now)
        if loops != self._loops:
            self._loops = loops
            self._trouble("loop", sentence(loops))

    def _send(self, send: fx.Send) -> None:
        batch = [self._outgoing(timed) for timed in send.messages]
        self._echoes.sounded(batch)
        self._parts.io.send(batch)
        now = self._parts.clock.now()
        while self._in_flight and self._in_flight[0].due < now:
            self._in_flight.popleft()
        self._in_flight.extend(batch)

    def _outgoing(self, timed: fx.Timed) -> Outgoing:
        """A promised message as the io process gets it, moved by what its output is early or late."""
        message = timed.message
        due = Ns(timed.due + self._parts.offsets.get(message.out, 0))
        return Outgoing(due, output_number(self._outputs, message.out.value), message.owner, message.data)

    def _choose_sound(self, number: int) -> None:
        """Output `number` is there: the programs of the roles that play on it, where the player asked for some."""
        channels = self._session.snapshot().channels
        for role, program in self._parts.programs.items():
            if output_number(self._outputs, role) == number:
                data = program_change(channels[role] - 1, program)
                self._parts.io.send([Outgoing(self._parts.clock.now(), number, HOUSE, data)])

    def _send_again(self) -> None:
        """A new io process has taken over: what the old one still had queued is lost, so hand it over once more."""
        now = self._parts.clock.now()
        self._parts.io.send([timed for timed in self._in_flight if timed.due > now])

    def _ask_model(self, ask: fx.AskProposer) -> None:
        if self._parts.model is None:
            self._answers.append(Ideas(ask.request.id, (), False))
        else:
            self._parts.model.ask(ask.request)

    def _ask_chords(self, ask: fx.AskChords) -> None:
        if self._parts.model is None:
            self._answers.append(Foreseen(ask.request.id, (), "", False))
        else:
            self._parts.model.ask_chords(ask.request)

    def _ask_stand_in(self, ask: fx.AskStandIn) -> None:
        try:
            ideas = tuple(self._parts.stand_in.propose(ask.request, lambda: False))
        except Exception:  # whatever is wrong with one hand, the music goes on without it
            traceback.print_exc()  # into the log beside the session file
            ideas = ()
        self._answers.append(Ideas(ask.request.id, ideas, True))

    def _publish(self, now: Ns) -> None:
        trouble = self._parts.ledger.trouble
        if (trouble or "") != self._status.troubles.get("ledger", ""):
            self._trouble("ledger", trouble or "")
        saved = self._parts.ledger.acknowledged
        if not self._dirty and self._saved == saved:
            return
        if now < self._next_frame and not self._at_once and not self._saved < self._decided <= saved:
            return
        self._dirty, self._at_once, self._next_frame = False, False, Ns(now + FRAME)
        self._saved = saved
        self._parts.views.publish(self._state())

    def _state(self) -> dict[str, Any]:
        status = self._status
        bound = [f"{name}: {port}" if port else name for (_, _), (name, port) in sorted(status.bound.items())]
        state = self._session.state()
        for bindings in self._bindings.values():
            bindings.controls_are({knob: state["steering"]["controls"][knob.value] for knob in Knob})
        state["saved"] = self._parts.ledger.acknowledged
        if self._said[1] and list(self._said[0]) == list(state["notices"]):
            state["notices"] = (*state["notices"], self._said[1])
        if self._parts.clips is not None:
            state["clips"] = {"written": self._parts.clips.written, "newest": self._parts.clips.newest}
        chosen = self._parts.ports.chosen(self._listing) if self._parts.ports else {}
        state["ports"] = {
            "inputs": status.there.inputs,
            "outputs": status.there.outputs,
            "bound": bound,
            "missing": status.troubles.get("midi", ""),
            **chosen,
            **self._connections.section(self._listing),
        }
        state["lateness"] = {**status.lateness(), "lost": status.lost, "realtime": status.realtime}
        state["trouble"] = list(dict.fromkeys(status.troubles.values()))  # five roles on one lost port are one trouble
        state["file"] = self._parts.file
        state["ready"] = self._opened
        state["heard_on"] = status.heard_on
        state["styles"] = self._parts.styles
        state["learn"] = self._teaching.section() if self._teaching else {}
        state["bindings"] = self._places
        return state

    def _close(self) -> None:
        """Silence first; then let everything go, each with a bounded wait of its own."""
        parts = self._parts
        parts.io.silence()
        with suppress(_Lost):
            if self._session.playing:
                self._feed(Do(Action.PLAY_STOP, "leaving"))
        parts.io.close()
        if parts.model is not None:
            parts.model.close()
        if parts.link is not None:
            parts.link.close()
        self._errands.close()
        parts.views.goodbye("" if parts.ledger.close() else f"Not everything is saved: {parts.ledger.trouble}")


def at_once(chords: Accompanies, request: ChordsRequest) -> Foreseen:
    """The stand-in's answer; whatever is wrong with one beat, the music goes on."""
    try:
        return Foreseen(request.id, chords.chords(request), chords.name, True)
    except Exception:
        traceback.print_exc()  # into the log beside the session file
        return Foreseen(request.id, (), chords.name, True)


def _open(reader: Any) -> bool:
    number = reader if isinstance(reader, int) else reader.fileno()
    return isinstance(number, int) and number >= 0
