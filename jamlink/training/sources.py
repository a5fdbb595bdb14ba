"""Which sets are read, how, and under which name each piece goes (the names of dupes.tsv and eval-overlap.tsv)."""

from __future__ import annotations

import csv
import re
import shutil
import tarfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jamlink.errors import Nonsense
from jamlink.music.note import Note
from jamlink.training import read_abc, read_charts
from jamlink.training.read_kern import read_kern
from jamlink.training.read_musicxml import Sheet, read_sheet
from jamlink.training.tune import Bar, Score, highest_line, lowest_line

Found = tuple[str, Score | str]
"""A piece's name and the piece, or why it cannot be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """A set of the manifest: `files` lists its pieces, `read` gives the scores of one file."""

    name: str
    files: Callable[[Path], list[Path]]
    read: Callable[[Path, Path], Iterator[Found]]


def unpacked(data_root: Path, name: str, scratch: Path) -> Path:
    """The folder of a set's files, unpacked once. Raises `Nonsense` where the archive is missing."""
    folder = scratch / name
    archive = data_root / name / f"{name}.tar.xz"
    if not archive.is_file():
        raise Nonsense(f"There is no {archive}.", "Point the recipe at the folder that holds the sets.")
    if not (folder / ".done").exists():
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        if (archive.parent / "index.tsv").exists():
            shutil.copy(archive.parent / "index.tsv", folder)
        (folder / ".done").touch()
    return folder


def _glob(pattern: str) -> Callable[[Path], list[Path]]:
    return lambda folder: sorted(folder.glob(pattern))


def _guarded(name: str, read: Callable[[], Score]) -> Found:
    try:
        return name, read()
    except (Nonsense, ValueError, KeyError, IndexError, UnicodeError) as wrong:
        return name, f"{type(wrong).__name__}: {str(wrong).replace(name, '')}"[:70]


def _billboard(folder: Path, file: Path) -> Iterator[Found]:
    slot, score = _guarded(file.parent.name, lambda: read_charts.billboard(file))
    yield (slot if isinstance(score, str) else score.name), score


def _weimar(folder: Path, file: Path) -> Iterator[Found]:
    yield from read_charts.weimar(folder)


def _progressions(folder: Path, file: Path) -> Iterator[Found]:
    for i, score in enumerate(read_charts.progressions(file)):
        yield f"progression {i}", score


def _abc(style: str) -> Callable[[Path, Path], Iterator[Found]]:
    def read(folder: Path, file: Path) -> Iterator[Found]:
        tunes = list(read_abc.tunes_in(file))
        for lines in tunes:
            number = next((line[2:].strip() for line in lines if line.startswith("X:")), "")
            name = str(file.relative_to(folder)) + (f"#{number}" if len(tunes) > 1 else "")
            yield _guarded(name, lambda lines=lines, name=name: read_abc.read_tune(lines, name, style))  # type: ignore[misc]

    return read


def _sheets(style: str, to_score: Callable[[str, str, Sheet], Score]) -> Callable[[Path, Path], Iterator[Found]]:
    def read(folder: Path, file: Path) -> Iterator[Found]:
        name = str(file.relative_to(folder))
        yield _guarded(name, lambda: to_score(name, style, read_sheet(file)))

    return read


def _top_and_bottom(name: str, style: str, sheet: Sheet) -> Score:
    """The first part is the tune (a part called soprano before it), the lowest of the last staff the bass."""
    tune = next((part for part in sheet.parts if "soprano" in part.name.lower()), sheet.parts[0])
    last = sheet.parts[-1]
    score = Score(name, style, sheet.bars, bpm=sheet.bpm)
    others = [note for part in sheet.parts if part is not tune for note in part.notes]
    score.melody = with_interludes(highest_line(tune.notes), others, sheet.bars)
    score.bass = lowest_line(last.staves[max(last.staves)]) if last.staves else []
    score.everything = [*tune.notes, *others]
    return score


def with_interludes(tune: list[Note], others: list[Note], bars: list[Bar]) -> list[Note]:
    """The tune, and where it is silent for a whole bar the highest line of the others."""
    starts = [bar.start for bar in bars]
    sung = {i for note in tune for i in range(_bar_at(starts, note.onset), _bar_at(starts, note.end - 1) + 1)}
    filled = [note for note in highest_line(others) if _bar_at(starts, note.onset) not in sung]
    return highest_line([*tune, *filled])


def _bar_at(starts: list[int], tick: int) -> int:
    return bisect_right(starts, tick) - 1


def _kern(folder: Path, file: Path) -> Iterator[Found]:
    name = str(file.relative_to(folder))
    yield _guarded(name, lambda: _kern_score(name, _kern_style(folder, name), file))


def _kern_score(name: str, style: str, file: Path) -> Score:
    """The top part is the tune, the bottom part has the bass."""
    kern = read_kern(file)
    tune, *others = [part for part in reversed(kern.parts) if part]
    below = [note for part in others for note in part]
    score = Score(name, style, kern.bars, bpm=kern.bpm, key=kern.key)
    score.melody = with_interludes(highest_line(tune), below, kern.bars)
    score.bass = lowest_line(others[-1]) if others else []
    score.everything = [*tune, *below]
    return score


@cache
def _index(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "index.tsv").open() as lines:
        return {row["file"]: row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)}


def _kern_style(folder: Path, name: str) -> str:
    """By the composer's year of birth; unknown years count as classical."""
    row = _index(folder)[name]
    year = re.search(r"\d{4}", row.get("composer_dates", "1810"))
    born = int(year.group()) if year else 1760
    return "baroque" if born < 1720 else "classical" if born < 1780 else "romantic"


def _polish(folder: Path) -> list[Path]:
    """Songs with keyboard and keyboard music; early music without measure and masses for many parts are left out."""
    wanted = ("voice+keyboard", "keyboard/2-part")
    return [folder / name for name, row in sorted(_index(folder).items()) if row["class"] in wanted]


def _chopin(folder: Path) -> list[Path]:
    """One edition of each work."""
    return [folder / name for name, row in sorted(_index(folder).items()) if row["keep"] == "1"]


SOURCES = (
    Source("mcgill-billboard", _glob("*/salami_chords.txt"), _billboard),
    Source("wjazzd-changes", _glob("beats.tsv"), _weimar),
    Source("free-midi-chords", _glob("progressions.tsv"), _progressions),
    Source("m21-folk", _glob("*/*.abc"), _abc("folk")),
    Source("open-hymnal", _glob("*.abc"), _abc("hymn")),
    Source("openscore-lieder", _glob("scores/*/*/*/*.musicxml"), _sheets("song", _top_and_bottom)),
    Source("m21-bach-chorales", _glob("*.musicxml"), _sheets("baroque", _top_and_bottom)),
    Source("polish-scores", _polish, _kern),
    Source("chopin-first-editions", _chopin, _kern),
    Source("openscore-quartets", _glob("scores/*/*/*.musicxml"), _sheets("classical", _top_and_bottom)),
)


def kept_names(data_root: Path) -> Callable[[str], str]:
    """A function from "source:piece" to "" (use it) or the reason why it is left out.

    Left out: pieces that share a tune with an evaluation piece, and all but the first of each group of doubles.
    """
    with (data_root / "eval-overlap.tsv").open() as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        shared = {row["train_piece"] for row in rows if not row["eval_piece"].startswith("jsb-chorales:train")}
    first: dict[str, str] = {}
    groups = group_of(data_root)
    for piece in sorted(groups):
        if piece not in shared and piece.split(":")[0] in {source.name for source in SOURCES}:
            first.setdefault(groups[piece], piece)
    doubles = set(groups) - set(first.values())
    return lambda piece: "shared with evaluation" if piece in shared else "double" if piece in doubles else ""


def group_of(data_root: Path) -> dict[str, str]:
    """Piece -> its group of doubles."""
    with (data_root / "dupes.tsv").open() as lines:
        return {row["piece"]: row["group"] for row in csv.DictReader(lines, delimiter="\t")}
