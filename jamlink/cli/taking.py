"""Commands that take flags from a table, and what flags of the accompaniment mean for one another."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from jamlink.flags import NAMES, Flag

Command = Callable[..., None]


def takes(flags: Iterable[Flag]) -> Callable[[Command], Command]:
    """A command that gets `flags` as keywords, after what it names itself: typer reads a command's signature."""

    def taking(command: Command) -> Command:
        named = inspect.signature(command, eval_str=True).parameters.values()
        own = [parameter for parameter in named if parameter.kind is not parameter.VAR_KEYWORD]
        command.__signature__ = inspect.Signature([*own, *map(_parameter, flags)])  # type: ignore[attr-defined]
        return command

    return taking


def _parameter(flag: Flag) -> inspect.Parameter:
    kind: Any = flag.kind | None
    said = Annotated[kind, typer.Option(flag.name, help=flag.help, metavar=flag.metavar)]
    return inspect.Parameter(flag.key, inspect.Parameter.KEYWORD_ONLY, default=flag.default, annotation=said)


def accompanying(said: Mapping[str, Any]) -> dict[str, Any]:
    """`said`, where a commit that is longer than the usual look-ahead brings its own, and a look-ahead that is shorter
    than the usual commit, too. Raises `Nonsense` for what cannot be, by the name that was typed."""
    from jamlink.session.settings import AccompanySettings, check_accompany

    for setting in ("accompany.look-ahead", "accompany.commit", "accompany.listen", "accompany.rest"):
        if said[setting] is not None:
            field = setting.removeprefix("accompany.").replace("-", "_")
            check_accompany(field, said[setting], called=NAMES[setting])
    usual, look_ahead, commit = AccompanySettings(), said["accompany.look-ahead"], said["accompany.commit"]
    if look_ahead is None and commit is not None and commit > usual.look_ahead:
        look_ahead = commit
    elif commit is None and look_ahead is not None and look_ahead < usual.commit:
        commit = look_ahead
    return {**said, "accompany.look-ahead": look_ahead, "accompany.commit": commit}
