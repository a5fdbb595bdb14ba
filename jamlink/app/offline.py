"""What needs no player: render, replay, export."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jamlink.app import proposers
from jamlink.app.files import check_target, new_header
from jamlink.errors import Nonsense
from jamlink.settings import load, session_settings


def render(source: Path, target: Path, said: Mapping[str, Any], *, accept: str, model: str) -> dict[str, Any]:
    """Run a jam over the musician's file on a hand-moved clock, with what was `said` by setting, the seed at least.
    Returns the report that --json prints."""
    from jamlink.runtime.rendering import Rendering

    check_target(target, source)
    settings = load(Path(os.devnull), {}, {**said, "session.count_in": 0, "session.click": "off"})
    maker, seed = proposers.proposer(settings.model.proposer, model), settings.session.seed
    wanted = session_settings(settings, seed)
    rendering = Rendering(source, wanted, maker, proposers.stand_in("rules"), proposers.chords_at_once())
    return rendering.run(target, _chooser(accept, seed), new_header)


def _chooser(accept: str, seed: int) -> Any:
    """Which place of a hand is taken, from 0; -1 takes what is selected, None takes nothing."""
    dice = random.Random(seed)
    return {
        "best": lambda hand: -1,
        "first": lambda hand: 0,
        "random": lambda hand: dice.randrange(hand),
        "none": lambda hand: None,
    }[accept]


_MIDI_ENDINGS = ("", ".mid", ".midi", ".jam")
"""The last is refused in its own words."""


def export(session: Path, target: Path) -> None:
    """A session file as what the target's name ends in; as a MIDI file where it has no ending. Raises `Nonsense` for an
    ending that says something else."""
    from jamlink.ledger.abc_tune import abc_tune
    from jamlink.ledger.dawproject import dawproject
    from jamlink.ledger.export import export as write
    from jamlink.ledger.ireal import ireal
    from jamlink.ledger.musicxml import musicxml
    from jamlink.midi.files import write_whole

    makers = {".musicxml": musicxml, ".abc": abc_tune, ".ireal": ireal, ".dawproject": dawproject}
    ending = target.suffix.lower()
    if ending not in (*makers, *_MIDI_ENDINGS) or target.name.endswith("."):
        what = f"Nothing can be written as {ending or target.name}."
        raise Nonsense(what, f"Let the name end in {', '.join(('.mid', *makers))}.")
    check_target(target, session)
    make = makers.get(ending)
    if make is not None:
        write_whole(target, make(session))
    else:
        write(session, target)


def replay(session: Path) -> Any:
    """Whether a session's inputs give the same effects again."""
    from jamlink.runtime.replaying import replay as again

    return again(session)
