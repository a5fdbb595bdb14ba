"""The session process without its processes: parts that are lists."""

from __future__ import annotations

from types import SimpleNamespace

from jamlink.midi.actions import Action
from jamlink.runtime.jam import Jam
from jamlink.session.core import Session
from jamlink.session.inputs import Do
from jamlink.session.settings import SessionSettings
from jamlink.testing.clock import ManualClock
from jamlink.timing.units import Ns


class Broken:
    """A stand-in with a mistake in it."""

    name = "broken"

    def propose(self, request, cancelled):
        raise ZeroDivisionError


class Nowhere:
    """A part that takes everything and does nothing."""

    trouble = None
    acknowledged = 0

    def __getattr__(self, name):
        return lambda *args, **kwargs: None


def test_a_stand_in_that_fails_leaves_the_jam_running_and_says_that_there_are_no_ideas(capsys):
    session = Session(SessionSettings(), Ns(0))
    parts = SimpleNamespace(
        session=session,
        io=Nowhere(),
        model=None,
        stand_in=Broken(),
        ledger=Nowhere(),
        views=Nowhere(),
        clock=ManualClock(),
        opening=(),
        demo=None,
    )
    jam = Jam(parts)
    jam._feed(Do(Action.NEXT_HAND, "test"))
    snapshot = session.snapshot()
    assert not snapshot.asking
    assert "No ideas" in snapshot.notices[-1]
    assert "ZeroDivisionError" in capsys.readouterr().err
