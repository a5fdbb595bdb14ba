"""Training: `jamlink train --recipe RECIPE --corpus FOLDER --run FOLDER [--minutes M]`.

The learning rate warms up, stays, and spends the last part of the run falling to nothing. Progress through that plan is
counted in steps, or, with a budget of minutes, in time, so that a slow machine finishes its plan too. State is saved
every few minutes into the run folder (see jamlink.training.state); starting again goes on from there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import signal
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from jamlink.errors import Nonsense, Unavailable
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Transformer
from jamlink.tokens import vocab
from jamlink.training import state
from jamlink.training.examples import Corpus, Mix, Rows, Sampler, Ways
from jamlink.training.scale import scale_of

VALIDATION_SEED, VALIDATION_ROWS = 7, 96
_SAY_EVERY = 20
"""Steps."""
_MACHINE = ("threads", "compiled")
"""What a recipe says about a machine and not about what is learnt: it may change while a run goes on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe file, checked."""

    name: str
    shape: ModelConfig
    mix: tuple[Mix, ...]
    row: int
    rows: int
    steps: int
    peak: float
    warm_up: float
    decay_from: float
    weight_decay: float
    clip: float
    dropout: float
    seed: int
    threads: int
    compiled: bool
    ways: Ways = field(default_factory=Ways)


def read_recipe(path: Path) -> Recipe:
    """Raises `Nonsense` naming what is wrong in the file."""
    try:
        found = tomllib.loads(path.read_text())
        train = found["train"]
        shape = ModelConfig(vocab_size=vocab.SIZE, **found["shape"])
        mix = tuple(
            Mix(source, kind, weight) for source, kinds in found["mix"].items() for kind, weight in kinds.items()
        )
        ways = Ways(**found.get("ways", {}))
        return Recipe(name=found["name"], shape=shape, mix=mix, ways=ways, **train)
    except OSError:
        raise Nonsense(f"There is no recipe {path}.", "Name a recipe.toml.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise Nonsense(
            f"The recipe {path} cannot be used: {wrong}.", "Compare it with models/jam-s/recipe.toml."
        ) from None


def recipe_hash(path: Path) -> str:
    """Of what a recipe decides; comments, spaces and the machine's settings do not count."""
    found = tomllib.loads(path.read_text())
    found["train"] = {name: value for name, value in found["train"].items() if name not in _MACHINE}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def open_corpus(folder: Path) -> Corpus:
    """The packed corpus in a folder. Raises `Nonsense` for one that is missing, cut off or written with other words."""
    path = folder / "corpus.npz" if folder.is_dir() else folder
    try:
        return Corpus(path)
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError):
        raise Nonsense(f"{path} is damaged.", "Build the corpus again: jamlink corpus build.") from None


def rate(progress: float, recipe: Recipe) -> float:
    """The learning rate at 0 to 1 of the run: linear up, level, linear down to 0."""
    if progress < recipe.warm_up:
        return recipe.peak * max(progress / recipe.warm_up, 0.02)
    if progress < recipe.decay_from:
        return recipe.peak
    return recipe.peak * max(0.0, (1 - progress) / (1 - recipe.decay_from))


def optimisers(net: Transformer, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers (its steps are made as large as AdamW's would be), AdamW for the rest."""
    inside = [p for name, p in net.named_parameters() if p.dim() == 2 and "embed" not in name]
    words = [p for name, p in net.named_parameters() if p.dim() == 2 and "embed" in name]
    scales = [p for p in net.parameters() if p.dim() != 2]
    rest = [{"params": words, "weight_decay": recipe.weight_decay}, {"params": scales, "weight_decay": 0.0}]
    return [
        torch.optim.Muon(inside, lr=recipe.peak, weight_decay=recipe.weight_decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=recipe.peak, betas=(0.9, 0.95), fused=True),
    ]


class Run:
    """One training run: network, optimiser, and where it is."""

    def __init__(self, recipe: Recipe, corpus: Corpus, folder: Path, device: str) -> None:
        self.recipe, self.folder = recipe, folder
        self.scale = scale_of(device)
        self.device = self.scale.device
        torch.manual_seed(recipe.seed)
        self.net = Transformer(recipe.shape, dropout=recipe.dropout).to(self.device)
        self.model, self.optimisers = self.scale.prepared(self.net, optimisers(self.net, recipe))
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self.sampler = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=False, seed=recipe.seed, ways=recipe.ways)
        held = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=True, seed=VALIDATION_SEED,
                       ways=replace(recipe.ways, robust=False, human_share=1.0))  # fmt: skip
        self.validation = held.rows(0, VALIDATION_ROWS)
        self.loss = torch.compile(self._loss) if recipe.compiled else self._loss

    def _loss(self, rows: Tensor, learnt: Tensor) -> Tensor:
        """(B, row + 1) ids and which of them are learnt -> mean nats per learnt word."""
        return self._nats(self.model, rows, learnt)

    def _nats(self, net: torch.nn.Module, rows: Tensor, learnt: Tensor) -> Tensor:
        targets, gpu = rows[:, 1:], self.device.startswith("cuda")
        with torch.autocast("cuda" if gpu else "cpu", torch.bfloat16, enabled=gpu):
            logits = net(rows[:, :-1])
        nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        kept = learnt[:, 1:].flatten().float()
        return (nats * kept).sum() / kept.sum()

    def train_step(self, progress: float) -> float:
        """One batch; its loss. Raises `Nonsense` and keeps the batch where that is not a number."""
        rows = self.sampler.rows(self.step, self.recipe.rows)
        mine = slice(self.scale.rank, None, self.scale.world)
        part = Rows(rows.ids[mine], rows.learnt[mine])
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = rate(progress, self.recipe)
        self.net.train()
        loss = self.scale.weighed(self.loss(*self._tensors(part)), int(part.learnt[:, 1:].sum()))
        if not torch.isfinite(loss):
            self._give_up(part, "loss")
        self.scale.backward(loss)
        if not torch.isfinite(torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)):
            self._give_up(part, "gradient")
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += int((rows.ids[:, 1:] != vocab.PAD).sum())
        return float(self.scale.mean(loss.detach()))

    def _give_up(self, rows: Rows, what: str) -> NoReturn:
        """Keep the batch that broke the run, and leave before it has changed the network."""
        mine = f"-{self.scale.rank}" if self.scale.world > 1 else ""
        path = self.folder / f"broken-batch-{self.step}{mine}.npz"
        try:
            np.savez(path, ids=rows.ids, learnt=rows.learnt)
            kept = f"its batch is kept in {path}"
        except OSError as error:
            kept = f"its batch could not be kept: {(error.strerror or 'the disk refused').lower()}"
        raise Nonsense(
            f"The {what} of step {self.step} is not a number; {kept}.",
            "Lower the recipe's peak, and begin again or go on from the last state.",
        )

    @torch.no_grad()
    def validate(self) -> float:
        """Mean nats per learnt word on the held-out rows."""
        self.net.eval()
        batches = zip(*(part.split(self.recipe.rows) for part in self._tensors(self.validation)), strict=True)
        losses = [float(self._nats(self.net, ids, learnt)) for ids, learnt in batches]
        return sum(losses) / len(losses)

    def _tensors(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(rows.ids).to(self.device), torch.from_numpy(rows.learnt).to(self.device)

    def save(self) -> None:
        """State into the run folder. Raises `Unavailable` where the disk refuses; the states before are still there."""
        kept = {
            "net": self.net.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "chance": torch.get_rng_state(),
            "step": self.step,
            "seconds": self.seconds,
            "tokens": self.tokens,
        }
        state.save(self.folder, kept)

    def resume(self, say: Callable[[str], None] = lambda line: None) -> None:
        """Go on from the newest whole state in the run folder, if there is one. Raises `Nonsense` for a foreign one."""
        found = state.newest(self.folder, self.device, say)
        if found is None:
            return
        try:
            self.net.load_state_dict(found["net"])
            for optimiser, kept in zip(self.optimisers, found["optimisers"], strict=True):
                optimiser.load_state_dict(kept)
        except (RuntimeError, KeyError, ValueError):
            raise Nonsense(
                f"The state in {self.folder} is of another network or training.", "Begin in another folder."
            ) from None
        if "chance" in found:
            torch.set_rng_state(found["chance"].cpu())
        self.step, self.seconds, self.tokens = found["step"], found["seconds"], found["tokens"]

    def progress(self, minutes: float) -> float:
        """How much of the plan is done, 0 to 1; in time where `minutes` is above 0, else in steps."""
        return self.seconds / 60 / minutes if minutes else self.step / self.recipe.steps

    def keep(self, say: Callable[[str], None], *, last: bool = False) -> None:
        """Save, validate, export; only the first process does. A full disk stops nothing before the end."""
        if self.scale.rank == 0:
            try:
                self.save()
                figure = self.validate()
                say(f"step {self.step} validation {figure:.4f} nats a word after {self.seconds / 60:.1f} min")
                self.export(self.folder / "export", {"validation_nats": round(figure, 4)})
            except Unavailable as trouble:
                if last:
                    raise
                say(f"{trouble} Training goes on; what was saved before is still there.")
        self.scale.wait()

    def export(self, folder: Path, figures: dict[str, Any]) -> None:
        """Write the weights as a checkpoint, whole or not at all. Raises `Unavailable` where the disk refuses."""
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in self.net.state_dict().items()}
        card = {
            "name": self.recipe.name,
            "trained_steps": self.step,
            "trained_tokens": self.tokens,
            "trained_minutes": round(self.seconds / 60, 1),
            "figures": figures,
        }
        words = {"hash": vocab.HASH, "names": list(vocab.NAMES)}
        beside, old = folder.with_name(f"{folder.name}-next"), folder.with_name(f"{folder.name}-before")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            checkpoint.save(beside, self.recipe.shape, weights, words, card)
            if (self.folder / "recipe.toml").exists():
                shutil.copy(self.folder / "recipe.toml", beside)
            shutil.rmtree(old, ignore_errors=True)
            if folder.exists():
                os.replace(folder, old)
            os.replace(beside, folder)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise Unavailable(f"{folder} cannot be written: {error.strerror}.", "Free some space.") from None


def train(
    recipe_path: Path,
    corpus_folder: Path,
    run_folder: Path,
    *,
    minutes: float = 0.0,
    device: str = "auto",
    save_every: float = 180.0,
    say: Callable[[str], None] = print,
    tick: Callable[[str], None] | None = None,
) -> Path:
    """Train to the end of the plan and export into `run_folder`/export; returns that folder.

    `minutes` above 0 replaces the recipe's steps as the length of the plan, time already spent in this run folder
    counted in. `say` gets lines that stay, `tick` (by default the same) how far it is. A first Ctrl-C or SIGTERM ends
    the step, saves and raises KeyboardInterrupt. Raises `Nonsense` for an unfit recipe, corpus or run folder, or a loss
    that is not a number; `Unavailable` where the disk or the device refuses.
    """
    recipe, corpus = read_recipe(recipe_path), open_corpus(corpus_folder)
    torch.set_num_threads(recipe.threads)
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"{run_folder} cannot be made: {error.strerror}.", "Name another folder.") from None
    path = corpus_folder / "corpus.npz" if corpus_folder.is_dir() else corpus_folder
    identity = state.Identity(recipe.name, recipe_hash(recipe_path), state.hash_of(path), vocab.HASH)
    run = Run(recipe, corpus, run_folder, device)
    if run.scale.rank == 0:
        state.claim(run_folder, identity, recipe_path.read_text())
    run.scale.wait()
    speak = say if run.scale.rank == 0 else _nobody
    run.resume(speak)
    size = sum(p.numel() for p in run.net.parameters())
    speak(f"{recipe.name}: {size} parameters, from step {run.step}, {run.seconds / 60:.1f} min so far")
    with _told_to_stop() as told:
        _teach(run, minutes, save_every, speak, (tick or say) if run.scale.rank == 0 else _nobody, told)
    return run_folder / "export"


def _nobody(line: str) -> None:
    """Hears a process that is not the first."""


def _teach(
    run: Run,
    minutes: float,
    save_every: float,
    say: Callable[[str], None],
    tick: Callable[[str], None],
    told: threading.Event,
) -> None:
    """Step by step to the end of the plan, or until told to stop."""
    began, before, saved = time.monotonic(), run.seconds, time.monotonic()
    at, words = began, run.tokens
    while (progress := run.scale.agreed(run.progress(minutes))) < 1:
        loss = run.train_step(progress)
        now = time.monotonic()
        run.seconds = before + now - began
        if run.step % _SAY_EVERY == 0:
            left = run.seconds * (1 / max(run.progress(minutes), 1e-9) - 1) / 60
            speed = (run.tokens - words) / max(now - at, 1e-9)
            tick(f"step {run.step} loss {loss:.4f} {speed:.0f} words/s, {left:.1f} min left")
            at, words = now, run.tokens
        if run.scale.agreed(float(told.is_set())):
            if run.scale.rank == 0:
                run.save()
            say(f"Stopped at step {run.step}; the same command goes on from there.")
            raise KeyboardInterrupt
        if run.scale.agreed(float(now - saved > save_every)):
            saved = now
            run.keep(say)
    run.keep(say, last=True)


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second does what it always did."""
    told = threading.Event()
    before: dict[signal.Signals, Any] = {}

    def hear(number: int, frame: object) -> None:
        told.set()
        signal.signal(number, before[signal.Signals(number)])

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, hear)
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    train(args.recipe, args.corpus, args.run, minutes=args.minutes, device=args.device,
          say=lambda line: print(line, flush=True))  # fmt: skip


if __name__ == "__main__":
    main()
