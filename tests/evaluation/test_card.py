"""Pages get their figures from results, and keep what people wrote."""

from __future__ import annotations

import json

import pytest

from jamlink.errors import Nonsense
from jamlink.evaluation.card import data_table, figures, filled
from jamlink.evaluation.result import Result, Row, interval

RESULT = Result(
    "accompany",
    "openewld-pd",
    "a" * 64,
    3,
    (
        Row("HMM", 350, {"nic": 0.63, "coupling": 0.114}, {"nic": (0.62, 0.64)}),
        Row("jam", 350, {"nic": 0.65}, model="jam-s", caveat="sampled"),
    ),
    ("Published systems decide every sixteenth.",),
)


def test_a_section_is_replaced_and_the_rest_stays():
    page = "before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n"
    assert filled(page, "figures", "new\n") == "before\n<!-- figures -->\nnew\n<!-- /figures -->\nafter\n"
    assert filled(filled(page, "figures", "x"), "figures", "new") == filled(page, "figures", "new")
    with pytest.raises(Nonsense, match="no section"):
        filled(page, "data", "x")


def test_every_figure_of_the_results_is_on_the_page():
    text = figures([json.loads(RESULT.as_json())])
    assert "| HMM | 350 | 0.630 (0.620 to 0.640) | 0.114 |" in text
    assert "| jam (jam-s) | 350 | 0.650 | - |" in text
    assert "- jam: sampled" in text
    assert "- Published systems decide every sixteenth." in text


def test_the_json_has_the_promised_keys():
    found = json.loads(RESULT.as_json())
    assert {"task", "data", "split_hash", "seed", "rows"} <= set(found)
    assert found["rows"][0]["ci"] == {"nic": [0.62, 0.64]}
    assert found["rows"][0]["nic"] == 0.63


def test_an_interval_holds_the_mean_and_shrinks_with_more_songs():
    few, many = [0.0, 1.0] * 10, [0.0, 1.0] * 1000
    low, high = interval(few)
    assert low < 0.5 < high
    assert interval(many)[1] - interval(many)[0] < (high - low) / 5
    assert interval(few) == interval(few)
    assert interval([1.0, float("nan"), 1.0]) == (1.0, 1.0)


def test_the_weighted_mean_is_what_is_resampled():
    low, high = interval([0.0, 1.0], weights=[0.0, 1.0])
    assert high == 1.0
    assert low >= 0.0


def test_the_data_table_names_licence_and_owner():
    counts = [
        {"source": "s", "pieces": 2, "bars": 8, "melody notes": 9, "chords by": "", "tokens": 5, "left out": {"x": 3}}
    ]
    text = data_table(counts, {"s": {"licence": "CC0-1.0", "attribution": "Nobody"}})
    assert "| s | CC0-1.0 | 2 | 8 | 9 |  | 5 | 3 |" in text
    assert "- s: Nobody" in text
