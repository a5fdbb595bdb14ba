"""Chord charts without notes: McGill Billboard, Weimar jazz changes, stock progressions."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan, Quality, parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.music.pitch import parse_pitch_class
from jamlink.timing.meter import Meter, parse_meter
from jamlink.timing.units import Ticks
from jamlink.training.tune import Bar, Score

_HARTE = {
    "maj": "", "min": "m", "dim": "dim", "aug": "aug", "maj7": "maj7", "min7": "m7", "7": "7", "minmaj7": "mMaj7",
    "dim7": "dim7", "hdim7": "m7b5", "maj6": "6", "min6": "m6", "9": "9", "maj9": "maj9", "min9": "m9", "sus2": "sus2",
    "sus4": "sus4", "11": "11", "13": "13", "min11": "m11", "min13": "m13", "maj13": "maj13", "maj11": "maj11",
    "5": "5", "1": "5", "": "",
}  # fmt: skip
_DEGREES = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 2, "11": 5, "13": 9}


def harte(label: str) -> Chord | None:
    """A Harte label ("A:min7/b3"); None for no chord. Raises `Nonsense`."""
    if label in ("N", "X", "*"):
        return None
    name, _, bass = label.partition("/")
    root, _, kind = name.partition(":")
    quality = _HARTE.get(re.sub(r"\(.*\)", "", kind))
    if quality is None:
        raise Nonsense(f"{label!r} is not a Harte label.")
    chord = parse_chord(root + quality)
    if chord is None or not bass:
        return chord
    degree = bass.lstrip("b#")
    if degree not in _DEGREES:
        raise Nonsense(f"{label!r} has no known bass.")
    shift = _DEGREES[degree] + bass.count("#") - bass.count("b")
    return Chord(chord.root, chord.quality, (chord.root + shift) % 12)


@dataclass(slots=True)
class _Chart:
    """A chart being written, bar by bar."""

    bars: list[Bar]
    spans: list[ChordSpan]

    def add(self, chords: list[Chord | None], meter: Meter, opens: bool) -> None:
        """One bar, its chords evenly spread over the beats."""
        start = self.bars[-1].start + self.bars[-1].length if self.bars else 0
        self.bars.append(Bar(start, meter.bar_ticks, meter, opens=opens))
        edges = [meter.beats * i // len(chords) * meter.beat_ticks for i in range(len(chords) + 1)]
        for chord, on, off in zip(chords, edges, edges[1:], strict=False):
            if off > on:
                self.spans.append(ChordSpan(Ticks(start + on), Ticks(off - on), chord))


def billboard(path: Path) -> Score:
    """One song of McGill Billboard (salami_chords.txt). Raises `Nonsense` for a file without readable bars."""
    chart, meter, tonic = _Chart([], []), Meter(4, 4), ""
    title, artist = path.parent.name, ""
    times: list[tuple[float, int]] = []
    for line in path.read_text().splitlines():
        key, _, value = line.removeprefix("#").strip().partition(":")
        if line.startswith("#"):
            meter = parse_meter(value) if key == "metre" else meter
            tonic = tonic or (value.strip() if key == "tonic" else "")
            title = value.strip() if key == "title" else title
            artist = value.strip() if key == "artist" else artist
            continue
        stamp, _, body = line.partition("\t")
        if "|" in body:
            times.append((float(stamp), len(chart.bars)))
            _billboard_line(body, meter, chart)
    score = Score(f"{title} / {artist}", "pop", chart.bars, chords=chart.spans, bpm=_bpm(times, chart.bars))
    parsed = parse_pitch_class(tonic)
    score.key = Key(parsed[0], _tonic_is_minor(chart.spans, parsed[0])) if parsed else None
    return score


def _billboard_line(body: str, meter: Meter, chart: _Chart) -> None:
    head, _, rest = body.partition("|")
    cells, _, tail = rest.rpartition("|")
    times = int(match.group(1)) if (match := re.search(r"x(\d+)", tail)) else 1
    opens = bool(re.match(r"\s*[A-Z]'*,", head))
    previous: list[Chord | None] = [chart.spans[-1].chord if chart.spans else None]
    for _ in range(times):
        for text in cells.split("|"):
            local = meter
            if match := re.match(r"\s*\((\d+/\d+)\)", text):
                local, text = parse_meter(match.group(1)), text[match.end() :]
            for label in text.split():
                if label in (".", "&pause", "->"):
                    previous.append(previous[-1])
                else:
                    previous.append(harte(label))
            count = len(text.split())
            chart.add(previous[-count:] if count else previous[-1:], local, opens)
            opens = False


def _tonic_is_minor(spans: list[ChordSpan], tonic: int) -> bool:
    """Whether the tonic's chords are mostly minor."""
    lengths = [0, 0]
    for span in spans:
        if span.chord and span.chord.root == tonic:
            lengths[span.chord.quality.minor_third] += span.duration
    return lengths[1] > lengths[0]


def _bpm(times: list[tuple[float, int]], bars: list[Bar]) -> float | None:
    """The median tempo between time stamps, in quarters a minute."""
    found = []
    for (t0, b0), (t1, b1) in pairwise(times):
        quarters = sum(bar.length for bar in bars[b0:b1]) / 960
        if t1 > t0 and quarters:
            found.append(60 * quarters / (t1 - t0))
    return sorted(found)[len(found) // 2] if found else None


def weimar(folder: Path) -> Iterator[tuple[str, Score | str]]:
    """The first chorus of each solo of the Weimar changes, one per different chart, or why it cannot be read."""
    with (folder / "tunes.tsv").open() as lines:
        tunes = {row["melid"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}
    choruses: dict[str, list[dict[str, str]]] = {}
    with (folder / "beats.tsv").open() as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["chorus_id"] == "1":
                choruses.setdefault(row["melid"], []).append(row)
    seen = set()
    for melid, rows in choruses.items():
        fingerprint = (tunes[melid]["title"], tuple(row["chord"] for row in rows))
        if fingerprint not in seen:
            seen.add(fingerprint)
            name = f"{tunes[melid]['title']} #{melid}"
            try:
                yield name, _weimar_chart(name, tunes[melid], rows)
            except Nonsense as wrong:
                yield name, str(wrong)


def _weimar_chart(name: str, tune: dict[str, str], rows: list[dict[str, str]]) -> Score:
    by_bar: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_bar.setdefault(row["bar"], []).append(row)
    chart, form = _Chart([], []), ""
    for beats in by_bar.values():
        meter = parse_meter(beats[0]["signature"] or "4/4")
        chart.add([weimar_chord(beat["chord"]) for beat in beats], meter, beats[0]["form"] != form)
        form = beats[0]["form"]
    score = Score(name, _jazz_style(tune), chart.bars, chords=chart.spans)
    score.bpm = float(tune["avgtempo"]) if tune["avgtempo"] not in ("", "NA") else None
    name, _, mode = tune["key"].partition("-")
    if mode in ("maj", "min", "blues", "dor"):
        score.key = parse_key(name + ("m" if mode in ("min", "dor") else ""))
    return score


def _jazz_style(tune: dict[str, str]) -> str:
    feel = tune["rhythmfeel"]
    if "LATIN" in feel or "FUNK" in feel:
        return "latin" if "LATIN" in feel else "funk"
    return "blues" if tune["tonality_type"] == "BLUES" else "jazz"


_JAZZ = re.compile(r"([A-G][b#]?)(-j7|[-m]7b5|-69|-6|-7|-|j7|69|6|sus|o7|o|\+7|\+|7|)[^/]*(?:/([A-G][b#]?))?")


def weimar_chord(label: str) -> Chord | None:
    """A Weimar label ("C-7", "Cj7911#", "Csus79/G"), its tensions left out; NC and empty are no chord."""
    match = _JAZZ.fullmatch(label)
    if not match:
        return None
    root, kind, bass = match.groups()
    return parse_chord(root + kind + (f"/{bass}" if bass else ""))


_NUMERAL = re.compile(r"([b#]?)(VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(.*)")
_NUMERAL_STEPS = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}


def progressions(path: Path) -> Iterator[Score | str]:
    """The stock progressions, a bar a chord, played twice; a string names one that cannot be read."""
    with path.open() as lines:
        for i, row in enumerate(csv.DictReader(lines, delimiter="\t")):
            key = Key(0, row["mode"] == "minor")
            try:
                chords = [_numeral(word, key) for word in row["progression"].split()]
            except Nonsense as wrong:
                yield str(wrong)
                continue
            chart = _Chart([], [])
            for _ in range(2):
                for n, chord in enumerate(chords):
                    chart.add([chord], Meter(4, 4), n == 0)
            yield Score(f"progression {i}", "pop", chart.bars, chords=chart.spans, key=key)


def _numeral(word: str, key: Key) -> Chord:
    match = _NUMERAL.fullmatch(word)
    if not match:
        raise Nonsense(f"{word!r} is not a numeral.")
    sign, numeral, rest = match.groups()
    scale = (0, 2, 3, 5, 7, 8, 10) if key.minor else (0, 2, 4, 5, 7, 9, 11)
    root = scale[_NUMERAL_STEPS[numeral.upper()]] + {"b": -1, "#": 1, "": 0}[sign]
    small = numeral.islower()
    suffix = rest.replace("dom", "").replace("min", "m") or ("m" if small else "")
    suffix = "m" + suffix if small and suffix in ("7", "9", "6", "11") else suffix
    suffix = "maj" + suffix if not small and rest in ("7", "9") and numeral != "V" else suffix
    chord = parse_chord("C" + suffix)
    if chord is None or suffix.startswith("M-"):
        raise Nonsense(f"{word!r} has no quality we know.")
    return chord.transposed(root)


assert Quality.MAJOR.symbol == ""
