"""What waits for the disk does so elsewhere, in order, and its end is told where it was asked for."""

from __future__ import annotations

import threading

from jamlink.errors import Unavailable
from jamlink.runtime.errands import Errands


def refuse():
    raise Unavailable("The disk is full.", "Make room.")


def test_errands_are_done_in_order_on_another_thread_and_told_on_this_one():
    errands, done, told = Errands(), [], []
    for number in range(5):
        errands.run(
            lambda number=number: done.append((number, threading.current_thread().name)),
            lambda trouble, number=number: told.append((number, trouble, threading.current_thread())),
        )
    errands.close()
    assert done == [(number, "errands") for number in range(5)]
    assert told == [(number, "", threading.current_thread()) for number in range(5)]


def test_nothing_is_told_before_somebody_asks():
    errands, told, is_done = Errands(), [], threading.Event()
    errands.run(is_done.set, told.append)
    assert is_done.wait(20)
    assert told == []
    errands.close()
    assert told == [""]


def test_what_goes_wrong_is_one_sentence_and_the_next_errand_is_done(capsys):
    errands, told = Errands(), []
    errands.run(refuse, told.append)
    errands.run(lambda: 1 // 0, told.append)
    errands.run(lambda: None, told.append)
    errands.close()
    assert told == ["The disk is full. Make room.", "That could not be done (ZeroDivisionError). Try again.", ""]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_without_an_errand_there_is_no_thread():
    errands = Errands()
    assert not errands.finished()
    errands.close()
    assert errands._runner is None
