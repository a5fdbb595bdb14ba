"""The log says each mistake, and a mistake that comes a thousand times does not fill it."""

from __future__ import annotations

from jamlink.runtime.faults import LINE_EVERY, WHOLE, Faults
from jamlink.timing.units import Ns


def raised(kind):
    try:
        raise kind("here")
    except kind as bug:
        return bug


def test_the_first_few_are_written_whole_and_then_a_line_in_ten_seconds():
    said = []
    faults = Faults(said.append)
    bug = raised(KeyError)
    for number in range(1000):
        faults.note(bug, "deciding", Ns(number * LINE_EVERY // 500))
    assert faults.count == 1000
    assert len([text for text in said if "Traceback" in text]) == WHOLE
    assert len(said) == WHOLE + 2
    assert said[-1].startswith("Mistakes so far: ")


def test_each_place_is_a_mistake_of_its_own_and_is_named_in_a_few_words():
    said = []
    faults = Faults(said.append)
    where = faults.note(raised(KeyError), "deciding", Ns(0))
    assert where.startswith("KeyError in test_faults.py, line ")
    for _ in range(WHOLE):
        faults.note(raised(ValueError), "showing", Ns(0))
    assert len([text for text in said if "Traceback" in text]) == WHOLE + 1
