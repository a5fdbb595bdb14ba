"""The far ends of JACK cables: a player that sends into jamlink, and a recorder that hears what comes out.

They share no code with jamlink's own ports, so that neither can hide the other's mistake. Both are JACK clients of the
server named by JACK_DEFAULT_SERVER. Close them, or use them in a `with`.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, NamedTuple, Self

import jack


class Recorded(NamedTuple):
    """A message that arrived at a frame of the server's count."""

    frame: int
    data: bytes


class _Client:
    """A JACK client with one MIDI port."""

    def __init__(self, name: str) -> None:
        self.client: Any = jack.Client(name, no_start_server=True)
        self.client.set_process_callback(self._process)
        self.rate: int = self.client.samplerate

    def _process(self, frames: int) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Unplugs it."""
        self.client.deactivate()
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class JackRecorder(_Client):
    """Writes down everything that arrives at "NAME:in", in order."""

    def __init__(self, name: str = "recorder") -> None:
        super().__init__(name)
        self.recorded: list[Recorded] = []
        self._port: Any = self.client.midi_inports.register("in")
        self.client.activate()
        self.port_name: str = self._port.name

    def _process(self, frames: int) -> None:
        start = self.client.last_frame_time
        for offset, data in self._port.incoming_midi_events():
            self.recorded.append(Recorded(start + offset, bytes(data)))

    def listen_to(self, port: str) -> None:
        """Connects to an output of somebody; raises `jack.JackError` where there is none."""
        self.client.connect(port, self._port)

    def sounding(self) -> set[tuple[int, int]]:
        """The (channel, pitch) pairs that were begun and not ended."""
        down: set[tuple[int, int]] = set()
        for _, data in list(self.recorded):
            kind, key = data[0] & 0xF0, (data[0] & 0x0F, data[1] if len(data) > 1 else 0)
            if kind == 0x90 and data[2] > 0:
                down.add(key)
            elif kind in (0x80, 0x90):
                down.discard(key)
        return down

    def note_ons(self) -> list[Recorded]:
        """Every onset."""
        return [r for r in list(self.recorded) if r.data[0] & 0xF0 == 0x90 and r.data[2] > 0]


class JackPlayer(_Client):
    """Sends from "NAME:out", each message at its frame, or as soon as can be."""

    def __init__(self, name: str = "player") -> None:
        super().__init__(name)
        self._waiting: deque[tuple[int | None, bytes]] = deque()
        self.played: list[Recorded] = []
        self._port: Any = self.client.midi_outports.register("out")
        self.client.activate()
        self.port_name: str = self._port.name

    def play(self, data: bytes, frame: int | None = None) -> None:
        """Queues a message; frames must not go back."""
        self._waiting.append((frame, data))

    @property
    def idle(self) -> bool:
        """Whether everything was sent."""
        return not self._waiting

    def play_into(self, port: str) -> None:
        """Connects to an input of somebody; raises `jack.JackError` where there is none."""
        self.client.connect(self._port, port)

    def _process(self, frames: int) -> None:
        self._port.clear_buffer()
        start, last = self.client.last_frame_time, 0
        while self._waiting:
            frame, data = self._waiting[0]
            offset = last if frame is None else max(frame - start, last)
            if offset >= frames:
                return
            try:
                self._port.write_midi_event(offset, data)
            except jack.JackError:  # full: the rest goes with the next period
                return
            last = offset
            self.played.append(Recorded(start + offset, data))
            self._waiting.popleft()
