"""What the frame benchmarks are compared with: systems that count, and a hidden Markov model.

Each is fitted to the training part and answers, for every frame of a sequence, the probability of exactly that set of
pitches given the frames before it. All are distributions over sets: their probabilities sum to at most 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from jamlink.evaluation.counting import Interpolated, Ints, Values, memory
from jamlink.nn.frames import NONE, PITCHES

Notes = tuple[int, ...]
LONGEST = 8
"""Frames of a run that a piece remembers."""
_STATES, _ROUNDS = 48, 10
_TOGETHER = 32
"""Pieces of about one length that are learnt side by side."""


def notes_of(sequence: Ints) -> list[Notes]:
    """The frames as tuples of their notes."""
    return [tuple(int(n) for n in row if n != NONE) for row in sequence]


class System(Protocol):
    """A baseline, fitted."""

    def p(self, sequence: Ints) -> Values:
        """(frames,) probabilities."""


class NotesApart:
    """Each pitch sounds or not by itself, as often as in training (add one half)."""

    def __init__(self, train: Sequence[Ints]) -> None:
        sounding = np.concatenate([_sounding(sequence) for sequence in train])
        share = (sounding.sum(axis=0) + 0.5) / (len(sounding) + 1)
        self.on, self.off = np.log(share), np.log1p(-share)

    def p(self, sequence: Ints) -> Values:
        """(frames,) probabilities."""
        sounding = _sounding(sequence)
        return np.asarray(np.exp(sounding @ self.on + (1 - sounding) @ self.off))


class NoteNgram:
    """A frame note by note, lowest first, then its end: each from the notes below and the frame before.

    Witten-Bell over: nothing; the note below; and the note in this place of the frame before; and the one above that;
    and the second note below.
    """

    def __init__(self, train: Sequence[Ints]) -> None:
        self.counts = Interpolated()
        for sequence in train:
            before: Notes = ()
            for frame in notes_of(sequence):
                for contexts, word in _words(frame, before):
                    self.counts.add(contexts, word)
                before = frame

    def p(self, sequence: Ints) -> Values:
        """(frames,) probabilities."""
        frames = notes_of(sequence)
        return np.array([self._frame(frame, before) for frame, before in zip(frames, [(), *frames], strict=False)])

    def _frame(self, frame: Notes, before: Notes) -> float:
        p = 1.0
        for contexts, word in _words(frame, before):
            p *= self.counts.p(contexts, word, 1 / (PITCHES + 1))
        return p


def _words(frame: Notes, before: Notes) -> list[tuple[tuple[Notes, ...], int]]:
    """The contexts of each note and of the end, plainest first."""
    found: list[tuple[tuple[Notes, ...], int]] = []
    for i, word in enumerate((*frame, NONE)):
        last = frame[i - 1] if i else NONE
        second = frame[i - 2] if i > 1 else NONE
        was, above = (before[j] if j < len(before) else NONE for j in (i, i + 1))
        found.append((((), (last,), (last, was), (last, was, above), (last, was, above, second)), word))
    return found


class FrameNgram:
    """Whole frames after the `order` frames before them (Witten-Bell); sets never seen come from the note n-gram."""

    def __init__(self, train: Sequence[Ints], order: int, base: NoteNgram) -> None:
        self.order, self.base, self.counts = order, base, Interpolated()
        for sequence in train:
            for contexts, frame in self._places(sequence):
                self.counts.add(contexts, frame)

    def _places(self, sequence: Ints) -> list[tuple[list[tuple[Notes, ...]], Notes]]:
        frames = [((-1,),)] * self.order + [(frame,) for frame in notes_of(sequence)]
        flat = [frame for (frame,) in frames]
        return [
            ([tuple(flat[i - n : i]) for n in range(self.order + 1)], flat[i]) for i in range(self.order, len(flat))
        ]

    def p(self, sequence: Ints) -> Values:
        """(frames,) probabilities."""
        least = self.base.p(sequence)
        return np.array([
            self.counts.p(contexts, frame, float(base))
            for (contexts, frame), base in zip(self._places(sequence), least, strict=True)
        ])  # fmt: skip


class Markov:
    """A hidden Markov model: 48 states, in each the pitches sound by themselves (Baum-Welch, 10 rounds)."""

    def __init__(self, train: Sequence[Ints], seed: int) -> None:
        draw = np.random.default_rng(seed)
        frames = sorted((_sounding(sequence) for sequence in train), key=len)
        every = np.concatenate(frames)
        centres = 0.7 * every[draw.choice(len(every), size=_STATES)] + 0.3 * every.mean(axis=0)
        self.share = np.clip(centres, 1e-3, 1 - 1e-3)  # (states, PITCHES)
        self.first = np.full(_STATES, 1 / _STATES)
        self.step = np.full((_STATES, _STATES), 0.5 / _STATES) + 0.5 * np.eye(_STATES)
        groups = [_padded(frames[i : i + _TOGETHER]) for i in range(0, len(frames), _TOGETHER)]
        for _ in range(_ROUNDS):
            self._learn(groups)

    def _seen(self, sounding: Values, there: Values) -> Values:
        """(..., states) probability of each frame in each state; 1 where a piece is over."""
        logs = sounding @ np.log(self.share).T + (1 - sounding) @ np.log1p(-self.share).T
        return np.asarray(np.where(there[..., None] > 0, np.exp(logs), 1.0))

    def _forward(self, seen: Values) -> tuple[Values, Values]:
        """(T, N, states) states after each frame, and (T, N) each frame's probability given those before."""
        states, p = np.empty_like(seen), np.empty(seen.shape[:2])
        ahead = np.broadcast_to(self.first, seen.shape[1:])
        for t, here in enumerate(seen):
            joint = ahead * here
            p[t] = np.maximum(joint.sum(axis=-1), 1e-300)
            states[t] = joint / p[t][:, None]
            ahead = states[t] @ self.step
        return states, p

    def _learn(self, groups: Sequence[tuple[Values, Values]]) -> None:
        """One round of Baum-Welch over groups of (T, N, PITCHES) frames and (T, N) whether they are there."""
        first, moves = np.full(_STATES, 0.1), np.full((_STATES, _STATES), 0.01)
        held, sounded = np.full(_STATES, 1.0), np.full((_STATES, PITCHES), 0.05)
        for sounding, there in groups:
            seen = self._seen(sounding, there)
            states, p = self._forward(seen)
            behind = np.ones(seen.shape[1:])
            for t in range(len(seen) - 1, -1, -1):
                if t + 1 < len(seen):
                    ahead = seen[t + 1] * behind / p[t + 1][:, None]
                    moves += (states[t] * there[t + 1][:, None]).T @ ahead * self.step
                    behind = ahead @ self.step.T
                states[t] *= behind
            states *= there[..., None]
            first += states[0].sum(axis=0)
            held += states.sum(axis=(0, 1))
            sounded += np.einsum("tns,tnp->sp", states, sounding, optimize=True)
        self.first, self.step = first / first.sum(), moves / moves.sum(axis=1, keepdims=True)
        self.share = np.clip(sounded / held[:, None], 1e-5, 1 - 1e-5)

    def p(self, sequence: Ints) -> Values:
        """(frames,) probabilities."""
        sounding, there = _padded([_sounding(sequence)])
        return self._forward(self._seen(sounding, there))[1][:, 0]


def _padded(pieces: Sequence[Values]) -> tuple[Values, Values]:
    """(T, N, PITCHES) frames of N pieces, silence after their ends, and (T, N) 1 where there is a frame."""
    longest = max(len(piece) for piece in pieces)
    sounding, there = np.zeros((longest, len(pieces), PITCHES)), np.zeros((longest, len(pieces)))
    for i, piece in enumerate(pieces):
        sounding[: len(piece), i], there[: len(piece), i] = piece, 1.0
    return sounding, there


def remembered(sequence: Ints) -> tuple[Values, Ints]:
    """What the piece says of itself: the probability of each frame and how long a run of frames says so (0 .. LONGEST).

    The run's group is twice its length, one more where all its earlier occurrences agree.
    """
    frames = notes_of(sequence)
    seen, lengths = memory(frames, LONGEST)
    p = np.array([here[frame] / max(1, here.total()) for here, frame in zip(seen, frames, strict=True)])
    agree = np.array([len(here) == 1 for here in seen])
    return p, 2 * lengths + agree


def repeated(sequence: Ints) -> Values:
    """1 where a frame is the one before it again."""
    frames = notes_of(sequence)
    return np.array([float(i > 0 and frame == frames[i - 1]) for i, frame in enumerate(frames)])


def _sounding(sequence: Ints) -> Values:
    """(frames, PITCHES) of 0 and 1."""
    found = np.zeros((len(sequence), PITCHES + 1))
    np.put_along_axis(found, sequence, 1.0, axis=1)
    return found[:, :PITCHES]
