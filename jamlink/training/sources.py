"""Which sets are read, how, and under which name each piece goes (the names of dupes.tsv and eval-overlap.tsv)."""

from __future__ import annotations

import csv
import hashlib
import lzma
import re
import shutil
import tarfile
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jamlink.errors import Nonsense, Unavailable
from jamlink.music.note import Note
from jamlink.training import music_folder, read_abc, read_charts
from jamlink.training.music_folder import guarded
from jamlink.training.read_analysis import chart_of, read_analysis, read_harm
from jamlink.training.read_kern import Kern, read_kern
from jamlink.training.read_midi import read_midi
from jamlink.training.read_musicxml import Sheet, read_sheet
from jamlink.training.tune import Bar, Score, highest_line, lowest_line

Found = tuple[str, Score | str]
"""A piece's name and the piece, or why it cannot be read."""


SETTLED, LATER, SHARE_ALIKE, OWN = range(4)
"""Waves of sources. Doubles, families and sides are settled wave by wave, so that no later wave moves a piece of an
earlier one to the other side of the split: a later piece goes where its relatives are. SETTLED taught the shipped
models."""


@dataclass(frozen=True, slots=True)
class Source:
    """A set of music: `files` lists what is read of it, `read` gives the scores of one file.

    `others` lists what is not read: the name and the reason.
    """

    name: str
    files: Callable[[Path], list[Path]]
    read: Callable[[Path, Path], Iterator[Found]]
    wave: int = SETTLED
    others: Callable[[Path], list[tuple[str, str]]] = lambda folder: []


def unpacked(data_root: Path, name: str, scratch: Path, sha256: str = "") -> Path:
    """The folder of a set's files, unpacked once; with `sha256`, only where that is the archive's.

    Raises `Nonsense` for a missing, damaged or other archive, `Unavailable` where the disk refuses.
    """
    folder = scratch / name
    archive = data_root / name / f"{name}.tar.xz"
    if not archive.is_file():
        raise Nonsense(f"There is no {archive}.", "Name the folder that holds the sets with --data.")
    unpack(archive, folder, sha256)
    return folder


def unpack(archive: Path, folder: Path, sha256: str = "") -> None:
    """Unpack a set, once. Raises `Nonsense` for a damaged or other archive, `Unavailable` where the disk refuses."""
    if (folder / ".done").exists():
        return
    try:
        with archive.open("rb") as file:
            if sha256 and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise Nonsense(f"{archive} is not the file that the manifest describes.", "Fetch it again.")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        if (archive.parent / "index.tsv").exists():
            shutil.copy(archive.parent / "index.tsv", folder)
        (folder / ".done").touch()
    except (tarfile.TarError, lzma.LZMAError, EOFError) as wrong:
        raise Nonsense(f"{archive} is damaged ({wrong}).", "Fetch it again.") from None
    except OSError as wrong:
        why = (wrong.strerror or "the disk refused").lower()
        raise Unavailable(f"{archive} cannot be unpacked: {why}.", "Free some space or name another --out.") from None


def _glob(pattern: str) -> Callable[[Path], list[Path]]:
    return lambda folder: sorted(folder.glob(pattern))


def _billboard(folder: Path, file: Path) -> Iterator[Found]:
    slot, score = guarded(file.parent.name, file, lambda: read_charts.billboard(file))
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
            yield guarded(name, file, lambda lines=lines, name=name: read_abc.read_tune(lines, name, style))  # type: ignore[misc]

    return read


def _sheets(style: str, to_score: Callable[[str, str, Sheet], Score]) -> Callable[[Path, Path], Iterator[Found]]:
    def read(folder: Path, file: Path) -> Iterator[Found]:
        name = str(file.relative_to(folder))
        yield guarded(name, file, lambda: to_score(name, style, read_sheet(file)))

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
    yield guarded(name, file, lambda: _kern_score(name, _kern_style(folder, name), file))


def _kern_score(name: str, style: str, file: Path) -> Score:
    return _of_kern(name, style, read_kern(file))


def _of_kern(name: str, style: str, kern: Kern) -> Score:
    """The top part is the tune, the bottom part has the bass."""
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


def _others(pattern: str, why: str) -> Callable[[Path], list[tuple[str, str]]]:
    return lambda folder: [(str(file.relative_to(folder)), why) for file in sorted(folder.glob(pattern))]


_FOR_HANDS = ("voice+keyboard", "keyboard/2-part")
"""Classes of polish-scores; the others are early music without measure, and masses for many parts."""


def _polish(folder: Path) -> list[Path]:
    return [folder / name for name, row in sorted(_index(folder).items()) if row["class"] in _FOR_HANDS]


def _polish_others(folder: Path) -> list[tuple[str, str]]:
    rows = sorted(_index(folder).items())
    return [(n, f"no keyboard music or song ({row['class']})") for n, row in rows if row["class"] not in _FOR_HANDS]


def _chopin(folder: Path) -> list[Path]:
    """One edition of each work."""
    return [folder / name for name, row in sorted(_index(folder).items()) if row["keep"] == "1"]


def _chopin_others(folder: Path) -> list[tuple[str, str]]:
    return [(n, "another edition of a work") for n, row in sorted(_index(folder).items()) if row["keep"] != "1"]


def _midi(style_of: Callable[[Path, str], str]) -> Callable[[Path, Path], Iterator[Found]]:
    """MIDI files; `style_of` is given the folder of the set and the file's name in it.

    The sets have no chord symbols: what reads like one is a section's letter, a syllable or a fingering.
    """

    def read(folder: Path, file: Path) -> Iterator[Found]:
        name = str(file.relative_to(folder))
        piece, score = guarded(name, file, lambda: read_midi(file, name, style_of(folder, name)))
        if not isinstance(score, str):
            score.chords = []
        yield piece, score

    return read


def _one_voice(folder: Path, file: Path) -> Iterator[Found]:
    """Tunes; the drone that a program put under some of them says nothing of their harmony and is left out."""
    for piece, score in _midi(lambda folder, name: "folk")(folder, file):
        if not isinstance(score, str):
            score.bass, score.everything = [], score.melody
        yield piece, score


_MUTOPIA_STYLES = {
    "Baroque": "baroque", "Classical": "classical", "Romantic": "romantic", "Romantique": "romantic",
    "Romanticism": "romantic", "Hymn": "hymn", "Folk": "folk", "Song": "song", "Gospel": "hymn",
    "strophic with chorus": "hymn",
}  # fmt: skip
"""What the typesetters call it -> STYLES; the others (Renaissance, Modern, March) have none there."""


def _mutopia_style(folder: Path, name: str) -> str:
    """Of the set's own words; what it calls jazz is ragtime where Joplin wrote it."""
    row = _index(folder)[name]
    return "ragtime" if row["composer"] == "JoplinS" else _MUTOPIA_STYLES.get(row["style"], "")


def _mutopia(folder: Path, file: Path) -> Iterator[Found]:
    """All but exercises, which are figures without a phrase."""
    name = str(file.relative_to(folder))
    row = _index(folder).get(name)
    if row is None:
        yield name, "is not in index.tsv, so its licence is unknown."
    elif row["style"] == "Technique":
        yield name, "is an exercise."
    else:
        yield from _midi(_mutopia_style)(folder, file)


_PIANISTS = {"Bach": "baroque", "Beethoven": "classical", "Clementi": "classical", "Haydn": "classical",
             "Mozart": "classical"}  # fmt: skip


def _pianist(folder: Path, name: str) -> str:
    """midis/Mozart/mz_330_1.mid"""
    return _PIANISTS.get(Path(name).parent.name, "romantic")


def _analysis(folder: Path, file: Path) -> Iterator[Found]:
    """The chords alone; `song_of` finds the song's own score."""
    name = str(file.parent.relative_to(folder))
    style = "song" if name.startswith("OpenScore") else "baroque"
    yield guarded(name, file, lambda: chart_of(read_analysis(file), name, style))


def _variation(folder: Path, file: Path) -> Iterator[Found]:
    """A phrase with its first annotator's chords; the phrases of a set of variations are one piece."""
    name = f"{file.parent.parent.relative_to(folder)} #{file.stem}"

    def score() -> Score:
        kern, chords = read_harm(file)
        found = _of_kern(name, "classical", kern)
        found.chords = chords
        return found

    yield guarded(name, file, score)


def song_of(piece: str) -> str:
    """The song that a piece of openscore-lieder or when-in-rome is of: "Composer/Set/Song", or ""."""
    for above in ("openscore-lieder:scores/", "when-in-rome:OpenScore-LiederCorpus/"):
        if piece.startswith(above):
            parts = unicodedata.normalize("NFC", piece.removeprefix(above)).split("/")
            return "/".join(parts[:3])
    return ""


_PERFORMANCES = _others("midi/*.mid", "a performance: jamlink has no words for touch and timing")
_SECOND_OPINIONS = _others("*/*/Joined/*_b.krn", "the same phrase with the second annotator's chords")
SOURCES = (
    Source("mcgill-billboard", _glob("*/salami_chords.txt"), _billboard),
    Source("wjazzd-changes", _glob("beats.tsv"), _weimar),
    Source("free-midi-chords", _glob("progressions.tsv"), _progressions),
    Source("m21-folk", _glob("*/*.abc"), _abc("folk")),
    Source("open-hymnal", _glob("*.abc"), _abc("hymn")),
    Source("openscore-lieder", _glob("scores/*/*/*/*.musicxml"), _sheets("song", _top_and_bottom)),
    Source("m21-bach-chorales", _glob("*.musicxml"), _sheets("baroque", _top_and_bottom)),
    Source("polish-scores", _polish, _kern, others=_polish_others),
    Source("chopin-first-editions", _chopin, _kern, others=_chopin_others),
    Source("openscore-quartets", _glob("scores/*/*/*.musicxml"), _sheets("classical", _top_and_bottom)),
    Source("ceol-rince", _glob("*.mid"), _one_voice, LATER),
    Source("mutopia-free", _glob("**/*.mid"), _mutopia, LATER),
    Source("vienna4x22", _glob("musicxml/*.musicxml"), _sheets("romantic", _top_and_bottom), LATER, _PERFORMANCES),
    Source("mutopia-sa", _glob("**/*.mid"), _mutopia, SHARE_ALIKE),
    Source("piano-midi-de", _glob("midis/*/*.mid"), _midi(_pianist), SHARE_ALIKE),
    Source("oldtime-tunebook", _glob("*.abc"), _abc("folk"), SHARE_ALIKE),
    Source("tuneworks-tunebook", _glob("*.abc"), _abc("folk"), SHARE_ALIKE),
    Source("when-in-rome", _glob("**/analysis.txt"), _analysis, SHARE_ALIKE),
    Source("tavern", _glob("*/*/Joined/*_a.krn"), _variation, SHARE_ALIKE, _SECOND_OPINIONS),
)
UNREAD = {"groove-midi": "drums only: jamlink has no words for drums"}
"""Sets of the manifest that are for training and cannot be read, and why."""
MY_MUSIC = "my-music"
"""The name that a player's own folders go by, in recipes too: [mix.my-music]."""


def my_music(folder: Path, file: Path) -> Iterator[Found]:
    """A file of a player's own `folder`; the folder stands in the names of its pieces."""
    for name, piece in music_folder.read(folder.parent, file):
        yield _printable(name), piece


def _printable(name: str) -> str:
    """A file's name may hold anything: line ends, and bytes that are no letters."""
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def source_of(name: str) -> Source:
    """The source of that name. Raises `Nonsense` where there is none."""
    for source in (*SOURCES, Source(MY_MUSIC, music_folder.files, my_music, OWN)):
        if source.name == name:
            return source
    if name in UNREAD:
        raise Nonsense(f"{name} cannot be read ({UNREAD[name]}).", "Leave it out of the sources.")
    known = ", ".join(source.name for source in SOURCES)
    raise Nonsense(f"{name} is no set that jamlink can read.", f"Choose of {known}.")


def kept_names(data_root: Path, names: Collection[str] = ()) -> Callable[[str], str]:
    """A function from "source:piece" to "" (use it) or the reason why it is left out; `names` are the sources read.

    Left out: pieces that share a tune with an evaluation piece, and all but the first of each group of doubles. First
    are those of the earliest wave.
    """
    rows = _rows(data_root / "eval-overlap.tsv")
    shared = {row["train_piece"] for row in rows if not row["eval_piece"].startswith("jsb-chorales:train")}
    wave = {source.name: source.wave for source in SOURCES if not names or source.name in names}
    first: dict[str, str] = {}
    groups = group_of(data_root)
    listed = [piece for piece in groups if piece not in shared and piece.split(":")[0] in wave]
    for piece in sorted(listed, key=lambda piece: (wave[piece.split(":")[0]], piece)):
        first.setdefault(groups[piece], piece)
    doubles = set(groups) - set(first.values())
    return lambda piece: "shared with evaluation" if piece in shared else "double" if piece in doubles else ""


def group_of(data_root: Path) -> dict[str, str]:
    """Piece -> its group of doubles."""
    return {row["piece"]: row["group"] for row in _rows(data_root / "dupes.tsv")}


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table. Raises `Nonsense` where it is missing: without it nothing is known of doubles."""
    try:
        with path.open(newline="") as lines:
            return list(csv.DictReader(lines, delimiter="\t"))
    except OSError:
        raise Nonsense(f"There is no {path}.", "It lies beside MANIFEST.toml; fetch it again.") from None
