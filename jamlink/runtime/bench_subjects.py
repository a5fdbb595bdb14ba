"""What `jamlink bench loop` measures: jamlink, and beside it the barest loop anybody could write with the same library.

`python -m jamlink.runtime.bench_subjects SUBJECT ...` prints a JSON line when it is ready and works until its standard
input ends (echoes) or its messages are sent (players); players then print when each was meant to sound. All of them ask
for the same priority, so that only what they do differs.
"""

from __future__ import annotations

import argparse
import json
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jamlink.ports.base import Outgoing, PortSpec
from jamlink.runtime.bench_probe import numbered
from jamlink.runtime.io_link import IoLink
from jamlink.runtime.io_wire import Heard, OpenPorts, PortChanged
from jamlink.runtime.model_link import ModelLink
from jamlink.runtime.monotonic import MonotonicClock
from jamlink.runtime.realtime import prepare
from jamlink.timing.units import Ns, ms

_POLL_S = 0.001
_GAP = ms(2)
_AHEAD = ms(200)
_BEGIN_AFTER = ms(500)
_CLOCK = MonotonicClock()


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def _input_ended(wait_s: float = 0.0) -> bool:
    return bool(select.select([sys.stdin], [], [], wait_s)[0])


def _sleep_until(moment: int) -> None:
    wait = moment - _CLOCK.now()
    if wait > 0:
        time.sleep(wait / 1e9)


# -- the bare loops


def _open_rtmidi() -> tuple[Any, Any]:
    import rtmidi

    came = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="bare", queue_size_limit=4096)
    came.open_virtual_port("bare in")
    went = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="bare")
    went.open_virtual_port("bare out")
    return came, went


def bare_rtmidi_echo() -> None:
    """Polls and sends."""
    came, went = _open_rtmidi()
    prepare()
    _say(ready=True)
    while not _input_ended():
        while (message := came.get_message()) is not None:
            went.send_message(message[0])
        time.sleep(_POLL_S)


def bare_jack_echo() -> None:
    """Copies within JACK's callback."""
    import jack

    client: Any = jack.Client("bare", no_start_server=True)
    came, went = client.midi_inports.register("bare in"), client.midi_outports.register("bare out")

    def process(frames: int) -> None:
        went.clear_buffer()
        for offset, data in came.incoming_midi_events():
            went.write_midi_event(offset, bytes(data))

    client.set_process_callback(process)
    prepare()
    with client:
        _say(ready=True)
        sys.stdin.read()


def bare_rtmidi_player(count: int) -> None:
    """Sleeps until the moment, then sends."""
    _, went = _open_rtmidi()
    prepare()
    _say(ready=True)
    sys.stdin.readline()
    begin = _CLOCK.now() + _BEGIN_AFTER
    plan = [(begin + i * _GAP, numbered(i)) for i in range(count)]
    for moment, data in plan:
        _sleep_until(moment)
        went.send_message(data)
    _finish(plan)


def bare_jack_player(count: int) -> None:
    """A queue of frames, served within JACK's callback."""
    import jack

    client: Any = jack.Client("bare", no_start_server=True)
    went = client.midi_outports.register("bare out")
    waiting: deque[tuple[int, bytes]] = deque()

    def process(frames: int) -> None:
        went.clear_buffer()
        start, last = client.last_frame_time, 0
        now, frame_now = _CLOCK.now(), start + client.frames_since_cycle_start
        while waiting:
            last = max(round(frame_now + (waiting[0][0] - now) * client.samplerate / 1e9) - start, last)
            if last >= frames:
                return
            went.write_midi_event(last, waiting.popleft()[1])

    client.set_process_callback(process)
    prepare()
    with client:
        _say(ready=True)
        sys.stdin.readline()
        begin = _CLOCK.now() + _BEGIN_AFTER
        plan = [(begin + i * _GAP, numbered(i)) for i in range(count)]
        for moment, data in plan:
            _sleep_until(moment - _AHEAD)
            waiting.append((moment, data))
        _finish(plan)


def _finish(plan: list[tuple[int, bytes]]) -> None:
    _sleep_until(plan[-1][0] + ms(500))
    _say(plan=[(moment, data.hex()) for moment, data in plan])


# -- jamlink


def _open_jamlink(system: str) -> IoLink:
    link = IoLink(_CLOCK, OpenPorts((PortSpec("ours in"),), (PortSpec("ours out"),), system))
    link.start()
    bound: set[str] = set()
    while len(bound) < 2:
        select.select([link], [], [], 0.1)
        bound |= {m.name for m in link.receive() if isinstance(m, PortChanged) and m.bound}
    return link


def _serve(link: IoLink, until: Callable[[], bool], hear: Callable[[Heard], None]) -> None:
    while not until():
        select.select([link, sys.stdin], [], [], 0.05)
        for message in link.receive():
            if isinstance(message, Heard):
                hear(message)
    link.close()


def jamlink_thru(system: str) -> None:
    """Notes pass through the io process while the session process reads the reports."""
    link = _open_jamlink(system)
    link.thru(0)
    prepare()
    _say(ready=True, io_pid=link.pid)
    _serve(link, _input_ended, lambda heard: None)


def jamlink_session_echo(system: str) -> None:
    """Notes come up to the session process, which sends them down again for right now."""
    link = _open_jamlink(system)
    prepare()
    _say(ready=True, io_pid=link.pid)
    _serve(link, _input_ended, lambda heard: link.send([Outgoing(_CLOCK.now(), 0, 1, heard.data)]))


def jamlink_player(system: str, count: int) -> None:
    """Hands messages over ahead of time, as the session does."""
    link = _open_jamlink(system)
    prepare()
    _say(ready=True, io_pid=link.pid)
    sys.stdin.readline()
    begin = _CLOCK.now() + _BEGIN_AFTER
    plan = [(begin + i * _GAP, numbered(i)) for i in range(count)]
    for moment, data in plan:
        while (wait := moment - _AHEAD - _CLOCK.now()) > 0:
            select.select([link], [], [], wait / 1e9)
            link.receive()
        link.send([Outgoing(Ns(moment), 0, 1, data)])
    _serve(link, lambda: _CLOCK.now() > plan[-1][0] + ms(300), lambda heard: None)
    _finish(plan)


def busy_model() -> None:
    """Multiplies matrices on one core, as a model at work does."""
    import numpy as np

    rows = np.random.default_rng(1).standard_normal((256, 256), dtype=np.float32)
    product = rows
    _say(ready=True)
    while not _input_ended():
        for _ in range(20):
            product = rows @ product
            product /= np.abs(product).max()


def idle_model(model: str) -> None:
    """The model process, ready and asked nothing."""
    _model_at_rest(model).close()


def working_model(model: str) -> None:
    """The model process, asked for large hands without a pause."""
    from jamlink.runtime.bench_model import requests
    from jamlink.session.proposal import Role

    link = _model_at_rest(model, wait=False)
    asked = requests(120.0, 32, frozenset((Role.CHORDS, Role.MELODY)))
    while not _input_ended():
        link.ask(next(asked))
        while not link.receive() and not _input_ended():
            select.select([link, sys.stdin], [], [], 0.05)
    link.close()


def _model_at_rest(model: str, wait: bool = True) -> ModelLink:
    link = ModelLink(_CLOCK, Path(model))
    while not link.receive():
        select.select([link], [], [], 0.05)
    _say(ready=True)
    while wait and not _input_ended(0.1):
        link.receive()
    return link


def main() -> None:
    """Runs one subject."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.bench_subjects")
    parser.add_argument("subject")
    parser.add_argument("--system", default="JACK")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--model", default="")
    chosen = parser.parse_args()
    subjects: dict[str, Callable[[], None]] = {
        "bare-rtmidi-echo": bare_rtmidi_echo,
        "bare-jack-echo": bare_jack_echo,
        "bare-rtmidi-player": lambda: bare_rtmidi_player(chosen.count),
        "bare-jack-player": lambda: bare_jack_player(chosen.count),
        "jamlink-thru": lambda: jamlink_thru(chosen.system),
        "jamlink-session-echo": lambda: jamlink_session_echo(chosen.system),
        "jamlink-player": lambda: jamlink_player(chosen.system, chosen.count),
        "busy-model": busy_model,
        "idle-model": lambda: idle_model(chosen.model),
        "working-model": lambda: working_model(chosen.model),
    }
    subjects[chosen.subject]()


if __name__ == "__main__":
    main()
