"""Fits the key-and-chord model (jamlink.proposers.key_chord_hmm) by counting.

`python -m jamlink.training.hmm CORPUS OUT` reads corpus.npz and writes OUT/table.npz. Held-out tunes are not counted.
How chords move is counted from people's charts and from songs that the analyser labelled; what sounds over them from
the latter.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from jamlink.proposers.key_chord_hmm import CHORDS, KIND_OF, KINDS, PLACES, SOUNDS, Floats, Settings, Table, place_of
from jamlink.tokens import vocab
from jamlink.training.corpus import STREAMS
from jamlink.training.examples import Corpus

CHARTS: Mapping[str, float] = {"mcgill-billboard": 1.0, "wjazzd-changes": 1.0, "free-midi-chords": 1.0}
SONGS: Mapping[str, float] = {
    "open-hymnal": 1.0, "openscore-lieder": 1.0, "m21-bach-chorales": 0.3, "polish-scores": 0.3, "m21-folk": 1.0,
}  # fmt: skip
"""How much a beat of each source counts."""
CHARTS_SHARE = 0.8
"""How much the charts say of how chords move, beside the songs. On the tunebooks (note-in-chord + coupling + root) 0.2
gave 1.151, 0.5 1.146, 0.8 1.187, 1.0 1.170."""
_ALIKE = 40.0
"""Beats of the plainer count (any mode, any degree) that stand behind each row."""


@dataclass(slots=True)
class Counts:
    """As in `Table`, not yet shares."""

    start: Floats
    move: Floats
    sound: Floats

    @staticmethod
    def empty() -> Counts:
        """Nothing counted."""
        return Counts(np.zeros((2, CHORDS)), np.zeros((2, len(PLACES), CHORDS, CHORDS)), np.zeros((2, CHORDS, 12)))


def fit(corpus: Corpus, settings: Settings | None = None) -> Table:
    """The table of a corpus's train side."""
    charts, songs = counted(corpus)
    return table_of(charts, songs, settings or Settings())


def counted(corpus: Corpus) -> tuple[Counts, Counts]:
    """What charts and songs say."""
    charts, songs, harmonised = Counts.empty(), Counts.empty(), _with_chords(corpus)
    for s, (tune, kind, first, bars) in enumerate(corpus.streams):
        source, heading = corpus.sources[corpus.tunes[tune, 0]], corpus.tunes[tune]
        if heading[5] or heading[4] < 0:
            continue
        name = STREAMS[kind]
        if name == "chords" and source in CHARTS:
            _count(corpus, charts, CHARTS[source], tune, first, bars)
        elif name == "lead" and source in SONGS and s in harmonised:
            _count(corpus, songs, SONGS[source], tune, first, bars)
    return charts, songs


def _with_chords(corpus: Corpus) -> frozenset[int]:
    """The lead streams whose tune has chords."""
    tunes = {int(s[0]) for s in corpus.streams if STREAMS[s[1]] == "chords"}
    return frozenset(i for i, s in enumerate(corpus.streams) if STREAMS[s[1]] == "lead" and int(s[0]) in tunes)


def _count(corpus: Corpus, counts: Counts, weight: float, tune: int, first: int, bars: int) -> None:
    key = vocab.KEYS[corpus.tunes[tune, 4] - vocab.RANGES["KEY"].start]
    meter = vocab.METERS[corpus.tunes[tune, 2] - vocab.RANGES["METER"].start]
    cells = vocab.cells_in_bar(meter)
    before, mode = -1, int(key.minor)
    for bar in range(bars):
        place = int(corpus.bar(first + bar)[0]) - vocab.RANGES["BAR"].start
        for i, (chord, sounds) in enumerate(cells_of(corpus.bar(first + bar).tolist(), cells, before, key.tonic)):
            if chord >= 0:
                counts.start[mode, chord] += weight
                counts.sound[mode, chord] += weight * sounds
                if before >= 0:
                    counts.move[mode, place_of(place * cells + i, meter), before, chord] += weight
            before = chord


def cells_of(ids: list[int], cells: int, before: int, tonic: int) -> Iterator[tuple[int, Floats]]:
    """Each cell of a bar in words: its chord from the tonic up (-1: none) and what sounds in it.

    Notes held from a cell before are passed over. For a chart the cells have silence.
    """
    chords, sounds = [before] * cells, np.zeros((cells, 12))
    cell, chord_range, rhythm_range, pitch_range = (
        0,
        vocab.RANGES["CHORD"],
        vocab.RANGES["RHYTHM"],
        vocab.RANGES["PITCH"],
    )
    position, now = vocab.RANGES["POS"], 0
    lengths: Iterator[float] = iter(())
    for word in ids:
        if word in position:
            now = word - position.start + 1
        elif word in chord_range:
            chord = vocab.chord_of(word)
            number = -1 if chord is None else (chord.root - tonic) % 12 * len(KINDS) + KIND_OF[chord.quality]
            chords[now:] = [number] * (cells - now)
        elif word in rhythm_range:
            lengths = iter(_lengths(vocab.rhythm_of(word).pattern))
            cell, now = now, now + 1
        elif word in pitch_range:
            sounds[cell, (vocab.pitch_of(word) - tonic) % 12] += next(lengths, 0.0)
    return iter(zip(chords, sounds, strict=True))


def _lengths(pattern: str) -> list[float]:
    """How long each onset of a cell sounds in it, as shares of the cell."""
    parts = pattern.split(vocab.ONSET)[1:]
    return [(1 + len(part) - len(part.lstrip(vocab.HOLD))) / len(pattern) for part in parts]


def table_of(charts: Counts, songs: Counts, settings: Settings) -> Table:
    """Counts as shares, each backed by a plainer count."""
    move = _moves(songs.move) * (1 - CHARTS_SHARE) + _moves(charts.move) * CHARTS_SHARE
    start = _shares(songs.start + 1) * (1 - CHARTS_SHARE) + _shares(charts.start + 1) * CHARTS_SHARE
    weight = np.array([0.75, 0.25])  # major is three times as common in songs
    return Table(start * weight[:, None] * 2, move, _sounds(songs.sound), settings)


def _shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def _moves(counts: Floats) -> Floats:
    """Each row backed by the same row at any place in the bar, and that by the motion in any mode and degree."""
    kinds = len(KINDS)
    motion = np.zeros((kinds, CHORDS))
    rows = counts.sum(axis=(0, 1))
    for c in range(CHORDS):
        motion[c % kinds] += np.roll(rows[c], -(c // kinds) * kinds)
    leap = motion.copy()
    leap[np.arange(kinds), np.arange(kinds)] = 0
    plain = np.stack([np.roll(_shares(leap + 0.1)[c % kinds], c // kinds * kinds) for c in range(CHORDS)])
    popular = _shares(rows.sum(axis=0) + 1)
    plain = _shares(plain * popular**0.5)
    moved = counts.copy()
    index = np.arange(CHORDS)
    stay = moved[..., index, index]
    moved[..., index, index] = 0
    total = moved.sum(axis=-1)
    overall = moved.sum(axis=1)
    middle = _shares(overall + _ALIKE * plain)
    where = _shares(moved + _ALIKE * middle[:, None])
    # How likely a change is: by mode, place and chord, backed by place alone.
    rate = total.sum(axis=(0, 2)) / np.maximum((total + stay).sum(axis=(0, 2)), 1e-9)
    change = (total + _ALIKE * rate[None, :, None]) / (total + stay + _ALIKE)
    found = where * change[..., None]
    found[..., index, index] += 1 - change
    return np.asarray(found)


def _sounds(counts: Floats) -> Floats:
    """What sounds over a chord, backed by what sounds over its kind and by its own notes."""
    kinds = len(KINDS)
    by_kind = np.zeros((kinds, 12))
    for c in range(CHORDS):
        by_kind[c % kinds] += np.roll(counts[:, c].sum(axis=0), -(c // kinds))
    scale = _shares(counts.sum(axis=1) + 1)  # (2, 12)
    plain = np.stack([np.roll(_shares(by_kind + 1)[c % kinds], c // kinds) for c in range(CHORDS)])
    plain = _shares(plain[None] * scale[:, None] ** 0.5 + 0.02 * SOUNDS[None] / 4)
    return _shares(counts + _ALIKE * plain)


def save(table: Table, path: Path) -> None:
    """Write a table in half precision: it is rounded to one part in a thousand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(table, name).astype(np.float16) for name in ("start", "move", "sound")}
    with path.open("wb") as file:
        np.savez_compressed(file, settings=np.array(astuple(table.settings)), **arrays)


def main() -> None:
    """The command of the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    save(fit(Corpus(asked.corpus)), asked.out / "table.npz")
    print(f"{asked.out / 'table.npz'}: {(asked.out / 'table.npz').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
