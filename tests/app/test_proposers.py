"""Who makes a jam's ideas is who was asked for."""

from __future__ import annotations

import pytest

from jamlink.app.proposers import without_model
from jamlink.settings import load


@pytest.mark.parametrize(
    ("chosen", "beside", "plays"),
    [
        ("transformer", "rules", "rules"),
        ("transformer", "markov", "markov"),
        ("rules", "markov", "rules"),
        ("markov", "rules", "markov"),
    ],
)
def test_who_plays_without_a_model_is_who_was_chosen(tmp_path, chosen, beside, plays):
    settings = load(tmp_path / "none", {}, {"model.proposer": chosen, "model.stand_in": beside})
    assert without_model(settings).name == plays
