"""Do ideas quote the music that taught the model, and are the ideas of a hand different?

Each song gives one request: its first CONTEXT_BARS bars were played, IDEA_BARS bars are wanted. What a system offers
is compared with all melodies of the training music (`jamlink.proposers.originality`), and with the rest of its hand.
The yardsticks are people: what the song itself goes on with, and how far apart two songs go on that stood alike.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from jamlink.errors import Nonsense, Unavailable
from jamlink.evaluation.judged_models import folder_of, read_model
from jamlink.evaluation.result import Result, Row, interval
from jamlink.evaluation.songs import Song, read_songs, split_hash
from jamlink.music.chord import Chord, ChordSpan
from jamlink.music.key import Key
from jamlink.music.key_estimate import estimate_key
from jamlink.music.note import Note
from jamlink.proposers.base import Proposer
from jamlink.proposers.likeness import Look
from jamlink.proposers.markov import MarkovProposer
from jamlink.proposers.originality import LONGEST_WAIT, UNIT, VERBATIM, WIDEST, Index, index_for, steps_of
from jamlink.proposers.rules import RulesProposer
from jamlink.proposers.transformer import TransformerProposer
from jamlink.resources import shared_music
from jamlink.session.context import ContextWindow
from jamlink.session.proposal import Candidate, Controls, ProposalRequest, Role, Slot
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import TICKS_PER_QUARTER, Ns, Ticks, tempo_of_bpm
from jamlink.tokens.phrase import places_from

Say = Callable[[str], None]
SET = "openewld-pd"
CONTEXT_BARS, IDEA_BARS, HAND = 8, 4, 4
_ROLES = frozenset((Role.CHORDS, Role.MELODY))
_TEMPO = tempo_of_bpm(110)
_PHRASE_BARS = 8
PUBLISHED_FOLK, PUBLISHED_OTHERS = 16, 8
"""Steps: the bands of our first study, measured on smaller sets (Nottingham; OpenEWLD)."""
_MOST_PAIRS = 4000
MOST_KNOWN, KNOWN, _MIDDLE = 100, ", known tunes", 71
_COPIED = 32
"""Steps that a copyist wants to take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, what the song itself went on with, and where it stood."""

    request: ProposalRequest
    human: Candidate
    key: Key
    likeness: tuple[object, ...]
    """Equal for contexts that are alike: meter, mode, place in the phrase, last chord by degree."""


def evaluate(
    *, data: Path | None = None, model: str = "", seed: int = 0, songs: int = 0, say: Say = print, style: str = ""
) -> Result:
    """Rows for people, the model with and without its guard, markov, rules and a copyist; all of them once more for
    players who sing what the model learnt from.

    `data` is a folder of lead sheets, by default OpenEWLD's songs; `style` is said to the model and chooses the band.
    Raises `Unavailable` without music or without an index of the training music, `Nonsense` where no song is long
    enough.
    """
    index = index_for(folder_of(model))
    if index is None:
        raise Unavailable("There is no index of the training music.", "Make it with: jamlink corpus index")
    where = data or shared_music() / "data-eval" / SET
    found = [song for song in read_songs(where, songs=songs, seed=seed).songs if song.bars >= CONTEXT_BARS + IDEA_BARS]
    if not found:
        raise Nonsense(f"No song in {where} has {CONTEXT_BARS + IDEA_BARS} bars.", "Give longer songs.")
    asked = [request_at(song, CONTEXT_BARS, seed + i, style) for i, song in enumerate(found)]
    judge = Judge(index, style, seed)
    rows = [judge.row("human", asked, [[one.human] for one in asked]), human_pairs(found, style, seed)]
    rows += [judge.windows("human, windows of 16 steps", found)]
    known = known_tunes(index, min(MOST_KNOWN, len(found)), seed, style)
    for about, requests in (("", asked), (KNOWN, known)):
        for name, system, label, caveat in _systems(model, index):
            say(name + about)
            hands = [system.propose(one.request, lambda: False) for one in requests]
            rows.append(_with_guard(judge.row(name + about, requests, hands, label, caveat), system))
    return Result("originality", str(where), split_hash(found), seed, tuple(rows), _notes(index, style))


def _systems(model: str, index: Index) -> Iterator[tuple[str, Proposer, str, str]]:
    if model:
        weights = read_model(model)
        name = str(weights.card["name"])
        yield "jam", TransformerProposer(weights, index), name, ""
        yield "jam without guard", TransformerProposer(weights), name, ""
    yield "markov", MarkovProposer(), "", ""
    yield "rules", RulesProposer(), "", ""
    yield "copyist", Copyist(index), "", "goes on as the training piece that the player's line is nearest to"


def _with_guard(row: Row, system: Proposer) -> Row:
    if not isinstance(system, TransformerProposer) or not system.guard.judged or "without" in row.system:
        return row
    return replace(row, metrics={**row.metrics, "kept_back": system.guard.kept_back / system.guard.judged})


def _notes(index: Index, style: str) -> tuple[str, ...]:
    bands = ", ".join(f"{s or 'any style'} {most}" for (r, s), most in sorted(index.bands.items()) if r is Role.MELODY)
    return (
        f"longest: the longest run of (interval, wait) steps shared with any training melody, in any key. Bands, the "
        f"99th percentile of held-out human windows of 16 steps: {bands}; here {index.band(Role.MELODY, style)}.",
        f"inside: ideas within that band; inside_published: within {PUBLISHED_FOLK} steps for folk, else "
        f"{PUBLISHED_OTHERS}; verbatim: ideas with {VERBATIM} steps or more; kept_back: of the lines drawn.",
        "known tunes: the player has sung the first bars of melodies that taught the model: here memory would show.",
        "distance: 1 - likeness (jamlink.proposers.likeness) between the ideas of a hand, or between two songs' own "
        "continuations moved to one key, after contexts with the same meter, mode, place in the phrase and last chord.",
    )


# -- what is asked ----------------------------------------------------------------------------------------------------


def request_at(song: Song, bar: int, seed: int, style: str = "") -> Asked:
    """What a player asks who has played the bars of `song` before `bar`: chords and melody for the next IDEA_BARS."""
    length = song.meter.bar_ticks
    start, cut = max(0, bar - CONTEXT_BARS) * length, bar * length
    heard = tuple(n for n in song.melody if start <= n.onset < cut)
    chords = tuple(_within(song.chords, start, cut))
    estimate = estimate_key(heard)
    key = estimate.key if estimate else Key(0)
    context = ContextWindow(Ticks(start), Ticks(cut), song.meter, _TEMPO, key, heard, chords)
    slot = Slot(Ticks(cut), IDEA_BARS, length)
    request = ProposalRequest(1, slot, _ROLES, context, Controls(style=style), seed, HAND, Ns(0))
    after = cut + IDEA_BARS * length
    melody = tuple(
        replace(n, onset=Ticks(n.onset - cut), duration=Ticks(min(n.end, after) - n.onset))
        for n in song.melody
        if cut <= n.onset < after
    )
    spans = tuple(span.shifted(Ticks(-cut)) for span in _within(song.chords, cut, after))
    last = next((span.chord for span in reversed(chords) if span.chord), None)
    alike = (str(song.meter), key.minor, bar % _PHRASE_BARS, _degree(last, key))
    return Asked(request, Candidate(spans, melody, (), 0.0, 0.0, "human", 0), key, alike)


def _within(spans: Iterable[ChordSpan], start: int, end: int) -> Iterator[ChordSpan]:
    for span in spans:
        onset, until = max(start, span.onset), min(end, span.end)
        if onset < until:
            yield ChordSpan(Ticks(onset), Ticks(until - onset), span.chord)


def _degree(chord: Chord | None, key: Key) -> tuple[int, bool] | None:
    return ((chord.root - key.tonic) % 12, chord.quality.minor_third) if chord else None


def known_tunes(index: Index, count: int, seed: int, style: str = "") -> list[Asked]:
    """What a player asks who has played the first bars, in common time, of melodies that the model learnt from.

    Here a memory would show. Nothing but the melody is played.
    """
    chance, found = random.Random(seed), []
    for number in chance.sample(range(index.lines(Role.MELODY)), index.lines(Role.MELODY)):
        begin, bar, steps = index.line(Role.MELODY, number)
        notes = _sung(begin * UNIT, steps)
        if (
            bar * UNIT == COMMON_TIME.bar_ticks
            and notes[-1].onset >= (CONTEXT_BARS + IDEA_BARS) * COMMON_TIME.bar_ticks
        ):
            places = places_from(0, notes[-1].onset // COMMON_TIME.bar_ticks, _PHRASE_BARS)
            song = Song(str(number), COMMON_TIME, places, notes, ())
            found.append(request_at(song, CONTEXT_BARS, seed + number, style))
        if len(found) == count:
            break
    return found


def _sung(tick: int, steps: Sequence[int]) -> tuple[Note, ...]:
    """Steps as a melody about the middle of a voice."""
    ups, waits = zip(*(divmod(step, LONGEST_WAIT + 1) for step in steps), strict=True)
    pitches = np.concatenate([[0], np.cumsum(np.array(ups) - WIDEST)])
    pitches = np.clip(pitches + round(_MIDDLE - float(pitches.mean())), 21, 108)
    onsets = np.concatenate([[0], np.cumsum(waits)]) * UNIT + tick
    lengths = [*(wait * UNIT for wait in waits), TICKS_PER_QUARTER]
    together = zip(onsets, pitches, lengths, strict=True)
    return tuple(Note(Ticks(int(o)), int(p), Ticks(min(int(n), COMMON_TIME.bar_ticks))) for o, p, n in together)


# -- judging ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares ideas with an index."""

    index: Index
    style: str
    seed: int

    def longest(self, notes: Sequence[Note]) -> int:
        """Steps of the longest run shared with a training melody."""
        match = self.index.closest(notes)
        return match.steps if match else 0

    def row(
        self,
        system: str,
        asked: Sequence[Asked],
        hands: Sequence[Sequence[Candidate]],
        model: str = "",
        caveat: str = "",
    ) -> Row:
        """Runs of all ideas, and distances within hands; intervals by song."""
        runs = [np.array([self.longest(idea.melody) for idea in hand]) for hand in hands]
        every = np.concatenate(runs)
        band = self.index.band(Role.MELODY, self.style)
        published = PUBLISHED_FOLK if self.style == "folk" else PUBLISHED_OTHERS
        by_song = {
            "inside": [float(np.mean(r <= band)) if len(r) else np.nan for r in runs],
            "inside_published": [float(np.mean(r <= published)) if len(r) else np.nan for r in runs],
            "verbatim": [float(np.mean(r >= VERBATIM)) if len(r) else np.nan for r in runs],
        }
        for part in PARTS_APART:
            by_song[part] = [within(hand, one.request, part) for one, hand in zip(asked, hands, strict=True)]
        metrics, ci = _means(by_song, [float(len(r)) for r in runs], self.seed)
        metrics |= {"longest_median": float(np.median(every)), "longest_most": float(every.max(initial=0))}
        return Row(system, len(every), metrics, ci, model, caveat)

    def windows(self, system: str, songs: Sequence[Song]) -> Row:
        """The runs of the songs' own windows: the human band of this music."""
        found = [self.index.closest_run(w, Role.MELODY) for song in songs for w in _windows(steps_of(song.melody))]
        runs = np.array([match.steps if match else 0 for match in found])
        quantiles = np.quantile(runs, (0.5, 0.99), method="inverted_cdf") if len(runs) else (np.nan, np.nan)
        band = self.index.band(Role.MELODY, self.style)
        metrics = {
            "inside": float(np.mean(runs <= band)) if len(runs) else np.nan,
            "longest_median": float(quantiles[0]),
            "longest_p99": float(quantiles[1]),
            "longest_most": float(runs.max(initial=0)),
        }
        return Row(system, len(runs), metrics)


def _windows(steps: Sequence[int], size: int = 16) -> Iterator[Sequence[int]]:
    return (steps[i : i + size] for i in range(0, len(steps) - size + 1, size))


def _means(
    by_song: dict[str, list[float]], weights: Sequence[float], seed: int
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    metrics, ci = {}, {}
    for name, values in by_song.items():
        v = np.array(values)
        w = np.ones_like(v) if name in PARTS_APART else np.array(weights)
        kept = np.isfinite(v)
        if kept.any():
            metrics[name] = float(np.average(v[kept], weights=w[kept]))
            ci[name] = interval(v, w, seed)
    return metrics, ci


# -- distance ---------------------------------------------------------------------------------------------------------

PARTS_APART = ("distance", "distance_chords", "distance_melody")


def apart(a: Look, b: Look, part: str = "distance") -> float:
    """1 - likeness, of all or of one part; not a number where that part is missing."""
    if part == "distance_chords":
        a, b = replace(a, melody=frozenset(), bass=frozenset()), replace(b, melody=frozenset(), bass=frozenset())
        said = any(a.chords) and any(b.chords)
    elif part == "distance_melody":
        a, b = replace(a, chords=(), bass=frozenset()), replace(b, chords=(), bass=frozenset())
        said = bool(a.melody and b.melody)
    else:
        said = True
    return 1 - a.likeness(b) if said else float("nan")


def within(hand: Sequence[Candidate], request: ProposalRequest, part: str = "distance") -> float:
    """The mean distance between two ideas of a hand; not a number for fewer than two."""
    looks = [Look.at(idea, request) for idea in hand]
    return _mean([apart(a, b, part) for a, b in combinations(looks, 2)])


def _mean(values: Iterable[float]) -> float:
    kept = [value for value in values if np.isfinite(value)]
    return float(np.mean(kept)) if kept else float("nan")


def human_pairs(songs: Sequence[Song], style: str, seed: int) -> Row:
    """How far apart two songs go on from contexts that are alike; intervals by pair (narrower than by song)."""
    looks: dict[tuple[object, ...], list[tuple[str, Look]]] = defaultdict(list)
    for song in songs:
        for bar in range(_PHRASE_BARS // 2, song.bars - IDEA_BARS + 1, _PHRASE_BARS // 2):
            one = request_at(song, bar, seed, style)
            if one.human.chords and one.human.melody:
                looks[one.likeness].append((song.name, Look.at(_in_c(one.human, one.key), one.request)))
    pairs = [(a, b) for alike in looks.values() for (x, a), (y, b) in combinations(alike, 2) if x != y]
    random.Random(seed).shuffle(pairs)
    pairs = pairs[:_MOST_PAIRS]
    found = {part: [apart(a, b, part) for a, b in pairs] for part in PARTS_APART}
    metrics, ci = _means(found, [1.0] * len(pairs), seed)
    return Row("human pairs, like contexts", len(pairs), metrics, ci)


def _in_c(idea: Candidate, key: Key) -> Candidate:
    """Moved to C or C minor the shorter way."""
    by = (-key.tonic) % 12
    by = by - 12 if by > 6 else by
    melody = tuple(note.transposed(by) for note in idea.melody)
    return replace(idea, chords=tuple(span.transposed(by) for span in idea.chords), melody=melody)


# -- a copyist --------------------------------------------------------------------------------------------------------


class Copyist:
    """Goes on as the training piece did where the player's line stood in it: what an index must catch."""

    name = "copyist"

    def __init__(self, index: Index) -> None:
        self._index = index

    def propose(self, request: ProposalRequest, cancelled: Callable[[], bool]) -> list[Candidate]:
        """One idea; none where the line has no known step."""
        heard = request.context.heard
        steps = self._index.going_on(steps_of(heard), Role.MELODY, _COPIED)
        if cancelled() or not steps or not heard:
            return []
        melody = tuple(_played(steps, heard[-1], request.slot))
        return [Candidate((), melody, (), 0.0, 0.0, self.name, request.seed)] if melody else []


def _played(steps: Sequence[int], last: Note, slot: Slot) -> Iterator[Note]:
    """The notes of steps after the player's last one that lie in the slot."""
    tick, pitch = last.onset - slot.start, last.pitch
    for step in steps:
        interval_up, wait = divmod(step, LONGEST_WAIT + 1)
        tick, pitch = tick + wait * UNIT, pitch + interval_up - WIDEST
        if tick >= slot.length:
            return
        if tick >= 0 and 0 <= pitch <= 127:
            yield Note(Ticks(tick), pitch, Ticks(UNIT))
