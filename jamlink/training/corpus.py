"""Scores to words, once, before training: `python -m jamlink.training.corpus --data DATA --out FOLDER`.

The corpus is one .npz of arrays and one table of counts. A *tune* gives several *streams* (chords alone, chords and
melody, ...), a stream is a run of bars, a bar is its ids. Beside the ids each bar keeps what a window that starts there
must say first (the chord that sounds) and what it is like (notes, changes, brightness, surprise), from which the
steering words are made.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.encode import chord_words, encode_bars
from jamlink.tokens.phrase import Phrase, chords_by_cell, quantise
from jamlink.tokens.vocab import Task
from jamlink.training import chord_labels
from jamlink.training.fingerprint import Families, Print, Register, fingerprint
from jamlink.training.kept_apart import evaluation_prints, evaluation_titles, title_key
from jamlink.training.sources import SOURCES, Source, group_of, kept_names, unpacked
from jamlink.training.tune import Score, Tune, tunes_of

STREAMS = ("lead", "bass", "chords", "melody", "harmonise", "follow", "hush")
"""Kinds of stream. "hush" has the chords of "lead" and rests; it stands for a player who has not played yet."""
_TASK_OF = {
    "lead": Task.LEAD,
    "bass": Task.BASS,
    "chords": Task.CHORDS,
    "melody": Task.MELODY,
    "harmonise": Task.HARMONISE,
    "follow": Task.FOLLOW,
    "hush": Task.LEAD,
}
BAR_FACTS = ("onsets", "off_beat", "changes", "bright", "bright_weight", "surprise", "events", "quarters")
"""What each bar is like; `bright` and `surprise` are sums over `bright_weight` and `events`."""
HELD_OUT_PERCENT, HELD_OUT_PERCENT_OF_CHARTS = 4, 10
"""Of families. Charts are few and short: more of them are needed for a figure that means something."""
CHARTS = frozenset(("mcgill-billboard", "wjazzd-changes", "free-midi-chords"))


@dataclass(slots=True)
class Stream:
    """One way to write a tune: the ids of each bar, and for each bar the chord words a window must begin with."""

    kind: str
    bars: list[list[int]]
    carry: list[list[int]]
    facts: np.ndarray


@dataclass(slots=True)
class Written:
    """A tune in words, with what stands above it (ids, -1 for none)."""

    source: str
    name: str
    heading: tuple[int, int, int, int]
    streams: list[Stream]
    bars: int
    notes: int
    chord_bars: int
    labelled_by: str

    @property
    def piece(self) -> str:
        """ "source:piece"; the solos over one chart are one piece."""
        return f"{self.source}:{self.name}".split(" #")[0]

    def fingerprint(self) -> Print:
        """Of its melody; empty without one."""
        bars = next((stream.bars for stream in self.streams if stream.kind == "melody"), [])
        pitches = vocab.RANGES["PITCH"]
        return fingerprint([token for bar in bars for token in bar if token in pitches])

    def digest(self) -> str:
        """Of its words: tells whether a tune is the one that was trained on."""
        words = b"".join(np.array(bar, np.uint16).tobytes() for stream in self.streams for bar in stream.bars)
        return hashlib.sha256(words).hexdigest()[:16]


def write(source: str, name: str, tune: Tune) -> Written:
    """All streams of a tune."""
    chords, by = tune.chords, "people"
    if not chords and tune.everything and tune.bass:
        chords, by = chord_labels.label(tune.everything, tune.meter, len(tune.places)), "analyser"
    key = tune.key or chord_labels.key_of(tune.everything or tune.melody, tune.fifths)
    heading = (
        vocab.style_id(tune.style),
        vocab.meter_id(tune.meter),
        vocab.tempo_id(tempo_of_bpm(tune.bpm)) if tune.bpm and SLOWEST_BPM <= tune.bpm <= FASTEST_BPM else -1,
        vocab.key_id(key) if key else -1,
    )
    base = Phrase(tune.meter, tune.places, chords)
    streams = []
    if chords:
        streams.append(_stream("chords", base))
    if tune.melody:
        streams.append(_stream("melody", replace(base, notes=tune.melody)))
        streams.append(_stream("lead", replace(base, notes=tune.melody)))
        if chords:
            sung = replace(base, notes=tune.melody)
            streams += [_stream("harmonise", sung), _stream("follow", sung), _stream("hush", base)]
    if tune.bass and chords:
        streams.append(_stream("bass", replace(base, notes=tune.bass)))
    count = len(tune.places)
    return Written(
        source, name, heading, streams, count, len(tune.melody), count if chords else 0, by if chords else ""
    )


def _stream(kind: str, phrase: Phrase) -> Stream:
    task = _TASK_OF[kind]
    fixed = quantise(phrase, task)
    return Stream(kind, encode_bars(phrase, task), _carries(fixed, task), bar_facts(fixed))


def _carries(phrase: Phrase, task: Task) -> list[list[int]]:
    """For each bar the words of the chord that sounds on its first beat; empty where the task has no chords."""
    if task is Task.MELODY:
        return [[] for _ in phrase.places]
    cells = vocab.cells_in_bar(phrase.meter)
    return [chord_words(chord) for chord in chords_by_cell(phrase)[::cells]]


def bar_facts(phrase: Phrase) -> np.ndarray:
    """(bars, BAR_FACTS) of a quantised phrase; surprise is filled in when all tunes are known."""
    facts = np.zeros((phrase.bars, len(BAR_FACTS)), dtype=np.float32)
    column = {name: i for i, name in enumerate(BAR_FACTS)}
    facts[:, column["quarters"]] = phrase.meter.bar_ticks / 960
    onsets = {note.onset for note in phrase.notes}
    for onset in onsets:
        bar = onset // phrase.meter.bar_ticks
        facts[bar, column["onsets"]] += 1
        facts[bar, column["off_beat"]] += onset % phrase.meter.beat_ticks != 0
    for span in phrase.chords:
        facts[span.onset // phrase.meter.bar_ticks, column["changes"]] += 1
    cells, cell_ticks = vocab.cells_in_bar(phrase.meter), vocab.cell_of(phrase.meter).ticks
    for i, chord in enumerate(chords_by_cell(phrase)):
        if chord is not None:
            facts[i // cells, column["bright"]] += _brightness(chord) * cell_ticks / 960
            facts[i // cells, column["bright_weight"]] += cell_ticks / 960
    return facts


def _brightness(chord: Chord) -> float:
    """1 for a major third, -1 for a minor one, less still where the fifth is low; 0 without a third."""
    intervals = chord.quality.intervals
    return (4 in intervals) - (3 in intervals) - 0.5 * (6 in intervals) + 0.25 * (8 in intervals)


def events_of(bars: list[list[int]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(bar, transition) for each chord change and melodic step, independent of key: what surprise is counted on."""
    chord: Chord | None = None
    pitch: int | None = None
    for i, bar in enumerate(bars):
        for token in bar:
            group = vocab.group_of(token)
            if group == "CHORD":
                new = vocab.chord_of(token)
                if new and chord:
                    yield i, (0, _quality(chord), (new.root - chord.root) % 12, _quality(new))
                chord = new or chord
            elif group == "PITCH":
                new_pitch = vocab.pitch_of(token)
                if pitch is not None:
                    yield i, (1, max(-12, min(12, new_pitch - pitch)))
                pitch = new_pitch


def _quality(chord: Chord) -> int:
    return (vocab.chord_id(chord) - vocab.RANGES["CHORD"].start - 1) % 14


def fill_surprise(written: list[Written]) -> None:
    """Surprise of each bar: the sum of -ln p of its transitions under their counts in the whole corpus."""
    counts: dict[tuple[int, ...], Counter[tuple[int, ...]]] = {}
    for _, _, event in _all_events(written):
        counts.setdefault(event[:2] if event[0] == 0 else event[:1], Counter())[event] += 1
    totals = {context: sum(seen.values()) for context, seen in counts.items()}
    at, number = BAR_FACTS.index("surprise"), BAR_FACTS.index("events")
    for stream, bar, event in _all_events(written):
        context = event[:2] if event[0] == 0 else event[:1]
        stream.facts[bar, at] -= math.log(counts[context][event] / totals[context])
        stream.facts[bar, number] += 1


def _all_events(written: Iterable[Written]) -> Iterator[tuple[Stream, int, tuple[int, ...]]]:
    """What surprises in a stream: its chord changes, or where it has none the steps of its melody."""
    for tune in written:
        for stream in tune.streams:
            events = list(events_of(stream.bars))
            harmonic = any(event[0] == 0 for _, event in events)
            yield from ((stream, bar, event) for bar, event in events if (event[0] == 0) == harmonic)


@dataclass(slots=True)
class Report:
    """What happened to one source."""

    files: int = 0
    pieces: int = 0
    failures: Counter[str] = field(default_factory=Counter)


def _read_file(job: tuple[str, Path, Path]) -> tuple[str, list[tuple[str, Written | str]]]:
    name, folder, file = job
    source = next(s for s in SOURCES if s.name == name)
    found: list[tuple[str, Written | str]] = []
    for piece, score in source.read(folder, file):
        if isinstance(score, str):
            found.append((piece, score))
        else:
            found += _written(name, piece, score)
    return name, found


def _written(source: str, piece: str, score: Score) -> list[tuple[str, Written | str]]:
    tunes = list(tunes_of(score))
    if not tunes:
        return [(piece, "no four whole bars in a meter we count")]
    return [(piece, write(source, piece, tune)) for tune in tunes]


def check_licences(data_root: Path, sources: Iterable[Source] = SOURCES) -> dict[str, dict[str, str]]:
    """The manifest entries of our sources. Raises `Nonsense` for one that is not for training or is share-alike."""
    with (data_root / "MANIFEST.toml").open("rb") as file:
        manifest = tomllib.load(file)
    for source in sources:
        entry = manifest.get(source.name)
        if entry is None or entry["use"] != "train" or entry["share_alike"]:
            raise Nonsense(f"{source.name} may not be trained on.", "Leave it out of the sources.")
    return {source.name: manifest[source.name] for source in sources}


def build(
    data_root: Path,
    out: Path,
    names: Iterable[str] = (),
    *,
    evaluation: Path | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> None:
    """Write corpus.npz, counts.json and split.tsv into `out`. Raises `Nonsense` for missing or unfit data.

    `evaluation` is the folder of music that no trained piece may be a relative of; by default `data-eval` beside
    `data_root`.
    """
    sources = [s for s in SOURCES if not names or s.name in set(names)]
    check_licences(data_root, sources)
    apart = evaluation_prints(evaluation or data_root.parent / "data-eval", out / "unpacked")
    written, reports = _read_all(data_root, out, sources, workers)
    written = _without_repeats(written, reports)
    written = _without_relatives(written, apart, reports)
    written, families = _without_doubles(written, group_of(data_root), reports)
    fill_surprise(written)
    held = [held_out(families.of(tune.piece), tune.source) for tune in written]
    out.mkdir(parents=True, exist_ok=True)
    _save(out / "corpus.npz", written, held)
    (out / "split.tsv").write_text(split_list(written, families, held))
    table = count_table(written, reports)
    (out / "counts.json").write_text(json.dumps(table, indent=1))
    for row in table:
        say(json.dumps(row))


def _read_all(
    data_root: Path, out: Path, sources: Sequence[Source], workers: int
) -> tuple[list[Written], dict[str, Report]]:
    left_out, reports = kept_names(data_root), {source.name: Report() for source in sources}
    jobs = []
    for source in sources:
        folder = unpacked(data_root, source.name, out / "unpacked")
        files = source.files(folder)
        reports[source.name].files = len(files)
        jobs += [(source.name, folder, file) for file in files]
    written: list[Written] = []
    with Pool(workers) as pool:
        for name, found in pool.imap(_read_file, jobs, chunksize=8):
            for piece, tune in found:
                why = left_out(f"{name}:{piece}") or (tune if isinstance(tune, str) else "")
                if why or isinstance(tune, str):
                    reports[name].failures[why] += 1
                else:
                    written.append(tune)
    return written, reports


def held_out(family: str, source: str = "") -> bool:
    """Whether a family is for validation: by its name alone, so that the split stays when the corpus grows."""
    percent = HELD_OUT_PERCENT_OF_CHARTS if source in CHARTS else HELD_OUT_PERCENT
    return int(hashlib.sha256(family.encode()).hexdigest()[:8], 16) % 100 < percent


def _without_relatives(written: list[Written], apart: dict[str, Print], reports: dict[str, Report]) -> list[Written]:
    """Without the pieces that share a melody, or for charts a title, with the evaluation music."""
    prints: dict[str, Print] = {}
    for tune in written:
        prints[tune.piece] = prints.get(tune.piece, frozenset()) | tune.fingerprint()
    register = Register(prints)
    titles = evaluation_titles(apart)
    related = {name for runs in apart.values() for name, _ in register.relatives(runs)}
    related |= {t.piece for t in written if t.source in CHARTS and _titled(t.name, titles)}
    return _dropped(written, related, "relative of an evaluation piece", reports)


def _titled(name: str, titles: frozenset[str]) -> bool:
    """Whether a chart, "song #solo" or "song / artist", goes by one of the titles; a word more or less counts too."""
    mine = title_key(name.split(" #")[0].split(" / ")[0])
    return any(mine == title or (len(mine) > 8 and (mine in title or title in mine)) for title in titles)


def _without_doubles(
    written: list[Written], groups: dict[str, str], reports: dict[str, Report]
) -> tuple[list[Written], Families]:
    """One of each group of doubles, and who is a relative of whom; pieces of a listed group are one family too."""
    prints: dict[str, Print] = {}
    for tune in written:
        prints[tune.piece] = prints.get(tune.piece, frozenset()) | tune.fingerprint()
    register, families = Register(prints), Families(prints)
    first: dict[str, str] = {}
    for piece in sorted(prints):
        if piece in groups:
            families.join(piece, first.setdefault(groups[piece], piece))
    doubles: set[str] = set()
    for one, other, shared in sorted(register.pairs()):
        families.join(one, other)
        if register.is_double(one, other, shared) and one not in doubles:
            doubles.add(other)
    return _dropped(written, doubles, "double", reports), families


def _dropped(written: list[Written], pieces: set[str], why: str, reports: dict[str, Report]) -> list[Written]:
    for tune in written:
        if tune.piece in pieces:
            reports[tune.source].failures[why] += 1
    kept = [tune for tune in written if tune.piece not in pieces]
    for name, report in reports.items():
        report.pieces = len({tune.name for tune in kept if tune.source == name})
    return kept


def split_list(written: list[Written], families: Families, held: Sequence[bool]) -> str:
    """A table: each tune's piece, its family, its side of the split, and the digest of its words."""
    rows = ["piece\tfamily\tside\tdigest"]
    for tune, out in zip(written, held, strict=True):
        family = families.of(tune.piece)
        side = "held out" if out else "train"
        rows.append("\t".join((tune.piece, "" if family == tune.piece else family, side, tune.digest())))
    return "\n".join(rows) + "\n"


def _without_repeats(written: list[Written], reports: dict[str, Report]) -> list[Written]:
    """Without tunes that say nothing, and without the same music under the same name (Billboard repeats songs)."""
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for tune in written:
        mark = (tune.source, tune.name, str(tune.streams[0].bars) if tune.streams else "")
        if not tune.streams or mark in seen:
            reports[tune.source].failures["the same again"] += 1
        else:
            seen.add(mark)
            kept.append(tune)
    for name, report in reports.items():
        report.pieces = len({tune.name for tune in kept if tune.source == name})
    return kept


def count_table(written: list[Written], reports: dict[str, Report]) -> list[dict[str, object]]:
    """One row a source: what came in, what was left out and why."""
    rows: list[dict[str, object]] = []
    for name, report in reports.items():
        mine = [tune for tune in written if tune.source == name]
        rows.append(
            {
                "source": name,
                "files": report.files,
                "pieces": report.pieces,
                "tunes": len(mine),
                "bars": sum(tune.bars for tune in mine),
                "melody notes": sum(tune.notes for tune in mine),
                "chord bars": sum(tune.chord_bars for tune in mine),
                "chords by": ", ".join(sorted({tune.labelled_by for tune in mine} - {""})),
                "tokens": sum(len(bar) for t in mine for s in t.streams if s.kind != "hush" for bar in s.bars),
                "left out": dict(report.failures.most_common(12)),
            }
        )
    return rows


def _save(path: Path, written: list[Written], held: Sequence[bool]) -> None:
    ids: list[int] = []
    bar_at: list[int] = []
    carry: list[list[int]] = []
    facts, streams, tunes = [], [], []
    names = [source.name for source in SOURCES]
    for t, tune in enumerate(written):
        tunes.append((names.index(tune.source), *tune.heading, int(held[t])))
        for stream in tune.streams:
            streams.append((t, STREAMS.index(stream.kind), len(bar_at), len(stream.bars)))
            for bar, words in zip(stream.bars, stream.carry, strict=True):
                bar_at.append(len(ids))
                ids += bar
                carry.append([*words, 0, 0][:2])
            facts.append(stream.facts)
    np.savez(
        path,
        ids=np.array(ids, dtype=np.uint16),
        bar_at=np.array([*bar_at, len(ids)], dtype=np.int64),
        carry=np.array(carry, dtype=np.uint16),
        facts=np.concatenate(facts),
        streams=np.array(streams, dtype=np.int64),
        tunes=np.array(tunes, dtype=np.int64),
        sources=np.array(names),
        names=np.array([f"{tune.source}:{tune.name}" for tune in written]),
        vocabulary=np.array(vocab.HASH),
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with MANIFEST.toml and the sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sources", nargs="*", default=[])
    parser.add_argument("--evaluation", type=Path, help="music that nothing trained on may be a relative of")
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    build(args.data, args.out, args.sources, evaluation=args.evaluation, workers=args.workers)


if __name__ == "__main__":
    main()
