"""How far our own chord analyser may be trusted: its labels beside people's, on music that people have analysed.

Songs of openscore-lieder with the analyses of When in Rome, and the phrases of TAVERN, which two people analysed each,
so that there is a ceiling: what one of them agrees with the other. Chords are compared where each beat (each cell of
jamlink.tokens) begins; beats to which people gave no chord are not asked about.
"""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense
from jamlink.evaluation.result import Result, Row, interval
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.resources import shared_music
from jamlink.tokens import vocab
from jamlink.training import chord_labels
from jamlink.training.read_analysis import read_analysis, read_harm, spans_on
from jamlink.training.sources import SOURCES, unpacked
from jamlink.training.tune import Score, Tune, tunes_of

Labels = Sequence[Chord | None]
METRICS = ("root", "root_and_third", "exact")
SETS = ("when-in-rome", "tavern")
_TRIADS = [(root, quality) for root in range(12) for quality in (Quality.MAJOR, Quality.MINOR, Quality.DIMINISHED)]


@dataclass(frozen=True, slots=True)
class Judged:
    """One piece: what a system said and what people said, by cell."""

    piece: str
    said: dict[str, Labels]
    people: Labels


def evaluate(
    *,
    data: Path | None = None,
    model: str = "",
    seed: int = 0,
    songs: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """The analyser and three plain ways, on both sets; `data` holds the sets of the manifest. `model` is not asked.

    Raises `Unavailable` or `Nonsense` where the music is missing.
    """
    root = data or shared_music() / "data"
    rows: list[Row] = []
    names: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, judged_by in zip(SETS, (_songs, _phrases), strict=True):
            say(f"reading {name}")
            judged = list(judged_by(root, Path(scratch)))
            if songs:
                picked = np.random.default_rng(seed).permutation(len(judged))[:songs]
                judged = [judged[i] for i in sorted(picked)]
            rows += _rows(name, judged, seed)
            names += [f"{name}:{one.piece}" for one in judged]
    split = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    notes = ("Beats at their beginning; intervals by song (When in Rome) or by set of variations (TAVERN).",)
    return Result("check-labels", "when-in-rome, tavern", split, seed, tuple(rows), notes)


def _songs(root: Path, scratch: Path) -> Iterator[Judged]:
    """Songs whose analysis has as many bars as the score, or fewer (a song may be analysed in part)."""
    lieder = next(source for source in SOURCES if source.name == "openscore-lieder")
    music = unpacked(root, "openscore-lieder", scratch)
    by_song = {_plain(file.parent.relative_to(music / "scores")): file for file in lieder.files(music)}
    analyses = unpacked(root, "when-in-rome", scratch) / "OpenScore-LiederCorpus"
    for file in sorted(analyses.rglob("analysis.txt")):
        sheet = by_song.get(_plain(file.parent.relative_to(analyses)))
        if sheet is None:
            continue
        try:
            analysis = read_analysis(file)
        except Nonsense:
            continue
        for _, score in lieder.read(music, sheet):
            if not isinstance(score, str) and _numbered_alike(score, analysis.last):
                score.chords = spans_on(analysis, score.bars)
                yield from _judged(_plain(file.parent.name), score)


def _plain(path: Path | str) -> str:
    return unicodedata.normalize("NFC", str(path))


def _numbered_alike(score: Score, last: int) -> bool:
    """Whether bar numbers are counted as we count them: whole bars but for a pickup, and the end."""
    inner = score.bars[1:-1]
    return last <= len(score.bars) and all(bar.meter and bar.length == bar.meter.bar_ticks for bar in inner)


def _phrases(root: Path, scratch: Path) -> Iterator[Judged]:
    folder = unpacked(root, "tavern", scratch)
    for file in sorted(folder.rglob("*_a.krn")):
        try:
            kern, first = read_harm(file)
            _, second = read_harm(file.with_name(file.name.replace("_a.krn", "_b.krn")))
        except (Nonsense, OSError):
            continue
        notes = [note for part in kern.parts for note in part]
        score = Score(file.stem, "classical", kern.bars, everything=notes, chords=first, key=kern.key)
        other = Score(file.stem, "classical", kern.bars, everything=notes, chords=second, key=kern.key)
        for mine, theirs in zip(tunes_of(score), tunes_of(other), strict=True):
            said = _said(mine) | {"the other annotator": _at_cells(mine, theirs.chords)}
            yield Judged(file.stem.split("_")[0], said, _at_cells(mine, mine.chords))


def _judged(piece: str, score: Score) -> Iterator[Judged]:
    for tune in tunes_of(score):
        yield Judged(piece, _said(tune), _at_cells(tune, tune.chords))


def _said(tune: Tune) -> dict[str, Labels]:
    """The analyser, and three plain ways that need no search."""
    bars = len(tune.places)
    cell_ticks, cells = vocab.cell_of(tune.meter).ticks, bars * vocab.cells_in_bar(tune.meter)
    sound = chord_labels.histograms(tune.everything, cells, cell_ticks)
    lows = chord_labels.lowest(tune.everything, cells, cell_ticks)
    key = tune.key or chord_labels.key_of(tune.everything, tune.fifths)
    tonic = Chord(key.tonic, Quality.MINOR if key.minor else Quality.MAJOR) if key else None
    return {
        "analyser": _at_cells(tune, chord_labels.label(tune.everything, tune.meter, bars)),
        "histogram triad": [_best_triad(cell) for cell in sound],
        "triad over the bass": [_over(low, cell) for low, cell in zip(lows, sound, strict=True)],
        "tonic": [tonic] * cells,
    }


def _at_cells(tune: Tune, spans: Sequence[ChordSpan]) -> Labels:
    """The chord that sounds where each cell begins."""
    ticks = vocab.cell_of(tune.meter).ticks
    count = len(tune.places) * vocab.cells_in_bar(tune.meter)
    found: list[Chord | None] = [None] * count
    for span in spans:
        for cell in range(max(0, -(-span.onset // ticks)), min(count, -(-span.end // ticks))):
            found[cell] = span.chord
    return found


def _best_triad(sound: npt.NDArray[np.float64]) -> Chord | None:
    if not sound.any():
        return None
    return Chord(*max(_TRIADS, key=lambda t: sum(sound[(t[0] + i) % 12] for i in t[1].intervals)))


def _over(low: int | None, sound: npt.NDArray[np.float64]) -> Chord | None:
    if low is None:
        return None
    return Chord(low, Quality.MINOR if sound[(low + 3) % 12] > sound[(low + 4) % 12] else Quality.MAJOR)


def _rows(name: str, judged: Sequence[Judged], seed: int) -> Iterator[Row]:
    """One row a system; beats weigh alike, intervals by piece."""
    if not judged:
        raise Nonsense(f"No piece of {name} could be compared.", "Check that the sets are whole.")
    pieces = sorted({one.piece for one in judged})
    for system in judged[0].said:
        right = np.zeros((len(pieces), len(METRICS)))
        asked = np.zeros(len(pieces))
        for one in judged:
            at = pieces.index(one.piece)
            hits = [_agree(a, b) for a, b in zip(one.said[system], one.people, strict=True) if b is not None]
            asked[at] += len(hits)
            right[at] += np.sum(hits, axis=0) if hits else 0
        shares = right / np.maximum(asked, 1)[:, None]
        metrics = dict(zip(METRICS, (right.sum(axis=0) / max(asked.sum(), 1)).tolist(), strict=True))
        ci = {metric: interval(shares[:, i], asked, seed) for i, metric in enumerate(METRICS)}
        yield Row(f"{name}: {system}", int(asked.sum()), metrics, ci)


def _agree(said: Chord | None, people: Chord) -> tuple[bool, bool, bool]:
    if said is None or said.root != people.root:
        return False, False, False
    third = said.quality.minor_third == people.quality.minor_third
    return True, third, said.quality is people.quality
