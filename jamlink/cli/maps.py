"""`jamlink maps`: which pad does what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jamlink.cli.saying import one_sentence, out

maps = typer.Typer(help="Controller maps: which pad does what.", no_args_is_help=True)


@maps.command("list")
def maps_list() -> None:
    """List the controller maps and the devices that each one fits."""
    from jamlink.app import maps

    with one_sentence():
        for found in maps.maps():
            fits = ", ".join(found.ports) or "whatever no other map fits"
            out.print(f"[bold]{found.name}[/]  {fits}", highlight=False, soft_wrap=True)


@maps.command("check")
def maps_check(file: Path) -> None:
    """Check a map file."""
    from jamlink.app import maps

    with one_sentence():
        checked = maps.check_map(file)
        out.print(f"{file} is good: {checked}", highlight=False, soft_wrap=True)


@maps.command("learn")
def maps_learn(
    input: Annotated[str | None, typer.Option("--in", help="Part of the controller's port name.")] = None,
    target: Annotated[Path | None, typer.Option("-o", "--out", help="The map file to write.")] = None,
) -> None:
    """Write a map from what you press: press the pad you want for each action, or nothing to pass over it."""
    from jamlink.app import maps

    with one_sentence():
        maps.learn_map(input, target, lambda text: out.print(text, highlight=False, soft_wrap=True))
