"""Live accompaniment: chords for a melody, decided beat by beat, with no look at the beat to come and no warm-up.

Every player hears the same: the melody up to the beat that it must decide. It knows the meter and where the bar lines
are (there is a clock), not the key. The same songs are then played once more with the melody a tritone higher from
beat 16 on, and once with a tenth of its notes wrong.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jamlink.engine.choose import engine_for
from jamlink.evaluation import accompany_metrics as metrics
from jamlink.evaluation.accompany_baselines import (
    Filter,
    Habit,
    HistogramTriad,
    Player,
    RandomTriads,
    Repetition,
    RunningTonic,
)  # fmt: skip
from jamlink.evaluation.accompany_metrics import FRAME, Chords, Estimate, Values
from jamlink.evaluation.judged_models import read_model
from jamlink.evaluation.result import Result, Row, interval
from jamlink.evaluation.songs import Song, read_songs, split_hash
from jamlink.music.chord import Chord
from jamlink.music.note import Note
from jamlink.proposers import key_chord_hmm
from jamlink.proposers.live_chords import LiveChords, LiveSettings
from jamlink.resources import data_folder, shared_music
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab

Maker = Callable[[Meter, int], Player]
"""A player for one song, from its meter and a seed."""

JUMP_BEAT, JUMP = 16, 6
"""From this beat on the melody lies so many semitones higher."""
WRONG = 0.10
_WRONG_BY = (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
_SHARED = Path("data-eval") / "openewld-pd"
PUBLISHED = (
    "Published on OpenEWLD (502 songs; note-in-chord): ReaLchords .475, GAPT .470, online MLE .362, people .784. Same "
    "metric and source, not the same work: those decide every sixteenth and draw at temperature 1, and 152 songs are "
    "not in the set used here. A hidden Markov model that does not peek already passes them."
)


@dataclass(slots=True)
class _Marks:
    """What one player got, a value for each song."""

    values: dict[str, list[float]] = field(default_factory=dict)
    lengths: list[Values] = field(default_factory=list)
    words: list[Values] = field(default_factory=list)

    def add(self, **found: float) -> None:
        for name, value in found.items():
            self.values.setdefault(name, []).append(value)


def evaluate(
    *, data: Path | None = None, model: str = "jam-s", seed: int = 0, songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Result:  # fmt: skip
    """The task on a folder of lead sheets (None: OpenEWLD), every player in the same run."""
    where = data or shared_music() / _SHARED
    found = read_songs(where, songs=songs, seed=seed)
    for line in found.left_out:
        say(f"left out: {line}")
    makers = players(model)
    rows = [judged("people's chords", None, found.songs, seed)]
    for name, maker in makers.items():
        say(f"{name} ...")
        rows.append(judged(name, maker, found.songs, seed, model if name.startswith("jam") else ""))
    notes = (PUBLISHED,) if data is None else ()
    return Result("accompany", where.name, split_hash(found.songs), seed, tuple(rows), notes)


def players(model: str) -> dict[str, Maker]:
    """Everyone who plays, by name; those with the network only where a model is named."""
    table = key_chord_hmm.load(data_folder("models") / "hmm" / "table.npz")
    found: dict[str, Maker] = {
        "random triads": lambda meter, seed: RandomTriads(seed),
        "tonic of the running key": lambda meter, seed: RunningTonic(meter),
        "histogram triad": lambda meter, seed: HistogramTriad(meter),
        "repetition, 4 bars": lambda meter, seed: Repetition(meter),
        "chord bigram, drawn": lambda meter, seed: Habit(table, meter, seed),
        "hmm, likeliest": lambda meter, seed: Filter(table, meter),
        "hmm, drawn": lambda meter, seed: Filter(table, meter, "drawn", seed),
        "hmm, most consonant": lambda meter, seed: Filter(table, meter, "consonant"),
    }
    return found | (_with_network(table, model) if model else {})


def _with_network(table: key_chord_hmm.Table, model: str) -> dict[str, Maker]:
    """The live player as shipped, and with the key-and-chord model kept out of what it plays and is told."""
    checkpoint = read_model(model)
    network = engine_for(checkpoint.config, checkpoint.weights)
    alone = LiveSettings(told=0.0, hindsight=False, network=1.0, strict=0.0)
    return {
        "jam": lambda meter, seed: LiveChords(network, table, meter, seed=seed),
        "jam without hmm": lambda meter, seed: LiveChords(network, table, meter, alone, seed),
    }


def play(player: Player, song: Song, melody: Sequence[Note]) -> list[Chord | None]:
    """The chord of each judged cell. The player is shown nothing that sounds later."""
    ticks = vocab.cell_of(song.meter).ticks
    heard = Heard(melody)
    return [player.decide(cell, heard.up_to(cell * ticks)) for cell in range(metrics.cells_judged(song))]


class Heard:
    """A melody as it becomes known."""

    def __init__(self, melody: Sequence[Note]) -> None:
        self._melody, self._known = sorted(melody), list[Note]()

    def up_to(self, tick: int) -> list[Note]:
        """The notes that began before `tick`, cut off there. Ticks must rise."""
        before = len(self._known)
        while before and self._known[before - 1].end < self._melody[before - 1].end:
            before -= 1  # it was cut off the last time
        while before < len(self._melody) and self._melody[before].onset < tick:
            note = self._melody[before]
            cut = note if note.end <= tick else replace(note, duration=type(note.duration)(tick - note.onset))
            self._known[before : before + 1] = [cut]
            before += 1
        return list(self._known)


def jumped(song: Song) -> list[Note]:
    """The melody, a tritone higher from beat 16 on."""
    start = JUMP_BEAT * vocab.cell_of(song.meter).ticks
    return [note.transposed(JUMP) if note.onset >= start else note for note in song.melody]


def with_wrong_notes(song: Song, seed: int) -> list[Note]:
    """The melody with a tenth of its notes up to a tritone off, all distances alike."""
    dice = random.Random(f"{seed} {song.name}")
    return [note.transposed(dice.choice(_WRONG_BY)) if dice.random() < WRONG else note for note in song.melody]


def judged(name: str, maker: Maker | None, songs: Sequence[Song], seed: int, model: str = "") -> Row:
    """A row of the table; without a maker the chords are those of the song itself."""
    marks = _Marks()
    for i, song in enumerate(songs):
        truth = song.chord_by_cell()[: metrics.cells_judged(song)]
        if maker is None:
            _judge(marks, song, truth, truth)
            continue
        own = 1000 * seed + i
        chords = play(maker(song.meter, own), song, song.melody)
        _judge(marks, song, chords, truth)
        _judge_jump(marks, song, chords, play(maker(song.meter, own), song, jumped(song)))
        _judge_wrong(marks, song, play(maker(song.meter, own), song, with_wrong_notes(song, seed)))
    return _row(name, model, marks, seed)


def _judge(marks: _Marks, song: Song, chords: Chords, truth: Chords) -> None:
    frames = metrics.frames_judged(song)
    melody = metrics.melody_frames(song.melody, frames)
    sounding = metrics.chord_frames(chords, song.meter, frames)
    near, mean = metrics.coupling(melody, sounding, song.meter.bar_ticks // FRAME)
    root, exact = metrics.agreement(chords, truth)
    marks.add(
        nic=metrics.note_in_chord(melody, sounding), coupling=near, coupling_2_3_5=mean, root=root, exact=exact,
        pcs=metrics.sizes(chords), silence=float((sounding.sum(axis=1) == 0).mean()),
    )  # fmt: skip
    marks.lengths.append(metrics.lengths(chords, song.meter))
    marks.words.append(metrics.words(chords))


def _judge_jump(marks: _Marks, song: Song, chords: Chords, after: Chords) -> None:
    """NiC of beats 2 and 3, and 4 to 7, after the jump, beside that of the same beats without it."""
    frames = metrics.frames_judged(song)
    beat = vocab.cell_of(song.meter).ticks / FRAME
    for label, first, last in (("2", 2, 4), ("4", 4, 8)):
        span = (round((JUMP_BEAT + first) * beat), round((JUMP_BEAT + last) * beat))
        for kind, melody, played in (("calm", song.melody, chords), ("jumped", jumped(song), after)):
            sounding = metrics.chord_frames(played, song.meter, frames)
            value = metrics.note_in_chord(metrics.melody_frames(melody, frames), sounding, *span)
            marks.add(**{f"{kind}_{label}": value})


def _judge_wrong(marks: _Marks, song: Song, chords: Chords) -> None:
    """Coupling of what was played to the wrong notes: with the notes as they were meant."""
    frames = metrics.frames_judged(song)
    sounding = metrics.chord_frames(chords, song.meter, frames)
    meant = metrics.melody_frames(song.melody, frames)
    marks.add(coupling_wrong_notes=metrics.coupling(meant, sounding, song.meter.bar_ticks // FRAME)[0])


def _row(name: str, model: str, marks: _Marks, seed: int) -> Row:
    found: dict[str, Estimate] = {}
    for metric in ("nic", "coupling", "root", "exact"):
        found[metric] = _mean(marks.values[metric], seed)
    found["length_entropy"] = metrics.of_histograms(marks.lengths, seed)
    found["vocab_entropy"] = metrics.of_histograms(marks.words, seed)
    for metric in ("pcs", "silence", "coupling_2_3_5", "coupling_wrong_notes"):
        if metric in marks.values:
            found[metric] = _mean(marks.values[metric], seed)
    if "calm_2" in marks.values:
        values = marks.values
        found["recovery_2"] = metrics.of_ratio(values["jumped_2"], values["calm_2"], seed)
        found["recovery_4"] = metrics.of_ratio(values["jumped_4"], values["calm_4"], seed)
        kept = metrics.of_ratio(values["coupling_wrong_notes"], values["coupling"], seed)
        low, high = kept.interval
        found["noise_loss"] = Estimate(1 - kept.value, (1 - high, 1 - low))
    return Row(
        name, len(marks.words), {k: e.value for k, e in found.items()}, {k: e.interval for k, e in found.items()}, model
    )


def _mean(values: Sequence[float], seed: int) -> Estimate:
    kept = np.array([value for value in values if np.isfinite(value)])
    return Estimate(float(kept.mean()) if len(kept) else float("nan"), interval(values, seed=seed))
