"""Training: `python -m jamlink.training.loop RECIPE --corpus FOLDER --run FOLDER [--minutes M]`.

The learning rate warms up, stays, and spends the last part of the run falling to nothing. Progress through that plan is
counted in steps, or, with a budget of minutes, in time, so that a slow machine finishes its plan too. State is saved
every few minutes into the run folder; starting again goes on from there. On a GPU: `--device cuda`.
"""

from __future__ import annotations

import argparse
import math
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from jamlink.errors import Nonsense
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Transformer
from jamlink.tokens import vocab
from jamlink.training.examples import Corpus, Mix, Rows, Sampler

VALIDATION_SEED, VALIDATION_ROWS = 7, 96
_SAY_EVERY = 20
"""Steps."""


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


def read_recipe(path: Path) -> Recipe:
    """Raises `Nonsense` naming what is wrong in the file."""
    try:
        found = tomllib.loads(path.read_text())
        train = found["train"]
        shape = ModelConfig(vocab_size=vocab.SIZE, **found["shape"])
        mix = tuple(
            Mix(source, kind, weight) for source, kinds in found["mix"].items() for kind, weight in kinds.items()
        )
        return Recipe(name=found["name"], shape=shape, mix=mix, **train)
    except OSError:
        raise Nonsense(f"There is no recipe {path}.", "Name a recipe.toml.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as wrong:
        raise Nonsense(
            f"The recipe {path} cannot be used: {wrong}.", "Compare it with models/jam-s/recipe.toml."
        ) from None


def rate(progress: float, recipe: Recipe) -> float:
    """The learning rate at 0 to 1 of the run: linear up, level, linear down to 0."""
    if progress < recipe.warm_up:
        return recipe.peak * max(progress / recipe.warm_up, 0.02)
    if progress < recipe.decay_from:
        return recipe.peak
    return recipe.peak * max(0.0, (1 - progress) / (1 - recipe.decay_from))


class Run:
    """One training run: network, optimiser, and where it is."""

    def __init__(self, recipe: Recipe, corpus: Corpus, folder: Path, device: str) -> None:
        self.recipe, self.folder, self.device = recipe, folder, device
        torch.manual_seed(recipe.seed)
        self.net = Transformer(recipe.shape, dropout=recipe.dropout).to(device)
        matrices = [p for p in self.net.parameters() if p.dim() == 2]
        vectors = [p for p in self.net.parameters() if p.dim() != 2]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=recipe.peak, betas=(0.9, 0.95), fused=True)
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self.sampler = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=False, seed=recipe.seed)
        held = Sampler(corpus, recipe.mix, recipe.row + 1, held_out=True, seed=VALIDATION_SEED)
        self.validation = held.rows(0, VALIDATION_ROWS)
        self.loss = torch.compile(self._loss) if recipe.compiled else self._loss

    def _loss(self, rows: Tensor, learnt: Tensor) -> Tensor:
        """(B, row + 1) ids and which of them are learnt -> mean nats per learnt word."""
        targets = rows[:, 1:]
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            logits = self.net(rows[:, :-1])
        nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        kept = learnt[:, 1:].flatten().float()
        return (nats * kept).sum() / kept.sum()

    def train_step(self, progress: float) -> float:
        """One batch; its loss."""
        rows = self.sampler.rows(self.step, self.recipe.rows)
        for group in self.optimiser.param_groups:
            group["lr"] = rate(progress, self.recipe)
        self.net.train()
        loss = self.loss(*self._tensors(rows))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.tokens += int((rows.ids[:, 1:] != vocab.PAD).sum())
        return float(loss.detach())

    @torch.no_grad()
    def validate(self) -> float:
        """Mean nats per learnt word on the held-out rows."""
        self.net.eval()
        batches = zip(*(part.split(self.recipe.rows) for part in self._tensors(self.validation)), strict=True)
        losses = [float(self._loss(ids, learnt)) for ids, learnt in batches]
        return sum(losses) / len(losses)

    def _tensors(self, rows: Rows) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(rows.ids).to(self.device), torch.from_numpy(rows.learnt).to(self.device)

    def save(self) -> None:
        """State into the run folder; a crash while saving leaves the state before."""
        state = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "tokens": self.tokens,
        }
        torch.save(state, self.folder / "state.new")
        (self.folder / "state.new").replace(self.folder / "state.pt")

    def resume(self) -> None:
        """Go on from the state in the run folder, if there is one."""
        path = self.folder / "state.pt"
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.seconds, self.tokens = state["step"], state["seconds"], state["tokens"]

    def progress(self, minutes: float) -> float:
        """How much of the plan is done, 0 to 1; in time where `minutes` is above 0, else in steps."""
        return self.seconds / 60 / minutes if minutes else self.step / self.recipe.steps

    def keep(self, say: Callable[[str], None]) -> None:
        """Save, validate, export."""
        self.save()
        figure = self.validate()
        say(f"step {self.step} validation {figure:.4f} nats a word after {self.seconds / 60:.1f} min")
        self.export(self.folder / "export", {"validation_nats": round(figure, 4)})

    def export(self, folder: Path, figures: dict[str, Any]) -> None:
        """Write the weights as a checkpoint."""
        weights = {name: tensor.detach().cpu().numpy() for name, tensor in self.net.state_dict().items()}
        card = {
            "name": self.recipe.name,
            "trained_steps": self.step,
            "trained_tokens": self.tokens,
            "trained_minutes": round(self.seconds / 60, 1),
            "figures": figures,
        }
        words = {"hash": vocab.HASH, "names": list(vocab.NAMES)}
        checkpoint.save(folder, self.recipe.shape, weights, words, card)


def train(
    recipe_path: Path,
    corpus_folder: Path,
    run_folder: Path,
    *,
    minutes: float = 0.0,
    device: str = "cpu",
    save_every: float = 180.0,
    say: Callable[[str], None] = print,
) -> Path:
    """Train to the end of the plan and export into `run_folder`/export; returns that folder.

    `minutes` above 0 replaces the recipe's steps as the length of the plan, time already spent in this run folder
    counted in. Raises `Nonsense` for an unfit recipe or corpus, or a loss that is not a number.
    """
    recipe = read_recipe(recipe_path)
    torch.set_num_threads(recipe.threads)
    run_folder.mkdir(parents=True, exist_ok=True)
    run = Run(recipe, Corpus(corpus_folder / "corpus.npz"), run_folder, device)
    run.resume()
    size = sum(p.numel() for p in run.net.parameters())
    say(f"{recipe.name}: {size} parameters, from step {run.step}, {run.seconds / 60:.1f} min so far")
    began, before, saved = time.monotonic(), run.seconds, time.monotonic()
    while (progress := run.progress(minutes)) < 1:
        loss = run.train_step(progress)
        run.seconds = before + time.monotonic() - began
        if not math.isfinite(loss):
            raise Nonsense(
                "The loss is not a number any more.", "Lower the recipe's peak and go on from the last state."
            )
        if run.step % _SAY_EVERY == 0:
            left = run.seconds * (1 / run.progress(minutes) - 1) / 60
            plan = f"lr {rate(progress, recipe):.1e} left {left:.1f} min"
            say(f"step {run.step} loss {loss:.4f} {run.tokens / run.seconds:.0f} tokens/s {plan}")
        if time.monotonic() - saved > save_every:
            saved = time.monotonic()
            run.keep(say)
    run.keep(say)
    return run_folder / "export"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    train(args.recipe, args.corpus, args.run, minutes=args.minutes, device=args.device,
          say=lambda line: print(line, flush=True))  # fmt: skip


if __name__ == "__main__":
    main()
