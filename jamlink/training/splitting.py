"""Which tunes are kept, and which side of the split each is on.

Waves of sources come one after the other. In each, relatives of the evaluation music and doubles are left out, and the
rest is joined into families, whose side is decided by their name alone. What a wave has settled stays: a piece of a
later wave that is a relative of an earlier one goes to its side, and one that has relatives on both sides is left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jamlink.training.fingerprint import Families, Print, Register
from jamlink.training.kept_apart import evaluation_titles, title_key
from jamlink.training.report import Report
from jamlink.training.sources import MY_MUSIC, song_of, source_of

if TYPE_CHECKING:
    from jamlink.training.corpus import Written

HELD_OUT_PERCENT, HELD_OUT_PERCENT_OF_CHARTS = 4, 10
"""Of families. Charts are few and short: more of them are needed for a figure that means something."""
CHARTS = frozenset(("mcgill-billboard", "wjazzd-changes", "free-midi-chords"))
RELATED, DOUBLE, BOTH_SIDES = "relative of an evaluation piece", "double", "relatives on both sides of the split"


def held_out(family: str, source: str = "") -> bool:
    """Whether a family is for validation: by its name alone, so that the split stays when the corpus grows."""
    percent = HELD_OUT_PERCENT_OF_CHARTS if source in CHARTS else HELD_OUT_PERCENT
    return _lot(family) % 100 < percent


def _lot(family: str) -> int:
    return int(hashlib.sha256(family.encode()).hexdigest()[:8], 16)


@dataclass(slots=True)
class Split:
    """What is settled, by piece ("source:name")."""

    prints: dict[str, Print] = field(default_factory=dict)
    family: dict[str, str] = field(default_factory=dict)
    out: dict[str, bool] = field(default_factory=dict)
    """Whether a piece is held out."""
    refused_songs: set[str] = field(default_factory=set)
    """Songs (`song_of`) of pieces that are relatives of evaluation music: their charts are so too."""


def divide(
    written: Sequence[Written], apart: Mapping[str, Print], groups: Mapping[str, str], reports: Mapping[str, Report]
) -> tuple[list[Written], Split]:
    """The tunes that are kept, in their order, and where they go; what is left out is written into `reports`.

    `apart` are the fingerprints of the evaluation music, `groups` the groups of doubles that are listed.
    """
    split, kept = Split(), set[str]()
    for wave in sorted({source_of(tune.source).wave for tune in written}):
        mine = [tune for tune in written if source_of(tune.source).wave == wave]
        mine = _without_relatives(mine, apart, split, reports)
        kept |= {tune.piece for tune in _settle(mine, split, groups, reports)}
    return [tune for tune in written if tune.piece in kept], split


def _prints(written: Iterable[Written]) -> dict[str, Print]:
    prints: dict[str, Print] = {}
    for tune in written:
        prints[tune.piece] = prints.get(tune.piece, frozenset()) | tune.fingerprint()
    return prints


def _without_relatives(
    written: list[Written], apart: Mapping[str, Print], split: Split, reports: Mapping[str, Report]
) -> list[Written]:
    """Without the pieces that share a melody, or for charts a title, with the evaluation music."""
    register = Register(_prints(written))
    titles = evaluation_titles(dict(apart))
    related = {name for runs in apart.values() for name, _ in register.relatives(runs)}
    related |= {t.piece for t in written if t.source in CHARTS and _titled(t.name, titles)}
    related |= {t.piece for t in written if song_of(t.piece) in split.refused_songs - {""}}
    split.refused_songs |= {song_of(piece) for piece in related} - {""}
    return _dropped(written, related, RELATED, reports)


def _titled(name: str, titles: frozenset[str]) -> bool:
    """Whether a chart, "song #solo" or "song / artist", goes by one of the titles; a word more or less counts too."""
    mine = title_key(name.split(" #")[0].split(" / ")[0])
    return any(mine == title or (len(mine) > 8 and (mine in title or title in mine)) for title in titles)


def _settle(
    written: list[Written], split: Split, groups: Mapping[str, str], reports: Mapping[str, Report]
) -> list[Written]:
    """One of each group of doubles, and for each of the rest its family and side."""
    prints = _prints(written)
    families, doubles, kin = Families(prints), set[str](), _listed_kin(prints, split, groups)
    for members in _by(prints, lambda piece: groups.get(piece, "")).values():
        for piece in members[1:]:
            families.join(members[0], piece)
    register = Register({**split.prints, **prints})
    for one, other, shared in _new_pairs(register, split):
        if one in split.prints:
            kin[other].add(one)
        else:
            families.join(one, other)
        if register.is_double(one, other, shared) and one not in doubles:
            doubles.add(other)
    torn = _take_sides(prints, families, kin, split)
    written = _dropped(_dropped(written, doubles, DOUBLE, reports), torn, BOTH_SIDES, reports)
    kept = {tune.piece for tune in written}
    split.prints |= {piece: runs for piece, runs in prints.items() if piece in kept}
    return written


def _new_pairs(register: Register, split: Split) -> list[tuple[str, str, int]]:
    """Pairs of relatives with a new piece in them: an old one stands first, else the first in the alphabet."""
    new = []
    for one, other, shared in register.pairs():
        old = (one in split.prints) + (other in split.prints)
        if old < 2:
            new.append((other, one, shared) if other in split.prints else (one, other, shared))
    return sorted(new)


def _by(pieces: Iterable[str], key_of: Callable[[str], str]) -> dict[str, list[str]]:
    """The pieces under each key, in order; those without one are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for piece in sorted(pieces):
        if key := key_of(piece):
            found[key].append(piece)
    return found


def _listed_kin(pieces: Iterable[str], split: Split, groups: Mapping[str, str]) -> dict[str, set[str]]:
    """New piece -> settled pieces that are known to be the same music, whatever their fingerprints say."""
    kin: dict[str, set[str]] = defaultdict(set)
    for key_of in (lambda piece: groups.get(piece, ""), song_of):
        settled = _by(split.prints, key_of)
        for piece in pieces:
            kin[piece] |= set(settled.get(key_of(piece), ()))
    return kin


def _take_sides(pieces: Iterable[str], families: Families, kin: Mapping[str, set[str]], split: Split) -> set[str]:
    """Settle family and side of each piece; -> the pieces of a torn family that have relatives held out."""
    members: dict[str, list[str]] = defaultdict(list)
    for piece in pieces:
        members[families.of(piece)].append(piece)
    torn = set[str]()
    for family, those in members.items():
        settled = set[str]().union(*(kin.get(piece, set()) for piece in those))
        sides = {split.out[piece] for piece in settled}
        out = sides.pop() if len(sides) == 1 else not sides and held_out(family, family.split(":")[0])
        if sides:
            torn |= {piece for piece in those if any(split.out[relative] for relative in kin.get(piece, ()))}
        above = min((split.family[piece] for piece in settled if split.out[piece] == out), default=family)
        split.family |= dict.fromkeys(those, above)
        split.out |= dict.fromkeys(those, out)
    _hold_out_one(members, kin, split)
    return torn


def _hold_out_one(members: Mapping[str, list[str]], kin: Mapping[str, set[str]], split: Split) -> None:
    """Of a player's own music at least one family of several is held out, or nothing could be measured by it."""
    mine = [f for f, those in members.items() if f.startswith(MY_MUSIC + ":") and not any(map(kin.get, those))]
    if len(mine) > 1 and not any(split.out[members[family][0]] for family in mine):
        split.out |= dict.fromkeys(members[min(mine, key=_lot)], True)


def _dropped(written: list[Written], pieces: set[str], why: str, reports: Mapping[str, Report]) -> list[Written]:
    for tune in written:
        if tune.piece in pieces:
            reports[tune.source].leave_out(tune.name, why)
    return [tune for tune in written if tune.piece not in pieces]
