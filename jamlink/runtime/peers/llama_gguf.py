"""llama.cpp through its C interface: the context read once as sequence 0, whose cells the rows' sequences share.

The file it reads (GGUF, https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) is written here. Its Llama turns
pairs of neighbours, where transformers turns number i against number i + D / 2: rows of the query and key matrices
change places. Beside floats its cache is of floats: one of halves, as it comes, can choose another word. Its flash
attention is slower there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import llama_cpp.llama_cpp as llama
import numpy as np

from jamlink.engine.decoder import Floats
from jamlink.errors import Unavailable
from jamlink.runtime.peers import Ids, Order

_MOST_ROWS, _MOST_TOKENS = 16, 64
"""What there are cells for; more cells would make some steps slower."""
_PARTS = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip
_TYPES = {"fp32": gguf.GGMLQuantizationType.F32, "q8_0": gguf.GGMLQuantizationType.Q8_0}


def write_gguf(order: Order, path: Path) -> None:
    """The network without words; a tied embedding is the output where no other is there."""
    config, writer = order.config, gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("no_vocab")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    for name, array in order.weights.items():
        kind = _TYPES[order.precision] if array.ndim == 2 else gguf.GGMLQuantizationType.F32
        turning = ".q_proj." in name or ".k_proj." in name
        data = gguf.quants.quantize(_neighbours(array, config.head_dim) if turning else array, kind)
        writer.add_tensor(_named(name), data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _named(name: str) -> str:
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
    if name in whole:
        return whole[name]
    _, _, layer, part = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{_PARTS[part]}.weight"


def _neighbours(matrix: Floats, dim: int) -> Floats:
    """Rows 0, D / 2, 1, D / 2 + 1, ... of each head."""
    heads = matrix.reshape(-1, 2, dim // 2, matrix.shape[1])
    return np.ascontiguousarray(heads.swapaxes(1, 2)).reshape(matrix.shape)


class _Batch:
    """A batch as arrays; its memory is llama.cpp's."""

    def __init__(self, size: int) -> None:
        self.own = llama.llama_batch_init(size, 0, 1)
        self._sequences = [self.own.seq_id[i] for i in range(size)]
        fields = (getattr(self.own, name) for name in ("token", "pos", "n_seq_id", "logits"))
        self._tokens, self._places, counts, self._asked = (np.ctypeslib.as_array(x, (size,)) for x in fields)
        counts[:] = 1

    def fill(self, ids: Any, places: Any, sequences: Sequence[int], asked: Any) -> None:
        """Whose logits are asked for is said for each."""
        count = self.own.n_tokens = len(ids)
        self._tokens[:count], self._places[:count], self._asked[:count] = ids, places, asked
        for mine, sequence in zip(self._sequences, sequences, strict=False):
            mine[0] = sequence

    def again(self, ids: Any, place: int) -> None:
        """The same sequences, each with its next id."""
        self._tokens[: len(ids)], self._places[: len(ids)] = ids, place


class LlamaCpp:
    """One model and one context of it."""

    def __init__(self, order: Order) -> None:
        llama.llama_backend_init()
        path = order.scratch / "model.gguf"
        write_gguf(order, path)
        self._words, self._limit = order.config.vocab_size, order.config.max_position_embeddings
        self._model = llama.llama_model_load_from_file(str(path).encode(), llama.llama_model_default_params())
        self._context = llama.llama_init_from_model(self._model, self._settings(order)) if self._model else None
        if not self._context:
            raise Unavailable("llama.cpp does not take the model.", "See its log.")
        self._memory = llama.llama_get_memory(self._context)
        self._chunk, self._step = _Batch(self._limit), _Batch(_MOST_ROWS)
        self._read = 0

    def _settings(self, order: Order) -> Any:
        """One pool of cells for all sequences, so that rows share the context's."""
        settings = llama.llama_context_default_params()
        settings.n_ctx = self._limit + _MOST_ROWS * _MOST_TOKENS
        settings.n_batch = settings.n_ubatch = self._limit
        settings.n_seq_max, settings.kv_unified = 1 + _MOST_ROWS, True
        settings.n_threads = settings.n_threads_batch = order.threads
        if order.precision == "fp32":
            settings.type_k = settings.type_v = int(_TYPES["fp32"])
            settings.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
        return settings

    def read(self, context: Sequence[int]) -> None:
        """As `Peer.read`."""
        llama.llama_memory_clear(self._memory, False)
        self._read = 0
        self.append(context)
        self._read = len(context)

    def append(self, ids: Sequence[int]) -> None:
        """As `Peer.append`."""
        count = len(ids)
        places, asked = np.arange(self._read, self._read + count), np.arange(count) == count - 1
        self._chunk.fill(ids, places, [0] * count, asked)
        self._likeliest(self._chunk, 1)

    def fork(self, firsts: Sequence[int], tokens: int) -> None:
        """As `Peer.fork`."""
        self._firsts, self._tokens = np.array(firsts), tokens
        sequences = range(1, 1 + len(firsts))
        for sequence in sequences:
            llama.llama_memory_seq_cp(self._memory, 0, sequence, 0, -1)
        self._step.fill(firsts, self._read, sequences, True)

    def decode(self) -> Ids:
        """As `Peer.decode`."""
        ids, said = self._firsts, []
        for i in range(self._tokens):
            self._step.again(ids, self._read + i)
            ids = self._likeliest(self._step, len(ids))
            said.append(ids)
        found: Ids = np.stack(said, axis=1).tolist()
        return found

    def _likeliest(self, batch: _Batch, asked: int) -> Any:
        if trouble := llama.llama_decode(self._context, batch.own):
            raise Unavailable(f"llama.cpp says {trouble}.")
        return np.ctypeslib.as_array(llama.llama_get_logits(self._context), (asked, self._words)).argmax(axis=1)


def make(order: Order) -> LlamaCpp:
    """See `Peer`."""
    return LlamaCpp(order)
