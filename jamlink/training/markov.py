"""Counts the chord table anew: `python -m jamlink.training.markov DATA models/markov`, DATA having MANIFEST.toml.

Reads the chord charts that a shipped model may learn from (McGill Billboard, Weimar changes, stock progressions), one
chart a song. The songs that the corpus holds out (`jamlink.training.corpus.held_out`) are not counted: the figures on
the card are about them, beside the same table looking back no chord and one chord.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.harmony import joined
from jamlink.proposers.markov_table import CARD_FILE, TABLE_FILE, WORDS, Chart, MarkovTable, build, save
from jamlink.timing.units import Ticks
from jamlink.training.corpus import check_licences, held_out
from jamlink.training.sources import SOURCES, group_of, kept_names, unpacked
from jamlink.training.tune import Bar, Score

CHARTS = ("mcgill-billboard", "wjazzd-changes", "free-midi-chords")
_FLOOR = 0.001
"""The share of the chances that goes evenly to all chords when a table is judged, so that none is impossible."""
_LONGEST_BEATS = 16


@dataclass(frozen=True, slots=True)
class Song:
    """A chart, the set it is from, and whether it is held out."""

    source: str
    chart: Chart
    held_out: bool


def songs_of(data: Path, scratch: Path) -> Iterator[Song]:
    """Every song with a key, once. Raises `Nonsense` for missing sets and for sets that may not be learnt from."""
    sources = [source for source in SOURCES if source.name in CHARTS]
    check_licences(data, sources)
    left_out, groups = kept_names(data), group_of(data)
    seen = set()
    for source in sources:
        folder = unpacked(data, source.name, scratch)
        for file in source.files(folder):
            for name, score in source.read(folder, file):
                piece = f"{source.name}:{name}"
                chart = chart_of(score, piece) if isinstance(score, Score) else None
                if chart and piece not in seen and not left_out(piece):
                    seen.add(piece)
                    yield Song(source.name, chart, held_out(_group(piece, groups)))


def _group(piece: str, groups: dict[str, str]) -> str:
    """What is held out together, named as the corpus names it."""
    return f"doubles {groups[piece]}" if piece in groups else piece.split(" #")[0]


def chart_of(score: Score, name: str) -> Chart | None:
    """The changes of a score without inversions; None where it has no key or does not change."""
    spans = joined([ChordSpan(s.onset, s.duration, _plain(s.chord)) for s in score.chords])
    chords = [span.chord for span in spans if span.chord]
    changes = tuple(chord for chord, before in zip(chords, [None, *chords], strict=False) if chord != before)
    if score.key is None or len(changes) < 2:
        return None
    return Chart(name, score.key, changes, tuple(_lengths(spans, score.bars)))


def _plain(chord: Chord | None) -> Chord | None:
    return Chord(chord.root, chord.quality) if chord else None


def _lengths(spans: Sequence[ChordSpan], bars: Sequence[Bar]) -> Iterator[tuple[int, int]]:
    """(beats in the bar, beats that the chord lasts) where both are whole; more than 16 beats are a vamp, no change."""
    meters = {bar.start + tick: bar.meter for bar in bars if bar.meter for tick in range(0, bar.length, _beat(bar))}
    for span in spans:
        meter = meters.get(span.onset)
        if span.chord and meter and span.duration % meter.beat_ticks == 0:
            beats = span.duration // meter.beat_ticks
            if 1 <= beats <= _LONGEST_BEATS:
                yield meter.beats, beats


def _beat(bar: Bar) -> Ticks:
    return bar.meter.beat_ticks if bar.meter else Ticks(1)


@dataclass(frozen=True, slots=True)
class Foresight:
    """How well next chords were foretold, 168 to choose from: bits a change, and the share of first guesses right."""

    changes: int
    bits: float
    first: float


def foresight(table: MarkovTable, charts: Sequence[Chart], past: int) -> Foresight:
    """Of a table that looks back at most `past` chords. It is told that the chord changes, whatever it looks at."""
    bits, right, count = 0.0, 0, 0
    for chart in charts:
        for i in range(1, len(chart.chords)):
            seen = dict(table.chances(chart.chords[max(0, i - past) : i], chart.key))
            seen.pop(chart.chords[i - 1], None)
            p = seen.get(chart.chords[i], 0.0) / sum(seen.values())
            bits -= math.log2((1 - _FLOOR) * p + _FLOOR / WORDS)
            right += max(seen, key=seen.__getitem__) == chart.chords[i]
            count += 1
    return Foresight(count, bits / max(1, count), right / max(1, count))


def judged(table: MarkovTable, songs: Sequence[Song]) -> dict[str, Any]:
    """Figures on the held-out songs of each set, by how far back the table looks."""
    figures: dict[str, Any] = {}
    for name in CHARTS:
        rest = [song.chart for song in songs if song.source == name and song.held_out]
        found = {label: foresight(table, rest, past) for label, past in (("0 before", 0), ("1 before", 1), ("all", 99))}
        figures[name] = {
            "songs": len(rest),
            "changes": found["all"].changes,
            "bits a change": {label: round(f.bits, 3) for label, f in found.items()},
            "first guess right": {label: round(f.first, 4) for label, f in found.items()},
        }
    return figures


def make(data: Path, out: Path) -> dict[str, Any]:
    """Write table and card into the folder `out` and give back the card. The same data give the same bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        songs = list(songs_of(data, Path(scratch)))
    table = build(song.chart for song in songs if not song.held_out)
    out.mkdir(parents=True, exist_ok=True)
    save(table, out / TABLE_FILE)
    card = {
        "name": "markov",
        "charts": {name: sum(s.source == name and not s.held_out for s in songs) for name in CHARTS},
        "contexts": {"degrees": len(table.degrees), "motions": len(table.motions)},
        "held out": judged(table, songs),
        "table_sha256": hashlib.sha256((out / TABLE_FILE).read_bytes()).hexdigest(),
    }
    (out / CARD_FILE).write_text(json.dumps(card, indent=1) + "\n")
    return card


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with MANIFEST.toml and the sets")
    parser.add_argument("out", type=Path, help="folder of the table, for example models/markov")
    args = parser.parse_args()
    print(json.dumps(make(args.data, args.out), indent=1))


if __name__ == "__main__":
    main()
