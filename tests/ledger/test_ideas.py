"""The pages of older ideas say what the live history says, as far as that goes, and go back to the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from jamlink.errors import Nonsense
from jamlink.ledger.entry import HEADER
from jamlink.ledger.ideas import older
from jamlink.ledger.store import Ledger, read
from jamlink.midi.actions import Action
from jamlink.runtime.offline import Offline
from jamlink.session.core import Session
from jamlink.session.inputs import BringBack, Do, ReplaceChord
from jamlink.session.settings import SessionSettings
from jamlink.session.wire import header, record
from jamlink.testing.proposers import ScriptedProposer
from jamlink.timing.units import Ns, tempo_of_bpm

SECOND = 1_000_000_000
NEWEST = 10**9


@pytest.fixture
def jam(tmp_path: Path):
    """A jam in which everything happens to ideas, and its file."""
    settings = SessionSettings(tempo=tempo_of_bpm(120), bars=1, count_in=0, hand=3)
    offline = Offline(Session(settings, Ns(0)), ScriptedProposer(), ScriptedProposer())
    plan = [
        (0.0, Do(Action.PLAY_STOP, "t")),
        (1.0, Do(Action.PICK_2, "t")),
        (1.2, Do(Action.UNDO, "t")),
        (1.4, Do(Action.ACCEPT, "t")),
        (3.0, Do(Action.REJECT, "t")),
        (3.2, ReplaceChord(0, "Am7", "t", 1)),
        (3.4, Do(Action.PICK_2, "t")),
        (5.0, Do(Action.NEXT_HAND, "t")),
        (7.0, BringBack(20, "t")),
        (7.4, Do(Action.ACCEPT, "t")),
        (9.0, BringBack(18, "t")),
        (14.0, Do(Action.PLAY_STOP, "t")),
    ]
    for at, item in plan:
        offline.at(Ns(round(at * SECOND)), item)
    offline.run_until(Ns(15 * SECOND))
    ledger = Ledger(tmp_path / "s.jam")
    ledger.append(HEADER, header(settings, Ns(0), "1", "2026-01-01T10:00:00+00:00"), Ns(0))
    for entry in offline.records:
        ledger.append(*record(entry.value), entry.at)
    assert ledger.close(timeout_s=30)
    return offline, tmp_path / "s.jam"


def test_the_file_says_what_the_live_history_says(jam):
    offline, file = jam
    live = offline.session.state()["history"]
    found = older(file, NEWEST)
    assert found["items"] == sorted(live["items"], key=lambda item: -item["id"])
    assert {item["verdict"] for item in found["items"]} >= {"accepted", "rejected", "undone", "replaced", "let pass"}


def test_pages_follow_one_another_without_a_gap(jam):
    _, file = jam
    everything = older(file, NEWEST)["items"]
    pages, before = [], NEWEST
    while items := older(file, before, count=4)["items"]:
        pages += items
        before = items[-1]["id"]
    assert pages == everything


def test_before_the_first_there_is_nothing(jam):
    _, file = jam
    assert older(file, 0)["items"] == []


def test_a_file_that_is_no_session_is_said_to_be_none(tmp_path):
    with pytest.raises(Nonsense):
        older(tmp_path / "none.jam", 5)


def test_reading_some_kinds_newest_first_is_reading_all_and_choosing(jam):
    _, file = jam
    everything = list(read(file))
    chosen = list(read(file, ("offered", "moved"), since=20, newest_first=True))
    assert chosen == [e for e in reversed(everything) if e.kind in ("offered", "moved") and e.seq >= 20]
