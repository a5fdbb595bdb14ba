"""The next note of a melody over chords: Nottingham, split by families of tunes.

Before each note a system knows the notes before it, the chord and the place in the bar where it begins; it says the
pitch, and then, knowing the pitch, how long it lasts. Perplexity is e to the mean nats a note; accuracy is how often
the likeliest is right. Repeats are not written out, so a tune is heard once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from jamlink.errors import JamlinkError
from jamlink.evaluation.counting import Ints, Values, fit_weights
from jamlink.evaluation.melody_baselines import Ngram, NotesAlone, Shares, remembered
from jamlink.evaluation.result import Result, Row, interval
from jamlink.music.chord import QUALITIES
from jamlink.nn.melody import AS_WRITTEN, LOWEST, PITCHES, SHIFTS, NoteFields
from jamlink.training.benchmark_sets import Song, again, read_melodies
from jamlink.training.benchmarks import Trained, default_run, melody_logs, read_trained

PLAYED_NOTES = 48
"""How much of each tune is played anew, over the human's chords and rhythm, to see what it is made of."""
NOTES = (
    "No tune of the test has a relative (jamlink.training.fingerprint) in train or valid; the split is "
    "models/benchmarks/nottingham-melody/split.tsv. Mixture weights are fitted on valid.",
    "memory: a mixture with what followed where the tune's latest notes, up to 8, occurred before in it.",
    "The network learns from this split's training part alone, is not shipped, and is not the model that plays live.",
    f"chord tones, in key: of the first {PLAYED_NOTES} notes of each tune, drawn from the system over the human's "
    "chords and rhythm; the aim is to be near the human, not high.",
    "Published, on other splits and other work (repeats written out, pitches without meter): MINGUS 11.03 and 35.8 % "
    "for pitch, 1.88 and 76.6 % for duration (ISMIR 2021). An earlier interpolated 3-gram with chord and bar of "
    "our own had 5.32 and 47.3 % on another family-disjoint split.",
)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The songs to fit weights on and those that are judged."""

    valid: tuple[Song, ...]
    test: tuple[Song, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class _System:
    """What a system says of both parts; `played` are pitches drawn from it for each test song, if they were."""

    valid: Sequence[Shares]
    test: Sequence[Shares]
    played: Sequence[Ints] = ()


def evaluate(
    *,
    data: Path | None = None,
    model: str = "",
    seed: int = 0,
    songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
    run: Path | None = None,
) -> Result:
    """Baselines and, unless `model` is "", the benchmark's own network, which lies in `run`/nottingham-melody.

    `run` None is `default_run`. Raises `Unavailable` where the tunes are not there.
    """
    found = read_melodies(data)
    test = found.parts["test"]
    order = np.random.default_rng(seed).permutation(len(test))
    chosen = tuple(test[i] for i in sorted(order[:songs] if songs else order))
    parts = _Parts(found.parts["valid"], chosen, seed)
    notes = [*NOTES, f"{found.left_out} tunes that change meter or key, or could not be read, are left out."]
    say("counting")
    train = [song.fields for song in found.parts["train"]]
    rows = _baselines(train, parts)
    if model:
        folder = run / "nottingham-melody" if run else default_run("nottingham-melody")
        try:
            rows += _networks(read_trained(folder, "melody", found.digest), parts, say)
        except JamlinkError as missing:
            notes.append(str(missing))
            say(str(missing))
    digest = hashlib.sha256(f"{found.digest} {[song.name for song in chosen]}".encode()).hexdigest()
    return Result("melody", "Nottingham, family-disjoint", digest, seed, tuple(rows), tuple(notes))


def _baselines(train: Sequence[Ints], parts: _Parts) -> list[Row]:
    valid = [song.fields for song in parts.valid]
    full = Ngram(train, valid, with_chords=True)
    ngram = _counted(full, parts, [_play(full, song, parts.seed + i) for i, song in enumerate(parts.test)])
    alone = _counted(NotesAlone(train), parts)
    return [
        _human(parts),
        _row("1-gram", alone, parts),
        _row("repetition: memory, else 1-gram", _with_memory(alone, parts), parts),
        _row("n-gram of pitches", _counted(Ngram(train, valid, with_chords=False), parts), parts),
        _row("n-gram with chord and bar", ngram, parts),
        _row("n-gram with chord and bar + memory", _with_memory(ngram, parts), parts),
    ]


def _counted(ngram: Ngram | NotesAlone, parts: _Parts, played: Sequence[Ints] = ()) -> _System:
    return _System(
        [ngram.shares(song.fields) for song in parts.valid], [ngram.shares(song.fields) for song in parts.test], played
    )


def _networks(trained: Trained, parts: _Parts, say: Callable[[str], None]) -> list[Row]:
    say("network")
    one = _System(_said(trained, parts.valid, AS_WRITTEN), _said(trained, parts.test, AS_WRITTEN))
    say("network in twelve keys")
    keys = [_said(trained, parts.test, shift) for shift in range(SHIFTS)]
    twelve = [
        (np.mean([pitch for pitch, _ in song], axis=0), np.mean([time for _, time in song], axis=0))
        for song in zip(*keys, strict=True)
    ]
    say("network plays")
    one = _System(one.valid, one.test, play(trained, parts.test, parts.seed))
    name = f"{trained.plan.name}, {trained.card['parameters'] / 1e6:.2f} M"
    return [
        _row("network", one, parts, name),
        _row("network, 12 transpositions", _System(one.valid, twelve), parts, name),
        _row("network + memory", _with_memory(one, parts), parts, name),
        _row("network, 12 transpositions + memory", _with_memory(_System(one.valid, twelve), parts), parts, name),
    ]


def _said(trained: Trained, songs: Sequence[Song], shift: int) -> list[Shares]:
    """The network's shares for songs transposed, as pitches of the songs as they are."""
    found = []
    up = shift - AS_WRITTEN
    for pitch, time in melody_logs(trained.net, [song.fields for song in songs], row=trained.plan.row, shift=shift):
        shares = np.zeros_like(pitch)
        low, high = max(0, -up), PITCHES - max(0, up)
        shares[:, low:high] = np.exp(pitch[:, low + up : high + up])
        found.append((shares, np.exp(time)))
    return found


def _with_memory(system: _System, parts: _Parts) -> _System:
    """The system mixed with each tune's memory of itself; weights by the length of the run, fitted on valid."""
    held = [remembered(song.fields) for song in parts.valid]
    there = [remembered(song.fields) for song in parts.test]
    mixed: list[list[Values]] = []
    for kind, field in enumerate((NoteFields.PITCH, NoteFields.DURATION)):
        pairs = [
            np.stack([part[kind][np.arange(len(song.fields)), song.fields[:, field]] for part in (ours, own)], axis=1)
            for song, ours, (own, _) in zip(parts.valid, system.valid, held, strict=True)
        ]
        weights = fit_weights(pairs, [group for _, group in held])
        mixed.append([
            _blend(ours[kind], own[kind], weights[np.minimum(group, len(weights) - 1)])
            for ours, (own, group) in zip(system.test, there, strict=True)
        ])  # fmt: skip
    return _System((), list(zip(*mixed, strict=True)))


def _blend(ours: Values, own: Values, weights: Values) -> Values:
    """Rows mixed by their weights (notes, 2); where there is no memory, ours alone."""
    known = own.sum(axis=1, keepdims=True) > 0
    return np.where(known, ours * weights[:, :1] + own * weights[:, 1:], ours)


def _play(ngram: Ngram, song: Song, seed: int) -> Ints:
    """The beginning of a tune anew: its rhythm and chords, pitches drawn one after the other."""
    draw = np.random.default_rng(seed)
    fields = song.fields[:PLAYED_NOTES].copy()
    for i in range(len(fields)):
        fields[i, NoteFields.PITCH] = draw.choice(PITCHES, p=ngram.pitch(fields, i))
    return np.asarray(fields[:, NoteFields.PITCH])


@torch.no_grad()
def play(trained: Trained, songs: Sequence[Song], seed: int) -> list[Ints]:
    """The beginnings of tunes anew, as `_play` does, all songs side by side."""
    trained.net.eval()
    generator = torch.Generator().manual_seed(seed)
    lengths = [min(len(song.fields), PLAYED_NOTES) for song in songs]
    fields = np.zeros((len(songs), max(lengths), songs[0].fields.shape[1]), dtype=np.int64)
    for row, song, length in zip(fields, songs, lengths, strict=True):
        row[:length] = song.fields[:length]
    for i in range(max(lengths)):
        for row in fields:
            row[i, NoteFields.AGAIN_PITCH :] = again([(int(p), int(d)) for p, d in row[:i, :2]])
        pitch, _ = trained.net(torch.from_numpy(fields[:, : i + 1]), torch.full((len(songs),), AS_WRITTEN))
        fields[:, i, NoteFields.PITCH] = torch.multinomial(pitch[:, i].exp(), 1, generator=generator)[:, 0].numpy()
    return [row[:length, NoteFields.PITCH].copy() for row, length in zip(fields, lengths, strict=True)]


def _human(parts: _Parts) -> Row:
    played = [song.fields[:PLAYED_NOTES, NoteFields.PITCH] for song in parts.test]
    metrics, ci = _made_of(played, parts)
    return Row("human", sum(map(len, played)), metrics, ci)


def _row(system: str, said: _System, parts: _Parts, model: str = "") -> Row:
    notes = np.array([len(song.fields) for song in parts.test])
    metrics: dict[str, float] = {}
    ci: dict[str, tuple[float, float]] = {}
    for kind, (name, field) in enumerate((("pitch", NoteFields.PITCH), ("duration", NoteFields.DURATION))):
        nats, right = [], []
        for song, shares in zip(parts.test, said.test, strict=True):
            words, p = song.fields[:, field], shares[kind]
            nats.append(-np.log(np.maximum(p[np.arange(len(words)), words], 1e-300)).mean())
            right.append((p.argmax(axis=1) == words).mean())
        low, high = interval(nats, notes, parts.seed)
        metrics[f"{name}_ppl"], ci[f"{name}_ppl"] = float(np.exp(np.average(nats, weights=notes))), (
            float(np.exp(low)), float(np.exp(high)),
        )  # fmt: skip
        metrics[f"{name}_accuracy"] = float(np.average(right, weights=notes))
        ci[f"{name}_accuracy"] = interval(right, notes, parts.seed)
    made, made_ci = _made_of(said.played, parts) if said.played else ({}, {})
    return Row(system, int(notes.sum()), metrics | made, ci | made_ci, model)


def _made_of(played: Sequence[Ints], parts: _Parts) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Shares of notes that belong to the chord under them, where there is one, and to the key signature."""
    tones, inside = [], []
    for song, pitches in zip(parts.test, played, strict=True):
        classes = (pitches + LOWEST) % 12
        over = [
            pitch in QUALITIES[fields[NoteFields.QUALITY] - 1].on_root[fields[NoteFields.ROOT]]
            for pitch, fields in zip(classes, song.fields, strict=False)
            if fields[NoteFields.QUALITY]
        ]
        tones.append(float(np.mean(over)) if over else float("nan"))
        inside.append(float(np.isin(classes, list(song.scale)).mean()))
    found = {"chord_tones": tones, "in_key": inside}
    return {name: float(np.nanmean(v)) for name, v in found.items()}, {
        name: interval(v, None, parts.seed) for name, v in found.items()
    }
