"""Benchmark music that is trained on for its own benchmark only: frames of pitch sets, and melodies over chords.

Frames: JSB chorales by the quarter note and Nottingham, in the split of Boulanger-Lewandowski et al. 2012 (arXiv
1206.6392). A frame is the ascending pitches that sound; nothing is known of meter, key or voices.

Melodies: Nottingham's ABC, repeats not written out, split by families of tunes (`jamlink.training.fingerprint`), so
that no tune of the test has a relative among those learnt from.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import JamlinkError, Nonsense, Unavailable
from jamlink.music.chord import QUALITIES, ChordSpan
from jamlink.nn import frames, melody
from jamlink.nn.melody import FIELDS, NoteFields
from jamlink.resources import data_folder, shared_music
from jamlink.training import read_abc
from jamlink.training.fingerprint import Families, Print, Register, fingerprint
from jamlink.training.tune import Tune, tunes_of

Ints = npt.NDArray[np.int64]
PARTS = ("train", "valid", "test")
FRAME_FILES = {
    "jsb": ("jsb-chorales", "jsb-chorales-quarter.json"),
    "nottingham": ("nottingham", "nottingham-bl2012.json"),
}
"""Benchmark -> its folder in data-eval and its file there (or in the folder's archive)."""
SPLIT_FILE = "split.tsv"
LONGEST_MATCH = 8
_FEWEST_NOTES = 8
_VALID_TENTHS, _TEST_TENTHS = 1, 1


@dataclass(frozen=True, slots=True)
class FrameSet:
    """Part -> sequences; a sequence is (frames, notes at most), ascending from 0 = MIDI LOWEST, NONE after the last."""

    name: str
    parts: Mapping[str, tuple[Ints, ...]]
    digest: str
    """SHA-256 of the file."""


@dataclass(frozen=True, slots=True)
class Song:
    """A melody: `fields` is (notes, FIELDS), see NoteFields; `scale` the pitch classes of the key signature."""

    name: str
    fields: Ints
    scale: frozenset[int]


@dataclass(frozen=True, slots=True)
class MelodySet:
    """Part -> songs, and what the split was."""

    parts: Mapping[str, tuple[Song, ...]]
    digest: str
    left_out: int
    """Tunes that could not be read, or change meter or key on the way."""


def read_frames(name: str, data: Path | None) -> FrameSet:
    """One of FRAME_FILES out of `data`: a folder with the file, with the set's folder, or None for the shared music.

    Raises `Unavailable` where it is not there and `Nonsense` where it is no such set.
    """
    folder, file = FRAME_FILES[name]
    content = _content(folder, file, data)
    try:
        found = json.loads(content)
        parts = {part: tuple(_frame_array(sequence) for sequence in found[part]) for part in PARTS}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Nonsense(f"{file} is not a set of pitch frames.", "Take the benchmark's own file.") from None
    return FrameSet(name, parts, hashlib.sha256(content).hexdigest())


def _frame_array(sequence: Sequence[Sequence[int]]) -> Ints:
    """(frames, most notes in one) from lists of MIDI pitches."""
    sets = [sorted(set(frame)) for frame in sequence]
    most = max((len(notes) for notes in sets), default=0)
    array = np.full((len(sets), max(most, 1)), frames.NONE, dtype=np.int64)
    for row, notes in zip(array, sets, strict=True):
        row[: len(notes)] = np.asarray(notes, dtype=np.int64) - frames.LOWEST
    inside = (array >= frames.AS_WRITTEN) & (array <= frames.PITCHES - frames.SHIFTS + frames.AS_WRITTEN)
    if not (inside | (array == frames.NONE)).all():
        raise Nonsense("A frame has a pitch outside MIDI 30 to 102.", "Take the benchmark's own file.")
    return array


def widened(sequence: Ints, width: int) -> Ints:
    """The same frames with room for `width` notes."""
    missing = width - sequence.shape[1]
    return np.pad(sequence, ((0, 0), (0, missing)), constant_values=frames.NONE) if missing > 0 else sequence


def moved(sequence: Ints, semitones: int) -> Ints:
    """Frames transposed."""
    return np.where(sequence == frames.NONE, frames.NONE, sequence + semitones)


def top_line(sequence: Ints) -> list[int]:
    """The highest notes of the frames, without those that only go on: what a chorale's tune is known by."""
    tops = [int(row[row != frames.NONE].max()) for row in sequence if (row != frames.NONE).any()]
    return [top for i, top in enumerate(tops) if i == 0 or top != tops[i - 1]]


def _archive(folder: str, data: Path | None) -> Path:
    """The set's archive or folder. Raises `Unavailable` where there is none."""
    root = data or shared_music() / "data-eval"
    for place in (root / f"{folder}.tar.xz", root / folder / f"{folder}.tar.xz", root / folder, root):
        if place.exists():
            return place
    raise Unavailable(f"There is no music in {root}.", "Name the folder data-eval, or one with the set's files.")


def _content(folder: str, file: str, data: Path | None) -> bytes:
    place = _archive(folder, data)
    try:
        if place.is_dir():
            return (place / file).read_bytes()
        with tarfile.open(place) as tar:
            member = tar.extractfile(next(entry for entry in tar if Path(entry.name).name == file))
            assert member
            return member.read()
    except (OSError, StopIteration, tarfile.TarError):
        raise Unavailable(f"There is no {file} in {place}.", "Name a folder that holds it.") from None


def read_melodies(data: Path | None) -> MelodySet:
    """Nottingham's ABC out of `data` (as for `read_frames`), split as `split.tsv` beside it, or as ours, says.

    Raises `Unavailable` where there is none of its tunes.
    """
    place = _archive("nottingham", data)
    listed = place / SPLIT_FILE if place.is_dir() else Path()
    split = read_split(
        listed if listed.is_file() else data_folder("models") / "benchmarks/nottingham-melody" / SPLIT_FILE
    )
    found: dict[str, list[Song]] = {part: [] for part in PARTS}
    left_out = 0
    for name, tunes in read_tunes(place):
        songs = [_song(name, tune) for tune in tunes if len(tune.melody) >= _FEWEST_NOTES]
        left_out += not songs
        if songs and name in split:
            found[split[name]].extend(songs)
    if not all(found.values()):
        raise Unavailable(f"{place} has not enough of the tunes that {SPLIT_FILE} names.", "Name Nottingham's folder.")
    told = "\n".join(f"{name}\t{part}" for name, part in sorted(split.items()))
    digest = hashlib.sha256(told.encode()).hexdigest()
    return MelodySet({part: tuple(songs) for part, songs in found.items()}, digest, left_out)


def read_tunes(place: Path) -> Iterator[tuple[str, list[Tune]]]:
    """ "file number" -> its runs of bars in one meter; none where it cannot be read. `place`: folder or archive."""
    with tempfile.TemporaryDirectory() as scratch:
        if not place.is_dir():
            with tarfile.open(place) as tar:
                wanted = [entry for entry in tar if entry.name.endswith(".abc")]
                tar.extractall(scratch, members=wanted, filter="data")
        for file in sorted((place if place.is_dir() else Path(scratch)).rglob("*.abc"), key=lambda path: path.name):
            for number, lines in enumerate(read_abc.tunes_in(file)):
                try:
                    yield f"{file.stem} {number}", list(tunes_of(read_abc.read_tune(lines, file.stem, "folk")))
                except (JamlinkError, ValueError, KeyError, IndexError):
                    yield f"{file.stem} {number}", []


def read_split(path: Path) -> dict[str, str]:
    """Name -> part. Raises `Nonsense` for a list that is none."""
    try:
        rows = [line.split("\t") for line in path.read_text().splitlines()[1:]]
        split = {name: part for name, _, part in rows}
    except (OSError, ValueError):
        raise Nonsense(f"{path} is not a list of name, family and part.", "Put the published list back.") from None
    if not set(split.values()) <= set(PARTS):
        raise Nonsense(f"{path} names a part other than {', '.join(PARTS)}.", "Put the published list back.")
    return split


def make_split(prints: Mapping[str, Print]) -> dict[str, tuple[str, str]]:
    """Name -> (family, part): eight tenths of the families to learn from, one to stop by, one to be judged on."""
    register, families = Register(prints), Families(prints)
    for one, other, _ in register.pairs():
        families.join(one, other)
    return {name: (families.of(name), _part(families.of(name))) for name in sorted(prints)}


def _part(family: str) -> str:
    tenth = int(hashlib.sha256(f"nottingham melody {family}".encode()).hexdigest(), 16) % 10
    return "test" if tenth < _TEST_TENTHS else "valid" if tenth < _TEST_TENTHS + _VALID_TENTHS else "train"


def write_split(place: Path, path: Path) -> None:
    """Make the list anew from the tunes in `place`."""
    prints = {name: tuple(n.pitch for tune in tunes for n in tune.melody) for name, tunes in read_tunes(place) if tunes}
    split = make_split({name: fingerprint(pitches) for name, pitches in prints.items()})
    rows = ["name\tfamily\tpart", *(f"{name}\t{family}\t{part}" for name, (family, part) in split.items())]
    path.write_text("\n".join(rows) + "\n")


def _song(name: str, tune: Tune) -> Song:
    rows = []
    meter = str(tune.meter)
    for note in tune.melody:
        span = next((span for span in tune.chords if span.onset <= note.onset < span.end), None)
        row = np.zeros(FIELDS, dtype=np.int64)
        row[NoteFields.PITCH] = note.pitch - melody.LOWEST
        row[NoteFields.DURATION] = _DURATION.get(note.duration, 0)
        row[NoteFields.PLACE] = min(note.onset % tune.meter.bar_ticks // 80, 95)
        row[NoteFields.METER] = melody.METERS.index(meter) if meter in melody.METERS else 0
        row[NoteFields.BAR] = note.onset // tune.meter.bar_ticks % 16
        row[NoteFields.ROOT], row[NoteFields.QUALITY], row[NoteFields.FRESH] = _chord(span, note.onset)
        rows.append(row)
    return Song(name, with_memory(np.stack(rows)), _scale(tune.fifths or 0))


_DURATION = {ticks: i for i, ticks in enumerate(melody.DURATIONS) if ticks}


def _chord(span: ChordSpan | None, onset: int) -> tuple[int, int, int]:
    if span is None or span.chord is None:
        return 12, 0, int(span is not None and span.onset == onset)
    return span.chord.root, 1 + QUALITIES.index(span.chord.quality), int(span.onset == onset)


def _scale(fifths: int) -> frozenset[int]:
    return frozenset((7 * (fifths + step)) % 12 for step in range(-1, 6))


def with_memory(song: Ints) -> Ints:
    """The song with the AGAIN fields filled in: each looks at the notes before its own only."""
    song = song.copy()
    notes = [(int(pitch), int(duration)) for pitch, duration in song[:, :2]]
    for i in range(len(notes)):
        song[i, NoteFields.AGAIN_PITCH :] = again(notes[:i])
    return song


def again(notes: Sequence[tuple[int, int]]) -> tuple[int, int, int]:
    """What followed the last time that the tune went as it goes at its end: pitch, duration, how many notes agree."""
    best, length = (melody.NONE, 0), 0
    for at in range(len(notes) - 1, 0, -1):
        agree = 0
        while agree < min(LONGEST_MATCH, at) and notes[at - 1 - agree] == notes[-1 - agree]:
            agree += 1
        if agree > length:
            best, length = notes[at], agree
        if length == LONGEST_MATCH:
            break
    return (*best, length)


def transposed(song: Ints, semitones: int) -> Ints:
    """A song's fields moved up."""
    song = song.copy()
    for field in (NoteFields.PITCH, NoteFields.AGAIN_PITCH):
        song[:, field] = np.where(song[:, field] == melody.NONE, melody.NONE, song[:, field] + semitones)
    root = song[:, NoteFields.ROOT]
    song[:, NoteFields.ROOT] = np.where(root == 12, 12, (root + semitones) % 12)
    return song
