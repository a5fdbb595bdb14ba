"""Does the network do what the steering words ask?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from jamlink.engine.decoder import Decoder
from jamlink.engine.generate import Row, Sampling, generate
from jamlink.music.chord import ChordSpan
from jamlink.nn import checkpoint
from jamlink.timing.meter import COMMON_TIME
from jamlink.timing.units import Ticks
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode, decode_slot
from jamlink.tokens.encode import prompt
from jamlink.tokens.grammar import Grammar
from jamlink.tokens.phrase import Heading, Phrase, Steering, places_from
from jamlink.tokens.vocab import Task
from jamlink.training.baselines import ChordNgram, changes_of, charts_of
from jamlink.training.corpus import BAR_FACTS, bar_facts
from jamlink.training.examples import Corpus

_CHART_SOURCES = ("mcgill-billboard", "wjazzd-changes")
_CONTEXT = 4
"""Bars before, and bars asked for."""


def obedience(folder: Path, corpus: Corpus, *, rows: int = 12) -> dict[str, float]:
    """Rank correlation (Spearman) of what was asked by steering words with what was then played, 4 bars after 4.

    Density is judged by onsets a quarter (chords and melody), brightness and surprise by the chords (chords alone,
    surprise under the chord bigram of the training charts). Held-out contexts; temperature 0.9.
    """
    found = checkpoint.load(folder, vocab.HASH)
    decoder = Decoder(found.config, found.weights)
    bigram = ChordNgram([changes_of(ids) for _, _, ids in charts_of(corpus, _CHART_SOURCES, False)], 1)
    common = vocab.meter_id(COMMON_TIME)
    heading = [vocab.BOS, vocab.task_id(Task.CHORDS), common]
    held = [ids for _, meter, ids in charts_of(corpus, _CHART_SOURCES, True) if meter == common]
    charts = [decode([*heading, *ids, vocab.EOS]).phrase for ids in held]
    asked: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for i, chart in enumerate(chart for chart in charts if chart.bars >= _CONTEXT):
        context = replace(chart, places=chart.places[:_CONTEXT], chords=_until(chart))
        name = ("density", "brightness", "surprise")[i % 3]
        if len(asked[name]) >= 5 * rows:
            continue
        for level in range(vocab.LEVELS):
            task = Task.LEAD if name == "density" else Task.CHORDS
            steering = replace(Steering(_CONTEXT), **{name: level})
            phrase = _played(decoder, task, context, steering, seed=i * vocab.LEVELS + level)
            asked[name].append((level, _realised(name, phrase, bigram)))
    return {name: round(rank_correlation(pairs), 3) for name, pairs in asked.items()}


def _until(chart: Phrase) -> tuple[ChordSpan, ...]:
    """The chords of the context, the last cut off at its end."""
    end = _CONTEXT * chart.meter.bar_ticks
    return tuple(replace(s, duration=Ticks(min(s.end, end) - s.onset)) for s in chart.chords if s.onset < end)


class _Free:
    """A grammar as the engine's guide."""

    def __init__(self, grammar: Grammar) -> None:
        self.grammar = grammar

    @property
    def finished(self) -> bool:
        return self.grammar.finished

    def next(self) -> int | npt.NDArray[np.bool_]:
        allowed = self.grammar.allowed()
        return allowed[0] if len(allowed) == 1 else np.frombuffer(self.grammar.mask(), dtype=np.bool_)

    def advance(self, token: int) -> None:
        self.grammar.advance(token)


def _played(decoder: Decoder, task: Task, context: Phrase, steering: Steering, seed: int) -> Phrase:
    """Four bars after the context."""
    place = (context.places[-1] + 1) % 8
    guide = _Free(Grammar(task, context.meter, places_from(place, steering.bars)))
    row = Row(guide, Sampling(seed, temperature=0.9, min_p=0.02))
    generate(decoder, prompt(Heading(task, context.meter), context, steering, place), [row], lambda: False)
    before = context.chords[-1].chord if context.chords else None
    return decode_slot(row.ids, task, context.meter, place, before)


def _realised(name: str, phrase: Phrase, bigram: ChordNgram) -> float:
    facts = dict(zip(BAR_FACTS, bar_facts(phrase).sum(axis=0), strict=True))
    if name == "density":
        return float(facts["onsets"])
    if name == "brightness":
        return float(facts["bright"] / max(facts["bright_weight"], 1))
    return bigram.nats([vocab.chord_id(span.chord) for span in phrase.chords])


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's, -1 to 1; ties share the mean of their ranks. 0 where one side never changes."""
    columns = np.array(pairs, dtype=np.float64).T
    ranks = [(np.searchsorted(np.sort(c), c, "left") + np.searchsorted(np.sort(c), c, "right")) / 2 for c in columns]
    if any(np.ptp(column) == 0 for column in ranks):
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
