"""`jamlink jam`: the flags are the table in `jamlink.flags`."""

from __future__ import annotations

import sys
from typing import Any

import typer

from jamlink.cli.saying import one_sentence
from jamlink.cli.taking import accompanying, takes
from jamlink.errors import Nonsense
from jamlink.flags import JAM, settings_of


@takes(JAM)
def jam(**said: Any) -> None:
    """Jam: play, see ideas before the bar line, take one with one gesture."""
    from jamlink.app import foreground

    with one_sentence():
        if said["terminal"] and said["page_lan"]:
            raise Nonsense("A tablet needs the page.", "Leave --terminal or --lan out.")
        page = {"page.start": False if said["terminal"] else None, "page.open": _opens(said["page_open"])}
        flags = accompanying(settings_of(JAM, said)) | page
        how = {name: said[name] for name in ("demo", "plain", "play")}
        raise typer.Exit(foreground.jam(flags, said["sessions"], **how))


def _opens(said: bool | None) -> bool | None:
    """Whether a browser opens: as said; else as the settings have it, but never for a script or a pipe."""
    return said if said is not None or sys.stdout.isatty() else False
