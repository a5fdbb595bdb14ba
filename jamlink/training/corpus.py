"""Scores to words, once, before training: `jamlink corpus build`.

    corpus.npz   what training reads
    split.tsv    each tune, its family, its side of the split, and a digest of its words
    counts.json  what came in by source, and what was left out
    report.txt   a line for whatever was left out, with the reason

Each file is written beside its old self and then put in its place, corpus.npz last: who stops a build at any moment
keeps the corpus that was there.

A *tune* gives several *streams* (chords alone, chords and melody, ...), a stream is a run of bars, a bar is its ids.
Beside the ids each bar keeps what a window that starts there must say first (the chord that sounds) and what it is like
(notes, changes, brightness, surprise), from which the steering words are made.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import signal
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from jamlink.errors import Nonsense, Unavailable
from jamlink.midi.files import write_whole
from jamlink.music.chord import Chord
from jamlink.timing.units import FASTEST_BPM, SLOWEST_BPM, tempo_of_bpm
from jamlink.tokens import vocab
from jamlink.tokens.encode import chord_words, encode_bars
from jamlink.tokens.phrase import Phrase, chords_by_cell, quantise
from jamlink.tokens.vocab import Task
from jamlink.training import chord_labels
from jamlink.training.fingerprint import Print, fingerprint
from jamlink.training.kept_apart import evaluation_prints
from jamlink.training.report import Report, Row, count_table
from jamlink.training.report import lines as report_lines
from jamlink.training.sources import MY_MUSIC, SOURCES, UNREAD, Source, group_of, kept_names, source_of, unpacked
from jamlink.training.splitting import Split, divide
from jamlink.training.splitting import held_out as held_out  # markov counts by it
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
_SAID_EVERY = 500
"""Files."""
BAR_FACTS = ("onsets", "off_beat", "changes", "bright", "bright_weight", "surprise", "events", "quarters")
"""What each bar is like; `bright` and `surprise` are sums over `bright_weight` and `events`."""


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
    chords: int = 0
    """Changes of chord."""
    bass_notes: int = 0
    held_out: bool = False

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
        vocab.style_id(tune.style) if tune.style else -1,
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
    count, bass = len(tune.places), len(tune.bass) if chords else 0
    labelled = (count, by, len(chords)) if chords else (0, "", 0)
    return Written(source, name, heading, streams, count, len(tune.melody), *labelled, bass)


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


def _read_file(job: tuple[str, Path, Path]) -> tuple[str, list[tuple[str, Written | str]]]:
    name, folder, file = job
    found: list[tuple[str, Written | str]] = []
    for piece, score in source_of(name).read(folder, file):
        if isinstance(score, str):
            found.append((piece, score))
        else:
            found += _written(name, piece, score)
    return name, found


def _written(source: str, piece: str, score: Score) -> list[tuple[str, Written | str]]:
    """The tunes of a score. What we do not foresee in one of them is its own reason, and the others are read."""
    try:
        tunes = [write(source, piece, tune) for tune in tunes_of(score)]
    except Exception as wrong:
        return [(piece, f"cannot be written ({type(wrong).__name__}: {wrong})"[:160])]
    return [(piece, tune) for tune in tunes] or [(piece, "no four whole bars in a meter we count")]


def read_manifest(data_root: Path) -> dict[str, dict[str, Any]]:
    """The tables of MANIFEST.toml. Raises `Nonsense` where it is missing or says nothing of a set's use."""
    path = data_root / "MANIFEST.toml"
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
        return {
            name: {**entry, "use": entry["use"], "share_alike": entry["share_alike"]} for name, entry in found.items()
        }
    except OSError:
        raise Nonsense(f"There is no MANIFEST.toml in {data_root}.", "Name the folder that holds the music.") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError) as wrong:
        raise Nonsense(f"{path} cannot be read ({wrong}).", "Fetch it again.") from None


def check_licences(
    data_root: Path, sources: Iterable[Source] = SOURCES, *, share_alike: bool = False
) -> dict[str, dict[str, Any]]:
    """The manifest entries of our sources. Raises `Nonsense` for one that is not for training, or is share-alike where
    that is not asked for.
    """
    manifest = read_manifest(data_root)
    for source in sources:
        why = _unfit(manifest.get(source.name, {"use": "nothing: it is not in the manifest"}), share_alike)
        if why:
            raise Nonsense(f"{source.name} may not be trained on ({why}).", "Leave it out of the sources.")
    return {source.name: manifest[source.name] for source in sources}


def _unfit(entry: Mapping[str, Any], share_alike: bool) -> str:
    """Why a set may not be trained on, or ""."""
    if entry["use"] != "train":
        return "for evaluation only" if entry["use"] == "eval" else f"for {entry['use']}"
    return "share-alike: read with --share-alike" if entry["share_alike"] and not share_alike else ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a corpus is made of. `data` is the folder of MANIFEST.toml, `music` folders of one's own.

    `names` picks sets of the manifest (all by default). `evaluation` is the folder of music that no trained piece may
    be a relative of: by default `data-eval` beside `data`; without both nothing is kept apart.
    """

    data: Path | None = None
    music: tuple[Path, ...] = ()
    names: tuple[str, ...] = ()
    share_alike: bool = False
    evaluation: Path | None = None


def build(wanted: Wanted, out: Path, *, workers: int = 0, say: Callable[[str], None] = print) -> list[Row]:
    """Write the corpus into the folder `out`; -> its table of counts. `workers` read at once; 0: one a processor.

    Raises `Nonsense` for missing, unfit or unusable music, `Unavailable` where the disk refuses; the corpus that was in
    `out` is then as it was.
    """
    _check_folders(wanted)
    _make(out)
    apart = _apart(wanted, out, say)
    written, reports = _read_all(wanted, out, workers or os.cpu_count() or 1, say)
    written = _without_repeats(written, reports)
    written, split = divide(written, apart, group_of(wanted.data) if wanted.data else {}, reports)
    _check_usable(written, split, reports, say)
    fill_surprise(written)
    for tune in written:
        tune.held_out = split.out[tune.piece]
    table = count_table(written, reports)
    write_whole(out / "report.txt", report_lines(reports).encode())
    write_whole(out / "counts.json", json.dumps(table, indent=1).encode())
    write_whole(out / "split.tsv", split_list(written, split).encode())
    write_whole(out / "corpus.npz", packed(written))
    return table


def _check_folders(wanted: Wanted) -> None:
    if not wanted.data and not wanted.music:
        raise Nonsense("There is no music to read.", "Name a folder with --data or --music.")
    if wanted.names and not wanted.data:
        raise Nonsense("Sources are sets of a manifest, and none is named.", "Name its folder with --data.")
    for folder in wanted.music:
        if not folder.is_dir():
            raise Nonsense(f"There is no folder {folder}.", "Name a folder of MIDI, MusicXML or ABC files.")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        why = (wrong.strerror or "the disk refused").lower()
        raise Unavailable(f"{out} cannot be made: {why}.", "Name another folder with --out.") from None


def _apart(wanted: Wanted, out: Path, say: Callable[[str], None]) -> dict[str, Print]:
    """The fingerprints of the evaluation music; none where no manifest is read and none is named, which is said."""
    if wanted.data is None and wanted.evaluation is None:
        say("Your music is not compared with the evaluation music, since none is named; --evaluation names it.")
        return {}
    root = wanted.evaluation or (wanted.data.parent / "data-eval" if wanted.data else Path())
    return evaluation_prints(root, out / "unpacked")


def _check_usable(
    written: Sequence[Written], split: Split, reports: Mapping[str, Report], say: Callable[[str], None]
) -> None:
    if written:
        if len({split.out[tune.piece] for tune in written}) == 1:
            say("All of it is on one side of the split; training needs a second tune of another family to measure by.")
        return
    commonest = next((why for report in reports.values() for why in report.reasons()), "there are no files")
    count = sum(report.files for report in reports.values())
    raise Nonsense(
        f"Of {count} files none can teach (the commonest reason: {commonest}).",
        "Give it MIDI, MusicXML or ABC files with at least four whole bars and 12 notes in a beat.",
    )


def _sources(wanted: Wanted, reports: dict[str, Report]) -> Iterator[tuple[Source, str]]:
    """The sets to be read, with the SHA-256 of each archive; the others get a report that says why not."""
    if not wanted.data:
        return
    manifest = read_manifest(wanted.data)
    named = [source_of(name) for name in wanted.names]
    check_licences(wanted.data, named, share_alike=wanted.share_alike)
    there = {source.name: source for source in SOURCES}
    for name in [*(name for name in there if name in manifest), *(name for name in manifest if name not in there)]:
        why = _unfit(manifest[name], wanted.share_alike)
        if wanted.names and name not in wanted.names:
            continue
        if why or name not in there:
            reports[name] = Report(whole=why or UNREAD.get(name, "jamlink has no reader for it"))
            continue
        reports[name] = Report()
        yield there[name], str(manifest[name].get("sha256", ""))


def _jobs(wanted: Wanted, out: Path, reports: dict[str, Report]) -> Iterator[tuple[str, Path, Path]]:
    """Each file to read: its source, the folder of the source, the file."""
    for source, sha256 in _sources(wanted, reports):
        assert wanted.data is not None
        try:
            folder = unpacked(wanted.data, source.name, out / "unpacked", sha256)
            files, others = source.files(folder), source.others(folder)
        except (Nonsense, OSError, KeyError) as wrong:
            reports[source.name].whole = " ".join(str(wrong).split())
            continue
        reports[source.name].files = len(files)
        reports[source.name].left_out += others
        yield from ((source.name, folder, file) for file in files)
    if wanted.music:
        reports[MY_MUSIC] = Report()
    for folder in (folder.resolve() for folder in wanted.music):
        files = [file for file in source_of(MY_MUSIC).files(folder) if not file.is_relative_to(out.resolve())]
        reports[MY_MUSIC].files += len(files)
        yield from ((MY_MUSIC, folder, file) for file in files)


def _read_all(
    wanted: Wanted, out: Path, workers: int, say: Callable[[str], None]
) -> tuple[list[Written], dict[str, Report]]:
    reports: dict[str, Report] = {}
    jobs = list(_jobs(wanted, out, reports))
    left_out = kept_names(wanted.data, reports) if wanted.data else lambda piece: ""
    written: list[Written] = []
    with closing(_read_files(jobs, workers)) as files:  # Ctrl-C then ends the readers too
        for done, (name, found) in enumerate(files, 1):
            for piece, tune in found:
                why = left_out(f"{name}:{piece}") or (tune if isinstance(tune, str) else "")
                if why or isinstance(tune, str):
                    reports[name].leave_out(piece, why)
                else:
                    written.append(tune)
            if done % _SAID_EVERY == 0 or done == len(jobs):
                say(f"{done} of {len(jobs)} files read")
    return written, reports


def _read_files(
    jobs: Sequence[tuple[str, Path, Path]], workers: int
) -> Generator[tuple[str, list[tuple[str, Written | str]]], None, None]:
    """What each file holds, in their order."""
    try:
        with ProcessPoolExecutor(workers, initializer=_begin_reading, initargs=(os.getpid(),)) as pool:
            with _ctrl_c_waits():
                found = pool.map(_read_file, jobs, chunksize=8)
            yield from found
    except BrokenProcessPool:
        raise Unavailable(
            "A reader was ended from outside, perhaps for want of memory.", "Try again with --workers 1."
        ) from None


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Ctrl-C is heard when the readers have started: while Python forks it is swallowed, or leaves a pool half made
    that nobody can end."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows does not fork
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_reading(parent: int) -> None:
    """In each reader: Ctrl-C is the parent's to answer, and who loses the parent leaves."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_leave_after, args=(parent,), daemon=True).start()


def _leave_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def split_list(written: Sequence[Written], split: Split) -> str:
    """A table: each tune's piece, its family, its side of the split, and the digest of its words."""
    rows = ["piece\tfamily\tside\tdigest"]
    for tune in written:
        family, side = split.family[tune.piece], "held out" if tune.held_out else "train"
        rows.append("\t".join((tune.piece, "" if family == tune.piece else family, side, tune.digest())))
    return "\n".join(rows) + "\n"


def _without_repeats(written: list[Written], reports: Mapping[str, Report]) -> list[Written]:
    """Without tunes that say nothing, and without the same music under the same name (Billboard repeats songs)."""
    seen: set[tuple[str, str, str]] = set()
    kept = []
    for tune in written:
        mark = (tune.source, tune.name, str(tune.streams[0].bars) if tune.streams else "")
        if not tune.streams or mark in seen:
            reports[tune.source].leave_out(tune.name, "the same again")
        else:
            seen.add(mark)
            kept.append(tune)
    return kept


def packed(written: Sequence[Written]) -> bytes:
    """The bytes of corpus.npz; on which side a tune is, it says itself."""
    ids: list[int] = []
    bar_at: list[int] = []
    carry: list[list[int]] = []
    facts, streams, tunes = [], [], []
    names = [*(source.name for source in SOURCES), MY_MUSIC]
    for t, tune in enumerate(written):
        tunes.append((names.index(tune.source), *tune.heading, int(tune.held_out)))
        for stream in tune.streams:
            streams.append((t, STREAMS.index(stream.kind), len(bar_at), len(stream.bars)))
            for bar, words in zip(stream.bars, stream.carry, strict=True):
                bar_at.append(len(ids))
                ids += bar
                carry.append([*words, 0, 0][:2])
            facts.append(stream.facts)
    buffer = io.BytesIO()
    np.savez(
        buffer,
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
    return buffer.getvalue()
