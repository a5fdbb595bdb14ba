"""Who makes ideas and chords, by the names that settings and flags have for them."""

from __future__ import annotations

import os
from pathlib import Path

from jamlink.proposers.base import Accompanies, Proposer
from jamlink.resources import data_folder
from jamlink.settings import Settings


def model_folder(name: str) -> Path:
    """A folder of models/ by name, or any folder by path."""
    return Path(name) if "/" in name or os.sep in name else data_folder("models") / name


def stand_in(name: str) -> Proposer:
    """Who answers when the model does not: quick, pure Python, in the session's own process."""
    if name == "markov":
        from jamlink.proposers.markov import MarkovProposer

        return MarkovProposer()
    from jamlink.proposers.rules import RulesProposer

    return RulesProposer()


def without_model(settings: Settings) -> Proposer:
    """Who makes a jam's ideas when no model does: the proposer that was chosen, or the stand-in beside a model.

    Raises `Nonsense` or `Unavailable` where its table is damaged or missing.
    """
    chosen = settings.model.proposer
    return stand_in(settings.model.stand_in if chosen == "transformer" else chosen)


def proposer(name: str, model: str) -> Proposer:
    """Any proposer, in this process: for rendering and evaluation."""
    if name != "transformer":
        return stand_in(name)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # two threads wait for each other longer than they work
    from jamlink.nn.checkpoint import load as load_checkpoint
    from jamlink.proposers.originality import index_for
    from jamlink.proposers.transformer import TransformerProposer
    from jamlink.tokens import vocab

    folder = model_folder(model)
    return TransformerProposer(load_checkpoint(folder, vocab.HASH), index_for(folder))


def chords_at_once() -> Accompanies:
    """Who finds chords for a melody between two notes, where the model does not. Raises `Nonsense` or `Unavailable`
    where its table is damaged or missing."""
    from jamlink.proposers.chords_at_once import StandIn, table

    return StandIn(table())
