"""What a model must reach to be called good, and whether it does: bars chosen before it was measured.

Each bar is on one metric of one system, set above the strongest simple player known for the same work, or above one
that is measured in the same run. `python -m jamlink.evaluation.card` prints them as the summary of a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Found = Mapping[str, Any]
"""One row of a result, as in its JSON."""


class Side(Enum):
    """On which side of the limit the value must lie."""

    LEAST = "at least"
    MOST = "at most"


@dataclass(frozen=True, slots=True)
class Bar:
    """`metric` of `system` against `limit`, plus the value of `beside` in the same run where that is named.

    With `of_beside` the limit is that share of the other's value. `baseline` is the row that the page shows next to it.
    """

    task: str
    says: str
    system: str
    metric: str
    side: Side
    limit: float
    baseline: str
    beside: str = ""
    of_beside: bool = False
    other_metric: str = ""
    """Of the row that is named beside; the same one where empty."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bar. Numbers are None where the run has no such row."""

    bar: Bar
    value: float | None
    interval: tuple[float, float] | None
    baseline: float | None
    limit: float | None

    @property
    def met(self) -> bool | None:
        """Whether the value is on the right side; None where it was not measured."""
        if self.value is None or self.limit is None:
            return None
        return self.value >= self.limit if self.bar.side is Side.LEAST else self.value <= self.limit


_HMM, _JAM, _LEAST, _MOST = "hmm, likeliest", "jam", Side.LEAST, Side.MOST
_COUNTED, _MEMORY = "4 before, repeats", "jam with memory"
BARS = (
    Bar("accompany", "live, beat by beat: melody notes in the chord", _JAM, "nic", _LEAST, 0.63, _HMM),
    Bar("accompany", "live: how much better than the same chords two bars off", _JAM, "coupling", _LEAST, 0.17, _HMM),
    Bar("accompany", "live: the person's root", _JAM, "root", _LEAST, 0.45, _HMM),
    Bar("accompany", "live: variety of chord lengths, nats", _JAM, "length_entropy", _LEAST, 1.6, _HMM),
    Bar("accompany", "live: notes a chord", _JAM, "pcs", _MOST, 3.6, _HMM),
    Bar("accompany", "live: back within 4 beats of a jump of a tritone", _JAM, "recovery_4", _LEAST, 0.95, _HMM),
    Bar("accompany", "live: back within 2 beats", _JAM, "recovery_2", _LEAST, 0.90, _HMM),
    Bar("accompany", "live: lost by one wrong note in ten", _JAM, "noise_loss", _MOST, 0.10, _HMM),
    Bar("harmonise", "a bar of look-ahead: coupling off the people's", "jam, drawn", "off_coupling", _MOST, 0.03,
        "hmm, best path"),
    Bar("harmonise", "a bar of look-ahead: chord tones (CTnCTR) off the people's", "jam, drawn", "off_ctnctr", _MOST,
        0.05, "hmm, best path", "people", True, "ctnctr"),
    Bar("harmonise", "a bar of look-ahead: consonance (PCS) off the people's", "jam, drawn", "off_pcs_score", _MOST,
        0.05, "hmm, best path", "people", True, "pcs_score"),
    Bar("melody", "Nottingham melodies: pitch perplexity", "network", "pitch_ppl", _MOST, 4.4,
        "n-gram with chord and bar + memory"),
    Bar("melody", "Nottingham melodies: next pitch", "network", "pitch_accuracy", _LEAST, 0.53,
        "n-gram with chord and bar + memory"),
    Bar("chords", "next chord, jazz: first guess", f"jazz: {_MEMORY}", "top_1", _LEAST, 0.04, f"jazz: {_COUNTED}",
        f"jazz: {_COUNTED}"),
    Bar("chords", "next chord, jazz: among five", f"jazz: {_MEMORY}", "top_5", _LEAST, 0.04, f"jazz: {_COUNTED}",
        f"jazz: {_COUNTED}"),
    Bar("chords", "next chord, jazz: bits", f"jazz: {_MEMORY}", "bits", _MOST, -0.3, f"jazz: {_COUNTED}",
        f"jazz: {_COUNTED}"),
    Bar("chords", "next chord, jazz, network alone: first guess", "jazz: jam", "top_1", _LEAST, 0.04,
        f"jazz: {_COUNTED}", f"jazz: {_COUNTED}"),
    Bar("chords", "next chord, Billboard: log-probability, nats", f"pop: {_MEMORY}", "nats", _LEAST, -1.25,
        f"pop: {_COUNTED}"),
    Bar("frames", "JSB chorales, its own network: nats a frame", "JSB chorales: network", "nats", _MOST, 5.3,
        "JSB chorales: frame 2-gram + memory"),
    Bar("frames", "Nottingham, its own network: nats a frame", "Nottingham: network", "nats", _MOST, 2.1,
        "Nottingham: frame 2-gram + memory"),
Bar("frames", "JSB chorales, with a memory of the piece", "JSB chorales: network + memory", "nats", _MOST, 0.0,
        "JSB chorales: frame 2-gram + memory", "JSB chorales: frame 2-gram + memory"),
    Bar("frames", "Nottingham, with a memory of the piece", "Nottingham: network + memory", "nats", _MOST, 0.0,
        "Nottingham: frame 2-gram + memory", "Nottingham: frame 2-gram + memory"),
        Bar("controls", "sparse to dense: rank correlation with notes a bar", _JAM, "density", _LEAST, 0.9, "markov"),
    Bar("controls", "dark to bright: bright ideas above dark ones (AUC)", _JAM, "brightness", _LEAST, 0.85, "markov"),
    Bar("controls", "safe to bold: rank correlation with rare chords", _JAM, "surprise", _LEAST, 0.8, "markov"),
    Bar("controls", "time spent in the key", _JAM, "key", _LEAST, 0.97, "human"),
    Bar("controls", "chords heard as the style that was asked for", _JAM, "style_chords", _LEAST, 0.8, "human"),
    Bar("controls", "melodies heard as the style that was asked for", _JAM, "style_melody", _LEAST, 0.8, "human"),
    Bar("originality", "ideas within what people share by chance", _JAM, "inside", _LEAST, 0.99, "copyist"),
    Bar("originality", "ideas with 24 steps of a known melody", _JAM, "verbatim", _MOST, 0.0, "copyist"),
    Bar("originality", "distance between the ideas of a hand", _JAM, "distance", _LEAST, 0.0,
        "human pairs, like contexts", "human pairs, like contexts"),
)  # fmt: skip


def verdicts(results: Sequence[Found], bars: Sequence[Bar] = BARS) -> Iterator[Verdict]:
    """One for each bar whose task was run."""
    rows = {result["task"]: {row["system"]: row for row in result["rows"]} for result in results}
    for bar in bars:
        if bar.task in rows:
            yield _verdict(bar, rows[bar.task])


def _verdict(bar: Bar, rows: Mapping[str, Found]) -> Verdict:
    own = rows.get(bar.system, {})
    low, high = own.get("ci", {}).get(bar.metric, (None, None))
    return Verdict(
        bar, own.get(bar.metric), None if low is None else (low, high),
        rows.get(bar.baseline, {}).get(bar.metric), _limit(bar, rows),
    )  # fmt: skip


def _limit(bar: Bar, rows: Mapping[str, Found]) -> float | None:
    if not bar.beside:
        return bar.limit
    other: float | None = rows.get(bar.beside, {}).get(bar.other_metric or bar.metric)
    if other is None:
        return None
    return bar.limit * other if bar.of_beside else bar.limit + other


def summary(results: Sequence[Found]) -> str:
    """A table in Markdown: each bar, what was reached, and the strongest simple player beside it."""
    lines = ["| | jamlink | bar | beside it | |", "|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, verdicts(results))])


def _line(verdict: Verdict) -> str:
    bar = verdict.bar
    span = f" ({verdict.interval[0]:.3f} to {verdict.interval[1]:.3f})" if verdict.interval else ""
    value = "not measured" if verdict.value is None else f"{verdict.value:.3f}{span}"
    limit = "-" if verdict.limit is None else f"{bar.side.value} {verdict.limit:.3f}"
    other = (
        "-"
        if verdict.baseline is None
        else f"{verdict.baseline:.3f} ({bar.baseline.partition(': ')[2] or bar.baseline})"
    )
    said = {True: "met", False: "**missed**", None: "-"}[verdict.met]
    return f"| {bar.says} | {value} | {limit} | {other} | {said} |"
