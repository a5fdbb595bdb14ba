"""transformers' `generate()`, in three ways: as it comes; its context handed to it read; and compiled besides.

It cannot share a context between rows: each row has the whole of it, read or to be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch._inductor.config as inductor
from transformers import AutoModelForCausalLM, CompileConfig, DynamicCache, StaticCache

from jamlink.runtime.peers import Ids, Order


class AsItComes:
    """Reads the prompt of every row, each time: what a plain caller waits for."""

    def __init__(self, order: Order) -> None:
        torch.set_num_threads(order.threads)
        self._model: Any = AutoModelForCausalLM.from_pretrained(order.folder)
        self._model.eval()
        self._model.generation_config.eos_token_id = None  # every row says as many words as are asked for
        self._cache: Any = None

    def read(self, context: Sequence[int]) -> None:
        """Only remembers it."""
        self._context = list(context)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._prompt, self._tokens = torch.tensor([[*self._context, first] for first in firsts]), tokens

    @torch.inference_mode()
    def decode(self) -> Ids:
        """As `Peer.decode`."""
        said = self._model.generate(
            self._prompt, attention_mask=torch.ones_like(self._prompt), past_key_values=self._cache,
            do_sample=False, max_new_tokens=self._tokens, pad_token_id=0,
        )  # fmt: skip
        found: Ids = said[:, self._prompt.shape[1] :].tolist()
        return found

    def append(self, ids: Sequence[int]) -> None:
        """Reads everything anew, and says one word."""
        self.fork([ids[-1]], 1)
        self._prompt = torch.tensor([[*self._context, *ids]])
        self.decode()


class ContextRead(AsItComes):
    """The context lies in a cache that is handed over."""

    @torch.inference_mode()
    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """Reads the context for every row."""
        super().fork(firsts, tokens)
        self._cache = DynamicCache()
        self._model(self._prompt[:, :-1], past_key_values=self._cache, use_cache=True)

    @torch.inference_mode()
    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        super().read(context)
        self._alone = DynamicCache()
        self._model(torch.tensor([self._context]), past_key_values=self._alone, use_cache=True)

    @torch.inference_mode()
    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`: the model itself, without `generate`."""
        said = self._model(torch.tensor([list(ids)]), past_key_values=self._alone, use_cache=True)
        said.logits[0, -1].argmax()


class Compiled(ContextRead):
    """The same with a static cache and its step compiled, which needs g++ and half a minute for every number of rows.

    `_compile_all_devices` is transformers' own switch for what it does on GPUs only. A cache is filled once for each
    number of rows, and cut back to the context before each turn: another cache would be compiled for anew.
    """

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        inductor.compile_threads = 1  # its pool of processes has hung here, on a busy machine
        settings = CompileConfig(mode="default")
        settings._compile_all_devices = True  # type: ignore[assignment]
        self._model.generation_config.compile_config = settings
        self._caches: dict[int, Any] = {}

    @torch.inference_mode()
    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        AsItComes.fork(self, firsts, tokens)
        read = len(self._context)
        self._cache = self._caches.get(len(firsts))
        if self._cache is None:
            self._cache = self._caches[len(firsts)] = StaticCache(self._model.config, max_cache_len=read + tokens)
            self._model(self._prompt[:, :-1], past_key_values=self._cache, use_cache=True)
        elif surplus := int(self._cache.get_seq_length()) - read:
            self._cache.crop(-surplus)
