"""Where everything is put together: the one file that names concrete ports, proposers, stores and views.

Each function is one command of the command line. Heavy parts are imported where they are used.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import secrets
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jamlink import __version__
from jamlink.errors import JamlinkError, Nonsense, Unavailable
from jamlink.ledger.entry import HEADER
from jamlink.midi.actions import Action
from jamlink.midi.map_files import read_map, read_maps
from jamlink.midi.maps import GENERIC, Bindings, ControllerMap, choose
from jamlink.ports.base import Listing
from jamlink.proposers.base import Accompanies, Proposer
from jamlink.resources import data_folder, shared_music
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header
from jamlink.settings import (
    WITH_MUSIC,
    PageTable,
    Places,
    Settings,
    clips_folder,
    load,
    offsets_ns,
    programs,
    remember,
    remembered,
    remote_config,
    session_settings,
    with_remembered,
)
from jamlink.timing.clock import Clock
from jamlink.timing.units import Ns, Ticks, ms
from jamlink.web.slip import Door, Role, Slip, close_doors, open_doors, write_slip

if TYPE_CHECKING:
    from jamlink.nn.checkpoint import Checkpoint
    from jamlink.training.corpus import Wanted

# -- jam: the foreground process -----------------------------------------------------------------------------------


class JamConfig(msgspec.Struct, frozen=True):
    """What the foreground hands to the session process, as JSON."""

    settings: Settings
    seed: int
    file: str
    demo: bool
    play: bool
    slip: int | None = None
    """The descriptor of what the page's process needs to know (`jamlink.web.slip`); None for no page."""


def jam(flags: Mapping[str, Any], sessions: Path | None, *, demo: bool, plain: bool, play: bool) -> int:
    """Run a jam until the player leaves. Returns the exit code."""
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view import lines, terminal

    config = _jam_config(flags, sessions, demo, play or demo)
    child, connection, slip = _start(config)
    full_screen = not plain and sys.stdin.isatty() and sys.stdout.isatty()
    previous = {s: signal.signal(s, _leave) for s in (signal.SIGTERM, signal.SIGHUP)}
    try:
        welcome = [] if slip is None else _show_page(slip, config.settings.page)
        if full_screen:
            return terminal.run(connection, MonotonicClock(), welcome, _open_to(slip))
        return lines.run(connection, MonotonicClock())
    except _Left:
        return 0
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        connection.close()
        _reap(child)


def _start(config: JamConfig) -> tuple[Any, Any, Slip | None]:
    """The session process, the connection to it, and where its page is; None where no page is wanted."""
    from jamlink.runtime.ipc import spawn

    slip = _open_page(config)
    if slip is None:
        return *spawn("jamlink.app", "--config", msgspec.json.encode(config).decode()), None
    written = write_slip(slip)
    config = msgspec.structs.replace(config, slip=written)
    keep = (written, *slip.descriptors)
    try:
        return *spawn("jamlink.app", "--config", msgspec.json.encode(config).decode(), keep=keep), slip
    finally:
        os.close(written)
        close_doors(slip.doors)


def _open_page(config: JamConfig) -> Slip | None:
    """Doors for the page where one is wanted. Raises `Unavailable` where it cannot be shown."""
    page = config.settings.page
    if not page.start:
        return None
    return Slip(open_doors(page.port, lan=page.lan, address=page.address), config.file)


def _show_page(slip: Slip, page: PageTable) -> list[str]:
    """Say where the page is, and open it in the browser. -> what was said."""
    from rich.console import Console
    from rich.text import Text

    from jamlink.web.browser import open_in_browser

    player = slip.of(Role.PLAYER)
    out, said = Console(highlight=False, soft_wrap=True), [_where(door) for door in slip.doors]
    for door, words in zip(slip.doors, said, strict=True):
        out.print(Text(words, "" if door.role is Role.PLAYER else "bold red"))
    sys.stdout.flush()
    if page.open and player is not None:
        open_in_browser(player.link)
    return said


def _where(door: Door) -> str:
    if door.role is Role.PLAYER:
        return f"The page is at {door.link}"
    return f"Open to your network at {door.address} with the code {door.code}: to see, choose, take and refuse ideas."


def _open_to(slip: Slip | None) -> str:
    """Where others in the network may come in, and with which code; empty where nobody may."""
    doors = [door for door in slip.doors if door.role is Role.TABLET] if slip else []
    return " · ".join(f"Open to your network: {door.address}  code {door.code}" for door in doors)


class _Left(BaseException):
    """The machine asked us to go."""


def _leave(number: int, frame: object) -> None:
    raise _Left


def _reap(child: Any) -> None:
    """The session process sees its connection end, silences everything and goes; it has three seconds."""
    with contextlib.suppress(Exception):
        child.wait(timeout=3)
        return
    child.kill()
    child.wait()


_DEMO = {"session.tempo": 96.0, "session.repeat": "keep going"}
"""The demo's own tempo, and nobody at the keys: the best idea of each hand is taken unless it is refused. A flag that
says otherwise counts, but for the meter, which the tune is in."""
_DEMO_METER = {"session.meter": "4/4"}


def _for_demo(flags: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in flags.items() if value is not None}
    if said.get("session.meter", "4/4") != "4/4":
        raise Nonsense("The demo's tune is in 4/4.", "Leave --meter or --demo out.")
    return {**_DEMO, **said, **_DEMO_METER}


def _jam_config(flags: Mapping[str, Any], sessions: Path | None, demo: bool, play: bool) -> JamConfig:
    places = Places()
    settings = load(places.settings, os.environ, _for_demo(flags) if demo else flags)
    settings = with_remembered(settings, _not_said(remembered(places.remembered), flags))
    session_settings(settings, 1)
    offsets_ns(settings)
    programs(settings)
    _look_before_starting(settings)
    remember(places.remembered, {"input": settings.ports.input, "output": settings.ports.output})
    folder = sessions or places.sessions(settings)
    file = folder / f"{datetime.now():%Y-%m-%d %H.%M.%S}.jam"
    clips_folder(settings, file)
    return JamConfig(settings, secrets.randbelow(2**31), str(file), demo, play)


def _not_said(remembered_ports: Mapping[str, str], flags: Mapping[str, Any]) -> dict[str, str]:
    """What was remembered, less what a flag says; `--in ''` goes back to a port of our own."""
    return {way: name for way, name in remembered_ports.items() if flags.get(f"ports.{way}") is None}


def _look_before_starting(settings: Settings) -> None:
    """Raises `Nonsense` for what the processes would only stumble over later, when nobody can answer."""
    from jamlink.ports.discovery import systems
    from jamlink.runtime.link_peer import look_for_link
    from jamlink.runtime.monotonic import MonotonicClock

    systems(settings.ports.system, "jamlink", MonotonicClock())
    _bindings(settings.ports.map)
    without_model(settings)
    follower(settings)
    if settings.sync.link:
        look_for_link()
    _look_at_osc(settings)
    for mistake in read_maps(Places().config / "maps")[1]:
        print(f"jamlink: {mistake} Until then that map is left out.", file=sys.stderr)


def _look_at_osc(settings: Settings) -> None:
    """Raises `Unavailable` where somebody else listens where OSC is wanted."""
    config = remote_config(settings)
    if config.wanted:
        from jamlink.remote.main import sockets

        for sock in sockets(config):
            if sock is not None:
                sock.close()


# -- the session process -------------------------------------------------------------------------------------------


def session_process() -> None:
    """`python -m jamlink.app --fd N --config JSON`: started by `jam`, ends with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--config", required=True)
    arguments = parser.parse_args()
    config = msgspec.json.decode(arguments.config, type=JamConfig)
    _quiet_errors(Path(config.file))
    page = _start_page(config.slip)
    reader, writer = _wakeup()
    running = _put_together(config, arguments.fd, page, writer)
    _wake_on_signals(running, writer)
    running.run(reader)


def _quiet_errors(file: Path) -> None:
    """The terminal belongs to the view: what a library prints goes to a log beside the session file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        log = os.open(file.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 2)
    os.dup2(log, 1)


def _start_page(slip: int | None) -> Any:
    """The page's process, before anything else is imported here, so that both get ready at once; None for no page."""
    from jamlink.web.process import PageProcess

    return None if slip is None else PageProcess(slip)


def _wakeup() -> tuple[int, int]:
    """A pipe that ends a wait: whoever wants the loop to look around writes to its second end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


def _wake_on_signals(running: Any, writer: int) -> None:
    """Signals end the loop."""
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: running.leave())


def _wake(writer: int) -> None:
    """From any thread. A full pipe wakes, too."""
    with contextlib.suppress(BlockingIOError):
        os.write(writer, b"\0")


def _put_together(config: JamConfig, descriptor: int, page: Any, writer: int) -> Any:
    from jamlink.ledger.store import Ledger
    from jamlink.runtime.io_link import IoLink
    from jamlink.runtime.io_wire import OpenPorts
    from jamlink.runtime.ipc import inherited
    from jamlink.runtime.jam import Jam, Parts
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.session.core import Session
    from jamlink.tokens.vocab import STYLES

    settings, clock = config.settings, MonotonicClock()
    setup = session_settings(settings, config.seed)
    started = clock.now()
    io = IoLink(clock, OpenPorts((), (), settings.ports.system))
    io.start()
    ledger = Ledger(Path(config.file), on_acknowledged=lambda number: _wake(writer))
    ledger.append(HEADER, new_header(setup, started), started, durable=True)
    parts = Parts(
        session=Session(setup, started),
        io=io,
        model=_model_link(settings, clock),
        stand_in=without_model(settings),
        chords=chords_at_once(),
        ledger=ledger,
        bindings=_bindings(settings.ports.map),
        views=_with_osc(_views(inherited(descriptor), page, clock), settings),
        clock=clock,
        file=Path(config.file).name,
        opening=(Do(Action.PLAY_STOP, "start"),) if config.play else (),
        demo=_demo(setup) if config.demo else None,
        styles=STYLES,
        ports=_ports_to_have(settings),
        teacher=_teacher(settings.ports.map),
        follower=follower(settings),
        link=_link(settings),
        clips=_clips(config, setup, started),
        offsets=offsets_ns(settings),
        programs=programs(settings),
    )
    return Jam(parts)


def _views(terminal: Any, page: Any, clock: Clock) -> Any:
    """Whoever looks: the terminal, and the page where one is wanted."""
    from jamlink.view.hub import Hub
    from jamlink.web.keeper import Keeper

    return Hub(terminal) if page is None else Keeper(terminal, page, clock)


def _ports_to_have(settings: Settings) -> Any:
    """The choice of ports, which is remembered for the next start whenever the player changes it."""
    from jamlink.runtime.port_choice import ClockPorts, PortChoice

    ports, file = settings.ports, Places().remembered
    sync = settings.sync
    listens = sync.source not in ("playing", "internal") and sync.port != WITH_MUSIC
    listens = listens and (bool(sync.port) or sys.platform != "win32")  # where no program can have ports of its own
    clocks = ClockPorts(sync.port if listens else None, sync.to if sync.send else None)
    return PortChoice(
        ports.input,
        ports.output,
        ports.system,
        lambda names: remember(file, names),
        clocks,
        together=ports.own == "one",
    )


def follower(settings: Settings) -> Any:
    """Who listens to clocks; None where the player wants the session's own. Raises `Nonsense` for a wrong time code."""
    from jamlink.sync.base import ClockSource
    from jamlink.sync.follower import Follower
    from jamlink.sync.link import LinkBeats
    from jamlink.sync.midi_clock import MidiClock
    from jamlink.sync.playing import Playing
    from jamlink.sync.time_code import TimeCode, read_start

    start = read_start(settings.sync.starts_at)
    sources: tuple[ClockSource, ...] = {
        "auto": (MidiClock(), TimeCode(start)),
        "MIDI clock": (MidiClock(),),
        "time code": (TimeCode(start),),
        "playing": (Playing(),),
        "internal": (),
    }[settings.sync.source]
    if settings.sync.link:
        sources = (LinkBeats(), *sources)
    return Follower(sources, ms(settings.sync.offset), settings.sync.port == WITH_MUSIC) if sources else None


def _with_osc(hub: Any, settings: Settings) -> Any:
    """`hub` with the OSC process among its views, where one is wanted; it ends when its connection does."""
    from jamlink.runtime.ipc import spawn

    config = remote_config(settings)
    if config.wanted:
        _, connection = spawn("jamlink.remote.main", "--config", msgspec.json.encode(config).decode())
        hub.add(connection, "OSC", helper=True)
    return hub


def _clips(config: JamConfig, setup: SessionSettings, started: Ns) -> Any:
    """Where what is taken and captured goes as files."""
    from jamlink.runtime.clips import Clips, ClipSettings
    from jamlink.timing.timeline import Timeline

    settings = config.settings
    wanted = ClipSettings(clips_folder(settings, Path(config.file)), settings.clips.bars, programs(settings))
    return Clips(wanted, started, Timeline(setup.tempo, Ticks(0), started), str(setup.meter))


def _link(settings: Settings) -> Any:
    """The process that talks Ableton Link, where one is wanted."""
    from jamlink.runtime.link_peer import LinkPeer

    return LinkPeer() if settings.sync.link else None


def _teacher(forced: str) -> Any:
    """Where pads and knobs are learned: the player's own maps."""
    from jamlink.runtime.teaching import Teacher

    folder = Places().config / "maps"
    own = _own_maps()
    return Teacher(folder, _map_of(forced, own), own)


def new_header(setup: SessionSettings, started: Ns) -> Any:
    """The first entry of a session file; no other entry holds wall time."""
    return header(setup, started, __version__, datetime.now(UTC).isoformat(timespec="seconds"))


def _demo(setup: SessionSettings) -> Any:
    from jamlink.runtime.demo import Demo
    from jamlink.runtime.demo_tune import demo_score

    return Demo(demo_score(), setup.meter, output=0)


def _model_link(settings: Settings, clock: Clock) -> Any:
    """The model process; None where the player asked for another proposer."""
    from jamlink.runtime.model_link import ModelLink

    if settings.model.proposer != "transformer":
        return None
    return ModelLink(clock, model_folder(settings.model.folder), threads=settings.model.threads)


def model_folder(name: str) -> Path:
    """A folder of models/ by name, or any folder by path."""
    return Path(name) if "/" in name or os.sep in name else data_folder("models") / name


def stand_in(name: str) -> Proposer:
    """Who answers when the model does not: quick, pure Python, in the session's own process."""
    if name == "markov":
        from jamlink.proposers.markov import MarkovProposer

        return MarkovProposer()
    from jamlink.proposers.rules import RulesProposer

    return RulesProposer()


def without_model(settings: Settings) -> Proposer:
    """Who makes a jam's ideas when no model does: the proposer that was chosen, or the stand-in beside a model.

    Raises `Nonsense` or `Unavailable` where its table is damaged or missing.
    """
    chosen = settings.model.proposer
    return stand_in(settings.model.stand_in if chosen == "transformer" else chosen)


def proposer(name: str, model: str) -> Proposer:
    """Any proposer, in this process: for rendering and evaluation."""
    if name != "transformer":
        return stand_in(name)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two threads wait for each other longer than they work
    from jamlink.nn.checkpoint import load as load_checkpoint
    from jamlink.proposers.originality import index_for
    from jamlink.proposers.transformer import TransformerProposer
    from jamlink.tokens import vocab

    folder = model_folder(model)
    return TransformerProposer(load_checkpoint(folder, vocab.HASH), index_for(folder))


def chords_at_once() -> Accompanies:
    """Who finds chords for a melody between two notes, where the model does not. Raises `Nonsense` or `Unavailable`
    where its table is damaged or missing."""
    from jamlink.proposers.chords_at_once import StandIn, table

    return StandIn(table())


def _bindings(forced: str) -> Callable[[str], Bindings]:
    """The gestures of a port, by its map."""
    map_of = _map_of(forced, _own_maps())
    return lambda port: Bindings(map_of(port))


def _map_of(forced: str, own: Mapping[str, ControllerMap]) -> Callable[[str], ControllerMap]:
    """The map that fits a port's name, of the player's `own` maps before ours. Raises `Nonsense` for a forced map that
    is not there."""
    ours, _ = read_maps(data_folder("midi_maps"))
    maps = {**ours, **own}
    chosen = maps.get(forced)
    if forced and chosen is None:
        raise Nonsense(f"There is no map called {forced!r}.", f"Choose one of {', '.join(sorted(maps))}.")
    return lambda port: chosen or choose(list(maps.values()), port, ours[GENERIC])


def _own_maps() -> dict[str, ControllerMap]:
    return read_maps(Places().config / "maps")[0]


def all_maps() -> tuple[dict[str, ControllerMap], ControllerMap]:
    """Every readable map by name, the player's own last so that they win; and the one for unknown devices."""
    ours, _ = read_maps(data_folder("midi_maps"))
    return {**ours, **_own_maps()}, ours[GENERIC]


# -- offline: render, replay, export -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """What `jamlink render` was asked for."""

    source: Path
    target: Path
    accept: str
    bars: str
    seed: int
    proposer: str
    roles: tuple[str, ...]
    mode: str
    repeat: str
    model: str
    key: str = ""
    accompany: Mapping[str, int | None] = field(default_factory=dict)
    """How the accompaniment follows, as flags."""


def render(request: RenderRequest) -> dict[str, Any]:
    """Run a jam over the musician's file on a hand-moved clock. Returns the report that --json prints."""
    from jamlink.runtime.rendering import Rendering

    check_target(request.target, request.source)
    settings = load(
        Path(os.devnull),
        {},
        {
            "session.bars": request.bars,
            "session.roles": list(request.roles),
            "session.mode": request.mode,
            "session.repeat": request.repeat,
            "session.key": request.key,
            "session.seed": request.seed,
            "model.proposer": request.proposer,
            "session.count_in": 0,
            "session.click": "off",
            **request.accompany,
        },
    )
    maker = proposer(request.proposer, request.model)
    wanted = session_settings(settings, request.seed)
    rendering = Rendering(request.source, wanted, maker, stand_in("rules"), chords_at_once())
    return rendering.run(request.target, _chooser(request.accept, request.seed), new_header)


def check_target(target: Path, source: Path) -> None:
    """Whether a file can go to `target` and harms nothing there.

    Raises `Nonsense` for a target that would overwrite what is read or a session, `Unavailable` where nothing can be
    written.
    """
    if target.is_dir():
        raise Nonsense(f"{target} is a folder.", f"Name the file to write, like {target / 'out.mid'}.")
    if target.suffix == ".jam" or (target.exists() and source.exists() and target.samefile(source)):
        raise Nonsense(f"Writing to {target} would overwrite a recording.", "Choose another name, ending in .mid.")
    _check_folder(target)


def _check_folder(target: Path, *, ours: bool = False) -> None:
    """Raises `Unavailable` where nothing can be written beside `target`. A folder of jamlink's own is made."""
    try:
        if ours:
            target.parent.mkdir(parents=True, exist_ok=True)
        elif not target.parent.is_dir():
            what = f"{target} cannot be written: there is no folder {target.parent}."
            raise Unavailable(what, "Make it, or choose another folder.")
        with tempfile.TemporaryFile(dir=target.parent):
            return
    except OSError as trouble:
        what = f"{target} cannot be written: {(trouble.strerror or 'the disk refuses').lower()}."
        raise Unavailable(what, "Choose another folder.") from None


def _chooser(accept: str, seed: int) -> Any:
    """Which place of a hand is taken, from 0; -1 takes what is selected, None takes nothing."""
    dice = random.Random(seed)
    return {
        "best": lambda hand: -1,
        "first": lambda hand: 0,
        "random": lambda hand: dice.randrange(hand),
        "none": lambda hand: None,
    }[accept]


_MIDI_ENDINGS = ("", ".mid", ".midi", ".jam")
"""The last is refused in its own words."""


def export(session: Path, target: Path) -> None:
    """A session file as what the target's name ends in; as a MIDI file where it has no ending. Raises `Nonsense` for an
    ending that says something else."""
    from jamlink.ledger.abc_tune import abc_tune
    from jamlink.ledger.dawproject import dawproject
    from jamlink.ledger.export import export as write
    from jamlink.ledger.ireal import ireal
    from jamlink.ledger.musicxml import musicxml
    from jamlink.midi.files import write_whole

    makers = {".musicxml": musicxml, ".abc": abc_tune, ".ireal": ireal, ".dawproject": dawproject}
    ending = target.suffix.lower()
    if ending not in (*makers, *_MIDI_ENDINGS) or target.name.endswith("."):
        raise Nonsense(
            f"Nothing can be written as {ending or target.name}.",
            f"Let the name end in {', '.join(('.mid', *makers))}.",
        )
    check_target(target, session)
    make = makers.get(ending)
    if make is not None:
        write_whole(target, make(session))
    else:
        write(session, target)


def replay(session: Path) -> Any:
    """Whether a session's inputs give the same effects again."""
    from jamlink.runtime.replaying import replay as again

    return again(session)


# -- the rest ------------------------------------------------------------------------------------------------------


def ports() -> Listing:
    """What can be heard from and played to. Raises `Unavailable` where no MIDI system answers."""
    from jamlink.ports.base import Direction
    from jamlink.ports.discovery import list_ports
    from jamlink.runtime.monotonic import MonotonicClock

    found = list_ports(MonotonicClock())
    if not found.systems:
        raise Unavailable(" ".join(str(trouble) for trouble in found.missing))
    names = {way: tuple(port.name for port in found.ports if port.direction is way) for way in Direction}
    return Listing(names[Direction.IN], names[Direction.OUT])


def maps() -> list[ControllerMap]:
    """Every map; raises the first mistake found in one of the player's own."""
    for folder in (data_folder("midi_maps"), Places().config / "maps"):
        for mistake in read_maps(folder)[1]:
            raise mistake
    return list(all_maps()[0].values())


def check_map(file: Path) -> str:
    """One sentence about a good map; raises `Nonsense` for a bad one."""
    found = read_map(file)
    return f"{found.name}, {len(found.buttons)} buttons, {len(found.knobs)} knobs."


def build_corpus(wanted: Wanted, out: Path, workers: int, say: Callable[[str], None]) -> list[dict[str, object]]:
    """The packed corpus that training reads; -> what came in, by source. With no music named, the shared music."""
    from jamlink.training.corpus import build

    if wanted.data is None and not wanted.music:
        wanted = replace(wanted, data=shared_music() / "data")
    return build(wanted, out, workers=workers, say=say)


def index_corpus(corpus: Path, out: Path, say: Callable[[str], None]) -> Path:
    """The index of what a corpus teaches, which tells how near an idea comes to it; -> the file."""
    from jamlink.proposers.originality import FILE
    from jamlink.training.examples import Corpus
    from jamlink.training.originality_index import build

    if out.suffix == ".npz" and out.name != FILE:
        raise Nonsense(f"An index is called {FILE}, and {out} is not.", "Name its folder with --out.")
    path = corpus / "corpus.npz" if corpus.is_dir() else corpus
    try:
        found = Corpus(path)
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
        raise Nonsense(f"{path} is damaged.", "Build the corpus again: jamlink corpus build.") from None
    folder = out.parent if out.suffix == ".npz" else out
    try:
        return build(found, folder, unpacked=path.parent / "unpacked", say=say)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror}.", "Name another folder with --out.") from None


def train(recipe: Path, corpus: Path | None, run: Path | None, minutes: float | None, device: str) -> None:
    """Train, or go on training, and export the model beside the run's state; a benchmark's recipe needs no corpus."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported: spinning threads starve each other
    try:
        from jamlink.training.benchmarks import default_run, is_benchmark, train_benchmark
        from jamlink.training.loop import train as teach
    except ModuleNotFoundError as missing:
        raise Unavailable(
            f"Training needs {missing.name}, which is not installed.", "Run: pip install 'jamlink[train]'"
        ) from None
    if is_benchmark(recipe):
        train_benchmark(recipe, None, run or default_run(recipe.resolve().parent.name), minutes or 0.0, print)
        return
    if corpus is None or run is None:
        raise Nonsense("There is no corpus or no run folder.", "Name both: --corpus FOLDER --run FOLDER.")
    teach(recipe, corpus, run, minutes=minutes or 0.0, device=device)


def learn_map(wanted: str | None, target: Path | None, say: Callable[[str], None]) -> None:
    """Write a controller map from what the player presses."""
    from jamlink.runtime.learning import learn
    from jamlink.runtime.monotonic import MonotonicClock

    places = Places()
    # before the player has pressed thirty pads
    _check_folder(target or places.config / "maps" / "new.toml", ours=target is None)
    pattern = wanted or remembered(places.remembered).get("input", "") or _only_input()
    learn(MonotonicClock(), pattern, target, places.config / "maps", say)


def _only_input() -> str:
    inputs = ports().inputs
    if len(inputs) != 1:
        raise Nonsense(f"{len(inputs) or 'No'} controllers are plugged in.", "Name one: jamlink maps learn --in NAME")
    return inputs[0]


def loopback(heard: str, played: str, system: str) -> list[Any]:
    """The way out of one port and into another, measured, with the offset to set."""
    from jamlink.runtime.doctor import loopback as measure
    from jamlink.runtime.monotonic import MonotonicClock

    return measure(MonotonicClock(), heard, played, system)


def doctor() -> list[Any]:
    """Everything that can be wrong with this machine or installation, checked; the model last."""
    from jamlink.runtime.doctor import run_checks
    from jamlink.runtime.monotonic import MonotonicClock

    settings = load(Places().settings, os.environ, {})
    return run_checks(MonotonicClock(), Places().sessions(settings), more=(lambda: _check_model(settings),))


def _check_model(settings: Settings) -> list[Any]:
    """Whether the model's files are whole, and what computes it."""
    from jamlink.engine.choose import engine_for
    from jamlink.nn.checkpoint import load as load_checkpoint
    from jamlink.runtime.doctor import Check
    from jamlink.tokens import vocab

    folder = model_folder(settings.model.folder)
    try:
        found = load_checkpoint(folder, vocab.HASH)
    except JamlinkError as trouble:
        return [Check("model", False, trouble.what, trouble.remedy)]
    size = sum(array.size for array in found.weights.values())
    whole = Check("model", True, f"{folder.name} is whole, {size / 1e6:.1f} million parameters.", "")
    try:
        engine = engine_for(found.config, found.weights).name
    except JamlinkError as trouble:
        return [whole, Check("engine", False, trouble.what, trouble.remedy)]
    return [whole, Check("engine", True, engine + (_why_numpy(found) if engine.startswith("numpy") else ""))]


def _why_numpy(found: Checkpoint) -> str:
    """Why numpy computes and nothing faster."""
    from jamlink.engine.native import LEVEL_SETTING, NativeDecoder

    if os.environ.get(LEVEL_SETTING):
        return ", as was asked for"
    try:
        NativeDecoder(found.config, found.weights)
    except Unavailable as missing:
        return f", several times as slow as the other. {missing}"
    return ", the fastest for this processor"


def bench_loop(messages: int, minutes: float, presses: int, sixteenths: int, beats: int, as_json: bool) -> None:
    """The note path beside a bare loop, then press-to-hand and beat-to-chord through the whole instrument; one JSON
    object last."""
    from rich.console import Console

    from jamlink.runtime import bench_loop as note_path
    from jamlink.runtime import bench_model
    from jamlink.runtime.bench_along import stand_in_times

    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        model, tell = model_folder(Settings().model.folder), lambda what: status.update(f"measuring {what}")
        report = note_path.run(model, messages, 2_000, minutes * 60, tell)
        beside = note_path.beside_engine(model, 1_000, tell=tell)
        alone = bench_model.measure(model, presses, sixteenths, tell)
        hands = [_bench_hands(size, roles, presses, tell) for size, roles in _HANDS]
        along = [_bench_along(commit, beats, tell) for commit in _COMMITS]
        at_once = stand_in_times()
    note_path.show(report, screen)
    screen.print("\n".join(bench_words(beside, alone, hands, along, at_once)), highlight=False, soft_wrap=True)
    if as_json:
        parts = {"beside_engine": beside, "model": alone, "hands": hands, "along": along, "stand_in": at_once}
        print(msgspec.json.encode({**msgspec.to_builtins(report), "bench": "loop", **parts}).decode())


_HANDS = ((4, ("chords", "melody", "bass")), (32, ("chords", "melody")))
_COMMITS = (0, 2, 4)
"""Beats that an accompaniment promises."""


def bench_words(
    beside: Any, alone: Any, hands: Sequence[Mapping[str, Any]], along: Sequence[Any] = (), at_once: Any = None
) -> Iterator[str]:
    """What was found of the model and of the whole way, in lines."""
    yield f"notes beside the model at full work: {beside.ratio} times as late as beside an idle one (p99; limit 1.5)"
    for row in alone.hands:
        s = row.spread_ms
        yield f"a hand of {row.ideas}, {', '.join(row.roles)}, nothing prepared: p50 {s.p50:.0f}, p99 {s.p99:.0f} ms"
    for row in alone.sixteenths:
        s = row.spread_ms
        yield (
            f"a fresh hand on every sixteenth at {row.bpm:g} bpm: {row.in_time} of {row.asked} in time "
            f"({row.share:.4f}); p50 {s.p50:.0f}, p99 {s.p99:.0f} ms"
        )
    for row in hands:
        yield (
            f"press to a new hand of {row['ideas']} on the view, {', '.join(row['roles'])}: p50 {row['p50_ms']}, "
            f"p95 {row['p95_ms']} ms, {row['by_model']} of {row['presses']} by the model; io, session and model hold "
            f"{row['io_mib']}, {row['session_mib']} and {row['model_mib']} MiB"
        )

    for row in along:
        yield (
            f"accompanied at 120 bpm, {row.commit} beats promised: beat to chord p50 {row.p50_ms}, p95 {row.p95_ms}, "
            f"most {row.max_ms} ms; {row.by_network:.1%} of {row.beats} beats by the network, {row.late:.1%} late"
        )
    if at_once is not None:
        yield (
            f"the stand-in's chords, between two notes: p50 {at_once.p50_ms}, most {at_once.max_ms} ms; asked for the "
            f"first time in the middle of a song {at_once.first_ms} ms"
        )


def bench_engine(rounds: int, model: str, sizes: str, as_json: bool) -> None:
    """The network alone: every engine on the same weights in the same run; one JSON object last."""
    from rich.console import Console

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there; more only hurt it at this size
    from jamlink.runtime import bench_engine as engine
    from jamlink.runtime.bench_bars import lines
    from jamlink.runtime.bench_models import sizes_of

    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        plan = engine.everyone(rounds)
        report = engine.run(model_folder(model), sizes_of(sizes), plan, lambda what: status.update(what))
    screen.print("\n".join(lines(report)), highlight=False, soft_wrap=True)
    if as_json:
        print(msgspec.json.encode(report).decode())


def bench_page(quick: bool, as_json: bool) -> None:
    """The page in a headless Chromium against a real jamlink; one JSON object last."""
    from rich.console import Console

    from jamlink.web import bench_page as page

    amounts = page.Amounts(2, 40, 8, 5.0, 5.0, 500, 1, 8.0) if quick else page.Amounts()
    screen = Console(stderr=as_json)
    with screen.status("measuring") as status:
        report = page.run(_start_for_bench, _reap, amounts, lambda what: status.update(f"measuring {what}"))
    for line in page.lines(report):
        screen.print(line, highlight=False, soft_wrap=True)
    if as_json:
        print(msgspec.json.encode(report).decode())


def _start_for_bench(with_page: bool, file: str) -> tuple[Any, Any, str]:
    """A session process that plays by itself, its connection, and its page's link where it has one."""
    flags = {"session.tempo": 120.0, "session.repeat": "keep going", "session.click": "on", "ports.system": "JACK"}
    settings = load(Path(os.devnull), {}, {**flags, "page.start": with_page})
    child, connection, slip = _start(JamConfig(settings, 1, file, demo=False, play=False))
    door = slip.of(Role.PLAYER) if slip else None
    return child, connection, door.link if door else ""


def _bench_hands(ideas: int, roles: Sequence[str], presses: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Press to hand at 120 bpm while the bundled musician plays, on a JACK server and in a folder of its own, with what
    the processes hold in memory."""
    from jamlink.ports.jack_server import private_jack_server
    from jamlink.runtime.bench_loop import resident_mib
    from jamlink.runtime.ipc import spawn
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view.bench_hand import measure

    flags = {"session.tempo": 120.0, "session.bars": 4, "session.roles": list(roles), "session.hand": ideas}
    with private_jack_server(period_frames=128), tempfile.TemporaryDirectory() as folder:
        settings = load(Path(os.devnull), {}, {**flags, "session.click": "off", "ports.system": "JACK"})
        config = JamConfig(settings, 1, str(Path(folder) / "bench.jam"), demo=True, play=True)
        child, connection = spawn("jamlink.app", "--config", msgspec.json.encode(config).decode())
        held: dict[str, float] = {}

        def watched(what: str) -> None:
            held.update(_resident(child.pid, resident_mib))
            tell(f"{what}, {ideas} ideas each")

        times = measure(connection, MonotonicClock(), presses, watched)
        _reap(child)
    ordered = sorted(times.spans_ms)
    pick = {
        name: round(ordered[int(part * (len(ordered) - 1))], 1) for name, part in (("p50_ms", 0.5), ("p95_ms", 0.95))
    }
    what = {"ideas": ideas, "roles": list(roles), "presses": presses, "by_model": times.by_model}
    return {**what, **pick, "max_ms": round(ordered[-1], 1), **held}


def _bench_along(commit: int, beats: int, tell: Callable[[str], None]) -> Any:
    """The bundled musician accompanied at 120 bpm for so many beats, on a JACK server and in a folder of its own."""
    from jamlink.ports.jack_server import private_jack_server
    from jamlink.runtime.bench_along import times_of
    from jamlink.runtime.ipc import spawn
    from jamlink.runtime.monotonic import MonotonicClock
    from jamlink.view.bench_hand import follow

    flags = {"session.tempo": 120.0, "session.mode": "accompany", "session.click": "off", "ports.system": "JACK"}
    with private_jack_server(period_frames=128), tempfile.TemporaryDirectory() as folder:
        settings = load(Path(os.devnull), {}, {**flags, "accompany.commit": commit})
        config = JamConfig(settings, 1, str(Path(folder) / "bench.jam"), demo=True, play=True)
        child, connection = spawn("jamlink.app", "--config", msgspec.json.encode(config).decode())
        follow(connection, MonotonicClock(), beats, lambda what: tell(f"{what}, {commit} promised"))
        _reap(child)
        return times_of(Path(config.file), commit)


def _resident(session: int, resident_mib: Callable[[int], float]) -> dict[str, float]:
    """Resident memory of a session process and its children, by what they run."""
    found = {"session_mib": resident_mib(session)}
    for pid in Path(f"/proc/{session}/task/{session}/children").read_text().split():
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        found["io_mib" if b"io_main" in words else "model_mib"] = resident_mib(int(pid))
    return found


if __name__ == "__main__":
    session_process()
