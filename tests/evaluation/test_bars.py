"""Bars: met, missed, not measured; against a number, or against a row of the same run."""

import pytest

from jamlink.evaluation.bars import BARS, Bar, Side, summary, verdicts
from jamlink.evaluation.tasks import TASKS


def result(**rows: dict) -> dict:
    return {"task": "melody", "rows": [{"system": name, **row} for name, row in rows.items()]}


def bar(side: Side, limit: float, **more: object) -> Bar:
    return Bar("melody", "a thing", "ours", "ppl", side, limit, "theirs", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "value", "met"),
    [
        (Side.LEAST, 4.0, True),
        (Side.LEAST, 3.9, False),
        (Side.MOST, 4.0, True),
        (Side.MOST, 4.1, False),
    ],
)
def test_a_value_must_lie_on_its_side_of_the_limit(side: Side, value: float, met: bool) -> None:
    (verdict,) = verdicts([result(ours={"ppl": value}, theirs={"ppl": 9.0})], [bar(side, 4.0)])
    assert verdict.met is met
    assert verdict.baseline == 9.0


def test_a_limit_can_hang_on_a_row_of_the_same_run() -> None:
    rows = result(ours={"ppl": 6.9}, theirs={"ppl": 7.0}, people={"spread": 70.0})
    added, shared = verdicts(
        [rows],
        [
            bar(Side.MOST, -0.2, beside="theirs"),
            bar(Side.LEAST, 0.1, beside="people", of_beside=True, other_metric="spread"),
        ],
    )
    assert (added.limit, added.met) == (6.8, False)
    assert shared.limit == pytest.approx(7.0)
    assert not shared.met


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    (verdict,) = verdicts([result(theirs={"ppl": 9.0})], [bar(Side.MOST, 4.0)])
    assert verdict.met is None
    (verdict,) = verdicts([result(ours={"ppl": 9.0})], [bar(Side.MOST, 4.0, beside="theirs")])
    assert verdict.met is None
    assert not list(verdicts([result()], [Bar("chords", "", "ours", "x", Side.MOST, 1.0, "theirs")]))


def test_the_summary_says_the_interval_the_limit_and_the_other() -> None:
    rows = {
        "task": "melody",
        "rows": [
            {"system": "network", "pitch_ppl": 5.0, "ci": {"pitch_ppl": [4.5, 5.5]}},
            {"system": "n-gram with chord and bar + memory", "pitch_ppl": 6.0},
        ],
    }
    lines = summary([rows]).splitlines()
    assert (
        "5.000 (4.500 to 5.500) | at most 4.400 | 6.000 (n-gram with chord and bar + memory) | **missed** |" in lines[2]
    )
    assert "not measured" in lines[3]


def test_every_bar_is_of_a_task_that_can_be_run() -> None:
    assert {bar.task for bar in BARS} <= set(TASKS)
    assert len({(bar.task, bar.system, bar.metric) for bar in BARS}) == len(BARS)
