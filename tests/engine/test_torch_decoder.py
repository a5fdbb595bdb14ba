"""The engine in torch beside the one in numpy: launch by launch, and as a graph plays it.

Here a tape plays the graph (see `tape`); where there is a GPU, CUDA does too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="this engine needs the train extra")

import torch

from jamlink.app.machine import _check_model
from jamlink.engine.choose import engine_for
from jamlink.engine.decoder import Decoder, Floats
from jamlink.engine.generate import Against, Row, Sampling, generate
from jamlink.engine.native import LEVEL_SETTING
from jamlink.engine.torch_decoder import CudaGraphs, Precision, TorchDecoder, Work, as_it_is
from jamlink.engine.torch_network import CHUNK, Network
from jamlink.engine.weights import checked
from jamlink.errors import Unavailable
from jamlink.nn.config import ModelConfig
from jamlink.settings import Settings
from tests.engine.conftest import random_weights
from tests.engine.tape import Tape

pytestmark = pytest.mark.torch

GROUPED = ModelConfig(
    vocab_size=37, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=24, head_dim=8, max_position_embeddings=150,
)  # fmt: skip
"""Heads share keys, and the limit is no whole number of chunks."""
WEIGHTS = random_weights(GROUPED)
KINDS = ["eager", "tape", *["cuda"] * torch.cuda.is_available()]


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest) -> TorchDecoder:
    return made(request.param)


def made(kind: str, precision: Precision = "fp32") -> TorchDecoder:
    device = "cuda" if kind == "cuda" else "cpu"
    return TorchDecoder(GROUPED, WEIGHTS, device, precision, Tape() if kind == "tape" else None)


def reference() -> Decoder:
    return Decoder(GROUPED, WEIGHTS)


def off(found: Floats, expected: Floats) -> float:
    """Root mean square of the difference, of that of what was expected."""
    return float(np.sqrt(np.square(found - expected).mean() / np.square(expected).mean()))


def some_ids(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(0, GROUPED.vocab_size, count).tolist()


# -- it says what numpy says ---------------------------------------------------------------------------------------------


def test_a_prompt_of_any_length_says_what_numpy_says(engine: TorchDecoder) -> None:
    for length in (1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 140, 150):
        assert off(engine.prefill(some_ids(length)), reference().prefill(some_ids(length))) <= 1e-4


def test_a_changed_a_shorter_and_a_longer_prompt_say_what_numpy_says(engine: TorchDecoder) -> None:
    ids = some_ids(120)
    for prompt in (ids, ids[:70], [*ids[:50], *some_ids(60, 1)], ids[:64], ids[:65], ids, [5, *ids], [5]):
        assert off(engine.prefill(prompt), reference().prefill(prompt)) <= 1e-4


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 9, 33, 64, 70])
def test_rows_go_on_as_in_numpy_and_some_of_them_leave(engine: TorchDecoder, rows: int) -> None:
    expected = reference()
    expected.prefill(some_ids(20)), engine.prefill(some_ids(20))
    theirs, ours = expected.fork(rows, 24), engine.fork(rows, 24)
    for step in range(20):
        ids = some_ids(theirs.rows, step)
        assert off(ours.logits(ours.step(ids)), theirs.logits(theirs.step(ids))) <= 1e-4
        if step in (9, 13) and theirs.rows > 2:
            kept = [0, 2, theirs.rows - 1][: theirs.rows - 1]
            theirs.keep(kept), ours.keep(kept)


@pytest.mark.parametrize("prompt", [1, 10, 63, 64, 65, 149])
def test_rows_go_on_to_the_limit(engine: TorchDecoder, prompt: int) -> None:
    ids = some_ids(150)
    engine.prefill(ids[:prompt])
    fork = engine.fork(2, 1000)
    assert fork.room == 150 - prompt
    for i in range(prompt, 150):
        found = fork.logits(fork.step([ids[i], ids[-i]]))
        if i % 16 == 15 or i == 149:
            assert off(found[0], reference().prefill(ids[: i + 1])) <= 1e-4


def test_forks_that_take_turns_do_not_mix(engine: TorchDecoder) -> None:
    engine.prefill(some_ids(30))
    forks = [engine.fork(rows, 20) for rows in (3, 4, 1)]
    said: list[list[list[int]]] = [[[] for _ in range(fork.rows)] for fork in forks]
    for step in range(5):
        for number, fork in enumerate(forks):
            ids = some_ids(fork.rows, step * 10 + number)
            for row, token in zip(said[number], ids, strict=True):
                row.append(token)
            found = fork.step(ids)
            expected = [reference().prefill(some_ids(30) + row) for row in said[number]]
            assert off(found, np.array(expected)) <= 1e-4


def test_prompts_side_by_side_share_the_weights_and_nothing_else(engine: TorchDecoder) -> None:
    other, prompts = engine.beside(), (some_ids(70), some_ids(30, 1))
    assert (other._network is engine._network, other.name) == (True, engine.name)
    forks = []
    for one, prompt in zip((engine, other), prompts, strict=True):
        one.prefill(prompt)
        forks.append(one.fork(3, 9))
    for step in range(4):
        for fork, prompt in zip(forks, prompts, strict=True):
            found = fork.step(some_ids(3, step))
            said = [some_ids(3, i)[1] for i in range(step + 1)]
            assert off(found[1], reference().prefill(prompt + said)) <= 1e-4


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.1), ("fp16", 0.1 / 8)])  # three bits more
@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_says_nearly_the_same(kind: str, precision: Precision, tolerance: float) -> None:
    engine, expected = made(kind, precision), reference()
    assert precision in engine.name
    assert off(engine.prefill(some_ids(70)), expected.prefill(some_ids(70))) <= tolerance
    ours, theirs = engine.fork(3, 9), expected.fork(3, 9)
    for step in range(9):
        assert off(ours.step(some_ids(3, step)), theirs.logits(theirs.step(some_ids(3, step)))) <= tolerance


# -- to the last bit -----------------------------------------------------------------------------------------------------


def test_a_prompt_says_the_same_to_the_last_bit_whatever_was_read_before(engine: TorchDecoder) -> None:
    ids = some_ids(100)
    expected = engine.prefill(ids)
    for before in (ids[:70], [*ids[:33], *some_ids(90, 1)], ids[:99], some_ids(5, 2)):
        engine.prefill(before)
        engine.fork(3, 10).step([1, 2, 3])
        assert (engine.prefill(ids) == expected).all()


def rows_after(engine: TorchDecoder, leave_at: int) -> Floats:
    """What row 2 of 6 says at last; the others leave at a step."""
    engine.prefill(some_ids(40))
    fork = engine.fork(6, 80)
    for step in range(70):
        ids = some_ids(6, step)
        if step == leave_at:
            fork.keep([2])
        found = fork.step(ids if step < leave_at else [ids[2]])
    return found[2 if leave_at > 69 else 0]


def test_a_row_does_not_notice_that_others_left_nor_who_sat_there_before(engine: TorchDecoder) -> None:
    expected = rows_after(engine, 99)
    for leave_at in (0, 1, 40, 69):
        assert (rows_after(engine, leave_at) == expected).all()


def test_what_was_handed_out_stays(engine: TorchDecoder) -> None:
    first = engine.prefill([1, 2])
    fork = engine.fork(2, 4)
    second = fork.step([1, 2])
    before = first.copy(), second.copy()
    fork.step([3, 4]), engine.prefill([5])
    assert (first == before[0]).all()
    assert (second == before[1]).all()


# -- drawing -------------------------------------------------------------------------------------------------------------


class Anything:
    """A guide that allows all words, `length` times."""

    def __init__(self, length: int) -> None:
        self.left = length

    @property
    def finished(self) -> bool:
        return self.left == 0

    def next(self) -> np.ndarray:
        return np.ones(GROUPED.vocab_size, bool)

    def advance(self, token: int) -> None:
        self.left -= 1


def drawn(decoder, seeds: range, against: Against | None = None) -> list[Row]:
    rows = [Row(Anything(12 + seed % 7), Sampling(seed, temperature=1.1)) for seed in seeds]
    generate(decoder, some_ids(25), rows, lambda: False, against)
    return rows


@pytest.mark.parametrize("rows", [1, 6, 17])
def test_a_seed_says_what_it_says_in_numpy(engine: TorchDecoder, rows: int) -> None:
    for ours, theirs in zip(drawn(engine, range(rows)), drawn(reference(), range(rows)), strict=True):
        assert ours.ids == theirs.ids
        assert ours.log_probabilities == pytest.approx(theirs.log_probabilities, abs=1e-4)


def test_the_same_call_says_the_same_to_the_last_bit(engine: TorchDecoder) -> None:
    first = drawn(engine, range(9))
    engine.prefill(some_ids(90, 4))
    drawn(engine, range(50, 61))
    for again, before in zip(drawn(engine, range(9)), first, strict=True):
        assert (again.ids, again.log_probabilities) == (before.ids, before.log_probabilities)


def test_a_seed_says_the_same_in_a_small_and_in_a_large_hand(engine: TorchDecoder) -> None:
    large = drawn(engine, range(33))
    for seed in (0, 7, 32):
        assert drawn(engine, range(seed, seed + 1))[0].ids == large[seed].ids


def test_a_wish_guides_as_it_does_in_numpy(engine: TorchDecoder) -> None:
    plain = some_ids(11, 5)
    ours = drawn(engine, range(8), Against(made("eager"), plain, 1.5))
    theirs = drawn(reference(), range(8), Against(reference(), plain, 1.5))
    assert [row.ids for row in ours] == [row.ids for row in theirs]


def test_a_call_stops_within_one_chunk_of_a_long_prompt(engine: TorchDecoder) -> None:
    answers, row = [False, True], Row(Anything(5), Sampling(1))
    generate(engine, [1] * (CHUNK + 1), [row], lambda: answers.pop(0))
    assert (row.ids, answers) == ([], [])


# -- graphs --------------------------------------------------------------------------------------------------------------


def test_no_shape_is_recorded_twice() -> None:
    tape = Tape()
    engine = TorchDecoder(GROUPED, WEIGHTS, "cpu", recorder=tape)
    assert engine.name == "torch cpu fp32, graphs"

    def recorded(prompt: int, rows: int, steps: int, seed: int) -> int:
        before = tape.recorded
        engine.prefill(some_ids(prompt, seed))
        fork = engine.fork(rows, steps)
        for step in range(steps):
            fork.step(some_ids(rows, step))
        return tape.recorded - before

    assert tape.recorded == 1  # the first chunk, before anybody asked
    assert recorded(20, 5, 10, seed=1) == 1
    assert [recorded(prompt, rows, 10, seed=2) for prompt, rows in ((64, 5), (1, 8), (33, 7))] == [0, 0, 0]
    assert recorded(70, 6, 10, seed=3) == 2  # a second chunk, and rows that look as far
    assert recorded(20, 6, 70, seed=4) == 1  # more words of their own
    assert recorded(20, 9, 10, seed=5) == 1  # more places
    assert [recorded(*sizes, seed=6) for sizes in ((70, 5, 10), (128, 8, 20), (5, 8, 80), (5, 16, 64))] == [0] * 4


def test_a_seat_is_taken_over_and_nobody_is_sent_off_his_own() -> None:
    tape = Tape()
    engine = TorchDecoder(GROUPED, WEIGHTS, "cpu", recorder=tape)
    engine.prefill([1, 2, 3])
    engine.fork(4, 9).step([1] * 4)
    before = tape.recorded
    one = engine.fork(4, 9)
    one.step([1] * 4)
    assert tape.recorded == before
    other = engine.fork(4, 9)
    other.step([2] * 4)
    assert tape.recorded == before + 1
    del one, other
    for fork in [engine.fork(4, 9) for _ in range(2)]:
        fork.step([3] * 4)
    assert tape.recorded == before + 1


@pytest.mark.parametrize("works", [0, 1, 3])
def test_where_graphs_cannot_be_recorded_it_goes_on_without_and_says_so(works: int) -> None:
    tape, asked = Tape(), iter(range(100))

    def recorder(work: Work) -> Work:
        if next(asked) >= works:
            raise RuntimeError("operation not permitted when stream is capturing")
        return tape(work)

    engine, expected = TorchDecoder(GROUPED, WEIGHTS, "cpu", recorder=recorder), reference()
    for length in (70, 20):
        assert off(engine.prefill(some_ids(length)), expected.prefill(some_ids(length))) <= 1e-4
        ours, theirs = engine.fork(5, 9), expected.fork(5, 9)
        for step in range(3):
            assert off(ours.step(some_ids(5, step)), theirs.logits(theirs.step(some_ids(5, step)))) <= 1e-4
    assert engine.name == "torch cpu fp32"
    assert next(asked) == works + 1


def test_floats_are_multiplied_as_floats_and_the_process_keeps_its_own_way() -> None:
    seen = []

    def recorder(work: Work) -> Work:
        seen.append(torch.get_float32_matmul_precision())
        return as_it_is(work)

    torch.set_float32_matmul_precision("high")
    try:
        TorchDecoder(GROUPED, WEIGHTS, "cpu", recorder=recorder).prefill([1])
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert seen == ["highest"]


def test_nothing_of_the_work_is_done_off_the_device() -> None:
    """A tensor left behind on the processor, or a number looked at, would keep CUDA from recording."""
    away = torch.device("meta")  # knows shapes only
    network = Network(GROUPED, checked(GROUPED, WEIGHTS), away, torch.float32)
    prompt, own = network.caches(network.positions), network.caches(8, GROUPED.max_position_embeddings)
    chunk, ids = (torch.zeros(2 + count, dtype=torch.int64, device=away) for count in (CHUNK, 8))
    for logits in (network.read(chunk, prompt, 2 * CHUNK), network.step(ids, prompt, own, CHUNK, 100)):
        assert logits.device == away


class FakeCuda:
    """Notes what it is asked for, and on which stream. Recording does no work, as with CUDA."""

    def __init__(self, fails: bool = False) -> None:
        self.said: list[str] = []
        self.on, self._fails, self._recording = "main", fails, False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("Stream", "CUDAGraph", "current_stream", "graph_pool_handle", "stream", "graph"):
            monkeypatch.setattr(torch.cuda, name, getattr(self, name))

    def Stream(self, name: str = "side") -> SimpleNamespace:
        return SimpleNamespace(name=name, wait_stream=lambda other: self.said.append(f"{name} waits for {other.name}"))

    def current_stream(self) -> SimpleNamespace:
        return self.Stream(self.on)

    def graph_pool_handle(self) -> str:
        self.said.append("pool")
        return "pool"

    def CUDAGraph(self) -> SimpleNamespace:
        return SimpleNamespace(replay=lambda: self.said.append("replay"))

    @contextmanager
    def stream(self, stream: SimpleNamespace) -> Iterator[None]:
        before, self.on = self.on, stream.name
        try:
            yield
        finally:
            self.on = before

    @contextmanager
    def graph(self, graph: SimpleNamespace, pool: str) -> Iterator[None]:
        self.said.append(f"record in {pool}")
        self.on, self._recording = "recorder", True
        yield
        self._recording = False
        if self._fails:
            raise RuntimeError("capture failed")  # torch leaves its stream in place then
        self.on = "main"

    def work(self) -> None:
        self.said.append(f"{'noted' if self._recording else 'done'} on {self.on}")


def test_work_is_warmed_up_beside_recorded_once_and_then_only_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda()
    cuda.install(monkeypatch)
    graphs = CudaGraphs()
    again = [graphs(cuda.work), graphs(cuda.work)]
    recorded = [
        "side waits for main", *["done on side"] * 3, "main waits for side", "record in pool", "noted on recorder",
    ]  # fmt: skip
    assert cuda.said == ["pool", *recorded, *recorded]
    cuda.said.clear()
    for work in (*again, *again):
        work()
    assert cuda.said == ["replay"] * 4


def test_where_recording_failed_the_stream_is_the_one_from_before(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(fails=True)
    cuda.install(monkeypatch)
    with pytest.raises(RuntimeError, match="capture failed"):
        CudaGraphs()(cuda.work)
    assert cuda.on == "main"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_on_a_gpu_graphs_are_recorded_and_equal_what_they_recorded() -> None:
    graphs, eager = TorchDecoder(GROUPED, WEIGHTS), TorchDecoder(GROUPED, WEIGHTS, recorder=as_it_is)
    assert (graphs.name, eager.name) == ("torch cuda fp32, graphs", "torch cuda fp32")
    assert (graphs.prefill(some_ids(90)) == eager.prefill(some_ids(90))).all()
    one, other = graphs.fork(32, 80), eager.fork(32, 80)
    for step in range(50):
        assert (one.step(some_ids(32, step)) == other.step(some_ids(32, step))).all()
    assert graphs.name == "torch cuda fp32, graphs"


# -- what it refuses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [-1, GROUPED.vocab_size])
def test_an_id_is_one_of_the_vocabulary(engine: TorchDecoder, token: int) -> None:
    with pytest.raises(ValueError, match="an id is 0 to 36"):
        engine.prefill([1, token, 2])
    before = engine.prefill([1, 2, 3])
    fork = engine.fork(2, 4)
    with pytest.raises(ValueError, match="an id is 0 to 36"):
        fork.step([1, token])
    assert fork.room == 4
    assert (engine.prefill([1, 2, 3]) == before).all()


@pytest.mark.parametrize("length", [0, 151])
def test_a_prompt_has_at_least_one_id_and_fits(engine: TorchDecoder, length: int) -> None:
    with pytest.raises(ValueError, match="a prompt has 1 to 150 ids"):
        engine.prefill([1] * length)


def test_each_row_gets_an_id_while_there_is_room(engine: TorchDecoder) -> None:
    engine.prefill([1] * 148)
    fork = engine.fork(2, 99)
    with pytest.raises(ValueError, match="3 ids for 2 rows"):
        fork.step([1, 2, 3])
    fork.step([1, 2]), fork.step([1, 2])
    with pytest.raises(ValueError, match="room for 0"):
        fork.step([1, 2])


def test_a_fork_needs_a_whole_prompt_and_a_row(engine: TorchDecoder) -> None:
    with pytest.raises(ValueError, match="needs a prompt"):
        engine.fork(1, 1)
    prompt = [3] * (CHUNK + 1)
    assert not engine.read_on(prompt)
    with pytest.raises(ValueError, match="needs a prompt"):
        engine.fork(1, 1)
    assert engine.read_on(prompt)
    with pytest.raises(ValueError, match="1 row or more"):
        engine.fork(0, 1)


def test_a_fork_is_void_once_its_prompt_is_given_up(engine: TorchDecoder) -> None:
    engine.prefill([1, 2, 3])
    fork = engine.fork(2, 9)
    engine.prefill([1, 2, 4])
    with pytest.raises(ValueError, match="given up"):
        fork.step([1, 1])


@pytest.mark.parametrize("kept", [[1, 0], [0, 0], [0, 4], [-1]])
def test_rows_are_kept_in_their_order(engine: TorchDecoder, kept: list[int]) -> None:
    engine.prefill([1])
    with pytest.raises(ValueError, match="cannot be kept"):
        engine.fork(4, 4).keep(kept)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_are_numbers_of_the_right_shape_and_all_there(wrong: float) -> None:
    name = "model.layers.1.mlp.up_proj.weight"
    spoilt = WEIGHTS[name].copy()
    spoilt[3, 3] = wrong
    rest = {other: array for other, array in WEIGHTS.items() if other != name}
    for weights, what in (
        ({**WEIGHTS, name: spoilt}, "holds what is no number"),
        ({**WEIGHTS, name: WEIGHTS[name][:, :31]}, r"is \(24, 31\), not \(24, 32\)"),
        (rest, "is missing"),
    ):
        with pytest.raises(ValueError, match=f"{name} {what}"):
            TorchDecoder(GROUPED, weights, "cpu")


# -- who chooses it ------------------------------------------------------------------------------------------------------


def test_the_environment_chooses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL_SETTING, "torch")
    assert engine_for(GROUPED, WEIGHTS).name == "torch cpu fp32"


def test_without_a_gpu_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv(LEVEL_SETTING, "cuda")
    with pytest.raises(Unavailable, match=r"no CUDA device here\. Leave JAMLINK_ENGINE out"):
        engine_for(GROUPED, WEIGHTS)


@pytest.mark.parametrize("named", ["cuda", "torch"])
def test_without_torch_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.delitem(sys.modules, "jamlink.engine.torch_decoder")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setenv(LEVEL_SETTING, named)
    with pytest.raises(Unavailable, match=r"torch, which is not installed\. Run: pip install 'jamlink\[train\]'"):
        engine_for(GROUPED, WEIGHTS)


def test_nobody_else_needs_torch() -> None:
    code = (
        "import sys; from jamlink.engine.choose import engine_for; "
        "from tests.engine.conftest import SMALL, random_weights; "
        "engine_for(SMALL, random_weights(SMALL)).prefill([1]); sys.exit('torch' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != LEVEL_SETTING}
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, check=False).returncode == 0


def test_the_doctor_says_that_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL_SETTING, "torch")
    model, engine = _check_model(Settings())
    assert model.ok
    assert (engine.ok, engine.what) == (True, "torch cpu fp32")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv(LEVEL_SETTING, "cuda")
    _, engine = _check_model(Settings())
    assert (engine.ok, engine.what) == (False, "PyTorch finds no CUDA device here.")
