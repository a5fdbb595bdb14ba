"""The shape of a Llama-style decoder, under the names that `transformers` gives to its parts."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from jamlink.errors import Nonsense

LONGEST = 1 << 16
"""Positions of a window at most: an engine takes memory for all of them before the first word."""


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes. `head_dim` times `num_attention_heads` need not be `hidden_size`; the embedding is also the output."""

    vocab_size: int
    hidden_size: int = 256
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    intermediate_size: int = 704
    head_dim: int = 64
    max_position_embeddings: int = 512
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def __post_init__(self) -> None:
        """Raises `Nonsense` for sizes that are none."""
        for field in fields(self):
            value, whole = getattr(self, field.name), field.type == "int"
            number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not number or not 0 < value < math.inf:
                kind = "a whole number" if whole else "a number"
                raise Nonsense(f"The model's {field.name} is {value!r}.", f"It must be {kind} above 0.")
        if self.max_position_embeddings > LONGEST:
            raise Nonsense(
                f"The model's window is {self.max_position_embeddings} words long.", f"{LONGEST} are the most."
            )
        if self.num_attention_heads % self.num_key_value_heads or self.head_dim % 2:
            raise Nonsense("The model's heads do not fit together.", "Key heads divide heads; head_dim is even.")

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The name and shape of every weight; a linear weight is (out, in)."""
        hidden, inner = self.hidden_size, self.intermediate_size
        queries, keys = self.num_attention_heads * self.head_dim, self.num_key_value_heads * self.head_dim
        found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (self.vocab_size, hidden)}
        for i in range(self.num_hidden_layers):
            layer = f"model.layers.{i}."
            found |= {
                f"{layer}input_layernorm.weight": (hidden,),
                f"{layer}self_attn.q_proj.weight": (queries, hidden),
                f"{layer}self_attn.k_proj.weight": (keys, hidden),
                f"{layer}self_attn.v_proj.weight": (keys, hidden),
                f"{layer}self_attn.o_proj.weight": (hidden, queries),
                f"{layer}post_attention_layernorm.weight": (hidden,),
                f"{layer}mlp.gate_proj.weight": (inner, hidden),
                f"{layer}mlp.up_proj.weight": (inner, hidden),
                f"{layer}mlp.down_proj.weight": (hidden, inner),
            }
        return found | {"model.norm.weight": (hidden,)}

    @property
    def digest(self) -> str:
        """A hash of the sizes, however they are written down."""
        said = "\n".join(f"{field.name} {float(getattr(self, field.name))!r}" for field in fields(self))
        return hashlib.sha256(said.encode()).hexdigest()

    def to_llama(self) -> dict[str, Any]:
        """The fields of transformers' LlamaConfig (config.json)."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            **asdict(self),
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "attention_dropout": 0.0,
            "tie_word_embeddings": True,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "dtype": "float32",
        }

    @classmethod
    def from_llama(cls, found: dict[str, Any]) -> ModelConfig:
        """Read config.json. Raises `Nonsense` for a model of another kind or with missing sizes."""
        if found.get("model_type") != "llama" or not found.get("tie_word_embeddings"):
            raise Nonsense("config.json is not that of a Llama with a tied embedding.", "Take the model's own file.")
        try:
            return cls(**{field.name: found[field.name] for field in fields(cls)})
        except KeyError as missing:
            raise Nonsense(f"config.json says nothing about {missing}.", "Take the model's own file.") from None
