"""An LV2 host in a few lines, for tests: it loads the plug-in's library and calls it block by block, in this thread.

What a block's input holds, and what came out, are plain (frame, bytes) pairs. Blocks come when a sound card would give
them: `run` waits for its turn, and a host that is late by several blocks has missed them.
"""

from __future__ import annotations

import ctypes
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

RATE = 48_000
BLOCK = 256
CAPACITY = 8192
_MISSED = 4
"""Blocks."""
_ATOM = "http://lv2plug.in/ns/ext/atom#"
_TIME = "http://lv2plug.in/ns/ext/time#"
_MIDI = "http://lv2plug.in/ns/ext/midi#MidiEvent"


class _Feature(ctypes.Structure):
    _fields_ = [("uri", ctypes.c_char_p), ("data", ctypes.c_void_p)]


_MAP = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_char_p)


class _Map(ctypes.Structure):
    _fields_ = [("handle", ctypes.c_void_p), ("map", _MAP)]


_FEATURES = ctypes.POINTER(ctypes.POINTER(_Feature))
_INSTANTIATE = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double, ctypes.c_char_p, _FEATURES)
_CONNECT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
_HANDLE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32)


class _Descriptor(ctypes.Structure):
    _fields_ = [
        ("uri", ctypes.c_char_p),
        ("instantiate", _INSTANTIATE),
        ("connect_port", _CONNECT),
        ("activate", _HANDLE),
        ("run", _RUN),
        ("deactivate", ctypes.c_void_p),
        ("cleanup", _HANDLE),
        ("extension_data", ctypes.c_void_p),
    ]


class Host:
    """One instance of the plug-in."""

    def __init__(self, bundle: Path, part: int = 0) -> None:
        library = ctypes.CDLL(str(bundle / "jamlink.so"))
        library.lv2_descriptor.restype = ctypes.POINTER(_Descriptor)
        self._descriptor = library.lv2_descriptor(0).contents
        self._urids: dict[bytes, int] = {}
        self._map_function = _MAP(lambda handle, uri: self._urids.setdefault(uri, len(self._urids) + 1))
        self._map = _Map(None, self._map_function)
        feature = _Feature(b"http://lv2plug.in/ns/ext/urid#map", ctypes.addressof(self._map))
        features = (ctypes.POINTER(_Feature) * 2)(ctypes.pointer(feature), None)
        self._handle = self._descriptor.instantiate(None, RATE, b"", features)
        assert self._handle
        self._input = ctypes.create_string_buffer(CAPACITY)
        self._output = ctypes.create_string_buffer(CAPACITY)
        self.room = CAPACITY
        """Bytes that the output may hold."""
        self.part = ctypes.c_float(part)
        self._linked = ctypes.c_float(0)
        ports = (self._input, self._output, ctypes.byref(self.part), ctypes.byref(self._linked))
        for number, buffer in enumerate(ports):
            self._descriptor.connect_port(self._handle, number, ctypes.cast(buffer, ctypes.c_void_p))
        self.frames = 0
        self.heard: list[tuple[int, bytes]] = []
        """What came out, each with its frame since the start."""
        self._turn = time.monotonic()
        self.missed = 0
        """How often it was so late that its frames slipped against the clock."""

    @property
    def linked(self) -> bool:
        """What the plug-in says of jamlink."""
        return bool(self._linked.value)

    def urid(self, uri: str) -> int:
        return self._urids.setdefault(uri.encode(), len(self._urids) + 1)

    # -- what goes in

    def midi(self, data: bytes) -> bytes:
        """An atom: one MIDI message."""
        return struct.pack("=II", len(data), self.urid(_MIDI)) + data

    def position(
        self, bar: int, beat: float, bpm: float, rolls: bool = True, per_bar: float = 4, unit: int = 4
    ) -> bytes:
        """An atom: where the host is."""
        properties = [
            ("bar", "Long", struct.pack("=q", bar)),
            ("barBeat", "Float", struct.pack("=f", beat)),
            ("beatUnit", "Int", struct.pack("=i", unit)),
            ("beatsPerBar", "Float", struct.pack("=f", per_bar)),
            ("beatsPerMinute", "Float", struct.pack("=f", bpm)),
            ("speed", "Float", struct.pack("=f", float(rolls))),
        ]
        body = struct.pack("=II", 0, self.urid(f"{_TIME}Position"))
        for name, kind, value in properties:
            atom = struct.pack("=IIII", self.urid(_TIME + name), 0, len(value), self.urid(_ATOM + kind)) + value
            body += _padded(atom)
        return struct.pack("=II", len(body), self.urid(f"{_ATOM}Object")) + body

    # -- blocks

    def run(self, events: Iterable[tuple[int, bytes]] = (), frames: int = BLOCK) -> list[tuple[int, bytes]]:
        """One block. `events` are atoms at frames of the block; returns the MIDI messages at theirs."""
        self._wait_for_its_turn(frames)
        body = b"".join(_padded(struct.pack("=q", offset) + atom) for offset, atom in events)
        sequence = struct.pack("=IIII", 8 + len(body), self.urid(f"{_ATOM}Sequence"), 0, 0) + body
        assert len(sequence) <= CAPACITY
        ctypes.memmove(self._input, sequence, len(sequence))
        ctypes.memmove(self._output, struct.pack("=II", self.room - 8, 0), 8)
        self._descriptor.run(self._handle, frames)
        came = [(offset, data) for offset, data in self._events() if data]
        self.heard += [(self.frames + offset, data) for offset, data in came]
        self.frames += frames
        return came

    def _wait_for_its_turn(self, frames: int) -> None:
        now = time.monotonic()
        if now > self._turn + _MISSED * BLOCK / RATE:
            self._turn = now
            self.missed += 1
        time.sleep(max(0.0, self._turn - now))
        self._turn += frames / RATE

    def pause(self) -> None:
        """As a host does that switches a plug-in off and on again."""
        self._descriptor.activate(self._handle)

    def block(self) -> None:
        """One block without input."""
        self.run()

    def _events(self) -> list[tuple[int, bytes]]:
        size, kind = struct.unpack_from("=II", self._output)
        assert kind == self.urid(f"{_ATOM}Sequence")
        raw = self._output.raw[16 : 8 + size]
        found, at = [], 0
        while at < len(raw):
            offset, length, _ = struct.unpack_from("=qII", raw, at)
            found.append((offset, raw[at + 16 : at + 16 + length]))
            at += (16 + length + 7) // 8 * 8
        assert [offset for offset, _ in found] == sorted(offset for offset, _ in found), "a sequence goes forward"
        return found

    def run_for(self, seconds: float, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Blocks without input."""
        for _ in range(round(seconds * RATE / BLOCK)):
            meanwhile()
            self.run()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._descriptor.cleanup(self._handle)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 8)
