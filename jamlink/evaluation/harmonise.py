"""Chords for a melody of which one more bar is known: OpenEWLD lead sheets, or any folder of them.

The network reads the notes of each bar, then says the bar's chords; what it said before stays. Some of the others know
less (they play along without peeking), the hidden Markov model's best path knows the whole song. What counts is to be
near the person, not high: rows give each measure and how far its mean is from the person's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from jamlink.engine.choose import Engine, engine_for
from jamlink.engine.generate import Mask, Sampling, generate
from jamlink.engine.generate import Row as Drawn
from jamlink.evaluation import accompany_metrics, harmonise_metrics
from jamlink.evaluation.accompany import play
from jamlink.evaluation.accompany_baselines import Habit, Repetition
from jamlink.evaluation.accompany_metrics import FRAME, Chords
from jamlink.evaluation.judged_models import read_model
from jamlink.evaluation.result import Result, Row, interval
from jamlink.evaluation.songs import Song, read_songs, split_hash
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.key import Key
from jamlink.music.key_estimate import estimate_key
from jamlink.music.note import Note
from jamlink.music.pulse import BEAT, strength
from jamlink.proposers import key_chord_hmm
from jamlink.proposers.key_chord_hmm import CHORDS, KINDS, Floats, Table, chord_of, place_of, sounding
from jamlink.proposers.prompting import last_bars
from jamlink.resources import data_folder, shared_music
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode_slot
from jamlink.tokens.encode import prompt
from jamlink.tokens.grammar import Grammar
from jamlink.tokens.phrase import Heading, Phrase, chords_by_cell, quantise
from jamlink.tokens.vocab import Task

_CONTEXT_BARS = 12
_DRAWN_AT, _MIN_P = 0.9, 0.02
_ROWS = 8
CHORD_TONES = 4.0
"""What a beat full of chord tones is worth beside the network's log-probability, where several rows are compared; tuned
on oldtime-tunebook, towards the people there."""
Harmoniser = Callable[[Song, int], Chords]
"""The chords of a song's judged cells; the number is a seed."""
NOTES = (
    "Judged: the first 256 sixteenths of each song. jam has one bar of look-ahead; bigram and repetition play along "
    "and peek at nothing; rules and the hidden Markov model's best path know the whole song.",
    "off_*: how far the mean is from the person's. CHE, CC, CTD, CTnCTR, PCS and MCTD as in Yeh and others (2021); "
    "their published figures are of other music and are not to be compared.",
)


def evaluate(
    *,
    data: Path | None = None,
    model: str = "",
    seed: int = 0,
    songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """The task on a folder of lead sheets (None: OpenEWLD), everyone in the same run."""
    where = data or shared_music() / "data-eval" / "openewld-pd"
    found = read_songs(where, songs=songs, seed=seed)
    for line in found.left_out:
        say(f"left out: {line}")
    people = _values(found.songs, [_truth(song) for song in found.songs])
    rows = [_row("people", "", people, people, seed)]
    for name, harmonise in harmonisers(model):
        say(f"{name} ...")
        said = [harmonise(song, 1000 * seed + i) for i, song in enumerate(found.songs)]
        rows.append(_row(name, model if name.startswith("jam") else "", _values(found.songs, said), people, seed))
    return Result("harmonise", where.name, split_hash(found.songs), seed, tuple(rows), NOTES)


def harmonisers(model: str) -> Iterator[tuple[str, Harmoniser]]:
    """Everyone, by name; those with the network only where a model is named."""
    table = key_chord_hmm.load(data_folder("models") / "hmm" / "table.npz")
    yield "rules", lambda song, seed: rules(song)
    yield "repetition, 4 bars", lambda song, seed: play(Repetition(song.meter), song, song.melody)
    yield "chord bigram, drawn", lambda song, seed: play(Habit(table, song.meter, seed), song, song.melody)
    yield "hmm, best path", lambda song, seed: best_path(table, song)
    if model:
        weights = read_model(model)
        decoder = engine_for(weights.config, weights.weights)
        yield "jam, likeliest", lambda song, seed: network(decoder, song, Sampling(seed, top_k=1))
        drawn = Sampling(0, _DRAWN_AT, min_p=_MIN_P)
        yield "jam, drawn", lambda song, seed: network(decoder, song, replace(drawn, seed=seed))
        yield f"jam, best of {_ROWS}", lambda song, seed: network(decoder, song, replace(drawn, seed=seed), _ROWS)


# -- who harmonises ---------------------------------------------------------------------------------------------------


def rules(song: Song) -> Chords:
    """Each bar the triad of I, IV, V, vi or ii that has most of its strong notes; of equals the first of these."""
    estimate = estimate_key(song.melody)
    key = estimate.key if estimate else Key(0)
    minor, major, tonic = Quality.MINOR, Quality.MAJOR, key.tonic
    steps = [(0, minor), (5, minor), (7, major), (8, major), (3, major)] if key.minor else [
        (0, major), (5, major), (7, major), (9, minor), (2, minor)]  # fmt: skip
    choice = [Chord((tonic + step) % 12, quality) for step, quality in steps]
    bar_ticks, cells = song.meter.bar_ticks, vocab.cells_in_bar(song.meter)
    found: list[Chord | None] = []
    for bar in range(song.bars):
        notes = [n for n in song.melody if bar * bar_ticks <= n.onset < (bar + 1) * bar_ticks]
        weights = [n.duration * (2 if strength(n.onset, song.meter) >= BEAT else 1) for n in notes]
        fits = [sum(w for n, w in zip(notes, weights, strict=True) if n.pitch % 12 in c.pitch_classes) for c in choice]
        found += [choice[int(np.argmax(fits))] if notes else (found[-1] if found else choice[0])] * cells
    return found[: accompany_metrics.cells_judged(song)]


def best_path(table: Table, song: Song) -> Chords:
    """The likeliest keys and chords for the judged part of a song (Viterbi)."""
    settings, ticks = table.settings, vocab.cell_of(song.meter).ticks
    log_move, log_sound = np.log(np.maximum(table.move, 1e-12)), np.log(table.sound)
    start = np.repeat(np.log(np.maximum(table.start[None], 1e-12) / 24), 12, axis=0)  # (12, M, C)
    leap = start + np.log(settings.change_of_key)
    score, back = start + _heard(log_sound, song, 0, ticks) * settings.trust, []
    for cell in range(1, accompany_metrics.cells_judged(song)):
        ways = score[..., None] + log_move[None, :, place_of(cell, song.meter)]  # (12, M, C before, C)
        before = ways.argmax(axis=2)
        stay = np.take_along_axis(ways, before[:, :, None], axis=2)[:, :, 0] + np.log1p(-settings.change_of_key)
        best = int(score.argmax())
        jumped = score.ravel()[best] + leap
        index = np.arange(24).reshape(12, 2, 1) * CHORDS + before
        back.append(np.where(jumped > stay, best, index).ravel())
        score = np.maximum(stay, jumped) + _heard(log_sound, song, cell, ticks) * settings.trust
    at = int(score.argmax())
    path = [at]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return [_chord(state) for state in reversed(path)]


def _heard(log_sound: Floats, song: Song, cell: int, ticks: int) -> Floats:
    """(12, M, C): the log chance of what sounds in a cell."""
    sounds = sounding(song.melody, cell * ticks, (cell + 1) * ticks)
    by_tonic = np.stack([np.roll(sounds, -tonic) for tonic in range(12)])
    return np.asarray(np.einsum("mcp,tp->tmc", log_sound, by_tonic))


def _chord(state: int) -> Chord:
    """The chord of a place in (12 tonics, 2 modes, CHORDS)."""
    tonic, degree = state // (2 * CHORDS), state % CHORDS
    return chord_of((degree + tonic * len(KINDS)) % CHORDS)


class _Guide:
    """A grammar for the engine; "no chord" is not said."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar

    @property
    def finished(self) -> bool:
        return self._grammar.finished

    def next(self) -> int | Mask:
        mask = np.frombuffer(self._grammar.mask(), np.uint8).astype(bool)
        mask[vocab.chord_id(None)] = False
        ids = np.flatnonzero(mask)
        return int(ids[0]) if len(ids) == 1 else mask

    def advance(self, token: int) -> None:
        self._grammar.advance(token)


def network(decoder: Engine, song: Song, sampling: Sampling, rows: int = 1, chord_tones: float = CHORD_TONES) -> Chords:
    """Bar by bar: the notes of the bar, then its chords, which are never taken back. Neither key nor style is told.

    Of several rows the one is taken that is the likeliest and has the most chord tones.
    """
    cells = accompany_metrics.cells_judged(song)
    bars, bar = -(-cells // vocab.cells_in_bar(song.meter)), song.meter.bar_ticks
    whole = quantise(Phrase(song.meter, song.places, (), song.melody), Task.HARMONISE)
    spans: list[ChordSpan] = []
    for i in range(bars):
        done = Phrase(song.meter, song.places[:i], tuple(spans), tuple(n for n in whole.notes if n.onset < i * bar))
        notes = [n.shifted(Ticks(-i * bar)) for n in whole.notes if i * bar <= n.onset < (i + 1) * bar]
        samplings = [replace(sampling, seed=(sampling.seed * bars + i) * rows + row) for row in range(rows)]
        found = _bar_of(decoder, done, song.places[i], notes, samplings)
        said = max(found, key=lambda one: one[0] + chord_tones * _chord_tones(notes, one[1], song.meter))[1]
        spans += [span.shifted(Ticks(i * bar)) for span in said]
    return chords_by_cell(Phrase(song.meter, song.places[:bars], tuple(spans)))[:cells]


def _bar_of(
    decoder: Engine, done: Phrase, place: int, notes: Sequence[Note], samplings: Sequence[Sampling]
) -> list[tuple[float, Sequence[ChordSpan]]]:
    """For each row its log-probability and the chords of the next bar, from that bar's first tick."""
    context = last_bars(done, min(done.bars, _CONTEXT_BARS))
    last = done.chords[-1].chord if done.chords else None
    held = bool(done.notes) and done.notes[-1].end > done.length
    rows = []
    for sampling in samplings:
        grammar = Grammar(Task.HARMONISE, done.meter, (place,), notes=tuple(notes), opens=last is None, sounding=held)
        rows.append(Drawn(_Guide(grammar), sampling))
    generate(decoder, prompt(Heading(Task.HARMONISE, done.meter), context, None, place), rows, lambda: False)
    return [
        (sum(row.log_probabilities), decode_slot(row.ids, Task.HARMONISE, done.meter, place, last).chords)
        for row in rows
    ]


def _chord_tones(notes: Sequence[Note], chords: Sequence[ChordSpan], meter: Meter) -> float:
    """Cells in which notes sound that are in the chord."""
    shared = sum(
        max(0, min(note.end, span.end) - max(note.onset, span.onset))
        for note in notes
        for span in chords
        if span.chord and note.pitch % 12 in span.chord.pitch_classes
    )
    return shared / vocab.cell_of(meter).ticks


# -- what it is worth -------------------------------------------------------------------------------------------------


def _truth(song: Song) -> Chords:
    return song.chord_by_cell()[: accompany_metrics.cells_judged(song)]


def _values(songs: Sequence[Song], said: Sequence[Chords]) -> dict[str, list[float]]:
    """Each measure, song by song."""
    found: dict[str, list[float]] = {}
    for song, chords in zip(songs, said, strict=True):
        frames = accompany_metrics.frames_judged(song)
        melody = accompany_metrics.melody_frames(song.melody, frames)
        sounds = accompany_metrics.chord_frames(chords, song.meter, frames)
        root, exact = accompany_metrics.agreement(chords, _truth(song))
        notes = [note for note in song.melody if note.onset < frames * FRAME]
        values = {
            "nic": accompany_metrics.note_in_chord(melody, sounds),
            "coupling": accompany_metrics.coupling(melody, sounds, song.meter.bar_ticks // FRAME)[0],
            "root": root,
            "exact": exact,
            **harmonise_metrics.with_melody(notes, chords, song.meter),
            **harmonise_metrics.of_chords(chords),
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return found


def _row(name: str, model: str, values: dict[str, list[float]], people: dict[str, list[float]], seed: int) -> Row:
    metrics = {metric: _mean(column) for metric, column in values.items()}
    off = {
        f"off_{metric}": abs(mean - _mean(people[metric]))
        for metric, mean in metrics.items()
        if metric not in ("root", "exact")
    }
    ci = {metric: interval(column, seed=seed) for metric, column in values.items()}
    return Row(name, len(values["nic"]), metrics | off, ci, model)


def _mean(column: Sequence[float]) -> float:
    """Of what is a number; not a number where nothing is, as for changes of chords that never change."""
    numbers = [value for value in column if np.isfinite(value)]
    return float(np.mean(numbers)) if numbers else float("nan")
