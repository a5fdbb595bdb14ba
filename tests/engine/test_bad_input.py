"""What an engine cannot do: one clear error, and everything as before. Never another answer, never a dead process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from jamlink.engine import build, native
from jamlink.engine.choose import Engine, engine_for
from jamlink.engine.decoder import Decoder, Floats
from jamlink.engine.generate import Against, Row, Sampling, generate
from jamlink.engine.lanes import Lanes
from jamlink.engine.native import LEVEL_SETTING, Level, NativeDecoder, Precision
from jamlink.errors import Unavailable
from tests.engine.test_native import WEIGHTS, WIDE

PROMPT = [3, 1, 4, 1, 5, 9, 2, 6]
MAKERS: dict[str, Callable[[dict[str, Floats]], Engine]] = {
    "numpy": lambda weights: Decoder(WIDE, weights),
    "native": lambda weights: NativeDecoder(WIDE, weights),
    "plain": lambda weights: NativeDecoder(WIDE, weights, Precision.FLOATS, Level.GENERIC),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[dict[str, Floats]], Engine]:
    return MAKERS[request.param]


@pytest.fixture
def engine(make: Callable[[dict[str, Floats]], Engine]) -> Engine:
    return make(WEIGHTS)


@pytest.fixture
def as_before(make: Callable[[dict[str, Floats]], Engine], engine: Engine):
    """Afterwards the engine says what a fresh one says, to the last bit."""
    yield
    assert (engine.prefill(PROMPT) == make(WEIGHTS).prefill(PROMPT)).all()


NO_IDS = [-1, WIDE.vocab_size, 2**31, 2**32 + 1, 2**63, -(2**40), 10**30]


# -- ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NO_IDS)
@pytest.mark.parametrize("place", [0, 5, 70])
def test_a_prompt_with_an_id_that_is_none_is_refused(engine: Engine, as_before: None, number: int, place: int) -> None:
    engine.prefill(PROMPT)
    prompt = [1] * 100
    prompt[place] = number
    with pytest.raises(ValueError, match=f"an id is 0 to {WIDE.vocab_size - 1}, not"):
        engine.prefill(prompt)


@pytest.mark.parametrize("number", NO_IDS)
def test_a_step_to_an_id_that_is_none_is_refused_and_the_right_one_can_be_given(engine: Engine, number: int) -> None:
    engine.prefill(PROMPT)
    fork, other = engine.fork(2, 5), engine.fork(2, 5)
    with pytest.raises(ValueError, match=f"an id is 0 to {WIDE.vocab_size - 1}, not"):
        fork.step([1, number])
    assert fork.room == 5
    assert (fork.logits(fork.step([1, 2])) == other.logits(other.step([1, 2]))).all()


@pytest.mark.parametrize("number", [1.5, 1.0, "1", None])
def test_what_is_no_whole_number_is_no_id(engine: Engine, as_before: None, number: object) -> None:
    with pytest.raises(TypeError, match="integer"):
        engine.prefill([1, number])  # type: ignore[list-item]
    engine.prefill(PROMPT)
    with pytest.raises(TypeError, match="integer"):
        engine.fork(1, 5).step([number])  # type: ignore[list-item]


def test_whole_numbers_of_numpy_are_ids(engine: Engine) -> None:
    expected = engine.prefill(PROMPT)
    for kind in (np.int64, np.uint8, np.int32):
        engine.prefill([7])
        assert (engine.prefill([kind(i) for i in PROMPT]) == expected).all()
        engine.prefill([7])
        assert (engine.prefill(np.array(PROMPT, kind)) == expected).all()  # type: ignore[arg-type]
        assert engine.fork(1, 5).step([kind(3)]).shape[0] == 1


@pytest.mark.parametrize("length", [0, WIDE.max_position_embeddings + 1, 10_000])
def test_a_prompt_of_nothing_or_beyond_the_window_is_refused(engine: Engine, as_before: None, length: int) -> None:
    with pytest.raises(ValueError, match=f"a prompt has 1 to {engine.limit} ids, not {length}"):
        engine.prefill([1] * length)
    with pytest.raises(ValueError, match=f"not {length}"):
        generate(engine, [1] * length, [Row(Any(3), Sampling(1))], lambda: False)


# -- forks ----------------------------------------------------------------------------------------------------------


def test_a_fork_needs_a_prompt_and_rows_and_room(engine: Engine, as_before: None) -> None:
    with pytest.raises(ValueError, match="needs a prompt"):
        engine.fork(1, 5)
    engine.prefill(PROMPT)
    for rows, length in ((0, 5), (-1, 5), (1, -1)):
        with pytest.raises(ValueError, match="rows"):
            engine.fork(rows, length)
    assert engine.fork(1, 0).room == 0
    assert engine.fork(1, 10**9).room == engine.limit - len(PROMPT)
    with pytest.raises(MemoryError):
        engine.fork(10**9, 100)


@pytest.mark.parametrize("kept", [[1, 0], [0, 0], [3], [-1], [0, 1, 2, 3]])
def test_only_rows_that_are_there_are_kept_each_once_and_in_order(engine: Engine, kept: list[int]) -> None:
    engine.prefill(PROMPT)
    fork = engine.fork(3, 5)
    with pytest.raises(ValueError, match="cannot be kept"):
        fork.keep(kept)
    assert fork.step([1, 2, 3]).shape[0] == 3


def test_a_fork_takes_one_id_a_row_while_there_is_room_and_its_prompt_stands(engine: Engine, as_before: None) -> None:
    engine.prefill(PROMPT)
    fork = engine.fork(2, 2)
    for wrong in ([], [1], [1, 2, 3]):
        with pytest.raises(ValueError, match="2 rows"):
            fork.step(wrong)
    fork.step([1, 2])
    fork.step([1, 2])
    with pytest.raises(ValueError, match="room"):
        fork.step([1, 2])
    late = engine.fork(2, 2)
    engine.prefill([5, 6])
    with pytest.raises(ValueError, match="given up"):
        late.step([1, 2])


# -- choosing -------------------------------------------------------------------------------------------------------


@dataclass
class Any:
    """Allows what `mask` says, at every place but the first `free`, where everything may come."""

    length: int
    mask: object = None
    free: int = 0
    said: list[int] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        return len(self.said) >= self.length

    def next(self):
        free = self.mask is None or len(self.said) < self.free
        return np.ones(WIDE.vocab_size, bool) if free else self.mask

    def advance(self, token: int) -> None:
        self.said.append(token)


NOTHING = np.zeros(WIDE.vocab_size, bool)


@pytest.mark.parametrize("free", [0, 1, 4])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_guide_that_allows_nothing_is_told_wherever_it_comes(
    engine: Engine, as_before: None, free: int, lanes: int
) -> None:
    guides = [Any(9) for _ in range(7)] + [Any(9, NOTHING, free)]
    rows = [Row(guide, Sampling(seed)) for seed, guide in enumerate(guides)]
    with closing(Lanes()) as second, pytest.raises(ValueError, match="allows nothing"):
        generate(engine, PROMPT, rows, lambda: False, lanes=second if lanes == 2 else None)
    assert len(guides[-1].said) == free


@pytest.mark.parametrize("words", [0, 1, WIDE.vocab_size - 1, WIDE.vocab_size + 1])
def test_a_mask_of_other_words_is_refused(engine: Engine, as_before: None, words: int) -> None:
    with pytest.raises(ValueError, match="masks"):
        generate(engine, PROMPT, [Row(Any(3, np.ones(words, bool)), Sampling(1))], lambda: False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1.0}, {"temperature": float("nan")}, {"temperature": float("inf")},
        {"top_k": -1}, {"min_p": -0.1}, {"min_p": 1.5}, {"min_p": float("nan")},
    ],
)  # fmt: skip
def test_boldness_that_is_none_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(1, **wrong)  # type: ignore[arg-type]


def said(engine: Engine, sampling: Sampling, mask: object = None) -> list[int]:
    row = Row(Any(6, mask), sampling)
    generate(engine, PROMPT, [row], lambda: False)
    assert np.isfinite(row.log_probabilities).all()
    return row.ids


def test_the_least_and_the_most_that_may_be_asked_for_are_answered(engine: Engine) -> None:
    likeliest = said(engine, Sampling(1, temperature=0.0))
    for sampling in (Sampling(2, temperature=1e-30), Sampling(3, top_k=1), Sampling(4, min_p=1.0)):
        assert said(engine, sampling) == likeliest
    assert said(engine, Sampling(5, top_k=10**12)) == said(engine, Sampling(5))
    only = np.zeros(WIDE.vocab_size, bool)
    only[[2, 30]] = True
    assert set(said(engine, Sampling(6, temperature=1e30), only)) <= {2, 30}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("times", [1e10, 1e20, 1e30])
def test_a_network_whose_sums_are_no_numbers_is_told_or_says_what_is_allowed(
    make: Callable[[dict[str, Floats]], Engine], times: float
) -> None:
    """Weights can be numbers, one and all, and what they add up to none. (Bytes hold no infinity: there it may end in
    numbers again.)"""
    wild = make({name: (array * np.float32(times)).astype(np.float32) for name, array in WEIGHTS.items()})
    few = np.zeros(WIDE.vocab_size, bool)
    few[[2, 30]] = True
    row = Row(Any(6, few), Sampling(1))
    with suppress(ValueError):
        generate(wild, PROMPT, [row], lambda: False)
    assert set(row.ids) <= {2, 30}
    assert np.isfinite(row.log_probabilities).all()


# -- stopping -------------------------------------------------------------------------------------------------------


LONG = [i % WIDE.vocab_size for i in range(100)]
"""More than a chunk."""


def drawn(engine: Engine, cancelled: Callable[[], bool], against: Against | None, second: Lanes | None):
    rows = [Row(Any(5 + seed % 3), Sampling(seed)) for seed in range(9)]
    generate(engine, LONG, rows, cancelled, against, lanes=second)
    return [(row.ids, row.log_probabilities) for row in rows]


@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_call_that_is_stopped_at_any_look_leaves_the_next_one_whole(
    make: Callable[[dict[str, Floats]], Engine], guided: bool, lanes: int
) -> None:
    engine = make(WEIGHTS)
    against = Against(make(WEIGHTS), LONG[:50], 2.0) if guided else None
    with closing(Lanes()) as pool:
        helper = pool if lanes == 2 else None
        whole = drawn(engine, lambda: False, against, helper)
        for looks in range(14):
            left = iter(range(looks))
            cut = drawn(engine, lambda left=left: next(left, None) is None, against, helper)
            assert all(ids == all_ids[: len(ids)] for (ids, _), (all_ids, _) in zip(cut, whole, strict=True))
            assert drawn(engine, lambda: False, against, helper) == whole


# -- what computes --------------------------------------------------------------------------------------------------

WHO_COMPUTES = """
import sys
from pathlib import Path
from jamlink.engine import native
from jamlink.engine.choose import engine_for
from jamlink.errors import Unavailable
from tests.engine.test_native import WEIGHTS, WIDE
native.library = lambda: Path(sys.argv[1])
native.loaded.cache_clear()
try:
    native.loaded()
except Unavailable as why:
    print(why)
try:
    print(engine_for(WIDE, WEIGHTS).name)
except Unavailable:
    print("nobody")
"""


def who_computes(library: Path, level: str = "") -> list[str]:
    """What a process says that finds this library: its trouble, and then who computes."""
    done = subprocess.run(
        [sys.executable, "-c", WHO_COMPUTES, str(library)],
        capture_output=True, text=True, check=False, env={**os.environ, LEVEL_SETTING: level},
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, f"the process died ({done.returncode}): {done.stderr}"
    return done.stdout.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The library, to be damaged."""
    path = build.library()
    copied = tmp_path / path.name
    for file, to in ((path, copied), (build.seal(path), build.seal(copied))):
        to.write_bytes(file.read_bytes())
    return copied


def test_a_whole_library_computes(copy: Path) -> None:
    (who,) = who_computes(copy)
    assert who.startswith("native")


@pytest.mark.parametrize("left", [0, 10, 1000, 0.1, 0.5, 0.99])
def test_a_library_that_was_cut_short_is_not_loaded_and_numpy_goes_on(copy: Path, left: float) -> None:
    """The system's own loader ends the process for most of them."""
    data = copy.read_bytes()
    copy.write_bytes(data[: left if left > 1 else int(left * len(data))])
    damaged = "The fast engine's library is damaged. Run: python -m jamlink.engine.build"
    assert who_computes(copy) == [damaged, "numpy fp32"]


def test_one_bit_of_a_library_is_enough_to_refuse_it(copy: Path) -> None:
    data = bytearray(copy.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    assert who_computes(copy)[1] == "numpy fp32"


@pytest.mark.parametrize("what", ["text", "sealed text", "no seal", "a folder", "nothing"])
def test_what_is_no_library_is_not_loaded(copy: Path, what: str) -> None:
    if "text" in what:
        copy.write_text("not a library")
    if what == "sealed text":
        import hashlib

        build.seal(copy).write_text(hashlib.sha256(b"not a library").hexdigest())
    if what == "no seal":
        build.seal(copy).unlink()
    if what in ("a folder", "nothing"):
        copy.unlink()
    if what == "a folder":
        copy.mkdir()
    why, who = who_computes(copy)
    assert why.startswith("The fast engine")
    assert "python -m jamlink.engine.build" in why
    assert who == "numpy fp32"


def test_who_names_a_level_gets_it_or_an_error_and_no_other_engine(copy: Path) -> None:
    copy.write_text("not a library")
    assert who_computes(copy, "generic")[1] == "nobody"
    assert who_computes(copy, "numpy")[1] == "numpy fp32"


@pytest.mark.parametrize("level", ["avx1024", "AVX-512", "native", " "])
def test_a_processor_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    monkeypatch.setenv(LEVEL_SETTING, level)
    with pytest.raises(Unavailable, match=f"{LEVEL_SETTING}={level} is not to be had"):
        engine_for(WIDE, WEIGHTS)


def test_a_compiler_that_leaves_half_a_library_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built whole or not at all: a disk that is full, or a process that is killed, leaves the old one or nothing."""
    monkeypatch.setattr(build, "compiler", lambda: ["false"])
    with pytest.raises(Unavailable, match="The compiler failed"):
        build.build(tmp_path / "engine.so")
    assert list(tmp_path.iterdir()) == []
    assert native.loaded() is native.loaded()
