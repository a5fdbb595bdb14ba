"""The network in C: the same work as `decoder.Decoder`, some ten times as fast. See docs/engine.md.

The library is found beside its sources (`build.py` makes it). Calls release the interpreter's lock. Weights are bytes
with a scale for each output where the processor has wide vectors, else floats.
"""

from __future__ import annotations

import ctypes as c
import os
import weakref
from collections.abc import Mapping, Sequence
from copy import copy
from enum import IntEnum
from functools import cache
from operator import index
from typing import Any

import numpy as np

from jamlink.engine.build import library, whole
from jamlink.engine.decoder import Shape, check_fork, common_length
from jamlink.engine.sampling import Choice, Floats, Ids
from jamlink.engine.weights import checked
from jamlink.errors import Unavailable

CHUNK = 64
"""Ids that are read together at most; between two chunks the caller may look up."""
LEVEL_SETTING = "JAMLINK_ENGINE"
"""Environment: a `Level` in small letters (or `numpy`, see `choose`) instead of the best there is."""
_BLOCK = 16


class Precision(IntEnum):
    """What the weights are kept as."""

    FLOATS = 0
    BYTES = 1


class Level(IntEnum):
    """Which instructions compute; of those that a processor has, the highest is the fastest. As in `decoder.h`."""

    GENERIC = 0
    AVX2 = 1
    AVXVNNI = 2
    AVX512 = 3
    NEON = 4
    DOTPROD = 5


class _Shape(c.Structure):
    _fields_ = [
        *((name, c.c_int32) for name in ("vocab", "hidden", "layers", "heads", "kv_heads", "ffn", "head_dim", "limit")),
        ("eps", c.c_float),
        ("theta", c.c_float),
    ]


class _Choice(c.Structure):
    _fields_ = [
        ("count", c.c_int32),
        *((name, c.c_void_p) for name in ("masks", "temperature", "min_p", "top_k", "draws", "plain")),
        ("pull", c.c_float),
        *((name, c.c_void_p) for name in ("beside", "share")),
    ]


_POINTER, _INT = c.c_void_p, c.c_int
_CALLS: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "jl_best_level": (_INT, ()),
    "jl_can": (_INT, (_INT,)),
    "jl_has_bytes": (_INT, (_INT,)),
    "jl_new": (_POINTER, (c.POINTER(_Shape), c.POINTER(_POINTER), _INT, _INT)),
    "jl_beside": (_POINTER, (_POINTER,)),
    "jl_free": (None, (_POINTER,)),
    "jl_read": (_INT, (_POINTER, _POINTER, _INT, _INT, _POINTER)),
    "jl_states": (_INT, (_POINTER, _INT, _POINTER)),
    "jl_logits": (None, (_POINTER, _POINTER, _INT, _POINTER)),
    "jl_fork_new": (_POINTER, (_POINTER, _INT, _INT, _INT)),
    "jl_fork_free": (None, (_POINTER,)),
    "jl_fork_keep": (_INT, (_POINTER, _POINTER, _INT)),
    "jl_fork_step": (_INT, (_POINTER, _POINTER, _POINTER)),
    "jl_fork_logits": (None, (_POINTER, _POINTER, _INT, _POINTER)),
    "jl_choose": (_INT, (_POINTER, _POINTER, c.POINTER(_Choice), _POINTER, _POINTER)),
    "jl_fork_advance": (_INT, (_POINTER, _POINTER, _POINTER, c.POINTER(_Choice), _POINTER, _POINTER)),
}


@cache
def loaded() -> Any:
    """The library. Raises `Unavailable` where it was not built, or is no longer what was built."""
    path = whole(library())
    try:
        found = c.CDLL(str(path))
    except OSError as error:
        what = f"The fast engine cannot be loaded ({error})."
        raise Unavailable(what, "Build it here: python -m jamlink.engine.build") from None
    for name, (result, arguments) in _CALLS.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found


def best_level() -> Level:
    """What this processor can, or what the environment says instead. Raises `Unavailable` for what it cannot."""
    best, named = Level(loaded().jl_best_level()), os.environ.get(LEVEL_SETTING, "")
    if not named:
        return best
    level = Level.__members__.get(named.upper())
    if level is None or not loaded().jl_can(level):
        raise Unavailable(
            f"{LEVEL_SETTING}={named} is not to be had on this processor.", f"Leave it out, or say {best.name.lower()}."
        )
    return level


class NativeDecoder:
    """The network and the cache of the last prompt, as `decoder.Decoder`. One thread at a time, but for forks: each may
    go on in a thread of its own while the decoder reads nothing.

    Raises `Unavailable` where the library is missing or the shape is none that it computes (widths must be multiples of
    16), ValueError for weights that do not fit or are no numbers.
    """

    side_by_side = True

    def __init__(
        self,
        shape: Shape,
        weights: Mapping[str, Floats],
        precision: Precision | None = None,
        level: Level | None = None,
    ) -> None:
        self._c = loaded()
        self.level = best_level() if level is None else level
        fast = bool(self._c.jl_has_bytes(self.level))
        self.precision = (Precision.BYTES if fast else Precision.FLOATS) if precision is None else precision
        self.limit, self.vocab_size, self.hidden = shape.max_position_embeddings, shape.vocab_size, shape.hidden_size
        _check_shape(shape)
        arrays = list(checked(shape, weights).values())
        pointers = (_POINTER * len(arrays))(*(array.ctypes.data for array in arrays))
        sizes = _Shape(
            shape.vocab_size, shape.hidden_size, shape.num_hidden_layers, shape.num_attention_heads,
            shape.num_key_value_heads, shape.intermediate_size, shape.head_dim, shape.max_position_embeddings,
            shape.rms_norm_eps, shape.rope_theta,
        )  # fmt: skip
        self._own = self._c.jl_new(c.byref(sizes), pointers, int(self.precision), int(self.level))
        if not self._own:
            raise Unavailable(f"The fast engine cannot compute this here ({self.name}).", "The numpy decoder can.")
        self._begin()

    def _begin(self) -> None:
        """Nothing is read yet; the library's part goes when this does."""
        weakref.finalize(self, self._c.jl_free, self._own)
        self._read: list[int] = []
        self._state = np.zeros(self.hidden, np.float32)
        self._whole = False

    def beside(self) -> NativeDecoder:
        """The same weights, kept once, with a prompt of its own. Raises MemoryError."""
        other = copy(self)
        other._own = self._c.jl_beside(self._own)
        if not other._own:
            raise MemoryError("no room for another prompt")
        other._begin()
        return other

    @property
    def name(self) -> str:
        """What computes, for `doctor` and benchmarks."""
        return f"native {self.level.name.lower()} {'int8' if self.precision is Precision.BYTES else 'fp32'}"

    def prefill(self, ids: Sequence[int]) -> Floats:
        """As `Decoder.prefill`."""
        while not self.read_on(ids):
            pass
        return self.logits_of(self._state[None])[0]

    def read_on(self, ids: Sequence[int]) -> bool:
        """As `Decoder.read_on`; from the first id that differs from what was read last."""
        if not 0 < len(ids) <= self.limit:
            raise ValueError(f"a prompt has 1 to {self.limit} ids, not {len(ids)}")
        if self._whole and self._read == list(ids):
            return True
        kept = min(common_length(self._read, ids), len(ids) - 1)
        self._whole = False
        del self._read[kept:]
        chunk = _ids(ids[kept : kept + CHUNK])
        if self._c.jl_read(self._own, chunk.ctypes.data, kept, len(chunk), self._state.ctypes.data):
            raise _out_of_range(ids, self.vocab_size)
        self._read += chunk.tolist()
        self._whole = len(self._read) == len(ids)
        return self._whole

    def logits_after_each(self, ids: Sequence[int]) -> Floats:
        """Read a whole prompt anew; (T, V), what follows each of its ids."""
        self._read, self._whole, found = [], False, []
        while not self._whole:
            before = len(self._read)
            self.read_on(ids)
            states = np.empty((len(self._read) - before, self.hidden), np.float32)
            self._c.jl_states(self._own, len(states), states.ctypes.data)
            found.append(self.logits_of(states))
        return np.concatenate(found)

    def logits_of(self, states: Floats) -> Floats:
        """(n, E) -> (n, V)."""
        states = np.ascontiguousarray(states, np.float32)
        found = np.empty((len(states), self.vocab_size), np.float32)
        if len(states):
            self._c.jl_logits(self._own, states.ctypes.data, len(states), found.ctypes.data)
        return found

    def fork(self, rows: int, length: int) -> NativeFork:
        """As `Decoder.fork`."""
        check_fork(self._whole, rows, length)
        return NativeFork(self, rows, min(length, self.limit - len(self._read)))

    def choose(self, logits: Floats, choice: Choice) -> tuple[Ids, Floats]:
        """As `Decoder.choose`."""
        chooser = _Chooser(choice, self.vocab_size)
        logits = np.ascontiguousarray(logits, np.float32)
        return chooser.done(self._c.jl_choose(self._own, logits.ctypes.data, *chooser.arguments))


class NativeFork:
    """Rows that go on from one prompt, in step, as `decoder.Fork`. Void after the decoder's next `prefill`."""

    def __init__(self, decoder: NativeDecoder, rows: int, length: int) -> None:
        self._decoder, self._c, self._prompt = decoder, decoder._c, list(decoder._read)
        self.rows, self.room = rows, length
        self._own = self._c.jl_fork_new(decoder._own, len(self._prompt), rows, length)
        if not self._own:
            raise MemoryError(f"no room for {rows} rows of {length} ids")
        weakref.finalize(self, self._c.jl_fork_free, self._own)

    def keep(self, rows: Sequence[int]) -> None:
        """As `Fork.keep`."""
        kept = _ids(rows)
        if self._c.jl_fork_keep(self._own, kept.ctypes.data, len(kept)):
            raise ValueError(f"rows {list(rows)} of {self.rows} cannot be kept")
        self.rows = len(kept)

    def step(self, ids: Sequence[int]) -> Floats:
        """As `Fork.step`."""
        self._check(ids)
        said, states = _ids(ids), np.empty((self.rows, self._decoder.hidden), np.float32)
        if self._c.jl_fork_step(self._own, _address(said), _address(states)):
            raise _out_of_range(ids, self._decoder.vocab_size)
        self.room -= 1
        return states

    def logits(self, states: Floats) -> Floats:
        """As `Fork.logits`."""
        states = np.ascontiguousarray(states, np.float32)
        found = np.empty((len(states), self._decoder.vocab_size), np.float32)
        if len(states):
            self._c.jl_fork_logits(self._own, states.ctypes.data, len(states), found.ctypes.data)
        return found

    def advance(self, ids: Sequence[int], rows: Sequence[int], choice: Choice) -> tuple[Ids, Floats]:
        """As `Fork.advance`."""
        self._check(ids)
        chooser, said, places = _Chooser(choice, self._decoder.vocab_size), _ids(ids), _ids(rows)
        if len(places) and not 0 <= min(rows) <= max(rows) < self.rows:
            raise ValueError(f"rows {list(rows)} of {self.rows} cannot choose")
        failed = self._c.jl_fork_advance(self._own, _address(said), _address(places), *chooser.arguments)
        if failed == -1:
            raise _out_of_range(ids, self._decoder.vocab_size)
        self.room -= 1
        return chooser.done(failed)

    def _check(self, ids: Sequence[int]) -> None:
        if self.room < 1 or len(ids) != self.rows:
            raise ValueError(f"{len(ids)} ids for {self.rows} rows with room for {self.room}")
        if self._decoder._read[: len(self._prompt)] != self._prompt:
            raise ValueError("the prompt of this fork was given up")


class _Chooser:
    """A choice as the library wants it, and room for what it finds. Holds every array that is pointed at."""

    def __init__(self, choice: Choice, vocab_size: int) -> None:
        bold, count = choice.bold, len(choice.bold)
        if choice.masks.shape != (count, vocab_size) or choice.draws.shape != (count,):
            raise ValueError(f"masks {choice.masks.shape} and draws {choice.draws.shape} for {count} rows")
        self._ids, self._logs = np.empty(count, np.int32), np.empty(count, np.float32)
        self._held = (
            np.ascontiguousarray(choice.masks, np.bool_), bold.temperature, bold.min_p, bold.top_k,
            np.ascontiguousarray(choice.draws, np.float64), _floats(choice.plain), choice.pull, _floats(choice.beside),
            _floats(choice.share),
        )  # fmt: skip
        given = (_address(part) if isinstance(part, np.ndarray) else part for part in self._held)
        self._struct = _Choice(count, *given)
        self.arguments = (c.byref(self._struct), _address(self._ids), _address(self._logs))

    def done(self, failed: int) -> tuple[Ids, Floats]:
        """What was chosen. Raises ValueError as `sampling.sample`."""
        if failed:
            raise ValueError("a mask allows nothing, or nothing that is a number")
        return self._ids, self._logs


def _floats(array: Floats | None) -> Floats | None:
    return None if array is None else np.ascontiguousarray(array, np.float32)


def _address(array: np.ndarray[Any, Any]) -> int:
    """A third of what `array.ctypes.data` takes."""
    address: int = array.__array_interface__["data"][0]
    return address


def _out_of_range(ids: Sequence[int], vocab_size: int) -> ValueError:
    return ValueError(f"an id is 0 to {vocab_size - 1}, not {min(ids)} or {max(ids)}")


def _ids(ids: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    """For the library, which is given its address: to be held by a name until the call is over. What no int32 holds
    becomes -1, which is no id either. Raises TypeError for what is no whole number."""
    return np.array([i if 0 <= i < 2**31 else -1 for i in map(index, ids)], np.int32)


def _check_shape(shape: Shape) -> None:
    if shape.hidden_size % _BLOCK or shape.head_dim % _BLOCK or shape.num_attention_heads % shape.num_key_value_heads:
        raise Unavailable("The fast engine wants widths that are multiples of 16.", "The numpy decoder takes any.")
