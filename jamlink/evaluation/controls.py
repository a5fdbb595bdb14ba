"""Do the player's controls do what they say? Ideas asked for at several settings, judged by their music alone.

Each song gives one place: its bars before SLOT_BAR were played, and the IDEA_BARS bars to the end of the phrase are
wanted, at five settings of each control, all others in the middle. What is then offered is measured, note by note and
chord by chord; what was asked is only ever what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.errors import Nonsense
from jamlink.evaluation.judged_models import folder_of, read_model
from jamlink.evaluation.originality import CONTEXT_BARS, IDEA_BARS, SET, Asked, request_at
from jamlink.evaluation.result import RESAMPLES, Result, Row, interval
from jamlink.evaluation.songs import read_songs, split_hash
from jamlink.music.chord import Chord
from jamlink.music.key import Key
from jamlink.proposers import markov_table
from jamlink.proposers.markov import MarkovProposer
from jamlink.proposers.markov_table import MarkovTable
from jamlink.proposers.originality import index_for
from jamlink.proposers.rules import RulesProposer
from jamlink.proposers.transformer import TransformerProposer
from jamlink.resources import data_folder, shared_music
from jamlink.session.proposal import Candidate, Controls, ProposalRequest
from jamlink.tokens.phrase import Phrase, places_from, quantise
from jamlink.tokens.vocab import Task
from jamlink.training import style_judge
from jamlink.training.corpus import BAR_FACTS, bar_facts
from jamlink.training.style_judge import StyleJudge

Say = Callable[[str], None]
Values = npt.NDArray[np.float64]
SONGS = 40
"""How many are drawn where nobody says."""
SLOT_BAR, ELSEWHERE_BAR = 12, 10
"""Bars from 0: with IDEA_BARS bars the first slot ends a phrase of eight, the second does not."""
SETTINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
CONTROLS = ("density", "brightness", "drive", "surprise")
STYLES = tuple(dict.fromkeys(style for styles in style_judge.PARTS.values() for style in styles))
_AS_IT_COMES = Controls()
_FLOOR = 0.001
"""The share of the chances that goes evenly to all chords, so that none is impossible."""
_RESAMPLES = RESAMPLES // 4
"""Of rank correlations, which take their time."""

Hands = Mapping[Controls, Sequence[Candidate]]
"""What one song was offered, by what was asked."""


def evaluate(*, data: Path | None = None, model: str = "", seed: int = 0, songs: int = 0, say: Say = print) -> Result:
    """Rows for people, the model, all that it drew before the critics chose, markov and rules.

    `data` is a folder of lead sheets, by default OpenEWLD's songs, of which SONGS are drawn. Raises `Unavailable`
    without music, `Nonsense` where no song is long enough.
    """
    where = data or shared_music() / "data-eval" / SET
    found = [song for song in read_songs(where).songs if song.bars >= SLOT_BAR + IDEA_BARS]
    if not found:
        raise Nonsense(f"No song in {where} has {SLOT_BAR + IDEA_BARS} bars.", "Give longer songs.")
    chance = np.random.default_rng(seed)
    count = min(len(found), songs or SONGS)
    found = [found[i] for i in sorted(chance.permutation(len(found))[:count])]
    judge = Judge.shipped(seed)
    asked = [request_at(song, SLOT_BAR, seed + i) for i, song in enumerate(found)]
    elsewhere = [request_at(song, ELSEWHERE_BAR, seed + i) for i, song in enumerate(found)]
    rows = [_with_elsewhere(judge.human(asked), elsewhere, [[one.human] for one in elsewhere], seed)]
    for system, model_name, offer in _systems(model):
        say(system)
        row = judge.row(system, asked, [hands_of(offer, one.request) for one in asked], model_name)
        rows.append(_with_elsewhere(row, elsewhere, [offer(one.request) for one in elsewhere], seed))
    return Result("controls", str(where), split_hash(found), seed, tuple(rows), _notes(judge))


# -- who is asked -----------------------------------------------------------------------------------------------------

Offer = Callable[[ProposalRequest], Sequence[Candidate]]


def _systems(model: str) -> Iterator[tuple[str, str, Offer]]:
    if model:
        weights = read_model(model)
        jam = TransformerProposer(weights, index_for(folder_of(model)))
        drafts = cache(lambda request: jam.drafts(request, _never))
        yield "jam", jam.name, lambda request: jam.hand(drafts(request), request)
        yield "jam, all drafts", jam.name, drafts
    markov, rules = MarkovProposer(), RulesProposer()
    yield "markov", "", lambda request: markov.propose(request, _never)
    yield "rules", "", lambda request: rules.propose(request, _never)


def hands_of(offer: Offer, request: ProposalRequest) -> Hands:
    """What is offered at each setting."""
    return {controls: offer(replace(request, controls=controls)) for controls in settings()}


def settings() -> list[Controls]:
    """All that is asked of one song."""
    turned = (turned_to(name, value) for name in CONTROLS for value in SETTINGS)
    styles = (Controls(style=style) for style in STYLES)
    return list(dict.fromkeys((*turned, *styles)))


def turned_to(name: str, value: float) -> Controls:
    """One control turned, the others in the middle."""
    return Controls(**{name: value})  # type: ignore[arg-type]


def _never() -> bool:
    return False


# -- measuring one idea -----------------------------------------------------------------------------------------------


def phrase_of(idea: Candidate, request: ProposalRequest) -> Phrase:
    """The idea as the corpus would write it."""
    meter, bars = request.context.meter, request.slot.bars
    return quantise(Phrase(meter, places_from(0, bars), idea.chords, idea.melody), Task.LEAD)


def density(idea: Candidate, request: ProposalRequest) -> float:
    """Notes of the melody in a bar."""
    return len(idea.melody) / request.slot.bars


def brightness(idea: Candidate, request: ProposalRequest) -> float:
    """As the corpus measures it: major thirds 1, minor ones -1, lower with a low fifth; the mean over time."""
    facts = _facts(idea, request)
    return facts["bright"] / facts["bright_weight"] if facts["bright_weight"] else np.nan


def drive(idea: Candidate, request: ProposalRequest) -> float:
    """As the corpus measures it, the tempo aside: onsets a quarter, those off the beat twice."""
    facts = _facts(idea, request)
    return (facts["onsets"] + facts["off_beat"]) / facts["quarters"]


def _facts(idea: Candidate, request: ProposalRequest) -> dict[str, float]:
    sums = np.asarray(bar_facts(phrase_of(idea, request)), np.float64).sum(axis=0)
    return dict(zip(BAR_FACTS, map(float, np.atleast_1d(sums)), strict=True))


def surprise(table: MarkovTable, idea: Candidate, request: ProposalRequest) -> float:
    """Mean -ln p of the idea's changes of chord after those before it, under counts of charts; not a number without."""
    key = request.context.key or Key(0)
    before = _changes(span.chord for span in request.context.chords)
    nats = []
    for chord in _changes([*before[-1:], *(span.chord for span in idea.chords)])[len(before[-1:]) :]:
        likely = {_plain(c): p for c, p in table.chances(before, key)}
        nats.append(-np.log((1 - _FLOOR) * likely.get(chord, 0.0) + _FLOOR / markov_table.WORDS))
        before.append(chord)
    return float(np.mean(nats)) if nats else np.nan


def _changes(chords: Iterator[Chord | None] | Sequence[Chord | None]) -> list[Chord]:
    """Chords without inversions, none twice on end."""
    found: list[Chord] = []
    for chord in chords:
        if chord and _plain(chord) not in found[-1:]:
            found.append(_plain(chord))
    return found


def _plain(chord: Chord) -> Chord:
    return Chord(chord.root, chord.quality)


def in_key(idea: Candidate, key: Key) -> tuple[float, float, float, float]:
    """Ticks of melody in the key, of melody, of chord notes in the key, of chords.

    A minor key has its raised sixth and seventh, too.
    """
    home = key.scale | {(key.tonic + 9) % 12, (key.tonic + 11) % 12} if key.minor else key.scale
    named = [(span.chord.pitch_classes, span.duration) for span in idea.chords if span.chord]
    return (
        sum(n.duration for n in idea.melody if n.pitch % 12 in home),
        sum(n.duration for n in idea.melody),
        sum(len(pcs & home) / len(pcs) * ticks for pcs, ticks in named),
        sum(ticks for _, ticks in named),
    )


def ends(idea: Candidate, key: Key) -> float:
    """1 where the last chord stands on the key's tonic or dominant, else 0; not a number without chords."""
    last = next((span.chord for span in reversed(idea.chords) if span.chord), None)
    return float((last.root - key.tonic) % 12 in (0, 7)) if last else np.nan


# -- obedience --------------------------------------------------------------------------------------------------------


def rank_correlation(a: Sequence[float] | Values, b: Sequence[float] | Values) -> float:
    """Spearman's, -1 to 1; ties share the mean of their ranks; pairs without a number are left out.

    Not a number where one side never changes.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    kept = np.isfinite(x) & np.isfinite(y)
    ranks = [_ranks(x[kept]), _ranks(y[kept])]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1]) if kept.any() and all(np.ptp(r) > 0 for r in ranks) else np.nan


def _ranks(values: Values) -> Values:
    order = np.sort(values)
    return (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")) / 2


def above(high: Sequence[float] | Values, low: Sequence[float] | Values) -> float:
    """Area under the curve: how often one of `high` is above one of `low`, ties counting half."""
    h, s = (np.asarray(v, np.float64) for v in (high, low))
    h, s = h[np.isfinite(h)], np.sort(s[np.isfinite(s)])
    both = np.searchsorted(s, h, "left") + np.searchsorted(s, h, "right")
    return float(both.mean() / 2 / len(s)) if len(h) and len(s) else np.nan


Turned = tuple[Values, ...]
"""For each of SETTINGS what the ideas of a hand measured."""
Figure = Callable[[Sequence[Turned]], float]
"""Of all songs."""


def by_hand(found: Sequence[Turned]) -> float:
    """Rank correlation of the setting and the mean of a hand, over all hands of all songs."""
    return rank_correlation(SETTINGS * len(found), [_mean(hand) for turned in found for hand in turned])


def by_idea(found: Sequence[Turned]) -> float:
    """Rank correlation of the setting and each idea, over all songs."""
    pairs = [(asked, x) for turned in found for asked, hand in zip(SETTINGS, turned, strict=True) for x in hand]
    return rank_correlation(*zip(*pairs, strict=True)) if pairs else np.nan


def in_song(found: Sequence[Turned]) -> float:
    """Rank correlation of the setting and the mean of a hand in each song, the mean over songs."""
    return _mean([rank_correlation(SETTINGS, [_mean(hand) for hand in turned]) for turned in found])


def extremes(found: Sequence[Turned]) -> float:
    """How often an idea of the highest setting measures more than one of the lowest, of whatever songs they are."""
    return above(np.concatenate([turned[-1] for turned in found]), np.concatenate([turned[0] for turned in found]))


def extremes_in_song(found: Sequence[Turned]) -> float:
    """The same of one song, the mean over songs."""
    return _mean([above(turned[-1], turned[0]) for turned in found])


FIGURES: Mapping[str, Mapping[str, Figure]] = {
    "density": {"density": by_hand, "density_by_idea": by_idea, "density_in_song": in_song},
    "drive": {"drive": by_hand, "drive_by_idea": by_idea, "drive_in_song": in_song},
    "surprise": {"surprise": by_hand, "surprise_by_idea": by_idea, "surprise_in_song": in_song},
    "brightness": {"brightness": extremes, "brightness_in_song": extremes_in_song, "brightness_rho": by_hand},
}
"""The figures of each control; the first one is what its bar is about."""


def _mean(values: Sequence[float] | Values) -> float:
    kept = [v for v in values if np.isfinite(v)]
    return float(np.mean(kept)) if kept else np.nan


def _by_song(figure: Figure, found: Sequence[Turned], seed: int) -> tuple[float, float]:
    """95 % interval of a figure by drawing songs with replacement."""
    chance = np.random.default_rng(seed)
    drawn = [figure([found[i] for i in chance.integers(len(found), size=len(found))]) for _ in range(_RESAMPLES)]
    low, high = np.nanquantile(drawn, (0.025, 0.975)) if np.isfinite(drawn).any() else (np.nan, np.nan)
    return float(low), float(high)


def _adherence(asked: Sequence[Asked], hands: Sequence[Sequence[Candidate]], part: str = "") -> list[float]:
    """By song the share of sounding time in the key: of "melody", of "chords", or of both."""
    sums = [
        np.array([(0.0,) * 4, *(in_key(i, one.key) for i in h)]).sum(0) for one, h in zip(asked, hands, strict=True)
    ]
    inside, all_ = {"melody": ([0], [1]), "chords": ([2], [3]), "": ([0, 2], [1, 3])}[part]
    return [float(s[inside].sum() / s[all_].sum()) if s[all_].sum() else np.nan for s in sums]


def _cadences(asked: Sequence[Asked], hands: Sequence[Sequence[Candidate]]) -> list[float]:
    return [_mean([ends(idea, one.key) for idea in hand]) for one, hand in zip(asked, hands, strict=True)]


def _with_elsewhere(row: Row, asked: Sequence[Asked], hands: Sequence[Sequence[Candidate]], seed: int) -> Row:
    """How many ideas end as phrases do where no phrase ends."""
    shares, name = _cadences(asked, hands), "cadence_elsewhere"
    return replace(row, metrics={**row.metrics, name: _mean(shares)}, ci={**row.ci, name: interval(shares, seed=seed)})


def _notes(judge: Judge) -> tuple[str, ...]:
    human = "; ".join(
        f"{part}: " + ", ".join(f"{s} {share:.2f}" for s, share in zip(j.styles, j.human, strict=True))
        for part, j in judge.styles.items()
    )
    return (
        f"Settings {', '.join(map(str, SETTINGS))} of one control, the others in the middle; {IDEA_BARS} bars that end "
        f"a phrase, after {CONTEXT_BARS} bars.",
        "density (notes a bar), drive (onsets a quarter, those off the beat twice), surprise (mean -ln p of a change "
        "of chord after up to four, as counted from charts): Spearman's rho of the setting with the mean of a hand, "
        "over all songs; by_idea: with each idea; in_song: within a song, the mean over songs. Five equal settings "
        "leave .98 as the most.",
        "brightness: how often an idea asked for at 1 is brighter than one asked for at 0 (major thirds against minor "
        "ones and low fifths, as in training), any two songs; in_song: of one song; rho: as above.",
        "key: share of sounding time, of melody and chord notes, in the key that was asked for (a minor one with "
        "raised sixth and seventh); key_safe: the same with surprise at 0.",
        "cadence: last chords on tonic or dominant; elsewhere: where the slot ends in mid-phrase.",
        f"style: ideas told to be of the style that was asked for; people's row: of held-out music ({human}).",
        "jam, all drafts: what the network drew, kept to the notes and push asked for, before the critics chose.",
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Measures hands. `table` counts the changes of charts; `styles` tell styles by chords and by melody."""

    table: MarkovTable
    styles: Mapping[str, StyleJudge]
    seed: int

    @staticmethod
    def shipped(seed: int) -> Judge:
        """With the tables in models/. Raises `Unavailable` where they are missing."""
        folder = data_folder("models")
        return Judge(
            markov_table.load_published(folder / "markov"), style_judge.load(folder / "style" / style_judge.FILE), seed
        )

    def row(self, system: str, asked: Sequence[Asked], hands: Sequence[Hands], model: str = "") -> Row:
        """All figures of a system; `hands` has one entry a song."""
        metrics: dict[str, float] = {}
        ci: dict[str, tuple[float, float]] = {}
        for name in CONTROLS:
            found = [self._measured(name, one.request, offered) for one, offered in zip(asked, hands, strict=True)]
            for figure_name, figure in FIGURES[name].items():
                metrics[figure_name], ci[figure_name] = figure(found), _by_song(figure, found, self.seed)
        by_song = self._places(asked, [offered[_AS_IT_COMES] for offered in hands])
        by_song["key_safe"] = _adherence(asked, [offered[Controls(surprise=0.0)] for offered in hands])
        by_song |= {f"style_{p}": self._style(p, asked, hands) for p in style_judge.PARTS}
        for name, values in by_song.items():
            metrics[name], ci[name] = float(np.nanmean(values)), interval(values, seed=self.seed)
        return Row(system, len(asked), metrics, ci, model)

    def human(self, asked: Sequence[Asked]) -> Row:
        """What the songs themselves go on with; how well styles are told that people wrote."""
        by_song = self._places(asked, [[one.human] for one in asked])
        metrics = {name: float(np.nanmean(values)) for name, values in by_song.items()}
        metrics |= {f"style_{part}": float(judge.human.mean()) for part, judge in self.styles.items()}
        return Row("human", len(asked), metrics, {name: interval(v, seed=self.seed) for name, v in by_song.items()})

    def _measured(self, name: str, request: ProposalRequest, offered: Hands) -> Turned:
        """For each setting what its ideas measured."""
        measure = {"density": density, "brightness": brightness, "drive": drive}.get(name)
        hands = (offered[turned_to(name, value)] for value in SETTINGS)
        return tuple(
            np.array([measure(i, request) if measure else surprise(self.table, i, request) for i in hand])
            for hand in hands
        )

    def _places(self, asked: Sequence[Asked], hands: Sequence[Sequence[Candidate]]) -> dict[str, list[float]]:
        """Key and cadence by song."""
        parts = {f"key_{part}": _adherence(asked, hands, part) for part in ("melody", "chords")}
        return {"key": _adherence(asked, hands), **parts, "cadence": _cadences(asked, hands)}

    def _style(self, part: str, asked: Sequence[Asked], hands: Sequence[Hands]) -> list[float]:
        """By song, the share of ideas that are told to be of the style that they were asked in."""
        judge, look = self.styles[part], style_judge.FEATURES[part]
        found = []
        for one, offered in zip(asked, hands, strict=True):
            right = []
            for style in judge.styles:
                ideas = offered[Controls(style=style)]
                right += [judge.style(look(phrase_of(idea, one.request))) == style for idea in ideas]
            found.append(_mean(right))
        return found
