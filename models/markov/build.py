"""Counts the chord table anew: `python models/markov/build.py --data DATA`, DATA being the folder with MANIFEST.toml.

Reads the chord charts that a shipped model may learn from (McGill Billboard, Weimar changes, stock progressions), one
chart a song, and prints how well a table counted from nine tenths of the songs foretells the rest.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from jamlink.proposers.markov_table import WORDS, Chart, MarkovTable, build, save
from jamlink.training.sources import SOURCES, unpacked
from jamlink.training.tune import Score

CHARTS = ("mcgill-billboard", "wjazzd-changes", "free-midi-chords")
OUT = Path(__file__).parent / "chords.json"


def charts(data: Path, scratch: Path) -> Iterator[tuple[str, Chart]]:
    """Every song with a key, once, with the name of its set."""
    seen = set()
    for source in (s for s in SOURCES if s.name in CHARTS):
        folder = unpacked(data, source.name, scratch)
        for file in source.files(folder):
            for name, score in source.read(folder, file):
                if isinstance(score, Score) and score.key and (chart := _chart(score)) and chart.name not in seen:
                    seen.add(chart.name if source.name != "free-midi-chords" else name)
                    yield source.name, chart


def _chart(score: Score) -> Chart | None:
    chords = []
    for span in score.chords:
        plain = type(span.chord)(span.chord.root, span.chord.quality) if span.chord else None
        if plain and (not chords or chords[-1] != plain):
            chords.append(plain)
    return Chart(score.name, score.key, tuple(chords)) if len(chords) > 1 and score.key else None


def held_out(chart: Chart) -> bool:
    """One song in ten, by its title, so that versions of a song stay together."""
    return int(hashlib.sha256(chart.name.split(" #")[0].encode()).hexdigest()[:8], 16) % 10 == 0


def bits_a_change(table: MarkovTable, songs: Sequence[Chart]) -> tuple[float, float]:
    """Mean surprise in bits, with a small floor for what was never seen, and the share of first guesses right."""
    bits, right, count = 0.0, 0, 0
    for song in songs:
        for i in range(1, len(song.chords)):
            chances = table.chances(song.chords[:i], song.key)
            p = 0.999 * dict(chances).get(song.chords[i], 0.0) + 0.001 / WORDS
            bits -= math.log2(p)
            right += chances[0][0] == song.chords[i]
            count += 1
    return bits / count, right / count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        named = list(charts(args.data, Path(scratch)))
    judge = build(chart for _, chart in named if not held_out(chart))
    for name in CHARTS:
        rest = [chart for source, chart in named if source == name and held_out(chart)]
        bits, right = bits_a_change(judge, rest)
        print(f"{name}: {len(rest)} songs held out, {bits:.2f} bits a change, first guess right {right:.1%}")
    table = build(chart for _, chart in named)
    save(table, OUT)
    print(f"{OUT}: {table.charts} charts, {OUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
