"""Lead sheets to be judged by: songs with a melody and a person's chords, from any folder or archive of them.

MusicXML with <harmony>, ABC with chord strings, and MIDI whose chords are markers, texts or lyrics. What cannot be
used is passed over, with one line that says why.
"""

from __future__ import annotations

import hashlib
import random
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.phrase import Phrase, chords_by_cell
from jamlink.training import music_folder
from jamlink.training.tune import Bar, Score, Tune, tunes_of

ARCHIVES = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".tar.bz2")
ARCHIVE_LIMIT = 512 * 2**20
"""Bytes of an archive's files together."""
_LEAST_COVERED = 0.5
"""Of the bars, how many must have a chord: less is a melody with a few words over it."""
_FEWEST_NOTES = 8


@dataclass(frozen=True, slots=True)
class Song:
    """A lead sheet in whole bars of one meter; ticks from the first bar line, a pickup's bar filled with silence.

    `places` has one entry a bar: its place in its phrase. `melody` is one line, sorted; `chords` are sorted and do not
    overlap, and a gap between them is "no chord".
    """

    name: str
    meter: Meter
    places: tuple[int, ...]
    melody: tuple[Note, ...]
    chords: tuple[ChordSpan, ...]

    @property
    def bars(self) -> int:
        """How many bars."""
        return len(self.places)

    @property
    def length(self) -> Ticks:
        """The span in ticks."""
        return Ticks(self.bars * self.meter.bar_ticks)

    @property
    def phrase(self) -> Phrase:
        """The song as words can say it, not quantised."""
        return Phrase(self.meter, self.places, self.chords, self.melody)

    def chord_by_cell(self) -> list[Chord | None]:
        """The chord of each cell (see jamlink.tokens.vocab), None where there is none."""
        return chords_by_cell(self.phrase)

    def melody_up_to(self, tick: int) -> tuple[Note, ...]:
        """What a listener has heard at `tick`: notes that began before it, cut off there."""
        return tuple(
            replace(note, duration=Ticks(min(note.end, tick) - note.onset)) for note in self.melody if note.onset < tick
        )

    @property
    def cells(self) -> int:
        """How many cells."""
        return self.length // vocab.cell_of(self.meter).ticks


@dataclass(frozen=True, slots=True)
class Found:
    """The songs of a folder, and a line "file: why" for each file without one."""

    songs: tuple[Song, ...]
    left_out: tuple[str, ...]


def read_songs(where: Path, *, songs: int = 0, seed: int = 0) -> Found:
    """The songs in a folder or an archive, by name; with `songs`, the first so many after a seeded shuffle.

    Raises `Nonsense` where there is neither folder nor archive, or not one song in it.
    """
    archive = _archive_in(where) if where.is_dir() else where
    if archive is None:
        found = _read_folder(where)
    elif archive.is_file() and archive.name.endswith(ARCHIVES):
        found = _read_archive(archive)
    else:
        raise Nonsense(f"There is no folder or archive {where}.", "Name a folder of MIDI, MusicXML or ABC files.")
    if not found.songs:
        why = f" ({found.left_out[0]})" if found.left_out else ""
        raise Nonsense(
            f"No song in {where} has a melody and chords{why}.",
            "Give MusicXML with chord symbols, ABC with chords in quotes, or MIDI with chord names as markers.",
        )
    return Found(drawn(found.songs, songs, seed), found.left_out)


def drawn(songs: Sequence[Song], count: int, seed: int) -> tuple[Song, ...]:
    """The first `count` after a seeded shuffle, in their old order; all for 0."""
    if not count or count >= len(songs):
        return tuple(songs)
    at = list(range(len(songs)))
    random.Random(seed).shuffle(at)
    return tuple(songs[i] for i in sorted(at[:count]))


def split_hash(songs: Iterable[Song]) -> str:
    """Names exactly these songs, by what is in them."""
    digest = hashlib.sha256()
    for song in songs:
        spans = [(s.onset, s.duration, str(s.chord)) for s in song.chords]
        notes = [(n.onset, n.pitch, n.duration) for n in song.melody]
        digest.update(repr((str(song.meter), song.bars, notes, spans)).encode())
    return digest.hexdigest()


def _archive_in(folder: Path) -> Path | None:
    """The one archive of a folder of the shared sets, which has no music beside it."""
    packed = [file for file in sorted(folder.iterdir()) if file.name.endswith(ARCHIVES)]
    plain = [file for file in music_folder.files(folder) if file.suffix.lower() in music_folder.KINDS]
    return packed[0] if len(packed) == 1 and not plain else None


def _read_archive(archive: Path) -> Found:
    with tempfile.TemporaryDirectory(prefix="jamlink-") as scratch:
        try:
            with tarfile.open(archive) as tar:
                if sum(member.size for member in tar.getmembers()) > ARCHIVE_LIMIT:
                    raise Nonsense(
                        f"{archive.name} holds more than {ARCHIVE_LIMIT >> 20} MiB.", "Unpack it, and name a part."
                    )
                tar.extractall(scratch, filter="data")
        except (tarfile.TarError, OSError, EOFError) as wrong:
            raise Nonsense(f"{archive.name} cannot be unpacked: {wrong}.", "Unpack it, and name the folder.") from None
        return _read_folder(Path(scratch))


def _read_folder(folder: Path) -> Found:
    songs: list[Song] = []
    left_out: list[str] = []
    for file in music_folder.files(folder):
        if file.suffix.lower() not in music_folder.KINDS:
            left_out.append(f"{file.relative_to(folder)}: is called neither MIDI, MusicXML nor ABC.")
            continue
        for name, score in music_folder.read(folder, file):
            found = score if isinstance(score, str) else song_of(score)
            if isinstance(found, Song):
                songs.append(found)
            else:
                left_out.append(f"{name}: {found}")
    return Found(tuple(songs), tuple(left_out))


def song_of(score: Score) -> Song | str:
    """The longest run of whole bars of one meter that has melody and chords; or why there is none."""
    if not score.melody:
        return "has no melody."
    if not any(span.chord for span in score.chords):
        return "has no chord symbols."
    score.bars = _metered(score.bars)
    tunes = [_song(tune) for tune in tunes_of(score)]
    usable = [song for song in tunes if len(song.melody) >= _FEWEST_NOTES and _covered(song) >= _LEAST_COVERED]
    if not usable:
        return "has no four whole bars in one meter with melody and chords."
    return max(usable, key=lambda song: song.bars)


def _metered(bars: list[Bar]) -> list[Bar]:
    """Where no bar has a meter, as in sheets without a time signature: the quarters of the commonest bar."""
    if not bars or any(bar.meter for bar in bars):
        return bars
    (length, _), *_ = Counter(bar.length for bar in bars).most_common()
    meter = next((m for m in (Meter(4, 4), Meter(3, 4), Meter(2, 4)) if m.bar_ticks == length), None)
    return [replace(bar, meter=meter) for bar in bars]


def _covered(song: Song) -> float:
    return sum(span.duration for span in song.chords if span.chord) / max(1, song.length)


def _song(tune: Tune) -> Song:
    end = len(tune.places) * tune.meter.bar_ticks
    chords = tuple(cut for span in tune.chords if (cut := _cut(span, end)).duration > 0)
    melody = tuple(replace(n, duration=Ticks(min(n.end, end) - n.onset)) for n in tune.melody if n.onset < end)
    return Song(tune.name, tune.meter, tune.places, tuple(sorted(melody)), chords)


def _cut(span: ChordSpan, end: int) -> ChordSpan:
    """The part of a span inside [0, end); of no length where it lies outside."""
    start = max(0, span.onset)
    return ChordSpan(Ticks(start), Ticks(min(span.end, end) - start), span.chord)
