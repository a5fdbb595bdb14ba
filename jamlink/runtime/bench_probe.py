"""The measuring end of `jamlink bench loop`: sends into a subject and writes down, to the frame, what comes back.

`python -m jamlink.runtime.bench_probe echo|record ...` runs as a process of its own, so that nothing else holds
Python's lock while JACK calls. It knows nothing of jamlink's ports and ties frames to the clock in its own way: each
period notes the clock beside the frame, and afterwards every frame is placed by the median of the periods on both sides
of it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from typing import Any

from jamlink.runtime.realtime import prepare

_SECOND_NS = 1_000_000_000
_SETTLE_S = 0.5
_LAST_ECHO_WITHIN_S = 2.0
_NEIGHBOURS = 10
"""Periods on either side of a frame whose median places it."""
_KEYS = 16 * 128


def numbered(index: int) -> bytes:
    """Note-on and note-off in turn, each key once in 4096 messages, so that a message is known when it returns."""
    key = index // 2 % _KEYS
    return bytes(((0x80 if index % 2 else 0x90) | key >> 7, key & 0x7F, 64))


class Probe:
    """A JACK client with one port to send from and `ears` to hear with. `plan` holds (frame after start, message)."""

    def __init__(self, plan: Sequence[tuple[int, bytes]] = (), ears: int = 1) -> None:
        import jack

        self._client: Any = jack.Client("probe", no_start_server=True)
        self.rate: int = self._client.samplerate
        self._ears = [self._client.midi_inports.register(f"in {number}") for number in range(ears)]
        self._out = self._client.midi_outports.register("out")
        self._plan = plan
        self._next = 0
        self._first_frame: int | None = None
        self.periods: list[tuple[int, int]] = []  # (frame, clock)
        self.sent: list[tuple[int, bytes]] = []
        self.received: list[list[tuple[int, bytes]]] = [[] for _ in self._ears]
        self.dropouts = 0
        self._client.set_process_callback(self._process)
        self._client.set_xrun_callback(self._missed)

    def _missed(self, _delay_usecs: float) -> None:
        self.dropouts += 1

    def join(self, to_end: str, from_ends: Sequence[str]) -> None:
        """Connects to the first foreign ports whose names end so, one per ear. Raises LookupError."""
        self._client.activate()
        if to_end:
            self._client.connect(self._out, self._foreign(to_end, is_input=True))
        for ear, end in zip(self._ears, from_ends, strict=True):
            self._client.connect(self._foreign(end, is_output=True), ear)

    def _foreign(self, end: str, **way: bool) -> Any:
        for port in self._client.get_ports(is_midi=True, **way):
            if port.name.endswith(end) and not self._client.owns(port):
                return port
        raise LookupError(f"no port ends with {end}")

    def begin(self) -> None:
        """Starts to send the plan."""
        self._first_frame = self._client.frame_time + self.rate // 10

    @property
    def finished(self) -> bool:
        """Whether all was sent and as much came back."""
        return self.all_sent and len(self.received[0]) >= len(self.sent)

    @property
    def all_sent(self) -> bool:
        """Whether all was sent."""
        return self._next == len(self._plan)

    def _process(self, frames: int) -> None:
        start = self._client.last_frame_time
        self.periods.append((start + self._client.frames_since_cycle_start, time.monotonic_ns()))
        for ear, received in zip(self._ears, self.received, strict=True):
            for offset, data in ear.incoming_midi_events():
                received.append((start + offset, bytes(data)))
        self._out.clear_buffer()
        while self._first_frame is not None and self._next < len(self._plan):
            after, data = self._plan[self._next]
            offset = self._first_frame + after - start
            if offset >= frames:
                break
            offset = max(offset, 0)
            self._out.write_midi_event(offset, data)
            self.sent.append((start + offset, data))
            self._next += 1

    def moments(self, ear: int) -> list[tuple[int, str]]:
        """(clock, message as hex) of everything received with this ear."""
        frames = [frame for frame, _ in self.periods]
        origins = [clock - (frame + 0.5) * _SECOND_NS / self.rate for frame, clock in self.periods]
        placed = []
        for frame, data in self.received[ear]:
            near = bisect_left(frames, frame)
            origin = statistics.median(origins[max(0, near - _NEIGHBOURS) : near + _NEIGHBOURS])
            placed.append((round(origin + frame * _SECOND_NS / self.rate), data.hex()))
        return placed


def pair(sent: Sequence[tuple[int, bytes]], received: Sequence[tuple[int, bytes]]) -> tuple[list[int], int, int]:
    """Frames from each message to its echo, how many never returned, and how many came that nobody sent."""
    waiting: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for frame, data in sent:
        waiting[data].append(frame)
    trips, strangers = [], 0
    for frame, data in received:
        if waiting[data] and waiting[data][0] <= frame:
            trips.append(frame - waiting[data].popleft())
        else:
            strangers += 1
    return trips, sum(map(len, waiting.values())), strangers


def echo(to_end: str, from_end: str, count: int, gap_ms: float) -> dict[str, object]:
    """Sends `count` messages, `gap_ms` apart on average and at any place in a period, and times their echoes."""
    dice = random.Random(1)
    probe = Probe()
    step = gap_ms / 1000 * probe.rate
    probe._plan = [(round(i * step + dice.random() * step / 2), numbered(i)) for i in range(count)]
    probe.join(to_end, [from_end])
    prepare()
    time.sleep(_SETTLE_S)
    before = probe.dropouts
    probe.begin()
    while not probe.all_sent:
        time.sleep(0.05)
    deadline = time.monotonic() + _LAST_ECHO_WITHIN_S
    while not probe.finished and time.monotonic() < deadline:
        time.sleep(0.05)
    trips, lost, strangers = pair(probe.sent, probe.received[0])
    trips_ms = [frames / probe.rate * 1000 for frames in trips]
    return {"trips_ms": trips_ms, "lost": lost, "strangers": strangers, "dropouts": probe.dropouts - before}


def record(from_ends: Sequence[str]) -> dict[str, object]:
    """Writes down what arrives from each until the standard input ends."""
    sys.stdin.readline()  # the ports are there
    probe = Probe(ears=len(from_ends))
    probe.join("", from_ends)
    prepare()
    time.sleep(_SETTLE_S)
    before = probe.dropouts
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.read()
    received = {end: probe.moments(ear) for ear, end in enumerate(from_ends)}
    return {"received": received, "dropouts": probe.dropouts - before}


def main() -> None:
    """Runs the probe and prints one JSON line."""
    parser = argparse.ArgumentParser(prog="jamlink.runtime.bench_probe")
    parser.add_argument("mode", choices=("echo", "record"))
    parser.add_argument("--to", default="")
    parser.add_argument("--hear", nargs="+", required=True)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--gap-ms", type=float, default=1.0)
    chosen = parser.parse_args()
    measures = {
        "echo": lambda: echo(chosen.to, chosen.hear[0], chosen.count, chosen.gap_ms),
        "record": lambda: record(chosen.hear),
    }
    print(json.dumps(measures[chosen.mode]()), flush=True)


if __name__ == "__main__":
    main()
