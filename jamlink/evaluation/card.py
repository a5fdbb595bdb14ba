"""Figures into pages: `python -m jamlink.evaluation.card RESULTS PAGE... [--counts FILE --data FOLDER]`.

RESULTS is what `jamlink eval all --json` printed. In each page what stands between `<!-- NAME -->` and `<!-- /NAME -->`
is replaced: `summary` by which bars are met, `figures` by the tables of the results, `data` by the table of what was
trained on and whose it is. A page has the sections it wants. The rest of it is written by people.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jamlink.errors import Nonsense
from jamlink.evaluation.bars import summary
from jamlink.midi.files import write_whole

_FIXED = ("system", "model", "n", "ci", "caveat")


def filled(page: str, name: str, body: str) -> str:
    """A page with one section replaced. Raises `Nonsense` where it has no such section."""
    found = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not found.search(page):
        raise Nonsense(
            f"The page has no section {name}.", f"Put <!-- {name} --> and <!-- /{name} --> around its place."
        )
    return found.sub(lambda match: f"{match[1]}{body.rstrip()}\n{match[2]}", page)


def figures(results: Sequence[Mapping[str, Any]]) -> str:
    """A table for each task, its notes below."""
    return "\n".join(_task(result) for result in results)


def _task(result: Mapping[str, Any]) -> str:
    rows = result["rows"]
    metrics = list(dict.fromkeys(name for row in rows for name in row if name not in _FIXED))
    lines = [
        f"**{result['task']}**, {result['data']} (split `{result['split_hash'][:12]}`, seed {result['seed']})",
        "",
        "| | n | " + " | ".join(name.replace("_", " ") for name in metrics) + " |",
        "|---|---" + "|---" * len(metrics) + "|",
    ]
    for row in rows:
        name = row["system"] + (f" ({row['model']})" if row["model"] else "")
        cells = [_cell(row, metric) for metric in metrics]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {name} | {row['n']} | " + " | ".join(cells) + " |")
    notes = [f"{row['system']}: {row['caveat']}" for row in rows if row.get("caveat")]
    lines += [""] + [f"- {note}" for note in [*notes, *result.get("notes", [])]]
    return "\n".join(lines).rstrip() + "\n"


def _cell(row: Mapping[str, Any], metric: str) -> str:
    """A number, with its 95 % interval where there is one."""
    value, (low, high) = row.get(metric), row.get("ci", {}).get(metric, (None, None))
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else "")


def data_table(counts: Sequence[Mapping[str, Any]], manifest: Mapping[str, Mapping[str, Any]]) -> str:
    """What was trained on, under which licence, and whose it is."""
    lines = [
        "| Set | Licence | Pieces | Bars | Melody notes | Chords by | Words | Left out |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in counts:
        licence = str(manifest[row["source"]]["licence"]).replace("LicenseRef-", "")
        cells = (
            row["source"], licence, row["pieces"], row["bars"], row["melody notes"], row["chords by"], row["tokens"],
            sum(row["left out"].values()),
        )  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    lines += ["", "Attribution:", ""]
    return "\n".join([*lines, *(f"- {row['source']}: {manifest[row['source']]['attribution']}" for row in counts)])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("pages", type=Path, nargs="+")
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--data", type=Path, help="the folder with MANIFEST.toml")
    args = parser.parse_args()
    found = json.loads(args.results.read_text().strip().splitlines()[-1])
    results = found.get("tasks", [found])
    bodies = {"summary": summary(results), "figures": figures(results)}
    if args.counts:
        manifest = tomllib.loads((args.data / "MANIFEST.toml").read_text())
        bodies["data"] = data_table(json.loads(args.counts.read_text()), manifest)
    for page in args.pages:
        text = page.read_text()
        for name, body in bodies.items():
            if f"<!-- {name} -->" in text:
                text = filled(text, name, body)
        write_whole(page, text.encode())


if __name__ == "__main__":
    main()
