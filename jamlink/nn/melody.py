"""A network for a melody over chords: how likely is the next note, and how long it lasts?

For the benchmark of family-disjoint Nottingham melodies. A causal transformer reads the notes; before each it also
knows where in the bar it begins, the chord there, and what followed the last time the tune went as it goes now. Pitch
is said first, by height and by distance from the note before, from the one two before and from the chord's root; then
duration, knowing the pitch.

Every note is a row of FIELDS numbers; `NoteFields` says which. Index 0 of a field that can be missing means "none".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from jamlink.nn.config import ModelConfig
from jamlink.nn.transformer import Layer

LOWEST, PITCHES = 48, 48
"""MIDI 48 .. 95: Nottingham moved by up to six semitones."""
DURATIONS = (0, 160, 240, 320, 480, 720, 960, 1440, 1920, 2400, 2880, 3840, 4800, 5760, 7680)
"""Ticks (960 a quarter); 0 stands for every other duration."""
SHIFTS, AS_WRITTEN = 12, 6
"""Transpositions by -6 .. 5 semitones; index 6 is as written."""
_REACH = 19
NONE = PITCHES


class NoteFields(IntEnum):
    """The columns of a song. Those from PLACE on are known before the note itself is."""

    PITCH = 0
    """0 .. PITCHES - 1; NONE after the end."""
    DURATION = 1
    """Index into DURATIONS."""
    PLACE = 2
    """Onset in the bar, in 80 ticks, 0 .. 95."""
    METER = 3
    """Index into METERS, 0 for any other."""
    BAR = 4
    """Bars since the beginning, modulo 16."""
    ROOT = 5
    """Pitch class of the chord, 12 for none."""
    QUALITY = 6
    """1 + index of the chord's quality, 0 for none."""
    FRESH = 7
    """1 where the chord begins with this note."""
    AGAIN_PITCH = 8
    """What came next the last time the latest notes went like this; NONE for never."""
    AGAIN_DURATION = 9
    AGAIN_LENGTH = 10
    """How many notes went like this then, 0 .. 8."""


FIELDS = len(NoteFields)
METERS = ("", "4/4", "6/8", "3/4", "2/4", "9/8", "2/2", "3/2", "6/4")
_SIZES = {
    NoteFields.PLACE: 96, NoteFields.METER: len(METERS), NoteFields.BAR: 16, NoteFields.QUALITY: 15,
    NoteFields.FRESH: 2, NoteFields.AGAIN_DURATION: len(DURATIONS), NoteFields.AGAIN_LENGTH: 9,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MelodyShape:
    """Sizes of the network."""

    hidden: int = 128
    layers: int = 4
    heads: int = 4
    inner: int = 352
    longest: int = 512


class MelodyNet(nn.Module):
    """See the module."""

    def __init__(self, shape: MelodyShape, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.shape, self.dropout = shape, dropout
        width = shape.hidden
        config = ModelConfig(
            vocab_size=PITCHES + 1, hidden_size=width, num_hidden_layers=shape.layers, num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads, intermediate_size=shape.inner, head_dim=width // shape.heads,
            max_position_embeddings=shape.longest,
        )  # fmt: skip
        self.known = nn.ModuleDict({field.name: nn.Embedding(size, width) for field, size in _SIZES.items()})
        self.pitch, self.step = nn.Embedding(PITCHES + 1, width), nn.Embedding(2 * _REACH + 2, width)
        self.duration, self.shift = nn.Embedding(len(DURATIONS) + 1, width), nn.Embedding(SHIFTS, width)
        self.root, self.from_root = nn.Embedding(13, width), nn.Embedding(13, width)
        self.again, self.again_step = nn.Embedding(PITCHES + 1, width), nn.Embedding(2 * _REACH + 2, width)
        self.layers = nn.ModuleList(Layer(config) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(width)
        self.by_height, self.by_class = nn.Linear(width, PITCHES), nn.Linear(width, 13)
        self.by_step, self.by_leap = nn.Linear(width, 2 * _REACH + 2), nn.Linear(width, 2 * _REACH + 2)
        self.by_again = nn.Linear(width, 1)
        self.said = nn.Embedding(PITCHES, width)
        self.said_step, self.said_class = nn.Embedding(2 * _REACH + 2, width), nn.Embedding(13, width)
        self.mix, self.by_duration = nn.Linear(width, width), nn.Linear(width, len(DURATIONS))
        steps = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
        angles = torch.outer(torch.arange(shape.longest).float(), config.rope_theta**-steps)
        self.cos: Tensor
        self.sin: Tensor
        self.register_buffer("cos", torch.cat((angles, angles), dim=-1).cos(), persistent=False)
        self.register_buffer("sin", torch.cat((angles, angles), dim=-1).sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, song: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
        """song: (B, T, FIELDS); shift: (B,) 0 .. 11 -> log p of (B, T, PITCHES) and of (B, T, durations)."""
        pitch, root = song[..., NoteFields.PITCH], song[..., NoteFields.ROOT]
        before, earlier = _before(pitch), _before(_before(pitch))
        again = song[..., NoteFields.AGAIN_PITCH]
        x = self._read(song, before, earlier, again, shift)
        pitches = torch.arange(PITCHES, device=song.device)
        logits = self.by_height(x) + self.by_class(x).gather(-1, _class(pitches, root[..., None]))
        logits = logits + self.by_step(x).gather(-1, _moved(pitches, before[..., None]))
        logits = logits + self.by_leap(x).gather(-1, _moved(pitches, earlier[..., None]))
        logits = logits + self.by_again(x) * (pitches == again[..., None])
        now = pitch.clamp(max=PITCHES - 1)
        y = x + self.said(now) + self.said_step(_moved(now, before)) + self.said_class(_class(now, root))
        y = F.dropout(F.silu(self.mix(y)), self.dropout, self.training)
        return F.log_softmax(logits, dim=-1), F.log_softmax(self.by_duration(y), dim=-1)

    def _read(self, song: Tensor, before: Tensor, earlier: Tensor, again: Tensor, shift: Tensor) -> Tensor:
        """(B, T, hidden): what is known before each note."""
        lasted = torch.cat(
            (torch.full_like(song[:, :1, 0], len(DURATIONS)), song[:, :-1, NoteFields.DURATION]), dim=1
        )  # fmt: skip
        root = song[..., NoteFields.ROOT]
        x = self.pitch(before) + self.step(_moved(before, earlier)) + self.duration(lasted)
        x = x + self.root(root) + self.from_root(_class(before, root)) + self.shift(shift)[:, None]
        x = x + self.again(again) + self.again_step(_moved(again, before))
        for field in _SIZES:
            x = x + self.known[field.name](song[..., field])
        x = F.dropout(x, self.dropout, self.training)
        length = song.shape[1]
        for layer in self.layers:
            x = layer(x, self.cos[:length], self.sin[:length], self.dropout)
        return F.dropout(self.norm(x), self.dropout, self.training)


def _before(values: Tensor) -> Tensor:
    return torch.cat((torch.full_like(values[:, :1], NONE), values[:, :-1]), dim=1)


def _moved(to: Tensor, since: Tensor) -> Tensor:
    """Index of the step from `since` to `to`; the last one where one of them is no note."""
    steps = (to - since).clamp(-_REACH, _REACH) + _REACH
    return torch.where((to == NONE) | (since == NONE), 2 * _REACH + 1, steps)


def _class(pitch: Tensor, root: Tensor) -> Tensor:
    """Semitones above the chord's root, 12 where one is missing (index 0 of `pitch` is a C)."""
    return torch.where((pitch == NONE) | (root == 12), 12, (pitch - root) % 12)
