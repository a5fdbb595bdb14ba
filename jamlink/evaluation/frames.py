"""How likely is the next frame? JSB chorales and Nottingham, in the split and the unit of Boulanger-Lewandowski et al.

The number is the mean over the test's frames of -ln p(the set of pitches | the frames before), in nats. Every note, the
end of every frame and the first frame count; nothing but the frames before is known, and how many there were. A set is
said in ascending order and a system that says notes cannot say one below the last, so each set is said in one way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jamlink.errors import JamlinkError, Unavailable
from jamlink.evaluation.counting import Ints, Values, fit_weights, mixed
from jamlink.evaluation.frame_baselines import (
    FrameNgram,
    Markov,
    NoteNgram,
    NotesApart,
    System,
    remembered,
    repeated,
)
from jamlink.evaluation.result import Result, Row, interval
from jamlink.nn.frames import AS_WRITTEN, SHIFTS
from jamlink.training.benchmark_sets import FRAME_FILES, FrameSet, read_frames, top_line
from jamlink.training.benchmarks import Trained, default_run, frame_nats, read_trained
from jamlink.training.fingerprint import Register, fingerprint

SHOWN = {"jsb": "JSB chorales", "nottingham": "Nottingham"}
NOTES = (
    "Nats a frame; lower is better. Both sets come transposed to a common tonic by those who made them, for every row.",
    "leak checked: only test pieces whose top line has no relative (jamlink.training.fingerprint) in train or valid.",
    "The networks learn from their benchmark's training part alone; validation stops them and sets mixture weights.",
    "12 transpositions: the mean of what the network says of the piece in each of twelve keys.",
    "memory: a mixture with what followed in this piece where its latest frames, up to 8, occurred before.",
    "Published, same files and split, not run here (JSB / Nottingham): RNN-RBM 6.27 / 2.39, RNN-NADE 5.56 / 2.31 "
    "(Boulanger-Lewandowski 2012); TP-LSTM-NADE 5.88 / 1.61 (Johnson 2017); LSTM 8.45 / 3.29, TCN 8.10 / 3.07 "
    "(Bai 2018). Quoted from memory of the papers; check before citing.",
    "DBN-LSTM 3.47 / 1.32 (Vohra 2015) are estimates of an intractable likelihood that nobody has reproduced. Results "
    "on sixteenth grids, by token, or with the future known (Coconet, Music Transformer) measure other things.",
)


@dataclass(frozen=True, slots=True)
class _Judged:
    """The test pieces that count, and which of them have no relative in what was learnt from."""

    songs: tuple[Ints, ...]
    apart: tuple[bool, ...]
    seed: int


def evaluate(
    *,
    data: Path | None = None,
    model: str = "",
    seed: int = 0,
    songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
    run: Path | None = None,
) -> Result:
    """Baselines and, unless `model` is "", the benchmark's own networks, on each set that `data` holds.

    `run` holds a folder for each trained network (jsb, nottingham); None for `default_run`. The shipped model is not
    judged here: it does not speak in frames. Raises `Unavailable` where neither set is there.
    """
    rows: list[Row] = []
    notes = list(NOTES)
    digest = hashlib.sha256()
    for name in FRAME_FILES:
        try:
            found = read_frames(name, data)
        except Unavailable as missing:
            notes.append(f"{SHOWN[name]}: {missing}")
            continue
        chosen = _chosen(len(found.parts["test"]), songs, seed)
        digest.update(f"{found.digest} {chosen}".encode())
        judged = _Judged(tuple(found.parts["test"][i] for i in chosen), _apart(found, chosen), seed)
        notes.append(f"{SHOWN[name]}: {sum(judged.apart)} of {len(chosen)} test pieces are leak checked.")
        rows += _baselines(found, judged, say)
        if model:
            rows += _networks(found, judged, run / name if run else default_run(name), notes, say)
    if not rows:
        raise Unavailable("Neither set of frames is there.", "Name the folder data-eval.")
    return Result("frames", "JSB chorales and Nottingham, Boulanger-Lewandowski split", digest.hexdigest(), seed,
                  tuple(rows), tuple(notes))  # fmt: skip


def _chosen(count: int, songs: int, seed: int) -> list[int]:
    order = np.random.default_rng(seed).permutation(count)
    return sorted(int(i) for i in (order[:songs] if songs else order))


def _apart(found: FrameSet, chosen: Sequence[int]) -> tuple[bool, ...]:
    """Which test pieces have no relative among those learnt from or stopped by."""
    known = [song for part in ("train", "valid") for song in found.parts[part]]
    register = Register({str(i): fingerprint(top_line(song)) for i, song in enumerate(known)})
    return tuple(next(register.relatives(fingerprint(top_line(found.parts["test"][i]))), None) is None for i in chosen)


def _baselines(found: FrameSet, judged: _Judged, say: Callable[[str], None]) -> list[Row]:
    train, valid = found.parts["train"], found.parts["valid"]
    say(f"{SHOWN[found.name]}: counting")
    base = NoteNgram(train)
    ngrams = {f"frame {order + 1}-gram": FrameNgram(train, order, base) for order in (0, 1, 2)}
    say(f"{SHOWN[found.name]}: hidden Markov model")
    systems: dict[str, System] = {
        "notes apart": NotesApart(train), "hidden Markov model": Markov(train, judged.seed),
        "note n-gram": base, **ngrams,
    }  # fmt: skip
    p = {name: [system.p(song) for song in judged.songs] for name, system in systems.items()}
    again = ngrams["frame 1-gram"]
    p["last frame again, or 1-gram"] = _with(
        [again.p(song) for song in valid], p["frame 1-gram"], [repeated(song) for song in valid],
        [repeated(song) for song in judged.songs],
    )  # fmt: skip
    p["frame 2-gram + memory"] = _with_memory(
        [ngrams["frame 2-gram"].p(song) for song in valid], p["frame 2-gram"], valid, judged.songs
    )
    return [_row(f"{SHOWN[found.name]}: {name}", shares, judged) for name, shares in p.items()]


def _networks(
    found: FrameSet, judged: _Judged, folder: Path, notes: list[str], say: Callable[[str], None]
) -> list[Row]:
    try:
        trained = read_trained(folder, found.name, found.digest)
    except JamlinkError as missing:
        notes.append(f"{SHOWN[found.name]}: {missing}")
        say(str(missing))
        return []
    say(f"{SHOWN[found.name]}: network")
    one = _shares(trained, judged.songs, AS_WRITTEN)
    valid = found.parts["valid"]
    ours = _shares(trained, valid, AS_WRITTEN)
    say(f"{SHOWN[found.name]}: network in twelve keys")
    keys = [one if shift == AS_WRITTEN else _shares(trained, judged.songs, shift) for shift in range(SHIFTS)]
    twelve = [np.mean(shares, axis=0) for shares in zip(*keys, strict=True)]
    systems: Mapping[str, Sequence[Values]] = {
        "network": one,
        "network, 12 transpositions": twelve,
        "network + memory": _with_memory(ours, one, valid, judged.songs),
        "network, 12 transpositions + memory": _with_memory(ours, twelve, valid, judged.songs),
    }
    name = f"{trained.plan.name}, {trained.card['parameters'] / 1e6:.2f} M"
    return [_row(f"{SHOWN[found.name]}: {system}", p, judged, name) for system, p in systems.items()]


def _shares(trained: Trained, songs: Sequence[Ints], shift: int) -> list[Values]:
    return [np.exp(-nats) for nats in frame_nats(trained.net, songs, row=trained.plan.row, shift=shift)]


def _with(ours: list[Values], theirs: list[Values], other: list[Values], other_there: list[Values]) -> list[Values]:
    """A system mixed with another, by weights fitted where `ours` and `other` were measured."""
    weights = fit_weights([np.stack(pair, axis=1) for pair in zip(ours, other, strict=True)])
    return mixed([np.stack(pair, axis=1) for pair in zip(theirs, other_there, strict=True)], weights)


def _with_memory(
    ours: Sequence[Values], theirs: Sequence[Values], valid: Sequence[Ints], test: Sequence[Ints]
) -> list[Values]:
    """A system mixed with a piece's memory of itself; weights by how long a run remembers, fitted on `valid`."""
    held, there = [remembered(song) for song in valid], [remembered(song) for song in test]
    shares = [np.stack((p, own), axis=1) for p, (own, _) in zip(ours, held, strict=True)]
    weights = fit_weights(shares, [group for _, group in held])
    shares = [np.stack((p, own), axis=1) for p, (own, _) in zip(theirs, there, strict=True)]
    return mixed(shares, weights, [group for _, group in there])


def _row(system: str, shares: Sequence[Values], judged: _Judged, model: str = "") -> Row:
    nats = [-np.log(np.maximum(p, 1e-300)) for p in shares]
    means, frames = np.array([n.mean() for n in nats]), np.array([len(n) for n in nats])
    apart = np.array(judged.apart)
    kept = [n for n, counts in zip(nats, apart, strict=True) if counts]
    metrics = {
        "nats": float(np.concatenate(nats).mean()),
        "nats_by_piece": float(means.mean()),
        "nats_without_first": float(np.concatenate([n[1:] for n in nats]).mean()),
        "nats_leak_checked": float(np.concatenate(kept).mean()) if kept else float("nan"),
    }
    ci = {"nats": interval(means, frames, judged.seed)}
    if kept:
        ci["nats_leak_checked"] = interval(means[apart], frames[apart], judged.seed)
    return Row(system, int(frames.sum()), metrics, ci, model)
