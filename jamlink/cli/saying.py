"""How commands say what was asked for, and trouble in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from jamlink.errors import JamlinkError

out = Console()
err = Console(stderr=True)

JSON_HELP = "Print one JSON object, last."
AS_JSON = typer.Option("--json", help=JSON_HELP)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Trouble that we know becomes one sentence and exit code 1; Ctrl-C leaves quietly."""
    try:
        yield
    except JamlinkError as trouble:
        err.print(f"[bold]jamlink:[/] {escape(str(trouble))}", soft_wrap=True, highlight=False, markup=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
