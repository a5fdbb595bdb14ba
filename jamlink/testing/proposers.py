"""Proposers for tests, and the contract that every proposer keeps.

The fakes take no arguments, so that a model process can be told to use one by name
(`--proposer jamlink.testing.proposers:SlowProposer`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from jamlink.errors import Unavailable
from jamlink.music.chord import Chord, ChordSpan, Quality
from jamlink.music.note import Note
from jamlink.proposers.base import Cancelled, Proposer
from jamlink.session.proposal import Candidate, ChordsRequest, ProposalRequest, Role, Slot
from jamlink.timing.units import Ticks

_SLOW_S = 60.0
_STEP_S = 0.005


class ScriptedProposer:
    """Gives the ideas it was made with, in turn; without any, major triads a semitone apart and a note a bar."""

    def __init__(self, script: Sequence[Sequence[Candidate]] = (), name: str = "scripted") -> None:
        self.name = name
        self.asked: list[ProposalRequest] = []
        self._script = list(script)

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """The next entry of the script, or plain triads that depend on the seed alone."""
        self.asked.append(request)
        if cancelled():
            return []
        if self._script:
            return list(self._script.pop(0))
        return [_plain(request, i, self.name) for i in range(request.count)]


def _plain(request: ProposalRequest, i: int, name: str) -> Candidate:
    slot, roles, root = request.slot, request.roles, (request.seed + i) % 12
    bars = [Ticks(bar * slot.bar_ticks) for bar in range(slot.bars)]
    return Candidate(
        chords=(ChordSpan(Ticks(0), slot.length, Chord(root, Quality.MAJOR)),) if Role.CHORDS in roles else (),
        melody=tuple(Note(bar, 60 + root, slot.bar_ticks) for bar in bars) if Role.MELODY in roles else (),
        bass=tuple(Note(bar, 36 + root, slot.bar_ticks) for bar in bars) if Role.BASS in roles else (),
        score=-0.1 * i,
        surprise=0.1 * i,
        made_by=name,
        seed=request.seed,
    )


class SlowProposer(ScriptedProposer):
    """Thinks for a minute, looking up every few milliseconds to see whether it may stop. Odd seeds are quick."""

    def __init__(self) -> None:
        super().__init__(name="slow")

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """Nothing for an even seed that is cancelled, which it always should be."""
        end = time.monotonic() + (0 if request.seed % 2 else _SLOW_S)
        while time.monotonic() < end and not cancelled():
            time.sleep(_STEP_S)
        return super().propose(request, cancelled)


class ThoughtfulProposer(ScriptedProposer):
    """Thinks ahead, for ever where the seed is even; each idea's `note` names the seeds that it has thought of."""

    def __init__(self) -> None:
        super().__init__(name="thoughtful")
        self._thought: list[int] = []

    def prepare(self, request: ProposalRequest, cancelled: Cancelled) -> None:
        """Until it is cancelled, or at once."""
        while request.seed % 2 == 0 and not cancelled():
            time.sleep(_STEP_S)
        if request.seed % 2:
            self._thought.append(request.seed)

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """Plain triads, signed with what was thought."""
        said = ", ".join(map(str, self._thought))
        return [replace(idea, note=said) for idea in super().propose(request, cancelled)]


class Companion(ScriptedProposer):
    """Accompanies: a major triad a beat, a semitone up with each beat. Odd beats take a minute."""

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """As `Accompanies.chords`."""
        if request.beat % 2:
            time.sleep(_SLOW_S)
        return tuple(Chord((request.beat + i) % 12, Quality.MAJOR) for i in range(request.ahead + 1))


class FailingProposer(ScriptedProposer):
    """Breaks at every request."""

    def __init__(self) -> None:
        super().__init__(name="failing")

    def propose(self, request: ProposalRequest, cancelled: Cancelled) -> list[Candidate]:
        """Raises ZeroDivisionError, as a bug would."""
        return [_plain(request, 1 // 0, self.name)]

    def prepare(self, request: ProposalRequest, cancelled: Cancelled) -> None:
        """Raises it, too."""
        self.propose(request, cancelled)

    def chords(self, request: ChordsRequest) -> tuple[Chord, ...]:
        """And here."""
        return (Chord(1 // 0, Quality.MAJOR),)


class MissingProposer:
    """Cannot even be made."""

    name = "missing"

    def __init__(self) -> None:
        raise Unavailable("The model is not there.", "Put it back.")


class BrokenProposer:
    """Breaks while it is made, as a bug would, or a machine without memory."""

    name = "broken"

    def __init__(self) -> None:
        raise MemoryError


def check_proposer(proposer: Proposer, request: ProposalRequest) -> list[Candidate]:
    """Assert the contract of `Proposer` for one request, and give back what was proposed."""
    found = proposer.propose(request, lambda: False)
    assert len(found) <= request.count
    assert proposer.propose(request, lambda: False) == found, "the same request must give the same ideas"
    assert proposer.propose(request, lambda: True) == [], "a cancelled request has no ideas"
    heard = [(idea.chords, idea.melody, idea.bass) for idea in found]
    assert len(set(heard)) == len(heard), "ideas must differ"
    for idea in found:
        check_candidate(idea, request)
        assert idea.made_by == proposer.name
    return found


def check_candidate(idea: Candidate, request: ProposalRequest) -> None:
    """Assert that an idea lies in its slot, has the roles that were asked for and no others, and can be played."""
    _check_chords(idea.chords, request.slot, wanted=Role.CHORDS in request.roles)
    for role, notes in ((Role.MELODY, idea.melody), (Role.BASS, idea.bass)):
        assert bool(notes) == (role in request.roles), f"{role} must be there exactly where it is asked for"
        assert list(notes) == sorted(notes)
        for note in notes:
            assert 0 <= note.onset < note.end <= request.slot.length, f"{note} leaves the slot"
            assert 0 <= note.pitch <= 127, f"{note} cannot be played"
            assert 1 <= note.velocity <= 127, f"{note} cannot be played"


def _check_chords(chords: Sequence[ChordSpan], slot: Slot, *, wanted: bool) -> None:
    assert bool(chords) == wanted, "chords must be there exactly where they are asked for"
    at = 0
    for span in chords:
        assert span.onset == at, f"chords must follow each other without a gap: {chords}"
        assert span.duration > 0
        at = span.end
    assert at == (slot.length if wanted else 0), f"chords must cover the slot: {chords}"
    assert all(a.chord != b.chord for a, b in pairwise(chords)), f"a chord that stays must be one span: {chords}"
