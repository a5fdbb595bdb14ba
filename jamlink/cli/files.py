"""`jamlink render`, `export`, `replay` and `ledger`: music and sessions as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from jamlink.cli.saying import JSON_HELP, one_sentence, out
from jamlink.cli.taking import accompanying, takes
from jamlink.flags import KEY, MAKERS, Flag, listed, settings_of


class Accept(StrEnum):
    """Which idea of each hand a render takes."""

    best = "best"
    first = "first"
    random = "random"
    none = "none"


RENDER = (
    Flag("--accept", Accept, "Which idea of each hand is taken.", default=Accept.best),
    Flag("--bars", str, "Bars per idea: 1, 2, 4 or 8.", "session.bars", "4", metavar="NUMBER"),
    Flag("--key", str, KEY, "session.key"),
    Flag("--seed", int, "The same seed gives the same file.", "session.seed", 1),
    Flag("--proposer", str, MAKERS, "model.proposer", "transformer"),
    Flag("--roles", str, "Any of chords,melody,bass.", "session.roles", "chords,melody,bass", listed),
    Flag("--mode", str, "propose, trade or accompany.", "session.mode", "propose"),
    Flag("--look-ahead", int, "Accompany: beats that chords are thought of ahead.", "accompany.look-ahead"),
    Flag("--commit", int, "Accompany: beats that they are promised ahead.", "accompany.commit"),
    Flag("--listen", int, "Accompany: beats before they begin.", "accompany.listen"),
    Flag("--rest", int, "Accompany: bars of silence that end it; 0 never.", "accompany.rest"),
    Flag("--repeat", str, "once, loop or 'keep going'.", "session.repeat", "once"),
    Flag("--model", str, "A folder of models/ or a path.", default="jam-s"),
    Flag("--json", bool, JSON_HELP, default=False),
)


@takes(RENDER)
def render(
    source: Annotated[Path, typer.Argument(help="The musician's MIDI file.")],
    target: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
    **said: Any,
) -> None:
    """Run a whole jam over a MIDI file, faster than real time, and write the result."""
    from jamlink.app import offline

    with one_sentence():
        how = {name: str(said[name]) for name in ("accept", "model")}
        report = offline.render(source, target, accompanying(settings_of(RENDER, said)), **how)
        if said["json"]:
            print(json.dumps(report))
        else:
            _show_render(report, target)


def _show_render(report: Mapping[str, Any], target: Path) -> None:
    for slot in report["slots"]:
        line = f"bar {slot['bar']:>3}  {slot['verdict']:<9} {slot['proposer']:<8} {slot['chords']}"
        out.print(line, highlight=False)
    for bar in report["along"]:
        out.print(f"bar {bar['bar']:>3}  {', '.join(bar['by']):<19} {bar['chords']}", highlight=False)
    for doubt in report["doubts"]:
        out.print(doubt, highlight=False, markup=False, soft_wrap=True)
    out.print(f"Written to {target}; the session is {report['session']}.", highlight=False, soft_wrap=True)


def export(session: Path, target: Path) -> None:
    """Write a session as a MIDI file: a track for each player and role, tempo, meter and chord markers.

    A target that ends in .musicxml or .abc gets a lead sheet instead, in .ireal the chords as a link for iReal Pro, in
    .dawproject a project with a track for each player and role.
    """
    from jamlink.app import offline

    with one_sentence():
        offline.export(session, target)
        out.print(f"Written to {target}.", highlight=False, soft_wrap=True)


def replay(session: Path) -> None:
    """Play a session's inputs into a fresh session and compare everything it did."""
    from jamlink.app import offline

    with one_sentence():
        verdict = offline.replay(session)
        out.print(verdict.sentence, highlight=False, soft_wrap=True)
        raise typer.Exit(0 if verdict.same else 1)


ledger = typer.Typer(help="Session files: who played what, and whether the record is whole.", no_args_is_help=True)


@ledger.command("verify")
def ledger_verify(session: Path) -> None:
    """Recompute the hash chain and say whether the record is whole."""
    from jamlink.ledger.store import verify

    with one_sentence():
        verdict = verify(session)
        out.print(verdict.sentence, highlight=False, soft_wrap=True)
        raise typer.Exit(0 if verdict.whole else 1)


@ledger.command("show")
def ledger_show(session: Path) -> None:
    """Print every entry, one line each."""
    from jamlink.ledger.report import lines

    with one_sentence():
        for line in lines(session):
            print(line)


@ledger.command("report")
def ledger_report(session: Path) -> None:
    """Say who made which notes and what became of the ideas."""
    from jamlink.ledger.report import report

    with one_sentence():
        print(report(session))
