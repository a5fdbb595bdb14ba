"""CTranslate2: the context is its static prompt, which it keeps read, and copies for every row.

Its model is put together here, part by part, without its converter, which wants a tokeniser. Words are numbers as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ctranslate2 as ct
import numpy as np
from ctranslate2.specs import TransformerDecoderModelSpec, common_spec

from jamlink.runtime.peers import Ids, Order

_QUANTISATION = {"fp32": None, "int8": "int8"}
_NO_END = "never said"


def _spec(order: Order) -> Any:
    """Queries, keys and values lie under each other in one matrix."""
    config, weights = order.config, {name: w.copy() for name, w in order.weights.items()}  # it writes into them
    spec: Any = TransformerDecoderModelSpec.from_config(
        config.num_hidden_layers, config.num_attention_heads, activation=common_spec.Activation.SWISH, pre_norm=True,
        ffn_glu=True, rms_norm=True, rotary_dim=config.head_dim, rotary_interleave=False,
        rotary_base=config.rope_theta, num_heads_kv=config.num_key_value_heads, head_dim=config.head_dim,
    )  # fmt: skip
    spec.decoder.scale_embeddings = False
    embedding = weights["model.embed_tokens.weight"]
    spec.decoder.embeddings.weight = spec.decoder.projection.weight = embedding
    spec.decoder.layer_norm.gamma = weights["model.norm.weight"]
    for i, layer in enumerate(spec.decoder.layer):
        _fill(layer, {name.split(".", 3)[-1]: w for name, w in weights.items() if f".layers.{i}." in name})
    return spec


def _fill(layer: Any, part: dict[str, Any]) -> None:
    layer.self_attention.layer_norm.gamma = part["input_layernorm.weight"]
    qkv = [part[f"self_attn.{which}_proj.weight"] for which in "qkv"]
    layer.self_attention.linear[0].weight = np.concatenate(qkv)
    layer.self_attention.linear[1].weight = part["self_attn.o_proj.weight"]
    layer.ffn.layer_norm.gamma = part["post_attention_layernorm.weight"]
    layer.ffn.linear_0.weight = part["mlp.gate_proj.weight"]
    layer.ffn.linear_0_noact.weight = part["mlp.up_proj.weight"]
    layer.ffn.linear_1.weight = part["mlp.down_proj.weight"]


class CTranslate:
    """Its generator."""

    def __init__(self, order: Order) -> None:
        spec, folder = _spec(order), order.scratch / "ctranslate2"
        words = [str(i) for i in range(order.config.vocab_size)]
        spec.register_vocabulary(words)
        spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = words[0]
        spec.config.layer_norm_epsilon = order.config.rms_norm_eps
        spec.validate()
        spec.optimize(quantization=_QUANTISATION[order.precision])
        folder.mkdir()
        spec.save(str(folder))
        compute = {"fp32": "float32"}.get(order.precision, order.precision)
        self._own = ct.Generator(str(folder), "cpu", compute_type=compute, intra_threads=order.threads, inter_threads=1)

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        self._context = _words(context)
        self._say([self._context[-1:]], 1)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens = [_words([first]) for first in firsts], tokens

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        return self._say(self._firsts, self._tokens)

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        self._say([_words(ids)], 1)

    def _say(self, starts: list[list[str]], tokens: int) -> Ids:
        said = self._own.generate_batch(
            starts, static_prompt=self._context, cache_static_prompt=True, include_prompt_in_result=False,
            max_length=tokens, min_length=tokens, sampling_topk=1, beam_size=1, end_token=[],
        )  # fmt: skip
        return [one.sequences_ids[0] for one in said]


def _words(ids: Sequence[int]) -> list[str]:
    return [str(i) for i in ids]


def make(order: Order) -> CTranslate:
    """See `Peer`."""
    return CTranslate(order)
