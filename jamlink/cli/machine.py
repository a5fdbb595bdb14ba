"""`jamlink ports`, `doctor` and `plugin`: what this machine has, and what can be wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from jamlink.cli.saying import AS_JSON, one_sentence, out
from jamlink.errors import Nonsense


def ports(as_json: Annotated[bool, AS_JSON] = False) -> None:
    """List the MIDI ports that can be used."""
    from jamlink.app import machine

    with one_sentence():
        listing = machine.ports()
        if as_json:
            print(json.dumps({"inputs": listing.inputs, "outputs": listing.outputs}))
            return
        for title, names in (("Hear from", listing.inputs), ("Play to", listing.outputs)):
            out.print(f"[bold]{title}[/]")
            for name in names or ("nothing is plugged in; jamlink opens ports of its own",):
                out.print(f"  {name}", highlight=False, markup=False)


def doctor(
    loopback: Annotated[
        bool, typer.Option("--loopback", help="Measure the way out and in again, and say which offset to set.")
    ] = False,
    input: Annotated[str, typer.Option("--in", help="With --loopback: hear on the port of this name.")] = "",
    output: Annotated[str, typer.Option("--out", help="With --loopback: play to the port of this name.")] = "",
    system: Annotated[str, typer.Option(help="auto, JACK, ALSA, CoreMIDI or Windows.")] = "auto",
    as_json: Annotated[bool, AS_JSON] = False,
) -> None:
    """Check Python, ports, loop-back latency, model and disk; each failing line says what to do."""
    from jamlink.app import machine

    with one_sentence():
        if (input or output) and not loopback:
            raise Nonsense("Which ports to measure was said, but not to measure.", "Add --loopback.")
        checks = machine.loopback(input, output, system) if loopback else machine.doctor()
        if as_json:
            print(json.dumps([{"name": c.name, "ok": c.ok, "what": c.what, "remedy": c.remedy} for c in checks]))
        else:
            for check in checks:
                mark = "[green]ok  [/]" if check.ok else "[red]look[/]"
                said = escape(check.what if check.ok else f"{check.what} {check.remedy}")
                out.print(f"{mark} [bold]{check.name}[/]: {said}", highlight=False, soft_wrap=True)
        raise typer.Exit(0 if all(check.ok for check in checks) else 1)


plugin = typer.Typer(help="The note plug-in for DAWs (LV2).", no_args_is_help=True)


@plugin.command("install")
def plugin_install(
    to: Annotated[Path | None, typer.Option(help="Another folder than the one where DAWs look.")] = None,
) -> None:
    """Build the plug-in and put it where DAWs look."""
    from jamlink.plugin.build import install

    with one_sentence():
        out.print(f"Installed as {install(to)}. Let your DAW scan its plug-ins.", soft_wrap=True)
