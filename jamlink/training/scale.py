"""One process or several: what a training step must do differently on more than one device.

One process needs nothing but torch. Several are started by `accelerate launch` or `torchrun` (both set WORLD_SIZE) and
are led by Hugging Face accelerate, which sends gradients, chooses precision and saves in one place:

    torchrun --nproc-per-node=2 -m -- jamlink.training.loop RECIPE --corpus FOLDER --run FOLDER

The "--" keeps torchrun from taking our --run for its own.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from jamlink.errors import Unavailable


class Scale(Protocol):
    """How a step is spread. `rank` of `world` processes is us; the first of them speaks and saves."""

    rank: int
    world: int
    device: str

    def prepared(self, net: nn.Module, optimisers: list[Any]) -> tuple[nn.Module, list[Any]]:
        """The network to be called and the optimisers to be stepped."""
        ...

    def backward(self, loss: Tensor) -> None:
        """Gradients of `loss`, averaged over the processes."""
        ...

    def weighed(self, loss: Tensor, words: int) -> Tensor:
        """A mean over our `words`, scaled so that the average over processes is the mean over all words."""
        ...

    def mean(self, value: Tensor) -> Tensor:
        """The average over processes."""
        ...

    def agreed(self, value: float) -> float:
        """The first process's value: clocks differ, and all must stop at the same step."""
        ...

    def wait(self) -> None:
        """Until everybody is here."""
        ...


class Alone:
    """One process."""

    rank, world = 0, 1

    def __init__(self, device: str) -> None:
        self.device = device

    def prepared(self, net: nn.Module, optimisers: list[Any]) -> tuple[nn.Module, list[Any]]:
        """As they are."""
        return net, optimisers

    def backward(self, loss: Tensor) -> None:
        """Torch's own."""
        loss.backward()

    def weighed(self, loss: Tensor, words: int) -> Tensor:
        """The mean."""
        return loss

    def mean(self, value: Tensor) -> Tensor:
        """The value."""
        return value

    def agreed(self, value: float) -> float:
        """The value."""
        return value

    def wait(self) -> None:
        """For nobody."""


class Together:
    """Several processes, by accelerate."""

    def __init__(self, device: str) -> None:
        try:
            from accelerate import Accelerator
        except ModuleNotFoundError:
            raise Unavailable(
                "Several processes need accelerate, which is not installed.", "Run: pip install 'jamlink[train]'"
            ) from None
        self._lead = Accelerator(cpu=device == "cpu")
        self.rank, self.world = self._lead.process_index, self._lead.num_processes
        self.device = str(self._lead.device)

    def prepared(self, net: nn.Module, optimisers: list[Any]) -> tuple[nn.Module, list[Any]]:
        """Wrapped."""
        found = self._lead.prepare(net, *optimisers)
        return found[0], list(found[1:])

    def backward(self, loss: Tensor) -> None:
        """Averaged by the network's wrapper."""
        self._lead.backward(loss)

    def weighed(self, loss: Tensor, words: int) -> Tensor:
        """Our share of all words, times the processes."""
        return loss * (words / self.mean(torch.tensor(float(words), device=self.device)))

    def mean(self, value: Tensor) -> Tensor:
        """By a reduction over processes."""
        found: Tensor = self._lead.reduce(value, reduction="mean")
        return found

    def agreed(self, value: float) -> float:
        """Sent from the first process."""
        sent = torch.tensor([value if self.rank == 0 else 0.0], dtype=torch.float64, device=self.device)
        return float(self.mean(sent)) * self.world

    def wait(self) -> None:
        """A barrier."""
        self._lead.wait_for_everyone()


def scale_of(device: str) -> Scale:
    """For "auto", "cpu" or "cuda"; several processes where we were started as one of several.

    Raises `Unavailable` for a GPU that is not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise Unavailable(f"There is no device {device!r}.", "Choose auto, cpu or cuda.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise Unavailable("This machine has no GPU that torch can use.", "Leave --device out, or say --device cpu.")
    return Together(device) if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone(device)
