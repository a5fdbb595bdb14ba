"""A network for music as a row of frames, each the set of pitches that sound: how likely is the next set?

For the benchmarks whose unit is the frame (JSB chorales, Nottingham; Boulanger-Lewandowski et al. 2012, arXiv
1206.6392). A causal transformer reads whole frames; a small head then says the next frame note by note, lowest first,
and its end. A note must lie above the one before it, so every set is said in exactly one way and the sum of the nats of
its notes and its end is the set's own. The head knows what the past holds anyway: the notes so far, the note in the
same place of the frame before, and how far each pitch lies from both.

Legend: P = PITCHES; a note is 0 .. P - 1; P stands for no note (in) and for the end of the frame (out).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Layer

LOWEST, PITCHES = 24, 84
"""MIDI 24 .. 107: both sets, moved by up to six semitones."""
NONE = END = PITCHES
SHIFTS = 12
"""Transpositions by -6 .. 5 semitones; index 6 is as written."""
AS_WRITTEN = 6
CYCLES = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Frames since the beginning, modulo each: how far a bar or a phrase has gone, whatever the meter."""
_REACH = 24
"""Semitones up or down that have an output of their own."""


@dataclass(frozen=True, slots=True)
class FrameShape:
    """Sizes of the network: of the reader of frames, and of the head that says notes."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 352
    head_hidden: int = 192
    head_layers: int = 2
    longest: int = 512


class _Block(nn.Module):
    """RMSNorm and SwiGLU, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(2 * width, width, bias=False)

    def forward(self, x: Tensor, dropout: float) -> Tensor:
        gate, value = self.up(self.norm(x)).chunk(2, dim=-1)
        return x + F.dropout(self.down(F.silu(gate) * value), dropout, self.training)


class FrameNet(nn.Module):
    """See the module. `forget` is the chance that a frame of the past is hidden in training."""

    def __init__(self, shape: FrameShape, *, dropout: float = 0.0, forget: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout, self.forget = shape, dropout, forget
        width, said = shape.hidden, shape.head_hidden
        config = ModelConfig(
            vocab_size=PITCHES + 1, hidden_size=width, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads, intermediate_size=shape.inner, head_dim=width // shape.heads,
            max_position_embeddings=shape.longest,
        )  # fmt: skip
        self.note, self.above = nn.Embedding(PITCHES + 1, width, padding_idx=NONE), nn.Embedding(13, width, 12)
        self.bass, self.top = nn.Embedding(PITCHES + 1, width), nn.Embedding(PITCHES + 1, width)
        self.bass_step, self.top_step = nn.Embedding(2 * _REACH + 2, width), nn.Embedding(2 * _REACH + 2, width)
        self.begin, self.shift = nn.Parameter(torch.zeros(width)), nn.Embedding(SHIFTS, width)
        self.cycle = nn.ModuleList(nn.Embedding(n, width) for n in CYCLES)
        self.layers = nn.ModuleList(Layer(config) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(width)
        self.context = nn.Linear(width, said, bias=False)
        self.so_far, self.last = nn.Embedding(PITCHES + 1, said, padding_idx=NONE), nn.Embedding(PITCHES + 1, said)
        self.before, self.place = nn.Embedding(PITCHES + 1, said), nn.Embedding(16, said)
        self.blocks = nn.ModuleList(_Block(said) for _ in range(shape.head_layers))
        self.said_norm = nn.RMSNorm(said)
        self.absolute = nn.Linear(said, PITCHES + 1)
        self.from_last, self.from_before = nn.Linear(said, 2 * _REACH + 2), nn.Linear(said, 2 * _REACH + 2)
        self.hold = nn.Linear(said, 2)
        steps = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
        angles = torch.outer(torch.arange(shape.longest).float(), config.rope_theta**-steps)
        self.cos: Tensor
        self.sin: Tensor
        self.register_buffer("cos", torch.cat((angles, angles), dim=-1).cos(), persistent=False)
        self.register_buffer("sin", torch.cat((angles, angles), dim=-1).sin(), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * self.shape.layers) ** 0.5 if deep else 0.02)
        for table in (self.note, self.above, self.so_far):
            with torch.no_grad():
                table.weight[table.padding_idx] = 0.0

    def forward(self, notes: Tensor, start: Tensor, shift: Tensor, steps: int) -> Tensor:
        """Nats of each note and end.

        notes: (B, T, K) ascending, NONE after the last; start: (B,) frames before the first; shift: (B,) 0 .. 11;
        steps: how many of a frame's K + 1 words are scored. -> (B, T, steps), 0 where a frame has no such word.
        """
        return self._said(self._read(notes, start, shift), notes, steps)

    def _read(self, notes: Tensor, start: Tensor, shift: Tensor) -> Tensor:
        """(B, T, hidden): what is known before each frame."""
        length = notes.shape[1]
        x = self._frame(notes)
        if self.training and self.forget:
            x = x * (torch.rand(x.shape[:2], device=x.device) >= self.forget).unsqueeze(-1)
        x = torch.cat((self.begin.expand(x.shape[0], 1, -1), x[:, :-1]), dim=1)
        at = start[:, None] + torch.arange(length, device=notes.device)
        x = x + self.shift(shift)[:, None]
        for n, table in zip(CYCLES, self.cycle, strict=True):
            x = x + table(at % n)
        x = F.dropout(x, self.dropout, self.training)
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length], self.dropout)
        return self.norm(x)

    def _frame(self, notes: Tensor) -> Tensor:
        """(B, T, hidden): a frame as it sounds, from its lowest note, and as it moved."""
        present = notes != NONE
        bass, top = notes[..., 0], torch.where(present, notes, -1).amax(dim=-1)
        top = torch.where(top < 0, NONE, top)
        above = torch.where(present, (notes - bass[..., None]) % 12, 12)
        x = self.note(notes).sum(dim=2) + self.above(above).sum(dim=2) + self.bass(bass) + self.top(top)
        return x + self.bass_step(_moved(bass, _before(bass))) + self.top_step(_moved(top, _before(top)))

    def _said(self, known: Tensor, notes: Tensor, steps: int) -> Tensor:
        kept = F.pad(notes, (0, 1), value=NONE)[..., :steps]  # (B, T, S) targets
        last = F.pad(notes, (1, 0), value=NONE)[..., :steps]
        was = F.pad(_before(notes), (0, 1), value=NONE)[..., :steps]
        summed = self.so_far(last).cumsum(dim=2)  # (B, T, S, said)
        x = self.context(known).unsqueeze(2) + summed + self.last(last) + self.before(was)
        x = F.dropout(x + self.place.weight[:steps], self.dropout, self.training)
        for block in self.blocks:
            x = block(x, self.dropout)
        logits = self._logits(self.said_norm(x), last, was, notes)
        nats = F.cross_entropy(logits.flatten(0, 2), kept.flatten(), reduction="none").view(kept.shape)
        first = torch.zeros_like(kept, dtype=torch.bool)
        first[..., 0] = True
        return nats * (first | (last != NONE))

    def _logits(self, x: Tensor, last: Tensor, was: Tensor, notes: Tensor) -> Tensor:
        """(B, T, S, P + 1): by pitch, by distance from the two notes known, by having sounded just now."""
        pitches = torch.arange(PITCHES, device=x.device)
        near = self.from_last(x).gather(-1, _moved(pitches, last[..., None]))
        near = near + self.from_before(x).gather(-1, _moved(pitches, was[..., None]))
        sounded = _sounding(_before(notes))
        hold = self.hold(x)
        near = near + hold[..., :1] * sounded.unsqueeze(2) + hold[..., 1:] * _before_frames(sounded).unsqueeze(2)
        absolute = self.absolute(x)
        allowed = (pitches > last[..., None]) | (last[..., None] == NONE)
        return torch.cat(((absolute[..., :PITCHES] + near).masked_fill(~allowed, -1e9), absolute[..., PITCHES:]), -1)


def _before(notes: Tensor) -> Tensor:
    """The same one frame earlier; nothing before the first."""
    return torch.cat((torch.full_like(notes[:, :1], NONE), notes[:, :-1]), dim=1)


def _before_frames(sounded: Tensor) -> Tensor:
    return torch.cat((torch.zeros_like(sounded[:, :1]), sounded[:, :-1]), dim=1)


def _moved(to: Tensor, since: Tensor) -> Tensor:
    """Index of the step from `since` to `to`, -24 .. 24 as 0 .. 48; 49 where one of the two is no note."""
    steps = (to - since).clamp(-_REACH, _REACH) + _REACH
    return torch.where((to == NONE) | (since == NONE), 2 * _REACH + 1, steps)


def _sounding(notes: Tensor) -> Tensor:
    """(B, T, K) -> (B, T, P), 1 where the pitch sounds."""
    found = torch.zeros(*notes.shape[:2], PITCHES + 1, device=notes.device)
    return found.scatter(-1, notes, 1.0)[..., :PITCHES]
