"""`jamlink doctor`: is everything here that a jam needs? Each check is one line; a failing one ends with what to do.

The loop-back check is the real thing: two io processes, one with a port of its own, the other bound to it by name, and
notes sent from the one to the other. Takes some seconds.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jamlink.errors import JamlinkError, Unavailable
from jamlink.ports import windows
from jamlink.ports.base import Direction, Listing, Outgoing, PortSpec
from jamlink.ports.discovery import Found, list_ports
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.io_wire import FromIo, Heard, IoReady, OpenPorts, PortChanged
from jamlink.timing.clock import Clock
from jamlink.timing.units import NS_PER_MS, NS_PER_SECOND, Ns, ms

_ON_WINDOWS = sys.platform == "win32"
OLDEST_PYTHON = (3, 11)
_EAR, _MOUTH = "jamlink-hearing", "jamlink-speaking"
"""Client names of the two ends: hidden from every jam, but not from each other."""
_NOTES = 40
_NOTE_EVERY = ms(10)
_PORTS_WITHIN = Ns(8 * NS_PER_SECOND)
"""On a busy machine two processes and their ports may take this long."""
_NOTES_WITHIN = Ns(NS_PER_SECOND)
SLOW_MS = 30.0
"""A way out and in again that takes longer than this is heard as a delay by the player."""
_LEAST_FREE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is well, what was found, and what to do where it is not."""

    name: str
    ok: bool
    what: str
    remedy: str = ""


def run_checks(
    clock: Clock, sessions: Path, more: Sequence[Callable[[], Check | list[Check]]] = (), system: str = "auto"
) -> list[Check]:
    """All checks, and then `more` (the model's, by whoever knows it). Raises nothing but `Nonsense` for `system`.

    A check that raises has failed: known trouble with its own remedy, anything else with a request to report it.
    """
    found = list_ports(clock, system)
    checks: list[tuple[str, Callable[[], Check | list[Check]]]] = [
        ("Python", check_python),
        ("MIDI", lambda: check_systems(found)),
        ("ports", lambda: check_ports(found)),
        *([("cables", lambda: check_cables(windows.facts(os.environ, os.path.exists, _listing(found))))] * _ON_WINDOWS),
        ("loop-back", lambda: check_notes(clock, found, system)),
        ("disk", lambda: check_folder(sessions)),
        *((getattr(check, "__name__", "more"), check) for check in more),
    ]
    return [result for name, check in checks for result in _guarded(name, check)]


def _guarded(name: str, check: Callable[[], Check | list[Check]]) -> list[Check]:
    try:
        result = check()
    except JamlinkError as trouble:
        return [Check(name, False, trouble.what, trouble.remedy)]
    except Exception as bug:
        return [Check(name, False, f"This check broke ({type(bug).__name__}: {bug}).", "Please report it.")]
    return result if isinstance(result, list) else [result]


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """Whether this Python is new enough."""
    shown = ".".join(map(str, version))
    oldest = ".".join(map(str, OLDEST_PYTHON))
    return Check("Python", version >= OLDEST_PYTHON, shown, f"Install Python {oldest} or newer.")


def check_systems(found: Found) -> Check:
    """Whether any MIDI system answers; that another one is absent is only told."""
    missing = " ".join(gone.what for gone in found.missing)
    if found.systems:
        return Check("MIDI", True, f"{' and '.join(found.systems)} answers. {missing}".strip())
    return Check("MIDI", False, missing, found.missing[-1].remedy)


def check_ports(found: Found) -> Check:
    """What can be plugged; nothing at all is well too, since jamlink makes ports of its own (on Windows see
    `check_cables`)."""
    there = _listing(found)
    heard, played = (", ".join(there.of(way)) or "none" for way in Direction)
    return Check("ports", True, f"to hear from: {heard}; to play to: {played}")


def _listing(found: Found) -> Listing:
    names = {way: tuple(port.name for port in found.ports if port.direction is way) for way in Direction}
    return Listing(names[Direction.IN], names[Direction.OUT])


def check_cables(found: windows.WindowsFacts) -> Check:
    """On Windows: whether a DAW and jamlink can play into each other, and the one step that is missing where not. A
    keyboard and a synth that are plugged in are enough for a jam without a DAW."""
    makers = {"Windows MIDI Services": found.midi_services, "loopMIDI": found.loop_midi}
    installed = " and ".join(name for name, there in makers.items() if there) or "nothing that makes MIDI cables"
    step = windows.next_step(found)
    if not step:
        return Check("cables", True, f"both are there, by {installed}")
    gone = " and ".join(f'"{name}"' for name in windows.missing(found))
    alone = bool(found.there.inputs and found.there.outputs)
    said = f"{gone} for a DAW missing; {installed} is installed."
    return Check("cables", alone, f"{said} For a DAW: {step}" if alone else said, step)


def check_folder(sessions: Path) -> Check:
    """Whether a session can be written, and for how long."""
    try:
        sessions.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=sessions) as file:
            file.write(b"jamlink")
        free = shutil.disk_usage(sessions).free
    except OSError as error:
        what = f"{sessions} cannot be written ({error.strerror})."
        return Check("disk", False, what, "Choose another folder with sessions_folder in the settings.")
    shown = f"{sessions}, {free / 1024**3:.1f} GiB free"
    return Check("disk", free >= _LEAST_FREE_BYTES, shown, "Make room: a long session needs up to 100 MiB.")


# -- notes through real ports


def check_notes(clock: Clock, found: Found, system: str) -> list[Check]:
    """The way out and in again through ports of our own, and the priority that the machine grants."""
    if not found.systems:
        return [Check("loop-back", False, "There is no MIDI system to send notes through.", "See MIDI above.")]
    if found.systems == ("Windows",):
        return [Check("loop-back", True, "not measured: Windows lets no program make MIDI ports")]
    with _ends(clock, system) as (ear, mouth):
        return [_judge(_round_trips(clock, ear, mouth)), _judge_priority(mouth.ready)]


@dataclass(slots=True)
class _End:
    """An io process of the doctor's, and what it said about itself."""

    link: IoLink
    bound: bool = False
    ready: IoReady | None = None

    def listen(self) -> list[FromIo]:
        """What it said since the last call."""
        said = [m for m in self.link.receive() if isinstance(m, FromIo)]
        for message in said:
            if isinstance(message, IoReady):
                self.ready = message
            elif isinstance(message, PortChanged):
                self.bound = bool(message.bound)
        return said


@contextlib.contextmanager
def _ends(clock: Clock, system: str, heard: str = "", played: str = "") -> Iterator[tuple[_End, _End]]:
    """Two io processes, one that hears and one that plays; through ports of our own, or those whose names are given."""
    hearing = OpenPorts((PortSpec("ear", heard),), (), system, client=_EAR)
    speaking = OpenPorts((), (PortSpec("mouth", played or f"{_EAR}*ear*"),), system, client=_MOUTH)
    ends = _End(IoLink(clock, hearing)), _End(IoLink(clock, speaking))
    try:
        for end in ends:
            end.link.start()
        _listen_until(clock, ends, lambda: all(end.bound for end in ends), _PORTS_WITHIN, bool(heard or played))
        yield ends
    finally:
        for end in ends:
            end.link.close()


def _listen_until(
    clock: Clock, ends: tuple[_End, ...], done: Callable[[], bool], within: Ns, named: bool = False
) -> None:
    deadline = clock.now() + within
    while not done():
        if clock.now() > deadline and named:
            raise Unavailable("There are no such ports.", "Choose two that `jamlink ports` lists.")
        if clock.now() > deadline:
            what = "The ports of jamlink's own do not find each other."
            raise Unavailable(what, "Restart the MIDI system, then try again.")
        select.select([end.link for end in ends if end.link.fileno() >= 0], [], [], 0.02)
        for end in ends:
            end.listen()


def _round_trips(clock: Clock, ear: _End, mouth: _End) -> list[float]:
    """Milliseconds from asking for a note to hearing it, for those that came back."""
    asked: dict[bytes, Ns] = {}
    trips: list[float] = []
    for pitch in range(_NOTES):
        for status in (0x90, 0x80):
            data = bytes((status, pitch, 64))
            asked[data] = clock.now()
            mouth.link.send([Outgoing(asked[data], 0, 1, data)])
            _hear(clock, ear, mouth, asked, trips, Ns(asked[data] + _NOTE_EVERY))
    _hear(clock, ear, mouth, asked, trips, Ns(clock.now() + _NOTES_WITHIN))
    return trips


def _hear(clock: Clock, ear: _End, mouth: _End, asked: dict[bytes, Ns], trips: list[float], until: Ns) -> None:
    while clock.now() < until and asked:
        select.select([ear.link], [], [], max(0.0, (until - clock.now()) / NS_PER_SECOND))
        now = clock.now()
        heard = [m.data for m in ear.listen() if isinstance(m, Heard)]
        trips += [(now - asked.pop(data)) / NS_PER_MS for data in heard if data in asked]
        mouth.listen()


# -- the offset to set

_AHEAD = ms(300)
_LOOP_NOTES = 50
_LOOP_EVERY = ms(20)
STEADY_MS = 3.0
"""A way whose notes come farther apart than this is not put right by one number."""


def loopback(clock: Clock, heard: str, played: str, system: str) -> list[Check]:
    """`measure_loopback`, where there is a MIDI system to measure. Raises `Nonsense` for a system that there is not."""
    answers = check_systems(list_ports(clock, system))
    return [measure_loopback(clock, heard, played, system)] if answers.ok else [answers]


def measure_loopback(clock: Clock, heard: str, played: str, system: str) -> Check:
    """How long the way out of `played` and into `heard` again is, and the offset that makes up for it. Both are parts
    of port names; empty for a port of our own. Raises `Unavailable`."""
    with _ends(clock, system, heard, played) as (ear, mouth):
        return judge_loopback(_ways(clock, ear, mouth))


def _ways(clock: Clock, ear: _End, mouth: _End) -> list[float]:
    """For each note that came back: milliseconds from the moment it was to leave to the stamp it was heard with."""
    start = Ns(clock.now() + _AHEAD)
    due = {bytes((0x90, pitch, 64)): Ns(start + pitch * _LOOP_EVERY) for pitch in range(_LOOP_NOTES)}
    offs = [Outgoing(Ns(at + _LOOP_EVERY // 2), 0, 1, bytes((0x80, data[1], 64))) for data, at in due.items()]
    mouth.link.send([*(Outgoing(at, 0, 1, data) for data, at in due.items()), *offs])
    ways: list[float] = []
    until = Ns(start + _LOOP_NOTES * _LOOP_EVERY + _NOTES_WITHIN)
    while due and clock.now() < until:
        select.select([ear.link], [], [], 0.05)
        heard = [m for m in ear.listen() if isinstance(m, Heard) and m.data in due]
        ways += [(m.at - due.pop(m.data)) / NS_PER_MS for m in heard]
        mouth.listen()
    return ways


def judge_loopback(ways: list[float]) -> Check:
    """What the ways say: the offset is half of the middle one, since only the way out is jamlink's to make up for."""
    if len(ways) < _LOOP_NOTES * 3 // 4:
        what = f"{_LOOP_NOTES - len(ways)} of {_LOOP_NOTES} notes did not come back."
        return Check("offset", False, what, "Let the output lead back into the input, and switch monitoring on.")
    middle = statistics.median(ways)
    spread = sorted(ways)[len(ways) * 9 // 10] - sorted(ways)[len(ways) // 10]
    said = f"the way out and in again takes {middle:.1f} ms, nine in ten within {spread:.1f} ms"
    offset = -round(middle) / 2
    if spread > STEADY_MS:
        return Check("offset", False, f"{said}.", "Use shorter periods first: no offset makes up for an unsteady way.")
    if offset == 0:
        return Check("offset", True, f"{said}; no offset is needed")
    return Check("offset", True, f"{said}; set offsets = {{ all = {offset:g} }} under [ports] in the settings")


def _judge(trips: list[float]) -> Check:
    lost = 2 * _NOTES - len(trips)
    if lost:
        what = f"{lost} of {2 * _NOTES} messages did not come back."
        return Check("loop-back", False, what, "Close programs that keep the machine busy, or use longer periods.")
    middle, slowest = statistics.median(trips), max(trips)
    shown = f"out and in again in {middle:.1f} ms, at most {slowest:.1f} ms, none of {len(trips)} lost"
    remedy = "Use shorter periods in JACK or PipeWire, or close programs that keep the machine busy."
    return Check("loop-back", middle <= SLOW_MS, shown, remedy)


def _judge_priority(ready: IoReady | None) -> Check:
    if ready is not None and ready.realtime:
        return Check("priority", True, "the MIDI process runs with real-time priority")
    why = ready.why_not if ready else "The MIDI process did not say."
    can_be_had = hasattr(os, "sched_setscheduler")
    return Check("priority", not can_be_had, "the MIDI process has no real-time priority", why)
