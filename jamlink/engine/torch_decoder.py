"""The network in torch, for a GPU: the same work as `decoder.Decoder`, one launch a step.

A small network's step is a hundred launches of a few microseconds each, which the processor cannot hand over as fast as
a GPU does them. So each shape of step is recorded once as a CUDA graph and played from then on. A shape is how many
rows there are places for (1, 2, 4 ... 64, 96 ...), how far into the prompt and how far into their own words rows look;
what lies between the true sizes and these is hidden. A graph knows its memory by address, so ids go in and logits come
out at a `_Desk`, and rows sit on a `_Seat` that a later fork takes over.

What holds:
- in fp32 logits equal numpy's to 1e-4 (TF32 is off while this computes, whatever the process allows);
- the same prompt, number of rows and ids give the same bits on the same device with the same torch, whatever was asked
  before: chunks of a prompt begin at multiples of CHUNK, and what is hidden weighs exactly nothing;
- rows that leave change no bit of those that stay, which keep their places;
- beside another number of rows that has other places, sums may be taken in another order: about 1e-6 of a logit, as in
  numpy. So a seed says the same in a hand of one and in a hand of 32, but for a draw that falls that near to the border
  between two ids, about once in 100,000 choices. (The engine in C keeps every bit there.)
Half precisions promise the second and the third.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from jamlink.engine.decoder import Floats, Shape, common_length
from jamlink.engine.sampling import Choice, Ids, sample
from jamlink.engine.torch_network import CHUNK, Caches, Network
from jamlink.engine.weights import checked
from jamlink.errors import Unavailable

Precision = Literal["fp32", "bf16", "fp16"]
NUMBERS: Mapping[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_LEAST_PAST = 64
"""Words of its own that a row looks back on at least; then twice as many, and so on."""
_GPU_STEP = 256
"""Positions of a prompt: a GPU reads some too many sooner than it records another graph."""
_WARM_UPS = 3

Work = Callable[[], object]
"""Reads and writes tensors that stay where they are. To do it twice is to do it once."""
Recorder = Callable[[Work], Work]
"""Makes of work what does it again; may do the work meanwhile. RuntimeError where it cannot."""


def as_it_is(work: Work) -> Work:
    """Launch by launch."""
    return work


class CudaGraphs:
    """Records CUDA graphs, which share their memory: only one of them is ever at work."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()
        self._side = torch.cuda.Stream()

    def __call__(self, work: Work) -> Work:
        """Do the work a few times, so that libraries have set themselves up, then record it."""
        here = torch.cuda.current_stream()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.stream(here):  # where recording fails, torch leaves its own stream behind; this ends it
            self._side.wait_stream(here)
            with torch.cuda.stream(self._side):
                for _ in range(_WARM_UPS):
                    work()
            here.wait_stream(self._side)
            with torch.cuda.graph(graph, pool=self._pool):
                work()
        return graph.replay


@contextmanager
def _exactly() -> Iterator[None]:
    """Floats are multiplied as floats; TF32 would keep ten bits of them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_float32_matmul_precision(before)


class _Desk:
    """Where numbers go in and logits come out, and the work between by its shape. One transfer each way."""

    def __init__(self, device: torch.device, numbers: int, rows: int, words: int) -> None:
        pinned = device.type == "cuda"
        self._given = torch.zeros(numbers, dtype=torch.int64, pin_memory=pinned)
        self.given = self._given.numpy()
        """To be written before `logits` is called."""
        self.controls = torch.zeros(numbers, dtype=torch.int64, device=device)
        self._out = torch.zeros(rows, words, device=device)
        self._found = torch.zeros(rows, words, pin_memory=pinned)
        self._works: dict[tuple[int, ...], Work] = {}

    def logits(self, shape: tuple[int, ...], made: Callable[[], Tensor], record: Recorder) -> Floats:
        """(rows, words) that `made` makes of `controls`, valid until the next call. The device is done then."""
        with _exactly():
            self.controls.copy_(self._given, non_blocking=True)
            if shape not in self._works:
                out = self._out
                self._works[shape] = record(lambda: out.copy_(made()))
            self._works[shape]()
            self._found.copy_(self._out)
        found: Floats = self._found.numpy()
        return found


@dataclass(frozen=True, slots=True)
class _Seat:
    """Places for the rows of one fork at a time."""

    desk: _Desk
    own: Caches


class TorchDecoder:
    """The network and the cache of the last prompt, as `decoder.Decoder`. One thread at a time.

    `device` is "cuda" or "cpu"; weights and caches are kept in `precision`. Where graphs cannot be recorded it goes on
    launch by launch, and `name` lacks ", graphs". Each number of places that was ever asked for keeps the caches of its
    rows (2 x layers x rows x limit x keys' width). Raises `Unavailable` without the device, ValueError for weights that
    do not fit or are no numbers.
    """

    side_by_side = False
    """One device does one thing after the other."""

    def __init__(
        self,
        shape: Shape,
        weights: Mapping[str, Floats],
        device: str = "cuda",
        precision: Precision = "fp32",
        recorder: Recorder | None = None,
    ) -> None:
        """`recorder` is for tests and benchmarks."""
        self._device = torch.device(device)
        if self._device.type == "cuda" and not torch.cuda.is_available():
            raise Unavailable("PyTorch finds no CUDA device here.", "Leave JAMLINK_ENGINE out; the processor computes.")
        self.limit, self.vocab_size, self.precision = shape.max_position_embeddings, shape.vocab_size, precision
        self._network = Network(shape, checked(shape, weights), self._device, NUMBERS[precision])
        on_gpu = self._device.type == "cuda"
        self._step = _GPU_STEP if on_gpu else CHUNK
        self._recorder = recorder or (CudaGraphs() if on_gpu else as_it_is)
        self._begin()

    def _begin(self) -> None:
        """Nothing is read yet."""
        self._prompt = self._network.caches(self._network.positions)
        self._desk = _Desk(self._device, 2 + CHUNK, 1, self.vocab_size)
        self._seats: dict[int, list[_Seat]] = {}  # those that are free, by their places
        self._read: list[int] = []
        self._logits = np.zeros(self.vocab_size, np.float32)
        self._whole = False
        self._read_chunk(0, [0])  # so that `name` knows whether graphs can be recorded

    def beside(self) -> TorchDecoder:
        """The same weights, kept once, with a prompt and graphs of its own."""
        other = copy(self)
        other._begin()
        return other

    @property
    def name(self) -> str:
        """What computes, for `doctor` and benchmarks."""
        graphs = "" if self._recorder is as_it_is else ", graphs"
        return f"torch {self._device.type} {self.precision}{graphs}"

    def prefill(self, ids: Sequence[int]) -> Floats:
        """As `Decoder.prefill`."""
        while not self.read_on(ids):
            pass
        return self._logits.copy()

    def read_on(self, ids: Sequence[int]) -> bool:
        """As `Decoder.read_on`; a chunk is one launch."""
        if not 0 < len(ids) <= self.limit:
            raise ValueError(f"a prompt has 1 to {self.limit} ids, not {len(ids)}")
        self._check(ids)
        if self._whole and self._read == list(ids):
            return True
        kept = min(common_length(self._read, ids), len(ids) - 1) // CHUNK * CHUNK
        self._whole = False
        del self._read[kept:]
        chunk = list(ids[kept : kept + CHUNK])
        self._logits = self._read_chunk(kept, chunk)
        self._read += chunk
        self._whole = len(self._read) == len(ids)
        return self._whole

    def fork(self, rows: int, length: int) -> TorchFork:
        """As `Decoder.fork`."""
        if not self._whole:
            raise ValueError("a fork needs a prompt")
        if rows < 1:
            raise ValueError(f"a fork has 1 row or more, not {rows}")
        return TorchFork(self, rows, min(length, self.limit - len(self._read)))

    def choose(self, logits: Floats, choice: Choice) -> tuple[Ids, Floats]:
        """As `Decoder.choose`."""
        return sample(logits, choice)

    def _check(self, ids: Sequence[int]) -> None:
        if len(ids) and not 0 <= min(ids) <= max(ids) < self.vocab_size:
            raise ValueError(f"an id is 0 to {self.vocab_size - 1}, not {min(ids)} or {max(ids)}")

    def _read_chunk(self, start: int, chunk: Sequence[int]) -> Floats:
        """Logits (V,) of what follows the chunk."""
        desk, length = self._desk, self._length(start + CHUNK)
        desk.given[:2] = start, len(chunk) - 1
        desk.given[2:] = 0  # an id too, and what it writes behind the prompt's end is hidden
        desk.given[2 : 2 + len(chunk)] = chunk
        made = partial(self._network.read, desk.controls, self._prompt, length)
        return desk.logits((length,), made, self._record)[0].copy()

    def _step_rows(self, seat: _Seat, prompt: int, done: int) -> Floats:
        """Logits (places, V) after the ids on the seat's desk; valid until the next step."""
        shape = self._length(prompt), min(max(_LEAST_PAST, 1 << done.bit_length()), self.limit)
        seat.desk.given[:2] = prompt, done
        made = partial(self._network.step, seat.desk.controls, self._prompt, seat.own, *shape)
        return seat.desk.logits(shape, made, self._record)

    def _length(self, least: int) -> int:
        """How far into the prompt rows look that must see `least` positions."""
        return min(-(-least // self._step) * self._step, self._network.positions)

    def _free_seat(self, places: int) -> _Seat:
        """One that nobody sits on; made where there is none."""
        if self._seats.setdefault(places, []):
            return self._seats[places].pop()
        desk = _Desk(self._device, 2 + places, places, self.vocab_size)
        return _Seat(desk, self._network.caches(places, self.limit))

    def _record(self, work: Work) -> Work:
        """By the recorder, or, once that failed, launch by launch for ever."""
        try:
            return self._recorder(work)
        except RuntimeError:
            self._recorder = as_it_is
            return work


class TorchFork:
    """Rows that go on from one prompt, in step, as `decoder.Fork`. Void after the decoder's next `prefill`.

    A row's state is its logits, since the output belongs to the graph: `step` gives (N, V), `logits` hands them back.
    """

    def __init__(self, decoder: TorchDecoder, rows: int, length: int) -> None:
        places = _places(rows)
        self._decoder, self._prompt, self._done = decoder, list(decoder._read), 0
        self.rows, self.room = rows, length
        self._at = np.arange(rows)  # each row's place; those who leave go on unheard
        self._seat = decoder._free_seat(places)
        weakref.finalize(self, decoder._seats[places].append, self._seat)

    def keep(self, rows: Sequence[int]) -> None:
        """As `Fork.keep`. Nothing is moved."""
        kept = list(rows)
        if kept != sorted(set(kept)) or not set(kept) <= set(range(self.rows)):
            raise ValueError(f"rows {kept} of {self.rows} cannot be kept")
        self._at = self._at[kept]
        self.rows = len(kept)

    def step(self, ids: Sequence[int]) -> Floats:
        """Give each row its next id; (N, V), a copy."""
        if self.room < 1 or len(ids) != self.rows:
            raise ValueError(f"{len(ids)} ids for {self.rows} rows with room for {self.room}")
        if self._decoder._read[: len(self._prompt)] != self._prompt:
            raise ValueError("the prompt of this fork was given up")
        self._decoder._check(ids)
        self._seat.desk.given[2 + self._at] = ids
        found = self._decoder._step_rows(self._seat, len(self._prompt), self._done)[self._at]
        self._done += 1
        self.room -= 1
        return found

    def logits(self, states: Floats) -> Floats:
        """What `step` gave, or some rows of it."""
        return states

    def advance(self, ids: Sequence[int], rows: Sequence[int], choice: Choice) -> tuple[Ids, Floats]:
        """As `Fork.advance`."""
        return sample(self.step(ids)[list(rows)], choice)


def _places(rows: int) -> int:
    """The next power of two; from 64 on, the next multiple of 32."""
    return 1 << (rows - 1).bit_length() if rows <= 64 else -(-rows // 32) * 32
