"""A jam's parts, made from the player's settings and put together, in the session process."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jamlink.app.files import new_header
from jamlink.app.following import follower
from jamlink.app.jam_config import JamConfig
from jamlink.app.maps import bindings, map_of, own_folder, own_maps
from jamlink.app.proposers import chords_at_once, model_folder, without_model
from jamlink.ledger.entry import HEADER
from jamlink.ledger.store import Ledger
from jamlink.midi.actions import Action
from jamlink.runtime.clips import Clips, ClipSettings
from jamlink.runtime.demo import Demo
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.io_wire import OpenPorts
from jamlink.runtime.ipc import Framed, inherited, spawn
from jamlink.runtime.jam import Jam
from jamlink.runtime.link_peer import LinkPeer
from jamlink.runtime.model_link import ModelLink
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.runtime.parts import Parts
from jamlink.runtime.port_choice import ClockPorts, PortChoice
from jamlink.runtime.teaching import Teacher
from jamlink.session.core import Session
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.settings import (
    WITH_MUSIC,
    Places,
    Settings,
    clips_folder,
    offsets_ns,
    programs,
    remember,
    remote_config,
    session_settings,
)
from jamlink.timing.clock import Clock
from jamlink.timing.timeline import Timeline
from jamlink.timing.units import Ns, Ticks
from jamlink.tokens.vocab import STYLES

if TYPE_CHECKING:
    from jamlink.view.hub import Hub
    from jamlink.web.process import PageProcess


def put_together(config: JamConfig, descriptor: int, page: PageProcess | None, wake: Callable[[], None]) -> Jam:
    """`wake` ends a wait of the jam's loop, from any thread."""
    settings, clock = config.settings, MonotonicClock()
    setup = session_settings(settings, config.seed)
    started = clock.now()
    io = IoLink(clock, OpenPorts((), (), settings.ports.system))
    io.start()
    ledger = Ledger(Path(config.file), on_acknowledged=lambda number: wake())
    ledger.append(HEADER, new_header(setup, started), started, durable=True)
    parts = Parts(
        session=Session(setup, started),
        io=io,
        model=_model_link(settings, clock),
        stand_in=without_model(settings),
        chords=chords_at_once(),
        ledger=ledger,
        bindings=bindings(settings.ports.map),
        views=_with_osc(_views(inherited(descriptor), page, clock), settings),
        clock=clock,
        file=Path(config.file).name,
        opening=(Do(Action.PLAY_STOP, "start"),) if config.play else (),
        demo=_demo(setup) if config.demo else None,
        styles=STYLES,
        ports=_ports_to_have(settings),
        teacher=_teacher(settings.ports.map),
        follower=follower(settings),
        link=_link(settings, clock),
        clips=_clips(config, setup, started),
        offsets=offsets_ns(settings),
        programs=programs(settings),
    )
    return Jam(parts)


def _views(terminal: Framed, page: PageProcess | None, clock: Clock) -> Hub:
    """Whoever looks: the terminal, and the page where one is wanted. Imported when the other processes have started."""
    from jamlink.view.hub import Hub
    from jamlink.web.keeper import Keeper

    return Hub(terminal) if page is None else Keeper(terminal, page, clock)


def _with_osc(hub: Hub, settings: Settings) -> Hub:
    """`hub` with the OSC process among its views, where one is wanted; it ends when its connection does."""
    config = remote_config(settings)
    if config.wanted:
        _, connection = spawn("jamlink.remote.main", "--config", msgspec.json.encode(config).decode())
        hub.add(connection, "OSC", helper=True)
    return hub


def _ports_to_have(settings: Settings) -> PortChoice:
    """The choice of ports, which is remembered for the next start whenever the player changes it."""
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


def _clips(config: JamConfig, setup: SessionSettings, started: Ns) -> Clips:
    """Where what is taken and captured goes as files."""
    settings = config.settings
    wanted = ClipSettings(clips_folder(settings, Path(config.file)), settings.clips.bars, programs(settings))
    return Clips(wanted, started, Timeline(setup.tempo, Ticks(0), started), str(setup.meter))


def _link(settings: Settings, clock: Clock) -> LinkPeer | None:
    """The process that talks Ableton Link, where one is wanted."""
    return LinkPeer(clock) if settings.sync.link else None


def _teacher(forced: str) -> Teacher:
    """Where pads and knobs are learned: the player's own maps."""
    own = own_maps()
    return Teacher(own_folder(), map_of(forced, own), own)


def _demo(setup: SessionSettings) -> Demo:
    from jamlink.runtime.demo_tune import demo_score

    return Demo(demo_score(), setup.meter, output=0)


def _model_link(settings: Settings, clock: Clock) -> ModelLink | None:
    """The model process; None where the player asked for another proposer."""
    if settings.model.proposer != "transformer":
        return None
    return ModelLink(clock, model_folder(settings.model.folder), threads=settings.model.threads)
