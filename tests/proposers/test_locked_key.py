"""In a locked key every note of every idea is of it, whoever makes it, however bold, whatever the player did before."""

from __future__ import annotations

from itertools import combinations

import pytest

from jamlink.music.chord import parse_chord
from jamlink.music.key import Key, parse_key
from jamlink.proposers.likeness import likeness
from jamlink.proposers.markov import MarkovProposer
from jamlink.proposers.markov_table import Chart, build
from jamlink.proposers.rules import RulesProposer
from jamlink.session.proposal import Candidate, Controls, ProposalRequest, Role
from jamlink.testing.proposers import check_proposer
from tests.proposers.requests import asked, playing, silence

KEYS = [parse_key(name) for name in ("E", "Dm", "Gb", "C")]
PASTS = {
    "nothing": silence(),
    "the key": playing(("E", "A", "B7"), key="E"),
    "elsewhere": playing(("D#7", "F#m7b5", "Bbmaj7", "G7"), key="C"),
}
BOLD = Controls(surprise=1.0)


@pytest.fixture(params=["rules", "markov", "network"])
def anybody(request, proposer):
    return {"rules": RulesProposer(), "markov": MarkovProposer(), "network": proposer}[request.param]


def foreign(idea: Candidate, key: Key) -> list[str]:
    """The chords that are not of the key, and the notes."""
    chords = [str(span.chord) for span in idea.chords if span.chord and not span.chord.belongs_to(key)]
    return chords + [str(note) for note in (*idea.melody, *idea.bass) if note.pitch % 12 not in key.notes]


def hands(anybody, **asking) -> list[tuple[ProposalRequest, list[Candidate]]]:
    requests = [asked(seed=seed, controls=BOLD, **asking) for seed in range(5)]
    return [(request, check_proposer(anybody, request)) for request in requests]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("past", PASTS)
def test_the_boldest_ideas_stay_in_a_locked_key(anybody, key, past):
    for _, hand in hands(anybody, context=PASTS[past], lock=key):
        assert [foreign(idea, key) for idea in hand] == [[]] * 4


def test_a_key_that_is_only_heard_is_left_by_the_bold(anybody):
    key = parse_key("E")
    assert any(foreign(idea, key) for _, hand in hands(anybody, context=PASTS["the key"]) for idea in hand)


def test_a_hand_in_a_locked_key_is_as_varied(anybody):
    for request, hand in hands(anybody, context=PASTS["the key"], lock=parse_key("E")):
        assert max(likeness(a, b, request) for a, b in combinations(hand, 2)) < 0.9


def test_a_bass_alone_stays_in_it_under_chords_of_the_key(anybody):
    for _, hand in hands(anybody, context=PASTS["the key"], roles=frozenset({Role.BASS}), lock=parse_key("E")):
        assert not any(foreign(idea, parse_key("E")) for idea in hand)


def test_where_nothing_of_the_key_ever_followed_there_is_still_its_home_chord():
    odd = build([Chart("song", Key(0), tuple(map(parse_chord, ("F#7", "Ebm", "F#7", "Ebm"))), ((4, 4),))])
    hand = MarkovProposer(odd).propose(asked(silence(), lock=Key(0)), lambda: False)
    assert {str(idea.chords[0].chord) for idea in hand} == {"C"}
    assert not any(foreign(idea, Key(0)) for idea in hand)


@pytest.mark.parametrize(("symbol", "key", "inside"), [
    ("C#m7", "E", True), ("D#7", "E", False), ("E/D", "E", False), ("E/D#", "E", True), ("A7", "Dm", True),
    ("C7", "Dm", True), ("G7", "Dm", True), ("C#dim7", "Dm", True), ("Caug", "Dm", False), ("F#m", "Dm", False),
])  # fmt: skip
def test_what_belongs_to_a_key(symbol, key, inside):
    assert parse_chord(symbol).belongs_to(parse_key(key)) == inside
