"""What became of every file: the counts of each source, and one line for whatever is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jamlink.training.corpus import Written

Row = dict[str, object]
_REASONS = 12
"""Of a source, in the table; the list has them all."""


@dataclass(slots=True)
class Report:
    """What happened to one source."""

    files: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """(piece, why); a piece that falls into several tunes may stand there several times."""
    whole: str = ""
    """Why nothing of the source is read."""

    def leave_out(self, piece: str, why: str) -> None:
        """One more that is left out."""
        self.left_out.append((piece, " ".join(why.split())))

    def reasons(self) -> dict[str, int]:
        """Reason -> how often, the commonest first."""
        if self.whole:
            return {self.whole: self.files}
        return dict(Counter(why.rstrip(".") for _, why in self.left_out).most_common(_REASONS))


def lines(reports: Mapping[str, Report]) -> str:
    """A line for each thing that is left out: source, piece (empty for the whole of a source), reason."""
    rows = ["source\tleft out\twhy"]
    for name, report in reports.items():
        if report.whole:
            rows.append(f"{name}\t\t{report.whole}")
        rows += [f"{name}\t{piece}\t{why}" for piece, why in dict.fromkeys(report.left_out)]
    return "\n".join(rows) + "\n"


def count_table(written: Sequence[Written], reports: Mapping[str, Report]) -> list[Row]:
    """One row a source: what came in, what was left out and why."""
    return [_row(name, report, [t for t in written if t.source == name]) for name, report in reports.items()]


def _row(name: str, report: Report, mine: Sequence[Written]) -> Row:
    return {
        "source": name,
        "files": report.files,
        "pieces": len({tune.name for tune in mine}),
        "tunes": len(mine),
        "bars": sum(tune.bars for tune in mine),
        "notes": sum(tune.notes + tune.bass_notes for tune in mine),
        "melody notes": sum(tune.notes for tune in mine),
        "chords": sum(tune.chords for tune in mine),
        "chord bars": sum(tune.chord_bars for tune in mine),
        "chords by": ", ".join(sorted({tune.labelled_by for tune in mine} - {""})),
        "tokens": sum(len(bar) for t in mine for s in t.streams if s.kind != "hush" for bar in s.bars),
        "held out": sum(tune.held_out for tune in mine),
        "left out": report.reasons(),
    }
