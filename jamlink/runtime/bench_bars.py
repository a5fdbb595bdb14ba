"""What the figures of `jamlink bench engine` come to: our fastest engine beside everyone's best and the floor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from jamlink.runtime.bench_wire import label

Row = Mapping[str, Any]


def bars(rows: Sequence[Row], own: Collection[str]) -> list[dict[str, Any]]:
    """For each network and batch: our fastest row, how many times as fast it is as each other engine at its own best
    precision, number of threads and way to wait, and which share of the row's floor it reaches. Medians throughout."""
    found = []
    for params, batch in dict.fromkeys((row["params"], row["batch"]) for row in rows):
        here = [row for row in rows if (row["params"], row["batch"]) == (params, batch)]
        best = fastest(row for row in here if row["engine"] in own)
        if best:
            peers = dict.fromkeys(row["engine"] for row in here if row["engine"] not in own)
            theirs = [fastest(row for row in here if row["engine"] == engine) for engine in peers]
            found.append(_bar(best, [row for row in theirs if row]))
    return found


def fastest(rows: Iterator[Row]) -> Row | None:
    """By median."""
    return min(rows, key=lambda row: row["ms"]["p50"], default=None)


def named(row: Row) -> str:
    """An engine as it is set up, for people."""
    return label(row["engine"], row["precision"], row["threads"], row["environment"])


def _bar(best: Row, theirs: Sequence[Row]) -> dict[str, Any]:
    ms, floor = best["ms"]["p50"], best["floor_ms"]
    return {
        "params": best["params"], "batch": best["batch"], "ours": named(best), "ms": ms,
        "of_floor": round(floor / ms, 3) if floor else None,
        "times_as_fast_as": {named(row): round(row["ms"]["p50"] / ms, 2) for row in theirs},
    }  # fmt: skip


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report for a terminal: a table for each network, the bars, and who is not in it."""
    for params in dict.fromkeys(row["params"] for row in report["rows"]):
        yield f"{params / 1e6:.1f}M weights; ms, median of {report['rounds']} rounds"
        yield from _table([row for row in report["rows"] if row["params"] == params], report["more_context"])
        yield ""
    for bar in report["bars"]:
        yield from _bar_lines(bar)
    for title, why in (("wrong", report["wrong"]), ("not measured", report["not_measured"])):
        yield from (f"{title}: {name}: {reason}" for name, reason in why.items())
    if report["no_floor"]:
        yield f"no floor: {report['no_floor']}"


def _table(rows: Sequence[Row], more: Sequence[Row]) -> Iterator[str]:
    batches = list(dict.fromkeys(row["batch"] for row in rows))
    heads = "".join(f"{f'{batch} ideas' if batch > 1 else '1 idea':>12s}{'floor':>9s}" for batch in batches)
    width = max(len(named(row)) for row in rows)
    yield f"{'':{width}s}{heads}{'more words':>13s}"
    by_batch = {(named(row), row["batch"]): row for row in rows}
    context = {named(row): row for row in more if row["params"] == rows[0]["params"]}
    for name in dict.fromkeys(named(row) for row in rows):
        cells = (by_batch[name, batch] for batch in batches)
        columns = "".join(f"{row['ms']['p50']:12.1f}{row['floor_ms'] or float('nan'):9.1f}" for row in cells)
        yield f"{name:{width}s}{columns}{context[name]['ms']['p50']:13.2f}"


def _bar_lines(bar: Row) -> Iterator[str]:
    share = f", {bar['of_floor']:.0%} of the floor" if bar["of_floor"] else ""
    what = "1 idea" if bar["batch"] == 1 else f"{bar['batch']} ideas"
    yield f"{bar['params'] / 1e6:.1f}M, {what}: {bar['ours']}, {bar['ms']:.1f} ms{share}"
    yield from (f"{times:9.1f} x {name}" for name, times in bar["times_as_fast_as"].items())
