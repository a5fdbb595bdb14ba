"""The command line. Each command reads its words, calls one function, and turns trouble into one sentence.

Heavy things (a model, a web server, torch) are imported by the commands that need them, so that `jamlink --help` is
there at once. Each module has a family of commands:

    jam          jam, with the flags of `jamlink.flags`
    machine      ports, doctor, plugin
    files        render, export, replay, ledger
    maps         maps
    bench        bench
    learning     corpus, train, eval
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from jamlink import __version__
from jamlink.cli import bench, files, jam, learning, machine, maps
from jamlink.cli.saying import out

app = typer.Typer(
    name="jamlink",
    help="A band mate that thinks one phrase ahead. `jamlink jam` starts; `jamlink jam --demo` shows.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (jam.jam, machine.ports, machine.doctor, files.render, files.export, files.replay):
    app.command()(command)
app.command("eval")(learning.evaluate)
app.command()(learning.train)
for name, family in (
    ("maps", maps.maps),
    ("plugin", machine.plugin),
    ("ledger", files.ledger),
    ("bench", bench.bench),
    ("corpus", learning.corpus),
):
    app.add_typer(family, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"jamlink {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    """Start here."""


def run() -> None:
    """The console script."""
    sys.exit(app())
