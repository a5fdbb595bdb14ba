"""The engine in C beside the one in numpy: every level of this processor, floats and bytes."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from jamlink.engine import build
from jamlink.engine.choose import engine_for
from jamlink.engine.decoder import Decoder, Floats
from jamlink.engine.generate import Against, Row, Sampling, generate
from jamlink.engine.lanes import Lanes
from jamlink.engine.native import CHUNK, LEVEL_SETTING, Level, NativeDecoder, Precision, loaded
from jamlink.errors import Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.resources import data_folder
from jamlink.tokens import vocab
from tests.engine.conftest import SMALL, random_weights

WIDE = ModelConfig(
    vocab_size=37, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=40, head_dim=16, max_position_embeddings=150,
)  # fmt: skip
"""Grouped heads, and neither the words nor the feed-forward fill whole blocks."""
WEIGHTS = random_weights(WIDE)


def library() -> Path:
    """Built where it is not: a machine that tests has a compiler."""
    path = build.library()
    return path if build.seal(path).is_file() else build.build()


library()
KINDS = [(level, precision) for level in Level for precision in Precision if loaded().jl_can(level)]
kinds = pytest.mark.parametrize(("level", "precision"), KINDS, ids=[f"{a.name}-{b.name}".lower() for a, b in KINDS])
TOLERANCE = {Precision.FLOATS: 1e-4, Precision.BYTES: 0.25}
"""Of the logits' root mean square. Bytes keep seven bits of weights, rows and caches, and these weights are wild; what
that costs a real network is tested below."""


def off(found: Floats, expected: Floats) -> float:
    """Root mean square of the difference, of that of what was expected."""
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


def made(level: Level, precision: Precision) -> NativeDecoder:
    return NativeDecoder(WIDE, WEIGHTS, precision, level)


def some_ids(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, WIDE.vocab_size, count).tolist()


@kinds
@pytest.mark.parametrize("length", [1, 15, 16, 17, CHUNK, CHUNK + 1, 140])
def test_a_prompt_says_what_numpy_says(level: Level, precision: Precision, length: int) -> None:
    expected = Decoder(WIDE, WEIGHTS).prefill(some_ids(length))
    found = made(level, precision).prefill(some_ids(length))
    assert off(found, expected) <= TOLERANCE[precision]


@kinds
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33, 70])
def test_rows_go_on_as_in_numpy(level: Level, precision: Precision, rows: int) -> None:
    reference, native = Decoder(WIDE, WEIGHTS), made(level, precision)
    reference.prefill(some_ids(20)), native.prefill(some_ids(20))
    expected, found = reference.fork(rows, 24), native.fork(rows, 24)
    for step in range(20):
        ids = some_ids(expected.rows, step)
        a, b = expected.logits(expected.step(ids)), found.logits(found.step(ids))
        assert off(b, a) <= TOLERANCE[precision]
        if step == 9 and rows > 3:
            expected.keep([0, 2, rows - 1]), found.keep([0, 2, rows - 1])


@kinds
def test_a_prompt_says_the_same_to_the_last_bit_whatever_was_read_before(level: Level, precision: Precision) -> None:
    fresh, used = made(level, precision), made(level, precision)
    ids = some_ids(100)
    for before in (ids[:70], [*ids[:33], *some_ids(90, 1)], ids[:99], some_ids(5, 2)):
        used.prefill(before)
        used.fork(3, 10).step([1, 2, 3])
        assert (used.prefill(ids) == fresh.prefill(ids)).all()


@kinds
def test_a_row_does_not_notice_the_rows_beside_it(level: Level, precision: Precision) -> None:
    native = made(level, precision)
    native.prefill(some_ids(30))
    alone, crowd = native.fork(1, 20), native.fork(33, 20)
    place = 16
    for step in range(20):
        ids = some_ids(crowd.rows, step)
        assert (crowd.step(ids)[place] == alone.step([ids[place]])[0]).all()
        if step == 9:
            crowd.keep([0, 5, place, 20])
            place = 2


@kinds
def test_who_stands_beside_has_the_same_weights_and_a_prompt_of_its_own(level: Level, precision: Precision) -> None:
    native = made(level, precision)
    expected, ids = native.prefill(some_ids(30)), some_ids(40, 1)
    other = native.beside()
    there = other.prefill(ids)
    assert (native.prefill(some_ids(30)) == expected).all()
    assert (native.beside().prefill(ids) == there).all()
    fork = other.fork(3, 5)
    del native, other
    assert np.isfinite(fork.logits(fork.step([1, 2, 3]))).all()


@kinds
def test_what_follows_each_id_is_what_follows_each_prompt(level: Level, precision: Precision) -> None:
    native, ids = made(level, precision), some_ids(80)
    each = native.logits_after_each(ids)
    assert each.shape == (80, WIDE.vocab_size)
    for length in (1, 40, 64, 65, 80):
        assert (native.prefill(ids[:length]) == each[length - 1]).all()


class Anything:
    """A guide that allows all words, `length` times."""

    def __init__(self, length: int) -> None:
        self.left = length

    @property
    def finished(self) -> bool:
        return self.left == 0

    def next(self) -> np.ndarray:
        return np.ones(WIDE.vocab_size, bool)

    def advance(self, token: int) -> None:
        self.left -= 1


@kinds
def test_a_seed_says_the_same_to_the_last_bit_whatever_is_drawn_beside_it(level: Level, precision: Precision) -> None:
    native = made(level, precision)

    def drawn(seeds: list[int]) -> dict[int, tuple[list[int], list[float]]]:
        rows = [Row(Anything(12 + seed % 3), Sampling(seed, temperature=1.1)) for seed in seeds]
        generate(native, some_ids(25), rows, lambda: False)
        return {row.sampling.seed: (row.ids, row.log_probabilities) for row in rows}

    together = drawn(list(range(17)))
    for seed in (0, 7, 16):
        assert drawn([seed])[seed] == together[seed]
    assert drawn([3, 16, 8])[16] == together[16]


@kinds
@pytest.mark.parametrize("pulls", [False, True])
def test_two_lanes_say_the_same_to_the_last_bit_as_one(level: Level, precision: Precision, pulls: bool) -> None:
    native, other = made(level, precision), made(level, precision)

    def drawn(lanes: Lanes | None) -> list[tuple[list[int], list[float]]]:
        rows = [Row(Anything(12 + seed % 5), Sampling(seed, temperature=1.1)) for seed in range(17)]
        against = Against(other, some_ids(9, 1), 1.5) if pulls else None
        generate(native, some_ids(25), rows, lambda: False, against, lanes=lanes)
        assert all(row.finished for row in rows)
        return [(row.ids, row.log_probabilities) for row in rows]

    with closing(Lanes()) as lanes:
        assert lanes.helps(17)
        assert drawn(lanes) == drawn(None)


def test_what_one_lane_gives_the_library_is_not_taken_over_by_the_other() -> None:
    """One call in eighty said something else while arrays were let go before the library had read them."""
    native, other = made(loaded().jl_best_level(), Precision.FLOATS), made(loaded().jl_best_level(), Precision.FLOATS)

    def drawn(lanes: Lanes | None) -> list[list[int]]:
        rows = [Row(Anything(12 + seed % 3), Sampling(seed)) for seed in range(12)]
        generate(native, some_ids(8), rows, lambda: False, Against(other, some_ids(4), 2.0), lanes=lanes)
        return [row.ids for row in rows]

    alone = drawn(None)
    with closing(Lanes()) as lanes:
        lanes.helps = lambda rows: True  # type: ignore[method-assign]
        assert all(drawn(lanes) == alone for _ in range(400))


def test_two_lanes_stop_within_a_step_of_being_cancelled() -> None:
    native, answers = made(loaded().jl_best_level(), Precision.FLOATS), iter([False] * 5 + [True] * 1000)
    rows = [Row(Anything(100), Sampling(seed)) for seed in range(16)]
    with closing(Lanes()) as lanes:
        generate(native, some_ids(25), rows, lambda: next(answers), lanes=lanes)
    assert not any(row.finished for row in rows)
    assert len(rows[0].ids) <= 5


def test_what_fails_in_one_lane_stops_both_and_is_raised() -> None:
    class Broken(Anything):
        def next(self) -> np.ndarray:
            return np.zeros(WIDE.vocab_size, bool) if self.left < 50 else super().next()

    native = made(loaded().jl_best_level(), Precision.FLOATS)
    for place in (2, 3):
        rows = [Row((Broken if i == place else Anything)(100), Sampling(i)) for i in range(16)]
        with closing(Lanes()) as lanes, pytest.raises(ValueError, match="allows nothing"):
            generate(native, some_ids(25), rows, lambda: False, lanes=lanes)


# -- what it refuses -----------------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("token", [-1, WIDE.vocab_size, 2**31, 2**32 + 1, -(2**40)])
def test_an_id_is_one_of_the_vocabulary(level: Level, precision: Precision, token: int) -> None:
    native = made(level, precision)
    with pytest.raises(ValueError, match="an id is 0 to 36"):
        native.prefill([1, token, 2])
    before = native.prefill([1, 2, 3])
    fork = native.fork(2, 4)
    with pytest.raises(ValueError, match="an id is 0 to 36"):
        fork.step([1, token])
    assert (native.prefill([1, 2, 3]) == before).all()


def test_a_prompt_fits_and_a_fork_has_room_up_to_the_limit() -> None:
    native = engine_for(WIDE, WEIGHTS)
    for length in (0, WIDE.max_position_embeddings + 1):
        with pytest.raises(ValueError, match="a prompt has 1 to 150 ids"):
            native.prefill([1] * length)
    native.prefill([1] * 148)
    fork = native.fork(2, 99)
    assert fork.room == 2
    fork.step([1, 2]), fork.step([1, 2])
    with pytest.raises(ValueError, match="room for 0"):
        fork.step([1, 2])


def test_a_fork_is_void_once_its_prompt_is_given_up() -> None:
    native = NativeDecoder(WIDE, WEIGHTS)
    native.prefill([1, 2, 3])
    fork = native.fork(2, 9)
    native.prefill([1, 2, 4])
    with pytest.raises(ValueError, match="given up"):
        fork.step([1, 1])
    native.read_on([5] * (CHUNK + 3))
    with pytest.raises(ValueError, match="a fork needs a prompt"):
        native.fork(1, 1)


@pytest.mark.parametrize("kept", [[1, 0], [0, 0], [0, 4], [-1]])
def test_rows_are_kept_in_their_order(kept: list[int]) -> None:
    native = NativeDecoder(WIDE, WEIGHTS)
    native.prefill([1])
    with pytest.raises(ValueError, match="cannot be kept"):
        native.fork(4, 4).keep(kept)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_are_numbers_of_the_right_shape(wrong: float) -> None:
    name = "model.layers.1.mlp.up_proj.weight"
    spoilt = WEIGHTS[name].copy()
    spoilt[3, 3] = wrong
    with pytest.raises(ValueError, match="no number"):
        NativeDecoder(WIDE, {**WEIGHTS, name: spoilt})
    with pytest.raises(ValueError, match="not \\(40, 48\\)"):
        NativeDecoder(WIDE, {**WEIGHTS, name: WEIGHTS[name][:, :47]})


def test_widths_that_it_does_not_compute_are_computed_by_numpy() -> None:
    weights = random_weights(SMALL)
    with pytest.raises(Unavailable, match="multiples of 16"):
        NativeDecoder(SMALL, weights)
    assert isinstance(engine_for(SMALL, weights), Decoder)


def test_the_environment_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL_SETTING, "numpy")
    assert engine_for(WIDE, WEIGHTS).name == "numpy fp32"
    monkeypatch.setenv(LEVEL_SETTING, "generic")
    assert engine_for(WIDE, WEIGHTS).name == "native generic fp32"
    monkeypatch.setenv(LEVEL_SETTING, "abacus")
    with pytest.raises(Unavailable, match="abacus"):
        engine_for(WIDE, WEIGHTS)


def test_a_processor_without_wide_vectors_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jamlink.engine.choose.best_level", lambda: Level.GENERIC)
    assert engine_for(WIDE, WEIGHTS).name == "numpy fp32"


def test_without_its_library_numpy_computes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("jamlink.engine.native.library", lambda: tmp_path / "none.so")
    loaded.cache_clear()
    try:
        assert engine_for(WIDE, WEIGHTS).name == "numpy fp32"
    finally:
        loaded.cache_clear()


# -- the model that plays, and the library itself ------------------------------------------------------------------------


def nats_a_word(logits: Floats, ids: list[int]) -> float:
    relative = logits[:-1].astype(np.float64)
    relative -= relative.max(axis=1, keepdims=True)
    logs = relative - np.log(np.exp(relative).sum(axis=1, keepdims=True))
    return -float(logs[np.arange(len(ids) - 1), ids[1:]].mean())


@pytest.fixture(scope="module")
def drawn_pieces() -> tuple[checkpoint.Checkpoint, list[list[int]], float]:
    """The shipped model, words that it draws itself, and the nats a word that it gives them in floats."""
    shipped = checkpoint.load(data_folder("models") / "jam-s", vocab.HASH)
    floats, rng = NativeDecoder(shipped.config, shipped.weights, Precision.FLOATS), np.random.default_rng(0)
    pieces = [[vocab.BOS] for _ in range(4)]
    for ids in pieces:
        while len(ids) < 200:
            logits = floats.prefill(ids).astype(np.float64)
            chances = np.exp(logits - logits.max())
            ids.append(int(rng.choice(len(chances), p=chances / chances.sum())))
    return shipped, pieces, nats_of_all(floats, pieces)


def nats_of_all(native: NativeDecoder, pieces: list[list[int]]) -> float:
    return float(np.mean([nats_a_word(native.logits_after_each(ids), ids) for ids in pieces]))


@pytest.mark.parametrize("level", [level for level in Level if loaded().jl_can(level)], ids=lambda level: level.name)
def test_bytes_cost_the_shipped_model_less_than_half_a_percent(
    drawn_pieces: tuple[checkpoint.Checkpoint, list[list[int]], float], level: Level
) -> None:
    """On words that the model itself draws; on held-out music it was 0.04 % (docs/engine.md)."""
    shipped, pieces, exact = drawn_pieces
    rounded = nats_of_all(NativeDecoder(shipped.config, shipped.weights, Precision.BYTES, level), pieces)
    assert abs(rounded - exact) < 0.005 * exact


def test_a_library_is_named_after_its_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.library().name
    copy = tmp_path / "native"
    copy.mkdir()
    for source in build.SOURCES.glob("*.[chi]*"):
        (copy / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(build, "SOURCES", copy)
    assert build.library().name == before
    (copy / "decoder.c").write_text("/* changed */")
    assert build.library().name != before


@pytest.mark.parametrize(
    ("machine", "own"),
    [("x86_64", {"avx2", "avxvnni", "avx512"}), ("AMD64", {"avx2", "avxvnni", "avx512"}), ("aarch64", {"neon", "dotprod"}),
     ("arm64", {"neon", "dotprod"}), ("riscv64", set())],
)  # fmt: skip
def test_a_machine_gets_the_kernels_that_it_may_have(machine: str, own: set[str]) -> None:
    named = {name.removeprefix("kernels_").removesuffix(".c") for name in build.files(machine) if "kernels_" in name}
    assert named == own | {"generic"}
    assert own <= {level.name.lower() for level in Level}


def test_every_source_is_compiled_for_some_machine() -> None:
    compiled = {name for machine in ("x86_64", "aarch64") for name in build.files(machine)}
    assert compiled == {source.name for source in build.SOURCES.glob("*.c")}


def test_without_a_compiler_building_says_so_and_succeeds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    assert build.main() == 0
    assert "There is no C compiler" in capsys.readouterr().out


def test_a_compiler_that_fails_leaves_no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    false = tmp_path / "broken-cc"
    false.write_text("#!/bin/sh\necho it is too hot >&2\nexit 1\n")
    false.chmod(0o755)
    monkeypatch.setenv("CC", str(false))
    with pytest.raises(Unavailable, match="it is too hot"):
        build.build(tmp_path / "out" / "engine.so")
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The decoder and tests/engine/fuzz.c with the address and undefined-behaviour sanitizers."""
    folder = tmp_path_factory.mktemp("fuzz")
    checks = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
    shared = build.build(folder / "engine.so", checks)
    program = folder / "fuzz"
    source = Path(__file__).with_name("fuzz.c")
    subprocess.run(
        [*build.compiler(), *checks, f"-I{build.SOURCES}", str(source), str(shared), "-lm", "-o", str(program)],
        check=True,
    )
    return program


@kinds
def test_calls_in_any_order_touch_nothing_that_is_not_theirs(fuzzer: Path, level: Level, precision: Precision) -> None:
    for seed in range(6):
        done = subprocess.run(
            [str(fuzzer), str(int(level)), str(int(precision)), str(seed)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (seed, done.returncode, done.stderr[-2000:])
