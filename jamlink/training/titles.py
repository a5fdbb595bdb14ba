"""What a piece of the training music is called by people, from its name in the corpus and, for ABC, from its file."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jamlink.errors import JamlinkError
from jamlink.training.read_abc import tunes_in


def title_of(name: str, unpacked: Path | None = None) -> str:
    """The title of "source:piece"; `unpacked` is the folder with the files of each source, where it is still there."""
    source, _, piece = name.partition(":")
    file, _, number = piece.partition("#")
    if file.endswith(".abc") and unpacked is not None:
        found = _in_tune_book(unpacked / source / file, number)
        if found:
            return found
    maker = _MAKERS.get(source)
    return maker(piece) if maker else _file(piece)


def _in_tune_book(path: Path, number: str) -> str:
    """The first T: of a tune; by its number X: where the file has several."""
    try:
        titles = _tune_book(path)
    except (JamlinkError, OSError, ValueError):
        return ""
    return titles.get(number.lstrip("0"), "") if number else next(iter(titles.values()), "")


@cache
def _tune_book(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for lines in tunes_in(path):
        fields = {line[0]: line[2:].strip() for line in reversed(lines) if line[1:2] == ":"}
        found.setdefault(fields.get("X", "").lstrip("0"), _sorted_back(fields.get("T", "")))
    return found


def _sorted_back(title: str) -> str:
    """ "Rakes of Mallow, The" as one says it."""
    match = re.fullmatch(r"(.+), (The|A|An)\b(.*)", title)
    return f"{match[2]} {match[1]}{match[3]}" if match else title


def _openscore(piece: str) -> str:
    """scores/Schubert,_Franz/Winterreise,_D.911/17_Im_Dorfe/lc5007181.musicxml"""
    parts = piece.split("/")
    last, _, first = _plain(parts[1]).partition(", ") if len(parts) > 3 else ("", "", "")
    title = re.sub(r"^\d+ ", "", _plain(parts[-2])) if len(parts) > 1 else _plain(piece)
    return f"{title} ({f'{first} {last}'.strip()})" if last else title


def _polish(piece: str) -> str:
    """pl-wnifc/kern/pl-wnifc--6666-n--004_namyslowski-karol--mazur-tego-mi-graj.krn"""
    *above, title = Path(piece).stem.split("--")
    who = above[-1].rpartition("_")[2].replace("-", " ").title() if above else ""
    name = " ".join(title.split("-")).capitalize()
    return f"{name} ({who})" if who and who != "Anonim" else name


def _chopin(piece: str) -> str:
    """058-1-BH-004.krn: work, part, publisher, copy"""
    work, part = (*piece.split("-"), "")[:2]
    return f"Chopin, first editions, {work.lstrip('0')}{f' no. {part}' if part.isdigit() else ''}"


def _bach(piece: str) -> str:
    """bwv227.1.musicxml"""
    return f"Chorale {Path(piece).stem.replace('bwv', 'BWV ')} (Johann Sebastian Bach)"


def _file(piece: str) -> str:
    """Folder/206-The_Bridegroom.abc; what is no file's name stays."""
    if not re.search(r"\.[a-z]+$", piece):
        return _plain(piece)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", Path(piece).stem)
    return re.sub(r"^\d+-", "", _plain(spaced))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("_", " ")).strip()


_MAKERS = {
    "openscore-lieder": _openscore,
    "openscore-quartets": _openscore,
    "polish-scores": _polish,
    "chopin-first-editions": _chopin,
    "m21-bach-chorales": _bach,
}
