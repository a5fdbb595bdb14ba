"""Training of the networks that benchmarks ask for: each learns its benchmark's own training part and nothing else.

`train_benchmark` reads a recipe (models/benchmarks/NAME/recipe.toml), trains, and leaves in the run folder

    model.safetensors   the averaged weights (EMA) that did best on the benchmark's validation part
    model.json          shape, hashes of weights and music, what it reached
    state.pt            all that is needed to go on as if nothing had happened

What a step draws depends on the recipe's seed and the step alone, so a run that was stopped goes on exactly as it would
have gone on. With minutes given, the plan is counted in time; without, in the recipe's steps.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from platformdirs import user_data_path
from safetensors import SafetensorError
from safetensors.torch import load as weights_of
from safetensors.torch import save as bytes_of
from torch import Tensor, nn

from jamlink.errors import Nonsense, Unavailable
from jamlink.nn import frames, melody
from jamlink.nn.frames import FrameNet, FrameShape
from jamlink.nn.melody import FIELDS, MelodyNet, MelodyShape, NoteFields
from jamlink.training.benchmark_sets import FRAME_FILES, Ints, moved, read_frames, read_melodies, transposed, widened

Values = np.ndarray[Any, np.dtype[np.float64]]
_STEP_SEEDS = 1_000_003
_SAY_EVERY = 50
"""Steps."""
_WIDEST_STEPS = 6
"""Words of a frame that training scores: five notes and the end. Longer frames are one in a thousand."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe, checked. `rows` counts the frames or notes of a step; `as_written` is the share not transposed."""

    name: str
    kind: str
    shape: dict[str, int]
    steps: int
    rows: int
    row: int
    peak: float
    warm_up: float
    decay_from: float
    weight_decay: float
    clip: float
    dropout: float
    forget: float
    as_written: float
    average: float
    check_every: float
    seed: int


def read_plan(path: Path) -> Plan:
    """Raises `Nonsense` naming what is wrong in the file."""
    try:
        found = tomllib.loads(path.read_text())
        plan = Plan(name=found["name"], kind=found["kind"], shape=dict(found["shape"]), **found["train"])
        _network(plan.kind, plan.shape, plan.dropout, plan.forget)
    except OSError:
        raise Nonsense(f"There is no recipe {path}.", "Name a recipe.toml of models/benchmarks.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise Nonsense(
            f"The recipe {path} cannot be used: {wrong}.", "Compare it with models/benchmarks/jsb/recipe.toml."
        ) from None
    return plan


def is_benchmark(recipe: Path) -> bool:
    """Whether a recipe is one for `train_benchmark`: it says a kind of network and mixes no corpus."""
    try:
        found = tomllib.loads(recipe.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return "kind" in found and "mix" not in found


def _network(kind: str, shape: dict[str, int], dropout: float = 0.0, forget: float = 0.0) -> nn.Module:
    if kind in FRAME_FILES:
        return FrameNet(FrameShape(**shape), dropout=dropout, forget=forget)
    if kind == "melody":
        return MelodyNet(MelodyShape(**shape), dropout=dropout)
    raise KeyError(f"the kind {kind!r} is none of {', '.join((*FRAME_FILES, 'melody'))}")


class Subject(Protocol):
    """What is learnt: batches of it, the loss on one, and how good a network is on the validation part."""

    digest: str

    def batch(self, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Some sequences, transposed at random."""

    def loss(self, net: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean nats a frame, or a note."""

    def validate(self, net: nn.Module) -> float:
        """Mean nats a frame, or a note, of the validation part as written."""


def _alike(lengths: Ints, row: int, rows: int, draw: np.random.Generator) -> Ints:
    """Numbers of sequences of about one length (by which they are in order) that fill `rows` when cut to `row`."""
    centre = int(draw.integers(len(lengths)))
    count = max(1, rows // max(1, min(int(lengths[centre]), row)))
    near = np.arange(max(0, centre - 2 * count), min(len(lengths), centre + 2 * count + 1))
    return draw.choice(near, size=min(count, len(near)), replace=False)


class FrameSubject:
    """Frames of pitch sets."""

    def __init__(self, plan: Plan, data: Path | None) -> None:
        found = read_frames(plan.kind, data)
        self.plan, self.digest, self.valid = plan, found.digest, found.parts["valid"]
        self.songs = sorted(found.parts["train"], key=len)
        self.width = max(song.shape[1] for song in self.songs)
        self.lengths = np.array([len(song) for song in self.songs])

    def batch(self, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """notes (B, T, K), start (B,), shift (B,), which frames count (B, T)."""
        plan = self.plan
        chosen = _alike(self.lengths, plan.row, plan.rows, draw)
        length = min(int(self.lengths[chosen].max()), plan.row)
        notes = np.full((len(chosen), length, self.width), frames.NONE, dtype=np.int64)
        start = draw.integers(np.maximum(self.lengths[chosen] - plan.row, 0) + 1)
        shift = _shifts(len(chosen), plan.as_written, draw)
        counts = np.zeros(notes.shape[:2], dtype=bool)
        for i, song in enumerate(chosen):
            part = self.songs[song][start[i] : start[i] + length]
            notes[i, : len(part)] = moved(widened(part, self.width), int(shift[i]) - frames.AS_WRITTEN)
            counts[i, : len(part)] = True
        return torch.from_numpy(notes), torch.from_numpy(start), torch.from_numpy(shift), torch.from_numpy(counts)

    def loss(self, net: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean nats a frame."""
        notes, start, shift, counts = batch
        nats = net(notes, start, shift, min(self.width + 1, _WIDEST_STEPS)).sum(-1)
        return (nats * counts).sum() / counts.sum()

    def validate(self, net: nn.Module) -> float:
        """Mean nats a frame."""
        return float(np.concatenate(frame_nats(net, self.valid, row=self.plan.row)).mean())


@torch.no_grad()
def frame_nats(net: nn.Module, songs: Sequence[Ints], *, row: int, shift: int = frames.AS_WRITTEN) -> list[Values]:
    """For each song, nats of each frame given those before it, every note and every end counted.

    A song longer than `row` is read in windows that overlap by half, so that each frame sees at least half a row of the
    past, or all of it. `shift` as in jamlink.nn.frames: the song is judged transposed.
    """
    net.eval()
    return [_song_nats(net, moved(song, shift - frames.AS_WRITTEN), row, shift) for song in songs]


def _song_nats(net: nn.Module, song: Ints, row: int, shift: int) -> Values:
    nats = np.zeros(len(song))
    done = 0
    while done < len(song):
        start = max(0, done - row // 2) if done else 0
        part = torch.from_numpy(song[start : start + row])[None]
        found = net(part, torch.tensor([start]), torch.tensor([shift]), song.shape[1] + 1).sum(-1)[0]
        nats[done : start + row] = found[done - start :].double().numpy()
        done = start + row
    return nats


def _shifts(count: int, as_written: float, draw: np.random.Generator) -> Ints:
    """Which transposition each row gets."""
    free = draw.integers(frames.SHIFTS, size=count)
    return np.where(draw.random(count) < as_written, frames.AS_WRITTEN, free)


class MelodySubject:
    """Melodies over chords."""

    def __init__(self, plan: Plan, data: Path | None) -> None:
        found = read_melodies(data)
        self.plan, self.digest = plan, found.digest
        self.songs = sorted((song.fields[: plan.row] for song in found.parts["train"]), key=len)
        self.valid = [song.fields for song in found.parts["valid"]]
        self.lengths = np.array([len(song) for song in self.songs])

    def batch(self, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """songs (B, T, FIELDS), shift (B,), which notes count (B, T)."""
        chosen = _alike(self.lengths, self.plan.row, self.plan.rows, draw)
        notes = np.zeros((len(chosen), int(self.lengths[chosen].max()), FIELDS), dtype=np.int64)
        counts = np.zeros(notes.shape[:2], dtype=bool)
        shift = _shifts(len(chosen), self.plan.as_written, draw)
        for i, song in enumerate(chosen):
            fields = transposed(self.songs[song], int(shift[i]) - melody.AS_WRITTEN)
            notes[i, : len(fields)], counts[i, : len(fields)] = fields, True
        return torch.from_numpy(notes), torch.from_numpy(shift), torch.from_numpy(counts)

    def loss(self, net: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean nats a note: its pitch and its duration."""
        notes, shift, counts = batch
        pitch, duration = net(notes, shift)
        said = pitch.gather(-1, notes[..., NoteFields.PITCH, None]) + duration.gather(
            -1, notes[..., NoteFields.DURATION, None]
        )
        return -(said[..., 0] * counts).sum() / counts.sum()

    def validate(self, net: nn.Module) -> float:
        """Mean nats a note: its pitch and its duration."""
        nats = [
            -_chosen(pitch, song[:, NoteFields.PITCH]) - _chosen(duration, song[:, NoteFields.DURATION])
            for song, (pitch, duration) in zip(self.valid, melody_logs(net, self.valid, row=self.plan.row), strict=True)
        ]
        return float(np.concatenate(nats).mean())


def _chosen(logs: Values, words: Ints) -> Values:
    return np.asarray(logs[np.arange(len(words)), words])


@torch.no_grad()
def melody_logs(
    net: nn.Module, songs: Sequence[Ints], *, row: int, shift: int = melody.AS_WRITTEN
) -> list[tuple[Values, Values]]:
    """For each song, log p of (notes, PITCHES) and of (notes, durations); windows as in `frame_nats`.

    With `shift` the song is judged transposed; pitches are those of the transposed song.
    """
    net.eval()
    found = []
    for song in songs:
        fields, logs, done = transposed(song, shift - melody.AS_WRITTEN), [], 0
        while done < len(song):
            start = max(0, done - row // 2) if done else 0
            pair = net(torch.from_numpy(fields[start : start + row])[None], torch.tensor([shift]))
            logs.append([part[0, done - start :].double().numpy() for part in pair])
            done = start + row
        found.append((np.concatenate([pitch for pitch, _ in logs]), np.concatenate([time for _, time in logs])))
    return found


def subject_of(plan: Plan, data: Path | None) -> Subject:
    """What the plan learns. Raises `Unavailable` where the music is not there."""
    return MelodySubject(plan, data) if plan.kind == "melody" else FrameSubject(plan, data)


class _Run:
    """Networks, optimiser, and where they are."""

    def __init__(self, plan: Plan, subject: Subject, folder: Path) -> None:
        self.plan, self.subject, self.folder = plan, subject, folder
        torch.manual_seed(plan.seed)
        self.net = _network(plan.kind, plan.shape, plan.dropout, plan.forget)
        self.average = _network(plan.kind, plan.shape)
        self.average.load_state_dict(self.net.state_dict())
        matrices = [p for p in self.net.parameters() if p.dim() == 2]
        vectors = [p for p in self.net.parameters() if p.dim() != 2]
        groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=plan.peak, betas=(0.9, 0.98), fused=True)
        self.step, self.seconds, self.best = 0, 0.0, math.inf

    def rate(self, progress: float) -> float:
        """Up, level, and down to nothing."""
        plan = self.plan
        rising = min(1.0, max(progress / plan.warm_up, 0.02)) if plan.warm_up else 1.0
        return plan.peak * min(rising, max(0.0, (1 - progress) / (1 - plan.decay_from)))

    def train_step(self, progress: float) -> float:
        """One batch; its loss. Raises `Nonsense` where that is no number, with the batch kept in the run folder."""
        seed = self.plan.seed * _STEP_SEEDS + self.step
        torch.manual_seed(seed)
        batch = self.subject.batch(np.random.default_rng(seed))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(progress)
        self.net.train()
        loss = self.subject.loss(self.net, batch)
        if not torch.isfinite(loss):
            torch.save({"step": self.step, "batch": batch}, self.folder / "bad-batch.pt")
            raise Nonsense(
                f"The loss of step {self.step} is not a number; its batch is in {self.folder / 'bad-batch.pt'}.",
                "Lower the recipe's peak and go on from the last state.",
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.plan.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._follow()
        return float(loss.detach())

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average a little towards the network; early on it follows faster."""
        kept = min(self.plan.average, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.net.parameters()), 1 - kept)

    def keep(self) -> float:
        """Judge the average; save it where it is the best so far; save all. Returns its nats."""
        nats = self.subject.validate(self.average)
        if nats < self.best:
            self.best = nats
            self._export(nats)
        state = {"step": self.step, "seconds": self.seconds, "best": self.best, "net": self.net.state_dict(),
                 "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict()}  # fmt: skip
        torch.save(state, self.folder / "state.new")
        (self.folder / "state.new").replace(self.folder / "state.pt")
        return nats

    def _export(self, nats: float) -> None:
        data = bytes_of({name: tensor.contiguous() for name, tensor in self.average.state_dict().items()})
        card = {
            "plan": asdict(self.plan), "music_sha256": self.subject.digest, "validation_nats": round(nats, 4),
            "weights_sha256": hashlib.sha256(data).hexdigest(), "steps": self.step,
            "minutes": round(self.seconds / 60, 1), "parameters": sum(p.numel() for p in self.average.parameters()),
        }  # fmt: skip
        for name, content in (("model.safetensors", data), ("model.json", json.dumps(card, indent=1).encode())):
            (self.folder / "export.new").write_bytes(content)
            (self.folder / "export.new").replace(self.folder / name)

    def resume(self) -> None:
        """Go on from the state in the folder, if there is one."""
        path = self.folder / "state.pt"
        if not path.exists():
            return
        try:
            state = torch.load(path, weights_only=True)
            self.net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, KeyError, ValueError):
            raise Nonsense(f"{path} is the state of another recipe.", "Name another run folder.") from None
        self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]

    def progress(self, minutes: float) -> float:
        """How much of the plan is done, 0 to 1."""
        return self.seconds / 60 / minutes if minutes else self.step / self.plan.steps


def train_benchmark(
    recipe: Path, data: Path | None, run: Path, minutes: float = 0.0, say: Callable[[str], None] = print
) -> Path:
    """Train to the end of the plan, or go on with it; returns the run folder.

    `data`: None for the shared music, else as in `benchmark_sets`. `minutes` above 0 replaces the recipe's steps as the
    length of the plan. Raises `Nonsense` for an unfit recipe or a loss that is no number, `Unavailable` without music.
    """
    plan = read_plan(recipe)
    torch.set_num_threads(1)  # the networks are small: a second thread costs more than it brings
    run.mkdir(parents=True, exist_ok=True)
    work = _Run(plan, subject_of(plan, data), run)
    work.resume()
    say(f"{plan.name}: {sum(p.numel() for p in work.net.parameters())} parameters, from step {work.step}")
    began, before, kept = time.monotonic(), work.seconds, time.monotonic()
    while (progress := work.progress(minutes)) < 1:
        loss = work.train_step(progress)
        work.seconds = before + time.monotonic() - began
        if work.step % _SAY_EVERY == 0:
            left = work.seconds * (1 / work.progress(minutes) - 1) / 60
            say(f"step {work.step} loss {loss:.3f} left {left:.1f} min")
        if time.monotonic() - kept > plan.check_every:
            kept = time.monotonic()
            say(f"step {work.step} validation {work.keep():.4f} nats, best {work.best:.4f}")
    say(f"step {work.step} validation {work.keep():.4f} nats, best {work.best:.4f}")
    return run


@dataclass(frozen=True, slots=True)
class Trained:
    """A benchmark's network as read from a run folder."""

    net: nn.Module
    plan: Plan
    card: dict[str, Any]


def default_run(name: str) -> Path:
    """Where evaluation looks for a benchmark's network, and where to train it to."""
    return Path(user_data_path("jamlink")) / "benchmarks" / name


def read_trained(folder: Path, kind: str, digest: str) -> Trained:
    """Read what `train_benchmark` left. `digest` is that of the music it is to be judged on.

    Raises `Unavailable` where there is none, `Nonsense` where it is damaged, of another kind or of other music.
    """
    if not (folder / "model.json").is_file():
        raise Unavailable(f"There is no trained network in {folder}.", train_command(kind, folder))
    try:
        card = json.loads((folder / "model.json").read_text())
        data = (folder / "model.safetensors").read_bytes()
        plan = Plan(**card["plan"])
        if hashlib.sha256(data).hexdigest() != card["weights_sha256"]:
            raise KeyError("its weights are not those that were written")
        if (plan.kind, card["music_sha256"]) != (kind, digest):
            raise KeyError("it learnt from other music or another split")
        net = _network(plan.kind, plan.shape)
        net.load_state_dict(weights_of(data))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as wrong:
        reason = str(wrong.args[0] if wrong.args else wrong).splitlines()[0]
        raise Nonsense(f"The network in {folder} cannot be used: {reason}.", train_command(kind, folder)) from None
    return Trained(net, plan, card)


def train_command(kind: str, folder: Path) -> str:
    """The one command that trains it."""
    name = "nottingham-melody" if kind == "melody" else kind
    return f"Train it: jamlink train --recipe models/benchmarks/{name}/recipe.toml --run {folder}"
